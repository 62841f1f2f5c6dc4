//! The sandbox's switches, at `/_opsgenie/…` and `/_jsm/…`.

use super::account::{Account, Failing, KeyKnob, Throttle};
use crate::exchange::Reply;
use crate::limits;
use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

/// `POST …/settings`: changes what is named.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// How long a request waits before it is processed.
    pending_ms: Option<i64>,
    /// How often the question what became of a request is answered with "not processed" though it was.
    pending_polls: Option<u32>,
    throttle: Option<Throttle>,
}

/// `POST …/keys`: replaces what is set for a key; with nothing but `key` it is as new.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Key {
    key: String,
    /// 401, as for a wrong key.
    #[serde(default)]
    unknown: bool,
    /// 401, as for an integration that is switched off.
    #[serde(default)]
    disabled: bool,
    /// Of `read`, `create_update`, `delete`; all if absent.
    rights: Option<Vec<String>>,
}

/// `POST …/fail`: the next requests are taken and not applied.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fail {
    /// E.g. `create`, `close`, `acknowledge`, `notes`; any if absent.
    action: Option<String>,
    /// The words in the request's status.
    status: Option<String>,
    /// 1 if absent.
    times: Option<u64>,
}

pub(super) fn configure(account: &mut Account, method: &Method, what: &str, body: &[u8]) -> Reply {
    let done = match (method, what) {
        (&Method::GET, "alerts") => {
            let alerts: Vec<_> = account.alerts().collect();
            Ok(json!({ "alerts": alerts }))
        }
        (&Method::DELETE, "") => {
            *account = Account::default();
            Ok(json!({ "ok": true }))
        }
        (&Method::POST, "settings") => read(body).and_then(|knob| settings(account, &knob)),
        (&Method::POST, "keys") => read(body).and_then(|knob| key(account, knob)),
        (&Method::POST, "fail") => read(body).and_then(|knob| fail(account, knob)),
        _ => {
            let known = "GET alerts, POST settings, keys or fail, DELETE all";
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

fn settings(account: &mut Account, knob: &Settings) -> Result<Value, String> {
    if knob
        .pending_ms
        .is_some_and(|ms| !(0..=600_000).contains(&ms))
    {
        return Err("pending_ms is from 0 to 600000".into());
    }
    account.pending_ms = knob.pending_ms.unwrap_or(account.pending_ms);
    account.pending_polls = knob.pending_polls.unwrap_or(account.pending_polls);
    account.throttle = knob.throttle.unwrap_or(account.throttle);
    Ok(json!({
        "pending_ms": account.pending_ms,
        "pending_polls": account.pending_polls,
        "throttle": account.throttle,
    }))
}

fn key(account: &mut Account, knob: Key) -> Result<Value, String> {
    let all = ["read", "create_update", "delete"].map(str::to_owned);
    let rights = knob.rights.unwrap_or_else(|| all.to_vec());
    if rights.iter().any(|right| !all.contains(right)) {
        return Err(format!("rights are of {}", all.join(", ")));
    }
    if account.keys.len() >= limits::OPSGENIE_KNOBS && !account.keys.contains_key(&knob.key) {
        return Err(format!("at most {} keys", limits::OPSGENIE_KNOBS));
    }
    let (unknown, disabled) = (knob.unknown, knob.disabled);
    account.keys.insert(
        knob.key,
        KeyKnob {
            unknown,
            disabled,
            rights,
        },
    );
    Ok(json!({ "ok": true }))
}

fn fail(account: &mut Account, knob: Fail) -> Result<Value, String> {
    account.failing.retain(|failing| failing.times > 0);
    if account.failing.len() >= limits::OPSGENIE_KNOBS {
        return Err(format!("at most {} at once", limits::OPSGENIE_KNOBS));
    }
    account.failing.push(Failing {
        action: knob.action,
        status: knob
            .status
            .unwrap_or_else(|| "Request was not applied".into()),
        times: knob.times.unwrap_or(1),
    });
    Ok(json!({ "ok": true }))
}
