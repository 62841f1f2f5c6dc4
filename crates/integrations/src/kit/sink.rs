//! Ways out. A sink turns a task into requests and judges the replies; it never sends anything itself.

use std::sync::Arc;

use model::{Alert, Capabilities, DurationMs, Event, Handle, Outcome, Timestamp, Verb};
use serde_json::Value;
use wire::http::{HttpReply, HttpRequest, TransportError};

use crate::kit::{SettingsError, SettingsMap, SinkManifest};

/// A kind of way out: its description, and how one is made from settings.
pub trait SinkKind: Send + Sync {
    fn manifest(&self) -> &'static SinkManifest;
    /// A sink with these settings; every problem with them at once.
    fn build(&self, settings: &SettingsMap) -> Result<Arc<dyn Sink>, Vec<SettingsError>>;
    /// Valid settings against the sandbox at `base_url` (its own address, without the vendor's path), for
    /// conformance tests and examples.
    fn example(&self, base_url: &str) -> SettingsMap;
    /// How the vendor answers with an error of the manifest: status and body. Without a form of its own, an error's code is
    /// a status.
    ///
    /// # Panics
    /// If the vendor has errors that are no statuses and says nothing of how they look.
    fn example_error(&self, code: &str) -> (u16, String) {
        let status = code.parse().expect("an error's code is a status");
        (status, String::new())
    }
}

/// A configured way out. Pure and restartable: everything it needs to go on is in the step's memo and reply.
pub trait Sink: Send + Sync {
    /// The next request of this task, or how it ended.
    fn next(&self, task: &Task<'_>, step: Step<'_>) -> Next;
    /// A harmless request that tells whether credential and target are well; `None`: the vendor has none.
    fn probe(&self, step: Step<'_>) -> Option<Next>;
    /// What the vendor can do with these settings: the manifest's, if it depends on none.
    fn can(&self, manifest: &'static SinkManifest) -> Capabilities {
        manifest.can
    }
    /// The vendor's buckets that this task draws from (manifest limits). Bucket names hold no secret.
    fn paces(&self, task: &Task<'_>) -> Vec<Pace>;
    /// Where it goes, for people: `#ops`. No secret.
    fn target(&self) -> String;
    /// The values that must not be seen in what is kept of replies (I9).
    fn secrets(&self) -> Vec<&model::Secret>;
}

/// What is to be said.
pub struct Task<'a> {
    pub verb: Verb,
    /// The alert as it is now.
    pub alert: &'a Alert,
    /// The events that this task deals with, oldest first; for `Event` and `Note` the one meant is the last.
    pub events: &'a [Event],
    /// For `CloseExtra`: the extra handle; otherwise the lane's.
    pub handle: Option<&'a Handle>,
    /// The same for every retry of the same task, and for no other.
    pub idempotency_key: &'a str,
    pub integration: &'a str,
    pub project: &'a str,
    /// The name of the alert's source.
    pub source: &'a str,
    /// The hub's own address as people reach it, without a slash at its end.
    pub external_url: &'a str,
    pub now: Timestamp,
    /// It comes from a person's "test integration".
    pub test: bool,
}

/// Where a task stands: 0 before its first request.
#[derive(Clone, Copy)]
pub struct Step<'a> {
    pub number: u32,
    /// What the sink left with its last request; null at first.
    pub memo: &'a Value,
    /// The reply to the last request; `None` at first.
    pub reply: Option<&'a Reply>,
}

/// What came back.
pub type Reply = Result<HttpReply, TransportError>;

/// The longest that a request waits: a lease has room for it.
pub const AFTER_MAX: DurationMs = DurationMs::from_secs(2);

/// What a sink wants next.
pub enum Next {
    Request {
        request: Box<HttpRequest>,
        memo: Value,
        /// How long to wait before it is sent, at most [`AFTER_MAX`]: for vendors that have the answer to a question a
        /// moment later. Zero for all others. The send keeps its slot meanwhile.
        after: DurationMs,
    },
    Finish(Finish),
}

impl Next {
    /// A request that can be judged by its reply alone.
    pub fn request(request: HttpRequest) -> Next {
        Next::request_with(request, Value::Null)
    }

    /// A request with what the sink needs to know when its reply comes.
    pub fn request_with(request: HttpRequest, memo: Value) -> Next {
        Next::Request {
            request: Box::new(request),
            memo,
            after: DurationMs::ZERO,
        }
    }
}

/// How a task ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Finish {
    pub outcome: Outcome,
    /// The vendor's object, where the reply named one.
    pub handle: Option<Handle>,
    pub status: Option<u16>,
    /// For people: the vendor's words, or the manifest's sentence for its error.
    pub excerpt: String,
}

/// One of the vendor's rate limits: at most `burst` at once, one more each `every`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pace {
    pub bucket: String,
    pub every: DurationMs,
    pub burst: u32,
}
