//! One alert's life: `step(alert, input) → decision`.
//!
//! ```text
//!            tracking ──┐ its delay runs; nobody is told
//!                       ▼
//!   fire ────────────► open ◄──► acknowledged          resolve, cancel, close, absence
//!                       ▲  ▲         │                 lead from everywhere to closed
//!             unshelve  │  └─ shelved ◄┘
//!                       └──────── closed               reopen; or a new alert for the next episode
//! ```
//! The row always shows the newest content; its log says it at most once per `update_interval`, and severity at once.
//! Times that senders give are kept as they are; sums with them stop at [`Timestamp::NEVER`], which is never due.
//! Decisions worth knowing:
//! - A fire leaves an acknowledged or shelved alert so, even when its severity rises (Alerta's model differs).
//! - A fire after a close by hand is a new fact: it reopens or opens like after any other close. Who wants quiet
//!   while the problem lasts acknowledges or shelves.
//! - With a tracking delay nothing reopens by itself: each fire after a close must hold again, as a new alert.
//! - Of two replicas that watch the same thing one resolves first, while the other still fires, with a start of its own.
//!   Where the policy says so, a fire that began before the close belongs to the closed episode (a new problem begins
//!   after it); elsewhere it opens a new alert.
//! - What a resolve says of labels, title and severity is not taken over: half of all senders leave it out.

mod actions;
mod draft;
mod signals;
#[cfg(test)]
mod tests;
mod timers;

use model::{
    Action, Alert, AlertId, DurationMs, Event, LifecycleModel, Origin, ProjectId, Scope, Signal,
    SourceId, Timestamp,
};

/// What a source decides about the alerts that its signals make. Negative durations count as zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourcePolicy {
    /// Whose rules new alerts follow; an alert that exists keeps its own.
    pub model: LifecycleModel,
    /// A fire within this time after closing reopens the episode instead of beginning a new one.
    pub reopen_window: DurationMs,
    /// A fire that names a `starts_at` from before the close reopens the episode (Prometheus' replicas).
    pub reopen_begun_before: bool,
    /// How long after closing the key still belongs to the closed episode, so that a repeated resolve or the
    /// same start is recognised. `reopen_window` counts where it is longer.
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
    /// A timer of the alert may be due. `seen_ends_at` and `seen_last` are the `seen` row's: the newest fire's
    /// `ends_at`, and when it came. They count where they are newer than the alert's own.
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
    /// For actions: a younger alert has this alert's key, so that reopening would make two of them.
    pub key_taken: bool,
}

/// What to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// Write this alert and these events.
    Change(Box<Change>),
    /// Nothing new was said: bump `last_seen`, `repeat_count`, and set the `seen` row's `ends_at` if this has one.
    ///
    /// Intake may answer this without asking `step`, for a fire on an alert that is not closed, with equal content,
    /// whose `ends_at` lies in the future and not before the row's (or both have none).
    Repeat { ends_at: Option<Timestamp> },
    /// Nothing to do, for this reason.
    Nothing(&'static str),
    /// The sender or the person asked for what cannot be.
    Refused(Refusal),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    pub alert: Alert,
    /// May be empty: a value that waits for its trailing update, or a timer that was set anew.
    pub events: Vec<Event>,
    /// The alert has no row yet. If it is an issue, the episode that was given to `step` (closed, by then) gives up
    /// its live key; a notification has no live key and takes none.
    pub new: bool,
}

/// Why an input is refused; shown to whoever sent it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the alert is closed; only a note, an assignment or a reopening is possible")]
    Closed,
    #[error("the alert is not closed, so it cannot be reopened")]
    NotClosed,
    #[error("a younger alert with the same key exists; act on that one")]
    Replaced,
    #[error(
        "the condition's delay still runs and nobody was told; close it, or wait until it opens"
    )]
    Tracking,
    #[error("a notification has no lifecycle; only a note is possible")]
    Notification,
    #[error("the note is empty")]
    EmptyNote,
    #[error("the time must lie in the future")]
    PastTime,
}

/// Decides what `input` does to `alert`: for a signal the one that [`pick`](crate::pick) chose, otherwise the one
/// that was named. The alert is the stored row; what its `seen` row knows better comes with [`Input::Time`].
pub fn step(alert: Option<&Alert>, input: Input, cx: &StepContext<'_>) -> Decision {
    match alert.map_or(cx.policy.model, |alert| alert.model) {
        // Alerta's own state machine gets its arm here; until then its alerts live by these rules.
        LifecycleModel::Campanile | LifecycleModel::Group | LifecycleModel::Alerta => match input {
            Input::Signal { signal, identity } => signals::signal(alert, *signal, identity, cx),
            Input::Action { action, origin } => actions::act(alert, action, origin, cx),
            Input::Time {
                seen_ends_at,
                seen_last,
            } => timers::time(alert, seen_ends_at, seen_last, cx),
        },
    }
}
