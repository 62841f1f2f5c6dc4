//! REST API v2, as far as a client needs that follows its incidents.

use super::shape;
use super::state::{Account, Incident, Status};
use super::writes::{annotate, bulk, snooze, update};
use crate::exchange::{Reply, Request};
use crate::vendor::Conditions;
use http::{HeaderValue, Method, StatusCode};
use serde_json::{Value, json};
use std::collections::HashMap;

/// Requests of one key in a minute ("Rate limits" of the REST API, 2026-08).
const REQUESTS_A_MINUTE: usize = 960;
/// Incidents on a page: at most, and without `limit`.
const PAGE: (usize, usize) = (100, 25);
/// How far back a list goes without `date_range=all` or `since`: one month.
const LISTED_MS: i64 = 30 * 86_400_000;

/// An error's status, code and words.
pub(super) struct Refusal(
    pub(super) StatusCode,
    pub(super) u32,
    pub(super) &'static str,
    pub(super) Vec<String>,
);

impl Refusal {
    /// Code 2001.
    pub(super) fn invalid(error: impl Into<String>) -> Self {
        Self(
            StatusCode::BAD_REQUEST,
            2001,
            "Invalid Input Provided",
            vec![error.into()],
        )
    }

    fn not_found() -> Self {
        Self(StatusCode::NOT_FOUND, 2100, "Not Found", Vec::new())
    }
}

/// What a call answers.
pub(super) type Answer = Result<(StatusCode, Value), Refusal>;

/// Answers a request to the API.
pub(super) fn answer(account: &mut Account, request: &Request, conditions: Conditions) -> Reply {
    let mut problems = Vec::new();
    if !request
        .header("accept")
        .is_some_and(|accept| accept.contains("application/vnd.pagerduty+json;version=2"))
    {
        problems.push("no accept header with application/vnd.pagerduty+json;version=2".into());
    }
    let token = match token(request) {
        Ok(token) => token,
        Err(refusal) => return refused(&refusal, problems),
    };
    let counted = match conditions.limits {
        true => account.count(format!("rest:{token}"), REQUESTS_A_MINUTE, conditions.now),
        false => Ok(REQUESTS_A_MINUTE),
    };
    let mut reply = match counted {
        Err(_) => {
            let slow = Refusal(
                StatusCode::TOO_MANY_REQUESTS,
                2020,
                "Rate Limit Exceeded",
                Vec::new(),
            );
            // Being told is no broken rule.
            let mut reply = refused(&slow, Vec::new());
            reply.problems.clear();
            reply
        }
        Ok(_) => match call(account, request, conditions.now) {
            Ok((status, body)) => Reply::json(status, &body).with_problems(problems),
            Err(refusal) => refused(&refusal, problems),
        },
    };
    if account.settings.rest_limit_headers {
        let (left, reset) = match counted {
            Ok(left) => (left as u64, 60),
            Err(ms) => (0, u64::try_from(ms).unwrap_or(0).div_ceil(1_000)),
        };
        for (name, value) in [
            ("ratelimit-limit", REQUESTS_A_MINUTE as u64),
            ("ratelimit-remaining", left),
            // Seconds until it is reset, not a time.
            ("ratelimit-reset", reset),
        ] {
            reply.headers.insert(name, HeaderValue::from(value));
        }
    }
    reply
}

fn refused(refusal: &Refusal, mut problems: Vec<String>) -> Reply {
    let Refusal(status, code, message, errors) = refusal;
    problems.push(format!("{message} ({code}): {}", errors.join("; ")));
    let body = json!({ "error": { "message": message, "code": code, "errors": errors } });
    Reply::json(*status, &body).with_problems(problems)
}

/// The token: `Token token=…`, or `Bearer …` of OAuth.
fn token(request: &Request) -> Result<&str, Refusal> {
    let bad = || {
        Refusal(
            StatusCode::UNAUTHORIZED,
            2006,
            "Authentication failed",
            Vec::new(),
        )
    };
    let header = request.header("authorization").ok_or_else(bad)?;
    let token = header
        .strip_prefix("Token token=")
        .or_else(|| header.strip_prefix("Bearer "))
        .map(str::trim)
        .filter(|token| !token.is_empty())
        .ok_or_else(bad)?;
    if token.starts_with("invalid") {
        return Err(bad());
    }
    if token.starts_with("denied") {
        return Err(Refusal(
            StatusCode::FORBIDDEN,
            2010,
            "Access Denied",
            Vec::new(),
        ));
    }
    if token.starts_with("expired") {
        return Err(Refusal(
            StatusCode::FORBIDDEN,
            2012,
            "Account Has Expired",
            Vec::new(),
        ));
    }
    Ok(token)
}

fn call(account: &mut Account, request: &Request, now: i64) -> Answer {
    let path: Vec<&str> = request.path.trim_matches('/').split('/').collect();
    let from = match request.method == Method::GET {
        true => String::new(),
        false => writer(account, request)?,
    };
    match (&request.method, path.as_slice()) {
        (&Method::GET, ["abilities"]) => Ok((
            StatusCode::OK,
            json!({ "abilities": ["sso", "advanced_reports", "teams", "read_only_users"] }),
        )),
        (&Method::GET, ["incidents"]) => list(account, &request.query, now),
        (&Method::PUT, ["incidents"]) => bulk(account, request, now),
        (&Method::GET, ["incidents", id]) => {
            let incident = &account.incidents[&find(account, id)?];
            let shown = shape::incident(account, incident);
            Ok((StatusCode::OK, json!({ "incident": shown })))
        }
        (&Method::PUT, ["incidents", id]) => {
            let number = find(account, id)?;
            let body = body(request)?;
            update(account, number, &body["incident"], now)?;
            let shown = shape::incident(account, &account.incidents[&number]);
            Ok((StatusCode::OK, json!({ "incident": shown })))
        }
        (&Method::GET, ["incidents", id, "notes"]) => {
            let incident = &account.incidents[&find(account, id)?];
            let notes: Vec<Value> = incident.notes.iter().map(shape::note).collect();
            Ok((StatusCode::OK, json!({ "notes": notes })))
        }
        (&Method::POST, ["incidents", id, "notes"]) => {
            let number = find(account, id)?;
            annotate(account, number, &body(request)?, from, now)
        }
        (&Method::POST, ["incidents", id, "snooze"]) => {
            let number = find(account, id)?;
            snooze(account, number, &body(request)?, now)
        }
        (&Method::GET, ["incidents", id, "alerts"]) => {
            let incident = &account.incidents[&find(account, id)?];
            let alerts = [shape::alert(account, incident)];
            Ok((
                StatusCode::OK,
                json!({ "alerts": alerts, "limit": PAGE.1, "offset": 0, "more": false }),
            ))
        }
        (&Method::GET, ["incidents", id, "log_entries"]) => {
            let incident = &account.incidents[&find(account, id)?];
            let entries = incident.log.iter().enumerate().rev();
            let entries: Vec<Value> = entries
                .map(|(place, entry)| shape::log_entry(account, incident, place, entry))
                .collect();
            Ok((
                StatusCode::OK,
                json!({ "log_entries": entries, "limit": PAGE.0, "offset": 0, "more": false }),
            ))
        }
        _ => Err(Refusal::not_found()),
    }
}

/// Who writes: the address in `From`, which an account's token needs.
fn writer(account: &Account, request: &Request) -> Result<String, Refusal> {
    let from = request.header("from").unwrap_or_default();
    if account.settings.from_required && !from.contains('@') {
        return Err(Refusal::invalid("From header is required"));
    }
    if request.content_type() != "application/json" {
        return Err(Refusal::invalid("Content-Type must be application/json"));
    }
    Ok(match from {
        "" => "token's user".to_owned(),
        from => from.to_owned(),
    })
}

/// The body as JSON.
pub(super) fn body(request: &Request) -> Result<Value, Refusal> {
    serde_json::from_slice(&request.body).map_err(|error| Refusal::invalid(error.to_string()))
}

/// The number of an incident by its id, or by that number.
pub(super) fn find(account: &Account, id: &str) -> Result<u64, Refusal> {
    let number = id.strip_prefix("PINC").unwrap_or(id).parse::<u64>();
    number
        .ok()
        .filter(|number| account.incidents.contains_key(number))
        .ok_or_else(Refusal::not_found)
}

fn list(account: &Account, query: &str, now: i64) -> Answer {
    let mut single: HashMap<String, String> = HashMap::new();
    let (mut statuses, mut services) = (Vec::new(), Vec::new());
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        match &*name {
            "statuses[]" => statuses.push(
                Status::from_word(&value)
                    .ok_or_else(|| Refusal::invalid("statuses[] has an unknown status"))?,
            ),
            "service_ids[]" => services.push(value.into_owned()),
            _ => {
                single.insert(name.into_owned(), value.into_owned());
            }
        }
    }
    let number = |name: &str, default: usize| match single.get(name) {
        None => Ok(default),
        Some(text) => text
            .parse::<usize>()
            .map_err(|_| Refusal::invalid(format!("{name} is no number"))),
    };
    let (limit, offset) = (
        number("limit", PAGE.1)?.clamp(1, PAGE.0),
        number("offset", 0)?,
    );
    let time = |name: &str| {
        let text = single.get(name)?;
        text.parse::<jiff::Timestamp>()
            .ok()
            .map(jiff::Timestamp::as_millisecond)
    };
    let (since, until) = match single.get("date_range").map(String::as_str) {
        Some("all") => (i64::MIN, i64::MAX),
        _ => {
            let until = time("until").unwrap_or(i64::MAX);
            (time("since").unwrap_or(now - LISTED_MS), until)
        }
    };
    let listed_at = |incident: &Incident| incident.created_at + account.settings.listing_delay_ms;
    let wanted = |incident: &&Incident| {
        listed_at(incident) <= now
            && (since..=until).contains(&incident.created_at)
            && (statuses.is_empty() || statuses.contains(&incident.status))
            && single
                .get("incident_key")
                .is_none_or(|key| *key == incident.key)
            && (services.is_empty()
                || account
                    .services
                    .get(&incident.routing_key)
                    .is_some_and(|service| services.contains(&service.id)))
    };
    let mut found = account.incidents.values().filter(wanted).skip(offset);
    let page: Vec<Value> = found
        .by_ref()
        .take(limit)
        .map(|incident| shape::incident(account, incident))
        .collect();
    let more = found.next().is_some();
    Ok((
        StatusCode::OK,
        json!({ "incidents": page, "limit": limit, "offset": offset, "more": more }),
    ))
}
