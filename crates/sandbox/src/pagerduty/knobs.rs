//! The sandbox's switches for PagerDuty, at `/_pagerduty/…`.

use super::state::{Account, Settings};
use crate::exchange::Reply;
use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

/// `POST /_pagerduty/settings`: changes what is named.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SettingsBody {
    strict_keys: Option<bool>,
    from_required: Option<bool>,
    rest_limit_headers: Option<bool>,
    listing_delay_ms: Option<i64>,
}

/// `POST /_pagerduty/keys`: registers a key, with its service's name.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyBody {
    routing_key: String,
    name: Option<String>,
}

/// Answers `/_pagerduty/{what}`; `DELETE /_pagerduty` empties the account.
pub(super) fn configure(account: &mut Account, method: &Method, what: &str, body: &[u8]) -> Reply {
    let done = match (method, what) {
        (&Method::DELETE, "") => {
            *account = Account::default();
            Ok(json!({ "ok": true }))
        }
        (&Method::GET, "incidents") => {
            let incidents: Vec<_> = account.incidents.values().collect();
            Ok(json!({ "incidents": incidents, "dropped": account.dropped }))
        }
        (&Method::GET, "changes") => {
            let changes: Vec<_> = account.changes.iter().collect();
            Ok(json!({ "changes": changes }))
        }
        (&Method::POST, "settings") => {
            read(body).map(|body| settings(&mut account.settings, &body))
        }
        (&Method::POST, "keys") => read(body).and_then(|body| key(account, &body)),
        _ => {
            let known = "GET incidents or changes, POST settings or keys, DELETE /_pagerduty";
            return Reply::complaint(StatusCode::NOT_FOUND, known);
        }
    };
    match done {
        Ok(answer) => Reply::json(StatusCode::OK, &answer),
        Err(problem) => Reply::complaint(StatusCode::BAD_REQUEST, &problem),
    }
}

fn read<'de, T: Deserialize<'de>>(body: &'de [u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|error| error.to_string())
}

fn settings(settings: &mut Settings, body: &SettingsBody) -> Value {
    let set = |old: &mut bool, new: Option<bool>| *old = new.unwrap_or(*old);
    set(&mut settings.strict_keys, body.strict_keys);
    set(&mut settings.from_required, body.from_required);
    set(&mut settings.rest_limit_headers, body.rest_limit_headers);
    settings.listing_delay_ms = body.listing_delay_ms.unwrap_or(settings.listing_delay_ms);
    json!({ "strict_keys": settings.strict_keys, "from_required": settings.from_required,
        "rest_limit_headers": settings.rest_limit_headers, "listing_delay_ms": settings.listing_delay_ms })
}

fn key(account: &mut Account, body: &KeyBody) -> Result<Value, String> {
    let service = account.register(&body.routing_key, body.name.as_deref());
    service
        .map(|service| json!({ "service": service }))
        .ok_or_else(|| "there are too many services".into())
}
