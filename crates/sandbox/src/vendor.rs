//! What a simulated vendor is. Pure of network: a vendor maps requests to replies over its own state.

use crate::exchange::{Reply, Request};
use http::{Method, StatusCode};
use std::any::Any;
use std::sync::Arc;

/// What holds while a request is handled.
#[derive(Debug, Clone, Copy)]
pub struct Conditions {
    /// Milliseconds since the epoch.
    pub now: i64,
    /// Whether rate limits apply (`--no-limits` turns them off).
    pub limits: bool,
}

/// One simulated vendor: a folder of this crate and a line in `registry.rs`.
pub trait Vendor: Any + Send + Sync {
    /// The word that is its path prefix and the record's `vendor`.
    fn name(&self) -> &'static str;

    /// One sentence for the index page.
    fn about(&self) -> &'static str;

    /// Answers a request as the vendor would.
    fn handle(&self, request: &Arc<Request>, conditions: Conditions) -> Reply;

    /// A page for people (or its JSON) at a `GET` of `/{name}{path}`; not recorded. `None` where the path is
    /// the vendor's own, or nothing.
    fn page(&self, _path: &str) -> Option<Reply> {
        None
    }

    /// The sandbox's own switches for this vendor, at `/_{name}/{what}`.
    fn configure(&self, _method: &Method, what: &str, _body: &[u8]) -> Reply {
        Reply::complaint(
            StatusCode::NOT_FOUND,
            &format!("{} has no switch {what:?}", self.name()),
        )
    }
}
