//! Live keys in memory: which alert holds each, and what was last said about it.
//!
//! On SQLite it has all of them and a miss is an answer (DESIGN §4): the cache is filled at start and only the stepper
//! changes it. Beside other nodes it has the keys that this node heard of lately; a miss proves nothing, an entry may
//! be stale, and what it says is verified before it counts: repeats by the version that their row is written with
//! (`witness`), everything else by the stepper's reading. Keys and contents are known by keyed 128-bit hashes, so a
//! sender cannot make two of them meet.

mod repeats;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::hash::BuildHasherDefault;

use model::{Alert, AlertId, ProjectId, Scope, Timestamp};
use store::SeenRow;

use super::hashes::{Hashes, Uniform};

/// What is known of a live key. About 100 bytes each.
pub(crate) struct Entry {
    pub alert: AlertId,
    pub version: u32,
    /// The hash of the signal that made the present content; 0: not known since the start.
    content: u128,
    /// Open in the sense that a fire only repeats it.
    takes_repeats: bool,
    pub ends_at: Option<Timestamp>,
    pub last_seen: Timestamp,
    pub repeat_count: u64,
    /// Repeats since the last flush.
    dirty: bool,
    /// Signals of this key that wait for the stepper; while there are any, nothing is a repeat.
    waiting: u32,
    /// The generation in which it was of use last.
    touched: u32,
}

/// Beside other nodes an entry that nothing asked for is forgotten after so many generations (minutes): senders repeat
/// what fires each few minutes, and an alert that others closed leaves its entry here. What comes later costs a
/// look-up, as a new key does.
const GENERATIONS_KEPT: u32 = 10;

pub(crate) struct KeyCache {
    /// Other nodes write to the same store.
    shared: bool,
    generation: u32,
    hashes: Hashes,
    entries: HashMap<u128, Entry, BuildHasherDefault<Uniform>>,
    /// Keys that wait for the stepper and have no entry.
    barred: HashMap<u128, u32, BuildHasherDefault<Uniform>>,
    dirty: Vec<u128>,
}

impl KeyCache {
    pub fn new(hashes: Hashes, shared: bool) -> KeyCache {
        KeyCache {
            shared,
            generation: 0,
            hashes,
            entries: HashMap::default(),
            barred: HashMap::default(),
            dirty: Vec::new(),
        }
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn hash_of_key(&self, project: ProjectId, scope: Scope, key: &str) -> u128 {
        self.hashes.of_key(project, scope, key)
    }

    pub fn get(&self, hash: u128) -> Option<&Entry> {
        self.entries.get(&hash)
    }

    /// Bars the fast path for a key while a signal of it waits.
    pub fn bar(&mut self, hash: u128) {
        match self.entries.get_mut(&hash) {
            Some(entry) => entry.waiting += 1,
            None => *self.barred.entry(hash).or_default() += 1,
        }
    }

    pub fn unbar(&mut self, hash: u128) {
        if let Some(count) = self.barred.get_mut(&hash) {
            *count -= 1;
            if *count == 0 {
                self.barred.remove(&hash);
            }
        } else if let Some(entry) = self.entries.get_mut(&hash) {
            entry.waiting = entry.waiting.saturating_sub(1);
        }
    }

    /// What the stepper has written, on the version `from` (`None`: the alert is new). `content`: the hash of the signal
    /// that this content came from, if it came from one; otherwise the old one stays, if nobody else wrote meanwhile.
    pub fn put(&mut self, hash: u128, alert: &Alert, content: Option<u128>, from: Option<u32>) {
        let old = self.entries.remove(&hash);
        let waiting = old
            .as_ref()
            .map(|e| e.waiting)
            .or_else(|| self.barred.remove(&hash))
            .unwrap_or(0);
        let mut entry = Entry {
            alert: alert.id,
            version: alert.version,
            content: content.unwrap_or(0),
            takes_repeats: !alert.is_closed(),
            ends_at: alert.ends_at,
            last_seen: alert.last_seen,
            repeat_count: alert.repeat_count,
            dirty: false,
            waiting,
            touched: self.generation,
        };
        // Repeats of another episode, or of a version that another node has changed, say nothing of this one.
        if let Some(old) = old
            && old.alert == alert.id
            && (!self.shared || from == Some(old.version))
        {
            if content.is_none() {
                entry.content = old.content;
            }
            // Repeats that came while the row was being written are not in it.
            if old.repeat_count > alert.repeat_count && entry.takes_repeats {
                entry.repeat_count = old.repeat_count;
                entry.last_seen = old.last_seen.max(entry.last_seen);
                entry.ends_at = old.ends_at.max(entry.ends_at);
                self.soil(hash, &mut entry);
            }
        }
        self.entries.insert(hash, entry);
    }

    /// What was read of an alert that holds its key: corrects what other nodes have made stale.
    pub fn note(&mut self, hash: u128, alert: &Alert, seen: Option<&SeenRow>) {
        let generation = self.generation;
        if let Some(entry) = self.entries.get_mut(&hash)
            && (entry.alert, entry.version) == (alert.id, alert.version)
        {
            entry.touched = generation;
            // Only a doubted repeat may have closed the fast path.
            entry.takes_repeats = !alert.is_closed();
            return;
        }
        // As if it had been written by somebody else: no content of ours is its content.
        self.put(hash, alert, None, None);
        if let (Some(entry), Some(seen)) = (self.entries.get_mut(&hash), seen) {
            entry.ends_at = seen.ends_at;
            entry.last_seen = entry.last_seen.max(seen.last_seen);
            entry.repeat_count = entry.repeat_count.max(seen.repeat_count);
        }
    }

    /// Nobody holds this key, as it was read.
    pub fn note_free(&mut self, hash: u128) {
        if let Some(entry) = self.entries.remove(&hash) {
            self.gone(hash, &entry);
        }
    }

    /// An entry left the map: its key stays barred.
    fn gone(&mut self, hash: u128, entry: &Entry) {
        if entry.waiting > 0 {
            self.barred.insert(hash, entry.waiting);
        }
    }

    /// Forgets a key whose alert gave it up. A key that waits for the stepper stays barred.
    pub fn remove(&mut self, hash: u128, alert: AlertId) {
        if self.entries.get(&hash).is_some_and(|e| e.alert == alert)
            && let Some(entry) = self.entries.remove(&hash)
        {
            self.gone(hash, &entry);
        }
    }

    /// Forgets keys whose alerts have given them up.
    pub fn forget(&mut self, gone: &HashSet<AlertId>) {
        self.take_out(|entry| gone.contains(&entry.alert));
    }

    /// Once a minute: forgets what nothing asked for, beside other nodes.
    pub fn age(&mut self) {
        self.generation = self.generation.wrapping_add(1);
        if self.shared {
            let generation = self.generation;
            self.take_out(|entry| {
                let idle = generation.wrapping_sub(entry.touched) > GENERATIONS_KEPT;
                idle && entry.waiting == 0
            });
        }
    }

    fn take_out(&mut self, out: impl Fn(&Entry) -> bool) {
        let taken: Vec<(u128, Entry)> = self.entries.extract_if(|_, e| out(e)).collect();
        for (hash, entry) in taken {
            self.gone(hash, &entry);
        }
    }
}
