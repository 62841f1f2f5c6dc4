//! Which open alerts keep others from being told.
//!
//! An index in memory of the alerts that a rule's `source` matches. The stepper notes each of its own changes before
//! they are in the store, so that a lane of the same batch is held; beside other nodes their changes are followed by
//! the feed. What it holds is looked at again when the last inhibiting alert is over, and every two minutes anyway
//! (I11).

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use model::{Alert, AlertId, DurationMs, LifecycleModel, ProjectId, Status};
use store::StoreError;
use tokio_util::sync::CancellationToken;

use crate::catalog::{Catalog, CompiledInhibition};
use crate::hub::Shared;
use crate::telling;

/// How long a hold by inhibition surely lasts, seen from the present: then it is looked at again.
pub(super) const LOOK_AGAIN: DurationMs = DurationMs::from_mins(2);
/// How soon another node's inhibiting alert counts here.
const FOLLOW_EVERY: DurationMs = DurationMs::from_secs(1);
/// Rows read in one step.
const STEP: usize = 1000;

/// Values of a rule's `equal` labels.
type Values = Vec<String>;

/// The alerts that inhibit.
#[derive(Default)]
pub(crate) struct Inhibitors {
    rules: HashMap<ProjectId, Arc<Vec<CompiledInhibition>>>,
    index: HashMap<(ProjectId, usize, Values), BTreeMap<AlertId, Inhibitor>>,
    of_alert: HashMap<AlertId, Vec<(ProjectId, usize, Values)>>,
    /// Projects in which something is inhibited no more.
    ended: HashSet<ProjectId>,
    /// While the index is filled from the store: what was noted meanwhile is newer than what is read.
    newer: Option<HashSet<AlertId>>,
}

struct Inhibitor {
    key: String,
    /// The rule's target matches it too.
    is_two_sided: bool,
}

impl Inhibitors {
    /// Takes the catalog's rules; whether they changed, so that the index is to be filled anew.
    fn adopt(&mut self, catalog: &Catalog) -> bool {
        let rules: HashMap<_, _> = catalog
            .projects
            .iter()
            .filter(|project| !project.inhibitions.is_empty())
            .map(|project| (project.id, project.inhibitions.clone()))
            .collect();
        let is_same = rules.len() == self.rules.len()
            && rules
                .iter()
                .all(|(id, rules)| self.rules.get(id).is_some_and(|known| known == rules));
        if is_same {
            return false;
        }
        self.ended.extend(self.rules.keys().chain(rules.keys()));
        self.rules = rules;
        self.index.clear();
        self.of_alert.clear();
        true
    }

    /// Takes note of an alert as it is now.
    pub fn note(&mut self, catalog: &Catalog, alert: &Alert) {
        if !self.rules.contains_key(&alert.project) {
            return;
        }
        if let Some(newer) = &mut self.newer {
            newer.insert(alert.id);
        }
        self.enter(catalog, alert);
    }

    fn enter(&mut self, catalog: &Catalog, alert: &Alert) {
        let Some(rules) = self.rules.get(&alert.project).cloned() else {
            return;
        };
        let was = self.of_alert.remove(&alert.id).unwrap_or_default();
        let mut places = Vec::new();
        if !matches!(alert.status, Status::Closed | Status::Tracking)
            && alert.model != LifecycleModel::Group
        {
            let subject = catalog.subject(alert);
            for (number, rule) in rules.iter().enumerate() {
                if !rule.source.matches(&subject) {
                    continue;
                }
                let place = (alert.project, number, values(rule, alert));
                let inhibitor = Inhibitor {
                    key: alert.key.clone(),
                    is_two_sided: rule.target.matches(&subject),
                };
                self.index
                    .entry(place.clone())
                    .or_default()
                    .insert(alert.id, inhibitor);
                places.push(place);
            }
        }
        for place in was.into_iter().filter(|place| !places.contains(place)) {
            self.leave(&place, alert.id);
        }
        if !places.is_empty() {
            self.of_alert.insert(alert.id, places);
        }
    }

    /// An alert that was noted was not written after all.
    pub fn forget(&mut self, alert: AlertId) {
        for place in self.of_alert.remove(&alert).unwrap_or_default() {
            self.leave(&place, alert);
        }
    }

    fn leave(&mut self, place: &(ProjectId, usize, Values), alert: AlertId) {
        let Some(of) = self.index.get_mut(place) else {
            return;
        };
        of.remove(&alert);
        if of.is_empty() {
            self.index.remove(place);
            self.ended.insert(place.0);
        }
    }

    /// What inhibits `alert`: the rule's name and the inhibiting alert's key.
    pub fn inhibits(&self, catalog: &Catalog, alert: &Alert) -> Option<(&str, &str)> {
        let rules = self.rules.get(&alert.project)?;
        if self.index.is_empty() || alert.model == LifecycleModel::Group {
            return None;
        }
        let subject = catalog.subject(alert);
        rules.iter().enumerate().find_map(|(number, rule)| {
            if !rule.target.matches(&subject) {
                return None;
            }
            let of = self
                .index
                .get(&(alert.project, number, values(rule, alert)))?;
            let is_source = rule.source.matches(&subject);
            of.iter()
                .find(|(id, one)| **id != alert.id && !(is_source && one.is_two_sided))
                .map(|(_, one)| (rule.name.as_str(), one.key.as_str()))
        })
    }

    /// Projects in which something is inhibited no more since the last call.
    pub fn take_ended(&mut self) -> Vec<ProjectId> {
        self.ended.drain().collect()
    }
}

fn values(rule: &CompiledInhibition, alert: &Alert) -> Values {
    let labels = &alert.content.labels;
    let value = |name: &String| labels.get(name).unwrap_or_default().to_owned();
    rule.equal.iter().map(value).collect()
}

/// Takes new rules and, if they changed, fills the index from the store.
pub(crate) async fn adopt_rules(shared: &Shared) -> Result<(), StoreError> {
    {
        let mut inhibitors = shared.inhibitors.lock();
        if !inhibitors.adopt(&shared.catalog.load()) {
            return Ok(());
        }
        if inhibitors.rules.is_empty() {
            return Ok(());
        }
        inhibitors.newer = Some(HashSet::new());
    }
    let filled = fill(shared).await;
    let mut inhibitors = shared.inhibitors.lock();
    inhibitors.newer = None;
    if filled.is_err() {
        // The next change of the catalog, or the next look, tries again.
        inhibitors.rules.clear();
    }
    filled
}

async fn fill(shared: &Shared) -> Result<(), StoreError> {
    let mut after = None;
    loop {
        let page = shared.store.live_alerts(after, STEP).await?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        after = Some(last.alert.id);
        let catalog = shared.catalog.load();
        let mut inhibitors = shared.inhibitors.lock();
        for row in page {
            let is_newer = |newer: &HashSet<AlertId>| newer.contains(&row.alert.id);
            if !inhibitors.newer.as_ref().is_some_and(is_newer) {
                inhibitors.enter(&catalog, &row.alert);
            }
        }
    }
}

/// Follows what other nodes change, until `stop`.
pub(crate) async fn follow(shared: Arc<Shared>, stop: CancellationToken) {
    let mut after = None;
    while !stop.is_cancelled() {
        if let Err(error) = step(&shared, &mut after).await {
            telling::store_failed("inhibition", &error);
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = shared.clock.sleep(FOLLOW_EVERY) => {}
        }
    }
}

/// Notes what happened after the position `after`.
async fn step(shared: &Shared, after: &mut Option<u64>) -> Result<(), StoreError> {
    if shared.inhibitors.lock().rules.is_empty() {
        *after = None;
        // After a failure to fill.
        return adopt_rules(shared).await;
    }
    let Some(position) = *after else {
        *after = Some(shared.store.feed_end().await?);
        return Ok(());
    };
    let events = shared.store.feed(position, STEP).await?;
    let Some((last, _)) = events.last() else {
        return Ok(());
    };
    let last = *last;
    let ids: HashSet<AlertId> = events.iter().map(|(_, event)| event.alert).collect();
    let loaded = shared.store.load(ids.into_iter().collect()).await?;
    let catalog = shared.catalog.load();
    let mut inhibitors = shared.inhibitors.lock();
    for alert in loaded.into_iter().flatten() {
        inhibitors.note(&catalog, &alert.alert);
    }
    *after = Some(last);
    Ok(())
}
