//! Incidents and the timeline as a person sees them.

use super::state::{Organization, Phase};
use crate::exchange::Reply;
use crate::limits;
use crate::page::{escape, shell, time_of_day};
use std::fmt::Write as _;

/// The newest of both, newest first.
pub(super) fn organization(organization: &Organization) -> Reply {
    let count = |phase| {
        let of = organization.incidents.values();
        of.filter(|incident| incident.phase == phase).count()
    };
    let mut main = format!(
        "<header class=\"bar\"><h1>VictorOps</h1><p>{} triggered · {} acknowledged · {} resolved</p></header>",
        count(Phase::Unacked),
        count(Phase::Acked),
        count(Phase::Resolved)
    );
    if organization.incidents.is_empty() {
        main.push_str("<p class=\"empty\">No incident yet. Nobody was paged.</p>");
    }
    for incident in organization
        .incidents
        .values()
        .rev()
        .take(limits::PAGE_DELIVERIES)
    {
        let (tag, word) = match incident.phase {
            Phase::Unacked => ("bad", "triggered"),
            Phase::Acked => ("", "acknowledged"),
            Phase::Resolved => ("good", "resolved"),
        };
        let by = incident.ack_author.as_deref().unwrap_or_default();
        let _ = write!(
            main,
            "<section class=\"hit\"><p><span class=\"when\">{}</span><b>#{} {}</b><span class=\"tag {tag}\">{word}</span><span class=\"when\">{} · {} alert(s) {}</span></p>",
            time_of_day(incident.opened_at),
            incident.number,
            escape(&incident.name),
            escape(incident.routing_key.as_deref().unwrap_or("default route")),
            incident.alerts,
            escape(by),
        );
        let fields = serde_json::to_string_pretty(&incident.fields).unwrap_or_default();
        let shown: String = fields.chars().take(limits::PAGE_BODY_CHARS).collect();
        let _ = write!(main, "<pre>{}</pre></section>", escape(&shown));
    }
    main.push_str("<div class=\"day\">Timeline</div>");
    for entry in organization
        .timeline
        .iter()
        .rev()
        .take(limits::PAGE_DELIVERIES)
    {
        let message: String = entry
            .message
            .chars()
            .take(limits::PAGE_BODY_CHARS)
            .collect();
        let _ = write!(
            main,
            "<section class=\"hit\"><p><span class=\"when\">{}</span><span class=\"tag\">{}</span><b>{}</b> {}</p></section>",
            time_of_day(entry.at),
            entry.kind,
            escape(&entry.name),
            escape(&message),
        );
    }
    shell("VictorOps", &main)
}
