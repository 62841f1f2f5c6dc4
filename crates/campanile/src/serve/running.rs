//! A hub with its HTTP server, put together; `serve`, `demo` and tests run the same.

use std::sync::Arc;

use anyhow::{Context, anyhow};
use engine::desired::Desired;
use engine::{Hub, Parts, Retention};
use ipnet::IpNet;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use model::{BoxFuture, Clock, DurationMs, Entropy, Secret};
use store::Store;
use store::postgres::{self, PgStore};
use store::sqlite::{Options, SqliteStore};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use wire::{Egress, EgressPolicy, EgressSettings};

use crate::admin::StoreAddress;
use crate::serve::DataDir;

/// Reads the configuration again and applies it to the hub.
pub type Reload =
    Arc<dyn Fn(Hub) -> BoxFuture<'static, Result<Vec<String>, Vec<String>>> + Send + Sync>;

/// What a running hub is made of, besides its configuration.
pub struct Recipe {
    /// `sqlite:PATH` or `postgres://…`; `None`: a file in the data folder.
    pub store: Option<String>,
    pub external_url: Option<String>,
    pub egress: Vec<IpNet>,
    pub retention: Retention,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    /// Named crash points, for tests.
    pub crash_at: Option<String>,
    pub reload: Reload,
}

/// A hub that runs.
pub struct Running {
    pub hub: Hub,
    pub url: String,
    stop: CancellationToken,
    server: JoinHandle<()>,
}

impl Running {
    pub async fn start(
        recipe: Recipe,
        desired: &Desired,
        dir: &DataDir,
        token: Secret,
        listener: TcpListener,
    ) -> anyhow::Result<Running> {
        // Looked at before the store is made: a store without its key is an error, not a new start.
        let keys = dir.keys(&*recipe.entropy)?;
        let store = open_store(recipe.store.as_deref(), dir).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let parts = Parts {
            store,
            egress: Egress::new(EgressSettings::new(EgressPolicy {
                allow: recipe.egress,
            }))?,
            clock: recipe.clock,
            entropy: recipe.entropy.clone(),
            sealer: engine::catalog::Sealer::new(keys, recipe.entropy),
            external_url: recipe.external_url.unwrap_or_else(|| url.clone()),
            retention: recipe.retention,
            crash_at: recipe.crash_at,
        };
        let hub = Hub::start(parts, desired).await?;
        let stop = CancellationToken::new();
        let prometheus = metrics_handle();
        tokio::spawn(upkeep(
            prometheus.clone(),
            hub.clock().clone(),
            stop.clone(),
        ));
        let (reload, reloaded) = (recipe.reload, hub.clone());
        let options = server::ServerOptions {
            hub: hub.clone(),
            admin_token: token,
            version: env!("CARGO_PKG_VERSION"),
            prometheus,
            reload: Arc::new(move || reload(reloaded.clone())),
        };
        let server = tokio::spawn(server::serve(
            listener,
            server::router(options),
            stop.clone(),
        ));
        Ok(Running {
            hub,
            url,
            stop,
            server,
        })
    }

    /// Stops taking requests, then the hub.
    pub async fn stop(self) {
        self.stop.cancel();
        // A server that ended by a panic has said so.
        let _ended = self.server.await;
        self.hub.stop().await;
    }
}

/// Histograms are folded now and then, so that they stay small when nobody scrapes.
async fn upkeep(handle: PrometheusHandle, clock: Arc<dyn Clock>, stop: CancellationToken) {
    const EVERY: DurationMs = DurationMs::from_secs(10);
    while !stop.is_cancelled() {
        handle.run_upkeep();
        tokio::select! {
            () = stop.cancelled() => {}
            () = clock.sleep(EVERY) => {}
        }
    }
}

async fn open_store(address: Option<&str>, dir: &DataDir) -> anyhow::Result<Arc<dyn Store>> {
    let address = match address {
        None => StoreAddress::Sqlite(dir.store_file()),
        Some(text) => StoreAddress::read(text).map_err(|why| anyhow!("--store: {why}"))?,
    };
    match address {
        StoreAddress::Postgres(url) => {
            let store = PgStore::open(&url, &postgres::Options::default())
                .await
                .context("cannot open the store on PostgreSQL")?;
            Ok(store)
        }
        StoreAddress::Sqlite(path) => {
            let store = SqliteStore::open(&path, &Options::default())
                .with_context(|| format!("cannot open the store {}", path.display()))?;
            Ok(store)
        }
    }
}

/// The process's metrics; one recorder serves all hubs of a process (tests).
fn metrics_handle() -> PrometheusHandle {
    static HANDLE: std::sync::OnceLock<PrometheusHandle> = std::sync::OnceLock::new();
    let install = || {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        // Only this function installs one, and only once.
        let _first = metrics::set_global_recorder(recorder);
        handle
    };
    HANDLE.get_or_init(install).clone()
}
