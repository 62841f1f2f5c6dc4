//! The body of our own format: `{type, timestamp, data: {alert, event, integration}}`. Published: fields are only ever
//! added (`docs` of the manifest).

use model::{AlertKind, Event, EventKind, Status};
use serde::Serialize;

use crate::kit::{AlertJson, EventJson, Names, Task};

/// The body.
#[derive(Serialize)]
pub struct Body<'a> {
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// When it happened.
    pub timestamp: String,
    /// Only in messages that a person sent to try the integration.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub test: bool,
    pub data: Data<'a>,
}

#[derive(Serialize)]
pub struct Data<'a> {
    /// The alert as it is when this is sent; `event.status` is what it was after the event.
    pub alert: AlertJson<'a>,
    /// The event; `null` only in a test without one.
    pub event: Option<EventJson<'a>>,
    /// The integration's name.
    pub integration: &'a str,
}

/// The body for one event of a task's alert.
pub fn body<'a>(task: &Task<'a>, event: Option<&'a Event>) -> Body<'a> {
    let names = Names {
        project: task.project,
        source: task.source,
        external_url: task.external_url,
    };
    let kind = match event {
        _ if task.alert.kind == AlertKind::Notification => "notification",
        Some(event) => word(event.kind),
        None => word(present(task.alert.status)),
    };
    Body {
        kind,
        timestamp: event.map_or(task.now, |e| e.at).to_string(),
        test: task.test,
        data: Data {
            alert: AlertJson::new(task.alert, names),
            event: event.map(EventJson::new),
            integration: task.integration,
        },
    }
}

/// The type word of an event. Several kinds share one; `event.kind` and `event.because` tell them apart.
pub fn word(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Tracked => "alert.tracked",
        EventKind::Opened => "alert.opened",
        EventKind::Updated | EventKind::SeverityChanged => "alert.updated",
        EventKind::Acknowledged => "alert.acknowledged",
        EventKind::Unacknowledged => "alert.unacknowledged",
        EventKind::Assigned => "alert.assigned",
        EventKind::Noted => "alert.noted",
        EventKind::Shelved => "alert.shelved",
        EventKind::Unshelved => "alert.unshelved",
        EventKind::Closed | EventKind::Cancelled | EventKind::Expired => "alert.closed",
        EventKind::Reopened => "alert.reopened",
        EventKind::Informed => "notification",
    }
}

/// The event that would have led to a status.
fn present(status: Status) -> EventKind {
    match status {
        Status::Tracking => EventKind::Tracked,
        Status::Open => EventKind::Opened,
        Status::Acknowledged => EventKind::Acknowledged,
        Status::Shelved => EventKind::Shelved,
        Status::Closed => EventKind::Closed,
    }
}
