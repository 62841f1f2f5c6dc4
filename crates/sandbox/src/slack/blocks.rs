//! Attachments and blocks as HTML.

use super::attachment_rules::is_colour;
use super::mrkdwn::{anchor, mrkdwn, plain};
use crate::page::escape;
use serde_json::Value;
use std::fmt::Write as _;

/// The colour of an attachment's bar; only what Slack knows as one gets into the page.
fn bar(colour: &str) -> &str {
    match colour {
        "good" => "#2eb886",
        "warning" => "#daa038",
        "danger" => "#a30200",
        hex if is_colour(hex) => hex,
        _ => "#dddddd",
    }
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// A text object by its type, or a string.
fn text_object(object: &Value) -> String {
    match object.get("type").and_then(Value::as_str) {
        Some("mrkdwn") => mrkdwn(text(object, "text")),
        _ => plain(text(object, "text")),
    }
}

/// One attachment with its bar.
pub(super) fn attachment(out: &mut String, attachment: &Value) {
    let _ = write!(
        out,
        "<div class=\"att\"><i style=\"background:{}\"></i><div>",
        bar(text(attachment, "color"))
    );
    if !text(attachment, "author_name").is_empty() {
        let name = plain(text(attachment, "author_name"));
        let _ = write!(
            out,
            "<div class=\"author\">{}</div>",
            anchor(text(attachment, "author_link"), &name)
        );
    }
    if !text(attachment, "title").is_empty() {
        let title = plain(text(attachment, "title"));
        let _ = write!(
            out,
            "<div class=\"title\">{}</div>",
            anchor(text(attachment, "title_link"), &title)
        );
    }
    if !text(attachment, "text").is_empty() {
        let _ = write!(out, "<div>{}</div>", mrkdwn(text(attachment, "text")));
    }
    if let Some(list) = attachment
        .get("fields")
        .and_then(Value::as_array)
        .filter(|list| !list.is_empty())
    {
        out.push_str("<div class=\"fields\">");
        for field in list {
            let wide = if field.get("short") == Some(&Value::Bool(true)) {
                ""
            } else {
                " class=\"wide\""
            };
            let _ = write!(
                out,
                "<div{wide}><div class=\"name\">{}</div>{}</div>",
                plain(text(field, "title")),
                mrkdwn(text(field, "value"))
            );
        }
        out.push_str("</div>");
    }
    for block in attachment
        .get("blocks")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        self::block(out, block);
    }
    if let Some(actions) = attachment.get("actions").and_then(Value::as_array) {
        buttons(out, actions);
    }
    footer(out, attachment);
    out.push_str("</div></div>");
}

fn footer(out: &mut String, attachment: &Value) {
    let footer = text(attachment, "footer");
    let ts = attachment
        .get("ts")
        .and_then(|ts| ts.as_f64().or_else(|| ts.as_str()?.parse().ok()));
    if footer.is_empty() && ts.is_none() {
        return;
    }
    let _ = write!(out, "<div class=\"footer\">{}", plain(footer));
    if let Some(ts) = ts {
        let _ = write!(
            out,
            " · {}",
            crate::page::time_of_day((ts * 1_000.0) as i64)
        );
    }
    out.push_str("</div>");
}

/// One block.
pub(super) fn block(out: &mut String, block: &Value) {
    match text(block, "type") {
        "header" => {
            let _ = write!(
                out,
                "<div class=\"head\">{}</div>",
                block.get("text").map(text_object).unwrap_or_default()
            );
        }
        "section" => section(out, block),
        "divider" => out.push_str("<hr>"),
        "context" => {
            let shown: Vec<_> = elements(block)
                .map(|element| {
                    if text(element, "type") == "image" {
                        image(element)
                    } else {
                        text_object(element)
                    }
                })
                .collect();
            let _ = write!(
                out,
                "<div class=\"context\">{}</div>",
                shown.join(" &nbsp; ")
            );
        }
        "actions" => {
            let all: Vec<_> = elements(block).cloned().collect();
            buttons(out, &all);
        }
        "image" => {
            let _ = write!(out, "<div class=\"block\">{}</div>", image(block));
        }
        "markdown" => {
            let _ = write!(
                out,
                "<div class=\"block\">{}</div>",
                plain(text(block, "text"))
            );
        }
        other => {
            let _ = write!(
                out,
                "<div class=\"context\">[{} block]</div>",
                escape(other)
            );
        }
    }
}

fn elements(block: &Value) -> impl Iterator<Item = &Value> {
    block
        .get("elements")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn section(out: &mut String, block: &Value) {
    out.push_str("<div class=\"block side\"><div>");
    if let Some(object) = block.get("text") {
        out.push_str(&text_object(object));
    }
    if let Some(list) = block.get("fields").and_then(Value::as_array) {
        out.push_str("<div class=\"fields\">");
        for field in list {
            let _ = write!(out, "<div>{}</div>", text_object(field));
        }
        out.push_str("</div>");
    }
    out.push_str("</div>");
    match block.get("accessory") {
        Some(accessory) if text(accessory, "type") == "image" => out.push_str(&image(accessory)),
        Some(accessory) => button(out, accessory),
        None => {}
    }
    out.push_str("</div>");
}

fn buttons(out: &mut String, elements: &[Value]) {
    out.push_str("<div class=\"actions\">");
    for element in elements {
        button(out, element);
    }
    out.push_str("</div>");
}

/// A button or what takes its place. Legacy attachment buttons have their text as a string.
fn button(out: &mut String, element: &Value) {
    let style = match text(element, "style") {
        "primary" => " primary",
        "danger" => " danger",
        _ => "",
    };
    let label = match element.get("text").or_else(|| element.get("placeholder")) {
        Some(Value::String(label)) => plain(label),
        Some(object) => text_object(object),
        None => escape(text(element, "type")),
    };
    let shown = format!("<span class=\"button{style}\">{label}</span>");
    out.push_str(&anchor(text(element, "url"), &shown));
}

/// An image as a link: the page loads nothing from elsewhere.
fn image(image: &Value) -> String {
    let alt = format!("🖼 {}", escape(text(image, "alt_text")));
    anchor(text(image, "image_url"), &alt)
}
