//! The text. DingTalk's Markdown has no published way to take the power from signs, so nothing is Markdown: a plain text,
//! in which DingTalk itself makes links of addresses. Nobody is named in `at`, so an `@` in a text rings nowhere.

use serde_json::{Value, json};
use wire::text::{Unit, cut, cut_chars};

use crate::kit::Task;
use crate::kit::telling::{Telling, still};

const TITLE_MAX: usize = 300;
const TEXT_MAX: usize = 1500;
const PARAGRAPH_MAX: usize = 600;
const FACT_MAX: usize = 200;
const LABELS_MAX: usize = 400;
const LINK_WORDS_MAX: usize = 60;
const FOOTER_MAX: usize = 200;
/// The whole in bytes: DingTalk is said to take 20,000 of a body, and quotes and line breaks count twice there.
const CONTENT_BYTES_MAX: usize = 9_500;

/// The message: one text for one event.
pub fn message(task: &Task<'_>, keyword: Option<&str>) -> Value {
    let telling = Telling::of_event(task);
    let happened = telling.happened.clone();
    body(&telling, &happened, keyword)
}

/// A reminder: that it is still so, and for how long.
pub fn reminder(task: &Task<'_>, keyword: Option<&str>) -> Value {
    body(&Telling::of_alert(task), &still(task), keyword)
}

fn body(telling: &Telling, second_line: &str, keyword: Option<&str>) -> Value {
    let headline = format!(
        "{} {}{} {}",
        telling.mood.sign(),
        telling.test,
        telling.tag,
        cut_chars(&telling.title, TITLE_MAX)
    );
    // What must not be cut away comes first.
    let mut lines = vec![headline];
    lines.extend(keyword.map(str::to_owned));
    if !second_line.is_empty() {
        lines.push(second_line.to_owned());
    }
    if let Some(url) = &telling.url {
        lines.push(format!("Details: {url}"));
    }
    for (name, value) in &telling.facts {
        lines.push(format!("{name}: {}", cut_chars(value, FACT_MAX)));
    }
    if !telling.text.is_empty() {
        lines.push(cut_chars(&telling.text, TEXT_MAX).into_owned());
    }
    for (heading, words) in &telling.paragraphs {
        lines.push(format!("{heading}: {}", cut_chars(words, PARAGRAPH_MAX)));
    }
    for (words, url) in &telling.links {
        lines.push(format!("{}: {url}", cut_chars(words, LINK_WORDS_MAX)));
    }
    if !telling.labels.is_empty() {
        lines.push(cut_chars(&telling.labels, LABELS_MAX).into_owned());
    }
    lines.push(cut_chars(&telling.footer, FOOTER_MAX).into_owned());
    let content = lines.join("\n");
    json!({
        "msgtype": "text",
        "text": { "content": cut(&content, CONTENT_BYTES_MAX, Unit::Bytes) },
        "at": { "isAtAll": false },
    })
}
