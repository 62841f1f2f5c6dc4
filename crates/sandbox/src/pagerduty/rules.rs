//! What an event must look like. Source: PagerDuty's developer documentation and its OpenAPI file of Events API v2
//! (2026-08): `routing_key` of 32 characters, `dedup_key` up to 255, a trigger's payload with `summary` (up to 1,024),
//! `source` and `severity`, links with `href`, images with an `https` `src`.

use serde_json::{Map, Value};

/// Bytes of a whole event.
pub(super) const EVENT_BYTES: usize = 512_000;
const SUMMARY_CHARS: usize = 1_024;
const DEDUP_KEY_CHARS: usize = 255;
const ROUTING_KEY_CHARS: usize = 32;
const ACTIONS: [&str; 3] = ["trigger", "acknowledge", "resolve"];
const SEVERITIES: [&str; 4] = ["critical", "error", "warning", "info"];

/// What is wrong with an event: for `errors` of the refusal.
pub(super) fn event(event: &Map<String, Value>) -> Vec<String> {
    let mut errors = Vec::new();
    routing_key(event, &mut errors);
    let action = event.get("event_action").and_then(Value::as_str);
    match action {
        None => errors.push("'event_action' is missing or blank".into()),
        Some(word) if !ACTIONS.contains(&word) => {
            errors.push("'event_action' must be one of trigger, acknowledge, resolve".into());
        }
        Some(_) => {}
    }
    let is_trigger = action == Some("trigger");
    match event.get("dedup_key") {
        None | Some(Value::Null) if is_trigger => {}
        Some(Value::String(key)) if key.chars().count() > DEDUP_KEY_CHARS => {
            errors.push(format!(
                "'dedup_key' is longer than {DEDUP_KEY_CHARS} characters"
            ));
        }
        Some(Value::String(key)) if !key.is_empty() => {}
        _ => errors.push("'dedup_key' is missing or blank".into()),
    }
    if is_trigger {
        payload(event, true, &mut errors);
        optional_texts(event, "", &["client", "client_url"], &mut errors);
        contexts(event, &mut errors);
    }
    errors
}

/// The same of a change event.
pub(super) fn change(event: &Map<String, Value>) -> Vec<String> {
    let mut errors = Vec::new();
    routing_key(event, &mut errors);
    let is_ruleset = event
        .get("routing_key")
        .and_then(Value::as_str)
        .is_some_and(|key| key.starts_with('R'));
    if is_ruleset {
        errors.push("'routing_key' is a ruleset's, which takes no change events".into());
    }
    payload(event, false, &mut errors);
    contexts(event, &mut errors);
    errors
}

/// Members that the documents do not have: PagerDuty ignores them, and whoever sends them expects something of them.
pub(super) fn unknown(event: &Map<String, Value>, is_change: bool) -> Vec<String> {
    let mut known = vec!["routing_key", "payload", "links", "images"];
    let mut in_payload = vec!["summary", "source", "timestamp", "custom_details"];
    if !is_change {
        known.extend(["event_action", "dedup_key", "client", "client_url"]);
        in_payload.extend(["severity", "component", "group", "class"]);
    }
    let payload = event.get("payload").and_then(Value::as_object);
    let outside = event.keys().map(|name| (name, &known));
    let inside = payload.into_iter().flat_map(Map::keys);
    outside
        .chain(inside.map(|name| (name, &in_payload)))
        .filter(|(name, known)| !known.contains(&name.as_str()))
        .map(|(name, _)| format!("the documents know no member {name:?} here"))
        .collect()
}

fn routing_key(event: &Map<String, Value>, errors: &mut Vec<String>) {
    match event.get("routing_key").and_then(Value::as_str) {
        None | Some("") => errors.push("'routing_key' is missing or blank".into()),
        Some(key) if key.chars().count() != ROUTING_KEY_CHARS => errors.push(format!(
            "Length of 'routing_key' is incorrect (should be {ROUTING_KEY_CHARS} characters)"
        )),
        Some(_) => {}
    }
}

fn payload(event: &Map<String, Value>, is_trigger: bool, errors: &mut Vec<String>) {
    let Some(payload) = event.get("payload").and_then(Value::as_object) else {
        errors.push("'payload' is missing or no object".into());
        return;
    };
    let text = |name: &str| {
        payload
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    if text("summary").trim().is_empty() {
        errors.push("'payload.summary' is missing or blank".into());
    }
    if text("summary").chars().count() > SUMMARY_CHARS {
        errors.push(format!(
            "'payload.summary' is longer than {SUMMARY_CHARS} characters"
        ));
    }
    if is_trigger {
        if text("source").trim().is_empty() {
            errors.push("'payload.source' is missing or blank".into());
        }
        if !SEVERITIES.contains(&text("severity")) {
            errors.push("'payload.severity' must be one of critical, error, warning, info".into());
        }
    }
    let names = ["source", "component", "group", "class", "timestamp"];
    optional_texts(payload, "payload.", &names, errors);
    match payload.get("timestamp").and_then(Value::as_str) {
        Some(at) if !is_time(at) => {
            errors.push("'payload.timestamp' is not an ISO 8601 time".into());
        }
        _ => {}
    }
    match payload.get("custom_details") {
        None | Some(Value::Null | Value::Object(_)) => {}
        Some(_) => errors.push("'payload.custom_details' is no object".into()),
    }
}

fn optional_texts(
    object: &Map<String, Value>,
    prefix: &str,
    names: &[&str],
    errors: &mut Vec<String>,
) {
    for name in names {
        if !matches!(
            object.get(*name),
            None | Some(Value::Null | Value::String(_))
        ) {
            errors.push(format!("'{prefix}{name}' is no text"));
        }
    }
}

/// RFC 3339, also with an offset without its colon, as the documents' example has it.
fn is_time(text: &str) -> bool {
    let colon = text.len().checked_sub(2).filter(|at| {
        text.is_char_boundary(*at) && text[..*at].contains('T') && !text.ends_with('Z')
    });
    let with_colon = colon.map(|at| format!("{}:{}", &text[..at], &text[at..]));
    [Some(text.to_owned()), with_colon]
        .into_iter()
        .flatten()
        .any(|text| text.parse::<jiff::Timestamp>().is_ok())
}

fn contexts(event: &Map<String, Value>, errors: &mut Vec<String>) {
    for (list, needed) in [("links", "href"), ("images", "src")] {
        let items = match event.get(list) {
            None | Some(Value::Null) => continue,
            Some(Value::Array(items)) => items,
            Some(_) => {
                errors.push(format!("'{list}' is no list"));
                continue;
            }
        };
        for item in items {
            let address = item.get(needed).and_then(Value::as_str).unwrap_or_default();
            let is_good = match url::Url::parse(address) {
                Ok(url) if list == "images" => url.scheme() == "https",
                Ok(_) => true,
                Err(_) => false,
            };
            if !is_good {
                errors.push(format!("'{list}' has an item without a good '{needed}'"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn good() -> Value {
        json!({"routing_key": "0".repeat(32), "event_action": "trigger", "dedup_key": "a",
            "payload": {"summary": "s", "source": "h", "severity": "critical", "timestamp": "2015-07-17T08:42:58.315+0000",
                "custom_details": {"a": [1]}},
            "links": [{"href": "https://a.example", "text": "x"}], "images": [{"src": "https://a.example/i.png"}]})
    }

    fn with(pointer: &str, value: Value) -> Vec<String> {
        let mut body = good();
        *body.pointer_mut(pointer).unwrap() = value;
        event(body.as_object().unwrap())
    }

    #[test]
    fn every_rule_of_the_documents_is_asked_for() {
        assert_eq!(event(good().as_object().unwrap()), Vec::<String>::new());
        let table = [
            ("/routing_key", json!("short"), "routing_key"),
            ("/routing_key", json!(null), "routing_key"),
            ("/event_action", json!("close"), "event_action"),
            ("/dedup_key", json!("k".repeat(256)), "dedup_key"),
            ("/dedup_key", json!(5), "dedup_key"),
            ("/payload", json!("text"), "payload"),
            ("/payload/summary", json!(" "), "summary"),
            ("/payload/summary", json!("s".repeat(1_025)), "summary"),
            ("/payload/source", json!(""), "source"),
            ("/payload/severity", json!("major"), "severity"),
            ("/payload/timestamp", json!("yesterday"), "timestamp"),
            ("/payload/timestamp", json!(1_700_000_000), "timestamp"),
            ("/payload/custom_details", json!("text"), "custom_details"),
            ("/links", json!([{ "text": "x" }]), "links"),
            (
                "/images",
                json!([{ "src": "http://a.example/i.png" }]),
                "images",
            ),
        ];
        for (pointer, value, word) in table {
            let errors = with(pointer, value.clone());
            assert!(
                !errors.is_empty() && errors.iter().all(|e| e.contains(word)),
                "{pointer} {value}: {errors:?}"
            );
        }
        let mut no_key = good();
        no_key.as_object_mut().unwrap().remove("dedup_key");
        assert!(
            event(no_key.as_object().unwrap()).is_empty(),
            "a trigger needs none"
        );
        no_key["event_action"] = json!("resolve");
        assert_eq!(event(no_key.as_object().unwrap()).len(), 1);
    }

    #[test]
    fn a_change_event_has_neither_severity_nor_key() {
        let body = json!({"routing_key": "0".repeat(32), "payload": {"summary": "s"}});
        assert!(change(body.as_object().unwrap()).is_empty());
        assert!(unknown(body.as_object().unwrap(), true).is_empty());
        let ruleset =
            json!({"routing_key": format!("R{}", "0".repeat(31)), "payload": {"summary": "s"}});
        assert_eq!(change(ruleset.as_object().unwrap()).len(), 1);
        assert_eq!(unknown(good().as_object().unwrap(), true).len(), 3);
        assert!(unknown(good().as_object().unwrap(), false).is_empty());
    }
}
