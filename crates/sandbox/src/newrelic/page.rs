//! The newest events as a person sees them.

use super::Row;
use crate::exchange::Reply;
use crate::kept::Kept;
use crate::limits;
use crate::page::{escape, shell, time_of_day};
use std::fmt::Write as _;

pub(super) fn events(rows: &Kept<Row>) -> Reply {
    let mut main = format!(
        "<header class=\"bar\"><h1>New Relic events</h1><p>{} in all</p></header>",
        rows.total()
    );
    if rows.total() == 0 {
        main.push_str("<p class=\"empty\">Nothing yet.</p>");
    }
    for row in rows.iter().rev().take(limits::PAGE_DELIVERIES) {
        let kind = row.event["eventType"].as_str().unwrap_or_default();
        let tone = if kind == "NrIntegrationError" {
            "bad"
        } else {
            ""
        };
        let _ = write!(
            main,
            "<section class=\"hit\"><p><span class=\"when\">{}</span><span class=\"tag {tone}\">{}</span><b>account {}</b></p>",
            time_of_day(row.at),
            escape(kind),
            escape(&row.account)
        );
        let whole = serde_json::to_string_pretty(&row.event).unwrap_or_default();
        let shown: String = whole.chars().take(limits::PAGE_BODY_CHARS).collect();
        let _ = write!(main, "<pre>{}</pre></section>", escape(&shown));
    }
    shell("New Relic events", &main)
}
