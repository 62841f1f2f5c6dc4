//! What Discord takes as a message.
//!
//! Source: Discord's API documentation (commit c98d64b) and its published specification, "Execute Webhook" and "Embed
//! limits": each text has a limit, and the texts of all embeds together one more.

use serde_json::{Map, Value};

/// The texts of an embed with their limits in characters.
const EMBED_TEXTS: [(&str, usize); 5] = [
    ("/title", 256),
    ("/description", 4096),
    ("/footer/text", 2048),
    ("/author/name", 256),
    ("/url", 2048),
];
/// All texts of all embeds but addresses.
const EMBEDS_SUM: usize = 6000;

/// What a message does wrong, each with the field that Discord names.
pub(super) fn problems(message: &Map<String, Value>) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut wrong = |field: &str, what: String| found.push((field.to_owned(), what));
    let content = text(message, "content", &mut wrong);
    if content > 2000 {
        wrong("content", "Must be 2000 or fewer in length.".into());
    }
    let embeds = match message.get("embeds") {
        None | Some(Value::Null) => &[][..],
        Some(Value::Array(embeds)) => embeds,
        Some(_) => {
            wrong("embeds", "Only lists are allowed.".into());
            &[]
        }
    };
    if embeds.len() > 10 {
        wrong("embeds", "Must be 10 or fewer in length.".into());
    }
    let mut sum = 0;
    for (at, embed) in embeds.iter().enumerate() {
        sum += self::embed(&format!("embeds.{at}"), embed, &mut wrong);
    }
    if sum > EMBEDS_SUM {
        wrong(
            "embeds",
            format!("Embed size exceeds maximum size of {EMBEDS_SUM}"),
        );
    }
    let name = text(message, "username", &mut wrong);
    let username = message
        .get("username")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let taken = ["discord", "clyde"];
    if name > 80
        || taken
            .iter()
            .any(|word| username.to_lowercase().contains(word))
    {
        wrong("username", "Username cannot be this.".into());
    }
    if text(message, "thread_name", &mut wrong) > 100 {
        wrong("thread_name", "Must be 100 or fewer in length.".into());
    }
    if message
        .get("allowed_mentions")
        .is_some_and(|m| !m.is_object() && !m.is_null())
    {
        wrong("allowed_mentions", "Only dictionaries are allowed.".into());
    }
    found
}

/// Whether anything would be seen.
pub(super) fn is_empty(message: &Map<String, Value>) -> bool {
    ["content", "embeds", "components", "poll", "attachments"]
        .iter()
        .all(|name| match message.get(*name) {
            None | Some(Value::Null) => true,
            Some(Value::String(text)) => text.trim().is_empty(),
            Some(Value::Array(list)) => list.is_empty(),
            Some(_) => false,
        })
}

/// Whether a mention in the message would reach somebody: the rule that alerts must not page a whole server.
pub(super) fn may_mention(message: &Map<String, Value>) -> bool {
    let allowed = message.get("allowed_mentions").and_then(|m| m.get("parse"));
    allowed
        .and_then(Value::as_array)
        .is_none_or(|parse| !parse.is_empty())
}

fn text(of: &Map<String, Value>, name: &str, wrong: &mut impl FnMut(&str, String)) -> usize {
    match of.get(name) {
        None | Some(Value::Null) => 0,
        Some(Value::String(text)) => text.chars().count(),
        Some(_) => {
            wrong(name, "Not a well formed string.".into());
            0
        }
    }
}

/// Checks one embed; gives the characters that count for the sum.
fn embed(at: &str, embed: &Value, wrong: &mut impl FnMut(&str, String)) -> usize {
    if !embed.is_object() {
        wrong(at, "Only dictionaries are allowed.".into());
        return 0;
    }
    let mut sum = 0;
    let mut seen = 0;
    for (path, max) in EMBED_TEXTS {
        let Some(text) = embed.pointer(path).filter(|text| !text.is_null()) else {
            continue;
        };
        let count = text.as_str().map(|text| text.chars().count());
        match count {
            None => wrong(&format!("{at}{path}"), "Not a well formed string.".into()),
            Some(count) if count > max => {
                wrong(
                    &format!("{at}{path}"),
                    format!("Must be {max} or fewer in length."),
                );
            }
            Some(count) => seen += usize::from(count > 0),
        }
        if path != "/url" {
            sum += count.unwrap_or_default();
        }
    }
    let color = &embed["color"];
    if !color.is_null() && color.as_u64().is_none_or(|color| color > 0x00ff_ffff) {
        wrong(
            &format!("{at}.color"),
            "Not an integer from 0 to 16777215.".into(),
        );
    }
    if let Some(url) = embed["url"].as_str()
        && !(url.starts_with("http://") || url.starts_with("https://"))
    {
        wrong(&format!("{at}.url"), "Not a well formed URL.".into());
    }
    if let Some(when) = embed["timestamp"].as_str()
        && when.parse::<jiff::Timestamp>().is_err()
    {
        wrong(
            &format!("{at}.timestamp"),
            "Could not parse. Should be ISO8601.".into(),
        );
    }
    let fields = embed["fields"].as_array().map_or(&[][..], Vec::as_slice);
    if fields.len() > 25 {
        wrong(
            &format!("{at}.fields"),
            "Must be 25 or fewer in length.".into(),
        );
    }
    for (number, field) in fields.iter().enumerate() {
        for (name, max) in [("name", 256), ("value", 1024)] {
            let count = field[name].as_str().map_or(0, |text| text.chars().count());
            if count == 0 || count > max {
                let field = format!("{at}.fields.{number}.{name}");
                wrong(
                    &field,
                    format!("This field is required, up to {max} characters."),
                );
            }
            sum += count;
            seen += 1;
        }
    }
    if seen == 0 && embed["image"].is_null() && embed["thumbnail"].is_null() {
        wrong(at, "An embed must show something.".into());
    }
    sum
}
