//! What is not told for a while: silences, ready to be asked, and how they come and go.
//!
//! They live in the store; each node has a snapshot, swapped as a whole. Other nodes' changes are seen by the catalog's
//! version (`following`), within two seconds.

mod change;
pub(crate) mod flapping;
pub(crate) mod inhibition;
mod preview;

use std::collections::HashMap;
use std::sync::Arc;

use lifecycle::matching::{CompiledMatchers, Subject};
use lifecycle::schedule::Schedule;
use model::{
    Alert, DurationMs, HeldBy, LifecycleModel, ProjectId, Silence, SilenceId, SilenceState,
    Timestamp,
};
use store::StoreError;

use crate::catalog::{Catalog, Revision};
use crate::hub::Shared;
use crate::telling;

pub use preview::{PREVIEW_ALERTS_MAX, Preview, PreviewError};

/// What is held for longer than this, or without an end, is looked at again then: a lane that owes something always has
/// a time at which it is looked at.
const HELD_AT_MOST: DurationMs = DurationMs::from_hours(24 * 366);

/// All silences that may still hold something, or did.
#[derive(Default)]
pub(crate) struct Silences(HashMap<ProjectId, Vec<Arc<Ready>>>);

/// One silence with its matchers and windows compiled.
pub(crate) struct Ready {
    pub silence: Silence,
    matchers: CompiledMatchers,
    /// Empty: it holds at any time.
    schedule: Schedule,
}

impl Silences {
    /// A silence whose matchers or windows cannot be compiled is left out, and logged: it holds nothing.
    pub fn new(silences: Vec<Silence>) -> Silences {
        let mut of: HashMap<ProjectId, Vec<Arc<Ready>>> = HashMap::new();
        for silence in silences {
            let (id, project) = (silence.id, silence.project);
            match Ready::new(silence) {
                Ok(ready) => of.entry(project).or_default().push(Arc::new(ready)),
                Err(problem) => telling::silence_unreadable(id, &problem),
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

    /// Of the silences that hold `subject` at `at`, the one that lasts longest, and until when it surely does.
    pub fn hold(
        &self,
        project: ProjectId,
        subject: &Subject<'_>,
        at: Timestamp,
    ) -> Option<(SilenceId, Timestamp)> {
        self.of(project)
            .iter()
            .filter_map(|ready| Some((ready.silence.id, ready.holds_until(subject, at)?)))
            .max_by_key(|(_, until)| *until)
    }

    /// The silences that hold `subject` at `at`, by id.
    pub fn holding(
        &self,
        project: ProjectId,
        subject: &Subject<'_>,
        at: Timestamp,
    ) -> Vec<SilenceId> {
        self.of(project)
            .iter()
            .filter(|ready| ready.holds_until(subject, at).is_some())
            .map(|ready| ready.silence.id)
            .collect()
    }
}

impl Ready {
    fn new(silence: Silence) -> Result<Ready, String> {
        let matchers = CompiledMatchers::compile(silence.matchers.iter().cloned());
        let schedule = Schedule::compile(&silence.windows);
        Ok(Ready {
            matchers: matchers.map_err(|error| error.to_string())?,
            schedule: schedule.map_err(|error| format!("`windows`, {error}"))?,
            silence,
        })
    }

    /// Until when it holds `subject`, if it does at `at`.
    fn holds_until(&self, subject: &Subject<'_>, at: Timestamp) -> Option<Timestamp> {
        if self.silence.state(at) != SilenceState::Active || !self.matchers.matches(subject) {
            return None;
        }
        let end = self.window_end(at)?.min(self.silence.ends_at);
        Some(end.min(at + HELD_AT_MOST))
    }

    /// The end of the window that `at` is in; never, where there are no windows.
    fn window_end(&self, at: Timestamp) -> Option<Timestamp> {
        if self.schedule.is_empty() {
            return Some(Timestamp::NEVER);
        }
        self.schedule
            .covers(at)
            .then(|| self.schedule.until(at).unwrap_or(Timestamp::NEVER))
    }

    /// Whether it holds what it matches at `at`.
    fn is_holding(&self, at: Timestamp) -> bool {
        self.silence.state(at) == SilenceState::Active && self.window_end(at).is_some()
    }

    pub fn matches(&self, subject: &Subject<'_>) -> bool {
        self.matchers.matches(subject)
    }
}

impl Shared {
    /// What holds an alert's lane on `revision` at `now`, and until when it surely does. The lane of a member is held by
    /// what matches its alert, its group's by the integration's times. Of a closed alert: the silence, or the mute time,
    /// that held it when it closed; one that came later cannot make it one that closed while held (F1).
    pub fn hold(
        &self,
        catalog: &Catalog,
        revision: &Revision,
        alert: &Alert,
        is_member: bool,
        now: Timestamp,
    ) -> Option<(Timestamp, HeldBy)> {
        let integration = &revision.integration;
        let at = alert.closed_at.unwrap_or(now);
        if !is_member && let Some(until) = integration.muted_until(at) {
            return Some((until, HeldBy::Muted));
        }
        if alert.model == LifecycleModel::Group {
            return None;
        }
        let silences = self.silences.load();
        let silence = match silences.of(alert.project).is_empty() {
            true => None,
            false => silences.hold(alert.project, &catalog.subject(alert), at),
        };
        if let Some((id, until)) = silence {
            return Some((until, HeldBy::Silence(id.to_string())));
        }
        if alert.is_closed() {
            // What these two held when it closed stays held.
            return None;
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
        // Of two readers the later one has the newer list, and must be the last to put it here.
        let _one_at_a_time = self.reading_silences.lock().await;
        let silences = self.store.silences().await?;
        self.silences.store(Arc::new(Silences::new(silences)));
        Ok(())
    }
}
