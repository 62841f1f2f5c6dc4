//! Which events and writes a task needs: pure of how they are sent.

use model::{AlertKind, EventKind, Status, Timestamp, Told, Verb};

use super::sink::PagerDuty;
use crate::kit::Task;

/// What a task needs said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Say {
    Trigger,
    /// Whatever it is in, it shall be acknowledged: an acknowledgement alone would be dropped if nothing is open.
    TriggerThenAcknowledge,
    /// Whatever it is in, it shall be open and not acknowledged: a trigger alone leaves an acknowledged one as it is.
    TriggerThenWithdraw,
    Acknowledge,
    Resolve,
    /// The REST API alone.
    Write(Write),
    /// Nothing can be said, for this reason.
    Refuse(&'static str),
    /// Nothing needs to be said, for this reason.
    Leave(&'static str),
}

/// A write of the REST API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write {
    Note,
    Snooze(Timestamp),
    Triggered,
    Acknowledged,
}

impl PagerDuty {
    /// What this task needs said.
    pub fn say(&self, task: &Task<'_>) -> Say {
        // M5: it was refused when configured; a page for what is no problem must not leave by another way.
        if task.alert.kind == AlertKind::Notification {
            return Say::Refuse(
                "PagerDuty pages people, so it takes no notifications: use `of: issues`, or the sink `pagerduty_change`.",
            );
        }
        let can_withdraw = self.rest.is_some() && self.acks_from_anywhere();
        match task.verb {
            Verb::Ack => Say::Acknowledge,
            Verb::Set(Told::Acked) | Verb::Repeat(Told::Acked) => Say::TriggerThenAcknowledge,
            Verb::Set(Told::Open) | Verb::Repeat(Told::Open) if can_withdraw => {
                Say::TriggerThenWithdraw
            }
            Verb::Close
            | Verb::Set(Told::Closed)
            | Verb::Repeat(Told::Closed)
            | Verb::CloseExtra(_)
            | Verb::Event {
                status: Status::Closed,
                ..
            } => Say::Resolve,
            Verb::Unack if can_withdraw => Say::Write(Write::Triggered),
            Verb::Note(seq) if self.rest.is_some() => self.noted(task, seq),
            // Without the REST API a trigger's entry in the incident's log, with the newest details, is what comes nearest.
            _ => Say::Trigger,
        }
    }

    /// The event of a `Note` verb.
    fn noted(&self, task: &Task<'_>, seq: u32) -> Say {
        let event = task.events.iter().find(|event| event.seq == seq);
        match event.map(|event| (event.kind, event.until, event.status)) {
            Some((EventKind::Shelved, until, _)) if self.acks_from_anywhere() => {
                let until = until.unwrap_or(Timestamp::NEVER);
                match until > task.now {
                    true => Say::Write(Write::Snooze(until)),
                    false => Say::Leave("The snooze is over already."),
                }
            }
            Some((EventKind::Unshelved, _, status)) if self.acks_from_anywhere() => match status {
                Status::Acknowledged => Say::Write(Write::Acknowledged),
                Status::Closed => Say::Leave("The alert is closed."),
                _ => Say::Write(Write::Triggered),
            },
            _ => Say::Write(Write::Note),
        }
    }
}
