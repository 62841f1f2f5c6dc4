//! Jira Service Management's integration events at `/jsm/jsm/ops/integration/v2/alerts…`: Opsgenie's requests and key
//! header, of which it has create, acknowledge, close, notes, and what became of a request. Alerts cannot be read here;
//! the page and `GET /_jsm/alerts` show them.
//!
//! Source: Atlassian's collection of requests for integration events, read 2026-11.

use crate::exchange::{Reply, Request};
use crate::opsgenie::{Alert, AlertApi, Surface};
use crate::vendor::{Conditions, Vendor};
use http::{Method, StatusCode};
use std::sync::Arc;

/// One simulated site.
#[derive(Debug, Default)]
pub struct Jsm(AlertApi);

impl Jsm {
    /// All alerts as they were when the last request was handled, oldest first.
    #[must_use]
    pub fn alerts(&self) -> Vec<Alert> {
        self.0.alerts()
    }
}

impl Vendor for Jsm {
    fn name(&self) -> &'static str {
        "jsm"
    }

    fn about(&self) -> &'static str {
        "integration events: create, acknowledge, close and annotate alerts"
    }

    fn handle(&self, request: &Arc<Request>, conditions: Conditions) -> Reply {
        match request.path.strip_prefix("/jsm/ops/integration") {
            Some(path) => self.0.answer(path, request, conditions, Surface::Events),
            None => Reply::text(StatusCode::NOT_FOUND, "not found").with_problems(vec![
                "integration events are below /jsm/ops/integration".into(),
            ]),
        }
    }

    fn page(&self, path: &str) -> Option<Reply> {
        self.0.page(path, "Jira Service Management")
    }

    fn configure(&self, method: &Method, what: &str, body: &[u8]) -> Reply {
        self.0.configure(method, what, body)
    }
}
