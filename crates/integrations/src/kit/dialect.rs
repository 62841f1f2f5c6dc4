//! Ways in. A dialect reads one vendor's bytes into signals and shapes the answer that its clients expect.

use model::{
    Alert, AlertId, DurationMs, Labels, Matcher, Signal, Silence, SilenceId, TimeInterval,
    Timestamp,
};
use serde_json::Value;

use crate::kit::{Batch, DialectManifest, SettingsError, SettingsMap};

/// A vendor's way of saying things to us. Pure.
pub trait Dialect: Send + Sync {
    fn manifest(&self) -> &'static DialectManifest;
    /// What the source decides about its alerts, from its settings; every problem with them at once.
    fn settings(&self, settings: &SettingsMap) -> Result<SourceSettings, Vec<SettingsError>>;
    /// Verifies and decodes one request.
    fn accept(&self, inbound: &Inbound<'_>, settings: &SourceSettings) -> Accepted;
    /// The answer once every signal's fate is known, in the order in which they were given. Rejected ones of the
    /// same request come with it.
    fn answer(
        &self,
        inbound: &Inbound<'_>,
        outcomes: &[SignalOutcome],
        rejections: &[Rejection],
    ) -> Answer;
    /// The answer to a read.
    fn render(&self, _want: &ReadWant, _data: &ReadData<'_>) -> Answer {
        Answer::text(404, "there is nothing to read here")
    }
    /// The answer to a command about a silence.
    fn silenced(&self, _command: &SilenceCommand, _outcome: &SilenceOutcome) -> Answer {
        Answer::text(404, "there are no silences here")
    }
    /// No such key, or none given.
    fn unauthorized(&self) -> Answer;
    /// The hub cannot take it now: whatever makes this vendor's clients try again.
    fn busy(&self, retry_after: DurationMs) -> Answer;
    /// A body over the limit.
    fn too_large(&self, limit_bytes: usize) -> Answer;
}

/// One request as it came.
pub struct Inbound<'a> {
    pub method: &'a http::Method,
    /// Below the mount: `/api/v2/alerts`; `/` where the mount is the whole path.
    pub path: &'a str,
    pub query: &'a str,
    pub headers: &'a http::HeaderMap,
    pub body: &'a [u8],
    pub received_at: Timestamp,
    pub source: &'a str,
}

/// What a request turned out to be.
pub enum Accepted {
    /// Statements; a part of the batch may be bad, the rest is kept.
    Signals {
        signals: Vec<Signal>,
        rejections: Vec<Rejection>,
    },
    /// Statements that are decoded only as far as they are new.
    Batch(Box<dyn Batch>),
    /// A question.
    Read(ReadWant),
    /// Something about a silence of the source's project.
    Silence(SilenceCommand),
    /// Nothing of it can be used; the sender hears why.
    Refused(Answer),
}

impl Accepted {
    /// The same with a [`Accepted::Batch`] decoded in whole.
    pub fn decoded(self) -> Accepted {
        let Accepted::Batch(batch) = self else {
            return self;
        };
        let all: Vec<usize> = (0..batch.len()).collect();
        match batch.decode(&all) {
            Err(answer) => Accepted::Refused(answer),
            Ok(decoded) => {
                let mut signals = Vec::with_capacity(decoded.len());
                let mut rejections = Vec::new();
                for one in decoded {
                    match one {
                        Ok(signal) => signals.push(signal),
                        Err(rejection) => rejections.push(rejection),
                    }
                }
                Accepted::Signals {
                    signals,
                    rejections,
                }
            }
        }
    }
}

/// One entry of a batch that cannot be taken, and why. Shown to the sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Its place in the batch, from 0.
    pub index: usize,
    pub problem: String,
}

/// What a dialect's clients may ask.
#[derive(Clone, Debug, PartialEq)]
pub enum ReadWant {
    Alertmanager(AlertmanagerRead),
}

/// The readable half of Alertmanager's API v2. Matchers are as they stood in the query, already checked.
#[derive(Clone, Debug, PartialEq)]
pub enum AlertmanagerRead {
    Status,
    Receivers,
    Alerts(AlertmanagerFilter),
    Groups(AlertmanagerFilter),
    Silences { filters: Vec<String> },
    Silence(SilenceId),
}

/// Which alerts, or groups of them, are wanted.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertmanagerFilter {
    pub filters: Vec<String>,
    /// A regular expression over receivers' names.
    pub receiver: Option<String>,
    pub active: bool,
    pub silenced: bool,
    pub inhibited: bool,
    pub unprocessed: bool,
    /// Groups only: those whose alerts are all muted.
    pub muted: bool,
}

/// What a sender wants done about silences.
#[derive(Clone, Debug, PartialEq)]
pub enum SilenceCommand {
    /// Makes a silence, or changes the one with this id; if what cannot be changed differs, the old one is ended and
    /// a new one made.
    Put {
        id: Option<SilenceId>,
        draft: SilenceDraft,
    },
    /// Ends a silence now.
    Expire(SilenceId),
}

/// A silence as somebody wants it.
#[derive(Clone, Debug, PartialEq)]
pub struct SilenceDraft {
    pub matchers: Vec<Matcher>,
    pub starts_at: Timestamp,
    pub ends_at: Timestamp,
    pub windows: Vec<TimeInterval>,
    pub created_by: String,
    pub comment: String,
    pub annotations: Labels,
}

/// What became of a [`SilenceCommand`].
#[derive(Clone, Debug, PartialEq)]
pub enum SilenceOutcome {
    /// The silence as it is now; its id is a new one if another was made.
    Done(SilenceId),
    NotFound,
    /// The sender's fault, in words.
    Refused(String),
    /// Ended already.
    AlreadyExpired,
}

/// What the hub knows, for [`Dialect::render`].
pub struct ReadData<'a> {
    /// Live alerts of the source, newest first.
    pub alerts: &'a [ReadAlert],
    /// The project's integrations that are not deleted, in the configuration's order.
    pub integrations: &'a [ReadIntegration],
    /// The project's silences.
    pub silences: &'a [Silence],
    pub version: &'a str,
    pub started_at: Timestamp,
    /// A name for this node.
    pub node: &'a str,
    pub now: Timestamp,
}

/// An alert as [`Dialect::render`] sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadAlert {
    pub alert: Alert,
    /// Of its last repeat.
    pub ends_at: Option<Timestamp>,
    pub last_seen: Timestamp,
    /// Active silences that match it.
    pub silenced_by: Vec<SilenceId>,
    /// Keys of the alerts that inhibit it.
    pub inhibited_by: Vec<String>,
    /// The integrations that take it: indexes into [`ReadData::integrations`].
    pub integrations: Vec<usize>,
}

/// An integration as [`Dialect::render`] sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadIntegration {
    /// The receiver's name; several may share one.
    pub receiver: String,
    pub matchers: Vec<Matcher>,
    pub except: Vec<Vec<Matcher>>,
    pub enabled: bool,
    /// Labels that make a group; `None`: each alert for itself.
    pub group_by: Option<Vec<String>>,
    pub group_wait: DurationMs,
    pub group_interval: DurationMs,
}

/// What became of a signal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignalOutcome {
    /// It opened this alert.
    Opened(AlertId),
    /// It changed this alert.
    Changed(AlertId),
    /// It repeated what was known.
    Repeated(AlertId),
    /// It changed nothing, for this reason.
    Ignored(String),
    /// It was not taken, for this reason; the sender is at fault.
    Refused(String),
}

/// What the sender hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub content_type: Option<&'static str>,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn empty(status: u16) -> Answer {
        Answer {
            status,
            content_type: None,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    pub fn text(status: u16, text: impl Into<String>) -> Answer {
        Answer {
            status,
            content_type: Some("text/plain; charset=utf-8"),
            headers: Vec::new(),
            body: text.into().into_bytes(),
        }
    }

    pub fn json(status: u16, value: &Value) -> Answer {
        Answer {
            status,
            content_type: Some("application/json"),
            headers: Vec::new(),
            body: value.to_string().into_bytes(),
        }
    }

    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Answer {
        self.headers.push((name, value.into()));
        self
    }
}

/// A source's settings, parsed.
pub struct SourceSettings {
    pub defaults: SourceDefaults,
    /// The dialect's own, parsed by it.
    pub own: Box<dyn std::any::Any + Send + Sync>,
}

/// What a source decides about its alerts; becomes `lifecycle::SourcePolicy`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceDefaults {
    pub reopen_window: DurationMs,
    pub reopen_begun_before: bool,
    pub live_after_close: DurationMs,
    pub update_interval: DurationMs,
    pub tracking_delay: DurationMs,
}

impl Default for SourceDefaults {
    /// No reopening; a repeated resolve is recognised for a quarter of an hour; `updated` at most once a minute.
    fn default() -> SourceDefaults {
        SourceDefaults {
            reopen_window: DurationMs::ZERO,
            reopen_begun_before: false,
            live_after_close: DurationMs::from_mins(15),
            update_interval: DurationMs::from_mins(1),
            tracking_delay: DurationMs::ZERO,
        }
    }
}
