//! Walks over open alerts when an integration is new or changed, or a silence ended early: in steps, and taken up
//! again after a restart.

use std::sync::Arc;

use model::{Alert, AlertId, DurationMs, IntegrationId, ProjectId, SilenceId, Status, Timestamp};
use serde::{Deserialize, Serialize};
use store::{AlertQuery, StoreError};
use tokio_util::sync::CancellationToken;

use crate::desired::Existing;
use crate::hub::Shared;
use crate::intake::{Intake, Item, ItemOutcome};
use crate::leases::{Duty, WalkNote};
use crate::telling;

/// Where the open walks are noted.
const NOTE: &str = "walks";
/// Alerts of one step.
const STEP: usize = 500;
const POLL: DurationMs = DurationMs::from_secs(1);
/// Times that a step asks for what is on its way: one send of a lane ends within its lease, a minute and a half.
const TRIES_MAX: usize = 120;
/// Beside other nodes a walk begins so late after the change that each of them routes by it: the walk goes from the
/// newest alert down, and does not see what a node with the old configuration opens above it.
const BEGINS_AFTER: DurationMs = DurationMs::from_secs(3);

/// One walk: newest alert first, down to the oldest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Walk {
    #[serde(flatten)]
    why: Why,
    /// The last alert that was looked at.
    before: Option<AlertId>,
    #[serde(default)]
    not_before: Timestamp,
}

/// What a walk is for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Why {
    Integration {
        integration: IntegrationId,
        /// Alerts may enter; otherwise only existing lanes are planned anew.
        entering: bool,
    },
    /// What was inhibited in this project, and is no more, is looked at again.
    Inhibition { inhibited_in: ProjectId },
    /// What this silence held is looked at again.
    Silence {
        project: ProjectId,
        silence: SilenceId,
    },
}

impl Why {
    fn is_of(&self, of: IntegrationId) -> bool {
        matches!(self, Why::Integration { integration, .. } if *integration == of)
    }

    /// What is to be done about an alert, if anything.
    fn item(&self, shared: &Shared, alert: &Alert) -> Option<Item> {
        match *self {
            Why::Integration {
                integration,
                entering,
            } => Some(Item::Reroute {
                alert: alert.id,
                integration,
                entering,
            }),
            Why::Inhibition { .. } => {
                let catalog = shared.catalog.load();
                let inhibitors = shared.inhibitors.lock();
                inhibitors
                    .inhibits(&catalog, alert)
                    .is_none()
                    .then_some(Item::Replan { alert: alert.id })
            }
            Why::Silence { project, silence } => {
                let silences = shared.silences.load();
                let ready = silences.get(project, silence)?;
                let catalog = shared.catalog.load();
                ready
                    .matches(&catalog.subject(alert))
                    .then_some(Item::Replan { alert: alert.id })
            }
        }
    }
}

/// Notes a walk over what a silence of `project` held, which begins `after` some time: it ended, or holds less than
/// before.
pub(crate) async fn silence_ended(
    shared: &Shared,
    project: ProjectId,
    silence: SilenceId,
    after: DurationMs,
) -> Result<(), StoreError> {
    look_again(shared, Why::Silence { project, silence }, after).await
}

/// Notes a walk over each project in which an inhibiting alert ended.
async fn inhibition_ended(shared: &Shared) {
    let projects = shared.inhibitors.lock().take_ended();
    for inhibited_in in projects {
        // If it fails: what is held is looked at every two minutes anyway.
        let why = Why::Inhibition { inhibited_in };
        if let Err(error) = look_again(shared, why, DurationMs::ZERO).await {
            telling::store_failed("walk", &error);
        }
    }
}

async fn look_again(shared: &Shared, why: Why, after: DurationMs) -> Result<(), StoreError> {
    let held = WalkNote::take(shared).await?;
    let mut walks = noted(shared).await?;
    walks.retain(|w| w.why != why);
    walks.push(Walk {
        why,
        before: None,
        not_before: begins_at(shared).max(shared.clock.now() + after),
    });
    put_note(shared, &walks).await?;
    held.give_back().await;
    Ok(())
}

fn begins_at(shared: &Shared) -> Timestamp {
    match shared.store.shared() {
        true => shared.clock.now() + BEGINS_AFTER,
        false => Timestamp::ZERO,
    }
}

/// Notes a walk for each of these integrations; those in `widened` may take alerts in.
pub(crate) async fn wish(
    shared: &Shared,
    changed: &[IntegrationId],
    widened: &[IntegrationId],
) -> Result<(), StoreError> {
    if changed.is_empty() {
        return Ok(());
    }
    let catalog = shared.catalog.load_full();
    let held = WalkNote::take(shared).await?;
    let mut walks = noted(shared).await?;
    for id in changed {
        let tells = catalog
            .integration(*id)
            .is_some_and(|i| i.existing == Existing::Tell);
        // A walk that was under way may have been to let alerts in.
        let entering = (tells && widened.contains(id))
            || walks.iter().any(
                |w| matches!(w.why, Why::Integration { integration, entering: true } if integration == *id),
            );
        walks.retain(|w| !w.why.is_of(*id));
        walks.push(Walk {
            why: Why::Integration {
                integration: *id,
                entering,
            },
            before: None,
            not_before: begins_at(shared),
        });
    }
    put_note(shared, &walks).await?;
    held.give_back().await;
    Ok(())
}

pub(crate) async fn run(shared: Arc<Shared>, intake: Intake, stop: CancellationToken) {
    while !stop.is_cancelled() {
        inhibition_ended(&shared).await;
        if !shared.holds(Duty::Walk) {
            tokio::select! {
                () = stop.cancelled() => {}
                () = shared.wait_for_duty(POLL) => {}
            }
            continue;
        }
        match step(&shared, &intake).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => telling::store_failed("walk", &error),
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = shared.clock.sleep(POLL) => {}
        }
    }
}

/// One step of the first walk; whether there may be more.
async fn step(shared: &Shared, intake: &Intake) -> Result<bool, StoreError> {
    let walks = noted(shared).await?;
    let now = shared.clock.now();
    let Some(walk) = walks.into_iter().find(|w| w.not_before <= now) else {
        return Ok(false);
    };
    if shared.store.shared() && shared.store.catalog_version().await? != shared.known_version() {
        // The walk is for a configuration that this node is about to read.
        return Ok(false);
    }
    let catalog = shared.catalog.load_full();
    let project = match walk.why {
        Why::Integration { integration, .. } => {
            catalog.integration(integration).map(|i| i.project.id)
        }
        Why::Inhibition {
            inhibited_in: project,
        }
        | Why::Silence { project, .. } => Some(project),
    };
    let alerts = match project {
        Some(project) => {
            let query = AlertQuery {
                project: Some(project),
                statuses: vec![Status::Open, Status::Acknowledged, Status::Shelved],
                before: walk.before,
                limit: STEP,
                ..AlertQuery::default()
            };
            shared.store.list_alerts(query).await?
        }
        None => Vec::new(),
    };
    let last = alerts.last().map(|a| a.alert.id);
    let items: Vec<Item> = alerts
        .into_iter()
        .filter_map(|a| walk.why.item(shared, &a.alert))
        .collect();
    if !asked(shared, intake, items).await {
        return Ok(false);
    }
    // Read again: a change of configuration may have noted more meanwhile.
    let held = WalkNote::take(shared).await?;
    let mut walks = noted(shared).await?;
    if let Some(at) = walks.iter().position(|w| *w == walk) {
        match last {
            Some(last) => walks[at].before = Some(last),
            None => {
                walks.remove(at);
            }
        }
        put_note(shared, &walks).await?;
    }
    held.give_back().await;
    Ok(true)
}

/// Has the items done; false if some could not be written: the step is to be taken again. What is on its way to the
/// vendor is asked for again until its send is over, which its deadline sees to.
async fn asked(shared: &Shared, intake: &Intake, mut items: Vec<Item>) -> bool {
    for _ in 0..TRIES_MAX {
        if items.is_empty() {
            return true;
        }
        let Ok(outcomes) = intake.ask(None, items.clone()).await else {
            return false;
        };
        if outcomes.iter().any(|o| matches!(o, ItemOutcome::Failed(_))) {
            return false;
        }
        items = items
            .into_iter()
            .zip(outcomes)
            .filter(|(_, outcome)| matches!(outcome, ItemOutcome::InFlight))
            .map(|(item, _)| item)
            .collect();
        if !items.is_empty() {
            tokio::select! {
                () = shared.stopping.cancelled() => return false,
                () = shared.clock.sleep(POLL) => {}
            }
        }
    }
    items.is_empty()
}

async fn noted(shared: &Shared) -> Result<Vec<Walk>, StoreError> {
    let text = shared.store.meta(NOTE).await?.unwrap_or_default();
    // A note that cannot be read is from another version: its walk is begun anew by the next change.
    Ok(serde_json::from_str(&text).unwrap_or_default())
}

async fn put_note(shared: &Shared, walks: &[Walk]) -> Result<(), StoreError> {
    let text = serde_json::to_string(walks).unwrap_or_default();
    shared.store.set_meta(NOTE, &text).await
}
