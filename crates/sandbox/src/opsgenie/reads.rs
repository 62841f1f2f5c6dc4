//! What can be read: one alert, lists, a count, notes, logs, recipients.

use super::account::{Account, Named};
use super::alert::{Alert, Entry, time};
use super::query::{Params, matcher};
use super::reply::Refusal;
use http::StatusCode;
use serde_json::{Value, json};

/// Most items of one answer.
const LIMIT_MAX: usize = 100;
/// Offset and limit together (a list goes no further).
const REACH_MAX: usize = 20_000;

pub(super) fn no_alert() -> Refusal {
    Refusal::new(
        StatusCode::NOT_FOUND,
        "Alert with given identifier does not exist",
    )
    .kind("AlertNotFound")
}

/// `GET /v2/alerts`.
pub(super) fn list(account: &Account, params: &Params) -> Result<Value, Refusal> {
    let matches = matcher(params.get("query").unwrap_or_default())?;
    let limit = params.number("limit", 20, LIMIT_MAX)?;
    let offset = params.number("offset", 0, REACH_MAX)?;
    let sorts = [
        "createdAt",
        "updatedAt",
        "tinyId",
        "alias",
        "message",
        "status",
        "acknowledged",
        "snoozed",
        "count",
        "lastOccurredAt",
        "source",
        "owner",
    ];
    let sort = params.word("sort", &sorts)?;
    let order = params.word("order", &["desc", "asc"])?;
    let mut found: Vec<&Alert> = account.alerts().filter(|alert| matches(alert)).collect();
    found.sort_by_cached_key(|alert| key(alert, sort));
    if order == "desc" {
        found.reverse();
    }
    let total = found.len();
    let page: Vec<Value> = found
        .into_iter()
        .skip(offset)
        .take(limit)
        .map(Alert::short)
        .collect();
    let place = |offset: usize| {
        format!(
            "https://api.opsgenie.com/v2/alerts?sort={sort}&order={order}&offset={offset}&limit={limit}"
        )
    };
    let last = total.saturating_sub(1) / limit.max(1) * limit;
    let mut paging = json!({ "first": place(0), "last": place(last) });
    if offset + limit < total {
        paging["next"] = json!(place(offset + limit));
    }
    if offset > 0 {
        paging["prev"] = json!(place(offset.saturating_sub(limit)));
    }
    Ok(json!({ "data": page, "paging": paging }))
}

/// Sorts by this, then by age.
fn key(alert: &Alert, sort: &str) -> (String, u64) {
    let number = |n: i64| format!("{n:020}");
    let text = match sort {
        "createdAt" => number(alert.created_at),
        "updatedAt" => number(alert.updated_at),
        "lastOccurredAt" => number(alert.last_occurred_at),
        "count" => format!("{:020}", alert.count),
        "alias" => alert.alias.clone(),
        "message" => alert.message.clone(),
        "status" => alert.status().to_owned(),
        "acknowledged" => alert.acknowledged.to_string(),
        "snoozed" => alert.snoozed_until.is_some().to_string(),
        "source" => alert.source.clone(),
        "owner" => alert.owner.clone(),
        _ => String::new(),
    };
    (text, alert.tiny_id)
}

/// `GET /v2/alerts/count`.
pub(super) fn count(account: &Account, params: &Params) -> Result<Value, Refusal> {
    let matches = matcher(params.get("query").unwrap_or_default())?;
    let count = account.alerts().filter(|alert| matches(alert)).count();
    Ok(json!({ "data": { "count": count } }))
}

/// `GET /v2/alerts/{identifier}` and its parts.
pub(super) fn one(
    account: &Account,
    named: &Named,
    part: &str,
    params: &Params,
) -> Result<Value, Refusal> {
    let alert = account.find(named).ok_or_else(no_alert)?;
    match part {
        "" => Ok(json!({ "data": alert.whole() })),
        "notes" => entries(
            &alert.notes,
            params,
            |entry| json!({ "note": entry.text, "owner": entry.owner, "createdAt": time(entry.at), "offset": entry.offset.to_string() }),
        ),
        "logs" => entries(
            &alert.logs,
            params,
            |entry| json!({ "log": entry.text, "type": "alertRecipient", "owner": entry.owner, "createdAt": time(entry.at), "offset": entry.offset.to_string() }),
        ),
        "recipients" => {
            let user = |who: &&Value| who["type"] == "user";
            let recipients = alert.responders.iter().filter(user).map(|who| {
                let name = who["username"].as_str().or(who["id"].as_str()).unwrap_or_default();
                json!({ "user": { "id": super::account::stable_uuid(name), "username": name }, "state": "notactive", "method": "",
                    "createdAt": time(alert.created_at), "updatedAt": time(alert.updated_at) })
            });
            Ok(json!({ "data": recipients.collect::<Vec<_>>() }))
        }
        _ => Err(Refusal::new(StatusCode::NOT_FOUND, "No such resource")),
    }
}

/// A page of notes or logs: after (`next`) or before (`prev`) the offset, newest first unless `order=asc`.
fn entries(
    all: &[Entry],
    params: &Params,
    show: impl Fn(&Entry) -> Value,
) -> Result<Value, Refusal> {
    let limit = params.number("limit", 20, LIMIT_MAX)?;
    let order = params.word("order", &["desc", "asc"])?;
    let direction = params.word("direction", &["next", "prev"])?;
    let offset = params
        .get("offset")
        .and_then(|offset| offset.parse::<u64>().ok());
    let is_rising = (order == "asc") == (direction == "next");
    let is_beyond = |entry: &&Entry| match offset {
        None => true,
        Some(offset) if is_rising => entry.offset > offset,
        Some(offset) => entry.offset < offset,
    };
    let mut page: Vec<&Entry> = all.iter().filter(is_beyond).collect();
    if !is_rising {
        page.reverse();
    }
    let has_more = page.len() > limit;
    page.truncate(limit);
    if direction == "prev" {
        page.reverse();
    }
    let mut paging = json!({ "first": format!("?order={order}&limit={limit}") });
    if let (true, Some(last)) = (has_more, page.last()) {
        paging["next"] = json!(format!(
            "?order={order}&limit={limit}&offset={}&direction=next",
            last.offset
        ));
    }
    Ok(json!({ "data": page.into_iter().map(show).collect::<Vec<_>>(), "paging": paging }))
}
