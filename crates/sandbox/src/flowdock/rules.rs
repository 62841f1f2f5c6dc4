//! What messages must be (flowdock/api-docs, read 2026-11).

use crate::exchange::Request;
use serde_json::{Map, Value};

const CONTENT_CHARS: usize = 8_096;
const COLORS: [&str; 10] = [
    "red", "green", "yellow", "cyan", "orange", "grey", "black", "lime", "purple", "blue",
];

/// The body, whose type must be said.
pub(super) fn body(request: &Request) -> Result<Map<String, Value>, String> {
    if request.content_type() != "application/json" {
        return Err("the content type is not application/json".to_owned());
    }
    match serde_json::from_slice(&request.body) {
        Ok(Value::Object(body)) => Ok(body),
        _ => Err("the body is no JSON object".to_owned()),
    }
}

fn text<'a>(body: &'a Map<String, Value>, name: &str) -> &'a str {
    body.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn lacking(body: &Map<String, Value>, names: &[&str]) -> Vec<String> {
    let lacks = |name: &&&str| text(body, name).trim().is_empty();
    names
        .iter()
        .filter(lacks)
        .map(|name| format!("{name} is required"))
        .collect()
}

fn content(body: &Map<String, Value>) -> Option<String> {
    let chars = text(body, "content").chars().count();
    (chars > CONTENT_CHARS)
        .then(|| format!("content has {chars} characters, at most {CONTENT_CHARS}"))
}

/// A message of a personal token.
pub(super) fn message(body: &Map<String, Value>) -> Vec<String> {
    let mut found = lacking(body, &["event", "content"]);
    found.extend(content(body));
    if let Some(tags) = body.get("tags")
        && !tags
            .as_array()
            .is_some_and(|tags| tags.iter().all(Value::is_string))
    {
        found.push("tags is not a list of texts".to_owned());
    }
    found
}

/// A push to the older addresses.
pub(super) fn pushed(kind: &str, body: &Map<String, Value>) -> Vec<String> {
    if kind == "chat" {
        let mut found = lacking(body, &["content", "external_user_name"]);
        found.extend(content(body));
        return found;
    }
    let mut found = lacking(body, &["source", "from_address", "subject", "content"]);
    let is_plain = |c: char| c.is_alphanumeric() || c == ' ' || c == '_';
    if !text(body, "source").chars().all(is_plain) {
        found.push("source has letters, digits, spaces and _ only".to_owned());
    }
    found
}

/// A message of a flow token.
pub(super) fn integrated(body: &Map<String, Value>) -> Vec<String> {
    let mut found = lacking(body, &["flow_token", "event", "external_thread_id"]);
    if body
        .get("author")
        .is_none_or(|author| author["name"].as_str().is_none_or(str::is_empty))
    {
        found.push("author.name is required".to_owned());
    }
    match text(body, "event") {
        "activity" => {
            found.extend(lacking(body, &["title"]));
            let title = body
                .get("thread")
                .map(|thread| thread["title"].as_str().unwrap_or_default());
            if title.is_none_or(str::is_empty) {
                found.push("thread.title is required".to_owned());
            }
        }
        "discussion" | "message" => {}
        _ => found.push("event is not activity, discussion or message".to_owned()),
    }
    let Some(thread) = body.get("thread") else {
        return found;
    };
    if let Some(status) = thread.get("status") {
        if !status["color"]
            .as_str()
            .is_some_and(|color| COLORS.contains(&color))
        {
            found.push("thread.status.color is none of Flowdock's".to_owned());
        }
        if status["value"].as_str().is_none_or(str::is_empty) {
            found.push("thread.status.value is required".to_owned());
        }
    }
    for field in thread["fields"].as_array().into_iter().flatten() {
        if !field["label"].is_string() || !field["value"].is_string() {
            found.push("a field of the thread lacks label or value".to_owned());
        }
    }
    found
}
