//! Walks over open alerts when an integration is new or changed: in steps, and taken up again
//! after a restart.

use std::sync::Arc;

use model::{AlertId, DurationMs, IntegrationId, Status};
use serde::{Deserialize, Serialize};
use store::{AlertQuery, StoreError};
use tokio_util::sync::CancellationToken;

use crate::desired::Existing;
use crate::hub::Shared;
use crate::intake::{Intake, Item};
use crate::telling;

/// Where the open walks are noted.
const NOTE: &str = "walks";
/// Alerts of one step.
const STEP: usize = 500;
const POLL: DurationMs = DurationMs::from_secs(1);

/// One walk: newest alert first, down to the oldest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Walk {
    integration: IntegrationId,
    /// Alerts may enter; otherwise only existing lanes are planned anew.
    entering: bool,
    /// The last alert that was looked at.
    before: Option<AlertId>,
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
    let mut walks = noted(shared).await?;
    for id in changed {
        let tells = catalog
            .integration(*id)
            .is_some_and(|i| i.existing == Existing::Tell);
        // A walk that was under way may have been to let alerts in.
        let entering = (tells && widened.contains(id))
            || walks.iter().any(|w| w.integration == *id && w.entering);
        walks.retain(|w| w.integration != *id);
        walks.push(Walk {
            integration: *id,
            entering,
            before: None,
        });
    }
    note(shared, &walks).await
}

pub(crate) async fn run(shared: Arc<Shared>, intake: Intake, stop: CancellationToken) {
    while !stop.is_cancelled() {
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
    let mut walks = noted(shared).await?;
    let Some(walk) = walks.first().cloned() else {
        return Ok(false);
    };
    let catalog = shared.catalog.load_full();
    let project = catalog.integration(walk.integration).map(|i| i.project.id);
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
        .map(|a| Item::Reroute {
            alert: a.alert.id,
            integration: walk.integration,
            entering: walk.entering,
        })
        .collect();
    if !items.is_empty() && intake.ask(None, items).await.is_err() {
        return Ok(false);
    }
    // Read again: a change of configuration may have noted more meanwhile.
    walks = noted(shared).await?;
    if let Some(at) = walks.iter().position(|w| *w == walk) {
        match last {
            Some(last) => walks[at].before = Some(last),
            None => {
                walks.remove(at);
            }
        }
        note(shared, &walks).await?;
    }
    Ok(true)
}

async fn noted(shared: &Shared) -> Result<Vec<Walk>, StoreError> {
    let text = shared.store.meta(NOTE).await?.unwrap_or_default();
    // A note that cannot be read is from another version: its walk is begun anew by the next change.
    Ok(serde_json::from_str(&text).unwrap_or_default())
}

async fn note(shared: &Shared, walks: &[Walk]) -> Result<(), StoreError> {
    let text = serde_json::to_string(walks).unwrap_or_default();
    shared.store.set_meta(NOTE, &text).await
}
