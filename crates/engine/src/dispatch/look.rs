//! One look at one due lane: what to write and what to send. Pure (I2).

use lifecycle::lanes::{self, LanePolicy, Plan};
use model::{Alert, Attempt, AttemptKind, HeldBy, Lane, Status, Timestamp, Verb, limits};
use store::LaneWork;

/// What a look leads to.
pub(crate) enum Looked {
    /// The lane is to be claimed for this send; skips came before it.
    Send {
        lane: Lane,
        verb: Verb,
        upto: u32,
        attempts: Vec<Attempt>,
    },
    /// Nothing to send now; the lane's new state.
    Write { lane: Lane, attempts: Vec<Attempt> },
    /// Somebody else holds it.
    Held,
}

/// Looks at a lane that `hold` holds, until when and by what: ends a lapsed claim, brings holds up to date, and plans until there is something to send or to
/// wait for.
pub(crate) fn look(
    policy: &LanePolicy,
    work: &LaneWork,
    hold: Option<(Timestamp, HeldBy)>,
    now: Timestamp,
    random: u64,
) -> Looked {
    let mut lane = work.lane.clone();
    let mut attempts = Vec::new();
    if let Some(claim) = &lane.claim {
        let (from, upto, sent_at) = (lane.cursor, claim.upto, claim.sent_at);
        let Some(recorded) = lanes::lapse(policy, &lane, now, random) else {
            return Looked::Held;
        };
        attempts.push(Attempt {
            lane: lane.key,
            at: sent_at,
            kind: recorded.kind,
            from,
            upto,
            took_ms: now.since(sent_at).0,
            status: None,
            excerpt: "no result was recorded: the sender stopped or was too slow; whether the vendor has it is not known"
                .to_owned(),
        });
        lane = recorded.lane;
    }
    refresh_holds(policy, &mut lane, &work.alert, hold, now);
    let mut pending = &work.pending[..];
    // Each skip moves the cursor on, so this ends; the bound is for a table that would not (I10).
    for _ in 0..=limits::PENDING_EVENTS_MAX + 1 {
        while pending.first().is_some_and(|e| e.seq <= lane.cursor) {
            pending = &pending[1..];
        }
        match lanes::plan(policy, &lane, pending, &work.alert, now) {
            Plan::Send { verb, upto } => {
                return Looked::Send {
                    lane,
                    verb,
                    upto,
                    attempts,
                };
            }
            Plan::Wait { until, .. } => {
                lane.due_at = (until != Timestamp::NEVER).then_some(until);
                // Pending events beyond the page: look again at once.
                if lane.due_at.is_none() && lane.cursor < lane.head && pending.is_empty() {
                    lane.due_at = Some(now);
                }
                return Looked::Write { lane, attempts };
            }
            Plan::Skip { upto, reason } => {
                attempts.push(Attempt {
                    lane: lane.key,
                    at: now,
                    kind: AttemptKind::Skipped,
                    from: lane.cursor,
                    upto,
                    took_ms: 0,
                    status: None,
                    excerpt: reason.sentence().to_owned(),
                });
                lanes::skip(&mut lane, upto, reason);
            }
        }
    }
    lane.due_at = Some(now);
    Looked::Write { lane, attempts }
}

/// Brings the lane's hold up to date: what holds it now, as `hold` says, or that its alert is shelved and its vendor
/// cannot snooze. The one that ends last counts.
fn refresh_holds(
    policy: &LanePolicy,
    lane: &mut Lane,
    alert: &Alert,
    hold: Option<(Timestamp, HeldBy)>,
    now: Timestamp,
) {
    let shelved = match (alert.status, alert.shelved_until) {
        (Status::Shelved, Some(until)) if !policy.can.snooze => Some((until, HeldBy::Shelve)),
        _ => None,
    };
    let hold = [shelved, hold]
        .into_iter()
        .flatten()
        .max_by_key(|(until, _)| *until);
    match hold {
        Some((until, by)) if lane.held_until != until || lane.held_by.as_ref() != Some(&by) => {
            lanes::hold(lane, until, by);
        }
        Some(_) => {}
        // What closed under its hold was not told, whatever became of the hold in the same moment (F1).
        None if alert.closed_at.is_some_and(|at| at < lane.held_until) => {}
        None if lane.held_by.is_some() => lanes::release(lane, now),
        None => {}
    }
}
