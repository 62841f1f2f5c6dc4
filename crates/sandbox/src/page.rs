//! The shell of the pages that people see. Every text on them is hostile until it went through [`escape`].

use crate::exchange::Reply;
use base64::Engine as _;
use http::{HeaderValue, StatusCode};
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use std::sync::LazyLock;

/// Text as HTML, in elements and in quoted attributes.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // Controls other than white space can hide or reorder what a person reads.
            c if c.is_control() && c != '\n' && c != '\t' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// Fetches the page again every two seconds and shows it when it changed.
const REFRESH: &str = "setInterval(async () => { try { const r = await fetch(location.href); if (!r.ok) return; \
const next = new DOMParser().parseFromString(await r.text(), 'text/html').querySelector('main'); \
const now = document.querySelector('main'); if (next && now.innerHTML !== next.innerHTML) { \
const low = innerHeight + scrollY > document.body.scrollHeight - 80; now.replaceWith(next); \
if (low) scrollTo(0, document.body.scrollHeight); } } catch (e) {} }, 2000)";

/// Only our own script runs, whatever a message contains.
static POLICY: LazyLock<Option<HeaderValue>> = LazyLock::new(|| {
    let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(REFRESH));
    let policy = format!(
        "default-src 'none'; style-src 'unsafe-inline'; connect-src 'self'; base-uri 'none'; form-action 'none'; script-src 'sha256-{hash}'"
    );
    HeaderValue::try_from(policy).ok()
});

/// A whole page; `main` is HTML already, `title` is text.
pub(crate) fn shell(title: &str, main: &str) -> Reply {
    let title = escape(title);
    let mut reply = Reply::html(format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
<title>{title}</title><style>{}</style></head><body><main>{main}</main><script>{REFRESH}</script></body></html>",
        include_str!("page.css")
    ));
    if let Some(policy) = &*POLICY {
        reply
            .headers
            .insert(http::header::CONTENT_SECURITY_POLICY, policy.clone());
    }
    reply
}

/// The list of vendors, with their names and what they are.
pub(crate) fn index(vendors: &[(&str, &str)], requests: u64, violations: u64) -> Reply {
    let mut main = String::from(
        "<header class=\"bar\"><h1>Sandbox</h1><p>Simulated vendors. Nothing here reaches the real ones.</p></header><ul class=\"list\">",
    );
    for (name, about) in vendors {
        let _ = write!(
            main,
            "<li><a href=\"/{name}\">{name}</a><span>{}</span></li>",
            escape(about)
        );
    }
    let _ = write!(
        main,
        "</ul><p class=\"foot\"><a href=\"/_requests?limit=100\">{requests} requests</a> · \
<a href=\"/_violations\">{violations} broken rules</a> · <a href=\"/_faults\">faults</a></p>"
    );
    shell("Campanile sandbox", &main)
}

pub(crate) fn nothing_here() -> Reply {
    Reply::complaint(
        StatusCode::NOT_FOUND,
        "no such vendor in the sandbox; GET / lists them",
    )
}

/// Hour, minute and second of a time in UTC, e.g. `12:34:56`.
pub(crate) fn time_of_day(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).map_or_else(
        |_| "--:--:--".into(),
        |at| at.strftime("%H:%M:%S").to_string(),
    )
}

/// The day of a time in UTC, e.g. `Tuesday, 3 March 2026`.
pub(crate) fn day(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).map_or_else(
        |_| "some day".into(),
        |at| at.strftime("%A, %-d %B %Y").to_string(),
    )
}
