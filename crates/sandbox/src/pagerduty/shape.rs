//! What REST API v2 shows (PagerDuty's OpenAPI file, 2026-08).

use super::state::{Account, Incident, LogEntry, Note, Status};
use serde_json::{Value, json};

const API: &str = "https://api.pagerduty.com";
const SITE: &str = "https://sandbox.pagerduty.com";

/// RFC 3339 to the second, as the API shows times.
pub(super) fn time(ms: i64) -> Value {
    jiff::Timestamp::from_millisecond(ms).map_or(Value::Null, |at| {
        Value::from(at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
    })
}

fn reference(kind: &str, path: &str, id: &str, summary: &str) -> Value {
    json!({ "id": id, "type": format!("{kind}_reference"), "summary": summary,
        "self": format!("{API}/{path}/{id}"), "html_url": format!("{SITE}/{path}/{id}") })
}

fn user(id: &str) -> Value {
    reference("user", "users", id, id)
}

fn service(account: &Account, incident: &Incident) -> Value {
    let service = account.services.get(&incident.routing_key);
    let (id, name) = service.map_or(("PSRV0000", "gone"), |s| (s.id.as_str(), s.name.as_str()));
    reference("service", "services", id, name)
}

/// An incident.
pub(super) fn incident(account: &Account, incident: &Incident) -> Value {
    let Incident {
        id, number, title, ..
    } = incident;
    let is_resolved = incident.status == Status::Resolved;
    let acknowledged = incident.status == Status::Acknowledged;
    let at = time(incident.status_changed_at);
    let urgency = match incident.payload["severity"].as_str() {
        Some("warning" | "info") => "low",
        _ => "high",
    };
    let by = service(account, incident);
    let mut pending = Vec::new();
    if let Some(until) = incident.snoozed_until {
        pending.push(json!({ "type": "unacknowledge", "at": time(until) }));
    }
    let assignments: Vec<Value> = incident
        .assignees
        .iter()
        .map(|id| json!({ "at": at, "assignee": user(id) }))
        .collect();
    json!({
        "id": id, "type": "incident", "summary": format!("[#{number}] {title}"),
        "self": format!("{API}/incidents/{id}"), "html_url": format!("{SITE}/incidents/{id}"),
        "incident_number": number, "title": title, "description": title,
        "created_at": time(incident.created_at), "updated_at": time(incident.updated_at),
        "status": incident.status.word(), "incident_key": incident.key,
        "service": by,
        "assignments": if is_resolved { Vec::new() } else { assignments },
        "assigned_via": "escalation_policy",
        "last_status_change_at": at, "last_status_change_by": by,
        "resolved_at": if is_resolved { at.clone() } else { Value::Null },
        "resolve_reason": Value::Null,
        "alert_counts": { "all": 1, "triggered": u8::from(!is_resolved), "resolved": u8::from(is_resolved) },
        "is_mergeable": true, "incident_type": { "name": "incident_default" },
        "first_trigger_log_entry": reference("trigger_log_entry", "log_entries", &format!("{id}L1"), "Triggered through the API"),
        "escalation_policy": reference("escalation_policy", "escalation_policies", "PESC0001", "Default"),
        "teams": [], "pending_actions": pending,
        "acknowledgements": if acknowledged { vec![json!({ "at": at, "acknowledger": by })] } else { Vec::new() },
        "alert_grouping": Value::Null, "priority": Value::Null, "conference_bridge": Value::Null,
        "incidents_responders": [], "responder_requests": [], "urgency": urgency,
    })
}

/// The one alert of an incident.
pub(super) fn alert(account: &Account, incident: &Incident) -> Value {
    let Incident { id, title, .. } = incident;
    let status = match incident.status {
        Status::Resolved => "resolved",
        Status::Triggered | Status::Acknowledged => "triggered",
    };
    let mut contexts = Vec::new();
    for link in incident.links.as_array().into_iter().flatten() {
        contexts.push(json!({ "type": "link", "href": link["href"], "text": link["text"] }));
    }
    json!({
        "id": format!("{id}A"), "type": "alert", "summary": title,
        "self": format!("{API}/incidents/{id}/alerts/{id}A"), "html_url": format!("{SITE}/alerts/{id}A"),
        "created_at": time(incident.created_at), "status": status, "alert_key": incident.key,
        "service": service(account, incident),
        "body": { "type": "alert_body", "contexts": contexts,
            "details": incident.payload["custom_details"],
            "cef_details": {
                "summary": incident.payload["summary"], "source_origin": incident.payload["source"],
                "severity": incident.payload["severity"], "source_component": incident.payload["component"],
                "service_group": incident.payload["group"], "event_class": incident.payload["class"],
                "dedup_key": incident.key, "client": incident.client, "client_url": incident.client_url,
            } },
        "incident": { "id": id, "type": "incident_reference" },
        "suppressed": false, "severity": incident.payload["severity"],
        "integration": reference("events_api_v2_inbound_integration", "integrations", "PINT0001", "Events API V2"),
    })
}

/// A note.
pub(super) fn note(note: &Note) -> Value {
    json!({ "id": note.id, "user": user(&note.from), "channel": { "summary": "The PagerDuty website or APIs" },
        "content": note.content, "created_at": time(note.at), "updated_at": time(note.at) })
}

/// An entry of an incident's log.
pub(super) fn log_entry(
    account: &Account,
    incident: &Incident,
    place: usize,
    entry: &LogEntry,
) -> Value {
    let id = format!("{}L{}", incident.id, place + 1);
    json!({ "id": id, "type": entry.kind, "summary": entry.summary,
        "self": format!("{API}/log_entries/{id}"), "html_url": format!("{SITE}/incidents/{}/log_entries/{id}", incident.id),
        "created_at": time(entry.at), "agent": service(account, incident), "channel": { "type": entry.channel },
        "incident": reference("incident", "incidents", &incident.id, &incident.title), "teams": [], "contexts": [] })
}
