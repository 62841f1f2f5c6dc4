//! The thing itself: one alert is one episode of one problem.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{AlertId, Labels, Link, ProjectId, Scope, Severity, Signal, SourceId, Timestamp};

/// An alert as its log has made it. Changed only by `lifecycle::step`; equal to its folded log
/// (but for `version`, `seen` counts and what trimmed events would have said).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    pub id: AlertId,
    pub project: ProjectId,
    /// The source of the signal that opened this episode.
    pub source: SourceId,
    pub scope: Scope,
    pub key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_key: Option<String>,
    pub kind: AlertKind,
    pub status: Status,
    /// Why it is closed; `None` while it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_because: Option<CloseReason>,
    /// What it says now. Shared, because events carry the same content.
    pub content: Arc<Content>,
    /// When this episode's first event was written.
    pub opened_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<Timestamp>,
    /// When the newest event was written.
    pub changed_at: Timestamp,
    /// Number of the newest event; events count from 1 without gaps (but for trimmed `updated` ones).
    pub seq: u32,
    /// Counts every write of this row; two writers that saw the same version cannot both win.
    pub version: u32,
    /// 1 for the first episode, one more each time it was reopened.
    pub episode: u32,
    /// When an acknowledgement ends by itself. While shelved: that of the acknowledgement it comes back to, with
    /// [`Timestamp::NEVER`] for one without an end (`None` there: it comes back as open).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acked_until: Option<Timestamp>,
    /// When a shelved alert comes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shelved_until: Option<Timestamp>,
    /// Until when `tracking` waits before the alert opens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracking_until: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignee: Option<String>,
    /// Until when the sender vouches for it; beyond that its silence resolves it (I13). Repeats move it
    /// in the `seen` row only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<Timestamp>,
    /// How long the newest signal vouched for: `ends_at` minus the time it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silence_after_ms: Option<i64>,
    /// When a value that came within `update_interval` of the last `updated` event is written as one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trailing_update_at: Option<Timestamp>,
    /// When the last event that carries content was written.
    pub last_update_at: Timestamp,
    /// The next time at which `step` has something to do by itself: the earliest of the above. Indexed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timer_at: Option<Timestamp>,
    /// After closing: until when a signal of this key still belongs to this episode. `None` while it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live_until: Option<Timestamp>,
    /// The last signal's time and how many came; the `seen` table runs ahead of these by up to a second (I1).
    pub last_seen: Timestamp,
    pub repeat_count: u64,
    pub model: LifecycleModel,
    /// The native state of another model (Alerta's status, severity, previous ones), as that model keeps it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_state: Option<serde_json::Value>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub via: Vec<String>,
}

impl Alert {
    pub fn is_closed(&self) -> bool {
        self.status == Status::Closed
    }

    pub fn severity(&self) -> Severity {
        self.content.severity
    }
}

/// What an alert says: what its newest signal said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    pub severity: Severity,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub resource: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub event: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub annotations: Labels,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
    /// When the problem began, by the sender's word or by ours.
    pub starts_at: Timestamp,
}

impl Content {
    /// The content that `signal` gives, filled up from what was there before: a sender that leaves a field
    /// out keeps the old one for severity and start; everything else is what it says now.
    pub fn from_signal(signal: Signal, before: Option<&Content>, now: Timestamp) -> Content {
        Content {
            severity: signal
                .severity
                .or(before.map(|b| b.severity))
                .unwrap_or_default(),
            resource: signal.resource,
            event: signal.event,
            title: signal.title,
            text: signal.text,
            value: signal.value,
            labels: signal.labels,
            annotations: signal.annotations,
            links: signal.links,
            starts_at: signal
                .starts_at
                .or(before.map(|b| b.starts_at))
                .unwrap_or(now),
        }
    }
}

/// An issue has a lifecycle; a notification is a point in time and is closed at birth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AlertKind {
    Issue,
    Notification,
}

/// Where an alert is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// A condition's delay is running; nobody is told.
    Tracking,
    Open,
    Acknowledged,
    Shelved,
    Closed,
}

impl Status {
    pub const ALL: [Status; 5] = [
        Status::Tracking,
        Status::Open,
        Status::Acknowledged,
        Status::Shelved,
        Status::Closed,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Status::Tracking => "tracking",
            Status::Open => "open",
            Status::Acknowledged => "acknowledged",
            Status::Shelved => "shelved",
            Status::Closed => "closed",
        }
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// Why an alert is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CloseReason {
    /// The sender said that it is over.
    Resolved,
    /// A person closed it.
    ByHand,
    /// It became meaningless.
    Cancelled,
    /// Its sender stopped vouching for it while we listened.
    Expired,
    /// A notification, closed at birth.
    Informed,
}

/// Whose rules `step` follows for this alert.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LifecycleModel {
    #[default]
    Campanile,
    /// Alerta's own state machine.
    Alerta,
    /// A group of alerts, told as one.
    Group,
}
