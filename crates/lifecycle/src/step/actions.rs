//! What people and vendors do to an alert.

use model::{
    Action, ActionVerb, Alert, AlertKind, CloseReason, DurationMs, EventKind, Origin, Status,
    Timestamp,
};

use super::draft::{Details, Draft};
use super::{Decision, Refusal, StepContext};

/// What an action comes to.
enum Verdict {
    Write(EventKind, Status, Details),
    Nothing(&'static str),
    Refuse(Refusal),
}

pub(super) fn act(
    alert: Option<&Alert>,
    action: Action,
    origin: Option<Origin>,
    cx: &StepContext<'_>,
) -> Decision {
    let Some(alert) = alert else {
        return Decision::Nothing("there is no such alert");
    };
    let Action { verb, by, note } = action;
    let note = note.filter(|note| !note.trim().is_empty());
    if alert.kind == AlertKind::Notification && verb != ActionVerb::Note {
        return Decision::Refused(Refusal::Notification);
    }
    if verb == ActionVerb::Note && note.is_none() {
        return Decision::Refused(Refusal::EmptyNote);
    }
    let (kind, status, details) = match judge(alert, verb, cx) {
        Verdict::Write(kind, status, details) => (kind, status, details),
        // The deed was done before, but the remark is new.
        Verdict::Nothing(_) if note.is_some() => {
            (EventKind::Noted, alert.status, Details::default())
        }
        Verdict::Nothing(reason) => return Decision::Nothing(reason),
        Verdict::Refuse(refusal) => return Decision::Refused(refusal),
    };
    let mut draft = Draft::of(alert, cx);
    let details = Details {
        by: Some(by),
        note,
        origin,
        ..details
    };
    draft.write(kind, status, details);
    draft.finish()
}

/// The table: status × verb.
fn judge(alert: &Alert, verb: ActionVerb, cx: &StepContext<'_>) -> Verdict {
    let plain = Details::default();
    match (verb, alert.status) {
        (ActionVerb::Note, status) => Verdict::Write(EventKind::Noted, status, plain),
        (ActionVerb::Assign { to }, status) => {
            let to = to.filter(|name| !name.trim().is_empty());
            if to == alert.assignee {
                return Verdict::Nothing("it is assigned so already");
            }
            let details = Details {
                assignee: to,
                ..plain
            };
            Verdict::Write(EventKind::Assigned, status, details)
        }

        (ActionVerb::Close, Status::Closed) => Verdict::Nothing("the alert is closed already"),
        (ActionVerb::Close, _) => {
            let details = Details {
                because: Some(CloseReason::ByHand),
                ..plain
            };
            Verdict::Write(EventKind::Closed, Status::Closed, details)
        }
        (ActionVerb::Reopen, Status::Closed) if cx.key_taken => Verdict::Refuse(Refusal::Replaced),
        (ActionVerb::Reopen, Status::Closed) => {
            Verdict::Write(EventKind::Reopened, Status::Open, plain)
        }
        (ActionVerb::Reopen, _) => Verdict::Refuse(Refusal::NotClosed),
        (_, Status::Closed) => Verdict::Refuse(Refusal::Closed),

        (ActionVerb::Acknowledge { .. } | ActionVerb::Shelve { .. }, Status::Tracking) => {
            Verdict::Refuse(Refusal::Tracking)
        }
        // Somebody looks after a shelved alert: it leaves the shelf.
        (ActionVerb::Acknowledge { lasting }, status) => {
            let until = match lasting.map(|lasting| end_of(lasting, cx.now)) {
                None => None,
                Some(Err(refusal)) => return Verdict::Refuse(refusal),
                Some(Ok(until)) => Some(until).filter(|until| *until != Timestamp::NEVER),
            };
            if status == Status::Acknowledged && until == alert.acked_until {
                return Verdict::Nothing("the alert is acknowledged already");
            }
            let details = Details { until, ..plain };
            Verdict::Write(EventKind::Acknowledged, Status::Acknowledged, details)
        }
        (ActionVerb::Unacknowledge, Status::Acknowledged) => {
            Verdict::Write(EventKind::Unacknowledged, Status::Open, plain)
        }
        (ActionVerb::Unacknowledge, _) => Verdict::Nothing("the alert is not acknowledged"),

        (ActionVerb::Shelve { lasting }, status) => match end_of(lasting, cx.now) {
            Err(refusal) => Verdict::Refuse(refusal),
            Ok(until) if status == Status::Shelved && alert.shelved_until == Some(until) => {
                Verdict::Nothing("the alert is shelved until then already")
            }
            Ok(until) => {
                let details = Details {
                    until: Some(until),
                    ..plain
                };
                Verdict::Write(EventKind::Shelved, Status::Shelved, details)
            }
        },
        (ActionVerb::Unshelve, Status::Shelved) => {
            Verdict::Write(EventKind::Unshelved, unshelved_status(alert, cx.now), plain)
        }
        (ActionVerb::Unshelve, _) => Verdict::Nothing("the alert is not shelved"),
    }
}

fn end_of(lasting: DurationMs, now: Timestamp) -> Result<Timestamp, Refusal> {
    if lasting <= DurationMs::ZERO {
        return Err(Refusal::PastTime);
    }
    Ok(now.plus(lasting))
}

/// What a shelved alert comes back as: acknowledged, if it was and the acknowledgement still holds.
pub(super) fn unshelved_status(alert: &Alert, now: Timestamp) -> Status {
    match alert.acked_until {
        Some(until) if now < until => Status::Acknowledged,
        _ => Status::Open,
    }
}
