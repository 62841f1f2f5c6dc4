//! What all handlers share.

use std::sync::Arc;

use engine::Hub;
use engine::catalog::hash_of_key;
use metrics_exporter_prometheus::PrometheusHandle;
use model::{BoxFuture, Secret};
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;

use crate::limits;

/// Reads the configuration again and applies it: a line per change, or a line per problem (then nothing changed).
pub type Reload =
    Arc<dyn Fn() -> BoxFuture<'static, Result<Vec<String>, Vec<String>>> + Send + Sync>;

/// What a server is made of.
pub struct ServerOptions {
    pub hub: Hub,
    /// Whoever knows it may do everything in the native API.
    pub admin_token: Secret,
    pub version: &'static str,
    /// Whoever made it also runs its upkeep.
    pub prometheus: PrometheusHandle,
    pub reload: Reload,
}

/// The handlers' state.
pub(crate) struct App {
    pub hub: Hub,
    pub version: &'static str,
    pub prometheus: PrometheusHandle,
    pub reload: Reload,
    pub large_bodies: Arc<Semaphore>,
    pub api_requests: Arc<Semaphore>,
    pub streams: Arc<Semaphore>,
    token_hash: [u8; 32],
}

impl App {
    pub fn new(options: ServerOptions) -> Arc<App> {
        Arc::new(App {
            token_hash: hash_of_key(options.admin_token.expose()),
            hub: options.hub,
            version: options.version,
            prometheus: options.prometheus,
            reload: options.reload,
            large_bodies: Arc::new(Semaphore::new(limits::LARGE_BODIES_MAX)),
            api_requests: Arc::new(Semaphore::new(limits::API_REQUESTS_MAX)),
            streams: Arc::new(Semaphore::new(limits::STREAMS_MAX)),
        })
    }

    /// Whether this is the admin token; takes the same time for every wrong one, whatever its length.
    pub fn is_admin_token(&self, token: &str) -> bool {
        bool::from(hash_of_key(token).ct_eq(&self.token_hash))
    }
}
