//! The message that stands for an alert: a line, and an embed whose bar shows the state.
//!
//! Limits of an embed: Discord's developer documentation, "Channel resource, Embed limits", read 2026-11. The sum over
//! all its texts is 6,000 characters: what follows stays below it, because each text has a share of its own.

use serde_json::{Value, json};
use wire::text::{Unit, cut};

use crate::kit::Task;
use crate::kit::telling::{Telling, still};

/// The line above the embed; Discord takes 2,000 characters.
const HEADLINE_MAX: usize = 400;
/// The alert's text within the description.
const TEXT_MAX: usize = 1200;
/// Cause, remedy, a note: a paragraph each, at most three of them.
const PARAGRAPH_MAX: usize = 350;
/// The line of labels.
const LABELS_MAX: usize = 300;
/// Words of a link, at most five of them; their addresses count too.
const LINK_WORDS_MAX: usize = 60;
/// All links together, words and addresses.
const LINKS_MAX: usize = 600;
/// A field's value; there are at most six fields.
const FIELD_MAX: usize = 250;
const FOOTER_MAX: usize = 300;
/// A thread's name (Discord's reference of webhooks, read 2026-11).
pub const THREAD_NAME_MAX: usize = 100;

/// The message that shows the alert as it is. Edits replace each part that they name, so all parts are always there.
pub fn message(task: &Task<'_>) -> Value {
    let telling = Telling::of_state(task);
    let mut embed = json!({
        "color": telling.mood.rgb(),
        "description": description(&telling),
        "fields": fields(&telling),
        // Markdown has no meaning in a footer.
        "footer": { "text": cut(&telling.footer, FOOTER_MAX, Unit::Utf16) },
        "timestamp": telling.at.to_string(),
    });
    if let Some(url) = &telling.url {
        embed["title"] = Value::from("Details");
        embed["url"] = Value::from(url.as_str());
    }
    body(&format!("**{}**", headline(&telling)), json!([embed]))
}

/// A reminder: a webhook cannot answer to a message, so it is one of its own with a link to the alert.
pub fn reminder(task: &Task<'_>) -> Value {
    let telling = Telling::of_state(task);
    let link = telling
        .url
        .as_ref()
        .map_or(String::new(), |url| format!(" <{url}>"));
    let line = format!("{}: **{}**{link}", still(task), headline(&telling));
    body(&line, json!([]))
}

/// A name for a new thread of a forum: plain text.
pub fn thread_name(task: &Task<'_>) -> String {
    let name = Telling::of_state(task).title;
    cut(&name, THREAD_NAME_MAX, Unit::Utf16).into_owned()
}

/// Nobody is mentioned, whatever the texts say (Discord, "Allowed mentions object", read 2026-11).
fn body(content: &str, embeds: Value) -> Value {
    json!({ "content": content, "embeds": embeds, "allowed_mentions": { "parse": [] } })
}

fn headline(telling: &Telling) -> String {
    escaped(&telling.headline(), HEADLINE_MAX)
}

fn description(telling: &Telling) -> String {
    let mut parts = Vec::new();
    if !telling.text.is_empty() {
        parts.push(escaped(&telling.text, TEXT_MAX));
    }
    for (heading, words) in &telling.paragraphs {
        let heading = escaped(heading, 100);
        parts.push(format!("**{heading}:** {}", escaped(words, PARAGRAPH_MAX)));
    }
    let mut room = LINKS_MAX;
    let mut links = Vec::new();
    for (words, url) in &telling.links {
        // A closing bracket would end the address.
        let url = url.replace('(', "%28").replace(')', "%29");
        let link = format!("[{}](<{url}>)", escaped(words, LINK_WORDS_MAX));
        match room.checked_sub(link.encode_utf16().count() + 3) {
            Some(left) => room = left,
            None => break,
        }
        links.push(link);
    }
    if !links.is_empty() {
        parts.push(links.join(" · "));
    }
    if !telling.labels.is_empty() {
        parts.push(escaped(&telling.labels, LABELS_MAX));
    }
    parts.join("\n")
}

fn fields(telling: &Telling) -> Vec<Value> {
    let field = |(name, value): &(&str, String)| json!({ "name": name, "value": escaped(value, FIELD_MAX), "inline": true });
    telling.facts.iter().map(field).collect()
}

/// Discord's Markdown without power: a backslash before each sign that could begin markup or a mention; at most `max`
/// UTF-16 units with the backslashes, because Discord's clients count so.
pub fn escaped(text: &str, max: usize) -> String {
    let mut out = String::new();
    let mut used = 0;
    // Where to end if the text turns out too long: with room for the ellipsis.
    let mut end = 0;
    // Headings and lists begin only at the beginning of a line.
    let mut begins_line = true;
    for c in text.chars() {
        let is_sign = "\\*_~`|<>@[]()".contains(c) || (begins_line && "#-+".contains(c));
        begins_line = c == '\n' || (begins_line && c.is_whitespace());
        used += c.len_utf16() + usize::from(is_sign);
        if used > max {
            out.truncate(end);
            out.push('…');
            return out;
        }
        if is_sign {
            out.push('\\');
        }
        out.push(c);
        if used < max {
            end = out.len();
        }
    }
    out
}
