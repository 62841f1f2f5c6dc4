//! Opsgenie's alert API at `/opsgenie/v2/alerts…`: writes are taken with 202 and processed afterwards, what became of them
//! is asked at `/requests/{id}`, alerts can be read, listed, counted. Any key works until a switch says otherwise.
//!
//! Source: opsgenie-oas (2021), docs.opsgenie.com "Alert API" and the official Go SDK, read 2026-11. The words in a request's
//! `status` are remembered, not documented: clients must not rely on them.

mod account;
mod actions;
mod alert;
mod knobs;
mod page;
mod query;
mod reads;
mod reply;
mod routes;
mod rules;

pub use alert::{Alert, Entry};

use crate::exchange::{Reply, Request};
use crate::vendor::{Conditions, Vendor};
use account::Account;
use http::Method;
use parking_lot::Mutex;
use std::sync::Arc;

/// Which part of the API there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Surface {
    /// Opsgenie's.
    Whole,
    /// Jira Service Management's integration events: create, acknowledge, close, notes, and what became of a request.
    Events,
}

/// One account, behind either vendor's name.
#[derive(Debug, Default)]
pub(crate) struct AlertApi(Mutex<Account>);

impl AlertApi {
    /// Answers a request to `path`, which begins with `/v2/`.
    pub(crate) fn answer(
        &self,
        path: &str,
        request: &Request,
        conditions: Conditions,
        surface: Surface,
    ) -> Reply {
        routes::answer(&mut self.0.lock(), path, request, conditions, surface)
    }

    pub(crate) fn page(&self, path: &str, title: &str) -> Option<Reply> {
        page::at(&self.0.lock(), path, title)
    }

    pub(crate) fn configure(&self, method: &Method, what: &str, body: &[u8]) -> Reply {
        knobs::configure(&mut self.0.lock(), method, what, body)
    }

    /// All alerts, oldest first.
    pub(crate) fn alerts(&self) -> Vec<Alert> {
        self.0.lock().alerts().cloned().collect()
    }
}

/// One simulated account.
#[derive(Debug, Default)]
pub struct Opsgenie(AlertApi);

impl Opsgenie {
    /// All alerts as they were when the last request was handled, oldest first.
    #[must_use]
    pub fn alerts(&self) -> Vec<Alert> {
        self.0.alerts()
    }
}

impl Vendor for Opsgenie {
    fn name(&self) -> &'static str {
        "opsgenie"
    }

    fn about(&self) -> &'static str {
        "alert API v2: alerts with their states, notes and logs; requests processed after 202"
    }

    fn handle(&self, request: &Arc<Request>, conditions: Conditions) -> Reply {
        self.0
            .answer(&request.path, request, conditions, Surface::Whole)
    }

    fn page(&self, path: &str) -> Option<Reply> {
        self.0.page(path, "Opsgenie")
    }

    fn configure(&self, method: &Method, what: &str, body: &[u8]) -> Reply {
        self.0.configure(method, what, body)
    }
}
