//! What the webhook receiver shows to a person.

use super::{Delivery, Webhook};
use crate::exchange::Reply;
use crate::limits;
use crate::page::{escape, shell, time_of_day};
use std::fmt::Write as _;

/// The newest deliveries, newest first.
pub(super) fn deliveries(webhook: &Webhook) -> Reply {
    let (counts, newest) = {
        let state = webhook.state.lock();
        let newest: Vec<_> = state
            .deliveries
            .iter()
            .rev()
            .take(limits::PAGE_DELIVERIES)
            .cloned()
            .collect();
        (state.counts, newest)
    };
    let mut main = format!(
        "<header class=\"bar\"><h1>Webhook receiver</h1><p>{} accepted · {} of them repeated · {} refused</p></header>",
        counts.accepted, counts.duplicates, counts.refused
    );
    if newest.is_empty() {
        main.push_str("<p class=\"empty\">Nothing yet. Send to /webhook/ and any path.</p>");
    }
    for delivery in &newest {
        one(&mut main, delivery);
    }
    shell("Webhook receiver", &main)
}

fn one(out: &mut String, delivery: &Delivery) {
    let request = &delivery.request;
    let good = if delivery.status.is_success() {
        "good"
    } else {
        "bad"
    };
    let _ = write!(
        out,
        "<section class=\"hit\"><p><span class=\"when\">{}</span><b>{} {}</b><span class=\"tag {good}\">{}</span>",
        time_of_day(request.at),
        escape(request.method.as_str()),
        escape(&request.path),
        delivery.status.as_u16()
    );
    if delivery.verified {
        out.push_str("<span class=\"tag good\">signature verified</span>");
    }
    if delivery.duplicate {
        out.push_str("<span class=\"tag\">repeated</span>");
    }
    if let Some(id) = request.header("webhook-id") {
        let _ = write!(out, "<span class=\"when\">{}</span>", escape(id));
    }
    out.push_str("</p>");
    if !request.body.is_empty() {
        let _ = write!(out, "<pre>{}</pre>", escape(&body(&request.body)));
    }
    out.push_str("</section>");
}

/// The body, indented if it is JSON, cut for the page.
fn body(bytes: &[u8]) -> String {
    let pretty = (bytes.len() <= limits::PAGE_BODY_CHARS * 4)
        .then(|| serde_json::from_slice::<serde_json::Value>(bytes).ok())
        .flatten()
        .and_then(|value| serde_json::to_string_pretty(&value).ok());
    let whole = pretty.unwrap_or_else(|| {
        String::from_utf8_lossy(&bytes[..bytes.len().min(limits::PAGE_BODY_CHARS * 4)]).into_owned()
    });
    let mut shown: String = whole.chars().take(limits::PAGE_BODY_CHARS).collect();
    if shown.len() < whole.len() || bytes.len() > limits::PAGE_BODY_CHARS * 4 {
        shown.push_str(" …");
    }
    shown
}
