//! Incidents and changes as a person sees them.

use super::state::{Account, Change, Incident, Status};
use crate::exchange::Reply;
use crate::limits;
use crate::page::{escape, shell, time_of_day};
use std::fmt::Write as _;

/// The newest incidents and changes, newest first.
pub(super) fn account(account: &Account) -> Reply {
    let count = |status| {
        let of = account.incidents.values();
        of.filter(|incident| incident.status == status).count()
    };
    let mut main = format!(
        "<header class=\"bar\"><h1>PagerDuty</h1><p>{} triggered · {} acknowledged · {} resolved · {} events dropped</p></header>",
        count(Status::Triggered),
        count(Status::Acknowledged),
        count(Status::Resolved),
        account.dropped
    );
    if account.incidents.is_empty() {
        main.push_str("<p class=\"empty\">No incident yet. Nobody was paged.</p>");
    }
    for shown in account
        .incidents
        .values()
        .rev()
        .take(limits::PAGE_DELIVERIES)
    {
        incident(&mut main, account, shown);
    }
    let changes: Vec<&Change> = account.changes.iter().rev().collect();
    if !changes.is_empty() {
        main.push_str("<div class=\"day\">Recent changes</div>");
    }
    for change in changes.into_iter().take(limits::PAGE_DELIVERIES) {
        let _ = write!(
            main,
            "<section class=\"hit\"><p><span class=\"when\">{}</span><b>{}</b><span class=\"tag\">{}</span></p></section>",
            time_of_day(change.at),
            escape(change.payload["summary"].as_str().unwrap_or_default()),
            escape(change.payload["source"].as_str().unwrap_or_default()),
        );
    }
    shell("PagerDuty", &main)
}

fn incident(out: &mut String, account: &Account, incident: &Incident) {
    let service = account.services.get(&incident.routing_key);
    let bar = match incident.status {
        Status::Triggered => "bad",
        Status::Acknowledged => "",
        Status::Resolved => "good",
    };
    let _ = write!(
        out,
        "<section class=\"hit\"><p><span class=\"when\">{}</span><b>#{} {}</b><span class=\"tag {bar}\">{}</span><span class=\"tag\">{}</span><span class=\"when\">{} · {} trigger(s)</span></p>",
        time_of_day(incident.created_at),
        incident.number,
        escape(&incident.title),
        incident.status.word(),
        escape(incident.payload["severity"].as_str().unwrap_or_default()),
        escape(service.map_or("", |service| service.name.as_str())),
        incident.triggers,
    );
    if let Some(until) = incident.snoozed_until {
        let _ = write!(out, "<p>Snoozed until {}</p>", time_of_day(until));
    }
    for note in &incident.notes {
        let _ = write!(
            out,
            "<p><span class=\"when\">{}</span>{} <span class=\"when\">{}</span></p>",
            time_of_day(note.at),
            escape(&note.content),
            escape(&note.from)
        );
    }
    let details = &incident.payload["custom_details"];
    if details.is_object() {
        let whole = serde_json::to_string_pretty(details).unwrap_or_default();
        let shown: String = whole.chars().take(limits::PAGE_BODY_CHARS).collect();
        let _ = write!(out, "<pre>{}</pre>", escape(&shown));
    }
    out.push_str("</section>");
}
