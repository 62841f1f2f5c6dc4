//! The shape of attachments.
//!
//! Sources: Slack's own SDK types and "secondary message attachments" on docs.slack.dev (2026-08); a title's 1,024
//! characters as Alertmanager (68fb2d5) cuts it.

use serde_json::Value;

const ATTACHMENT_FIELDS: [&str; 26] = [
    "actions",
    "attachment_type",
    "author_icon",
    "author_id",
    "author_link",
    "author_name",
    "author_subname",
    "blocks",
    "callback_id",
    "color",
    "fallback",
    "fields",
    "footer",
    "footer_icon",
    "from_url",
    "id",
    "image_url",
    "mrkdwn_in",
    "original_url",
    "pretext",
    "service_icon",
    "service_name",
    "text",
    "thumb_url",
    "title",
    "title_link",
];

/// Whether Slack knows it as a bar's colour.
pub(super) fn is_colour(text: &str) -> bool {
    let hex = |digits: &str| {
        matches!(digits.len(), 3 | 6) && digits.bytes().all(|b| b.is_ascii_hexdigit())
    };
    matches!(text, "good" | "warning" | "danger") || text.strip_prefix('#').is_some_and(hex)
}

/// What is wrong with the attachments besides their blocks. Slack accepts these and shows something else than was
/// meant, so that they are broken rules and not refusals.
pub(super) fn attachment_problems(attachments: &[Value]) -> Vec<String> {
    let mut problems = Vec::new();
    for (i, attachment) in attachments.iter().enumerate() {
        let Some(fields) = attachment.as_object() else {
            problems.push(format!("attachments[{i}] is not an object"));
            continue;
        };
        for (name, value) in fields {
            if let Some(problem) = field_problem(name, value) {
                problems.push(format!("attachments[{i}].{name} {problem}"));
            }
        }
        if !fields.keys().any(|name| {
            !matches!(
                name.as_str(),
                "color" | "ts" | "footer" | "mrkdwn_in" | "id"
            )
        }) {
            problems.push(format!("attachments[{i}] shows nothing"));
        }
    }
    problems
}

fn field_problem(name: &str, value: &Value) -> Option<String> {
    let longer_than = |limit: usize| {
        value
            .as_str()
            .is_some_and(|text| text.chars().count() > limit)
    };
    match name {
        "fields" => fields_problem(value),
        "ts" => {
            let numeric = value.is_number()
                || value
                    .as_str()
                    .is_some_and(|text| text.parse::<f64>().is_ok());
            (!numeric).then(|| "is not a number of seconds".into())
        }
        "mrkdwn_in" => {
            let known = |v: &Value| {
                matches!(
                    v.as_str(),
                    Some("text" | "pretext" | "fields" | "title" | "footer")
                )
            };
            let fine = value.as_array().is_some_and(|list| list.iter().all(known));
            (!fine).then(|| "is not a list of text, pretext, fields".into())
        }
        "blocks" | "actions" => (!value.is_array()).then(|| "is not a list".into()),
        "id" => (!value.is_number()).then(|| "is not a number".into()),
        _ if !ATTACHMENT_FIELDS.contains(&name) => Some("is unknown to Slack".into()),
        _ if !value.is_string() => Some("is not text".into()),
        "color" if !value.as_str().is_some_and(is_colour) => {
            Some(format!("{value} is not good, warning, danger or #hex"))
        }
        "title" if longer_than(1_024) => Some("is longer than 1,024 characters".into()),
        "footer" if longer_than(300) => Some("is longer than 300 characters".into()),
        "title_link" | "author_link" | "image_url" | "thumb_url" | "author_icon"
        | "footer_icon" => {
            let fine = value.as_str().is_some_and(|text| {
                text.is_empty() || text.starts_with("http://") || text.starts_with("https://")
            });
            (!fine).then(|| "is not an http address".into())
        }
        _ => None,
    }
}

fn fields_problem(value: &Value) -> Option<String> {
    let Some(list) = value.as_array() else {
        return Some("is not a list".into());
    };
    let fine = |field: &Value| {
        field.as_object().is_some_and(|field| {
            field.iter().all(|(name, value)| match name.as_str() {
                "title" | "value" => value.is_string(),
                "short" => value.is_boolean(),
                _ => false,
            })
        })
    };
    (!list.iter().all(fine)).then(|| "is not a list of {title, value, short}".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn attachments_that_slack_would_show_otherwise_than_meant_are_named() {
        let table = [
            (json!({"color": "purple", "text": "a"}), Some("color")),
            (json!({"color": "#12", "text": "a"}), Some("color")),
            (json!({"color": "danger", "text": "a"}), None),
            (
                json!({"color": "#2eb886", "text": "a", "ts": 1, "footer": "f", "mrkdwn_in": ["text"]}),
                None,
            ),
            (json!({"title": "x".repeat(1_025)}), Some("title")),
            (
                json!({"title": "x".repeat(1_024), "title_link": "https://a.example"}),
                None,
            ),
            (
                json!({"title": "a", "title_link": "javascript:alert(1)"}),
                Some("title_link"),
            ),
            (json!({"text": 5}), Some("text")),
            (json!({"texte": "a", "text": "b"}), Some("unknown")),
            (
                json!({"text": "a", "fields": [{"title": "t", "value": 5}]}),
                Some("fields"),
            ),
            (
                json!({"text": "a", "fields": [{"title": "t", "value": "v", "short": true}]}),
                None,
            ),
            (json!({"text": "a", "ts": "soon"}), Some("ts")),
            (json!({"color": "good"}), Some("shows nothing")),
            (json!("text"), Some("not an object")),
        ];
        for (attachment, expected) in table {
            let found = attachment_problems(std::slice::from_ref(&attachment));
            match expected {
                None => assert_eq!(found, Vec::<String>::new(), "{attachment}"),
                Some(word) => assert!(
                    found.iter().any(|problem| problem.contains(word)),
                    "{attachment}: {found:?}"
                ),
            }
        }
    }
}
