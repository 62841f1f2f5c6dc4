//! How well each revision is: slots, breaker, suspension, a vendor's pause. In memory; suspensions are also rows.

use std::collections::HashMap;
use std::sync::Arc;

use integrations::kit::Finish;
use model::{DurationMs, IntegrationId, Outcome, Timestamp};
use store::{HealthRow, Suspension};
use tokio::sync::Semaphore;

/// Sends at once of one revision: enough to hide a vendor's latency, few enough that one hanging sink holds no
/// more than its share (I12).
pub(crate) const SLOTS_PER_REVISION: usize = 32;
/// Lanes claimed beyond these for a vendor that answers quickly: they wait for a slot. One look, one claim and one write
/// are then shared by more lanes.
const AHEAD_MAX: usize = 96;
/// A quick reply, so that all that were claimed ahead leave within a tenth of a second.
const QUICK: DurationMs = DurationMs(20);
/// Sends at once in all: each holds a connection and a lane's events.
pub(crate) const SLOTS_IN_ALL: usize = 512;
/// Of one revision, what the vendor took and the store does not have yet. Such a send gives its slot to the next one, so
/// that a slow disk does not slow the vendor; after a crash these may be told twice.
pub(crate) const UNRECORDED_PER_REVISION: usize = 512;
/// The same for all together: each holds its alert in memory.
pub(crate) const UNRECORDED_IN_ALL: usize = 4096;
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
    /// Claimed, and not answered yet.
    in_flight: usize,
    unrecorded: usize,
    /// Quick replies in a row: for each, one more lane may be claimed ahead.
    quick: usize,
    slots: Slots,
    failures: u32,
    breaker_until: Timestamp,
    breaker_pause: DurationMs,
    pub suspended: Option<Suspension>,
    /// A bucket was empty or blocked: nothing is claimed before.
    blocked_until: Timestamp,
}

impl State {
    fn is_idle(&self) -> bool {
        self.in_flight == 0 && self.unrecorded == 0
    }

    /// How many may be claimed at once.
    fn width(&self) -> usize {
        SLOTS_PER_REVISION + self.quick.min(AHEAD_MAX)
    }
}

/// The places in which sends of one revision run.
#[derive(Debug)]
struct Slots(Arc<Semaphore>);

impl Default for Slots {
    fn default() -> Slots {
        Slots(Arc::new(Semaphore::new(SLOTS_PER_REVISION)))
    }
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
    unrecorded: usize,
}

impl Health {
    /// How many lanes of this revision may be claimed now.
    pub fn free_slots(&self, key: RevisionKey, now: Timestamp) -> usize {
        let room = self.room();
        let Some(state) = self.states.get(&key) else {
            return SLOTS_PER_REVISION.min(room);
        };
        if now < state.blocked_until || now < state.breaker_until {
            return 0;
        }
        if let Some(suspension) = &state.suspended {
            return usize::from(state.is_idle() && now >= suspension.probe_at).min(room);
        }
        if state.failures >= BREAKER_FAILURES {
            return usize::from(state.is_idle()).min(room);
        }
        let unrecorded = UNRECORDED_PER_REVISION.saturating_sub(state.unrecorded);
        let free = state.width().saturating_sub(state.in_flight);
        free.min(unrecorded).min(room)
    }

    /// How many lanes may be claimed now, whatever their revisions.
    pub fn room(&self) -> usize {
        let slots = SLOTS_IN_ALL.saturating_sub(self.in_flight);
        slots.min(UNRECORDED_IN_ALL.saturating_sub(self.unrecorded))
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

    /// A lane was claimed; in which slots its send may run.
    pub fn claimed(&mut self, key: RevisionKey) -> Arc<Semaphore> {
        self.in_flight += 1;
        let state = self.states.entry(key).or_default();
        state.in_flight += 1;
        state.slots.0.clone()
    }

    pub fn blocked(&mut self, key: RevisionKey, until: Timestamp) {
        self.states.entry(key).or_default().blocked_until = until;
    }

    /// The vendor took it: another lane may be claimed, though the store does not have the result yet. Any other reply
    /// counts as in flight until [`Health::finished`] has learnt what it means. Whether it is time to look for more to send.
    pub fn taken(&mut self, key: RevisionKey, took: DurationMs) -> bool {
        let state = self.states.entry(key).or_default();
        state.quick = match took <= QUICK {
            true => state.quick.saturating_add(1).min(AHEAD_MAX),
            false => 0,
        };
        state.in_flight = state.in_flight.saturating_sub(1);
        state.unrecorded += 1;
        self.in_flight = self.in_flight.saturating_sub(1);
        self.unrecorded += 1;
        // Not for each: a look that finds room for many costs little more than one for a single lane.
        state.in_flight <= state.width() / 2
    }

    /// The result is written, or given up, and nothing was learnt of the vendor; `taken` says whether [`Health::taken`] was
    /// told of it.
    pub fn released(&mut self, key: RevisionKey, taken: bool) {
        let state = self.states.entry(key).or_default();
        let (mine, all) = match taken {
            true => (&mut state.unrecorded, &mut self.unrecorded),
            false => (&mut state.in_flight, &mut self.in_flight),
        };
        *mine = mine.saturating_sub(1);
        *all = all.saturating_sub(1);
    }

    /// A send is over.
    pub fn finished(
        &mut self,
        key: RevisionKey,
        finish: &Finish,
        taken: bool,
        now: Timestamp,
    ) -> HealthChange {
        self.released(key, taken);
        let state = self.states.entry(key).or_default();
        if !taken {
            state.quick = 0;
        }
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

    /// Nothing is being sent, and every result is written.
    pub fn is_idle(&self) -> bool {
        self.in_flight == 0 && self.unrecorded == 0
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
            let change = health.finished(KEY, &finish(Outcome::Ambiguous, None), false, now);
            assert_eq!(matches!(change, HealthChange::BreakerOpened(_)), n == 5);
        }
        assert_eq!(health.free_slots(KEY, now), 0);
        let later = now + DurationMs::from_secs(5);
        assert_eq!(health.free_slots(KEY, later), 1, "one at a time");
        health.claimed(KEY);
        assert_eq!(health.free_slots(KEY, later), 0);
        health.finished(KEY, &finish(Outcome::Delivered, Some(200)), false, later);
        assert_eq!(health.free_slots(KEY, later), SLOTS_PER_REVISION);
    }

    #[test]
    fn a_bad_credential_suspends_and_one_probe_in_ten_minutes_repairs() {
        let mut health = Health::default();
        let now = Timestamp(1_000_000);
        health.claimed(KEY);
        let change = health.finished(KEY, &finish(Outcome::CredentialBad, Some(200)), false, now);
        assert!(matches!(change, HealthChange::Suspended(_)));
        assert_eq!(health.free_slots(KEY, now + DurationMs::from_mins(9)), 0);
        let probe = now + DurationMs::from_mins(10);
        assert_eq!(health.free_slots(KEY, probe), 1);
        health.claimed(KEY);
        assert_eq!(
            health.finished(KEY, &finish(Outcome::Delivered, Some(200)), false, probe),
            HealthChange::Recovered
        );
        assert_eq!(health.free_slots(KEY, probe), SLOTS_PER_REVISION);
    }

    #[test]
    fn what_a_vendor_took_gives_its_slot_to_the_next_up_to_a_bound() {
        let mut health = Health::default();
        let now = Timestamp(1_000_000);
        let mut sent = 0;
        while health.free_slots(KEY, now) > 0 {
            health.claimed(KEY);
            health.taken(KEY, QUICK);
            sent += 1;
        }
        assert_eq!(sent, UNRECORDED_PER_REVISION);
        health.finished(KEY, &finish(Outcome::Delivered, Some(200)), true, now);
        assert_eq!(health.free_slots(KEY, now), 1);
        assert_eq!((health.in_flight, health.unrecorded), (0, sent - 1));
    }

    #[test]
    fn a_suspended_revision_is_probed_by_one_until_that_one_is_written() {
        let mut health = Health::default();
        let now = Timestamp(1_000_000);
        health.claimed(KEY);
        health.finished(KEY, &finish(Outcome::TargetGone, Some(404)), false, now);
        let probe = now + DurationMs::from_mins(10);
        health.claimed(KEY);
        health.taken(KEY, DurationMs(QUICK.0 + 1));
        assert_eq!(health.free_slots(KEY, probe), 0);
        let change = health.finished(KEY, &finish(Outcome::Delivered, Some(200)), true, probe);
        assert_eq!(change, HealthChange::Recovered);
        assert_eq!(health.free_slots(KEY, probe), SLOTS_PER_REVISION);
    }

    #[test]
    fn more_is_claimed_for_a_vendor_that_answers_quickly_until_it_does_not() {
        let mut health = Health::default();
        let now = Timestamp(1_000_000);
        for _ in 0..2 * AHEAD_MAX {
            health.claimed(KEY);
            health.taken(KEY, QUICK);
            health.released(KEY, true);
        }
        assert_eq!(health.free_slots(KEY, now), SLOTS_PER_REVISION + AHEAD_MAX);
        let slots = health.claimed(KEY);
        assert_eq!(slots.available_permits(), SLOTS_PER_REVISION);
        health.taken(KEY, DurationMs(QUICK.0 + 1));
        assert_eq!(health.free_slots(KEY, now), SLOTS_PER_REVISION);
    }
}
