//! The texts, in Telegram's HTML: everything from outside is escaped, so only our own tags are tags.
//!
//! A message has 4,096 UTF-16 units after its tags are taken out (Bot API, "sendMessage" and "Formatting options", read
//! 2026-11). Each part has a share of its own, so that the whole stays below.

use model::Event;
use wire::text::{Unit, clean, cut, escape_html};

use crate::kit::Task;
use crate::kit::telling::{Telling, remark_heading, still};

const TITLE_MAX: usize = 256;
const TEXT_MAX: usize = 1200;
/// Cause, remedy, a note: at most three.
const PARAGRAPH_MAX: usize = 350;
const LINK_WORDS_MAX: usize = 40;
const LABELS_MAX: usize = 200;
/// A fact's value; there are at most seven.
const FACT_MAX: usize = 80;
const FOOTER_MAX: usize = 150;
/// A note as an answer of its own.
const NOTE_MAX: usize = 1200;
/// Notes of one answer: more come only after a long outage.
const NOTES_SHOWN_MAX: usize = 3;

/// The alert as it is. `with_remark`: the newest remark stands in it, because no answer of its own tells it.
pub fn message(task: &Task<'_>, with_remark: bool) -> String {
    let telling = if with_remark {
        Telling::of_state(task)
    } else {
        Telling::of_alert(task)
    };
    let mut lines = vec![format!("{} {}", telling.mood.sign(), headline(&telling))];
    if !telling.text.is_empty() {
        lines.push(escaped(&telling.text, TEXT_MAX));
    }
    for (heading, words) in &telling.paragraphs {
        lines.push(paragraph(heading, words, PARAGRAPH_MAX));
    }
    let links: Vec<String> = telling
        .links
        .iter()
        .map(|(words, url)| link(url, words, LINK_WORDS_MAX))
        .collect();
    if !links.is_empty() {
        lines.push(links.join(" · "));
    }
    for (name, value) in &telling.facts {
        lines.push(format!("<b>{name}:</b> {}", escaped(value, FACT_MAX)));
    }
    if !telling.labels.is_empty() {
        lines.push(escaped(&telling.labels, LABELS_MAX));
    }
    lines.push(format!("<i>{}</i>", escaped(&telling.footer, FOOTER_MAX)));
    lines.join("\n")
}

/// A reminder: that it is still so, and for how long.
pub fn reminder(task: &Task<'_>) -> String {
    format!("{}: {}", still(task), headline(&Telling::of_alert(task)))
}

/// The remarks of a task's events, as one answer; `None` if there is none. Of many the newest stand in it.
pub fn notes(events: &[Event]) -> Option<String> {
    let all: Vec<String> = events
        .iter()
        .filter_map(|event| {
            let note = event.note.as_deref()?;
            let heading = remark_heading(event);
            Some(paragraph(&heading, clean(note).trim(), NOTE_MAX))
        })
        .collect();
    let newest = &all[all.len().saturating_sub(NOTES_SHOWN_MAX)..];
    (!newest.is_empty()).then(|| newest.join("\n"))
}

fn headline(telling: &Telling) -> String {
    let title = match &telling.url {
        Some(url) => link(url, &telling.title, TITLE_MAX),
        None => escaped(&telling.title, TITLE_MAX),
    };
    format!("<b>{}{}</b> {title}", telling.test, telling.tag)
}

fn paragraph(heading: &str, words: &str, max: usize) -> String {
    format!("<b>{}:</b> {}", escaped(heading, 100), escaped(words, max))
}

fn link(url: &str, words: &str, max: usize) -> String {
    format!(
        "<a href=\"{}\">{}</a>",
        escape_html(url),
        escaped(words, max)
    )
}

/// Cut before it is escaped: Telegram counts what is left when tags and entities are taken out.
fn escaped(text: &str, max: usize) -> String {
    escape_html(&cut(text, max, Unit::Utf16)).into_owned()
}
