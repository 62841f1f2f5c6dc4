//! The alerts of one round on the stepper's desk: read once, decided upon item by item, written once.

mod fetch;
mod member;
mod working;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use integrations::kit::SignalOutcome;
use lifecycle::{Decision, Identity, Input, SourcePolicy, StepContext, step};
use member::Membership;
use model::{
    Action, ActionVerb, Actor, Alert, AlertId, AlertKind, DurationMs, Event, EventKind,
    LifecycleModel, Scope, Signal, SourceId, Timestamp,
};
use store::{AlertWrite, SeenRow};
pub(super) use working::Working;

use crate::catalog::{Catalog, Source};
use crate::hub::Shared;
use crate::intake::route::{LaneState, Rerouted, replan_held, reroute, route};
use crate::intake::{Item, ItemOutcome};

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
    is_shared: bool,
    /// Keys that were looked up in the store: what `live` says of them is true.
    looked_up: HashSet<u128>,
    /// Items that were decided on a key that nobody looked up, and not as new alerts: they are decided again.
    unsure: Vec<usize>,
    repeats: Vec<(usize, SeenRow)>,
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
            is_shared: shared.store.shared(),
            looked_up: HashSet::new(),
            unsure: Vec::new(),
            repeats: Vec::new(),
        }
    }

    /// Repeats that were found beside other nodes, by item: they count once their rows are written.
    pub fn take_repeats(&mut self) -> Vec<(usize, SeenRow)> {
        std::mem::take(&mut self.repeats)
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
            Item::Member {
                member,
                source,
                revision,
                of,
                leaves,
                hash,
            } => Some(self.member(
                index,
                &Membership {
                    member: *member,
                    source: *source,
                    revision,
                    of,
                    leaves: *leaves,
                    hash: *hash,
                },
            )),
            Item::Replan { alert } => {
                let Some(at) = self.by_id.get(alert).copied() else {
                    return Some(ItemOutcome::NotFound);
                };
                let working = &mut self.workings[at];
                if replan_held(&mut working.lanes, self.now) {
                    working.alert.version += u32::from(!working.changed);
                    working.changed = true;
                    working.items.push(index);
                }
                // Its send's end is recorded by the hold that the lane had.
                let is_held =
                    |state: &LaneState| state.lane.claim.is_some() && state.lane.held_by.is_some();
                Some(match working.lanes.iter().any(is_held) {
                    true => ItemOutcome::InFlight,
                    false => ItemOutcome::Done,
                })
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
                let rerouted = reroute(
                    &self.catalog,
                    alert,
                    lanes,
                    *integration,
                    *entering,
                    self.now,
                );
                if rerouted == Rerouted::Changed {
                    // The alert's row is the lock of its lanes' coming and going.
                    working.alert.version += u32::from(!working.changed);
                    working.changed = true;
                    working.items.push(index);
                }
                Some(match rerouted {
                    Rerouted::InFlight => ItemOutcome::InFlight,
                    Rerouted::Changed | Rerouted::Unchanged => ItemOutcome::Done,
                })
            }
        }
    }

    fn signal(
        &mut self,
        index: usize,
        source: &Arc<Source>,
        signal: &Arc<Signal>,
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
            signal: Box::new(Signal::clone(signal)),
            identity,
        };
        let (decision, at) = self.step(index, at, input, Some(&source.policy));
        let Some(at) = at else {
            if self.is_shared && !self.looked_up.contains(&hash) {
                self.unsure.push(index);
            }
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
                    let mut cache = self.shared.cache.lock();
                    let row = cache.learn(hash, id, content, ends_at, self.now);
                    if self.is_shared {
                        self.repeats.extend(row.map(|row| (index, row)));
                    }
                }
                SignalOutcome::Repeated(id)
            }
            Decision::Nothing(why) => SignalOutcome::Ignored(why.to_owned()),
            Decision::Refused(why) => SignalOutcome::Refused(why.to_string()),
        }
    }

    /// One decision, put on the desk, by `policy` or the alert's own. Where the alert is now, if there is one.
    fn step(
        &mut self,
        index: usize,
        at: Option<usize>,
        input: Input,
        policy: Option<&SourcePolicy>,
    ) -> (Decision, Option<usize>) {
        let before = at.map(|at| &self.workings[at].alert);
        let own;
        let policy = match policy {
            Some(policy) => policy,
            None => {
                own = before.and_then(|alert| self.policy_of(alert));
                &own.unwrap_or_else(orphan_policy)
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
                retires,
                ..Working::new(change.alert.clone(), hash)
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
        self.count_opening(index, at, &change.events);
        (decision, Some(at))
    }

    /// Counts an opening where an integration guards against flapping; the last one that it lets through says so.
    fn count_opening(&mut self, index: usize, at: usize, events: &[Event]) {
        let opens = |kind: EventKind| matches!(kind, EventKind::Opened | EventKind::Reopened);
        let (project, hash) = (self.workings[at].alert.project, self.workings[at].hash);
        let entrances = self.catalog.entrances.get(&project);
        let rules = entrances.map_or(&[][..], |entrances| &entrances.flapping);
        if rules.is_empty() || !events.iter().any(|event| opens(event.kind)) {
            return;
        }
        let last = {
            let mut openings = self.shared.openings.lock();
            openings.note(hash, self.now);
            let mut last = rules
                .iter()
                .filter(|rule| openings.is_last_allowed(hash, rule));
            last.next().copied()
        };
        let Some(rule) = last else { return };
        let note = format!(
            "It opened {} times within {}: from now on it is told only once it has been as it is for {}.",
            rule.changes, rule.window, rule.window
        );
        let input = Input::Action {
            action: Action {
                verb: ActionVerb::Note,
                by: Actor {
                    name: "flapping guard".to_owned(),
                    via: "hub".to_owned(),
                },
                note: Some(note),
            },
            origin: None,
        };
        self.step(index, Some(at), input, None);
    }

    /// By whose rules an alert lives: its integration's if it is a group, otherwise its source's.
    fn policy_of(&self, alert: &Alert) -> Option<SourcePolicy> {
        if let Scope::Group(id) = alert.scope {
            let integration = self.catalog.integration(id)?;
            let revision = self.catalog.revision(id, integration.revision)?;
            return Some(revision.group_life.clone());
        }
        let source = self.catalog.sources.get(&alert.source)?;
        Some(source.policy.clone())
    }

    /// Whether a younger alert holds the live key of this one.
    fn key_taken(&self, at: Option<usize>, alert: &Alert) -> bool {
        let Some(hash) = at.map(|at| self.workings[at].hash) else {
            return false;
        };
        // Beside other nodes the key was looked up, if this alert does not hold it.
        let cached = || match self.is_shared {
            true => None,
            false => self.shared.cache.lock().get(hash).map(|entry| entry.alert),
        };
        let holder = self.live.get(&hash).copied().or_else(cached);
        holder.is_some_and(|holder| holder != alert.id)
    }

    /// The rows to write, what they came from in the same order, and the items that are to be decided again in any
    /// case.
    pub fn into_writes(self) -> (Vec<AlertWrite>, Vec<Working>, Vec<usize>) {
        let now = self.now;
        let workings: Vec<Working> = self.workings.into_iter().filter(|w| w.changed).collect();
        let writes = workings.iter().map(|w| w.write(now)).collect();
        (writes, workings, self.unsure)
    }
}

/// For alerts whose source was removed from the configuration: they still close.
fn orphan_policy() -> SourcePolicy {
    SourcePolicy {
        model: LifecycleModel::Campanile,
        reopen_window: DurationMs::ZERO,
        reopen_begun_before: false,
        live_after_close: DurationMs::ZERO,
        update_interval: DurationMs::from_secs(60),
        tracking_delay: DurationMs::ZERO,
    }
}
