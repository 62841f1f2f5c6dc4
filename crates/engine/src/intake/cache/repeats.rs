//! Repeats, from their recognition to their row.
//!
//! Alone on a store a recognised repeat counts at once, and its row is written within a second (I1's exception). Beside
//! other nodes the entry may be stale: its row is written first, on the version that it repeats (`witness`).

use model::{AlertId, Timestamp};
use store::SeenRow;

use super::{Entry, KeyCache};

impl Entry {
    fn row(&self) -> SeenRow {
        SeenRow {
            alert: self.alert,
            version: self.version,
            last_seen: self.last_seen,
            repeat_count: self.repeat_count,
            ends_at: self.ends_at,
        }
    }
}

impl KeyCache {
    /// Notes a repeat, if it is one: its row.
    pub fn repeat(
        &mut self,
        hash: u128,
        content: u128,
        ends_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Option<SeenRow> {
        let entry = self.entries.get_mut(&hash)?;
        if !entry.takes_repeats || entry.waiting > 0 || entry.content != content {
            return None;
        }
        // A fire that promises less than before, for the first time, or no longer, changes the alert's timer.
        match (entry.ends_at, ends_at) {
            (None, None) => {}
            (Some(before), Some(now)) if now >= before => {}
            _ => return None,
        }
        entry.ends_at = ends_at;
        Some(self.count(hash, now))
    }

    /// A repeat that the stepper found: its row. The next one is recognised at once.
    pub fn learn(
        &mut self,
        hash: u128,
        alert: AlertId,
        content: u128,
        ends_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Option<SeenRow> {
        let entry = self.entries.get_mut(&hash).filter(|e| e.alert == alert)?;
        entry.content = content;
        entry.ends_at = ends_at.or(entry.ends_at);
        Some(self.count(hash, now))
    }

    fn count(&mut self, hash: u128, now: Timestamp) -> SeenRow {
        let generation = self.generation;
        let (shared, dirty) = (self.shared, &mut self.dirty);
        let entry = self.entries.entry(hash).and_modify(|entry| {
            entry.last_seen = now;
            entry.repeat_count += 1;
            entry.touched = generation;
            if !shared && !entry.dirty {
                entry.dirty = true;
                dirty.push(hash);
            }
        });
        match entry {
            std::collections::hash_map::Entry::Occupied(entry) => entry.get().row(),
            std::collections::hash_map::Entry::Vacant(_) => {
                unreachable!("both callers have just had the entry")
            }
        }
    }

    /// The entry's repeats are to be written, unless each is before it counts.
    pub(super) fn soil(&mut self, hash: u128, entry: &mut Entry) {
        if !self.shared {
            entry.dirty = true;
            self.dirty.push(hash);
        }
    }

    /// The store had another version than this row repeats: everything of the key is read until something was.
    pub fn doubt(&mut self, hash: u128, row: &SeenRow) {
        if let Some(entry) = self.entries.get_mut(&hash)
            && (entry.alert, entry.version) == (row.alert, row.version)
        {
            entry.takes_repeats = false;
        }
    }

    /// The rows to flush.
    pub fn take_dirty(&mut self) -> Vec<SeenRow> {
        let dirty = std::mem::take(&mut self.dirty);
        let rows = dirty.into_iter().filter_map(|hash| {
            let entry = self.entries.get_mut(&hash)?;
            std::mem::take(&mut entry.dirty).then(|| entry.row())
        });
        rows.collect()
    }
}
