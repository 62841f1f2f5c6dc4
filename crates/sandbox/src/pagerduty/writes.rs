//! What REST API v2 changes of an incident.

use super::rest::{Answer, Refusal, body, find};
use super::shape;
use super::state::{Account, Note, Status};
use crate::exchange::Request;
use crate::limits;
use http::StatusCode;
use serde_json::{Value, json};

/// Incidents of one bulk update.
const BULK: usize = 250;
/// The longest snooze, seconds.
const SNOOZE_SECONDS: i64 = 604_800;

pub(super) fn bulk(account: &mut Account, request: &Request, now: i64) -> Answer {
    let body = body(request)?;
    let Some(changes) = body["incidents"].as_array() else {
        return Err(Refusal::invalid("incidents is no list"));
    };
    if changes.len() > BULK {
        return Err(Refusal(
            StatusCode::PAYLOAD_TOO_LARGE,
            2001,
            "Too many incidents",
            vec![format!("at most {BULK}")],
        ));
    }
    let mut shown = Vec::new();
    for change in changes {
        let number = find(account, change["id"].as_str().unwrap_or_default())?;
        update(account, number, change, now)?;
        shown.push(shape::incident(account, &account.incidents[&number]));
    }
    Ok((StatusCode::OK, json!({ "incidents": shown })))
}

/// Changes what is named. A resolved incident that becomes triggered or acknowledged is reopened.
pub(super) fn update(
    account: &mut Account,
    number: u64,
    change: &Value,
    now: i64,
) -> Result<(), Refusal> {
    if !matches!(
        change["type"].as_str(),
        Some("incident" | "incident_reference")
    ) {
        return Err(Refusal::invalid("type must be incident_reference"));
    }
    let status = match &change["status"] {
        Value::Null => None,
        word => Some(
            word.as_str()
                .and_then(Status::from_word)
                .ok_or_else(|| Refusal::invalid("status is unknown"))?,
        ),
    };
    let before = account.incidents[&number].status;
    let conflict = |code, message| Err(Refusal(StatusCode::BAD_REQUEST, code, message, Vec::new()));
    match (before, status) {
        (Status::Resolved, Some(Status::Resolved)) => {
            return conflict(1001, "Incident Already Resolved");
        }
        (Status::Acknowledged, Some(Status::Acknowledged)) => {
            return conflict(1002, "Incident Already Acknowledged");
        }
        _ => {}
    }
    if let Some(status) = status
        && status != before
    {
        account.set_status(number, status, now);
        let kind = match (before, status) {
            (Status::Resolved, _) => "reopen_log_entry",
            (_, Status::Triggered) => "unacknowledge_log_entry",
            (_, Status::Acknowledged) => "acknowledge_log_entry",
            (_, Status::Resolved) => "resolve_log_entry",
        };
        if let Some(incident) = account.incidents.get_mut(&number) {
            incident.note_log(kind, "website", status.word(), now);
        }
    }
    let Some(incident) = account.incidents.get_mut(&number) else {
        return Ok(());
    };
    if let Some(title) = change["title"].as_str() {
        incident.title = title.chars().take(limits::PAGE_BODY_CHARS).collect();
    }
    if let Some(resolution) = change["resolution"].as_str() {
        incident.resolution = Some(resolution.chars().take(limits::PAGE_BODY_CHARS).collect());
    }
    if let Some(level) = change["escalation_level"].as_u64() {
        incident.escalation_level = level;
        incident.note_log("escalate_log_entry", "website", "Escalated", now);
    }
    if let Some(assignments) = change["assignments"].as_array() {
        let ids = assignments.iter().map(|a| a["assignee"]["id"].as_str());
        let ids: Option<Vec<&str>> = ids.collect();
        let Some(ids) = ids.filter(|ids| !ids.is_empty() && ids.len() <= BULK) else {
            return Err(Refusal::invalid("assignments need an assignee with an id"));
        };
        incident.assignees = ids.into_iter().map(str::to_owned).collect();
        incident.note_log("assign_log_entry", "website", "Assigned", now);
    }
    Ok(())
}

pub(super) fn annotate(
    account: &mut Account,
    number: u64,
    body: &Value,
    from: String,
    now: i64,
) -> Answer {
    let content = body["note"]["content"].as_str().unwrap_or_default();
    if content.trim().is_empty() {
        return Err(Refusal::invalid("note.content is missing or blank"));
    }
    let note = Note {
        id: format!("PNOT{:06}", account.next_number()),
        content: content.to_owned(),
        from,
        at: now,
    };
    let shown = shape::note(&note);
    if let Some(incident) = account.incidents.get_mut(&number) {
        if incident.notes.len() >= limits::PAGERDUTY_LOG {
            incident.notes.remove(0);
        }
        incident.note_log("annotate_log_entry", "website", content, now);
        incident.notes.push(note);
    }
    Ok((StatusCode::OK, json!({ "note": shown })))
}

pub(super) fn snooze(account: &mut Account, number: u64, body: &Value, now: i64) -> Answer {
    let duration = body["duration"].as_i64();
    let Some(seconds) = duration.filter(|seconds| (1..=SNOOZE_SECONDS).contains(seconds)) else {
        return Err(Refusal(
            StatusCode::BAD_REQUEST,
            1013,
            "Invalid snooze duration",
            vec![format!("duration is from 1 to {SNOOZE_SECONDS}")],
        ));
    };
    if account.incidents[&number].status == Status::Resolved {
        return Err(Refusal(
            StatusCode::BAD_REQUEST,
            1001,
            "Incident Already Resolved",
            Vec::new(),
        ));
    }
    account.snooze(number, now + seconds * 1_000, now);
    if let Some(incident) = account.incidents.get_mut(&number) {
        incident.note_log("snooze_log_entry", "website", "Snoozed", now);
    }
    let shown = shape::incident(account, &account.incidents[&number]);
    Ok((StatusCode::CREATED, json!({ "incident": shown })))
}
