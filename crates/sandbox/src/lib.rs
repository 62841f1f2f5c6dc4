//! Simulated vendors, for demonstrations and tests without accounts.
//!
//! Each vendor lives under a path of its own (`/slack`, `/webhook` …) and behaves as its documents say, also
//! where that is inconvenient: errors inside 200, rate limits, edits that are refused. Written from the vendors'
//! documents and not from Campanile's own sinks, so that it can disagree with them.
//!
//! Everything a request did is on the record ([`Recorded`]); faults can be set ([`Fault`]); requests that break a
//! vendor's rules are listed ([`Violation`]). It is a test tool: it keeps secrets as received and trusts whoever
//! reaches it, so it should listen on loopback only.

pub mod datadog;
mod delay;
pub mod dingtalk;
pub mod discord;
mod exchange;
mod faults;
pub mod flowdock;
mod front;
pub mod hipchat;
pub mod jsm;
mod kept;
pub mod limits;
pub mod newrelic;
pub mod ntfy;
pub mod opsgenie;
mod own;
mod pace;
mod page;
pub mod pagerduty;
mod posts;
mod record;
mod registry;
pub mod sendgrid;
pub mod slack;
pub mod teams;
pub mod telegram;
mod vendor;
pub mod victorops;
mod violations;
pub mod webhook;

pub use exchange::{Recorded, Reply, Request};
pub use faults::{Cut, Fault, SetFault};
pub use posts::Post;
pub use record::RecordError;
pub use vendor::{Conditions, Vendor};
pub use violations::Violation;

use axum::serve::ListenerExt;
use kept::Kept;
use parking_lot::Mutex;
use std::any::Any;
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;

/// Milliseconds since the epoch, from wherever the caller has them.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// How a sandbox behaves.
#[derive(Clone)]
pub struct SandboxOptions {
    /// The file to which each request is appended as a JSON line.
    pub record: Option<PathBuf>,
    /// Whether the vendors' rate limits apply.
    pub limits: bool,
    /// The time that rate limits, message timestamps and the record use.
    pub clock: Clock,
    /// Requests kept in memory for `GET /_requests`, and deliveries for `/webhook` (besides limits in bytes).
    pub keep: usize,
}

impl SandboxOptions {
    /// With rate limits and without a record file.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self {
            record: None,
            limits: true,
            clock,
            keep: limits::KEPT_REQUESTS,
        }
    }
}

/// Which of the kept requests are wanted.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestFilter {
    pub vendor: Option<String>,
    /// A prefix of the vendor's own path.
    pub path: Option<String>,
    /// Those that arrived at this time or later, milliseconds since the epoch.
    pub since: Option<i64>,
    /// The newest so many.
    pub limit: Option<usize>,
}

impl RequestFilter {
    fn wants(&self, request: &Request) -> bool {
        self.vendor
            .as_ref()
            .is_none_or(|vendor| vendor == request.vendor)
            && self
                .path
                .as_ref()
                .is_none_or(|path| request.path.starts_with(path.as_str()))
            && self.since.is_none_or(|since| request.at >= since)
    }
}

/// A handle on a running sandbox; clones share everything.
#[derive(Clone)]
pub struct Sandbox(Arc<Inner>);

struct Inner {
    vendors: Vec<Box<dyn Vendor>>,
    clock: Clock,
    limits: bool,
    record: Option<record::Record>,
    requests: Mutex<Kept<Recorded>>,
    violations: Mutex<Kept<Violation>>,
    faults: Mutex<faults::Faults>,
    delays: Arc<tokio::sync::Semaphore>,
}

impl Sandbox {
    /// Makes a sandbox with every vendor empty.
    ///
    /// # Errors
    /// The record file cannot be opened.
    pub fn new(options: SandboxOptions) -> Result<Self, RecordError> {
        let record = options
            .record
            .as_deref()
            .map(record::Record::open)
            .transpose()?;
        Ok(Self(Arc::new(Inner {
            vendors: registry::all(options.keep),
            clock: options.clock,
            limits: options.limits,
            record,
            requests: Mutex::new(Kept::new(options.keep, limits::KEPT_REQUEST_BYTES)),
            violations: Mutex::new(violations::kept()),
            faults: Mutex::default(),
            delays: Arc::new(tokio::sync::Semaphore::new(limits::DELAYED_AT_ONCE)),
        })))
    }

    /// Everything the sandbox serves.
    pub fn router(&self) -> axum::Router {
        front::router(self.clone())
    }

    /// Serves connections until `shutdown` resolves; returns when the record is written.
    pub async fn serve(
        self,
        listener: tokio::net::TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) {
        // Without this, small answers on kept connections may wait for the client's acknowledgement.
        let listener = listener.tap_io(|stream| {
            let _ = stream.set_nodelay(true);
        });
        // `axum::serve` never ends with an error: it logs failed accepts and goes on.
        let _ = axum::serve(listener, self.router())
            .with_graceful_shutdown(shutdown)
            .await;
        self.flush().await;
    }

    /// Returns when every request answered before is in the record file.
    pub async fn flush(&self) {
        if let Some(record) = &self.0.record {
            record.flush().await;
        }
    }

    /// A simulated vendor's state, by its type, e.g. `sandbox.vendor::<sandbox::slack::Slack>()`.
    #[must_use]
    pub fn vendor<V: Vendor>(&self) -> Option<&V> {
        self.0.vendors.iter().find_map(|vendor| {
            let any: &dyn Any = &**vendor;
            any.downcast_ref()
        })
    }

    /// The kept requests that match, oldest first.
    #[must_use]
    pub fn requests(&self, filter: &RequestFilter) -> Vec<Recorded> {
        let kept = self.0.requests.lock();
        let newest = kept
            .iter()
            .rev()
            .filter(|recorded| filter.wants(&recorded.request));
        let mut found: Vec<_> = newest
            .take(filter.limit.unwrap_or(usize::MAX))
            .cloned()
            .collect();
        found.reverse();
        found
    }

    /// How many requests came, and how many of them are no longer kept.
    #[must_use]
    pub fn request_counts(&self) -> (u64, u64) {
        let kept = self.0.requests.lock();
        (kept.total(), kept.dropped())
    }

    /// Forgets the kept requests (not the record file).
    pub fn clear_requests(&self) {
        self.0.requests.lock().clear();
    }

    /// The vendors' rules that requests broke, oldest first (the newest 1,000).
    #[must_use]
    pub fn violations(&self) -> Vec<Violation> {
        self.0.violations.lock().iter().cloned().collect()
    }

    /// How many rules were broken in all.
    #[must_use]
    pub fn violation_count(&self) -> u64 {
        self.0.violations.lock().total()
    }

    /// Forgets the violations.
    pub fn clear_violations(&self) {
        self.0.violations.lock().clear();
    }

    /// Sets a fault and returns its number.
    ///
    /// # Errors
    /// What is wrong with the fault, in words.
    pub fn add_fault(&self, fault: Fault) -> Result<u64, String> {
        let names: Vec<_> = self.0.vendors.iter().map(|vendor| vendor.name()).collect();
        self.0.faults.lock().add(fault, &names)
    }

    /// The faults that are set.
    #[must_use]
    pub fn faults(&self) -> Vec<SetFault> {
        self.0.faults.lock().list().to_vec()
    }

    /// Removes the fault of that number, or all.
    pub fn remove_faults(&self, id: Option<u64>) {
        self.0.faults.lock().remove(id);
    }

    /// Keeps, records and counts what a request did.
    async fn note(&self, recorded: Recorded, problems: &[String]) {
        if !problems.is_empty() {
            let mut violations = self.0.violations.lock();
            for problem in problems {
                violations.push(Violation::new(&recorded.request, problem), 0);
            }
        }
        let weight = recorded.request.weight() + recorded.reply.len();
        let gone = self.0.requests.lock().push(recorded.clone(), weight);
        drop(gone);
        if let Some(record) = &self.0.record {
            record.write(recorded).await;
        }
    }
}
