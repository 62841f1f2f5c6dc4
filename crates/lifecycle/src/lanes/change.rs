//! What moves a lane besides events and sends: settings, silences, vendors' own changes, restarts, people.

use model::{Alert, HeldBy, Lane, Manner, Timestamp, Told};

use super::plan::{is_open, state};
use super::{LanePolicy, SkipReason};

/// Settles events up to `upto` without a word.
pub fn skip(lane: &mut Lane, upto: u32, reason: SkipReason) {
    lane.cursor = lane.cursor.max(upto);
    if reason == SkipReason::Orphaned {
        // It was counted when its reply was lost; there is nothing left to do.
        lane.doubt = false;
        lane.unsure_until = None;
    }
}

/// The lane on the present target, if the target was edited before anything was told (C1: certainly nothing).
/// Claims that a node keeps in memory must be in `lane.claim`.
pub fn retarget(lane: &Lane, policy: &LanePolicy) -> Option<Lane> {
    let untold = lane.told == Told::Nothing
        && !lane.doubt
        && lane.unsure_until.is_none()
        && lane.extra_handles.is_empty()
        && lane.claim.is_none();
    (untold && lane.key.revision != policy.revision).then(|| {
        let mut moved = lane.clone();
        moved.key.revision = policy.revision;
        moved
    })
}

/// The vendor said that its object is now in state `told`, since `at` by its clock (or ours, if it does not say).
/// Returns whether the lane believed it: what is older than our own last word there is old news (I8).
///
/// Only for lifecycle sinks: a button under a mirror's message changes nothing in the message, which therefore is
/// still to be edited.
pub fn hear(lane: &mut Lane, told: Told, at: Timestamp, policy: &LanePolicy) -> bool {
    if policy.manner != Manner::Lifecycle || at < lane.told_at {
        return false;
    }
    lane.told = told;
    lane.told_at = at;
    lane.doubt = false;
    if let Some(claim) = &lane.claim {
        // Nobody knows which of the two came first.
        lane.doubt = true;
        lane.unsure_until = Some(claim.until + policy.deadline);
    }
    true
}

/// Something holds the lane back until `until`. Acks and closes of what was told pass.
pub fn hold(lane: &mut Lane, until: Timestamp, by: HeldBy) {
    lane.held_until = until;
    lane.held_by = Some(by);
}

/// Nothing holds the lane back any more. The time is kept: what closed before it closed while held (C3).
pub fn release(lane: &mut Lane, now: Timestamp) {
    lane.held_until = lane.held_until.min(now);
    lane.held_by = None;
}

/// After an unclean start, before any loop and any settings change: puts a lane in doubt whose send may have been
/// lost with the claims that the process kept in memory. Returns whether it changed the lane. Not for lanes of
/// sinks whose claims are durable: those lapse.
pub fn in_doubt_after_unclean_start(
    lane: &mut Lane,
    alert: &Alert,
    policy: &LanePolicy,
    now: Timestamp,
) -> bool {
    if lane.claim.is_some() || now < lane.not_before {
        return false;
    }
    // When the first opening that may be owed left. A reopening under a silence has a later delay of its own (C11).
    let let_out_at = match alert.episode {
        0 | 1 => lane.delay_until,
        _ => lane
            .delay_until
            .min(alert.opened_at + policy.delay_for(alert.kind)),
    };
    let closed_held = alert.is_closed() && alert.closed_at.is_some_and(|at| at < let_out_at);
    // Not `held_until`: a silence may have come while the request was under way (C10).
    let let_out = is_open(lane.told) || (now >= let_out_at && !closed_held);
    let owed = lane.cursor < lane.head && let_out;
    // E6
    let catching_up = lane.cursor >= lane.head
        && is_open(lane.told)
        && (lane.retired || lane.told != state(policy, lane.told, alert.status));
    if owed {
        lane.doubt = true;
        lane.told_at = now;
    }
    if owed || catching_up {
        lane.duplicates = lane.duplicates.saturating_add(1);
    }
    let touched = owed || catching_up || lane.unsure_until.is_some();
    if touched && policy.fears_late_requests() {
        lane.unsure_until = Some(now + policy.lease + policy.deadline);
    }
    touched
}

/// Says events after `after` again, by a person's wish. Vendors see it as something new (idempotency keys differ).
pub fn replay(lane: &mut Lane, after: u32) {
    lane.cursor = lane.cursor.min(after);
    lane.replay += 1;
    lane.not_before = Timestamp::ZERO;
}

/// Whether the lane still needs its alert's row: it owes something, or something of ours is open there.
/// `lane.due_at` must be up to date.
pub fn keeps_alert(lane: &Lane) -> bool {
    lane.due_at.is_some() || lane.claim.is_some() || is_open(lane.told)
}
