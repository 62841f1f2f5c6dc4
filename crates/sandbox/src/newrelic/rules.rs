//! What New Relic makes of a body: the events that it keeps, and why it drops the others.
//!
//! Limits: New Relic, "Event API limits", read 2026-11.

use serde_json::{Map, Value};

const ATTRIBUTES: usize = 255;
const NAME_CHARS: usize = 255;
const VALUE_CHARS: usize = 4_096;
const DAY_S: i64 = 86_400;

/// A kept event.
#[derive(Debug, Clone)]
pub struct Row {
    pub account: String,
    pub event: Value,
    /// When it came, milliseconds since the epoch.
    pub at: i64,
}

impl Row {
    pub(super) fn new(account: &str, event: Value, at: i64) -> Self {
        Self {
            account: account.to_owned(),
            event,
            at,
        }
    }
}

/// What became of a body.
pub(super) struct Read {
    pub(super) events: Vec<Value>,
    /// For each event that was dropped, or for the whole body, why.
    pub(super) dropped: Vec<String>,
}

pub(super) fn read(body: &[u8], now: i64) -> Read {
    let mut read = Read {
        events: Vec::new(),
        dropped: Vec::new(),
    };
    let items = match serde_json::from_slice::<Value>(body) {
        Ok(Value::Array(items)) => items,
        Ok(item @ Value::Object(_)) => vec![item],
        Ok(_) => {
            read.dropped
                .push("the body is neither an object nor a list".to_owned());
            return read;
        }
        Err(error) => {
            read.dropped.push(format!("the body is not JSON: {error}"));
            return read;
        }
    };
    if items.is_empty() {
        read.dropped.push("the list is empty".to_owned());
    }
    for item in items {
        let Value::Object(mut event) = item else {
            read.dropped.push("an event is no object".to_owned());
            continue;
        };
        match problem(&event, now) {
            Some(problem) => read.dropped.push(problem),
            None => {
                event.entry("timestamp").or_insert_with(|| Value::from(now));
                read.events.push(Value::Object(event));
            }
        }
    }
    read
}

fn problem(event: &Map<String, Value>, now: i64) -> Option<String> {
    let kind = event
        .get("eventType")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    if kind.is_empty() || kind.len() > NAME_CHARS || !kind.chars().all(is_plain) {
        return Some("eventType is required: letters, digits, _ and :, at most 255".to_owned());
    }
    if event.len() > ATTRIBUTES {
        return Some(format!("{} attributes, at most {ATTRIBUTES}", event.len()));
    }
    for (name, value) in event {
        if name.chars().count() > NAME_CHARS {
            return Some(format!(
                "the name of an attribute has more than {NAME_CHARS} characters"
            ));
        }
        match value {
            Value::String(text) if text.chars().count() > VALUE_CHARS => {
                return Some(format!("{name} has more than {VALUE_CHARS} characters"));
            }
            Value::String(_) | Value::Number(_) => {}
            _ => return Some(format!("{name} is neither text nor a number")),
        }
    }
    let timestamp = event.get("timestamp")?;
    let Some(timestamp) = timestamp.as_i64() else {
        return Some("timestamp is not an integer".to_owned());
    };
    // Seconds or milliseconds.
    let seconds = if timestamp > 100_000_000_000 {
        timestamp / 1_000
    } else {
        timestamp
    };
    let distance = (now.div_euclid(1_000) - seconds).abs();
    (distance > DAY_S).then(|| "timestamp is not within 24 hours".to_owned())
}
