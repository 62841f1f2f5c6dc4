//! What an alert does by itself when time comes.

use model::{Actor, Alert, CloseReason, DurationMs, EventKind, Status, Timestamp};

use super::actions::unshelved_status;
use super::draft::{Details, Draft, vouched};
use super::{Decision, StepContext};

/// What is pending, in the order in which timers of the same moment are worked off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// The condition held through its delay: the alert opens.
    Tracking,
    /// The acknowledgement ends.
    Ack,
    /// The alert leaves the shelf.
    Shelf,
    /// A value waits to be told.
    TrailingUpdate,
    /// The sender has been silent for longer than it said (I13).
    Absence,
}

/// Works off every timer that is due, in order of time, and sets the next one.
pub(super) fn time(
    alert: Option<&Alert>,
    seen_ends_at: Option<Timestamp>,
    seen_last: Option<Timestamp>,
    cx: &StepContext<'_>,
) -> Decision {
    let Some(alert) = alert else {
        return Decision::Nothing("there is no such alert");
    };
    let mut draft = Draft::of(alert, cx);
    adopt_seen(&mut draft.alert, seen_ends_at, seen_last);
    // Ends: every timer takes away what made it pending.
    while let Some((due, timer)) = next(&draft.alert, cx) {
        if cx.now < due {
            break;
        }
        fire(&mut draft, timer, cx.now);
    }
    let next_due = next(&draft.alert, cx).map(|(due, _)| due);
    if !draft.has_events() && next_due == alert.timer_at {
        return Decision::Nothing("nothing is due yet");
    }
    draft.finish()
}

/// The earliest thing that pends, and when it is due.
pub(super) fn next(alert: &Alert, cx: &StepContext<'_>) -> Option<(Timestamp, Timer)> {
    let when = |status: Status, until: Option<Timestamp>| until.filter(|_| alert.status == status);
    let policy = cx.policy;
    let tracking = when(Status::Tracking, alert.tracking_until)
        .map(|due| no_later_than(due, policy.tracking_delay, cx.now));
    let trailing = alert
        .trailing_update_at
        .map(|due| no_later_than(due, policy.update_interval, cx.now));
    [
        (tracking, Timer::Tracking),
        (when(Status::Acknowledged, alert.acked_until), Timer::Ack),
        (when(Status::Shelved, alert.shelved_until), Timer::Shelf),
        (trailing, Timer::TrailingUpdate),
        (absence_due(alert, cx), Timer::Absence),
    ]
    .into_iter()
    .filter_map(|(due, timer)| Some((due?, timer)))
    .filter(|(due, _)| *due != Timestamp::NEVER)
    .min()
}

/// When the sender's silence will close this alert; `None` if its silence says nothing.
pub(super) fn absence_due(alert: &Alert, cx: &StepContext<'_>) -> Option<Timestamp> {
    let ends_at = alert.ends_at?;
    let silence_after_ms = alert.silence_after_ms.unwrap_or(0);
    Some(absent_at(ends_at, silence_after_ms, cx.listening_since))
}

/// Silence is evidence only while we listened (I13): the promise must have run out, and we must have heard nothing
/// for as long as the promise was.
pub(super) fn absent_at(
    ends_at: Timestamp,
    silence_after_ms: i64,
    listening_since: Timestamp,
) -> Timestamp {
    ends_at.max(listening_since.plus(DurationMs(silence_after_ms)))
}

/// A time further off than its schedule can set was written by a clock that has been set back since: due now.
fn no_later_than(due: Timestamp, longest: DurationMs, now: Timestamp) -> Timestamp {
    if now.plus(longest.max(DurationMs::ZERO)) < due {
        now
    } else {
        due
    }
}

/// Takes over what repeats said since the row was written, if they said it later.
fn adopt_seen(alert: &mut Alert, seen_ends_at: Option<Timestamp>, seen_last: Option<Timestamp>) {
    // A closed alert has no promise, and one that never had a promise gets its first by a write of the row.
    let (Some(own), Some(end)) = (alert.ends_at, seen_ends_at) else {
        return;
    };
    let last = seen_last.unwrap_or(alert.last_seen);
    // Of two promises of the same millisecond the one that reaches further: closing too early is worse.
    if alert.last_seen < last || (last == alert.last_seen && own < end) {
        alert.ends_at = Some(end);
        alert.silence_after_ms = Some(vouched(end, last));
        alert.last_seen = last;
    }
}

fn fire(draft: &mut Draft<'_>, timer: Timer, now: Timestamp) {
    let plain = Details::default();
    let by_timer = Details {
        by: Some(Actor {
            name: "campanile".into(),
            via: "timer".into(),
        }),
        ..Details::default()
    };
    let status = draft.alert.status;
    match timer {
        Timer::Tracking => draft.write(EventKind::Opened, Status::Open, plain),
        Timer::Ack => draft.write(EventKind::Unacknowledged, Status::Open, by_timer),
        Timer::Shelf => {
            let back_to = unshelved_status(&draft.alert, now);
            draft.write(EventKind::Unshelved, back_to, by_timer);
        }
        Timer::TrailingUpdate => draft.write(EventKind::Updated, status, plain),
        Timer::Absence => {
            let details = Details {
                because: Some(CloseReason::Expired),
                ..by_timer
            };
            draft.write(EventKind::Expired, Status::Closed, details);
        }
    }
}
