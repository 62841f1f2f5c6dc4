//! Which lanes an alert's new events concern: existing ones are raised, matching integrations enter (I3).

use lifecycle::lanes::{self, LanePolicy, due_at};
use model::{Alert, Event, EventKind, IntegrationId, Lane, Status, Timestamp, Told};

use crate::catalog::{Catalog, Integration};

/// A lane under work.
pub(crate) struct LaneState {
    pub lane: Lane,
    /// The version that the store has; `None`: the lane is new.
    pub stored: Option<u32>,
    pub changed: bool,
    pub removed: bool,
}

impl LaneState {
    pub fn stored(lane: Lane) -> LaneState {
        LaneState {
            stored: Some(lane.version),
            lane,
            changed: false,
            removed: false,
        }
    }

    fn new(mut lane: Lane) -> LaneState {
        lane.version = 1;
        LaneState {
            lane,
            stored: None,
            changed: true,
            removed: false,
        }
    }

    fn put(&mut self, mut lane: Lane) {
        lane.version = self.stored.map_or(1, |v| v + 1);
        self.lane = lane;
        self.changed = true;
    }
}

/// Brings the alert's lanes up to date with its new `events` (already part of `alert`, which before them was closed
/// at `was_closed_at`, if it was). Whether anything changed.
pub(crate) fn route(
    catalog: &Catalog,
    alert: &Alert,
    was_closed_at: Option<Timestamp>,
    events: &[Event],
    lanes: &mut Vec<LaneState>,
    now: Timestamp,
) -> bool {
    let mut changed = false;
    let own: Vec<IntegrationId> = lanes.iter().map(|l| l.lane.key.integration).collect();
    for integration in catalog.concerned(alert, own.into_iter()) {
        let Some(revision) = catalog.revision(integration.id, integration.revision) else {
            continue;
        };
        changed |= match newest(lanes, integration.id) {
            Some(at) => {
                let policy = revision.policy_for(alert, Some(&lanes[at].lane));
                let heard = inbound(policy, &mut lanes[at], events);
                raise(policy, lanes, at, alert, was_closed_at, events, now) || heard
            }
            None => {
                let policy = revision.policy_for(alert, None);
                enter(catalog, integration, policy, alert, events, lanes, now)
            }
        };
    }
    changed
}

/// What a second look at an integration's part led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rerouted {
    Changed,
    Unchanged,
    /// A send of the lane is on its way: only after it can be said whether the old target knows the alert.
    InFlight,
}

impl From<bool> for Rerouted {
    fn from(changed: bool) -> Rerouted {
        match changed {
            true => Rerouted::Changed,
            false => Rerouted::Unchanged,
        }
    }
}

/// Looks again at one integration's part after it changed: a lane that was told nothing moves to the present target,
/// any other is planned anew; with `entering` the alert may enter as it is.
pub(crate) fn reroute(
    catalog: &Catalog,
    alert: &Alert,
    lanes: &mut Vec<LaneState>,
    integration: IntegrationId,
    entering: bool,
    now: Timestamp,
) -> Rerouted {
    let Some(integration) = catalog.integration(integration) else {
        return Rerouted::Unchanged;
    };
    let Some(revision) = catalog.revision(integration.id, integration.revision) else {
        return Rerouted::Unchanged;
    };
    let at = newest(lanes, integration.id);
    let policy = revision.policy_for(alert, at.map(|at| &lanes[at].lane));
    match at {
        Some(at) if lanes[at].lane.claim.is_some() => Rerouted::InFlight,
        Some(at) => {
            if !retarget(policy, lanes, at, now) {
                replan(&mut lanes[at], now);
            }
            Rerouted::Changed
        }
        // An integration that comes later is told of the alert as it is: an event that says so stands for the log.
        None if entering => enter(
            catalog,
            integration,
            policy,
            alert,
            &[standing_event(alert)],
            lanes,
            now,
        )
        .into(),
        None => Rerouted::Unchanged,
    }
}

/// Every lane that is held is looked at now: what held it may have ended. Whether anything changed.
pub(crate) fn replan_held(lanes: &mut [LaneState], now: Timestamp) -> bool {
    let held = lanes.iter_mut().filter(|l| {
        let lane = &l.lane;
        lane.held_by.is_some() && lane.claim.is_none() && lane.due_at.is_some_and(|due| due > now)
    });
    held.map(|state| replan(state, now)).count() > 0
}

/// The integration's lane on its newest target.
fn newest(lanes: &[LaneState], integration: IntegrationId) -> Option<usize> {
    let of = |state: &LaneState| state.lane.key.integration == integration && !state.removed;
    let own = lanes.iter().enumerate().filter(|(_, state)| of(state));
    own.max_by_key(|(_, state)| state.lane.key.revision)
        .map(|(at, _)| at)
}

fn enter(
    catalog: &Catalog,
    integration: &Integration,
    policy: &LanePolicy,
    alert: &Alert,
    events: &[Event],
    lanes: &mut Vec<LaneState>,
    now: Timestamp,
) -> bool {
    if events.is_empty() || !catalog.takes(integration, alert) {
        return false;
    }
    let Some(mut lane) = lanes::enter(integration.id, alert, events, policy, now) else {
        return false;
    };
    lane.due_at = due_at(policy, &lane, events, alert, now);
    lanes.push(LaneState::new(lane));
    true
}

/// The dispatcher looks at the lane under the integration's present policy.
fn replan(state: &mut LaneState, now: Timestamp) {
    let mut lane = state.lane.clone();
    lane.due_at = Some(now);
    state.put(lane);
}

fn raise(
    policy: &LanePolicy,
    lanes: &mut Vec<LaneState>,
    at: usize,
    alert: &Alert,
    was_closed_at: Option<Timestamp>,
    events: &[Event],
    now: Timestamp,
) -> bool {
    let before = &lanes[at].lane;
    let Some(raised) = lanes::raise(before, was_closed_at, alert, events, policy, now) else {
        return false;
    };
    let was_even = before.cursor == before.head;
    let mut lane = raised.lane;
    if lane.claim.is_none() {
        // With nothing older pending, the new events are all that is pending.
        lane.due_at = if was_even {
            due_at(policy, &lane, events, alert, now)
        } else {
            Some(now)
        };
    }
    if lane.key == before.key {
        lanes[at].put(lane);
    } else {
        lanes[at].removed = true;
        lanes.push(LaneState::new(lane));
    }
    if let Some(mut new) = raised.new {
        new.due_at = due_at(policy, &new, events, alert, now);
        lanes.push(LaneState::new(new));
    }
    true
}

fn retarget(policy: &LanePolicy, lanes: &mut Vec<LaneState>, at: usize, now: Timestamp) -> bool {
    let Some(mut lane) = lanes::retarget(&lanes[at].lane, policy) else {
        return false;
    };
    lane.due_at = lane.due_at.map(|due| due.max(now));
    lanes[at].removed = true;
    lanes.push(LaneState::new(lane));
    true
}

/// A change that came from the lane's own object: the vendor knows it (I8).
fn inbound(policy: &LanePolicy, state: &mut LaneState, events: &[Event]) -> bool {
    let mut heard = false;
    for event in events {
        let Some(origin) = &event.origin else {
            continue;
        };
        let mut lane = state.lane.clone();
        let ours = lane
            .handle
            .iter()
            .any(|handle| handle.object == origin.object);
        let Some(told) = told_by_vendor(event).filter(|_| ours) else {
            continue;
        };
        if lanes::hear(&mut lane, told, event.at, policy) {
            state.put(lane);
            heard = true;
        }
    }
    heard
}

fn told_by_vendor(event: &Event) -> Option<Told> {
    match event.kind {
        EventKind::Acknowledged => Some(Told::Acked),
        EventKind::Unacknowledged | EventKind::Reopened => Some(Told::Open),
        kind if kind.is_closing() => Some(Told::Closed),
        _ => None,
    }
}

/// An event that stands for an open alert as it is.
fn standing_event(alert: &Alert) -> Event {
    Event {
        alert: alert.id,
        seq: alert.seq,
        at: alert.changed_at,
        kind: if alert.status == Status::Acknowledged {
            EventKind::Acknowledged
        } else {
            EventKind::Opened
        },
        status: alert.status,
        content: None,
        by: None,
        note: None,
        assignee: None,
        until: None,
        because: None,
        origin: None,
    }
}
