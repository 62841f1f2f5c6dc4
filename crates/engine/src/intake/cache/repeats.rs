//! Repeats, from their recognition to their row (I1's exception).
//!
//! Beside other nodes a repeat is taken on the word of an entry that may be stale. So its signal is kept until its row
//! is written, which happens only on the version that it repeated. Whoever takes it out of its entry decides about it,
//! and nobody else does: the flush that wrote it, the flush that could not, or the sender's next signal of the key.

use std::sync::Arc;

use model::{AlertId, Signal, Timestamp, limits};
use store::SeenRow;

use super::{KeyCache, late, unkeep};
use crate::catalog::Source;

/// A repeat that was acknowledged and is not written yet.
pub(crate) struct Kept {
    pub source: Arc<Source>,
    pub signal: Arc<Signal>,
    pub content: u128,
    /// When it came.
    pub came_at: Timestamp,
}

/// A repeat of an alert that was changed before it could be written.
pub(crate) struct Late {
    pub hash: u128,
    /// The alert that it was taken for a repeat of.
    pub alert: AlertId,
    pub kept: Box<Kept>,
}

impl KeyCache {
    /// Notes a repeat, if it is one.
    pub fn repeat(
        &mut self,
        hash: u128,
        content: u128,
        ends_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Option<AlertId> {
        let entry = self.entries.get_mut(&hash)?;
        if !entry.takes_repeats || entry.waiting > 0 || entry.content != content {
            return None;
        }
        if self.shared && entry.kept.is_none() && self.kept >= limits::REPEATS_KEPT_MAX {
            return None;
        }
        // A fire that promises less than before, for the first time, or no longer, changes the alert's timer.
        match (entry.ends_at, ends_at) {
            (None, None) => {}
            (Some(before), Some(now)) if now >= before => {}
            _ => return None,
        }
        entry.ends_at = ends_at;
        entry.last_seen = now;
        entry.repeat_count += 1;
        entry.touched = self.generation;
        if !entry.dirty {
            entry.dirty = true;
            self.dirty.push(hash);
        }
        Some(entry.alert)
    }

    /// Keeps a repeat that was recognised, or that the stepper found, until its row is written.
    pub fn keep(&mut self, hash: u128, kept: Kept) {
        if let Some(entry) = self.entries.get_mut(&hash) {
            self.kept += usize::from(entry.kept.is_none());
            entry.kept = Some(Box::new(kept));
        }
    }

    /// How many repeats are kept.
    pub fn kept_count(&self) -> usize {
        self.kept
    }

    /// Takes the repeats of a key that wait for their row or for the stepper, oldest first: a newer signal of the key
    /// must not overtake them.
    pub fn take_kept(&mut self, hash: u128) -> Vec<Late> {
        let mut all = self.late.remove(&hash).unwrap_or_default();
        if let Some(entry) = self.entries.get_mut(&hash) {
            let kept = unkeep(&mut self.kept, entry);
            all.extend(late(hash, entry.alert, kept));
        }
        all
    }

    /// Leaves a repeat for the next flush, which has it stepped, or for the next signal of its key.
    pub fn put_off(&mut self, late: impl IntoIterator<Item = Late>) {
        for one in late {
            self.late.entry(one.hash).or_default().push(one);
        }
    }

    /// What the stepper is to decide. Its keys are barred until [`KeyCache::unbar`].
    pub fn take_late(&mut self) -> Vec<Late> {
        let late: Vec<Late> = std::mem::take(&mut self.late)
            .into_values()
            .flatten()
            .collect();
        for one in &late {
            self.bar(one.hash);
        }
        late
    }

    /// A repeat that the stepper found: remember its content, so that the next one is recognised at once.
    pub fn learn(
        &mut self,
        hash: u128,
        alert: AlertId,
        content: u128,
        ends_at: Option<Timestamp>,
        now: Timestamp,
    ) {
        let Some(entry) = self.entries.get_mut(&hash).filter(|e| e.alert == alert) else {
            return;
        };
        entry.touched = self.generation;
        entry.content = content;
        entry.ends_at = ends_at.or(entry.ends_at);
        entry.last_seen = now;
        entry.repeat_count += 1;
        if !entry.dirty {
            entry.dirty = true;
            self.dirty.push(hash);
        }
    }

    /// The rows to flush, with their keys. Their repeats stay kept until [`KeyCache::flushed`].
    pub fn take_dirty(&mut self) -> Vec<(u128, SeenRow)> {
        let dirty = std::mem::take(&mut self.dirty);
        let rows = dirty.into_iter().filter_map(|hash| {
            let entry = self.entries.get_mut(&hash)?;
            let row = SeenRow {
                alert: entry.alert,
                version: entry.version,
                last_seen: entry.last_seen,
                repeat_count: entry.repeat_count,
                ends_at: entry.ends_at,
            };
            std::mem::take(&mut entry.dirty).then_some((hash, row))
        });
        rows.collect()
    }

    /// What became of a row: written, or not because another node changed its alert.
    pub fn flushed(&mut self, hash: u128, row: &SeenRow, written: bool) {
        let Some(entry) = self.entries.get_mut(&hash) else {
            return;
        };
        // If the entry has moved on, whoever moved it took the repeat along.
        if (entry.alert, entry.version) != (row.alert, row.version) {
            return;
        }
        if !written {
            // Everything of this key is verified from now on.
            entry.takes_repeats = false;
            let kept = unkeep(&mut self.kept, entry);
            self.put_off(late(hash, row.alert, kept));
        } else if entry
            .kept
            .as_ref()
            .is_some_and(|k| k.came_at <= row.last_seen)
        {
            unkeep(&mut self.kept, entry);
        }
    }

    /// The store failed: these go with the next flush.
    pub fn flush_again(&mut self, rows: &[(u128, SeenRow)]) {
        for (hash, row) in rows {
            if let Some(entry) = self.entries.get_mut(hash)
                && entry.alert == row.alert
                && entry.takes_repeats
                && !entry.dirty
            {
                entry.dirty = true;
                self.dirty.push(*hash);
            }
        }
    }
}
