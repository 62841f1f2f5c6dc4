//! The card. Texts from outside stand in `TextRun`s, in which Markdown has no meaning (Adaptive Cards 1.4, "TextRun", read
//! 2026-11), and the only actions open links.

use serde_json::{Value, json};
use wire::text::cut_chars;

use crate::kit::Task;
use crate::kit::telling::{Mood, Telling, still};

/// What Teams takes is 28 KB (Microsoft, "Create incoming webhooks with Workflows", read 2026-11). It is not said how it
/// counts: what follows counts JSON whose signs beyond ASCII are escaped, the longest form, and leaves room.
const CARD_BYTES_MAX: usize = 24_000;
/// Characters of the text, cause, remedy and note each, and the number of links: tried one after the other until the card
/// fits.
const SHARES: [(usize, usize); 5] = [(3000, 5), (1200, 5), (400, 5), (100, 1), (100, 0)];
const TITLE_MAX: usize = 300;
const FACT_MAX: usize = 200;
const LABELS_MAX: usize = 400;
const FOOTER_MAX: usize = 200;
const BUTTON_MAX: usize = 60;

/// The message: one card for one event.
pub fn message(task: &Task<'_>) -> Value {
    let telling = Telling::of_event(task);
    let first_line = match telling.happened.as_str() {
        "" => telling.tag.clone(),
        happened => format!("{} {happened}", telling.tag),
    };
    fitting(&telling, &format!("{}{first_line}", telling.test))
}

/// A reminder: the same card with another first line.
pub fn reminder(task: &Task<'_>) -> Value {
    let telling = Telling::of_alert(task);
    fitting(&telling, &format!("{}{}", telling.test, still(task)))
}

fn fitting(telling: &Telling, first_line: &str) -> Value {
    let mut message = Value::Null;
    for (share, links) in SHARES {
        message = envelope(card(telling, first_line, share, links));
        if longest_form(&message) <= CARD_BYTES_MAX {
            break;
        }
    }
    message
}

/// Bytes of the JSON if all beyond ASCII is escaped: six for each UTF-16 unit.
fn longest_form(message: &Value) -> usize {
    let text = message.to_string();
    let extra: usize = text
        .chars()
        .filter(|c| !c.is_ascii())
        .map(|c| c.len_utf16() * 6)
        .sum();
    text.chars().filter(char::is_ascii).count() + extra
}

fn envelope(card: Value) -> Value {
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": card,
        }],
    })
}

fn card(telling: &Telling, first_line: &str, share: usize, links_max: usize) -> Value {
    let head = json!({
        "type": "Container",
        "style": style(telling.mood),
        "bleed": true,
        "items": [
            block(json!([run(&cut_chars(first_line, TITLE_MAX), json!({ "weight": "Bolder" }))])),
            block(json!([run(&cut_chars(&telling.title, TITLE_MAX), json!({ "weight": "Bolder", "size": "Medium" }))])),
        ],
    });
    let mut body = vec![head];
    if !telling.text.is_empty() {
        body.push(block(json!([run(
            &cut_chars(&telling.text, share),
            json!({})
        )])));
    }
    for (heading, words) in &telling.paragraphs {
        body.push(named(heading, &cut_chars(words, share)));
    }
    for (name, value) in &telling.facts {
        body.push(named(name, &cut_chars(value, FACT_MAX)));
    }
    if !telling.labels.is_empty() {
        body.push(block(json!([run(
            &cut_chars(&telling.labels, LABELS_MAX),
            json!({})
        )])));
    }
    let subtle = json!({ "isSubtle": true, "size": "Small" });
    let footer = run(&cut_chars(&telling.footer, FOOTER_MAX), subtle);
    body.push(block(json!([footer])));
    let mut card = json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
    });
    let details = telling.url.iter().map(|url| ("Details", url.as_str()));
    let links = telling.links.iter().take(links_max);
    let links = links.map(|(words, url)| (words.as_str(), url.as_str()));
    let actions: Vec<Value> = details
        .chain(links)
        .map(|(words, url)| {
            json!({ "type": "Action.OpenUrl", "title": cut_chars(words, BUTTON_MAX), "url": url })
        })
        .collect();
    if !actions.is_empty() {
        card["actions"] = Value::from(actions);
    }
    card
}

fn block(inlines: Value) -> Value {
    json!({ "type": "RichTextBlock", "inlines": inlines })
}

fn named(name: &str, value: &str) -> Value {
    block(json!([
        run(
            &format!("{}: ", cut_chars(name, 120)),
            json!({ "weight": "Bolder" })
        ),
        run(value, json!({}))
    ]))
}

fn run(text: &str, look: Value) -> Value {
    let mut run = look;
    run["type"] = Value::from("TextRun");
    run["text"] = Value::from(text);
    run
}

/// The colour behind the first lines: red while open, green when closed.
fn style(mood: Mood) -> &'static str {
    match mood {
        Mood::Alarm => "attention",
        Mood::Attended | Mood::Warning => "warning",
        Mood::Aside => "emphasis",
        Mood::Over => "good",
        Mood::Info => "accent",
    }
}
