//! The message: plain text (`markdown` is not set), a priority by severity, tags that clients show as signs, and the
//! alert's page behind a tap.
//!
//! Limits: ntfy's documentation, "Publishing, Limitations", read 2026-11: a message above 4,096 bytes becomes an
//! attachment, which phones do not show in the notification.

use model::{EventKind, Severity, Verb};
use serde_json::{Value, json};
use wire::text::{Unit, cut, cut_chars};

use crate::kit::Task;
use crate::kit::telling::{Mood, Telling, still};

const MESSAGE_BYTES_MAX: usize = 4096;
/// Phones show about two lines of a title.
const TITLE_CHARS_MAX: usize = 250;
const FACT_CHARS_MAX: usize = 200;
const TEXT_CHARS_MAX: usize = 1000;
const PARAGRAPH_CHARS_MAX: usize = 400;
const LABELS_CHARS_MAX: usize = 300;
/// Buttons below a message: ntfy takes three.
const ACTIONS_MAX: usize = 3;
const BUTTON_CHARS_MAX: usize = 40;

/// The priority at which phones ring as usual; 4 and 5 ring longer, 1 and 2 not at all.
const USUAL: u8 = 3;

/// The message for a task.
pub fn message(task: &Task<'_>, topic: &str) -> Value {
    let is_reminder = task.verb == Verb::Remind;
    let telling = match is_reminder {
        true => Telling::of_alert(task),
        false => Telling::of_event(task),
    };
    let first_line = match is_reminder {
        true => still(task),
        false => telling.happened.clone(),
    };
    let mut body = json!({
        "topic": topic,
        "title": cut_chars(&telling.headline(), TITLE_CHARS_MAX),
        "message": cut(&text(&telling, &first_line), MESSAGE_BYTES_MAX, Unit::Bytes),
        "priority": priority(task, is_reminder),
        "tags": tags(&telling, task),
    });
    if let Some(url) = &telling.url {
        body["click"] = Value::from(url.as_str());
    }
    let actions: Vec<Value> = telling
        .links
        .iter()
        .take(ACTIONS_MAX)
        .map(|(words, url)| {
            json!({ "action": "view", "label": cut_chars(words, BUTTON_CHARS_MAX), "url": url })
        })
        .collect();
    if !actions.is_empty() {
        body["actions"] = Value::from(actions);
    }
    body
}

fn text(telling: &Telling, first_line: &str) -> String {
    let mut lines = Vec::new();
    if !first_line.is_empty() {
        lines.push(first_line.to_owned());
    }
    for (name, value) in &telling.facts {
        lines.push(format!("{name}: {}", cut_chars(value, FACT_CHARS_MAX)));
    }
    if !telling.text.is_empty() {
        lines.push(cut_chars(&telling.text, TEXT_CHARS_MAX).into_owned());
    }
    for (heading, words) in &telling.paragraphs {
        lines.push(format!(
            "{heading}: {}",
            cut_chars(words, PARAGRAPH_CHARS_MAX)
        ));
    }
    if !telling.labels.is_empty() {
        lines.push(cut_chars(&telling.labels, LABELS_CHARS_MAX).into_owned());
    }
    lines.push(telling.footer.clone());
    lines.join("\n")
}

/// By severity where something begins or a reminder calls; what only goes on or ends rings no louder than usual.
fn priority(task: &Task<'_>, is_reminder: bool) -> u8 {
    let severity = match task.alert.severity() {
        Severity::Critical => 5,
        Severity::Major => 4,
        Severity::Minor | Severity::Warning => USUAL,
        Severity::Info => 2,
    };
    let kind = match task.verb {
        Verb::Event { seq, .. } => task.events.iter().find(|event| event.seq == seq),
        _ => task.events.last(),
    }
    .map(|event| event.kind);
    let calls = is_reminder
        || kind.is_none_or(|kind| kind.is_opening() || kind == EventKind::SeverityChanged);
    if calls { severity } else { severity.min(USUAL) }
}

/// The first is shown as a sign before the title (ntfy's documentation, "Tags & emojis", read 2026-11).
fn tags(telling: &Telling, task: &Task<'_>) -> Vec<&'static str> {
    let sign = match telling.mood {
        Mood::Alarm => "rotating_light",
        Mood::Attended => "eyes",
        Mood::Aside => "zzz",
        Mood::Over => "white_check_mark",
        Mood::Warning => "warning",
        Mood::Info => "information_source",
    };
    let mut tags = vec![sign, task.alert.severity().as_str()];
    tags.extend(task.test.then_some("test"));
    tags
}
