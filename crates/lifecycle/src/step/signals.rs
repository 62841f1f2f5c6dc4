//! What senders say: fire, resolve, cancel, inform.

use model::{
    Alert, AlertKind, CloseReason, Content, EventKind, Signal, SignalKind, Status, Timestamp,
};

use super::draft::{Details, Draft, vouched};
use super::{Decision, Identity, StepContext, actions, timers};
use crate::is_live;

pub(super) fn signal(
    alert: Option<&Alert>,
    mut signal: Signal,
    identity: Identity,
    cx: &StepContext<'_>,
) -> Decision {
    let live = alert.filter(|alert| is_live(alert, cx.now));
    let has_ended = signal.ends_at.is_some_and(|end| end <= cx.now);
    match std::mem::take(&mut signal.kind) {
        SignalKind::Act(action) => actions::act(alert, action, signal.origin, cx),
        SignalKind::Inform => inform(signal, identity, cx),
        SignalKind::Resolve => end(live, signal, CloseReason::Resolved, cx),
        SignalKind::Cancel => end(live, signal, CloseReason::Cancelled, cx),
        // An alert whose end has passed is a resolved one, as Alertmanager's API v2 has it.
        SignalKind::Fire if has_ended => end(live, signal, CloseReason::Resolved, cx),
        SignalKind::Fire => fire(live, signal, identity, cx),
    }
}

fn fire(
    alert: Option<&Alert>,
    signal: Signal,
    identity: Identity,
    cx: &StepContext<'_>,
) -> Decision {
    match alert {
        Some(alert) if !alert.is_closed() => fire_again(alert, signal, cx),
        Some(alert) if reopens(alert, &signal, cx) => reopen(alert, signal, cx),
        _ => open(signal, identity, cx),
    }
}

fn open(mut signal: Signal, identity: Identity, cx: &StepContext<'_>) -> Decision {
    let origin = signal.origin.take();
    let mut draft = Draft::begin(signal, identity, cx);
    if cx.policy.tracking_delay.0 > 0 {
        let details = Details {
            until: Some(cx.now.plus(cx.policy.tracking_delay)),
            origin,
            ..Details::default()
        };
        draft.write(EventKind::Tracked, Status::Tracking, details);
    } else {
        let details = Details {
            origin,
            ..Details::default()
        };
        draft.write(EventKind::Opened, Status::Open, details);
    }
    draft.finish()
}

/// A fire on an alert that is not closed.
fn fire_again(alert: &Alert, mut signal: Signal, cx: &StepContext<'_>) -> Decision {
    let ends_at = signal.ends_at;
    let origin = signal.origin.take();
    let content = Content::from_signal(signal, Some(&alert.content), cx.now);
    if content == *alert.content {
        if !promises_less(alert, ends_at, cx) {
            return Decision::Repeat { ends_at };
        }
        let mut draft = Draft::of(alert, cx);
        draft.heard(ends_at);
        return draft.finish();
    }

    let severity_changed = content.severity != alert.content.severity;
    let next_update_at = alert.last_update_at.plus(cx.policy.update_interval);
    // A last update in the future means that the clock was set back: that must not hold values up.
    let may_update = next_update_at <= cx.now || cx.now < alert.last_update_at;
    let details = Details {
        origin,
        ..Details::default()
    };

    let mut draft = Draft::of(alert, cx);
    draft.heard(ends_at);
    draft.say(content);
    if alert.status == Status::Tracking {
        // Nobody was told of it; the opening will say the newest.
    } else if severity_changed {
        draft.write(EventKind::SeverityChanged, alert.status, details);
    } else if may_update {
        draft.write(EventKind::Updated, alert.status, details);
    } else {
        draft.alert.trailing_update_at.get_or_insert(next_update_at);
    }
    draft.finish()
}

/// Whether this fire's promise makes the absence timer come sooner than the row has it, or begin, or end. Promises
/// that reach further stay in the `seen` row: the timer is lazy.
fn promises_less(alert: &Alert, ends_at: Option<Timestamp>, cx: &StepContext<'_>) -> bool {
    match (timers::absence_due(alert, cx), ends_at) {
        (None, promise) => promise.is_some(),
        (Some(_), None) => true,
        (Some(due), Some(end)) => {
            timers::absent_at(end, vouched(end, cx.now), cx.listening_since) < due
        }
    }
}

/// Whether a fire on a closed, live alert belongs to that same alert.
fn reopens(alert: &Alert, signal: &Signal, cx: &StepContext<'_>) -> bool {
    let policy = cx.policy;
    let in_window = policy.reopen_window.0 > 0
        && alert
            .closed_at
            .is_some_and(|closed| cx.now <= closed.plus(policy.reopen_window));
    let begun_before = policy.reopen_begun_before
        && signal.starts_at.is_some_and(|start| {
            start == alert.content.starts_at || alert.closed_at.is_some_and(|at| start < at)
        });
    policy.tracking_delay.0 <= 0 && (in_window || begun_before)
}

fn reopen(alert: &Alert, mut signal: Signal, cx: &StepContext<'_>) -> Decision {
    let details = Details {
        origin: signal.origin.take(),
        ..Details::default()
    };
    // The old start belongs to what is over.
    signal.starts_at.get_or_insert(cx.now);
    let mut draft = Draft::of(alert, cx);
    draft.heard(signal.ends_at);
    draft.alert.via = std::mem::take(&mut signal.via);
    draft.say(Content::from_signal(signal, Some(&alert.content), cx.now));
    draft.write(EventKind::Reopened, Status::Open, details);
    draft.finish()
}

/// A notification is a point in time: each is an alert of its own, whatever lives under its key.
fn inform(mut signal: Signal, identity: Identity, cx: &StepContext<'_>) -> Decision {
    let details = Details {
        because: Some(CloseReason::Informed),
        origin: signal.origin.take(),
        ..Details::default()
    };
    signal.ends_at = None;
    let mut draft = Draft::begin(signal, identity, cx);
    draft.alert.kind = AlertKind::Notification;
    draft.write(EventKind::Informed, Status::Closed, details);
    draft.finish()
}

fn end(
    alert: Option<&Alert>,
    signal: Signal,
    because: CloseReason,
    cx: &StepContext<'_>,
) -> Decision {
    let Some(alert) = alert else {
        return Decision::Nothing("no alert with this key is open");
    };
    if alert.is_closed() {
        return Decision::Nothing("the alert is closed already");
    }
    if ended_before(alert, &signal) {
        return Decision::Nothing("what ended is an older episode than the open one");
    }
    let kind = match because {
        CloseReason::Cancelled => EventKind::Cancelled,
        _ => EventKind::Closed,
    };
    let mut draft = Draft::of(alert, cx);
    draft.heard(None);
    let last_words = last_words(&alert.content, &signal);
    if last_words != *alert.content {
        draft.say(last_words);
    }
    let details = Details {
        because: Some(because),
        origin: signal.origin,
        ..Details::default()
    };
    draft.write(kind, Status::Closed, details);
    draft.finish()
}

/// Whether a resolve came so late that the problem has begun anew: it ended before the open episode began, by the
/// sender's clock. A start that is our own (the sender named none: it equals `opened_at`) or that lay in the future
/// when it was heard says nothing about the sender's clock, and must not keep an alert open for ever.
fn ended_before(alert: &Alert, signal: &Signal) -> bool {
    let start = alert.content.starts_at;
    let start_is_the_senders = start != alert.opened_at && start <= alert.last_seen;
    start_is_the_senders && signal.ends_at.is_some_and(|end| end < start)
}

/// The content with what a closing signal adds: its text, value, annotations and links, where it has them. Who and
/// how bad it was stays: resolves often say neither, or `ok`.
fn last_words(before: &Content, signal: &Signal) -> Content {
    let mut content = before.clone();
    if !signal.text.is_empty() {
        content.text.clone_from(&signal.text);
    }
    if signal.value.is_some() {
        content.value.clone_from(&signal.value);
    }
    if !signal.annotations.is_empty() {
        content.annotations = signal.annotations.clone();
    }
    if !signal.links.is_empty() {
        content.links.clone_from(&signal.links);
    }
    content
}
