//! House-keeping: keys that are live no more, old rows, drained revisions, figures, the clock.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use lifecycle::lanes::keeps_alert;
use model::{AlertId, DurationMs, IntegrationId, Timestamp, limits};
use store::{LaneChange, LaneWrite, StoreError, SweepRules};
use tokio_util::sync::CancellationToken;

use crate::hub::{Retention, Shared};
use crate::leases::Duty;
use crate::telling;

const LOOK_EVERY: DurationMs = DurationMs::from_secs(1);
/// Figures of the store cost a count over its tables.
const MEASURE_EVERY: i64 = 10;
const SWEEP_EVERY: i64 = 60;
/// Rows forgotten in one step: a step holds the writer for a few milliseconds.
const SWEEP_STEP: usize = 500;
/// Lanes looked at in one step of draining.
const DRAIN_STEP: usize = 500;
/// Wall time and boot time may part this much before silence stops being evidence (DESIGN §6).
const JUMP_MAX: DurationMs = DurationMs::from_secs(30);
/// Beside other nodes an outdated revision is drained so long after this node heard of it: until then every node that
/// can write has heard of it too, so that none makes a lane there.
const OUTDATED_FOR: DurationMs = DurationMs::from_secs(30);

/// Since when revisions are known to be outdated.
type Outdated = HashMap<(IntegrationId, u32), Timestamp>;

pub(crate) async fn run(shared: Arc<Shared>, stop: CancellationToken, retention: Retention) {
    let mut offset = shared.clock.now().0 - shared.clock.boot_ms();
    let mut seconds: i64 = 0;
    let mut outdated = Outdated::new();
    while !stop.is_cancelled() {
        let now_offset = shared.clock.now().0 - shared.clock.boot_ms();
        if (now_offset - offset).abs() > JUMP_MAX.0 {
            telling::clock_jumped(DurationMs(now_offset - offset));
            shared.listen_anew();
            offset = now_offset;
        }
        if !shared.store.listening() {
            shared.listen_anew();
        }
        if seconds % MEASURE_EVERY == 0 {
            measure(&shared).await;
        }
        if seconds % SWEEP_EVERY == 0 {
            shared.cache.lock().age();
            shared.heard.age();
            if let Err(error) = sweep(&shared, &retention, &stop, &mut outdated).await {
                telling::store_failed("keeping", &error);
            }
        }
        seconds += 1;
        tokio::select! {
            () = stop.cancelled() => {}
            () = shared.clock.sleep(LOOK_EVERY) => {}
        }
    }
}

async fn measure(shared: &Shared) {
    match shared.store.counts().await {
        Ok(counts) => {
            let live = shared.cache.lock().len();
            let suspended = shared.health.lock().suspended_count();
            telling::measured(shared.queues.waiting(), live, suspended, &counts);
        }
        Err(error) => telling::store_failed("keeping", &error),
    }
}

async fn sweep(
    shared: &Shared,
    retention: &Retention,
    stop: &CancellationToken,
    outdated: &mut Outdated,
) -> Result<(), StoreError> {
    let now = shared.clock.now();
    let goes_on = || shared.holds(Duty::Sweep) && !stop.is_cancelled();
    while goes_on() {
        let gone = shared.store.retire_live(now, SWEEP_STEP).await?;
        let more = gone.len() == SWEEP_STEP;
        if !gone.is_empty() {
            let gone: HashSet<AlertId> = gone.into_iter().collect();
            shared.cache.lock().forget(&gone);
        }
        if !more {
            break;
        }
    }
    let back = |length: DurationMs| model::Timestamp(now.0.saturating_sub(length.0));
    let rules = SweepRules {
        closed_before: back(retention.closed_alerts),
        attempts_before: back(retention.attempts),
        messages_before: back(DurationMs::from_hours(limits::MESSAGE_ID_HOURS)),
        silences_before: back(retention.silences),
        updates_kept: limits::UPDATED_EVENTS_MAX,
        limit: SWEEP_STEP,
    };
    let mut silences = 0;
    while goes_on() {
        let report = shared.store.sweep(rules).await?;
        silences += report.silences;
        if !report.more {
            break;
        }
        // Others get the writer between two steps.
        tokio::task::yield_now().await;
    }
    if silences > 0 {
        shared.reload_silences().await?;
    }
    drain(shared, now, outdated).await
}

/// Takes away revisions whose last lane is done: outdated ones, and those of deleted integrations (I6).
async fn drain(shared: &Shared, now: Timestamp, known: &mut Outdated) -> Result<(), StoreError> {
    let catalog = shared.catalog.load_full();
    known.retain(|key, _| catalog.revisions.contains_key(key));
    let mut gone = Vec::new();
    for ((integration, number), revision) in &catalog.revisions {
        let of = &revision.integration;
        let outdated = *number != of.revision;
        if !(outdated || of.deleted) {
            continue;
        }
        let since = *known.entry((*integration, *number)).or_insert(now);
        if shared.store.shared() && now.since(since) < OUTDATED_FOR {
            continue;
        }
        if !shared.holds(Duty::Sweep) {
            return Ok(());
        }
        if drain_revision(shared, *integration, *number).await? {
            shared.store.remove_revision(*integration, *number).await?;
            gone.push((*integration, *number));
        }
    }
    if !gone.is_empty() {
        shared.reload().await;
    }
    Ok(())
}

/// Removes lanes that owe nothing more; whether the revision is needed by none.
async fn drain_revision(
    shared: &Shared,
    integration: IntegrationId,
    revision: u32,
) -> Result<bool, StoreError> {
    let mut after = None;
    let mut left = false;
    loop {
        let lanes = shared
            .store
            .lanes_of_revision(integration, revision, after, DRAIN_STEP)
            .await?;
        let Some(last) = lanes.last() else {
            // What is open downstream owes nothing for now, and will be closed there (I6).
            return Ok(!left && !shared.store.revision_in_use(integration, revision).await?);
        };
        after = Some(last.key.alert);
        let mut writes = Vec::new();
        for lane in &lanes {
            if keeps_alert(lane) || lane.cursor < lane.head {
                left = true;
            } else {
                let change = LaneChange::Remove {
                    key: lane.key,
                    expected: lane.version,
                };
                writes.push(LaneWrite {
                    change,
                    attempts: Vec::new(),
                });
            }
        }
        if !writes.is_empty() {
            let results = shared.store.write_lanes(writes).await?;
            left |= results.iter().any(Result::is_err);
        }
    }
}
