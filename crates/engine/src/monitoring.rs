//! Runs the monitors that the catalogue names, and starts them anew when their settings change.

use std::collections::HashMap;
use std::sync::Arc;

use model::{DurationMs, SourceId, Status};
use monitors::host::{HostRules, HostSampler, HostSettings};
use serde_json::Value;
use store::{AlertQuery, StoreError};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::catalog::{Source, Way};
use crate::hub::Shared;
use crate::intake::Intake;
use crate::telling;

/// The catalogue is compared with what runs this often.
const LOOK_EVERY: DurationMs = DurationMs::from_secs(1);
/// Open alerts of one monitor that are taken up again at start: a host has a handful.
const RESUMED_MAX: usize = 1000;

struct Running {
    settings: Value,
    task: JoinHandle<()>,
    stop: CancellationToken,
}

pub(crate) async fn run(shared: Arc<Shared>, intake: Intake, stop: CancellationToken) {
    let mut running: HashMap<SourceId, Running> = HashMap::new();
    while !stop.is_cancelled() {
        let catalog = shared.catalog.load_full();
        running.retain(|id, monitor| {
            let wanted = catalog.sources.get(id).and_then(|s| settings_of(s));
            let stays = wanted.as_ref() == Some(&monitor.settings) && !monitor.task.is_finished();
            if !stays {
                monitor.stop.cancel();
            }
            stays
        });
        for source in catalog.sources.values() {
            let Some(settings) = settings_of(source) else {
                continue;
            };
            if running.contains_key(&source.id) {
                continue;
            }
            let stop = stop.child_token();
            match start(
                &shared,
                source.clone(),
                &settings,
                intake.clone(),
                stop.clone(),
            )
            .await
            {
                Ok(task) => {
                    running.insert(
                        source.id,
                        Running {
                            settings,
                            task,
                            stop,
                        },
                    );
                }
                Err(problem) => telling::monitor_refused(&source.name, &problem),
            }
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = shared.clock.sleep(LOOK_EVERY) => {}
        }
    }
    for monitor in running.into_values() {
        monitor.stop.cancel();
        // A monitor that ended by a panic has said so itself.
        let _ended = monitor.task.await;
    }
}

fn settings_of(source: &Source) -> Option<Value> {
    match &source.way {
        Way::Monitor { name, settings } if name == "host" => Some(Value::Object(settings.clone())),
        _ => None,
    }
}

async fn start(
    shared: &Arc<Shared>,
    source: Arc<Source>,
    settings: &Value,
    intake: Intake,
    stop: CancellationToken,
) -> Result<JoinHandle<()>, String> {
    let settings: HostSettings =
        serde_json::from_value(settings.clone()).map_err(|e| e.to_string())?;
    let mut rules = HostRules::new(settings).map_err(|e| e.to_string())?;
    rules.resume(
        open_keys(shared, &source)
            .await
            .map_err(|e| e.to_string())?,
    );
    let sampler = HostSampler::new().map_err(|e| e.to_string())?;
    let clock = shared.clock.clone();
    let sink = move |signals: Vec<model::Signal>| -> model::BoxFuture<'static, Result<(), monitors::host::SinkError>> {
        let (intake, source) = (intake.clone(), source.clone());
        Box::pin(async move {
            intake.submit(&source, signals).await?;
            Ok(())
        })
    };
    let stopped = async move { stop.cancelled().await };
    Ok(tokio::spawn(monitors::host::run(
        rules,
        Box::new(sampler),
        clock,
        sink,
        stopped,
    )))
}

/// The keys of this source's alerts that are not closed: rules start without a memory of them.
async fn open_keys(shared: &Shared, source: &Source) -> Result<Vec<String>, StoreError> {
    let query = AlertQuery {
        source: Some(source.id),
        statuses: vec![
            Status::Tracking,
            Status::Open,
            Status::Acknowledged,
            Status::Shelved,
        ],
        limit: RESUMED_MAX,
        ..AlertQuery::default()
    };
    let open = shared.store.list_alerts(query).await?;
    Ok(open.into_iter().map(|row| row.alert.key).collect())
}
