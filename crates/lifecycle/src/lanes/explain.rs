//! Why a lane does not send: one sentence per reason. `explain` and the attempt rows show them.

use std::fmt;

use model::Timestamp;

use super::Plan;

/// Why events are passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SkipReason {
    /// The alert closed before its opening was let out.
    ClosedWhileHeld,
    /// A closed alert of which this service never heard.
    NeverTold,
    /// The integration is disabled or deleted.
    Disabled,
    /// Disabled, and the only post was lost without a handle.
    Orphaned,
    /// The vendor has this state already, from us or by itself (I8).
    Echo,
    /// The note stands alone; the states before it are told after it.
    Superseded,
    /// None of the events says anything that this sink can tell.
    NothingToSay,
    /// The vendor's object cannot be changed any more.
    Gone,
    /// A log passes over what was silenced, because an ack or a close must pass.
    Silenced,
    /// Excluded by `notify_on`.
    NotWanted,
    /// Old updates were trimmed before they could be told.
    Trimmed,
}

impl SkipReason {
    /// What a person reads.
    pub fn sentence(self) -> &'static str {
        match self {
            SkipReason::ClosedWhileHeld => {
                "It closed while its opening was held back, so nobody was told."
            }
            SkipReason::NeverTold => "The alert is closed, and this service was never told of it.",
            SkipReason::Disabled => {
                "The integration is disabled or deleted: it opens nothing and closes what it opened."
            }
            SkipReason::Orphaned => {
                "The reply to its only post was lost, so there is nothing that could be closed; the post is counted as an orphan."
            }
            SkipReason::Echo => "The other side has this state already.",
            SkipReason::Superseded => "A newer state replaced it before it could be told.",
            SkipReason::NothingToSay => "Nothing in it can be told to this kind of service.",
            SkipReason::Gone => {
                "The message or object on the other side is gone or can no longer be changed."
            }
            SkipReason::Silenced => {
                "It was silenced, and an acknowledgement or a close had to pass it."
            }
            SkipReason::NotWanted => "The integration's notify_on leaves this kind of event out.",
            SkipReason::Trimmed => {
                "It is an old update that was trimmed from the alert's log before it could be told."
            }
        }
    }
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sentence())
    }
}

/// Why a lane waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WaitReason {
    /// Nothing is owed.
    Idle,
    /// A request is on its way.
    InFlight,
    /// The last try failed.
    Retry,
    /// The integration's delay runs.
    Delay,
    /// Silence and the like; the lane's `held_by` names it.
    Held,
    /// A request that was lost may still arrive; afterwards the present state is told once more.
    Unsure,
    /// The message was edited a short time ago.
    EditInterval,
    /// The next reminder.
    Reminder,
}

impl WaitReason {
    /// What a person reads.
    pub fn sentence(self) -> &'static str {
        match self {
            WaitReason::Idle => "Nothing is owed.",
            WaitReason::InFlight => "A request is on its way.",
            WaitReason::Retry => "The last try failed; it is tried again then.",
            WaitReason::Delay => "The integration's delay runs.",
            WaitReason::Held => "It is held back, by a silence or the like.",
            WaitReason::Unsure => {
                "A request whose reply was lost may still arrive; the present state is told once more after that."
            }
            WaitReason::EditInterval => "The message was edited a short time ago (edit_interval).",
            WaitReason::Reminder => "The next reminder is due then.",
        }
    }
}

impl fmt::Display for WaitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sentence())
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Plan::Send { verb, upto } => {
                write!(f, "Sends {verb:?}, which settles events up to {upto}.")
            }
            Plan::Skip { upto, reason } => write!(f, "Passes over events up to {upto}. {reason}"),
            Plan::Wait {
                until: Timestamp::NEVER,
                why,
            } => why.fmt(f),
            Plan::Wait { until, why } => write!(f, "Waits until {until}. {why}"),
        }
    }
}
