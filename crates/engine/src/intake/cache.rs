//! Every live key in memory: which alert holds it, and what was last said about it.
//!
//! On SQLite a miss is an answer (DESIGN §4): the cache is filled at start and only the stepper changes it. Keys
//! and contents are known by keyed 128-bit hashes, so a sender cannot make two of them meet.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hash, Hasher};

use model::{Alert, AlertId, ProjectId, Scope, Signal, Timestamp};
use siphasher::sip128::{Hasher128, SipHasher13};
use store::SeenRow;

/// What is known of a live key. About 100 bytes each.
#[derive(Clone, Debug)]
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
}

/// Hashes of keys are uniform already.
#[derive(Default)]
pub(crate) struct Uniform(u64);

impl Hasher for Uniform {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, _: &[u8]) {}
    fn write_u128(&mut self, n: u128) {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "half of a uniform hash is a uniform hash"
        )]
        {
            self.0 = n as u64;
        }
    }
}

pub(crate) struct KeyCache {
    /// Chosen at start, so that nobody outside can make hashes meet.
    hash_keys: [u8; 16],
    entries: HashMap<u128, Entry, BuildHasherDefault<Uniform>>,
    /// Keys that wait for the stepper and have no entry.
    barred: HashMap<u128, u32, BuildHasherDefault<Uniform>>,
    dirty: Vec<u128>,
}

impl KeyCache {
    pub fn new(hash_keys: [u8; 16]) -> KeyCache {
        KeyCache {
            hash_keys,
            entries: HashMap::default(),
            barred: HashMap::default(),
            dirty: Vec::new(),
        }
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn hash_of_key(&self, project: ProjectId, scope: Scope, key: &str) -> u128 {
        let mut hasher = SipHasher13::new_with_key(&self.hash_keys);
        project.hash(&mut hasher);
        scope.hash(&mut hasher);
        key.hash(&mut hasher);
        hasher.finish128().as_u128()
    }

    /// The hash of all that a fire says, but for `ends_at`, which repeats move. Never 0.
    pub fn hash_of_content(&self, signal: &Signal) -> u128 {
        let Signal {
            key: _,
            group_key: _,
            kind: _,
            severity,
            resource,
            event,
            title,
            text,
            value,
            labels,
            annotations,
            links,
            starts_at,
            ends_at: _,
            message_id: _,
            origin: _,
            via: _,
        } = signal;
        let mut hasher = SipHasher13::new_with_key(&self.hash_keys);
        (severity, resource, event, title, text, value).hash(&mut hasher);
        (labels, annotations, links, starts_at).hash(&mut hasher);
        hasher.finish128().as_u128().max(1)
    }

    pub fn get(&self, hash: u128) -> Option<&Entry> {
        self.entries.get(&hash)
    }

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
        // A fire that promises less than before, for the first time, or no longer, changes the alert's timer.
        match (entry.ends_at, ends_at) {
            (None, None) => {}
            (Some(before), Some(now)) if now >= before => {}
            _ => return None,
        }
        entry.ends_at = ends_at;
        entry.last_seen = now;
        entry.repeat_count += 1;
        if !entry.dirty {
            entry.dirty = true;
            self.dirty.push(hash);
        }
        Some(entry.alert)
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

    /// What the stepper has written. `content`: the hash of the signal that this content came from, if it came
    /// from one; otherwise the old one stays, if the alert is the same.
    pub fn put(&mut self, hash: u128, alert: &Alert, content: Option<u128>) {
        let waiting = self
            .entries
            .get(&hash)
            .map(|e| e.waiting)
            .or_else(|| self.barred.remove(&hash))
            .unwrap_or(0);
        let old = self.entries.get(&hash).filter(|e| e.alert == alert.id);
        let mut entry = Entry {
            alert: alert.id,
            version: alert.version,
            content: content.or(old.map(|e| e.content)).unwrap_or(0),
            takes_repeats: !alert.is_closed(),
            ends_at: alert.ends_at,
            last_seen: alert.last_seen,
            repeat_count: alert.repeat_count,
            dirty: false,
            waiting,
        };
        // Repeats that came while the row was being written are not in it.
        if let Some(old) =
            old.filter(|old| old.repeat_count > alert.repeat_count && entry.takes_repeats)
        {
            entry.repeat_count = old.repeat_count;
            entry.last_seen = old.last_seen.max(entry.last_seen);
            entry.ends_at = old.ends_at.max(entry.ends_at);
            entry.dirty = true;
            self.dirty.push(hash);
        }
        self.entries.insert(hash, entry);
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
        entry.content = content;
        entry.ends_at = ends_at.or(entry.ends_at);
        entry.last_seen = now;
        entry.repeat_count += 1;
        if !entry.dirty {
            entry.dirty = true;
            self.dirty.push(hash);
        }
    }

    /// Forgets a key whose alert gave it up. A key that waits for the stepper stays barred.
    pub fn remove(&mut self, hash: u128, alert: AlertId) {
        if self.entries.get(&hash).is_some_and(|e| e.alert == alert)
            && let Some(entry) = self.entries.remove(&hash)
            && entry.waiting > 0
        {
            self.barred.insert(hash, entry.waiting);
        }
    }

    /// Forgets keys whose alerts have given them up.
    pub fn forget(&mut self, gone: &HashSet<AlertId>) {
        let barred = &mut self.barred;
        self.entries.retain(|hash, entry| {
            let stays = !gone.contains(&entry.alert);
            if !stays && entry.waiting > 0 {
                barred.insert(*hash, entry.waiting);
            }
            stays
        });
    }

    /// The rows to flush.
    pub fn take_dirty(&mut self) -> Vec<SeenRow> {
        let dirty = std::mem::take(&mut self.dirty);
        let rows = dirty.into_iter().filter_map(|hash| {
            let entry = self.entries.get_mut(&hash)?;
            std::mem::take(&mut entry.dirty).then_some(SeenRow {
                alert: entry.alert,
                version: entry.version,
                last_seen: entry.last_seen,
                repeat_count: entry.repeat_count,
                ends_at: entry.ends_at,
            })
        });
        rows.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{ProjectId, SourceId};

    fn cache() -> KeyCache {
        KeyCache::new([7; 16])
    }

    #[test]
    fn a_repeat_is_recognised_by_its_content_and_barred_while_a_signal_of_its_key_waits() {
        let mut cache = cache();
        let scope = Scope::Source(SourceId(1));
        let hash = cache.hash_of_key(ProjectId(1), scope, "k");
        assert_ne!(hash, cache.hash_of_key(ProjectId(2), scope, "k"));
        let signal = Signal {
            key: "k".into(),
            title: "t".into(),
            ..Signal::default()
        };
        let content = cache.hash_of_content(&signal);
        let moved = Signal {
            ends_at: Some(Timestamp(5)),
            ..signal.clone()
        };
        assert_eq!(content, cache.hash_of_content(&moved));
        let other = Signal {
            value: Some("2".into()),
            ..signal.clone()
        };
        assert_ne!(content, cache.hash_of_content(&other));

        assert_eq!(cache.repeat(hash, content, None, Timestamp(1)), None);
        cache.bar(hash);
        cache.entries.insert(
            hash,
            Entry {
                alert: AlertId(9),
                version: 1,
                content,
                takes_repeats: true,
                ends_at: None,
                last_seen: Timestamp(0),
                repeat_count: 0,
                dirty: false,
                waiting: 1,
            },
        );
        cache.barred.clear();
        assert_eq!(
            cache.repeat(hash, content, None, Timestamp(1)),
            None,
            "one waits"
        );
        cache.unbar(hash);
        assert_eq!(
            cache.repeat(hash, content, None, Timestamp(2)),
            Some(AlertId(9))
        );
        let rows = cache.take_dirty();
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].repeat_count, 1);
        assert!(cache.take_dirty().is_empty());
    }
}
