//! The message that stands for an alert: one line, and an attachment whose bar shows the state (E28, E30).
//!
//! Everything from outside is escaped (`&`, `<`, `>`), which also takes the power from mentions and links in labels.
//! Only attachments have a coloured bar (Slack, "Secondary message attachments", read 2026-11).

use model::{Alert, AlertKind, DurationMs, EventKind, Severity, Status, Timestamp};
use serde_json::{Value, json};
use wire::text::{clean, escape_slack, one_line, slack_within};

use crate::kit::{Task, address, words};

/// A title in characters; Alertmanager uses the same for Slack.
const TITLE_CHARS_MAX: usize = 1024;
/// The alert's text. Slack folds an attachment's text after 700 characters; more than this nobody unfolds.
const TEXT_CHARS_MAX: usize = 3000;
/// Cause, remedy, a note: a paragraph each.
const PARAGRAPH_CHARS_MAX: usize = 1000;
/// A field of the attachment: a line or two.
const FIELD_CHARS_MAX: usize = 300;
/// The line of labels.
const LABELS_CHARS_MAX: usize = 1000;
/// Links shown.
const LINKS_SHOWN_MAX: usize = 5;
/// A link's words.
const LINK_CHARS_MAX: usize = 75;
/// An attachment's footer (Slack's reference for attachments, read 2026-11).
const FOOTER_CHARS_MAX: usize = 300;

/// What is posted: the line above the bar, and the attachments.
pub struct Message {
    pub text: String,
    pub attachments: Value,
}

/// The message for an alert in this status (a mirror shows the alert's own).
pub fn message(task: &Task<'_>, status: Status) -> Message {
    let alert = task.alert;
    let (linked, plain) = headline(task, status);
    let footer = format!("{} · {} · {}", task.project, task.integration, alert.id);
    let mut attachment = json!({
        "color": color(alert, status),
        "fallback": plain,
        "fields": fields(alert, status),
        "footer": slack_within(&one_line(&footer), FOOTER_CHARS_MAX),
        "ts": alert.changed_at.unix_seconds(),
    });
    let body = body(task);
    if !body.is_empty() {
        attachment["text"] = Value::from(body);
        attachment["mrkdwn_in"] = json!(["text"]);
    }
    Message {
        text: linked,
        attachments: json!([attachment]),
    }
}

/// A reminder: that it is still so, and for how long.
pub fn reminder(task: &Task<'_>) -> String {
    let (linked, _) = headline(task, task.alert.status);
    let age = words::lasting(task.now.since(task.alert.content.starts_at));
    let state = words::state(task.alert, task.alert.status).to_lowercase();
    format!("Still {state} after {age}: {linked}")
}

/// `[Critical, open] Title`, once with the title as a link to the alert's page, once without.
fn headline(task: &Task<'_>, status: Status) -> (String, String) {
    let test = if task.test { "Test: " } else { "" };
    let tag = words::tag(task.alert, status);
    let title = slack_within(&words::title(task.alert), TITLE_CHARS_MAX);
    let plain = format!("{test}{tag} {title}");
    let linked = match address::link(&words::alert_url(task.external_url, task.alert)) {
        // A bar would end the link's address, a line the link.
        Some(url) => format!(
            "{test}{tag} <{}|{}>",
            escape_slack(&url),
            title.replace('|', "¦")
        ),
        None => plain.clone(),
    };
    (linked, plain)
}

/// E28: red while open, E30: green when closed. Somebody is at it: amber. Put aside: grey.
fn color(alert: &Alert, status: Status) -> &'static str {
    if alert.kind == AlertKind::Notification {
        return match alert.severity() {
            Severity::Critical | Severity::Major => "danger",
            Severity::Minor | Severity::Warning => "warning",
            Severity::Info => "#439FE0",
        };
    }
    match status {
        Status::Tracking | Status::Open => "danger",
        Status::Acknowledged => "#daa038",
        Status::Shelved => "#9e9e9e",
        Status::Closed => "good",
    }
}

fn body(task: &Task<'_>) -> String {
    let content = &task.alert.content;
    let mut paragraphs = Vec::new();
    if !content.text.trim().is_empty() {
        paragraphs.push(slack_within(clean(&content.text).trim(), TEXT_CHARS_MAX));
    }
    for (heading, text) in words::advice(content) {
        // Senders often put it into their text as well; once is enough.
        if content.text.contains(text.trim()) {
            continue;
        }
        paragraphs.push(format!(
            "*{heading}:* {}",
            slack_within(clean(text).trim(), PARAGRAPH_CHARS_MAX)
        ));
    }
    paragraphs.extend(newest_note(task));
    let links: Vec<String> = content
        .links
        .iter()
        .filter_map(|l| link(&l.href, &l.text))
        .take(LINKS_SHOWN_MAX)
        .collect();
    if !links.is_empty() {
        paragraphs.push(links.join(" · "));
    }
    paragraphs.extend(labels(task.alert));
    paragraphs.join("\n")
}

/// The newest remark among the events that this message tells.
fn newest_note(task: &Task<'_>) -> Option<String> {
    let event = task.events.iter().rev().find(|e| e.note.is_some())?;
    let note = slack_within(clean(event.note.as_deref()?).trim(), PARAGRAPH_CHARS_MAX);
    let by = event.by.as_ref().map_or(String::new(), |by| {
        format!(" by {}", slack_within(&one_line(&by.name), 80))
    });
    let what = if event.kind == EventKind::Noted {
        "Note"
    } else {
        "Remark"
    };
    Some(format!("*{what}{by}:* {note}"))
}

fn link(href: &str, label: &str) -> Option<String> {
    let url = address::link(href)?.replace('|', "%7C");
    let label = one_line(label);
    let label = if label.is_empty() {
        wire::http::host_of(&url)
    } else {
        label
    };
    Some(format!(
        "<{}|{}>",
        escape_slack(&url),
        slack_within(&label, LINK_CHARS_MAX).replace('|', "¦")
    ))
}

/// `env=prod, job=node`, without what the fields already say.
fn labels(alert: &Alert) -> Option<String> {
    let content = &alert.content;
    let is_said = |name: &str, value: &str| {
        matches!(name, "severity" | "alertname")
            || value == content.resource
            || value == content.event
    };
    let shown: Vec<String> = content
        .labels
        .iter()
        .filter(|(name, value)| !is_said(name, value))
        .map(|(name, value)| format!("{}={}", one_line(name), one_line(value)))
        .collect();
    (!shown.is_empty()).then(|| slack_within(&shown.join(", "), LABELS_CHARS_MAX))
}

fn fields(alert: &Alert, status: Status) -> Vec<Value> {
    let content = &alert.content;
    let mut fields = Vec::new();
    let mut add = |title: &str, value: &str| {
        if !value.trim().is_empty() {
            let value = slack_within(&one_line(value), FIELD_CHARS_MAX);
            fields.push(json!({ "title": title, "value": value, "short": true }));
        }
    };
    add("Severity", words::severity(alert.severity()));
    if alert.kind == AlertKind::Issue {
        add("Status", &state(alert, status));
    }
    add("Resource", &content.resource);
    add("Value", content.value.as_deref().unwrap_or_default());
    match (alert.kind, status) {
        (AlertKind::Notification, _) => add("At", &words::utc(content.starts_at)),
        (_, Status::Closed) => {
            add("Since", &words::utc(content.starts_at));
            add("Lasted", &words::lasting(lasted(alert)));
        }
        _ => add("Since", &words::utc(content.starts_at)),
    }
    add("Assigned to", alert.assignee.as_deref().unwrap_or_default());
    fields
}

fn state(alert: &Alert, status: Status) -> String {
    let word = words::state(alert, status);
    match (status, alert.acked_until, alert.shelved_until) {
        (Status::Acknowledged, Some(until), _) | (Status::Shelved, _, Some(until))
            if until < Timestamp::NEVER =>
        {
            format!("{word} until {}", words::utc(until))
        }
        _ => word.to_owned(),
    }
}

/// From its beginning to its end; a sender's clock may be ahead of ours.
fn lasted(alert: &Alert) -> DurationMs {
    let end = alert.closed_at.unwrap_or(alert.changed_at);
    end.since(alert.content.starts_at)
}
