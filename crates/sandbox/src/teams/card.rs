//! What Teams shows of a card.
//!
//! Source: Microsoft's documentation of webhooks for Teams and the Adaptive Card schema 1.4: a message with one
//! attachment of the card's content type; at most 28 KB; of actions only those that open a link, show a card or toggle.

use serde_json::Value;

/// Bytes of a message.
const BYTES: usize = 28 * 1024;
const ELEMENTS: [&str; 15] = [
    "TextBlock",
    "RichTextBlock",
    "Image",
    "ImageSet",
    "Media",
    "Container",
    "ColumnSet",
    "FactSet",
    "Table",
    "ActionSet",
    "Input.Text",
    "Input.Number",
    "Input.Date",
    "Input.Toggle",
    "Input.ChoiceSet",
];
const ACTIONS: [&str; 3] = [
    "Action.OpenUrl",
    "Action.ShowCard",
    "Action.ToggleVisibility",
];

/// Whether it is too large to be taken at all.
pub(super) fn is_too_large(body: &[u8]) -> bool {
    body.len() > BYTES
}

/// What is wrong with a message: whoever sent it is not told, the card is just not there.
pub(super) fn problems(message: &Value) -> Vec<String> {
    let mut found = Vec::new();
    if message["type"] != "message" {
        found.push("type is not message".to_owned());
    }
    let attachments = message["attachments"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    let cards: Vec<&Value> = attachments
        .iter()
        .filter(|a| a["contentType"] == "application/vnd.microsoft.card.adaptive")
        .map(|a| &a["content"])
        .collect();
    if cards.is_empty() {
        found.push("no attachment with an adaptive card".to_owned());
    }
    for card in cards {
        if card["type"] != "AdaptiveCard" {
            found.push("content.type is not AdaptiveCard".to_owned());
        }
        let version = card["version"].as_str().and_then(|v| v.split_once('.'));
        let version =
            version.and_then(|(a, b)| Some((a.parse::<u32>().ok()?, b.parse::<u32>().ok()?)));
        match version {
            Some((1, minor)) if minor <= 5 => {}
            _ => found.push("version is not 1.0 to 1.5".to_owned()),
        }
        if card["body"].as_array().is_none_or(Vec::is_empty) {
            found.push("the card has no body".to_owned());
        }
        elements(&card["body"], &mut found);
        actions(&card["actions"], &mut found);
    }
    found
}

fn elements(list: &Value, found: &mut Vec<String>) {
    for element in list.as_array().map_or(&[][..], Vec::as_slice) {
        let kind = element["type"].as_str().unwrap_or_default();
        if !ELEMENTS.contains(&kind) {
            found.push(format!("unknown element {kind:?}"));
        }
        let text = match kind {
            "TextBlock" => element["text"].is_string(),
            "RichTextBlock" => element["inlines"].as_array().is_some_and(|inlines| {
                inlines.iter().all(|run| {
                    run.is_string() || (run["type"] == "TextRun" && run["text"].is_string())
                })
            }),
            "FactSet" => element["facts"].as_array().is_some_and(|facts| {
                facts
                    .iter()
                    .all(|fact| fact["title"].is_string() && fact["value"].is_string())
            }),
            _ => true,
        };
        if !text {
            found.push(format!("a {kind} without its text"));
        }
        elements(&element["items"], found);
        for column in element["columns"].as_array().map_or(&[][..], Vec::as_slice) {
            elements(&column["items"], found);
        }
        actions(&element["actions"], found);
    }
}

fn actions(list: &Value, found: &mut Vec<String>) {
    let list = list.as_array().map_or(&[][..], Vec::as_slice);
    if list.len() > 6 {
        found.push("more than 6 actions: Teams shows six".to_owned());
    }
    for action in list {
        let kind = action["type"].as_str().unwrap_or_default();
        if !ACTIONS.contains(&kind) {
            found.push(format!("{kind} does not work in a card from a webhook"));
        }
        let is_link = |url: &str| url.starts_with("https://") || url.starts_with("http://");
        if kind == "Action.OpenUrl" && !action["url"].as_str().is_some_and(is_link) {
            found.push("an Action.OpenUrl without a web address".to_owned());
        }
    }
}

/// The card's texts, a line each, for the page.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Array(list) => list.iter().map(text).collect(),
        Value::Object(map) => {
            let own = ["text", "title"]
                .iter()
                .find_map(|name| map.get(*name)?.as_str());
            let is_run = map.get("type").is_some_and(|kind| kind == "TextRun");
            let end = if is_run { "" } else { "\n" };
            let inside: String = [
                "content",
                "attachments",
                "body",
                "items",
                "inlines",
                "columns",
                "actions",
            ]
            .iter()
            .filter_map(|name| map.get(*name))
            .map(text)
            .collect();
            format!("{}{inside}{end}", own.unwrap_or_default())
        }
        _ => String::new(),
    }
}
