//! Events of Events API v2. Texts from outside are values of JSON and nothing else; PagerDuty shows them as plain text.

use model::{Alert, AlertKind, EventKind, Severity, Status, Timestamp};
use serde_json::{Map, Value, json};
use wire::text::{clean, cut_chars, one_line};

use crate::kit::{Task, address, words};

/// "PD-CEF": longest summary in characters (Events API v2, read 2026-11).
const SUMMARY_CHARS_MAX: usize = 1024;
/// Source, component, group and class have no documented limit; more than a summary is no name.
const NAME_CHARS_MAX: usize = 1024;
/// A link's words.
const LINK_CHARS_MAX: usize = 255;
/// "Size limits": a whole event, in bytes. 512 KB is read as the smaller of its two meanings.
pub const EVENT_BYTES_MAX: usize = 512_000;

/// What stands at the head of every event.
pub struct Head<'a> {
    pub routing_key: &'a str,
    pub dedup_key: &'a str,
}

/// `trigger`: opens an alert, or adds an entry to the log of the one that is open under this key.
pub fn trigger(task: &Task<'_>, head: &Head<'_>) -> String {
    let alert = task.alert;
    let mut payload = json!({
        "summary": summary(task),
        "source": source(task),
        "severity": severity(alert.severity()),
        "custom_details": details(task),
    });
    if let Some(at) = shown_time(alert.content.starts_at) {
        payload["timestamp"] = Value::from(at);
    }
    let label = |names: &[&str]| {
        let labels = &alert.content.labels;
        names.iter().find_map(|name| labels.get(name))
    };
    let event = Some(alert.content.event.as_str());
    for (field, value) in [
        ("component", label(&["component", "service"])),
        ("group", label(&["group", "cluster"])),
        ("class", label(&["class"]).or(event)),
    ] {
        if let Some(name) = value.and_then(name) {
            payload[field] = Value::from(name);
        }
    }
    let mut event = json!({
        "routing_key": head.routing_key,
        "event_action": "trigger",
        "dedup_key": head.dedup_key,
        "payload": payload,
        "client": "Campanile",
        "links": links(task),
    });
    if let Some(url) = alert_url(task) {
        event["client_url"] = Value::from(url);
    }
    within(event)
}

/// `acknowledge` or `resolve`: nothing but the key is read of them.
pub fn action(word: &str, head: &Head<'_>) -> String {
    json!({
        "routing_key": head.routing_key,
        "event_action": word,
        "dedup_key": head.dedup_key,
    })
    .to_string()
}

/// A change event: it has no severity, no action and no key.
pub fn change(task: &Task<'_>, routing_key: &str) -> String {
    let mut payload = json!({
        "summary": summary(task),
        "source": source(task),
        "custom_details": details(task),
    });
    if let Some(at) = shown_time(task.alert.content.starts_at) {
        payload["timestamp"] = Value::from(at);
    }
    within(json!({
        "routing_key": routing_key,
        "payload": payload,
        "links": links(task),
    }))
}

/// The event as text. One that is too large keeps its summary and says how large its details were: a page without
/// details is better than none.
fn within(mut event: Value) -> String {
    let whole = event.to_string();
    if whole.len() <= EVENT_BYTES_MAX {
        return whole;
    }
    event["payload"]["custom_details"] = json!({
        "note": format!(
            "The details were left out: with them this event has {} bytes, and PagerDuty takes {EVENT_BYTES_MAX}.",
            whole.len()
        ),
    });
    event.to_string()
}

/// Wire facts §13. A minor problem is one that PagerDuty calls a warning.
pub fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::Major => "error",
        Severity::Minor | Severity::Warning => "warning",
        Severity::Info => "info",
    }
}

fn summary(task: &Task<'_>) -> String {
    let test = if task.test { "Test: " } else { "" };
    let title = words::title(task.alert);
    cut_chars(&format!("{test}{title}"), SUMMARY_CHARS_MAX).into_owned()
}

/// What has the problem; it may not be empty.
fn source(task: &Task<'_>) -> String {
    let named = [task.alert.content.resource.as_str(), task.source];
    let first = named.into_iter().find_map(name);
    first.unwrap_or_else(|| "Campanile".to_owned())
}

fn name(text: &str) -> Option<String> {
    let text = one_line(text);
    (!text.is_empty()).then(|| cut_chars(&text, NAME_CHARS_MAX).into_owned())
}

/// Times that no clock shows would have the event refused.
fn shown_time(at: Timestamp) -> Option<String> {
    (at.0 > 0 && at < Timestamp::NEVER).then(|| at.to_string())
}

fn alert_url(task: &Task<'_>) -> Option<String> {
    address::link(&words::alert_url(task.external_url, task.alert))
}

/// The alert's page, then the sender's links.
fn links(task: &Task<'_>) -> Vec<Value> {
    let own = alert_url(task).map(|href| json!({ "href": href, "text": "Alert in Campanile" }));
    let theirs = task.alert.content.links.iter().filter_map(|link| {
        let href = address::link(&link.href)?;
        let text = one_line(&link.text);
        Some(match text.is_empty() {
            true => json!({ "href": href }),
            false => json!({ "href": href, "text": cut_chars(&text, LINK_CHARS_MAX) }),
        })
    });
    own.into_iter().chain(theirs).collect()
}

/// What stands in an incident's details. Event rules can use it: `custom_details.labels.env`.
fn details(task: &Task<'_>) -> Value {
    let alert = task.alert;
    let content = &alert.content;
    let mut details = Map::new();
    let mut add = |name: &str, value: &str| {
        let value = clean(value);
        if !value.trim().is_empty() {
            details.insert(name.to_owned(), Value::from(value.trim()));
        }
    };
    add("text", &content.text);
    for (heading, text) in words::advice(content) {
        add(&heading.to_lowercase().replace(' ', "_"), text);
    }
    add("value", content.value.as_deref().unwrap_or_default());
    if alert.kind == AlertKind::Issue {
        add("status", words::state(alert, told_status(alert)));
        add("assigned_to", alert.assignee.as_deref().unwrap_or_default());
    }
    add("severity", alert.severity().as_str());
    add("resource", &content.resource);
    add("event", &content.event);
    add("source", task.source);
    add("project", task.project);
    add("integration", task.integration);
    let labels: Map<String, Value> = content
        .labels
        .iter()
        .map(|(name, value)| (one_line(name), Value::from(clean(value).into_owned())))
        .collect();
    if !labels.is_empty() {
        details.insert("labels".to_owned(), Value::Object(labels));
    }
    Value::Object(details)
}

/// A trigger that leaves after the alert closed says how it was opened; the resolve follows.
fn told_status(alert: &Alert) -> Status {
    match alert.status {
        Status::Closed => Status::Open,
        status => status,
    }
}

/// What a note says, and who says it: a person's words, or what a person did.
pub fn note(task: &Task<'_>, event: Option<&model::Event>) -> String {
    let Some(event) = event else {
        return "(an empty note)".to_owned();
    };
    let by = event.by.as_ref().map(|by| one_line(&by.name));
    let by = by.filter(|by| !by.is_empty());
    let remark = event.note.as_deref().map(clean);
    let remark = remark.as_deref().map(str::trim).unwrap_or_default();
    let what = match event.kind {
        EventKind::Noted if remark.is_empty() => "(an empty note)".to_owned(),
        EventKind::Noted => remark.to_owned(),
        EventKind::Assigned => match &event.assignee {
            Some(name) => format!("Assigned to {}. {remark}", one_line(name)),
            None => format!("Assigned to nobody. {remark}"),
        },
        kind => format!("{kind} in {}. {remark}", task.project),
    };
    match by {
        Some(by) => format!("{by}: {}", what.trim()),
        None => what.trim().to_owned(),
    }
}
