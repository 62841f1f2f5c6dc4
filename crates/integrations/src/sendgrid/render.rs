//! The mail.
//!
//! Fields and limits: SendGrid's API description of `POST /v3/mail/send`, read 2026-11.

use model::EventKind;
use serde_json::{Value, json};
use wire::text::{clean, cut_chars, escape_html, one_line};

use super::sink::SendGrid;
use crate::kit::{Body, Happening, Task, words};

/// A subject in characters: longer ones are folded, and nobody reads them.
const SUBJECT_CHARS_MAX: usize = 200;
/// A paragraph in characters. A mail may have 30 MB; people read less.
const PARAGRAPH_CHARS_MAX: usize = 10_000;
/// Labels shown, and characters of one.
const LABELS_SHOWN_MAX: usize = 40;
const LABEL_CHARS_MAX: usize = 300;

/// The body of the request.
pub fn mail(sink: &SendGrid, task: &Task<'_>) -> Value {
    let happening = Happening::of(task);
    let body = happening.body(task);
    let test = if task.test { "Test: " } else { "" };
    let subject = format!("{test}{} {}", happening.tag(), words::title(task.alert));
    let mut mail = envelope(sink, &cut_chars(&one_line(&subject), SUBJECT_CHARS_MAX));
    mail["headers"] = thread(sink, task, &happening);
    // Plain text must come before HTML.
    mail["content"] = json!([
        { "type": "text/plain", "value": plain(task, &happening, &body) },
        { "type": "text/html", "value": html(task, &happening, &body) },
    ]);
    mail
}

/// A mail that SendGrid checks and does not send.
pub fn trial(sink: &SendGrid) -> Value {
    let mut mail = envelope(sink, "A check of the settings");
    mail["content"] = json!([{
        "type": "text/plain",
        "value": "The hub checks whether SendGrid would take its mails. There is nothing to do.",
    }]);
    mail["mail_settings"] = json!({ "sandbox_mode": { "enable": true } });
    mail
}

fn envelope(sink: &SendGrid, subject: &str) -> Value {
    let to: Vec<Value> = sink
        .to
        .iter()
        .map(|email| json!({ "email": email }))
        .collect();
    let mut mail = json!({
        "personalizations": [{ "to": to }],
        "from": { "email": sink.from, "name": sink.from_name },
        "subject": subject,
        "categories": ["campanile"],
        // Links must lead where they say, and whether an alert was read is nobody else's business.
        "tracking_settings": {
            "click_tracking": { "enable": false, "enable_text": false },
            "open_tracking": { "enable": false },
        },
    });
    if let Some(address) = &sink.reply_to {
        mail["reply_to"] = json!({ "email": address });
    }
    mail
}

/// What makes the mails of one alert a thread: the opening has the alert's id as its own, all others answer to it. Mail
/// programs do so even if the opening never came.
fn thread(sink: &SendGrid, task: &Task<'_>, happening: &Happening<'_>) -> Value {
    let domain = sink.from.rsplit('@').next().unwrap_or_default();
    let root = format!("<{}@{domain}>", task.alert.id);
    let is_first = match happening.kind {
        EventKind::Opened | EventKind::Informed => !task.test,
        _ => false,
    };
    if is_first {
        return json!({ "Message-ID": root, "Auto-Submitted": "auto-generated" });
    }
    // The same for every retry, so that mail programs may drop what comes twice.
    let key: String = task
        .idempotency_key
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "-_.".contains(c) {
                c
            } else {
                '_'
            }
        })
        .collect();
    json!({
        "Message-ID": format!("<{}.{key}@{domain}>", task.alert.id),
        "In-Reply-To": root,
        "References": root,
        "Auto-Submitted": "auto-generated",
    })
}

fn plain(task: &Task<'_>, happening: &Happening<'_>, body: &Body) -> String {
    let mut parts = vec![format!(
        "{}: {}",
        happening.headline(),
        words::title(task.alert)
    )];
    for (heading, text) in &body.paragraphs {
        let text = cut_chars(text, PARAGRAPH_CHARS_MAX);
        parts.push(match heading {
            Some(heading) => format!("{heading}: {text}"),
            None => text.into_owned(),
        });
    }
    let facts: Vec<String> = body
        .facts
        .iter()
        .map(|(n, v)| format!("{n}: {v}"))
        .collect();
    parts.push(facts.join("\n"));
    let links: Vec<String> = body
        .links
        .iter()
        .map(|(l, url)| format!("{l}: {url}"))
        .collect();
    parts.push(links.join("\n"));
    parts.push(labels(body).join("\n"));
    parts.push(footer(task));
    parts.retain(|part| !part.is_empty());
    parts.join("\n\n")
}

fn html(task: &Task<'_>, happening: &Happening<'_>, body: &Body) -> String {
    let mut out = format!(
        "<p><strong>{}</strong>: {}</p>",
        escape_html(&happening.headline()),
        escape_html(&words::title(task.alert))
    );
    for (heading, text) in &body.paragraphs {
        let text = cut_chars(text, PARAGRAPH_CHARS_MAX);
        let heading = heading.as_ref().map_or(String::new(), |h| {
            format!("<strong>{}:</strong> ", escape_html(h))
        });
        let text = escape_html(&text).replace('\n', "<br>");
        out.push_str(&format!("<p>{heading}{text}</p>"));
    }
    out.push_str("<table>");
    for (name, value) in &body.facts {
        out.push_str(&format!(
            "<tr><td>{}</td><td>{}</td></tr>",
            escape_html(name),
            escape_html(value)
        ));
    }
    out.push_str("</table>");
    let links: Vec<String> = body
        .links
        .iter()
        .map(|(label, url)| {
            format!(
                "<a href=\"{}\">{}</a>",
                escape_html(url),
                escape_html(label)
            )
        })
        .collect();
    out.push_str(&format!("<p>{}</p>", links.join(" · ")));
    let labels: Vec<String> = labels(body)
        .iter()
        .map(|label| escape_html(label).into_owned())
        .collect();
    if !labels.is_empty() {
        out.push_str(&format!("<p>{}</p>", labels.join("<br>")));
    }
    out.push_str(&format!(
        "<p><small>{}</small></p>",
        escape_html(&footer(task))
    ));
    out
}

fn labels(body: &Body) -> Vec<String> {
    body.labels
        .iter()
        .take(LABELS_SHOWN_MAX)
        .map(|(name, value)| cut_chars(&format!("{name}={value}"), LABEL_CHARS_MAX).into_owned())
        .collect()
}

fn footer(task: &Task<'_>) -> String {
    clean(&format!(
        "{} · {} · {}",
        task.project, task.integration, task.alert.id
    ))
    .into_owned()
}
