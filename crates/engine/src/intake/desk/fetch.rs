//! What a round reads before it decides.
//!
//! Alone on a store the cache says which alert holds a key, and a miss is an answer. Beside other nodes it only says
//! where to look first: what it says is verified by reading, and a miss is looked up. But a plain fire of an unknown
//! key is decided at once as a new alert: live keys are unique in the store, so that a fire that loses conflicts, and
//! the next round reads.

use std::collections::HashSet;

use lifecycle::group::GroupOf;
use model::{Alert, AlertId, Scope, Signal, SignalKind};
use store::{LiveKey, LoadedAlert, StoreError};

use super::Desk;
use super::working::{Seen, Working};
use crate::catalog::{Revision, Source};
use crate::intake::Item;

/// Keys to look up, each once.
#[derive(Default)]
struct Keys {
    hashes: Vec<u128>,
    keys: Vec<LiveKey>,
}

impl Keys {
    fn push(&mut self, seen: &mut HashSet<u128>, hash: u128, key: impl FnOnce() -> LiveKey) {
        if seen.insert(hash) {
            self.hashes.push(hash);
            self.keys.push(key());
        }
    }
}

impl Desk<'_> {
    /// Reads the alerts that the items speak of, and the messages that came before. `again`: these items lost a race,
    /// so that nothing is taken for granted.
    pub async fn fetch(
        &mut self,
        items: &[Item],
        open: &[usize],
        again: bool,
    ) -> Result<(), StoreError> {
        let mut ids = Vec::new();
        let mut messages = Vec::new();
        let mut keys = Keys::default();
        {
            let cache = self.shared.cache.lock();
            for &index in open {
                match &items[index] {
                    Item::Signal {
                        source,
                        signal,
                        hash,
                        ..
                    } => {
                        if let Some(id) = &signal.message_id {
                            messages.push((source.id, id.clone()));
                        }
                        match cache.get(*hash) {
                            Some(entry) if !(self.is_shared && again) => {
                                if !self.is_shared {
                                    self.live.insert(*hash, entry.alert);
                                }
                                ids.push(entry.alert);
                            }
                            _ if self.is_shared && (again || !self.is_plain(signal)) => {
                                keys.push(&mut self.looked_up, *hash, || live_key(source, signal));
                            }
                            _ => {}
                        }
                    }
                    Item::Member {
                        member,
                        revision,
                        of,
                        hash,
                        ..
                    } => {
                        ids.push(*member);
                        match cache.get(*hash) {
                            Some(entry) if !(self.is_shared && again) => {
                                if !self.is_shared {
                                    self.live.insert(*hash, entry.alert);
                                }
                                ids.push(entry.alert);
                            }
                            _ if self.is_shared => {
                                keys.push(&mut self.looked_up, *hash, || group_key(revision, of));
                            }
                            _ => {}
                        }
                    }
                    Item::Act { alert, .. }
                    | Item::Timer { alert }
                    | Item::Replan { alert }
                    | Item::Reroute { alert, .. } => ids.push(*alert),
                }
            }
        }
        ids.sort_unstable();
        ids.dedup();
        let store = &self.shared.store;
        let load = async {
            match ids.is_empty() {
                true => Ok(Vec::new()),
                false => store.load(ids).await,
            }
        };
        let known = async {
            match messages.is_empty() {
                true => Ok(Vec::new()),
                false => store.known_messages(messages.clone()).await,
            }
        };
        let (loaded, known, found) = tokio::try_join!(load, known, self.find(&keys))?;
        let loaded: Vec<LoadedAlert> = loaded.into_iter().flatten().collect();
        let closed: Vec<(AlertId, LiveKey)> = loaded
            .iter()
            .filter(|l| self.is_shared && !holds_key(&l.alert))
            .map(|l| (l.alert.id, key_of(&l.alert)))
            .collect();
        for one in loaded {
            self.lay_out(one);
        }
        self.lay_out_found(keys, found);
        self.known_messages.extend(
            messages
                .into_iter()
                .zip(known)
                .filter_map(|(message, alert)| Some((message, alert?))),
        );
        if self.is_shared {
            self.look_up_misses(items, open, closed).await?;
        }
        Ok(())
    }

    /// Keys of which the cache named an alert that holds them no more, and those of closed alerts that somebody acts
    /// on: a younger alert may have them.
    async fn look_up_misses(
        &mut self,
        items: &[Item],
        open: &[usize],
        closed: Vec<(AlertId, LiveKey)>,
    ) -> Result<(), StoreError> {
        let mut keys = Keys::default();
        {
            let cache = self.shared.cache.lock();
            for (_, key) in closed {
                let hash = cache.hash_of_key(key.project, key.scope, &key.key);
                if !self.live.contains_key(&hash) {
                    keys.push(&mut self.looked_up, hash, || key);
                }
            }
            for &index in open {
                // The alert of the entry is gone from the store.
                let is_gone =
                    |hash: &u128| !self.live.contains_key(hash) && cache.get(*hash).is_some();
                match &items[index] {
                    Item::Signal {
                        source,
                        signal,
                        hash,
                        ..
                    } if is_gone(hash) => {
                        keys.push(&mut self.looked_up, *hash, || live_key(source, signal));
                    }
                    Item::Member {
                        revision, of, hash, ..
                    } if is_gone(hash) => {
                        keys.push(&mut self.looked_up, *hash, || group_key(revision, of));
                    }
                    _ => {}
                }
            }
        }
        let found = self.find(&keys).await?;
        self.lay_out_found(keys, found);
        Ok(())
    }

    async fn find(&self, keys: &Keys) -> Result<Vec<Option<LoadedAlert>>, StoreError> {
        match keys.keys.is_empty() {
            true => Ok(Vec::new()),
            false => self.shared.store.find_live(keys.keys.clone()).await,
        }
    }

    fn lay_out_found(&mut self, keys: Keys, found: Vec<Option<LoadedAlert>>) {
        for (hash, found) in keys.hashes.into_iter().zip(found) {
            match found {
                Some(found) => self.lay_out(found),
                // Two reads are not of one moment: what was found by its id holds the key until the store says no.
                None if self.live.contains_key(&hash) => {}
                None => self.shared.cache.lock().note_free(hash),
            }
        }
    }

    /// Whether a signal of an unknown key can only be the beginning of a new alert.
    fn is_plain(&self, signal: &Signal) -> bool {
        match signal.kind {
            SignalKind::Fire => signal.ends_at.is_none_or(|end| end > self.now),
            // A notification has no live key: nothing is to be looked up.
            SignalKind::Inform => true,
            SignalKind::Resolve | SignalKind::Cancel | SignalKind::Act(_) => false,
        }
    }

    fn lay_out(&mut self, loaded: LoadedAlert) {
        let LoadedAlert {
            mut alert,
            seen,
            lanes,
        } = loaded;
        if self.by_id.contains_key(&alert.id) {
            return;
        }
        let mut cache = self.shared.cache.lock();
        let hash = cache.hash_of_key(alert.project, alert.scope, &alert.key);
        let stored_seen = seen.filter(|s| s.version == alert.version);
        if self.is_shared && holds_key(&alert) {
            self.live.insert(hash, alert.id);
            cache.note(hash, &alert, stored_seen.as_ref());
        }
        // Repeats run ahead of the row; the cache runs ahead of the `seen` table, unless other nodes hear repeats too.
        let cached = cache
            .get(hash)
            .filter(|e| e.alert == alert.id && e.version == alert.version)
            .map(|e| Seen {
                last: e.last_seen,
                ends_at: e.ends_at,
                count: e.repeat_count,
            });
        let stored = stored_seen.map(|s| Seen {
            last: s.last_seen,
            ends_at: s.ends_at,
            count: s.repeat_count,
        });
        let seen = match (cached, stored) {
            (Some(cached), Some(stored)) if self.is_shared && stored.last > cached.last => {
                Some(stored)
            }
            (cached, stored) => cached.or(stored),
        };
        let seen = seen.filter(|s| s.last > alert.last_seen);
        alert.repeat_count = seen.map_or(0, |s| s.count).max(alert.repeat_count);
        self.by_id.insert(alert.id, self.workings.len());
        self.workings
            .push(Working::stored(alert, lanes, seen, hash));
    }
}

/// An open alert holds its key; a closed one as long as signals may still belong to it.
fn holds_key(alert: &Alert) -> bool {
    !alert.is_closed() || alert.live_until.is_some()
}

fn key_of(alert: &Alert) -> LiveKey {
    LiveKey {
        project: alert.project,
        scope: alert.scope,
        key: alert.key.clone(),
    }
}

fn live_key(source: &Source, signal: &Signal) -> LiveKey {
    LiveKey {
        project: source.project.id,
        scope: source.scope,
        key: signal.key.clone(),
    }
}

fn group_key(revision: &Revision, of: &GroupOf) -> LiveKey {
    let integration = &revision.integration;
    LiveKey {
        project: integration.project.id,
        scope: Scope::Group(integration.id),
        key: of.key.clone(),
    }
}
