//! What a message must look like. Source: Splunk On-Call's "REST endpoint integration guide" (archived 2026): only
//! `message_type` is required; `entity_id` up to 512 characters, `state_message` up to 20,480, annotations up to 1,124,
//! all else up to 1,024.

use crate::exchange::Request;
use serde_json::{Map, Value};

/// What a message says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Critical,
    Warning,
    Acknowledgement,
    Info,
    Recovery,
}

impl Kind {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Critical => "CRITICAL",
            Self::Warning => "WARNING",
            Self::Acknowledgement => "ACKNOWLEDGEMENT",
            Self::Info => "INFO",
            Self::Recovery => "RECOVERY",
        }
    }
}

/// What a `message_type` is taken as. An unknown one is INFO, silently.
pub(super) fn kind(word: &str) -> Kind {
    match word {
        "CRITICAL" => Kind::Critical,
        "WARNING" => Kind::Warning,
        "ACKNOWLEDGEMENT" => Kind::Acknowledgement,
        "RECOVERY" | "OK" => Kind::Recovery,
        _ => Kind::Info,
    }
}

/// Rules that a message breaks; it is taken all the same.
pub(super) fn problems(message: &Map<String, Value>, request: &Request) -> Vec<String> {
    let mut problems = Vec::new();
    let word = message.get("message_type").and_then(Value::as_str);
    if kind(word.unwrap_or_default()) == Kind::Info && word != Some("INFO") {
        problems.push("message_type is unknown and was taken as INFO: nobody is paged".into());
    }
    let entity_id = message.get("entity_id").and_then(Value::as_str);
    if entity_id.is_none_or(str::is_empty) {
        problems.push("without entity_id nothing can be said of the incident again".into());
    }
    if request.content_type() != "application/json" {
        problems.push("the body is not sent as application/json".into());
    }
    for (name, value) in message {
        let max = match name.as_str() {
            "entity_id" => 512,
            "state_message" => 20_480,
            name if name.starts_with("vo_annotate.") => 1_124,
            _ => 1_024,
        };
        let length = match value {
            Value::String(text) => text.chars().count(),
            Value::Object(_) | Value::Array(_) => {
                problems.push(format!("{name:?} is not flat"));
                continue;
            }
            _ => 0,
        };
        if length > max {
            problems.push(format!("{name:?} has {length} characters, {max} are taken"));
        }
        if let Some(rest) = name.strip_prefix("vo_annotate.") {
            let is_good = rest
                .split_once('.')
                .is_some_and(|(kind, title)| matches!(kind, "u" | "s" | "i") && !title.is_empty());
            if !is_good {
                problems.push(format!("{name:?} is not vo_annotate.u|s|i.title"));
            }
        }
        let is_time = matches!(name.as_str(), "state_start_time" | "timestamp");
        if is_time && !value.is_u64() {
            problems.push(format!("{name:?} is not a number of seconds"));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use http::{HeaderMap, HeaderValue, Method};
    use serde_json::json;

    fn found(message: &Value) -> Vec<String> {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static("application/json"));
        let request = Request {
            at: 0,
            vendor: "victorops",
            method: Method::POST,
            path: "/".into(),
            query: String::new(),
            headers,
            body: Bytes::new(),
        };
        problems(message.as_object().unwrap(), &request)
    }

    #[test]
    fn words_are_kinds_and_unknown_ones_page_nobody() {
        let table = [
            ("CRITICAL", Kind::Critical),
            ("WARNING", Kind::Warning),
            ("ACKNOWLEDGEMENT", Kind::Acknowledgement),
            ("INFO", Kind::Info),
            ("RECOVERY", Kind::Recovery),
            ("OK", Kind::Recovery),
            ("critical", Kind::Info),
            ("PROBLEM", Kind::Info),
        ];
        for (word, expected) in table {
            assert_eq!(kind(word), expected, "{word}");
        }
    }

    #[test]
    fn each_rule_that_is_broken_is_named() {
        let good = json!({"message_type": "CRITICAL", "entity_id": "a", "state_message": "s".repeat(20_480),
            "vo_annotate.u.Runbook": "https://a.example", "state_start_time": 5, "label_env": "prod"});
        assert_eq!(found(&good), Vec::<String>::new());
        let table = [
            ("message_type", json!("FIRE"), "taken as INFO"),
            ("entity_id", json!(""), "entity_id"),
            ("entity_id", json!("e".repeat(513)), "512"),
            ("state_message", json!("s".repeat(20_481)), "20480"),
            ("entity_display_name", json!("n".repeat(1_025)), "1024"),
            ("labels", json!({ "a": 1 }), "flat"),
            ("vo_annotate.x.Runbook", json!("x"), "vo_annotate"),
            ("vo_annotate.u.", json!("x"), "vo_annotate"),
            ("state_start_time", json!("2026"), "seconds"),
            ("timestamp", json!(-1), "seconds"),
        ];
        for (name, value, word) in table {
            let mut message = good.clone();
            message[name] = value;
            let found = found(&message);
            assert!(
                found.iter().any(|problem| problem.contains(word)),
                "{name}: {found:?}"
            );
        }
    }
}
