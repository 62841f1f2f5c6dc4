//! The two messages: into the chat (personal token), into the inbox (flow token).
//!
//! Fields and limits: flowdock/api-docs (the archived pages of Flowdock's API), read 2026-11.

use model::{Alert, Severity, Status};
use serde_json::{Value, json};
use wire::text::{cut_chars, escape_html, html_within};

use crate::kit::{Happening, Task, words};

/// A chat message in characters.
const CONTENT_CHARS_MAX: usize = 8096;
/// A title in characters; Flowdock names no limit.
const TITLE_CHARS_MAX: usize = 500;
/// A thread's body in characters; Flowdock names no limit.
const PARAGRAPH_CHARS_MAX: usize = 3000;

/// A message into the chat of a flow. `thread` is the thread that the alert's first message began.
pub fn chat(task: &Task<'_>, thread: Option<&str>) -> Value {
    let mut body = json!({
        "event": "message",
        "content": plain(task),
        "tags": ["campanile", task.alert.severity().as_str()],
    });
    if let Some(thread) = thread {
        body["thread_id"] = Value::from(thread);
    }
    body
}

fn plain(task: &Task<'_>) -> String {
    let happening = Happening::of(task);
    let body = happening.body(task);
    let mut lines = vec![format!(
        "{}{}: {} {}",
        test(task),
        happening.headline(),
        happening.tag(),
        words::title(task.alert)
    )];
    for (heading, text) in &body.paragraphs {
        lines.push(match heading {
            Some(heading) => format!("{heading}: {text}"),
            None => text.clone(),
        });
    }
    for (name, value) in &body.facts {
        lines.push(format!("{name}: {value}"));
    }
    for (label, url) in &body.links {
        lines.push(format!("{label}: {url}"));
    }
    // `@name` and `@everyone` call people; labels must not.
    let text = lines.join("\n").replace('@', "@\u{200b}");
    cut_chars(&text, CONTENT_CHARS_MAX).into_owned()
}

/// An activity in a flow's inbox. The thread is known by the alert's id and shows its newest state.
pub fn activity(task: &Task<'_>, flow_token: &str) -> Value {
    let happening = Happening::of(task);
    let body = happening.body(task);
    let title = format!("{} {}", happening.tag(), words::title(task.alert));
    let fields: Vec<Value> = body
        .facts
        .iter()
        .map(|(label, value)| json!({ "label": label, "value": escape_html(value) }))
        .collect();
    let (color, word) = status(task.alert, &happening);
    let mut thread = json!({
        "title": html_within(&title, TITLE_CHARS_MAX),
        "fields": fields,
        "status": { "color": color, "value": word },
    });
    let paragraphs: Vec<String> = body
        .paragraphs
        .iter()
        .map(|(heading, text)| {
            let heading = heading
                .as_ref()
                .map_or(String::new(), |heading| format!("<b>{heading}:</b> "));
            let text = html_within(text, PARAGRAPH_CHARS_MAX).replace('\n', "<br>");
            format!("<p>{heading}{text}</p>")
        })
        .collect();
    if !paragraphs.is_empty() {
        thread["body"] = Value::from(paragraphs.concat());
    }
    if let Some((_, url)) = body.links.first() {
        thread["external_url"] = Value::from(url.as_str());
    }
    let headline = format!("{}{}", test(task), happening.headline());
    json!({
        "flow_token": flow_token,
        "event": "activity",
        "author": { "name": "Campanile" },
        "title": html_within(&headline, TITLE_CHARS_MAX),
        "external_thread_id": task.alert.id.to_string(),
        "thread": thread,
    })
}

fn test(task: &Task<'_>) -> &'static str {
    if task.test { "Test: " } else { "" }
}

/// The colour and word of a thread's status.
fn status(alert: &Alert, happening: &Happening<'_>) -> (&'static str, &'static str) {
    let color = match (happening.status, happening.severity()) {
        _ if happening.is_closing() => "green",
        (Status::Acknowledged, _) => "orange",
        (Status::Shelved | Status::Tracking, _) => "grey",
        (_, Severity::Critical | Severity::Major) => "red",
        (_, Severity::Minor | Severity::Warning) => "yellow",
        (_, Severity::Info) => "blue",
    };
    let word = match alert.kind {
        model::AlertKind::Notification => "Notification",
        model::AlertKind::Issue => happening.state(),
    };
    (color, word)
}
