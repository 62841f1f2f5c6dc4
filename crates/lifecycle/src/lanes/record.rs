//! What the end of a send makes of a lane.

use std::fmt::Write as _;

use model::limits::EXTRA_HANDLES_MAX;
use model::{
    AttemptKind, Claim, DurationMs, Handle, Lane, Manner, Outcome, Status, Timestamp, Told, Verb,
};

use super::LanePolicy;
use super::plan::is_open;

/// How an outcome counts for a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Applied, as far as anybody can know.
    Ok,
    /// The vendor will never take it. Health is red where a state was refused.
    Refused,
    /// Nobody knows whether it was applied.
    Ambiguous,
    /// The object of the handle cannot be changed any more.
    Stale,
    /// Certainly not applied; worth another try.
    NotApplied,
}

impl Verdict {
    /// *Accepted* counts as applied until sinks can ask vendors for a confirmation; a credential, a permission or a
    /// target that does not work is the integration's trouble: the lane waits for its repair.
    pub fn of(outcome: &Outcome) -> Verdict {
        match outcome {
            Outcome::Delivered | Outcome::Accepted => Verdict::Ok,
            Outcome::PayloadBad => Verdict::Refused,
            Outcome::Ambiguous => Verdict::Ambiguous,
            Outcome::Stale => Verdict::Stale,
            Outcome::Throttled { .. }
            | Outcome::Retry
            | Outcome::CredentialBad
            | Outcome::ScopeMissing
            | Outcome::TargetGone => Verdict::NotApplied,
        }
    }
}

/// A send's end, as a lane and as a row.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    pub lane: Lane,
    /// For the attempt row.
    pub kind: AttemptKind,
    pub verdict: Verdict,
}

/// Takes the lane for one send; false while another claim holds it (I4). A claim past its lease is to be given to
/// [`lapse`] first.
pub fn claim(lane: &mut Lane, claim: Claim) -> bool {
    if lane.claim.is_some() {
        return false;
    }
    lane.claim = Some(claim);
    lane.attempts += 1;
    true
}

/// Gives back a claim whose send was never begun: the lane is as it was before it was claimed; false if the claim was lost.
/// `due_at` is for the caller to set.
pub fn give_back(lane: &mut Lane, claim: &Claim) -> bool {
    if lane.claim.as_ref().is_none_or(|own| own.id != claim.id) {
        return false;
    }
    lane.claim = None;
    lane.attempts = lane.attempts.saturating_sub(1);
    true
}

/// Writes the end of the send that `claim` stands for into the lane. `handle` is what the vendor gave for its
/// object. Under a lost claim the lane does not move: the attempt is *late*, a handle that it brings is kept (I5).
/// `due_at` is for the caller to set (it takes the pending events).
pub fn record(
    policy: &LanePolicy,
    mut lane: Lane,
    claim: &Claim,
    outcome: Outcome,
    handle: Option<Handle>,
    now: Timestamp,
    random: u64,
) -> Recorded {
    let verdict = Verdict::of(&outcome);
    let verb = claim.verb;
    if lane.claim.as_ref().is_none_or(|own| own.id != claim.id) {
        late(policy, &mut lane, claim, verdict, handle);
        return Recorded {
            lane,
            kind: AttemptKind::Late { verb, outcome },
            verdict,
        };
    }
    lane.claim = None;
    match verdict {
        Verdict::Ok => applied(policy, &mut lane, claim, handle, now),
        Verdict::Refused => refused(policy, &mut lane, claim, now),
        Verdict::Stale => stale(policy, &mut lane, claim, now, random),
        Verdict::Ambiguous => {
            ambiguous(policy, &mut lane, claim, now);
            back_off(policy, &mut lane, now, random);
        }
        Verdict::NotApplied => match outcome {
            Outcome::Throttled { after_ms: Some(ms) } => {
                let asked = ms.clamp(1, policy.retry.throttle_max.0.max(1));
                lane.not_before = now + DurationMs(asked);
            }
            _ => back_off(policy, &mut lane, now, random),
        },
    }
    Recorded {
        lane,
        kind: AttemptKind::Sent { verb, outcome },
        verdict,
    }
}

/// A claim past its lease is an ambiguous result; `None` while the lane has no such claim.
pub fn lapse(policy: &LanePolicy, lane: &Lane, now: Timestamp, random: u64) -> Option<Recorded> {
    let claim = lane.claim.clone().filter(|claim| now >= claim.until)?;
    Some(record(
        policy,
        lane.clone(),
        &claim,
        Outcome::Ambiguous,
        None,
        now,
        random,
    ))
}

/// What tells two different sends of a lane apart for the vendor; a retry has the same one. It is taken from the
/// cursor before the send, because a retry may have gathered more events (I7).
pub fn idempotency_key(lane: &Lane, verb: Verb) -> String {
    let mut key = String::with_capacity(112);
    let (alert, integration) = (lane.key.alert.0, lane.key.integration.0);
    let end = match verb {
        Verb::Event { seq, .. } => write!(
            key,
            "{alert:032x}-{integration:032x}-{}-e{seq}",
            lane.key.revision
        ),
        _ => write!(
            key,
            "{alert:032x}-{integration:032x}-{}-{}-{}",
            lane.key.revision,
            lane.cursor,
            word(verb)
        ),
    };
    let end = end.and_then(|()| match verb {
        Verb::Remind => write!(key, "{}", lane.reminders),
        // Each of these must be applied, whatever was before it at the same cursor.
        Verb::Set(_) => write!(key, "{}", lane.told_at.0),
        Verb::Repeat(_) => write!(key, "{}", lane.unsure_until.unwrap_or_default().0),
        Verb::CloseExtra(i) => match lane.extra_handles.get(i as usize) {
            Some(extra) => write!(key, "-{}", extra.object),
            None => Ok(()),
        },
        _ => Ok(()),
    });
    let end = end.and_then(|()| {
        if lane.replay > 0 {
            write!(key, "-r{}", lane.replay)
        } else {
            Ok(())
        }
    });
    debug_assert!(end.is_ok(), "writing into a String cannot fail");
    key
}

fn word(verb: Verb) -> &'static str {
    match verb {
        Verb::Open => "open",
        Verb::Inform => "inform",
        Verb::Update => "update",
        Verb::Ack => "ack",
        Verb::Unack => "unack",
        Verb::Close => "close",
        Verb::Note(_) => "note",
        Verb::Remind => "remind",
        Verb::Event { .. } => "event",
        Verb::Set(_) => "set",
        Verb::Repeat(_) => "repeat",
        Verb::CloseExtra(_) => "extra",
    }
}

/// What the vendor shows after `verb` was applied; `None` if the verb does not change it.
fn told_by(policy: &LanePolicy, verb: Verb, before: Told) -> Option<Told> {
    match verb {
        Verb::Open | Verb::Unack => Some(Told::Open),
        Verb::Ack => Some(Told::Acked),
        Verb::Close | Verb::Inform => Some(Told::Closed),
        Verb::Set(state) => Some(state),
        // A log that hears no closes has nothing that could be closed.
        Verb::Event { .. } if !policy.wants_closes() => Some(Told::Closed),
        Verb::Event { status, .. } => {
            let told = told_by_status(status, before);
            (told != before).then_some(told)
        }
        Verb::Update | Verb::Note(_) | Verb::Remind | Verb::Repeat(_) | Verb::CloseExtra(_) => None,
    }
}

fn told_by_status(status: Status, before: Told) -> Told {
    match status {
        Status::Closed => Told::Closed,
        Status::Acknowledged => Told::Acked,
        Status::Shelved if is_open(before) => before,
        Status::Shelved | Status::Open | Status::Tracking => Told::Open,
    }
}

fn is_close(verb: Verb) -> bool {
    match verb {
        Verb::Close
        | Verb::CloseExtra(_)
        | Verb::Set(Told::Closed)
        | Verb::Repeat(Told::Closed) => true,
        Verb::Event { status, .. } => status == Status::Closed,
        _ => false,
    }
}

fn settle(lane: &mut Lane, upto: u32) {
    lane.cursor = lane.cursor.max(upto);
}

/// The vendor certainly shows `told` now.
fn certain(lane: &mut Lane, told: Told, now: Timestamp) {
    lane.told = told;
    lane.told_at = now;
    lane.doubt = false;
}

fn answered(lane: &mut Lane) {
    lane.failures = 0;
    lane.not_before = Timestamp::ZERO;
}

fn back_off(policy: &LanePolicy, lane: &mut Lane, now: Timestamp, random: u64) {
    lane.failures = lane.failures.saturating_add(1);
    lane.not_before = now + policy.retry.pause(lane.failures, random);
}

fn applied(
    policy: &LanePolicy,
    lane: &mut Lane,
    claim: &Claim,
    handle: Option<Handle>,
    now: Timestamp,
) {
    answered(lane);
    match claim.verb {
        Verb::CloseExtra(i) => {
            forget_extra(lane, i);
            return;
        }
        Verb::Repeat(_) => {
            lane.unsure_until = None;
            return;
        }
        _ => settle(lane, claim.upto),
    }
    let told_before = lane.told;
    if let Some(told) = told_by(policy, claim.verb, lane.told) {
        certain(lane, told, now);
    }
    if may_change_state(claim.verb) {
        lane.told_at = now;
    }
    if matches!(claim.verb, Verb::Event { .. }) {
        // Each event says the whole state.
        lane.doubt = false;
    }
    let restarts_reminders = match claim.verb {
        Verb::Open | Verb::Set(_) | Verb::Unack | Verb::Remind => true,
        Verb::Event { .. } => lane.told == Told::Open && told_before != Told::Open,
        _ => false,
    };
    if restarts_reminders {
        lane.remind_at = now + policy.interval;
    }
    if claim.verb == Verb::Remind {
        lane.reminders += 1;
    } else if policy.manner == Manner::Mirror {
        lane.edit_after = now + policy.edit_interval;
    }
    if let Some(handle) = handle {
        lane.extra_handles
            .retain(|extra| extra.object != handle.object);
        lane.handle = Some(handle);
    }
}

fn refused(policy: &LanePolicy, lane: &mut Lane, claim: &Claim, now: Timestamp) {
    answered(lane);
    let verb = claim.verb;
    let first_post = policy.manner == Manner::Mirror && lane.handle.is_none();
    let never_opened = !is_open(lane.told) && !lane.doubt;
    match verb {
        // C8: what was refused as a first post showed nothing, whatever its verb was.
        Verb::Open | Verb::Ack | Verb::Unack | Verb::Close if first_post => {
            settle(lane, claim.head);
            // An earlier message is gone, or there would be a handle.
            if is_open(lane.told) {
                lane.told = Told::Nothing;
            }
        }
        Verb::Ack | Verb::Unack => {
            settle(lane, claim.upto);
            conclude(policy, lane, verb, now);
        }
        // A mirror's way to say unack.
        Verb::Open if policy.manner == Manner::Mirror && is_open(lane.told) && !lane.doubt => {
            settle(lane, claim.head);
            conclude(policy, lane, verb, now);
        }
        Verb::Open | Verb::Set(_) if !is_close(verb) => settle(lane, claim.head),
        Verb::Inform => {
            settle(lane, claim.head);
            conclude(policy, lane, verb, now);
        }
        // Nothing is known to be open there.
        Verb::Close if never_opened => {
            settle(lane, claim.upto);
            conclude(policy, lane, verb, now);
        }
        Verb::Event { .. } if is_close(verb) && never_opened => settle(lane, claim.upto),
        // C6: a refused close stays owed.
        _ if is_close(verb) => {
            lane.failures = lane.failures.saturating_add(1);
            lane.not_before = now + policy.retry.refused_close;
        }
        Verb::Repeat(_) => lane.unsure_until = None,
        Verb::Remind => {
            lane.reminders += 1;
            lane.remind_at = now + policy.interval;
        }
        Verb::Event { .. } if is_open(lane.told) => {
            settle(lane, claim.upto);
            conclude(policy, lane, verb, now);
        }
        _ => settle(lane, claim.upto),
    }
}

/// A refusal that is as good as an acceptance: asking again would not help, and nothing stays open because of it.
fn conclude(policy: &LanePolicy, lane: &mut Lane, verb: Verb, now: Timestamp) {
    if let Some(told) = told_by(policy, verb, lane.told) {
        certain(lane, told, now);
    }
}

fn stale(policy: &LanePolicy, lane: &mut Lane, claim: &Claim, now: Timestamp, random: u64) {
    match claim.verb {
        Verb::CloseExtra(i) => {
            answered(lane);
            forget_extra(lane, i);
        }
        // It is gone, and with it what a late request could change.
        Verb::Repeat(_) => {
            answered(lane);
            lane.handle = None;
            lane.unsure_until = None;
        }
        Verb::Update | Verb::Note(_) | Verb::Inform => {
            answered(lane);
            lane.handle = None;
            settle(lane, claim.upto);
        }
        Verb::Remind => {
            answered(lane);
            lane.handle = None;
            lane.reminders += 1;
            lane.remind_at = now + policy.interval;
        }
        // What is gone is closed; a mirror posts that it is.
        Verb::Close if policy.manner == Manner::Lifecycle => {
            answered(lane);
            lane.handle = None;
            settle(lane, claim.upto);
            certain(lane, Told::Closed, now);
        }
        Verb::Event { .. } => back_off(policy, lane, now, random),
        Verb::Open | Verb::Ack | Verb::Unack | Verb::Close | Verb::Set(_) => {
            // Posted anew at once; a vendor that calls even that stale is asked more and more seldom.
            let first = lane.handle.take().is_some() || lane.failures == 0;
            back_off(policy, lane, now, random);
            if first {
                lane.not_before = Timestamp::ZERO;
            }
            certain(lane, Told::Nothing, now);
        }
    }
}

fn ambiguous(policy: &LanePolicy, lane: &mut Lane, claim: &Claim, now: Timestamp) {
    lane.duplicates = lane.duplicates.saturating_add(1);
    if told_by(policy, claim.verb, lane.told).is_some() {
        lane.doubt = true;
        if policy.manner == Manner::Mirror && lane.handle.is_none() {
            lane.orphans += 1;
        }
    }
    if may_change_state(claim.verb) {
        lane.told_at = now;
        if policy.fears_late_requests() {
            lane.unsure_until = Some(claim.until + policy.deadline);
        }
    }
}

/// Whether `verb`, arriving late, may change what the main object shows: PagerDuty's update of a closed incident
/// opens another.
fn may_change_state(verb: Verb) -> bool {
    !matches!(verb, Verb::Note(_) | Verb::Remind | Verb::CloseExtra(_))
}

/// A result under a lost claim: only what it proves about other objects and later changes is kept.
fn late(
    policy: &LanePolicy,
    lane: &mut Lane,
    claim: &Claim,
    verdict: Verdict,
    handle: Option<Handle>,
) {
    if !matches!(verdict, Verdict::Ok | Verdict::Ambiguous) {
        return;
    }
    if policy.fears_late_requests() && may_change_state(claim.verb) {
        let end = claim.until + policy.deadline;
        lane.unsure_until = Some(lane.unsure_until.unwrap_or(end).max(end));
    }
    let Some(handle) = handle else { return };
    let known = lane
        .handle
        .iter()
        .chain(&lane.extra_handles)
        .any(|known| known.object == handle.object);
    if known {
        return;
    }
    if lane.extra_handles.len() < EXTRA_HANDLES_MAX {
        // The post whose reply was lost is found.
        lane.orphans = lane.orphans.saturating_sub(1);
        lane.extra_handles.push(handle);
    }
}

fn forget_extra(lane: &mut Lane, index: u32) {
    if (index as usize) < lane.extra_handles.len() {
        lane.extra_handles.remove(index as usize);
    }
}
