//! One alert's life: `step(alert, input) → decision`.

use model::{
    Action, Alert, AlertId, DurationMs, Event, Origin, ProjectId, Scope, Signal, SourceId,
    Timestamp,
};

/// What a source decides about the alerts that its signals make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourcePolicy {
    /// A fire within this time after closing reopens the episode instead of beginning a new one.
    pub reopen_window: DurationMs,
    /// A fire that names the same `starts_at` as the closed episode reopens it (Alertmanager's replicas).
    pub reopen_same_start: bool,
    /// How long after closing the key still belongs to the closed episode, so that a repeated resolve or the
    /// same start is recognised. At least `reopen_window`.
    pub live_after_close: DurationMs,
    /// `updated` events come at most once in this time, with a trailing one.
    pub update_interval: DurationMs,
    /// How long a condition must hold before the alert opens (`tracking`). Zero: at once.
    pub tracking_delay: DurationMs,
}

/// Whom a signal belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    pub project: ProjectId,
    pub source: SourceId,
    pub scope: Scope,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// A sender said something.
    Signal {
        signal: Box<Signal>,
        identity: Identity,
    },
    /// Somebody did something to this alert.
    Action {
        action: Action,
        origin: Option<Origin>,
    },
    /// A timer of the alert may be due. `seen_ends_at`: the newest `ends_at` of the `seen` row.
    Time {
        seen_ends_at: Option<Timestamp>,
        seen_last: Option<Timestamp>,
    },
}

/// What `step` may know besides.
#[derive(Clone, Debug)]
pub struct StepContext<'a> {
    pub now: Timestamp,
    pub policy: &'a SourcePolicy,
    /// Since when this hub hears its senders without a gap (I13).
    pub listening_since: Timestamp,
    /// The id for the alert, should one begin.
    pub new_id: AlertId,
}

/// What to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// Write this alert and these events. `new` is true for an alert that has no row yet; if another episode was
    /// given to `step`, that one gives up its live key.
    Change(Box<Change>),
    /// Nothing new was said: bump `last_seen`, `repeat_count` and move `ends_at`.
    Repeat { ends_at: Option<Timestamp> },
    /// Nothing to do, for this reason.
    Nothing(&'static str),
    /// The sender or the person asked for what cannot be.
    Refused(Refusal),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    pub alert: Alert,
    pub events: Vec<Event>,
    pub new: bool,
}

/// Why an input is refused; shown to whoever sent it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the alert is closed; only a note, an assignment or a reopening is possible")]
    Closed,
    #[error("the alert is not closed, so it cannot be reopened")]
    NotClosed,
    #[error("a notification has no lifecycle")]
    Notification,
    #[error("the note is empty")]
    EmptyNote,
    #[error("the time must lie in the future")]
    PastTime,
}

/// Decides what `input` does to `alert` (the newest live episode of its key, if there is one).
pub fn step(_alert: Option<&Alert>, _input: Input, _cx: &StepContext<'_>) -> Decision {
    Decision::Nothing("not written yet")
}
