//! Messages of VictorOps' REST endpoint. Texts from outside are values of JSON and nothing else; names of custom fields
//! are ours, or labels' under a prefix of ours, so that no label can stand for one of the endpoint's fields.

use model::{Alert, AlertKind, Event, EventKind, Severity, Status, Timestamp};
use serde_json::{Map, Value};
use wire::text::{clean, cut_chars, one_line};

use crate::kit::{Task, address, words};

/// "REST endpoint integration guide", read 2026-11: `entity_id`, in characters.
pub const ENTITY_ID_CHARS_MAX: usize = 512;
/// `state_message`.
const STATE_MESSAGE_CHARS_MAX: usize = 20_480;
/// Every other field.
const FIELD_CHARS_MAX: usize = 1024;
/// An annotation.
const ANNOTATION_CHARS_MAX: usize = 1124;
/// The title of an annotation, which is part of a field's name.
const ANNOTATION_TITLE_CHARS_MAX: usize = 100;
/// Links that are annotated.
const LINKS_MAX: usize = 10;

/// What a message says about its entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `CRITICAL`, `WARNING` or `INFO`, by the severity.
    Problem,
    Acknowledgement,
    Recovery,
    /// `INFO`: an entry of the timeline, which opens nothing.
    Entry,
}

/// The message for a task.
pub fn message(task: &Task<'_>, kind: Kind, entity_id: &str, event: Option<&Event>) -> Value {
    let alert = task.alert;
    let content = &alert.content;
    let mut fields = Map::new();
    let mut add = |name: &str, value: &str, max: usize| {
        let value = clean(value);
        let value = value.trim();
        if !value.is_empty() {
            fields.insert(name.to_owned(), Value::from(cut_chars(value, max)));
        }
    };
    add("message_type", message_type(kind, alert), FIELD_CHARS_MAX);
    add("entity_id", entity_id, ENTITY_ID_CHARS_MAX);
    add("entity_display_name", &display_name(task), FIELD_CHARS_MAX);
    add(
        "state_message",
        &state_message(task, kind, event),
        STATE_MESSAGE_CHARS_MAX,
    );
    add("monitoring_tool", "Campanile", FIELD_CHARS_MAX);
    if kind == Kind::Acknowledgement {
        add("ack_author", &author(event), FIELD_CHARS_MAX);
        let remark = event.and_then(|event| event.note.as_deref());
        add("ack_message", remark.unwrap_or_default(), FIELD_CHARS_MAX);
    }
    for (name, value) in [
        ("severity", alert.severity().as_str()),
        ("value", content.value.as_deref().unwrap_or_default()),
        ("resource", &content.resource),
        ("event", &content.event),
        ("source", task.source),
        ("project", task.project),
        ("integration", task.integration),
        ("assigned_to", alert.assignee.as_deref().unwrap_or_default()),
    ] {
        add(name, value, FIELD_CHARS_MAX);
    }
    for (name, value) in content.labels.iter() {
        add(&label_field(name), value, FIELD_CHARS_MAX);
    }
    for (title, url) in links(task) {
        add(
            &format!("vo_annotate.u.{title}"),
            &url,
            ANNOTATION_CHARS_MAX,
        );
    }
    let began = match kind {
        Kind::Problem => content.starts_at,
        Kind::Acknowledgement | Kind::Recovery | Kind::Entry => {
            event.map_or(alert.changed_at, |event| event.at)
        }
    };
    for (name, at) in [("state_start_time", began), ("timestamp", task.now)] {
        if at.0 > 0 && at < Timestamp::NEVER {
            fields.insert(name.to_owned(), Value::from(at.unix_seconds()));
        }
    }
    Value::Object(fields)
}

/// Wire facts §13. An unknown word would be taken as INFO and page nobody, so the word is one of six.
pub fn message_type(kind: Kind, alert: &Alert) -> &'static str {
    match kind {
        Kind::Acknowledgement => "ACKNOWLEDGEMENT",
        Kind::Recovery => "RECOVERY",
        Kind::Entry => "INFO",
        // A point in time opens nothing.
        Kind::Problem if alert.kind == AlertKind::Notification => "INFO",
        Kind::Problem => match alert.severity() {
            Severity::Critical | Severity::Major => "CRITICAL",
            Severity::Minor | Severity::Warning => "WARNING",
            Severity::Info => "INFO",
        },
    }
}

fn display_name(task: &Task<'_>) -> String {
    let test = if task.test { "Test: " } else { "" };
    format!("{test}{}", words::title(task.alert))
}

fn author(event: Option<&Event>) -> String {
    let by = event.and_then(|event| event.by.as_ref());
    let name = by.map(|by| one_line(&by.name)).filter(|by| !by.is_empty());
    name.unwrap_or_else(|| "Campanile".to_owned())
}

/// What people read: never empty, because the title stands where there is no text.
fn state_message(task: &Task<'_>, kind: Kind, event: Option<&Event>) -> String {
    let alert = task.alert;
    let title = words::title(alert);
    match kind {
        Kind::Recovery => format!("{}: {title}", words::state(alert, Status::Closed)),
        Kind::Acknowledgement => format!("Acknowledged by {}: {title}", author(event)),
        Kind::Entry => match event.map(|event| (event.kind, event.note.as_deref())) {
            Some((EventKind::Noted, Some(note))) => {
                format!("Note by {}: {}", author(event), note.trim())
            }
            _ => problem(task, &title),
        },
        Kind::Problem => problem(task, &title),
    }
}

fn problem(task: &Task<'_>, title: &str) -> String {
    let content = &task.alert.content;
    let mut parts = vec![content.text.trim().to_owned()];
    for (heading, text) in words::advice(content) {
        // Senders often put it into their text as well; once is enough.
        if !content.text.contains(text.trim()) {
            parts.push(format!("{heading}: {}", text.trim()));
        }
    }
    parts.retain(|part| !part.is_empty());
    match parts.is_empty() {
        true => title.to_owned(),
        false => parts.join("\n"),
    }
}

/// `label_env`. What is no letter, digit or underscore becomes an underscore: rules of VictorOps refer to it by name.
fn label_field(name: &str) -> String {
    let plain = |c: char| match c.is_ascii_alphanumeric() {
        true => c,
        false => '_',
    };
    let name: String = name.chars().take(FIELD_CHARS_MAX - 6).map(plain).collect();
    format!("label_{name}")
}

/// The alert's page and the sender's links, by titles that differ.
fn links(task: &Task<'_>) -> Vec<(String, String)> {
    let own = (
        "Alert in Campanile".to_owned(),
        words::alert_url(task.external_url, task.alert),
    );
    let theirs = task.alert.content.links.iter().map(|link| {
        let title = one_line(&link.text);
        (title, link.href.clone())
    });
    let mut links: Vec<(String, String)> = Vec::new();
    for (title, href) in std::iter::once(own).chain(theirs) {
        // A cut address leads nowhere.
        let Some(url) = address::link(&href).filter(|url| url.len() <= ANNOTATION_CHARS_MAX) else {
            continue;
        };
        let title = match title.is_empty() {
            true => wire::http::host_of(&url),
            false => cut_chars(&title, ANNOTATION_TITLE_CHARS_MAX).into_owned(),
        };
        let is_taken = |name: &str| links.iter().any(|(other, _)| other == name);
        let title = match is_taken(&title) {
            true => format!("{title} {}", links.len() + 1),
            false => title,
        };
        links.push((title, url));
        if links.len() == LINKS_MAX {
            break;
        }
    }
    links
}
