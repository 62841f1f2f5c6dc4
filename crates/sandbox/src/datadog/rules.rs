//! What a posted event must be. Limits: Datadog's API description v1, `EventCreateRequest`.

use super::state::Event;
use crate::exchange::Request;
use serde_json::{Map, Value};

const TEXT_CHARS: usize = 4_000;
const KEY_CHARS: usize = 100;
/// Events are no older than 18 hours, and at most two hours ahead.
const PAST_S: i64 = 18 * 3_600;
const FUTURE_S: i64 = 2 * 3_600;
const ALERT_TYPES: [&str; 7] = [
    "error",
    "warning",
    "info",
    "success",
    "user_update",
    "recommendation",
    "snapshot",
];
const FIELDS: [&str; 11] = [
    "title",
    "text",
    "alert_type",
    "priority",
    "tags",
    "host",
    "aggregation_key",
    "date_happened",
    "source_type_name",
    "related_event_id",
    "device_name",
];

/// The event of a request, and every rule that it breaks; `None` if Datadog would refuse it.
pub(super) fn read(request: &Request, now: i64) -> (Option<Event>, Vec<String>) {
    let mut problems = Vec::new();
    if request.content_type() != "application/json" {
        problems.push("the content type is not application/json".to_owned());
    }
    let body = match serde_json::from_slice::<Value>(&request.body) {
        Ok(Value::Object(body)) => body,
        Ok(_) => return (None, vec!["the body is no JSON object".to_owned()]),
        Err(error) => return (None, vec![format!("the body is not JSON: {error}")]),
    };
    for name in body.keys().filter(|name| !FIELDS.contains(&name.as_str())) {
        problems.push(format!("an event has no field {name}"));
    }
    let refused = refusals(&body, now);
    let is_refused = !refused.is_empty();
    problems.splice(0..0, refused);
    if is_refused {
        return (None, problems);
    }
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    let tags = body.get("tags").and_then(Value::as_array);
    let event = Event {
        title: text("title").unwrap_or_default(),
        text: text("text").unwrap_or_default(),
        alert_type: text("alert_type").unwrap_or_else(|| "info".to_owned()),
        priority: text("priority").unwrap_or_else(|| "normal".to_owned()),
        tags: tags.map_or_else(Vec::new, |tags| {
            tags.iter().filter_map(Value::as_str).map(tag).collect()
        }),
        host: text("host"),
        aggregation_key: text("aggregation_key"),
        source_type_name: text("source_type_name"),
        date_happened: body
            .get("date_happened")
            .and_then(Value::as_i64)
            .unwrap_or_else(|| now.div_euclid(1_000)),
        ..Event::default()
    };
    (Some(event), problems)
}

/// The rules whose breach is a refusal.
fn refusals(body: &Map<String, Value>, now: i64) -> Vec<String> {
    let mut found = Vec::new();
    for name in ["title", "text"] {
        match body.get(name).and_then(Value::as_str) {
            Some(text) if !text.is_empty() => {}
            _ => found.push(format!("{name} is required and is text")),
        }
    }
    for (name, max) in [("text", TEXT_CHARS), ("aggregation_key", KEY_CHARS)] {
        let chars = body
            .get(name)
            .and_then(Value::as_str)
            .map_or(0, |text| text.chars().count());
        if chars > max {
            found.push(format!("{name} has {chars} characters, at most {max}"));
        }
    }
    for (name, words) in [
        ("alert_type", &ALERT_TYPES[..]),
        ("priority", &["normal", "low"]),
    ] {
        if let Some(value) = body.get(name)
            && !value.as_str().is_some_and(|word| words.contains(&word))
        {
            found.push(format!("{name} is not one of {}", words.join(", ")));
        }
    }
    for name in ["host", "aggregation_key", "source_type_name", "device_name"] {
        if body.get(name).is_some_and(|value| !value.is_string()) {
            found.push(format!("{name} is not text"));
        }
    }
    if let Some(tags) = body.get("tags")
        && !tags
            .as_array()
            .is_some_and(|tags| tags.iter().all(Value::is_string))
    {
        found.push("tags is not a list of texts".to_owned());
    }
    if let Some(at) = body.get("date_happened") {
        let now = now.div_euclid(1_000);
        match at.as_i64() {
            None => found.push("date_happened is not an integer".to_owned()),
            Some(at) if at < now - PAST_S => {
                found.push("date_happened is older than 18 hours".to_owned());
            }
            Some(at) if at > now + FUTURE_S => {
                found.push("date_happened is more than two hours ahead".to_owned());
            }
            Some(_) => {}
        }
    }
    if body.get("related_event_id").is_some_and(|id| !id.is_i64()) {
        found.push("related_event_id is not an integer".to_owned());
    }
    found
}

/// Tags are lower-case, and what is no letter, digit, `_`, `-`, `:`, `.` or `/` becomes an underscore.
fn tag(tag: &str) -> String {
    let kept = |c: char| c.is_alphanumeric() || "_-:./".contains(c);
    tag.to_lowercase()
        .chars()
        .map(|c| if kept(c) { c } else { '_' })
        .take(200)
        .collect()
}
