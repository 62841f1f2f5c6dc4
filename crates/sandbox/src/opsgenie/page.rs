//! The alerts as a person sees them.

use super::account::Account;
use super::alert::Alert;
use crate::exchange::Reply;
use crate::limits;
use crate::page::{escape, shell, time_of_day};
use std::fmt::Write as _;

/// The page at a path below the vendor's, if there is one.
pub(super) fn at(account: &Account, path: &str, title: &str) -> Option<Reply> {
    (path == "/").then(|| alerts(account, title))
}

/// The newest alerts, newest first.
fn alerts(account: &Account, title: &str) -> Reply {
    let open = account.alerts().filter(|alert| !alert.closed).count();
    let all = account.alerts().count();
    let mut main = format!(
        "<header class=\"bar\"><h1>{}</h1><p>{open} open · {all} in all</p></header>",
        escape(title)
    );
    if all == 0 {
        main.push_str("<p class=\"empty\">No alerts yet.</p>");
    }
    for alert in account.alerts().rev().take(limits::PAGE_DELIVERIES) {
        one(&mut main, alert);
    }
    shell(title, &main)
}

fn one(out: &mut String, alert: &Alert) {
    let (color, state) = match (alert.closed, alert.acknowledged) {
        (true, _) => ("good", "closed"),
        (false, true) => ("", "acknowledged"),
        (false, false) => ("bad", "open"),
    };
    let _ = write!(
        out,
        "<section class=\"hit\"><p><span class=\"when\">{}</span><b>{}</b><span class=\"tag {color}\">{state}</span>\
<span class=\"tag\">{}</span><span class=\"tag\">x{}</span>",
        time_of_day(alert.created_at),
        escape(&alert.message),
        escape(&alert.priority),
        alert.count
    );
    if let Some(until) = alert.snoozed_until {
        let _ = write!(
            out,
            "<span class=\"tag\">snoozed until {}</span>",
            time_of_day(until)
        );
    }
    if !alert.owner.is_empty() {
        let _ = write!(
            out,
            "<span class=\"tag\">owner {}</span>",
            escape(&alert.owner)
        );
    }
    let _ = write!(
        out,
        "<span class=\"when\">#{} · {} · {}</span></p>",
        alert.tiny_id,
        escape(&alert.alias),
        escape(&alert.source)
    );
    if !alert.description.is_empty() {
        let shown: String = alert
            .description
            .chars()
            .take(limits::PAGE_BODY_CHARS)
            .collect();
        let _ = write!(out, "<pre>{}</pre>", escape(&shown));
    }
    for note in &alert.notes {
        let _ = write!(
            out,
            "<p><span class=\"when\">{}</span><b>{}</b> {}</p>",
            time_of_day(note.at),
            escape(&note.owner),
            escape(&note.text)
        );
    }
    out.push_str("</section>");
}
