//! The room notification.
//!
//! Limits: HipChat's API v2, "Send room notification", as third parties and their programs keep it, read 2026-11.

use model::{Severity, Status};
use serde_json::{Value, json};
use wire::text::{cut_chars, escape_html, html_within, one_line};

use super::sink::HipChat;
use crate::kit::{Happening, Task, words};

/// The message in characters, its marks included.
const MESSAGE_CHARS_MAX: usize = 10_000;
/// The sender's label in characters.
const FROM_CHARS_MAX: usize = 64;
const TITLE_CHARS_MAX: usize = 1000;
const PARAGRAPH_CHARS_MAX: usize = 2000;

/// The body of the request.
pub fn notification(sink: &HipChat, task: &Task<'_>) -> Value {
    let happening = Happening::of(task);
    json!({
        "message": message(task, &happening),
        "message_format": "html",
        "color": color(&happening),
        // People are called when something begins, not at each remark.
        "notify": sink.notify && happening.kind.is_opening(),
        "from": cut_chars(&one_line(task.integration), FROM_CHARS_MAX),
    })
}

/// Green at the end, purple while somebody is at it, else as bad as it is.
fn color(happening: &Happening<'_>) -> &'static str {
    match (happening.status, happening.severity()) {
        _ if happening.is_closing() => "green",
        (Status::Acknowledged, _) => "purple",
        (Status::Shelved | Status::Tracking, _) => "gray",
        (_, Severity::Critical | Severity::Major) => "red",
        (_, Severity::Minor | Severity::Warning) => "yellow",
        (_, Severity::Info) => "gray",
    }
}

/// In HTML, where mentions of people have no power.
fn message(task: &Task<'_>, happening: &Happening<'_>) -> String {
    let body = happening.body(task);
    let test = if task.test { "Test: " } else { "" };
    let title = format!("{test}{} {}", happening.tag(), words::title(task.alert));
    let mut out = format!(
        "<b>{}</b>: {}",
        escape_html(&happening.headline()),
        html_within(&title, TITLE_CHARS_MAX)
    );
    let mut left = MESSAGE_CHARS_MAX.saturating_sub(out.chars().count());
    let mut add = |part: String| {
        // What has no room any more is left out whole: half a mark would break the rest.
        let chars = part.chars().count();
        if chars <= left {
            left -= chars;
            out.push_str(&part);
        }
    };
    let facts: Vec<String> = body
        .facts
        .iter()
        .map(|(name, value)| format!("{name}: {}", escape_html(value)))
        .collect();
    add(format!("<br>{}", facts.join(" · ")));
    for (heading, text) in &body.paragraphs {
        let heading = heading
            .as_ref()
            .map_or(String::new(), |heading| format!("<i>{heading}:</i> "));
        let text = html_within(text, PARAGRAPH_CHARS_MAX).replace('\n', "<br>");
        add(format!("<br>{heading}{text}"));
    }
    for (label, url) in &body.links {
        add(format!(
            "<br><a href=\"{}\">{}</a>",
            escape_html(url),
            escape_html(label)
        ));
    }
    out
}
