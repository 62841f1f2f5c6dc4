//! How well each revision is: slots, breaker, suspension, a vendor's pause. In memory; suspensions are also rows.

use std::collections::HashMap;

use integrations::kit::Finish;
use model::{DurationMs, IntegrationId, Outcome, Timestamp};
use store::{HealthRow, Suspension};

/// Sends at once of one revision: enough to hide a vendor's latency, few enough that one hanging sink holds no
/// more than its share (I12).
pub(crate) const SLOTS_PER_REVISION: usize = 32;
/// Sends at once in all: each holds a connection and a lane's events.
pub(crate) const SLOTS_IN_ALL: usize = 512;
/// Transport failures in a row that open the breaker (DESIGN §5, Pace).
const BREAKER_FAILURES: u32 = 5;
/// The breaker's pause between single tries; doubled up to the second figure.
const BREAKER_PAUSE: (DurationMs, DurationMs) =
    (DurationMs::from_secs(5), DurationMs::from_secs(60));
/// A suspended revision is probed this often (DESIGN §5, Pace).
const PROBE_EVERY: DurationMs = DurationMs::from_mins(10);

pub(crate) type RevisionKey = (IntegrationId, u32);

/// One revision's state.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub in_flight: usize,
    failures: u32,
    breaker_until: Timestamp,
    breaker_pause: DurationMs,
    pub suspended: Option<Suspension>,
    /// A bucket was empty or blocked: nothing is claimed before.
    blocked_until: Timestamp,
}

/// What a finished send changed.
#[derive(Debug, PartialEq)]
pub(crate) enum HealthChange {
    None,
    Suspended(Suspension),
    StillSuspended(Suspension),
    Recovered,
    BreakerOpened(DurationMs),
}

#[derive(Debug, Default)]
pub(crate) struct Health {
    states: HashMap<RevisionKey, State>,
    in_flight: usize,
}

impl Health {
    /// How many lanes of this revision may be claimed now.
    pub fn free_slots(&self, key: RevisionKey, now: Timestamp) -> usize {
        let room = SLOTS_IN_ALL.saturating_sub(self.in_flight);
        let Some(state) = self.states.get(&key) else {
            return SLOTS_PER_REVISION.min(room);
        };
        if now < state.blocked_until || now < state.breaker_until {
            return 0;
        }
        if let Some(suspension) = &state.suspended {
            return usize::from(state.in_flight == 0 && now >= suspension.probe_at).min(room);
        }
        if state.failures >= BREAKER_FAILURES {
            return usize::from(state.in_flight == 0).min(room);
        }
        SLOTS_PER_REVISION.saturating_sub(state.in_flight).min(room)
    }

    /// When this revision may be looked at again, if not now.
    pub fn closed_until(&self, key: RevisionKey) -> Timestamp {
        let Some(state) = self.states.get(&key) else {
            return Timestamp::ZERO;
        };
        let probe = state
            .suspended
            .as_ref()
            .map_or(Timestamp::ZERO, |s| s.probe_at);
        state.blocked_until.max(state.breaker_until).max(probe)
    }

    pub fn claimed(&mut self, key: RevisionKey) {
        self.states.entry(key).or_default().in_flight += 1;
        self.in_flight += 1;
    }

    pub fn blocked(&mut self, key: RevisionKey, until: Timestamp) {
        self.states.entry(key).or_default().blocked_until = until;
    }

    /// A slot is free again, and nothing was learnt of the vendor.
    pub fn released(&mut self, key: RevisionKey) {
        self.in_flight = self.in_flight.saturating_sub(1);
        let state = self.states.entry(key).or_default();
        state.in_flight = state.in_flight.saturating_sub(1);
    }

    /// A send is over.
    pub fn finished(&mut self, key: RevisionKey, finish: &Finish, now: Timestamp) -> HealthChange {
        self.released(key);
        let state = self.states.entry(key).or_default();
        match finish.outcome {
            Outcome::CredentialBad | Outcome::ScopeMissing | Outcome::TargetGone => {
                let since = state.suspended.as_ref().map_or(now, |s| s.since);
                let was = state.suspended.is_some();
                let suspension = Suspension {
                    since,
                    outcome: finish.outcome.clone(),
                    reason: finish.excerpt.clone(),
                    probe_at: now + PROBE_EVERY,
                };
                state.suspended = Some(suspension.clone());
                if was {
                    HealthChange::StillSuspended(suspension)
                } else {
                    HealthChange::Suspended(suspension)
                }
            }
            // No status: nothing was answered. A vendor that answers is there, whatever it says.
            Outcome::Retry | Outcome::Ambiguous if finish.status.is_none() => {
                state.failures += 1;
                if state.failures < BREAKER_FAILURES {
                    return HealthChange::None;
                }
                let opened = state.failures == BREAKER_FAILURES;
                let doubled = DurationMs(state.breaker_pause.0 * 2);
                state.breaker_pause = doubled.clamp(BREAKER_PAUSE.0, BREAKER_PAUSE.1);
                state.breaker_until = now + state.breaker_pause;
                if opened {
                    HealthChange::BreakerOpened(state.breaker_pause)
                } else {
                    HealthChange::None
                }
            }
            // An answer, though not a yes: neither breaker nor suspension is moved by it.
            Outcome::Throttled { .. } | Outcome::Retry | Outcome::Ambiguous => {
                state.failures = 0;
                HealthChange::None
            }
            Outcome::Delivered | Outcome::Accepted | Outcome::PayloadBad | Outcome::Stale => {
                state.failures = 0;
                state.breaker_pause = DurationMs::ZERO;
                state.breaker_until = Timestamp::ZERO;
                if state.suspended.take().is_some() {
                    HealthChange::Recovered
                } else {
                    HealthChange::None
                }
            }
        }
    }

    /// What the store remembers, or settings changed: with `None` it is tried again at once.
    pub fn set_suspended(&mut self, key: RevisionKey, suspended: Option<Suspension>) {
        let state = self.states.entry(key).or_default();
        state.suspended = suspended;
        if state.suspended.is_none() {
            state.failures = 0;
            state.breaker_until = Timestamp::ZERO;
        }
    }

    /// What the rows say of all revisions, where other nodes write them too.
    pub fn adopt(&mut self, rows: Vec<HealthRow>) {
        let mut rows: HashMap<RevisionKey, Option<Suspension>> = rows
            .into_iter()
            .map(|row| ((row.integration, row.revision), row.suspended))
            .collect();
        let suspended = self.states.iter().filter(|(_, s)| s.suspended.is_some());
        for (key, _) in suspended {
            rows.entry(*key).or_default();
        }
        for (key, row) in rows {
            if self.suspension(key) != row.as_ref() {
                self.set_suspended(key, row);
            }
        }
    }

    pub fn suspension(&self, key: RevisionKey) -> Option<&Suspension> {
        self.states.get(&key)?.suspended.as_ref()
    }

    pub fn suspended_count(&self) -> usize {
        self.states
            .values()
            .filter(|s| s.suspended.is_some())
            .count()
    }

    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Whether the breaker is open or the vendor asked for a pause: for `explain`.
    pub fn pause(&self, key: RevisionKey, now: Timestamp) -> Option<(&'static str, Timestamp)> {
        let state = self.states.get(&key)?;
        if now < state.breaker_until {
            return Some((
                "the vendor does not answer; one send at a time is tried",
                state.breaker_until,
            ));
        }
        (now < state.blocked_until).then_some(("the vendor's rate limit", state.blocked_until))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: RevisionKey = (IntegrationId(1), 1);

    fn finish(outcome: Outcome, status: Option<u16>) -> Finish {
        Finish {
            outcome,
            handle: None,
            status,
            excerpt: "said so".into(),
        }
    }

    #[test]
    fn five_silences_in_a_row_open_the_breaker_and_one_answer_closes_it() {
        let mut health = Health::default();
        let now = Timestamp(1_000_000);
        for n in 1..=5 {
            health.claimed(KEY);
            let change = health.finished(KEY, &finish(Outcome::Ambiguous, None), now);
            assert_eq!(matches!(change, HealthChange::BreakerOpened(_)), n == 5);
        }
        assert_eq!(health.free_slots(KEY, now), 0);
        let later = now + DurationMs::from_secs(5);
        assert_eq!(health.free_slots(KEY, later), 1, "one at a time");
        health.claimed(KEY);
        assert_eq!(health.free_slots(KEY, later), 0);
        health.finished(KEY, &finish(Outcome::Delivered, Some(200)), later);
        assert_eq!(health.free_slots(KEY, later), SLOTS_PER_REVISION);
    }

    #[test]
    fn a_bad_credential_suspends_and_one_probe_in_ten_minutes_repairs() {
        let mut health = Health::default();
        let now = Timestamp(1_000_000);
        health.claimed(KEY);
        let change = health.finished(KEY, &finish(Outcome::CredentialBad, Some(200)), now);
        assert!(matches!(change, HealthChange::Suspended(_)));
        assert_eq!(health.free_slots(KEY, now + DurationMs::from_mins(9)), 0);
        let probe = now + DurationMs::from_mins(10);
        assert_eq!(health.free_slots(KEY, probe), 1);
        health.claimed(KEY);
        assert_eq!(
            health.finished(KEY, &finish(Outcome::Delivered, Some(200)), probe),
            HealthChange::Recovered
        );
        assert_eq!(health.free_slots(KEY, probe), SLOTS_PER_REVISION);
    }
}
