//! What ntfy takes as a message.

use crate::exchange::Request;
use serde_json::{Map, Value, json};

/// Bytes of a message; what is longer becomes an attachment.
const MESSAGE_BYTES: usize = 4096;
/// Members that JSON may have.
const KNOWN: [&str; 16] = [
    "topic",
    "message",
    "title",
    "tags",
    "priority",
    "actions",
    "click",
    "attach",
    "markdown",
    "icon",
    "filename",
    "delay",
    "email",
    "call",
    "cache",
    "sequence_id",
];

/// Topic, message as subscribers get it, and the rules that it breaks without being refused.
type Read = Result<(String, Value, Vec<String>), (u32, &'static str)>;

/// A message as JSON to the server's root.
pub(super) fn from_json(body: &[u8]) -> Read {
    let wrong = (40024, "invalid request: request body must be valid JSON");
    let Ok(Value::Object(given)) = serde_json::from_slice::<Value>(body) else {
        return Err(wrong);
    };
    let is_text = |name: &str| given.get(name).is_none_or(Value::is_string);
    let is_texts = |list: &Value| {
        list.as_array()
            .is_some_and(|list| list.iter().all(Value::is_string))
    };
    let has_types = ["topic", "message", "title", "click", "icon", "attach"]
        .into_iter()
        .all(is_text)
        && given.get("tags").is_none_or(is_texts)
        && given.get("priority").is_none_or(Value::is_u64);
    if !has_types {
        return Err(wrong);
    }
    let priority = given.get("priority").map_or(3, |p| p.as_u64().unwrap_or(3));
    if priority > 5 {
        return Err((40007, "invalid request: priority invalid"));
    }
    let actions = given
        .get("actions")
        .map_or(&[][..], |a| a.as_array().map_or(&[], Vec::as_slice));
    if actions.len() > 3 || !actions.iter().all(is_action) {
        return Err((40018, "invalid request: actions invalid"));
    }
    let mut problems: Vec<String> = given
        .keys()
        .filter(|name| !KNOWN.contains(&name.as_str()))
        .map(|name| format!("unknown member {name}"))
        .collect();
    let topic = given
        .get("topic")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    let message = finished(given, priority, &mut problems);
    Ok((topic, message, problems))
}

/// A message as the body of a request to its topic, the rest in headers.
pub(super) fn from_headers(topic: &str, request: &Request) -> Read {
    let header = |names: [&str; 2]| names.iter().find_map(|name| request.header(name));
    let mut given = Map::new();
    given.insert(
        "message".into(),
        json!(String::from_utf8_lossy(&request.body)),
    );
    for (name, names) in [
        ("title", ["title", "x-title"]),
        ("click", ["click", "x-click"]),
    ] {
        if let Some(value) = header(names) {
            given.insert(name.into(), json!(value));
        }
    }
    if let Some(tags) = header(["tags", "x-tags"]) {
        let tags: Vec<&str> = tags.split(',').map(str::trim).collect();
        given.insert("tags".into(), json!(tags));
    }
    let priority = match header(["priority", "x-priority"]) {
        None => 3,
        Some(word) => match word {
            "1" | "min" => 1,
            "2" | "low" => 2,
            "3" | "default" => 3,
            "4" | "high" => 4,
            "5" | "max" | "urgent" => 5,
            _ => return Err((40007, "invalid request: priority invalid")),
        },
    };
    let mut problems = Vec::new();
    let message = finished(given, priority, &mut problems);
    Ok((topic.to_owned(), message, problems))
}

fn finished(mut message: Map<String, Value>, priority: u64, problems: &mut Vec<String>) -> Value {
    let length = message
        .get("message")
        .and_then(Value::as_str)
        .map_or(0, str::len);
    if length == 0 {
        // What subscribers see of an empty message.
        message.insert("message".into(), json!("triggered"));
    }
    if length > MESSAGE_BYTES {
        problems.push("the message is longer than 4096 bytes and became an attachment".into());
        message.insert(
            "message".into(),
            json!("You received a file: attachment.txt"),
        );
        message.insert(
            "attachment".into(),
            json!({ "name": "attachment.txt", "size": length }),
        );
    }
    message.insert("priority".into(), json!(priority));
    Value::Object(message)
}

fn is_action(action: &Value) -> bool {
    let kind = action["action"].as_str().unwrap_or_default();
    let has_url = action["url"]
        .as_str()
        .is_some_and(|url| url.contains("://"));
    let has_label = action["label"]
        .as_str()
        .is_some_and(|label| !label.is_empty());
    has_label
        && match kind {
            "view" | "http" => has_url,
            "broadcast" | "copy" => true,
            _ => false,
        }
}
