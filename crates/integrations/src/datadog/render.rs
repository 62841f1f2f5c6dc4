//! The event that is posted.
//!
//! Limits and fields: Datadog's API reference, "Post an event" (v1), read 2026-11.

use model::{Alert, DurationMs, Severity, Timestamp};
use serde_json::{Value, json};
use wire::text::{cut_chars, one_line};

use super::sink::Datadog;
use crate::kit::{Happening, Task, words};

/// The text in characters, its Markdown marks included.
const TEXT_CHARS_MAX: usize = 4000;
/// The title in characters: v1 names no limit, v2 of the same event takes 500.
const TITLE_CHARS_MAX: usize = 500;
/// Tags of one event and characters of one (the limits of v2).
const TAGS_MAX: usize = 100;
const TAG_CHARS_MAX: usize = 200;
/// A host's name in characters (the limit of v2).
const HOST_CHARS_MAX: usize = 255;
/// `date_happened` is refused when older than 18 hours; a quarter of an hour is left for the way and for clocks.
const AGE_MAX: DurationMs = DurationMs::from_secs(18 * 3600 - 900);
/// Nor may it lie more than two hours ahead.
const AHEAD_MAX: DurationMs = DurationMs::from_secs(2 * 3600 - 900);
/// What makes the text Markdown.
const MARKDOWN: (&str, &str) = ("%%% \n", "\n %%%");
/// A paragraph in characters, so that one does not leave the others without room.
const PARAGRAPH_CHARS_MAX: usize = 1500;

/// The body of the request.
pub fn event(sink: &Datadog, task: &Task<'_>) -> Value {
    let happening = Happening::of(task);
    let test = if task.test { "Test: " } else { "" };
    let title = format!(
        "{test}{} {}: {}",
        happening.tag(),
        words::title(task.alert),
        happening.headline()
    );
    let mut body = json!({
        "title": cut_chars(&without_mentions(&one_line(&title)), TITLE_CHARS_MAX),
        "text": text(task, &happening),
        "alert_type": alert_type(&happening),
        "priority": priority(&happening),
        "aggregation_key": task.alert.id.to_string(),
        "source_type_name": sink.source_type_name,
        "tags": tags(sink, task, &happening),
    });
    if let Some(at) = date_happened(happening.at, task.now) {
        body["date_happened"] = Value::from(at);
    }
    if let Some(host) = host(sink, task.alert) {
        body["host"] = Value::from(host);
    }
    body
}

/// An end is a success, what people do is their update, the rest is as bad as its severity.
fn alert_type(happening: &Happening<'_>) -> &'static str {
    if happening.is_closing() {
        return "success";
    }
    if happening.is_by_people() {
        return "user_update";
    }
    match happening.severity() {
        Severity::Critical | Severity::Major => "error",
        Severity::Minor | Severity::Warning => "warning",
        Severity::Info => "info",
    }
}

/// What is only for the record is low.
fn priority(happening: &Happening<'_>) -> &'static str {
    match happening.severity() {
        Severity::Info => "low",
        _ => "normal",
    }
}

/// In seconds, if Datadog takes it; without it an event happens when it comes.
fn date_happened(at: Timestamp, now: Timestamp) -> Option<i64> {
    let age = now.since(at);
    (age <= AGE_MAX && age.0 >= -AHEAD_MAX.0).then_some(at.unix_seconds())
}

fn text(task: &Task<'_>, happening: &Happening<'_>) -> String {
    let room = TEXT_CHARS_MAX - MARKDOWN.0.len() - MARKDOWN.1.len();
    let mut text = Markdown::new(room);
    let body = happening.body(task);
    let mut headline = happening.headline();
    if date_happened(happening.at, task.now).is_none() {
        headline = format!("{headline}, at {}", words::utc(happening.at));
    }
    text.paragraph("**", &headline, "**", PARAGRAPH_CHARS_MAX);
    for (name, value) in &body.facts {
        text.line(&format!("- {name}: "), value);
    }
    text.push("\n");
    for (heading, paragraph) in &body.paragraphs {
        let before = heading
            .as_ref()
            .map_or(String::new(), |h| format!("**{h}:** "));
        text.paragraph(&before, paragraph, "", PARAGRAPH_CHARS_MAX);
    }
    for (label, url) in &body.links {
        text.link(label, url);
    }
    format!("{}{}{}", MARKDOWN.0, text.out.trim_end(), MARKDOWN.1)
}

/// Markdown that never grows beyond its room.
struct Markdown {
    out: String,
    /// Characters left.
    left: usize,
}

impl Markdown {
    fn new(left: usize) -> Markdown {
        Markdown {
            out: String::new(),
            left,
        }
    }

    fn push(&mut self, text: &str) {
        self.left = self.left.saturating_sub(text.chars().count());
        self.out.push_str(text);
    }

    fn paragraph(&mut self, before: &str, text: &str, after: &str, max: usize) {
        let marks = before.chars().count() + after.chars().count() + 2;
        // A paragraph of a few characters says nothing.
        let Some(room) = self.left.checked_sub(marks).filter(|room| *room >= 20) else {
            return;
        };
        let text = markdown_within(text, room.min(max));
        self.push(&format!("{before}{text}{after}\n\n"));
    }

    fn line(&mut self, before: &str, text: &str) {
        let marks = before.chars().count() + 2;
        let Some(room) = self.left.checked_sub(marks).filter(|room| *room >= 20) else {
            return;
        };
        let text = markdown_within(text, room);
        self.push(&format!("{before}{text}\n"));
    }

    fn link(&mut self, label: &str, url: &str) {
        // Brackets would end the address; the rest of a parsed address is harmless in it.
        let url = url.replace('(', "%28").replace(')', "%29");
        let link = format!("- [{}]({url})\n", markdown_within(label, 200));
        if link.chars().count() <= self.left && !link.contains("%%%") {
            self.push(&link);
        }
    }
}

/// Escaped for Markdown and cut to `max` characters without splitting an escape. Mentions lose their power, and no
/// `%%%` ends the Markdown.
fn markdown_within(text: &str, max: usize) -> String {
    let mut out = String::new();
    let (mut used, mut percents, mut end, mut begins_line) = (0, 0, 0, true);
    for c in text.chars() {
        percents = if c == '%' { percents + 1 } else { 0 };
        let piece = match c {
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '<' | '>' | '|' | '~' => {
                format!("\\{c}")
            }
            // Headings and lists.
            '#' | '+' | '-' | '=' if begins_line => format!("\\{c}"),
            '@' => "@\u{200b}".to_owned(),
            '%' if percents > 1 => {
                percents = 1;
                " %".to_owned()
            }
            c => c.to_string(),
        };
        begins_line = c == '\n' || (begins_line && c.is_whitespace());
        used += piece.chars().count();
        if used > max {
            out.truncate(end);
            out.push('…');
            return out;
        }
        out.push_str(&piece);
        if used < max {
            end = out.len();
        }
    }
    out
}

/// `@name` in an event's title or text notifies people; labels must not. An invisible space takes the power from it.
fn without_mentions(text: &str) -> String {
    text.replace('@', "@\u{200b}")
}

/// `name:value` of labels, of what we know ourselves, and of the settings. Datadog turns characters that it does not
/// take into underscores.
fn tags(sink: &Datadog, task: &Task<'_>, happening: &Happening<'_>) -> Vec<String> {
    let own = [
        ("severity", happening.severity().as_str()),
        ("status", happening.status.as_str()),
        ("event", happening.kind.as_str()),
        ("project", task.project),
        ("integration", task.integration),
    ];
    let own = own.iter().map(|(name, value)| tag(name, value));
    let labels = task
        .alert
        .content
        .labels
        .iter()
        .filter(|(name, _)| *name != "severity")
        .map(|(name, value)| tag(name, value));
    let mut tags: Vec<String> = Vec::new();
    for tag in own.chain(sink.tags.iter().cloned()).chain(labels) {
        if tags.len() < TAGS_MAX && !tag.is_empty() && !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    tags
}

fn tag(name: &str, value: &str) -> String {
    let (name, value) = (one_line(name), one_line(value));
    if name.is_empty() || value.is_empty() {
        return String::new();
    }
    cut_chars(&format!("{name}:{value}"), TAG_CHARS_MAX).into_owned()
}

/// The host that the event belongs to, without a port.
fn host(sink: &Datadog, alert: &Alert) -> Option<String> {
    let value = one_line(alert.content.labels.get(&sink.host_label)?);
    let host = match value.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') && port.bytes().all(|b| b.is_ascii_digit()) => {
            host
        }
        _ => value.as_str(),
    };
    (!host.is_empty()).then(|| cut_chars(host, HOST_CHARS_MAX).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_older_than_datadog_takes_happens_when_it_comes() {
        let now = Timestamp(1_763_640_061_000);
        let hours = |h: i64| Timestamp(now.0 - h * 3_600_000);
        assert_eq!(date_happened(now, now), Some(1_763_640_061));
        assert_eq!(
            date_happened(hours(17), now),
            Some(hours(17).unix_seconds())
        );
        for at in [
            hours(18),
            hours(400),
            hours(-2),
            Timestamp::ZERO,
            Timestamp::NEVER,
        ] {
            assert_eq!(date_happened(at, now), None, "{at}");
        }
    }

    #[test]
    fn markdown_mentions_and_the_end_mark_lose_their_power() {
        let table = [
            ("a *b* [c](d)", "a \\*b\\* \\[c\\](d)"),
            ("# a-b\n - c", "\\# a-b\n \\- c"),
            ("@ops-team", "@\u{200b}ops-team"),
            ("x %%% y", "x % % % y"),
            ("%%%%", "% % % %"),
            ("91 %", "91 %"),
        ];
        for (text, expected) in table {
            assert_eq!(markdown_within(text, 100), expected);
        }
        assert_eq!(markdown_within("ab*c", 4), "ab…");
    }

    proptest! {
        #[test]
        fn markdown_is_within_its_limit(text in "[a%@*\\\\ö]{0,60}", max in 1usize..70) {
            let out = markdown_within(&text, max);
            prop_assert!(out.chars().count() <= max);
            prop_assert!(!out.contains("%%%"));
        }
    }
}
