//! Walks over the store before the loops begin.

use lifecycle::lanes;
use model::{AlertId, Lane, limits};
use store::{LaneChange, LanePut, LaneWrite, StoreError};

use crate::shared::Shared;

/// Rows read in one step.
const WALK_STEP: usize = 1000;

/// Fills the cache with every live key.
pub(crate) async fn fill_cache(shared: &Shared) -> Result<(), StoreError> {
    let mut after: Option<AlertId> = None;
    loop {
        let page = shared.store.live_alerts(after, WALK_STEP).await?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        after = Some(last.alert.id);
        let mut cache = shared.cache.lock();
        for row in page {
            let mut alert = row.alert;
            if let Some(seen) = row.seen.filter(|s| s.version == alert.version) {
                alert.last_seen = seen.last_seen;
                alert.repeat_count = seen.repeat_count;
                alert.ends_at = seen.ends_at;
            }
            let hash = cache.hash_of_key(alert.project, alert.scope, &alert.key);
            cache.put(hash, &alert, None, None);
        }
    }
}

/// After an unclean start: lanes whose claim was in memory only may have been in flight.
pub(crate) async fn doubt(shared: &Shared) -> Result<usize, StoreError> {
    let catalog = shared.catalog.load_full();
    let now = shared.clock.now();
    let mut doubted = 0;
    for ((integration, number), revision) in &catalog.revisions {
        if !revision.manifest.can.idempotent {
            continue;
        }
        let mut after = None;
        loop {
            let lanes: Vec<Lane> = shared
                .store
                .lanes_of_revision(*integration, *number, after, WALK_STEP)
                .await?;
            let Some(last) = lanes.last() else { break };
            after = Some(last.key.alert);
            let loaded = shared
                .store
                .load(lanes.iter().map(|l| l.key.alert).collect())
                .await?;
            let mut writes = Vec::new();
            for (mut lane, loaded) in lanes.into_iter().zip(loaded) {
                let Some(loaded) = loaded else { continue };
                // What a member tells its group is in this store, or not.
                if revision.is_member(&loaded.alert, Some(&lane)) {
                    continue;
                }
                let expected = lane.version;
                if lanes::in_doubt_after_unclean_start(
                    &mut lane,
                    &loaded.alert,
                    &revision.lane_policy,
                    now,
                ) {
                    lane.version = expected + 1;
                    lane.due_at = Some(now);
                    let put = LanePut {
                        lane,
                        expected: Some(expected),
                    };
                    writes.push(LaneWrite {
                        change: LaneChange::Put(Box::new(put)),
                        attempts: Vec::new(),
                    });
                }
            }
            doubted += writes.len();
            for chunk in writes.chunks(limits::GROUP_SIGNALS_MAX) {
                shared.store.write_lanes(chunk.to_vec()).await?;
            }
        }
    }
    Ok(doubted)
}
