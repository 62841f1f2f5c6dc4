//! Alerts that open and close all the time: told a few times, then held until they are calm.
//!
//! Each node counts what it stepped itself, in memory: after a restart an alert counts as calm.

use std::collections::{HashMap, VecDeque};

use model::{DurationMs, Timestamp};

use crate::desired::Flapping;

/// Keys that are counted. Beyond it those that have been calm the longest are forgotten.
const KEYS_MAX: usize = 100_000;
/// Openings of one key that are remembered: more than anybody asks for.
const OPENINGS_MAX: usize = 64;

/// When keys were opened lately, by the cache's hash of each.
#[derive(Default)]
pub(crate) struct Openings(HashMap<u128, VecDeque<Timestamp>>);

impl Openings {
    /// Takes note of an opening.
    pub fn note(&mut self, key: u128, at: Timestamp) {
        if self.0.len() >= KEYS_MAX && !self.0.contains_key(&key) {
            let mut newest: Vec<Timestamp> =
                self.0.values().filter_map(|o| o.back().copied()).collect();
            newest.sort_unstable();
            let middle = newest.get(newest.len() / 2).copied().unwrap_or(at);
            self.0
                .retain(|_, o| o.back().is_some_and(|last| *last > middle));
        }
        let openings = self.0.entry(key).or_default();
        openings.push_back(at);
        if openings.len() > OPENINGS_MAX {
            openings.pop_front();
        }
    }

    /// How many openings of `key` lie within `window` before its newest, that one included, and when the newest was.
    fn recent(&self, key: u128, window: DurationMs) -> Option<(u32, Timestamp)> {
        let openings = self.0.get(&key)?;
        let newest = *openings.back()?;
        let count = openings
            .iter()
            .filter(|at| newest.since(**at) <= window)
            .count();
        Some((u32::try_from(count).unwrap_or(u32::MAX), newest))
    }

    /// Until when a key is held, if it opened more often than `rule` allows and has not been calm since.
    pub fn held_until(&self, key: u128, rule: &Flapping, now: Timestamp) -> Option<Timestamp> {
        let (count, newest) = self.recent(key, rule.window)?;
        let until = newest + rule.window;
        (count > rule.changes && now < until).then_some(until)
    }

    /// Whether the newest opening was the last that `rule` allows: the one that says so.
    pub fn is_last_allowed(&self, key: u128, rule: &Flapping) -> bool {
        self.recent(key, rule.window)
            .is_some_and(|(count, _)| count == rule.changes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: Flapping = Flapping {
        changes: 3,
        window: DurationMs::from_mins(10),
    };

    #[test]
    fn what_opens_more_often_than_allowed_is_held_until_it_was_calm_for_a_window() {
        let mut openings = Openings::default();
        let at = |minute: i64| Timestamp::ZERO + DurationMs::from_mins(minute);
        for minute in 0..3 {
            openings.note(1, at(minute));
            assert_eq!(openings.held_until(1, &RULE, at(minute)), None);
            assert_eq!(openings.is_last_allowed(1, &RULE), minute == 2);
        }
        openings.note(1, at(3));
        assert_eq!(openings.held_until(1, &RULE, at(3)), Some(at(13)));
        assert!(!openings.is_last_allowed(1, &RULE));
        assert_eq!(openings.held_until(1, &RULE, at(13)), None, "calm");
        openings.note(1, at(30));
        assert_eq!(openings.held_until(1, &RULE, at(30)), None, "and forgotten");
        assert_eq!(openings.held_until(2, &RULE, at(3)), None, "another key");
    }

    #[test]
    fn what_is_counted_has_a_limit() {
        let mut openings = Openings::default();
        for key in 0..(KEYS_MAX as u128 + 10) {
            openings.note(key, Timestamp(i64::try_from(key).unwrap()));
        }
        assert!(openings.0.len() <= KEYS_MAX);
        assert!(openings.0.contains_key(&(KEYS_MAX as u128 + 9)));
    }
}
