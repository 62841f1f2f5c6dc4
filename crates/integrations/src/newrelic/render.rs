//! The flat event.
//!
//! Limits: New Relic, "Introduction to the Event API" and "Event API limits", read 2026-11: no nesting, lists or
//! booleans; 255 attributes; names of 255 and values of 4096 characters; a timestamp within 24 hours; 1 MB a request.

use model::{DurationMs, Timestamp};
use serde_json::{Map, Value};
use wire::text::{Unit, clean, cut, one_line};

use super::sink::NewRelic;
use crate::kit::{Happening, Task, words};

const ATTRIBUTES_MAX: usize = 255;
/// Names and values, counted in bytes: whichever way New Relic counts, they fit.
const NAME_BYTES_MAX: usize = 255;
const VALUE_BYTES_MAX: usize = 4096;
/// One request; some room is left for what stands around.
const BODY_BYTES_MAX: usize = 1_000_000 - 1_000;
/// A timestamp must lie within 24 hours; a quarter of an hour is left for the way and for clocks.
const AGE_MAX: DurationMs = DurationMs::from_secs(24 * 3600 - 900);

/// The body of the request: a list with one event.
pub fn event(sink: &NewRelic, task: &Task<'_>) -> Value {
    let (alert, happening) = (task.alert, Happening::of(task));
    let content = &alert.content;
    let mut event = Flat::default();
    event.text("eventType", &sink.event_type);
    if is_recent(happening.at, task.now) {
        event.number("timestamp", happening.at.unix_seconds());
    }
    event.text("happenedAt", &happening.at.to_string());
    event.text("event", happening.kind.as_str());
    event.text("headline", &happening.headline());
    event.text("alertId", &alert.id.to_string());
    if let Some(told) = happening.event {
        event.number("sequence", i64::from(told.seq));
    }
    event.text("alertKey", &alert.key);
    event.text("status", happening.status.as_str());
    event.text("severity", happening.severity().as_str());
    event.text("title", &words::title(alert));
    event.text("text", &content.text);
    for (heading, text) in words::advice(content) {
        event.text(
            if heading == "Cause" {
                "cause"
            } else {
                "remedy"
            },
            text,
        );
    }
    event.text("resource", &content.resource);
    event.text("problem", &content.event);
    event.text("value", happening.value().unwrap_or_default());
    event.text("note", happening.note().unwrap_or_default());
    let by = happening.event.and_then(|told| told.by.as_ref());
    event.text("by", by.map_or("", |by| &by.name));
    event.text("assignee", alert.assignee.as_deref().unwrap_or_default());
    event.text("startedAt", &content.starts_at.to_string());
    if happening.is_closing() {
        let lasted = happening.at.since(content.starts_at).0.max(0) / 1000;
        event.number("durationSeconds", lasted);
    }
    event.number(
        "repeatCount",
        i64::try_from(alert.repeat_count).unwrap_or(i64::MAX),
    );
    event.text("project", task.project);
    event.text("source", task.source);
    event.text("integration", task.integration);
    event.text("url", &words::alert_url(task.external_url, alert));
    if task.test {
        event.text("test", "true");
    }
    for (name, value) in content.labels.iter() {
        event.text(&format!("label.{name}"), value);
    }
    for (name, value) in content.annotations.iter() {
        event.text(&format!("annotation.{name}"), value);
    }
    Value::Array(vec![Value::Object(event.map)])
}

/// Beyond a day's distance New Relic drops the event; without a timestamp it happens when it comes.
fn is_recent(at: Timestamp, now: Timestamp) -> bool {
    now.since(at).0.abs() <= AGE_MAX.0
}

/// An object without nesting that never grows beyond its limits. What comes first is surest to have room.
#[derive(Default)]
struct Flat {
    map: Map<String, Value>,
    bytes: usize,
}

impl Flat {
    fn text(&mut self, name: &str, value: &str) {
        let value = clean(value);
        let value = value.trim();
        // An attribute without a value says nothing, and New Relic may refuse it.
        if !value.is_empty() {
            let value = cut(value, VALUE_BYTES_MAX, Unit::Bytes);
            self.set(name, Value::from(value));
        }
    }

    fn number(&mut self, name: &str, value: i64) {
        self.set(name, Value::from(value));
    }

    fn set(&mut self, name: &str, value: Value) {
        if self.map.len() >= ATTRIBUTES_MAX {
            return;
        }
        let name = self.free_name(name);
        // `"name":value,`
        let bytes = name.len() + value.to_string().len() + 4;
        if self.bytes + bytes <= BODY_BYTES_MAX {
            self.bytes += bytes;
            self.map.insert(name, value);
        }
    }

    /// The name with the characters that NRQL takes without quotes. Two that become the same are kept apart.
    fn free_name(&self, name: &str) -> String {
        let taken = |c: char| c.is_ascii_alphanumeric() || "_:.".contains(c);
        let plain: String = one_line(name)
            .chars()
            .map(|c| if taken(c) { c } else { '_' })
            .take(NAME_BYTES_MAX)
            .collect();
        let mut free = plain.clone();
        let mut number = 2;
        while self.map.contains_key(&free) {
            let end = format!("_{number}");
            let kept = plain.len().min(NAME_BYTES_MAX - end.len());
            free = format!("{}{end}", &plain[..kept]);
            number += 1;
        }
        free
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_take_what_nrql_takes_and_stay_apart() {
        let mut flat = Flat::default();
        for name in ["label.a b", "label.a-b", "label.ä", "x\ny"] {
            flat.text(name, "1");
        }
        let names: Vec<&String> = flat.map.keys().collect();
        assert_eq!(names.len(), 4);
        for name in ["label.a_b", "label.a_b_2", "label._", "x_y"] {
            assert!(flat.map.contains_key(name), "{name}: {names:?}");
        }
        let long = "n".repeat(400);
        flat.text(&long, "1");
        flat.text(&long, "2");
        assert!(flat.map.keys().all(|name| name.len() <= NAME_BYTES_MAX));
        assert_eq!(flat.map.len(), 6);
    }

    #[test]
    fn a_timestamp_lies_within_a_day() {
        let now = Timestamp(1_763_640_061_000);
        let hours = |h: i64| Timestamp(now.0 - h * 3_600_000);
        for (at, expected) in [
            (now, true),
            (hours(23), true),
            (hours(-23), true),
            (hours(24), false),
            (hours(-24), false),
            (Timestamp::NEVER, false),
            (Timestamp::ZERO, false),
        ] {
            assert_eq!(is_recent(at, now), expected, "{at}");
        }
    }
}
