//! What is not told for a while: silences, ready to be asked, and how they come and go.
//!
//! They live in the store; each node has a snapshot, swapped as a whole. Other nodes' changes are seen by the catalog's
//! version (`following`), within two seconds.

mod change;
pub(crate) mod flapping;
pub(crate) mod inhibition;

use std::collections::HashMap;
use std::sync::Arc;

use lifecycle::matching::{CompiledMatchers, Subject};
use model::{
    Alert, HeldBy, LifecycleModel, ProjectId, Silence, SilenceId, SilenceState, Timestamp,
};
use store::StoreError;

use crate::catalog::{Catalog, Revision};
use crate::hub::Shared;
use crate::telling;

/// All silences that may still hold something, or did.
#[derive(Default)]
pub(crate) struct Silences(HashMap<ProjectId, Vec<Arc<Ready>>>);

/// One silence with its matchers compiled.
pub(crate) struct Ready {
    pub silence: Silence,
    matchers: CompiledMatchers,
}

impl Silences {
    /// A silence whose matchers cannot be compiled is left out, and logged: it holds nothing.
    pub fn new(silences: Vec<Silence>) -> Silences {
        let mut of: HashMap<ProjectId, Vec<Arc<Ready>>> = HashMap::new();
        for silence in silences {
            match CompiledMatchers::compile(silence.matchers.iter().cloned()) {
                Ok(matchers) => of
                    .entry(silence.project)
                    .or_default()
                    .push(Arc::new(Ready { silence, matchers })),
                Err(error) => telling::silence_unreadable(silence.id, &error),
            }
        }
        for list in of.values_mut() {
            list.sort_by_key(|ready| ready.silence.id);
        }
        Silences(of)
    }

    pub fn of(&self, project: ProjectId) -> &[Arc<Ready>] {
        self.0.get(&project).map_or(&[], Vec::as_slice)
    }

    pub fn get(&self, project: ProjectId, id: SilenceId) -> Option<&Arc<Ready>> {
        self.of(project).iter().find(|ready| ready.silence.id == id)
    }

    /// Of the silences that hold `subject` at `now`, the one that lasts longest, and until when it surely does.
    pub fn hold(
        &self,
        project: ProjectId,
        subject: &Subject<'_>,
        now: Timestamp,
    ) -> Option<(SilenceId, Timestamp)> {
        self.of(project)
            .iter()
            .filter_map(|ready| Some((ready.silence.id, ready.holds_until(subject, now)?)))
            .max_by_key(|(_, until)| *until)
    }

    /// The silences that hold `subject` at `now`, by id.
    pub fn holding(
        &self,
        project: ProjectId,
        subject: &Subject<'_>,
        now: Timestamp,
    ) -> Vec<SilenceId> {
        self.of(project)
            .iter()
            .filter(|ready| ready.holds_until(subject, now).is_some())
            .map(|ready| ready.silence.id)
            .collect()
    }
}

impl Ready {
    /// Until when it holds `subject`, if it does now.
    fn holds_until(&self, subject: &Subject<'_>, now: Timestamp) -> Option<Timestamp> {
        let silence = &self.silence;
        (silence.state(now) == SilenceState::Active && self.matchers.matches(subject))
            .then_some(silence.ends_at)
    }

    pub fn matches(&self, subject: &Subject<'_>) -> bool {
        self.matchers.matches(subject)
    }
}

impl Shared {
    /// What holds an alert's lane on `revision` at `now`, and until when it surely does. The lane of a member is held by
    /// what matches its alert, its group's by the integration's times.
    pub fn hold(
        &self,
        catalog: &Catalog,
        revision: &Revision,
        alert: &Alert,
        is_member: bool,
        now: Timestamp,
    ) -> Option<(Timestamp, HeldBy)> {
        let integration = &revision.integration;
        if !is_member && let Some(until) = integration.muted_until(now) {
            return Some((until, HeldBy::Muted));
        }
        if alert.model == LifecycleModel::Group {
            return None;
        }
        let silences = self.silences.load();
        let silence = match silences.of(alert.project).is_empty() {
            true => None,
            false => silences.hold(alert.project, &catalog.subject(alert), now),
        };
        if let Some((id, until)) = silence {
            return Some((until, HeldBy::Silence(id.to_string())));
        }
        if let Some(rule) = &integration.policy.flapping {
            let hash = self.hashes.of_key(alert.project, alert.scope, &alert.key);
            if let Some(until) = self.openings.lock().held_until(hash, rule, now) {
                return Some((until, HeldBy::Flapping));
            }
        }
        let inhibitors = self.inhibitors.lock();
        let (rule, _) = inhibitors.inhibits(catalog, alert)?;
        Some((
            now + inhibition::LOOK_AGAIN,
            HeldBy::Inhibition(rule.to_owned()),
        ))
    }

    /// Reads the stored silences anew.
    pub async fn reload_silences(&self) -> Result<(), StoreError> {
        let silences = self.store.silences().await?;
        self.silences.store(Arc::new(Silences::new(silences)));
        Ok(())
    }
}
