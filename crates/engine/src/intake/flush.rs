//! Repeats to disk, each second, where nobody else writes to the store (I1's exception).

use std::sync::Arc;

use model::{DurationMs, limits};
use tokio_util::sync::CancellationToken;

use crate::hub::Shared;
use crate::telling;

/// Repeats are on disk this long after they came (I1).
const FLUSH_EVERY: DurationMs = DurationMs::from_secs(1);

/// Flushes until `stop`.
pub(crate) async fn flush_loop(shared: Arc<Shared>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        flush(&shared).await;
        tokio::select! {
            () = stop.cancelled() => {}
            () = shared.clock.sleep(FLUSH_EVERY) => {}
        }
    }
}

/// Writes the repeats of the last second. On failure they stay in memory's counts and go with the next change of
/// their alert. A row that is not written is older than what the stepper has written since.
pub(crate) async fn flush(shared: &Shared) {
    let rows = shared.cache.lock().take_dirty();
    for chunk in rows.chunks(limits::GROUP_SIGNALS_MAX) {
        if let Err(error) = shared.store.seen(chunk.to_vec()).await {
            telling::store_failed("repeats", &error);
        }
    }
}
