//! Repeats to disk, each second (I1's exception), and those that another node overtook to the stepper.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{DurationMs, limits};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::{Item, Late, Stepper, Submission, put_off};
use crate::hub::Shared;
use crate::telling;

/// Repeats are on disk this long after they came (I1).
const FLUSH_EVERY: DurationMs = DurationMs::from_secs(1);
/// Flushes at the end: what the stepper makes of late repeats may be repeats again.
const LAST_FLUSHES_MAX: usize = 3;

/// Flushes until `stop`.
pub(crate) async fn flush_loop(shared: Arc<Shared>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        flush(&shared).await;
        queue_late(&shared);
        tokio::select! {
            () = stop.cancelled() => {}
            () = shared.flush_wake.notified() => {}
            () = shared.clock.sleep(FLUSH_EVERY) => {}
        }
    }
}

/// What was acknowledged up to the end, once nothing else works.
pub(crate) async fn flush_at_the_end(shared: &Arc<Shared>) {
    for _ in 0..LAST_FLUSHES_MAX {
        flush(shared).await;
        let late = shared.cache.lock().take_late();
        if late.is_empty() {
            return;
        }
        let submissions = by_source(shared, late).into_values().collect();
        Stepper::new(shared.clone()).group(submissions).await;
    }
}

/// Hands repeats that another node overtook to the stepper.
fn queue_late(shared: &Shared) {
    // Held until they are queued, so that no newer signal of their keys comes before them.
    let mut cache = shared.cache.lock();
    let late = cache.take_late();
    if late.is_empty() {
        return;
    }
    telling::repeats_stepped(late.len());
    for (queue, submission) in by_source(shared, late) {
        if let Err((_busy, submission)) = shared.queues.push(Some(queue), submission) {
            put_off(&mut cache, submission.items);
        }
    }
}

/// Writes the repeats that wait.
async fn flush(shared: &Shared) {
    let _one_at_a_time = shared.flushing.lock().await;
    let mut rows = shared.cache.lock().take_dirty();
    while !rows.is_empty() {
        let rest = rows.split_off(rows.len().min(limits::GROUP_SIGNALS_MAX));
        let seen = rows.iter().map(|(_, row)| *row).collect();
        match shared.store.seen(seen).await {
            Ok(written) if shared.store.shared() => {
                let mut cache = shared.cache.lock();
                for ((hash, row), written) in rows.iter().zip(written) {
                    cache.flushed(*hash, row, written);
                }
            }
            // Alone, a row that was not written is older than what the stepper has written since.
            Ok(_) => {}
            Err(error) => {
                telling::store_failed("repeats", &error);
                if shared.store.shared() {
                    let mut cache = shared.cache.lock();
                    cache.flush_again(&rows);
                    cache.flush_again(&rest);
                    break;
                }
                // Alone they stay in memory's counts and go with the next change of their alert.
            }
        }
        rows = rest;
    }
}

/// A sender's repeats go where its signals go.
fn by_source(shared: &Shared, late: Vec<Late>) -> BTreeMap<u128, Submission> {
    let mut submissions = BTreeMap::new();
    for one in late {
        let submission = submissions
            .entry(one.kept.source.id.0)
            .or_insert_with(|| Submission {
                items: Vec::new(),
                asked_at: shared.clock.boot_ms(),
                // Nobody waits: if it fails, it is put off.
                reply: oneshot::channel().0,
            });
        submission.items.push(Item::Late(one));
    }
    submissions
}
