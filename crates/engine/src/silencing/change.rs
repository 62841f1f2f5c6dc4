//! Making, changing and ending silences.

use integrations::kit::{SilenceCommand, SilenceDraft, SilenceOutcome};
use lifecycle::matching::CompiledMatchers;
use lifecycle::schedule::Schedule;
use model::{
    Alert, DurationMs, LifecycleModel, ProjectId, Silence, SilenceId, SilenceState, Timestamp,
    limits,
};
use store::{StoreError, WriteError};

use crate::hub::{Hub, Shared};
use crate::walk;

/// Tries against other nodes that change the same silence.
const TRIES_MAX: usize = 5;
/// A walk over what a silence held begins so late after it was noted, if nothing else is heard of the change that it is
/// for: by then it is written, or will not be.
const WRITTEN_WITHIN: DurationMs = DurationMs::from_secs(30);

impl Hub {
    /// The project's silences, ended ones included until they are forgotten, by id.
    pub fn silences(&self, project: ProjectId) -> Vec<Silence> {
        let silences = self.shared.silences.load();
        let of = silences.of(project).iter();
        of.map(|ready| ready.silence.clone()).collect()
    }

    /// The silences that hold an alert now, by id.
    pub fn silenced_by(&self, alert: &Alert) -> Vec<SilenceId> {
        // A group's members are held, each by what matches it.
        if alert.model == LifecycleModel::Group {
            return Vec::new();
        }
        let silences = self.shared.silences.load();
        let now = self.shared.clock.now();
        silences.holding(alert.project, &self.catalog().subject(alert), now)
    }

    /// The key of an open alert that keeps this one from being told, if there is one.
    pub fn inhibited_by(&self, alert: &Alert) -> Option<String> {
        let inhibitors = self.shared.inhibitors.lock();
        let (_, key) = inhibitors.inhibits(&self.catalog(), alert)?;
        Some(key.to_owned())
    }

    /// Whether a silence, as this node knows it, holds what it matches now: within its dates, and its windows if it has
    /// any.
    pub fn is_silencing(&self, silence: &Silence) -> bool {
        let silences = self.shared.silences.load();
        let ready = silences.get(silence.project, silence.id);
        ready.is_some_and(|ready| ready.is_holding(self.shared.clock.now()))
    }

    /// Makes, changes or ends a silence of the project. It works here at once, on other nodes within two seconds.
    ///
    /// # Errors
    /// The store does not answer, or other nodes change the same silence all the time.
    pub async fn silence(
        &self,
        project: ProjectId,
        command: SilenceCommand,
    ) -> Result<SilenceOutcome, StoreError> {
        let shared = self.shared.clone();
        // Finished even if whoever asks goes away: what is written must be known here, and the walk noted.
        let work = tokio::spawn(async move { obey(&shared, project, &command).await });
        work.await.unwrap_or_else(|_panicked| {
            Err(StoreError::Unavailable {
                what: "the silence may or may not have been written: look before you repeat it"
                    .to_owned(),
            })
        })
    }
}

async fn obey(
    shared: &Shared,
    project: ProjectId,
    command: &SilenceCommand,
) -> Result<SilenceOutcome, StoreError> {
    for _ in 0..TRIES_MAX {
        let done = match command {
            SilenceCommand::Put { id, draft } => put(shared, project, *id, draft).await,
            SilenceCommand::Expire(id) => expire(shared, project, *id).await,
        };
        match done {
            Ok(outcome) => return Ok(outcome),
            // Another node was quicker: decide again by what it wrote.
            Err(WriteError::Conflict) => shared.reload_silences().await?,
            Err(WriteError::Store(error)) => return Err(error),
        }
    }
    Err(contended())
}

async fn put(
    shared: &Shared,
    project: ProjectId,
    id: Option<SilenceId>,
    draft: &SilenceDraft,
) -> Result<SilenceOutcome, WriteError> {
    let now = shared.clock.now();
    let silences = shared.silences.load_full();
    let old = match id {
        None => None,
        Some(id) => match silences.get(project, id) {
            Some(ready) => Some(&ready.silence),
            None => return Ok(SilenceOutcome::NotFound),
        },
    };
    if let Some(problem) = problem(draft, now) {
        return Ok(SilenceOutcome::Refused(problem));
    }
    if let Some(old) = old
        && is_changeable(old, draft, now)
    {
        let changed = silence(old.id, project, draft, now, old.version + 1);
        write(shared, changed, Some(old)).await?;
        return Ok(SilenceOutcome::Done(old.id));
    }
    if silences.of(project).len() >= limits::SILENCES_PER_PROJECT_MAX {
        return Ok(SilenceOutcome::Refused(format!(
            "the project has {} silences already, ended ones of the last days included: that is the most",
            limits::SILENCES_PER_PROJECT_MAX
        )));
    }
    let mut made = silence(SilenceId(shared.ids.next()), project, draft, now, 1);
    made.starts_at = made.starts_at.max(now);
    let id = made.id;
    write(shared, made, None).await?;
    // In this order, so that what both hold is not told in between.
    if let Some(old) = old {
        end_replaced(shared, project, old.id).await?;
    }
    Ok(SilenceOutcome::Done(id))
}

/// Ends a silence in whose place another one is, whatever others do to it meanwhile.
async fn end_replaced(
    shared: &Shared,
    project: ProjectId,
    id: SilenceId,
) -> Result<(), StoreError> {
    for _ in 0..TRIES_MAX {
        match expire(shared, project, id).await {
            Ok(_ended_or_gone) => return Ok(()),
            Err(WriteError::Conflict) => shared.reload_silences().await?,
            Err(WriteError::Store(error)) => return Err(error),
        }
    }
    Err(contended())
}

fn contended() -> StoreError {
    StoreError::Unavailable {
        what: "other nodes change this silence all the time".to_owned(),
    }
}

async fn expire(
    shared: &Shared,
    project: ProjectId,
    id: SilenceId,
) -> Result<SilenceOutcome, WriteError> {
    let now = shared.clock.now();
    let silences = shared.silences.load_full();
    let Some(ready) = silences.get(project, id) else {
        return Ok(SilenceOutcome::NotFound);
    };
    let old = &ready.silence;
    if old.state(now) == SilenceState::Expired {
        return Ok(SilenceOutcome::AlreadyExpired);
    }
    write(shared, ended(old, now), Some(old)).await?;
    Ok(SilenceOutcome::Done(id))
}

/// Writes it, takes it into this node's snapshot, and has held lanes looked at anew if it may hold less than before.
async fn write(shared: &Shared, silence: Silence, old: Option<&Silence>) -> Result<(), WriteError> {
    let now = shared.clock.now();
    let (id, project) = (silence.id, silence.project);
    let is_less = old.is_some_and(|old| {
        old.state(now) == SilenceState::Active
            && (silence.ends_at < old.ends_at || silence.windows != old.windows)
    });
    if is_less {
        // Also if this process ends before it can note the walk that follows.
        walk::silence_ended(shared, project, id, WRITTEN_WITHIN).await?;
    }
    shared
        .store
        .put_silence(silence, old.map(|old| old.version))
        .await?;
    shared.reload_silences().await?;
    if is_less {
        walk::silence_ended(shared, project, id, DurationMs::ZERO).await?;
    }
    Ok(())
}

/// What can be changed in place is what Alertmanager changes in place: an end that is not past, and the start of one
/// that has not begun. Anything else would rewrite what was so.
fn is_changeable(old: &Silence, draft: &SilenceDraft, now: Timestamp) -> bool {
    if old.matchers != draft.matchers {
        return false;
    }
    match old.state(now) {
        SilenceState::Expired => false,
        SilenceState::Active => draft.starts_at == old.starts_at && draft.ends_at >= now,
        SilenceState::Pending => draft.starts_at >= now,
    }
}

/// What is wrong with a draft: the sender's fault.
pub(super) fn problem(draft: &SilenceDraft, now: Timestamp) -> Option<String> {
    if draft.matchers.is_empty() {
        return Some("a silence has at least one matcher".to_owned());
    }
    match CompiledMatchers::compile(draft.matchers.iter().cloned()) {
        Err(error) => return Some(error.to_string()),
        Ok(matchers) if matchers.all_match_empty() => {
            return Some(
                "at least one matcher must not match the empty value, or the silence would hold everything"
                    .to_owned(),
            );
        }
        Ok(_) => {}
    }
    if let Err(error) = Schedule::compile(&draft.windows) {
        return Some(format!("`windows`, {error}"));
    }
    if draft.ends_at <= draft.starts_at {
        return Some("a silence ends after it starts".to_owned());
    }
    if draft.ends_at <= now {
        return Some("this silence would be over already".to_owned());
    }
    if draft.created_by.trim().is_empty() {
        return Some("a silence names who made it".to_owned());
    }
    let bytes = draft.created_by.len() + draft.comment.len();
    (bytes > limits::SILENCE_TEXT_BYTES_MAX).then(|| {
        format!(
            "author and comment have {bytes} bytes; at most {} are allowed",
            limits::SILENCE_TEXT_BYTES_MAX
        )
    })
}

fn silence(
    id: SilenceId,
    project: ProjectId,
    draft: &SilenceDraft,
    now: Timestamp,
    version: u32,
) -> Silence {
    Silence {
        id,
        project,
        matchers: draft.matchers.clone(),
        starts_at: draft.starts_at,
        ends_at: draft.ends_at,
        windows: draft.windows.clone(),
        created_by: draft.created_by.clone(),
        comment: draft.comment.clone(),
        annotations: draft.annotations.clone(),
        updated_at: now,
        version,
    }
}

/// Ended now; one that had not begun never holds.
fn ended(old: &Silence, now: Timestamp) -> Silence {
    Silence {
        starts_at: old.starts_at.min(now),
        ends_at: now,
        updated_at: now,
        version: old.version + 1,
        ..old.clone()
    }
}
