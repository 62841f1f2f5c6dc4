//! The alerts of one round on the stepper's desk: read once, decided upon item by item, written once.

use std::collections::HashMap;
use std::sync::Arc;

use integrations::kit::SignalOutcome;
use lifecycle::{Decision, Identity, Input, SourcePolicy, StepContext, step};
use model::{
    Alert, AlertId, AlertKind, DurationMs, Event, LifecycleModel, Signal, SourceId, Timestamp,
};
use store::{AlertWrite, LanePut, LoadedAlert, StoreError};

use crate::catalog::{Catalog, Source};
use crate::hub::Shared;
use crate::intake::route::{LaneState, reroute, route};
use crate::intake::{Item, ItemOutcome};

/// One alert under work.
pub(super) struct Working {
    pub alert: Alert,
    /// Repeats that the row does not know of.
    seen: Option<Seen>,
    /// The version that the store has; `None`: the alert is new.
    stored: Option<u32>,
    pub hash: u128,
    lanes: Vec<LaneState>,
    pub events: Vec<Event>,
    retires: Option<(AlertId, u32)>,
    message: Option<(SourceId, String)>,
    /// The content hash of the signal that it shows now, if one of this group.
    pub content: Option<u128>,
    changed: bool,
    /// The items that it took part in.
    pub items: Vec<usize>,
}

/// What repeats said since the row was written.
#[derive(Clone, Copy)]
struct Seen {
    last: Timestamp,
    ends_at: Option<Timestamp>,
    count: u64,
}

/// The alerts of one round, as far as they have got.
pub(super) struct Desk<'a> {
    shared: &'a Shared,
    catalog: Arc<Catalog>,
    now: Timestamp,
    workings: Vec<Working>,
    by_id: HashMap<AlertId, usize>,
    /// Which alert holds a live key.
    live: HashMap<u128, AlertId>,
    known_messages: HashMap<(SourceId, String), AlertId>,
}

impl<'a> Desk<'a> {
    pub fn new(shared: &'a Shared, catalog: Arc<Catalog>, now: Timestamp) -> Desk<'a> {
        Desk {
            shared,
            catalog,
            now,
            workings: Vec::new(),
            by_id: HashMap::new(),
            live: HashMap::new(),
            known_messages: HashMap::new(),
        }
    }

    /// Reads the alerts that the items speak of, and the messages that came before.
    pub async fn fetch(&mut self, items: &[Item], open: &[usize]) -> Result<(), StoreError> {
        let mut ids = Vec::new();
        let mut messages = Vec::new();
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
                        if let Some(entry) = cache.get(*hash) {
                            self.live.insert(*hash, entry.alert);
                            ids.push(entry.alert);
                        }
                        if let Some(id) = &signal.message_id {
                            messages.push((source.id, id.clone()));
                        }
                    }
                    Item::Act { alert, .. }
                    | Item::Timer { alert }
                    | Item::Reroute { alert, .. } => {
                        ids.push(*alert);
                    }
                }
            }
        }
        ids.sort_unstable();
        ids.dedup();
        if !ids.is_empty() {
            for loaded in self.shared.store.load(ids).await?.into_iter().flatten() {
                self.lay_out(loaded);
            }
        }
        if !messages.is_empty() {
            let known = self.shared.store.known_messages(messages.clone()).await?;
            self.known_messages.extend(
                messages
                    .into_iter()
                    .zip(known)
                    .filter_map(|(m, alert)| Some((m, alert?))),
            );
        }
        Ok(())
    }

    fn lay_out(&mut self, loaded: LoadedAlert) {
        let LoadedAlert {
            mut alert,
            seen,
            lanes,
        } = loaded;
        let cache = self.shared.cache.lock();
        let hash = cache.hash_of_key(alert.project, alert.scope, &alert.key);
        // Repeats run ahead of the row; the cache runs ahead of the `seen` table.
        let stored_seen = seen.filter(|s| s.version == alert.version);
        let seen = cache
            .get(hash)
            .filter(|e| e.alert == alert.id && e.version == alert.version)
            .map(|e| Seen {
                last: e.last_seen,
                ends_at: e.ends_at,
                count: e.repeat_count,
            })
            .or(stored_seen.map(|s| Seen {
                last: s.last_seen,
                ends_at: s.ends_at,
                count: s.repeat_count,
            }))
            .filter(|s| s.last > alert.last_seen);
        alert.repeat_count = seen.map_or(0, |s| s.count).max(alert.repeat_count);
        self.by_id.insert(alert.id, self.workings.len());
        self.workings.push(Working {
            stored: Some(alert.version),
            hash,
            lanes: lanes.into_iter().map(LaneState::stored).collect(),
            alert,
            seen,
            events: Vec::new(),
            retires: None,
            message: None,
            content: None,
            changed: false,
            items: Vec::new(),
        });
    }

    pub fn decide(&mut self, index: usize, item: &Item) -> Option<ItemOutcome> {
        match item {
            Item::Signal {
                source,
                signal,
                hash,
                content,
            } => Some(ItemOutcome::Signal(
                self.signal(index, source, signal, *hash, *content),
            )),
            Item::Act {
                alert,
                action,
                origin,
            } => {
                let Some(at) = self.by_id.get(alert).copied() else {
                    return Some(ItemOutcome::NotFound);
                };
                let input = Input::Action {
                    action: action.clone(),
                    origin: origin.clone(),
                };
                Some(match self.step(index, Some(at), input, None) {
                    (Decision::Refused(why), _) => ItemOutcome::Refused(why.to_string()),
                    (_, at) => ItemOutcome::Acted(Box::new(self.workings[at?].alert.clone())),
                })
            }
            Item::Timer { alert } => {
                let Some(at) = self.by_id.get(alert).copied() else {
                    return Some(ItemOutcome::NotFound);
                };
                let seen = self.workings[at].seen;
                let input = Input::Time {
                    seen_ends_at: seen.and_then(|s| s.ends_at),
                    seen_last: seen.map(|s| s.last),
                };
                self.step(index, Some(at), input, None);
                Some(ItemOutcome::Done)
            }
            Item::Reroute {
                alert,
                integration,
                entering,
            } => {
                let Some(at) = self.by_id.get(alert).copied() else {
                    return Some(ItemOutcome::NotFound);
                };
                let working = &mut self.workings[at];
                let (alert, lanes) = (&working.alert, &mut working.lanes);
                let moved = reroute(
                    &self.catalog,
                    alert,
                    lanes,
                    *integration,
                    *entering,
                    self.now,
                );
                if moved {
                    // The alert's row is the lock of its lanes' coming and going.
                    working.alert.version += u32::from(!working.changed);
                    working.changed = true;
                    working.items.push(index);
                }
                Some(ItemOutcome::Done)
            }
        }
    }

    fn signal(
        &mut self,
        index: usize,
        source: &Arc<Source>,
        signal: &Signal,
        hash: u128,
        content: u128,
    ) -> SignalOutcome {
        let message = signal.message_id.as_ref().map(|id| (source.id, id.clone()));
        if let Some(alert) = message.as_ref().and_then(|m| self.known_messages.get(m)) {
            return SignalOutcome::Repeated(*alert);
        }
        let at = self
            .live
            .get(&hash)
            .and_then(|id| self.by_id.get(id))
            .copied();
        let identity = Identity {
            project: source.project.id,
            source: source.id,
            scope: source.scope,
        };
        let input = Input::Signal {
            signal: Box::new(signal.clone()),
            identity,
        };
        let (decision, at) = self.step(index, at, input, Some(source));
        let Some(at) = at else {
            return match decision {
                Decision::Refused(why) => SignalOutcome::Refused(why.to_string()),
                Decision::Nothing(why) => SignalOutcome::Ignored(why.to_owned()),
                _ => SignalOutcome::Ignored("there is no such alert".to_owned()),
            };
        };
        let working = &mut self.workings[at];
        let id = working.alert.id;
        match decision {
            Decision::Change(change) => {
                working.content = Some(content);
                if let Some(message) = message {
                    self.known_messages.insert(message.clone(), id);
                    working.message = Some(message);
                }
                if !(working.alert.is_closed() && working.alert.live_until.is_none()) {
                    self.live.insert(hash, id);
                }
                if change.new {
                    SignalOutcome::Opened(id)
                } else {
                    SignalOutcome::Changed(id)
                }
            }
            Decision::Repeat { ends_at } => {
                working.content = Some(content);
                let alert = &mut working.alert;
                if working.changed {
                    alert.repeat_count += 1;
                    alert.last_seen = self.now;
                    alert.ends_at = ends_at.or(alert.ends_at);
                    working.items.push(index);
                } else {
                    self.shared
                        .cache
                        .lock()
                        .learn(hash, id, content, ends_at, self.now);
                }
                SignalOutcome::Repeated(id)
            }
            Decision::Nothing(why) => SignalOutcome::Ignored(why.to_owned()),
            Decision::Refused(why) => SignalOutcome::Refused(why.to_string()),
        }
    }

    /// One decision, put on the desk. Where the alert is now, if there is one.
    fn step(
        &mut self,
        index: usize,
        at: Option<usize>,
        input: Input,
        source: Option<&Arc<Source>>,
    ) -> (Decision, Option<usize>) {
        let before = at.map(|at| &self.workings[at].alert);
        let source = source
            .map(Arc::clone)
            .or_else(|| self.catalog.sources.get(&before?.source).cloned());
        let fallback;
        let policy = match &source {
            Some(source) => &source.policy,
            None => {
                fallback = orphan_policy();
                &fallback
            }
        };
        let cx = StepContext {
            now: self.now,
            policy,
            listening_since: self.shared.listening_since(),
            new_id: AlertId(self.shared.ids.next()),
            key_taken: before.is_some_and(|alert| self.key_taken(at, alert)),
        };
        let decision = step(before, input, &cx);
        let Decision::Change(change) = &decision else {
            return (decision, at);
        };
        let at = if change.new {
            let retires = at
                .filter(|_| change.alert.kind == AlertKind::Issue)
                .map(|at| {
                    let old = &self.workings[at];
                    (old.alert.id, old.alert.version)
                });
            let hash = self.shared.cache.lock().hash_of_key(
                change.alert.project,
                change.alert.scope,
                &change.alert.key,
            );
            self.by_id.insert(change.alert.id, self.workings.len());
            self.workings.push(Working {
                alert: change.alert.clone(),
                seen: None,
                stored: None,
                hash,
                lanes: Vec::new(),
                events: Vec::new(),
                retires,
                message: None,
                content: None,
                changed: false,
                items: Vec::new(),
            });
            self.workings.len() - 1
        } else {
            // `new: false` is only said of the alert that `step` was given.
            match at {
                Some(at) => at,
                None => return (decision, None),
            }
        };
        let working = &mut self.workings[at];
        let was_closed_at = working.alert.closed_at.filter(|_| !change.new);
        let mut alert = change.alert.clone();
        // Several steps in one transaction are one write: the row's version counts writes.
        if working.changed {
            alert.version = working.alert.version;
        }
        working.alert = alert;
        working.keep_promises();
        route(
            &self.catalog,
            &working.alert,
            was_closed_at,
            &change.events,
            &mut working.lanes,
            self.now,
        );
        working.events.extend(change.events.iter().cloned());
        working.changed = true;
        working.items.push(index);
        (decision, Some(at))
    }

    /// Whether a younger alert holds the live key of this one.
    fn key_taken(&self, at: Option<usize>, alert: &Alert) -> bool {
        let Some(hash) = at.map(|at| self.workings[at].hash) else {
            return false;
        };
        let holder = self
            .live
            .get(&hash)
            .copied()
            .or_else(|| self.shared.cache.lock().get(hash).map(|entry| entry.alert));
        holder.is_some_and(|holder| holder != alert.id)
    }

    /// The rows to write, and what they came from, in the same order.
    pub fn into_writes(self) -> (Vec<AlertWrite>, Vec<Working>) {
        let now = self.now;
        let workings: Vec<Working> = self.workings.into_iter().filter(|w| w.changed).collect();
        let writes = workings
            .iter()
            .map(|w| AlertWrite {
                alert: w.alert.clone(),
                expected: w.stored,
                retires: w.retires,
                events: w.events.clone(),
                lanes: w
                    .lanes
                    .iter()
                    .filter(|l| l.changed && !l.removed)
                    .map(|l| LanePut {
                        lane: l.lane.clone(),
                        expected: l.stored,
                    })
                    .collect(),
                removed_lanes: w
                    .lanes
                    .iter()
                    .filter(|l| l.removed)
                    .filter_map(|l| Some((l.lane.key, l.stored?)))
                    .collect(),
                message: w.message.clone(),
                at: now,
            })
            .collect();
        (writes, workings)
    }
}

impl Working {
    /// The row's new version makes its `seen` row void: what repeats promised since goes into the row.
    fn keep_promises(&mut self) {
        let Some(seen) = self
            .seen
            .filter(|s| s.last > self.alert.last_seen && !self.alert.is_closed())
        else {
            return;
        };
        self.alert.last_seen = seen.last;
        if let Some(ends_at) = seen.ends_at {
            self.alert.ends_at = Some(ends_at);
            self.alert.silence_after_ms = Some(ends_at.since(seen.last).0);
        }
    }
}

/// For alerts whose source was removed from the configuration: they still close.
fn orphan_policy() -> SourcePolicy {
    SourcePolicy {
        model: LifecycleModel::Campanile,
        reopen_window: DurationMs::ZERO,
        reopen_same_start: false,
        live_after_close: DurationMs::ZERO,
        update_interval: DurationMs::from_secs(60),
        tracking_delay: DurationMs::ZERO,
    }
}
