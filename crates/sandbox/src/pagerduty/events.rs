//! Events API v2.

use super::rules;
use super::state::{Account, Change, Incident, Status};
use crate::exchange::{Reply, Request};
use crate::limits;
use crate::vendor::Conditions;
use http::StatusCode;
use serde_json::{Map, Value, json};

/// Events of one key in any 60 s ("Rate limiting", 2026-08).
const EVENTS_A_MINUTE: usize = 120;

/// `POST /v2/enqueue`.
pub(super) fn enqueue(account: &mut Account, request: &Request, conditions: Conditions) -> Reply {
    let (event, problems) = match taken(account, request, conditions, false) {
        Ok(taken) => taken,
        Err(refusal) => return *refusal,
    };
    let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default();
    let routing_key = text("routing_key").to_owned();
    let dedup_key = match text("dedup_key") {
        "" => format!("{:032x}", account.next_number()),
        given => given.to_owned(),
    };
    let now = conditions.now;
    let is_known = match account.settings.strict_keys {
        true => account.services.contains_key(&routing_key),
        false => account.register(&routing_key, None).is_some(),
    };
    let open = account
        .open
        .get(&(routing_key.clone(), dedup_key.clone()))
        .copied();
    match (text("event_action"), open) {
        // An unknown key of the right form is answered like any other.
        _ if !is_known => account.dropped += 1,
        ("trigger", open) => trigger(account, &routing_key, &dedup_key, &event, open, now),
        // Nothing is open under this key, or by another routing key.
        (_, None) => account.dropped += 1,
        ("acknowledge", Some(number)) => acknowledge(account, number, now),
        (_, Some(number)) => {
            account.set_status(number, Status::Resolved, now);
            log(
                account,
                number,
                "resolve_log_entry",
                "Resolved through the API",
                now,
            );
        }
    }
    let answer =
        json!({ "status": "success", "message": "Event processed", "dedup_key": dedup_key });
    Reply::json(StatusCode::ACCEPTED, &answer).with_problems(problems)
}

/// `POST /v2/change/enqueue`.
pub(super) fn enqueue_change(
    account: &mut Account,
    request: &Request,
    conditions: Conditions,
) -> Reply {
    let (event, problems) = match taken(account, request, conditions, true) {
        Ok(taken) => taken,
        Err(refusal) => return *refusal,
    };
    let member = |name: &str| event.get(name).cloned().unwrap_or_default();
    let routing_key = member("routing_key")
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let is_known = match account.settings.strict_keys {
        true => account.services.contains_key(&routing_key),
        false => account.register(&routing_key, None).is_some(),
    };
    if is_known {
        let change = Change {
            routing_key,
            payload: member("payload"),
            links: member("links"),
            at: conditions.now,
        };
        account.changes.push(change, request.body.len());
    } else {
        account.dropped += 1;
    }
    let answer = json!({ "status": "success", "message": "Change event processed" });
    Reply::json(StatusCode::ACCEPTED, &answer).with_problems(problems)
}

/// An event, and the rules that it breaks without being refused.
type Taken = (Map<String, Value>, Vec<String>);

/// The event of a request, or its refusal.
fn taken(
    account: &mut Account,
    request: &Request,
    conditions: Conditions,
    is_change: bool,
) -> Result<Taken, Box<Reply>> {
    if request.body.len() > rules::EVENT_BYTES {
        let problem = format!(
            "the event has {} bytes, {} are taken",
            request.body.len(),
            rules::EVENT_BYTES
        );
        return Err(refusal(
            StatusCode::PAYLOAD_TOO_LARGE,
            "invalid event",
            "Event object is too large",
            &[problem],
        ));
    }
    let Ok(Value::Object(event)) = serde_json::from_slice(&request.body) else {
        return Err(refusal(
            StatusCode::BAD_REQUEST,
            "Unrecognized object",
            "Event object format is unrecognized",
            &["JSON parse error".into()],
        ));
    };
    let errors = match is_change {
        true => rules::change(&event),
        false => rules::event(&event),
    };
    if !errors.is_empty() {
        return Err(refusal(
            StatusCode::BAD_REQUEST,
            "invalid event",
            "Event object is invalid",
            &errors,
        ));
    }
    let key = event.get("routing_key").and_then(Value::as_str);
    let window = format!("events:{}", key.unwrap_or_default());
    if conditions.limits
        && account
            .count(window, EVENTS_A_MINUTE, conditions.now)
            .is_err()
    {
        // It says not for how long. Being told is no broken rule.
        let answer = json!({ "status": "throttle exceeded", "message": "Event not accepted", "errors": ["Requests for this service are arriving too quickly. Please retry later."] });
        return Err(Box::new(Reply::json(
            StatusCode::TOO_MANY_REQUESTS,
            &answer,
        )));
    }
    let mut problems = rules::unknown(&event, is_change);
    if request.content_type() != "application/json" {
        problems.push("the body is not sent as application/json".into());
    }
    Ok((event, problems))
}

fn refusal(status: StatusCode, word: &str, message: &str, errors: &[String]) -> Box<Reply> {
    let answer = json!({ "status": word, "message": message, "errors": errors });
    Box::new(Reply::json(status, &answer).with_problems(errors.to_vec()))
}

fn trigger(
    account: &mut Account,
    routing_key: &str,
    dedup_key: &str,
    event: &Map<String, Value>,
    open: Option<u64>,
    now: i64,
) {
    let member = |name: &str| event.get(name).cloned().unwrap_or_default();
    let text = |name: &str| event.get(name).and_then(Value::as_str).map(str::to_owned);
    let payload = member("payload");
    let summary = payload["summary"].as_str().unwrap_or_default().to_owned();
    if let Some(incident) = open.and_then(|number| account.incidents.get_mut(&number)) {
        // The incident stays as it is; an acknowledged one stays silent.
        incident.triggers += 1;
        incident.payload = payload;
        incident.links = member("links");
        incident.note_log("trigger_log_entry", "api", &summary, now);
        return;
    }
    let number = account.next_number();
    let mut incident = Incident {
        id: format!("PINC{number:06}"),
        number,
        key: dedup_key.to_owned(),
        routing_key: routing_key.to_owned(),
        status: Status::Triggered,
        title: summary.chars().take(limits::PAGE_BODY_CHARS).collect(),
        payload,
        client: text("client"),
        client_url: text("client_url"),
        links: member("links"),
        triggers: 1,
        notes: Vec::new(),
        log: Vec::new(),
        assignees: Vec::new(),
        escalation_level: 1,
        snoozed_until: None,
        resolution: None,
        created_at: now,
        updated_at: now,
        status_changed_at: now,
    };
    incident.note_log("trigger_log_entry", "api", &summary, now);
    account.keep(incident);
}

fn acknowledge(account: &mut Account, number: u64, now: i64) {
    let status = account
        .incidents
        .get(&number)
        .map(|incident| incident.status);
    if status == Some(Status::Triggered) {
        account.set_status(number, Status::Acknowledged, now);
    }
    log(
        account,
        number,
        "acknowledge_log_entry",
        "Acknowledged through the API",
        now,
    );
}

fn log(account: &mut Account, number: u64, kind: &'static str, summary: &str, now: i64) {
    if let Some(incident) = account.incidents.get_mut(&number) {
        incident.note_log(kind, "api", summary, now);
    }
}
