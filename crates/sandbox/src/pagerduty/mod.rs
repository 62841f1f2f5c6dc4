//! PagerDuty: Events API v2 at `/pagerduty/v2/enqueue` and `/v2/change/enqueue`, and as much of REST API v2 as a client
//! needs that follows its incidents: `/incidents`, `/incidents/{id}`, their notes, snooze, alerts and log entries,
//! `/abilities`. Incidents and changes as a page at `/pagerduty`.
//!
//! Events: any routing key of 32 characters works and makes a service of its own, unless `POST /_pagerduty/settings
//! {"strict_keys": true}`: then events of keys that were not registered are answered 202 and dropped, as PagerDuty does.
//! REST: any `Token token=…` or `Bearer …` works. One that starts with `invalid`, `denied` or `expired` gets the error of
//! that name (codes 2006, 2010, 2012).

mod events;
mod knobs;
mod page;
mod rest;
mod rules;
mod shape;
mod state;
mod writes;

pub use state::{Change, Incident, LogEntry, Note, Status};

use crate::exchange::{Reply, Request};
use crate::vendor::{Conditions, Vendor};
use http::{Method, StatusCode};
use parking_lot::Mutex;
use state::Account;
use std::sync::Arc;

/// One simulated account.
#[derive(Debug, Default)]
pub struct PagerDuty(Mutex<Account>);

impl PagerDuty {
    /// The incidents, oldest first.
    #[must_use]
    pub fn incidents(&self) -> Vec<Incident> {
        self.0.lock().incidents.values().cloned().collect()
    }

    /// The incidents with this key, oldest first.
    #[must_use]
    pub fn with_key(&self, incident_key: &str) -> Vec<Incident> {
        let account = self.0.lock();
        let with = account.incidents.values();
        with.filter(|incident| incident.key == incident_key)
            .cloned()
            .collect()
    }

    /// The change events, oldest first.
    #[must_use]
    pub fn changes(&self) -> Vec<Change> {
        self.0.lock().changes.iter().cloned().collect()
    }

    /// How many events were answered 202 and dropped: acknowledgements and resolves of what is not open under their
    /// key, and events of unknown keys.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.0.lock().dropped
    }
}

impl Vendor for PagerDuty {
    fn name(&self) -> &'static str {
        "pagerduty"
    }

    fn about(&self) -> &'static str {
        "Events API v2 with change events, incidents as REST API v2 shows them"
    }

    fn handle(&self, request: &Arc<Request>, conditions: Conditions) -> Reply {
        let mut account = self.0.lock();
        account.tick(conditions.now);
        match (&request.method, request.path.as_str()) {
            (&Method::POST, "/v2/enqueue") => events::enqueue(&mut account, request, conditions),
            (&Method::POST, "/v2/change/enqueue") => {
                events::enqueue_change(&mut account, request, conditions)
            }
            (_, path) if path.starts_with("/v2/") => {
                Reply::text(StatusCode::NOT_FOUND, "not found").with_problems(vec![
                    "neither POST /v2/enqueue nor POST /v2/change/enqueue".into(),
                ])
            }
            _ => rest::answer(&mut account, request, conditions),
        }
    }

    fn page(&self, path: &str) -> Option<Reply> {
        (path == "/").then(|| page::account(&self.0.lock()))
    }

    fn configure(&self, method: &Method, what: &str, body: &[u8]) -> Reply {
        knobs::configure(&mut self.0.lock(), method, what, body)
    }
}
