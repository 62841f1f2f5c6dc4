//! What other nodes changed: the configuration and the health of its revisions, followed by the catalog's version.
//!
//! The look each second is also this node's sign of life from a shared store.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use model::DurationMs;
use tokio_util::sync::CancellationToken;

use crate::catalog::build;
use crate::hub::Shared;
use crate::silencing::inhibition;
use crate::telling;

/// A change of settings works everywhere within this and one read.
const LOOK_EVERY: DurationMs = DurationMs::from_secs(1);

/// Compares the stored version with the one that the snapshot was built from, until `stop`.
pub(crate) async fn run(shared: Arc<Shared>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = shared.clock.sleep(LOOK_EVERY) => {}
        }
        match shared.store.catalog_version().await {
            Ok(version) if version == shared.catalog_version.load(Ordering::Relaxed) => {}
            Ok(_) => shared.reload().await,
            Err(error) => telling::store_failed("catalog", &error),
        }
    }
}

impl Shared {
    /// Makes a new snapshot of the stored configuration and its health; keeps the old one if that fails.
    pub async fn reload(&self) {
        let _one_at_a_time = self.applying.lock().await;
        // A suspension of ours that is on its way to its row must not be taken for one that was lifted.
        let _health = self.health_rows.lock().await;
        let rows = match self.store.catalog().await {
            Ok(rows) => rows,
            Err(error) => return telling::store_failed("catalog", &error),
        };
        // Noted also where the rows cannot be used: they are looked at again when they change, not each second.
        self.catalog_version.store(rows.version, Ordering::Relaxed);
        let organization = self.catalog.load().organization.clone();
        match build(&organization, &rows, &self.sealer) {
            Ok(catalog) => self.catalog.store(Arc::new(catalog)),
            Err(error) => telling::catalog_failed(&error),
        }
        if self.store.shared() {
            self.health.lock().adopt(rows.health);
        }
        if let Err(error) = inhibition::adopt_rules(self).await {
            telling::store_failed("inhibition", &error);
        }
        if let Err(error) = self.reload_silences().await {
            telling::store_failed("silences", &error);
        }
        self.dispatch_wake.notify_one();
    }
}
