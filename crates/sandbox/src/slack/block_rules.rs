//! The shape of blocks.
//!
//! Sources: "Reference: Block Kit" on docs.slack.dev and Slack's own SDK types (2026-08).

use serde_json::Value;

const OTHER_BLOCKS: [&str; 9] = [
    "call",
    "file",
    "input",
    "markdown",
    "plan",
    "rich_text",
    "table",
    "task_card",
    "video",
];

/// What makes Slack answer `invalid_blocks`, as the pointer and the rule; `None` if the blocks are fine.
pub(super) fn block_problem(at: &str, blocks: &[Value]) -> Option<String> {
    if blocks.len() > 50 {
        return Some(format!("no more than 50 items allowed [json-pointer:{at}]"));
    }
    let mut ids = std::collections::HashSet::new();
    for (i, block) in blocks.iter().enumerate() {
        let at = format!("{at}/{i}");
        if let Some(id) = block.get("block_id") {
            let fine = id
                .as_str()
                .is_some_and(|id| id.chars().count() <= 255 && ids.insert(id));
            if !fine {
                return Some(format!(
                    "block_id is not a unique text of at most 255 characters [json-pointer:{at}/block_id]"
                ));
            }
        }
        if let Some(problem) = one_block(&at, block) {
            return Some(problem);
        }
    }
    None
}

fn one_block(at: &str, block: &Value) -> Option<String> {
    match block.get("type").and_then(Value::as_str) {
        Some("section") => section(at, block),
        Some("header") => text_object(&format!("{at}/text"), block.get("text"), 150, true),
        Some("divider") => None,
        Some("context") => elements(at, block, 10, |at, element| {
            match element.get("type").and_then(Value::as_str) {
                Some("image") => image(at, element),
                _ => text_object(at, Some(element), 2_000, false),
            }
        }),
        Some("actions") => elements(at, block, 25, element),
        Some("image") => image(at, block),
        Some(other) if OTHER_BLOCKS.contains(&other) => None,
        other => Some(format!(
            "unsupported type: {} [json-pointer:{at}/type]",
            other.unwrap_or("none")
        )),
    }
}

fn section(at: &str, block: &Value) -> Option<String> {
    if block.get("text").is_none() && block.get("fields").is_none() {
        return Some(format!(
            "a section needs text or fields [json-pointer:{at}]"
        ));
    }
    if let Some(text) = block.get("text")
        && let Some(problem) = text_object(&format!("{at}/text"), Some(text), 3_000, false)
    {
        return Some(problem);
    }
    if let Some(fields) = block.get("fields") {
        let list = fields
            .as_array()
            .filter(|list| (1..=10).contains(&list.len()));
        let Some(list) = list else {
            return Some(format!("from 1 to 10 items [json-pointer:{at}/fields]"));
        };
        let problem = list.iter().enumerate().find_map(|(i, field)| {
            text_object(&format!("{at}/fields/{i}"), Some(field), 2_000, false)
        });
        if problem.is_some() {
            return problem;
        }
    }
    block.get("accessory").and_then(|accessory| {
        match accessory.get("type").and_then(Value::as_str) {
            Some("image") => image(&format!("{at}/accessory"), accessory),
            _ => element(&format!("{at}/accessory"), accessory),
        }
    })
}

fn elements(
    at: &str,
    block: &Value,
    most: usize,
    rule: fn(&str, &Value) -> Option<String>,
) -> Option<String> {
    let list = block
        .get("elements")
        .and_then(Value::as_array)
        .filter(|list| (1..=most).contains(&list.len()));
    let Some(list) = list else {
        return Some(format!(
            "from 1 to {most} items [json-pointer:{at}/elements]"
        ));
    };
    list.iter()
        .enumerate()
        .find_map(|(i, element)| rule(&format!("{at}/elements/{i}"), element))
}

/// A button by its rules; other interactive elements only by having a type.
fn element(at: &str, element: &Value) -> Option<String> {
    match element.get("type").and_then(Value::as_str) {
        Some("button") => {}
        Some(_) => return None,
        None => return Some(format!("missing type [json-pointer:{at}]")),
    }
    for (name, limit) in [("action_id", 255), ("value", 2_000), ("url", 3_000)] {
        if let Some(value) = element.get(name)
            && value
                .as_str()
                .is_none_or(|text| text.chars().count() > limit)
        {
            return Some(format!(
                "must be text of at most {limit} characters [json-pointer:{at}/{name}]"
            ));
        }
    }
    if let Some(style) = element.get("style")
        && !matches!(style.as_str(), Some("primary" | "danger"))
    {
        return Some(format!(
            "must be primary or danger [json-pointer:{at}/style]"
        ));
    }
    text_object(&format!("{at}/text"), element.get("text"), 75, true)
}

fn image(at: &str, image: &Value) -> Option<String> {
    let alt = image.get("alt_text").and_then(Value::as_str);
    if alt.is_none_or(|alt| alt.chars().count() > 2_000) {
        return Some(format!(
            "alt_text is missing or longer than 2000 characters [json-pointer:{at}/alt_text]"
        ));
    }
    let source =
        image.get("image_url").is_some_and(Value::is_string) || image.get("slack_file").is_some();
    (!source).then(|| format!("missing image_url [json-pointer:{at}]"))
}

fn text_object(at: &str, text: Option<&Value>, most: usize, plain: bool) -> Option<String> {
    let Some(text) = text else {
        return Some(format!("missing text object [json-pointer:{at}]"));
    };
    let kind = text.get("type").and_then(Value::as_str);
    if !(kind == Some("plain_text") || (kind == Some("mrkdwn") && !plain)) {
        return Some(format!("unsupported type of text [json-pointer:{at}/type]"));
    }
    let length = text
        .get("text")
        .and_then(Value::as_str)
        .map(|text| text.chars().count());
    match length {
        None | Some(0) => Some(format!(
            "must be more than 0 characters [json-pointer:{at}/text]"
        )),
        Some(length) if length > most => Some(format!(
            "must be less than {} characters [json-pointer:{at}/text]",
            most + 1
        )),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn blocks_at_their_limits_pass_and_one_above_does_not() {
        let mrkdwn = |length: usize| json!({"type": "mrkdwn", "text": "x".repeat(length)});
        let plain = |length: usize| json!({"type": "plain_text", "text": "x".repeat(length)});
        let button = json!({"type": "button", "text": plain(75), "action_id": "a", "value": "v", "style": "danger"});
        let table = [
            (json!({"type": "section", "text": mrkdwn(3_000)}), true),
            (json!({"type": "section", "text": mrkdwn(3_001)}), false),
            (json!({"type": "section", "text": mrkdwn(0)}), false),
            (
                json!({"type": "section", "fields": vec![mrkdwn(2_000); 10]}),
                true,
            ),
            (
                json!({"type": "section", "fields": vec![mrkdwn(1); 11]}),
                false,
            ),
            (json!({"type": "section", "fields": [mrkdwn(2_001)]}), false),
            (json!({"type": "section"}), false),
            (json!({"type": "header", "text": plain(150)}), true),
            (json!({"type": "header", "text": plain(151)}), false),
            (json!({"type": "header", "text": mrkdwn(1)}), false),
            (
                json!({"type": "context", "elements": vec![mrkdwn(1); 10]}),
                true,
            ),
            (
                json!({"type": "context", "elements": vec![mrkdwn(1); 11]}),
                false,
            ),
            (
                json!({"type": "actions", "elements": vec![button.clone(); 25]}),
                true,
            ),
            (
                json!({"type": "actions", "elements": vec![button; 26]}),
                false,
            ),
            (
                json!({"type": "actions", "elements": [{"type": "button", "text": plain(76)}]}),
                false,
            ),
            (
                json!({"type": "actions", "elements": [{"type": "button", "text": plain(1), "value": "v".repeat(2_001)}]}),
                false,
            ),
            (
                json!({"type": "actions", "elements": [{"type": "button", "text": plain(1), "style": "loud"}]}),
                false,
            ),
            (
                json!({"type": "image", "image_url": "https://a.example/a.png", "alt_text": "a"}),
                true,
            ),
            (
                json!({"type": "image", "image_url": "https://a.example/a.png"}),
                false,
            ),
            (
                json!({"type": "divider", "block_id": "x".repeat(255)}),
                true,
            ),
            (
                json!({"type": "divider", "block_id": "x".repeat(256)}),
                false,
            ),
            (json!({"type": "sections"}), false),
            (json!("section"), false),
        ];
        for (block, fine) in table {
            assert_eq!(
                block_problem("/blocks", std::slice::from_ref(&block)).is_none(),
                fine,
                "{block}"
            );
        }
        assert!(block_problem("/blocks", &vec![json!({"type": "divider"}); 50]).is_none());
        assert!(block_problem("/blocks", &vec![json!({"type": "divider"}); 51]).is_some());
        assert!(
            block_problem(
                "/blocks",
                &vec![json!({"type": "divider", "block_id": "same"}); 2]
            )
            .is_some()
        );
    }
}
