//! A change in the making: the row and the events that led to it.

use std::sync::Arc;

use model::{
    Actor, Alert, AlertKind, CloseReason, Content, DurationMs, Event, EventKind, Origin, Signal,
    Status, Timestamp,
};

use super::{Change, Decision, Identity, StepContext, timers};
use crate::Folded;

pub(super) struct Draft<'a> {
    pub alert: Alert,
    cx: &'a StepContext<'a>,
    events: Vec<Event>,
    new: bool,
    /// The log does not say the row's content yet.
    content_unlogged: bool,
}

/// What an event says besides its kind; most events leave most of it out.
#[derive(Default)]
pub(super) struct Details {
    pub by: Option<Actor>,
    pub note: Option<String>,
    pub assignee: Option<String>,
    pub until: Option<Timestamp>,
    pub because: Option<CloseReason>,
    pub origin: Option<Origin>,
}

impl<'a> Draft<'a> {
    /// Changes `alert`.
    pub fn of(alert: &Alert, cx: &'a StepContext<'a>) -> Draft<'a> {
        Draft {
            alert: alert.clone(),
            cx,
            events: Vec::new(),
            new: false,
            content_unlogged: alert.trailing_update_at.is_some()
                || alert.status == Status::Tracking,
        }
    }

    /// Begins an alert; its first event is still to be written.
    pub fn begin(signal: Signal, identity: Identity, cx: &'a StepContext<'a>) -> Draft<'a> {
        let now = cx.now;
        let mut signal = signal;
        let alert = Alert {
            id: cx.new_id,
            project: identity.project,
            source: identity.source,
            scope: identity.scope,
            key: std::mem::take(&mut signal.key),
            group_key: signal.group_key.take(),
            kind: AlertKind::Issue,
            status: Status::Tracking,
            closed_because: None,
            via: std::mem::take(&mut signal.via),
            ends_at: signal.ends_at,
            silence_after_ms: signal.ends_at.map(|end| vouched(end, now)),
            content: Arc::new(Content::from_signal(signal, None, now)),
            opened_at: now,
            closed_at: None,
            changed_at: now,
            seq: 0,
            version: 0,
            episode: 1,
            acked_until: None,
            shelved_until: None,
            tracking_until: None,
            assignee: None,
            trailing_update_at: None,
            last_update_at: now,
            timer_at: None,
            live_until: None,
            last_seen: now,
            repeat_count: 0,
            model: cx.policy.model,
            model_state: None,
        };
        Draft {
            alert,
            cx,
            events: Vec::new(),
            new: true,
            content_unlogged: true,
        }
    }

    /// A signal came: counts it, and takes over until when it vouches.
    pub fn heard(&mut self, ends_at: Option<Timestamp>) {
        self.alert.last_seen = self.cx.now;
        self.alert.repeat_count = self.alert.repeat_count.saturating_add(1);
        self.alert.ends_at = ends_at;
        self.alert.silence_after_ms = ends_at.map(|end| vouched(end, self.cx.now));
    }

    /// The row's content is this from now on; an event that says so may follow.
    pub fn say(&mut self, content: Content) {
        self.alert.content = Arc::new(content);
        self.content_unlogged = true;
    }

    /// Writes one event, and does to the row what it says.
    ///
    /// Events that begin something or are about content carry the content; a closing one does if the log does not
    /// say it yet. Acknowledgements and notes never do: a vendor that is told of them is not told the content with
    /// them, so the update must still come.
    pub fn write(&mut self, kind: EventKind, status: Status, details: Details) {
        let carries = kind.is_opening()
            || kind.is_update()
            || kind == EventKind::Tracked
            || (kind.is_closing() && self.content_unlogged);
        let Details {
            by,
            note,
            assignee,
            until,
            because,
            origin,
        } = details;
        let event = Event {
            alert: self.alert.id,
            seq: self.alert.seq.saturating_add(1),
            at: self.cx.now,
            kind,
            status,
            content: carries.then(|| Arc::clone(&self.alert.content)),
            by,
            note,
            assignee,
            until,
            because,
            origin,
        };
        let mut folded = Folded::of(&self.alert);
        folded.apply(&event);
        folded.write_to(&mut self.alert);
        self.events.push(event);

        if carries {
            self.content_unlogged = false;
            self.alert.trailing_update_at = None;
        }
        if kind.is_closing() {
            // Without this a reopening by hand would find an old promise broken and expire at once.
            self.alert.ends_at = None;
            self.alert.silence_after_ms = None;
            self.alert.trailing_update_at = None;
            let policy = self.cx.policy;
            let live = policy.live_after_close.max(policy.reopen_window);
            self.alert.live_until = Some(self.cx.now.plus(live.max(DurationMs::ZERO)));
        }
        if kind == EventKind::Reopened {
            self.alert.live_until = None;
        }
    }

    pub fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// Counts the write and sets the next timer.
    pub fn finish(mut self) -> Decision {
        self.alert.version = self.alert.version.saturating_add(1);
        self.alert.timer_at = timers::next(&self.alert, self.cx).map(|(due, _)| due);
        Decision::Change(Box::new(Change {
            alert: self.alert,
            events: self.events,
            new: self.new,
        }))
    }
}

/// How long a signal that came at `heard` vouches.
pub(super) fn vouched(ends_at: Timestamp, heard: Timestamp) -> i64 {
    ends_at.since(heard).0.max(0)
}
