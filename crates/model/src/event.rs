//! One numbered row of an alert's log.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Actor, AlertId, CloseReason, Content, Origin, Status, Timestamp};

/// What happened, as one row. Folding an alert's events in order gives the alert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    pub alert: AlertId,
    /// 1 for the alert's first event.
    pub seq: u32,
    pub at: Timestamp,
    pub kind: EventKind,
    /// The status after it.
    pub status: Status,
    /// The alert's whole content: with every event that begins something or is about content, and with a closing one
    /// if no event said it yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Arc<Content>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Actor>,
    /// The remark: of a `noted` event the note itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// `assigned`: to whom (`None`: to nobody).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignee: Option<String>,
    /// `acknowledged`, `shelved`, `tracked`: until when, if it ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Closing events: why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<CloseReason>,
    /// The external object that this came from: its lane is not told again (I8).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

/// The kinds of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// The condition holds, its delay runs; nobody is told (`tracking`).
    Tracked,
    Opened,
    Updated,
    SeverityChanged,
    Acknowledged,
    Unacknowledged,
    Assigned,
    Noted,
    Shelved,
    Unshelved,
    Closed,
    Cancelled,
    Expired,
    Reopened,
    Informed,
}

impl EventKind {
    pub const ALL: [EventKind; 15] = [
        EventKind::Tracked,
        EventKind::Opened,
        EventKind::Updated,
        EventKind::SeverityChanged,
        EventKind::Acknowledged,
        EventKind::Unacknowledged,
        EventKind::Assigned,
        EventKind::Noted,
        EventKind::Shelved,
        EventKind::Unshelved,
        EventKind::Closed,
        EventKind::Cancelled,
        EventKind::Expired,
        EventKind::Reopened,
        EventKind::Informed,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            EventKind::Tracked => "tracked",
            EventKind::Opened => "opened",
            EventKind::Updated => "updated",
            EventKind::SeverityChanged => "severity_changed",
            EventKind::Acknowledged => "acknowledged",
            EventKind::Unacknowledged => "unacknowledged",
            EventKind::Assigned => "assigned",
            EventKind::Noted => "noted",
            EventKind::Shelved => "shelved",
            EventKind::Unshelved => "unshelved",
            EventKind::Closed => "closed",
            EventKind::Cancelled => "cancelled",
            EventKind::Expired => "expired",
            EventKind::Reopened => "reopened",
            EventKind::Informed => "informed",
        }
    }

    /// `closed`, `cancelled`, `expired`: the episode is over.
    pub fn is_closing(self) -> bool {
        matches!(
            self,
            EventKind::Closed | EventKind::Cancelled | EventKind::Expired
        )
    }

    /// `opened`, `reopened`, `informed`: an episode begins.
    pub fn is_opening(self) -> bool {
        matches!(
            self,
            EventKind::Opened | EventKind::Reopened | EventKind::Informed
        )
    }

    /// `updated`, `severity_changed`: the content changed, the state did not.
    pub fn is_update(self) -> bool {
        matches!(self, EventKind::Updated | EventKind::SeverityChanged)
    }

    /// `noted`, `assigned`: keeps its own place in the order of what a lane tells.
    pub fn is_note(self) -> bool {
        matches!(self, EventKind::Noted | EventKind::Assigned)
    }
}

impl std::fmt::Display for EventKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}
