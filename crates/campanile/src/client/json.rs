//! Reading the hub's answers leniently: a newer hub may say more, an older one less.

use model::Timestamp;
use serde_json::Value;

use crate::client::text::clean;

/// A field's text, fit for a terminal; empty if it is missing, null or no text.
pub fn text(value: &Value, field: &str) -> String {
    match &value[field] {
        Value::String(text) => clean(text),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

pub fn time(value: &Value, field: &str) -> Option<Timestamp> {
    value[field].as_str()?.parse().ok()
}

pub fn list<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value[field]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default()
}

pub fn number(value: &Value, field: &str) -> u64 {
    value[field].as_u64().unwrap_or(0)
}

/// Who did something: a name, or an object with `name` and `via`.
pub fn who(value: &Value) -> String {
    match (
        text(value, "by"),
        text(&value["by"], "name"),
        text(&value["by"], "via"),
    ) {
        (name, _, _) if !name.is_empty() => name,
        (_, name, via) if !name.is_empty() && !via.is_empty() && name != via => {
            format!("{name} ({via})")
        }
        (_, name, via) => {
            if name.is_empty() {
                via
            } else {
                name
            }
        }
    }
}

/// The last eight characters of an id. An id begins with the time it was made, so only its end tells apart the alerts of one storm.
pub fn short_id(value: &Value) -> String {
    let id = text(value, "id");
    let count = id.chars().count();
    id.chars().skip(count.saturating_sub(8)).collect()
}

/// One line for people: the title, or what stands for it.
pub fn headline(alert: &Value) -> String {
    ["title", "event", "key"]
        .map(|field| text(alert, field))
        .into_iter()
        .find(|text| !text.is_empty())
        .unwrap_or_default()
}
