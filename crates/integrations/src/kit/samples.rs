//! Alerts for tests of rendering.

use std::sync::Arc;

use http::{HeaderName, HeaderValue};
use model::{
    Actor, Alert, AlertId, AlertKind, CloseReason, Content, Event, EventKind, Handle,
    LifecycleModel, Link, ProjectId, Scope, Severity, SourceId, Status, Timestamp, Verb,
};
use serde_json::Value;
use wire::http::{HeaderText, HttpReply, HttpRequest, Sent, TransportError, TransportErrorKind};

use crate::kit::{Finish, Next, Reply, Sink, Step, Task};

/// 2025-11-20 10:58:01 UTC.
pub const START: Timestamp = Timestamp(1_763_636_281_000);
/// An hour and three minutes later.
pub const NOW: Timestamp = Timestamp(1_763_640_061_000);

/// An issue in this status.
pub fn alert(status: Status) -> Alert {
    let closed = status == Status::Closed;
    Alert {
        id: AlertId(0x0190_0000_0000_7000_8000_0000_0000_0001),
        project: ProjectId(2),
        source: SourceId(3),
        scope: Scope::Source(SourceId(3)),
        key: "0580fd5357801489".to_owned(),
        group_key: None,
        kind: AlertKind::Issue,
        status,
        closed_because: closed.then_some(CloseReason::Resolved),
        content: Arc::new(content()),
        opened_at: START,
        closed_at: closed.then_some(NOW),
        changed_at: NOW,
        seq: 3,
        version: 4,
        episode: 1,
        acked_until: (status == Status::Acknowledged).then_some(Timestamp(NOW.0 + 3_600_000)),
        shelved_until: (status == Status::Shelved).then_some(Timestamp(NOW.0 + 7_200_000)),
        tracking_until: None,
        assignee: Some("anna".to_owned()),
        ends_at: None,
        silence_after_ms: None,
        trailing_update_at: None,
        last_update_at: START,
        timer_at: None,
        live_until: None,
        last_seen: NOW,
        repeat_count: 63,
        model: LifecycleModel::Campanile,
        model_state: None,
        via: Vec::new(),
    }
}

/// A notification.
pub fn notification() -> Alert {
    let content = Content {
        severity: Severity::Warning,
        title: "Cluster volumes failed to provision".to_owned(),
        resource: "cluster-7".to_owned(),
        ..Content::default()
    };
    Alert {
        kind: AlertKind::Notification,
        closed_because: Some(CloseReason::Informed),
        content: Arc::new(Content {
            starts_at: START,
            ..content
        }),
        assignee: None,
        ..alert(Status::Closed)
    }
}

pub fn content() -> Content {
    Content {
        severity: Severity::Critical,
        resource: "db-1:9100".to_owned(),
        event: "DiskFull".to_owned(),
        title: "Disk /var on db-1 is 91 % full".to_owned(),
        text: "At this rate it is full in 3 hours.".to_owned(),
        value: Some("91 %".to_owned()),
        labels: [
            ("alertname", "DiskFull"),
            ("env", "prod"),
            ("severity", "critical"),
        ]
        .into_iter()
        .collect(),
        annotations: [
            ("cause", "Logs are not rotated."),
            ("remedy", "Remove data or enlarge the disk."),
        ]
        .into_iter()
        .collect(),
        links: vec![Link {
            href: "https://runbooks.example/disk?x=1&y=2".to_owned(),
            text: "Runbook".to_owned(),
        }],
        starts_at: START,
    }
}

/// Opened, acknowledged with a remark, and an event that fits the alert's status.
pub fn events(alert: &Alert) -> Vec<Event> {
    let event = |seq, at, kind, status| Event {
        alert: alert.id,
        seq,
        at,
        kind,
        status,
        content: None,
        by: None,
        note: None,
        assignee: None,
        until: None,
        because: None,
        origin: None,
    };
    let last = match alert.status {
        Status::Closed if alert.kind == AlertKind::Notification => EventKind::Informed,
        Status::Closed => EventKind::Closed,
        Status::Shelved => EventKind::Shelved,
        Status::Acknowledged => EventKind::Noted,
        Status::Open | Status::Tracking => EventKind::Updated,
    };
    vec![
        Event {
            content: Some(Arc::clone(&alert.content)),
            ..event(1, START, EventKind::Opened, Status::Open)
        },
        Event {
            by: Some(Actor {
                name: "anna".to_owned(),
                via: "slack".to_owned(),
            }),
            until: Some(Timestamp(NOW.0 + 3_600_000)),
            ..event(
                2,
                Timestamp(START.0 + 60_000),
                EventKind::Acknowledged,
                Status::Acknowledged,
            )
        },
        Event {
            by: Some(Actor {
                name: "bo".to_owned(),
                via: "api".to_owned(),
            }),
            note: (last == EventKind::Noted).then(|| "Looking at <db-1> now".to_owned()),
            because: alert.closed_because,
            ..event(3, NOW, last, alert.status)
        },
    ]
}

/// What a test says to a sink about an alert; override what matters.
pub struct Saying {
    pub alert: Alert,
    pub events: Vec<Event>,
    pub handle: Option<Handle>,
    pub test: bool,
}

impl Saying {
    pub fn of(alert: Alert) -> Saying {
        Saying {
            events: events(&alert),
            alert,
            handle: None,
            test: false,
        }
    }

    pub fn task(&self, verb: Verb) -> Task<'_> {
        Task {
            verb,
            alert: &self.alert,
            events: &self.events,
            handle: self.handle.as_ref(),
            idempotency_key: "msg_0190-1-3",
            integration: "oncall",
            project: "shop",
            source: "prometheus",
            external_url: "http://hub.example:8080",
            now: NOW,
            test: self.test,
        }
    }
}

/// The first request of a task.
pub fn request(sink: &dyn Sink, task: &Task<'_>) -> HttpRequest {
    let step = Step {
        number: 0,
        memo: &Value::Null,
        reply: None,
    };
    match sink.next(task, step) {
        Next::Request { request, .. } => *request,
        Next::Finish(finish) => panic!("no request but {finish:?}"),
    }
}

/// How a task ends after this reply to its first request.
pub fn finish(sink: &dyn Sink, task: &Task<'_>, reply: &Reply) -> Finish {
    let step = Step {
        number: 1,
        memo: &Value::Null,
        reply: Some(reply),
    };
    match sink.next(task, step) {
        Next::Finish(finish) => finish,
        Next::Request { .. } => panic!("another request"),
    }
}

/// A reply with a status and a body.
pub fn reply(status: u16, body: &str) -> Reply {
    reply_with(status, body, &[])
}

pub fn reply_with(status: u16, body: &str, headers: &[(&'static str, &str)]) -> Reply {
    let headers = headers.iter().map(|(name, value)| {
        (
            HeaderName::from_static(name),
            HeaderValue::from_str(value).expect("tests give good headers"),
        )
    });
    Ok(HttpReply {
        status,
        headers: headers.collect(),
        body: body.to_owned().into(),
        truncated: false,
    })
}

/// No reply.
pub fn broken(sent: Sent) -> Reply {
    Err(TransportError {
        kind: TransportErrorKind::Broken,
        what: "the connection to example.com was closed".to_owned(),
        sent,
    })
}

/// A request as it can stand in a snapshot: without secrets (I9).
pub fn shown(sink: &dyn Sink, request: &HttpRequest) -> Value {
    let headers: serde_json::Map<String, Value> = request
        .headers
        .iter()
        .map(|(name, value)| {
            let shown = match value {
                HeaderText::Plain(text) => text.as_ref(),
                HeaderText::Secret(_) => "[secret]",
            };
            (name.to_string(), Value::from(shown))
        })
        .collect();
    let secrets = sink.secrets();
    let url = secrets.iter().fold(request.url.clone(), |url, secret| {
        url.replace(secret.expose(), "[secret]")
    });
    serde_json::json!({
        "method": request.method.as_str(),
        "url": url,
        "headers": headers,
        "body": serde_json::from_slice::<Value>(&request.body).expect("bodies are JSON"),
    })
}

/// A header's value, secret or not.
pub fn header<'a>(request: &'a HttpRequest, name: &str) -> Option<&'a str> {
    let found = request
        .headers
        .iter()
        .find(|(n, _)| n.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.expose())
}
