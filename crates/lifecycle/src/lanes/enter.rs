//! How a lane begins and how new events reach it.

use model::{
    Alert, DurationMs, Event, EventKind, IntegrationId, Lane, LaneKey, Manner, Status, Timestamp,
    Told, Verb,
};

use super::plan::is_open;
use super::{LanePolicy, retarget};

/// A new lane for an alert that an integration's matchers have let in, or `None` if there is nothing to tell: the
/// integration is off, wants none of `events`, or they only end something that it never heard of.
///
/// `events` are the alert's new ones, oldest first (to tell of an alert that is open already: its newest event).
/// `alert` is the alert after them. Call it in their transaction (I3).
pub fn enter(
    integration: IntegrationId,
    alert: &Alert,
    events: &[Event],
    policy: &LanePolicy,
    now: Timestamp,
) -> Option<Lane> {
    let first = events.first()?;
    let opens =
        alert.status != Status::Closed || events.iter().any(|event| event.kind.is_opening());
    if !policy.on() || !opens || alert.status == Status::Tracking {
        return None;
    }
    let head = newest_wanted(policy, events)?;
    let begins = |event: &Event| policy.wants(event.kind) && !event.kind.is_closing();
    if !events.iter().any(begins) {
        return None;
    }
    Some(Lane {
        key: LaneKey {
            alert: alert.id,
            integration,
            revision: policy.revision,
        },
        version: 0,
        priority: priority(alert),
        retired: false,
        cursor: first.seq - 1,
        head,
        told: Told::Nothing,
        told_at: now,
        doubt: false,
        unsure_until: None,
        delay_until: now + policy.delay_for(alert.kind),
        held_until: Timestamp::ZERO,
        held_by: None,
        not_before: Timestamp::ZERO,
        edit_after: Timestamp::ZERO,
        remind_at: Timestamp::ZERO,
        due_at: None,
        handle: None,
        extra_handles: Vec::new(),
        claim: None,
        attempts: 0,
        failures: 0,
        duplicates: 0,
        orphans: 0,
        replay: 0,
        reminders: 0,
    })
}

/// What new events make of the lanes of one alert and integration.
#[derive(Clone, Debug, PartialEq)]
pub struct Raised {
    /// The lane as it is now.
    pub lane: Lane,
    /// A lane on the present target, beside the old one, which only finishes.
    pub new: Option<Lane>,
}

/// Tells `lane` of the alert's new `events` (oldest first; `alert` is the alert after them, `closed_at` when it had
/// closed before them); `None` if they do not concern it. Of several lanes of one alert and integration only the one
/// with the newest revision is raised. Call it in the events' transaction (I3).
pub fn raise(
    lane: &Lane,
    closed_at: Option<Timestamp>,
    alert: &Alert,
    events: &[Event],
    policy: &LanePolicy,
    now: Timestamp,
) -> Option<Raised> {
    let outdated = lane.key.revision != policy.revision;
    // What may be on its way decides whether the old target is still to be spoken to.
    let idle = lane
        .claim
        .as_ref()
        .is_none_or(|claim| matches!(claim.verb, Verb::Repeat(_) | Verb::CloseExtra(_)));
    if outdated && lane.told == Told::Closed && !lane.doubt && idle && !alert.is_closed() {
        let new = enter(lane.key.integration, alert, events, policy, now)?;
        let mut old = lane.clone();
        old.cursor = old.head;
        old.retired = true;
        return Some(Raised {
            lane: old,
            new: Some(new),
        });
    }
    let head = newest_wanted(policy, events)?;
    let mut raised = retarget(lane, policy).unwrap_or_else(|| lane.clone());
    if let Some(reopened) = events
        .iter()
        .rposition(|event| event.kind == EventKind::Reopened)
    {
        // C3: an opening that was let out before it closed is not held a second time.
        let hold_end = lane.delay_until.max(lane.held_until);
        let closed_at = events[..reopened]
            .iter()
            .rfind(|event| event.kind.is_closing())
            .map(|event| event.at)
            .or(closed_at);
        let let_out = now >= hold_end && closed_at.is_none_or(|at| at >= hold_end);
        // C12: a log may owe a whole episode although the one before it is still open there (its close is being tried
        // again); a new hold would make that episode one that closed while held.
        let unheard = !is_open(lane.told) || policy.manner == Manner::Log;
        let owed = lane.cursor < lane.head && unheard;
        let delay = policy.delay_for(alert.kind);
        // No delay is no hold either: it would end now, after the closes that are still pending.
        if delay > DurationMs::ZERO && !(owed && let_out) {
            raised.delay_until = now + delay;
        }
    }
    raised.head = head.max(lane.head);
    raised.priority = priority(alert);
    Some(Raised {
        lane: raised,
        new: None,
    })
}

/// Critical alerts are told first.
fn priority(alert: &Alert) -> u8 {
    4 - alert.severity() as u8
}

fn newest_wanted(policy: &LanePolicy, events: &[Event]) -> Option<u32> {
    events
        .iter()
        .rfind(|event| policy.wants(event.kind))
        .map(|event| event.seq)
}
