//! New Relic: the Event API, which says yes before it reads, and as much of NRQL as reads events back.
//!
//! Keys: any works but those that begin with `invalid` (403) and those switched off (`POST /_newrelic/keys`). Junk is
//! answered with 200 and becomes an `NrIntegrationError` event. Facts: New Relic's Event API pages, read 2026-11; the
//! query's address and header are those of the older Insights API.

mod page;
mod rules;

pub use rules::Row;

use crate::exchange::{Reply, Request};
use crate::kept::Kept;
use crate::limits;
use crate::pace::{Allowance, Pace};
use crate::vendor::{Conditions, Vendor};
use http::{Method, StatusCode};
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::sync::Arc;

/// 100,000 requests a minute of one account; a bucket counts whole milliseconds.
const POSTS: Allowance = Allowance {
    burst: 10_000,
    interval_ms: 1,
};
/// A request's bytes.
const BODY_BYTES: usize = 1_000_000;

/// The accounts of the sandbox.
#[derive(Debug, Default)]
pub struct NewRelic(Mutex<State>);

#[derive(Debug)]
struct State {
    rows: Kept<Row>,
    refused_keys: HashSet<String>,
    pace: Pace,
    answers: u64,
}

impl Default for State {
    fn default() -> Self {
        Self {
            rows: Kept::new(limits::LOG_ENTRIES, limits::LOG_ENTRY_BYTES),
            refused_keys: HashSet::new(),
            pace: Pace::default(),
            answers: 0,
        }
    }
}

impl State {
    fn keep(&mut self, row: Row) {
        let weight = row.event.to_string().len() + 128;
        drop(self.rows.push(row, weight));
    }

    fn works(&self, key: Option<&str>) -> bool {
        key.is_some_and(|key| {
            !key.is_empty() && !key.starts_with("invalid") && !self.refused_keys.contains(key)
        })
    }
}

impl NewRelic {
    /// The kept events of an account, oldest first, `NrIntegrationError` among them.
    #[must_use]
    pub fn rows(&self, account: &str) -> Vec<Row> {
        let state = self.0.lock();
        let of_account = state.rows.iter().filter(|row| row.account == account);
        of_account.cloned().collect()
    }

    fn route(&self, request: &Request, conditions: Conditions) -> Reply {
        let rest = request.path.strip_prefix("/v1/accounts/");
        let Some((account, what)) = rest.and_then(|rest| rest.split_once('/')) else {
            return nothing_here();
        };
        if account.is_empty() || !account.bytes().all(|byte| byte.is_ascii_digit()) {
            return refusal(StatusCode::NOT_FOUND, "no such account")
                .with_problems(vec!["the account is no number".to_owned()]);
        }
        match (what.trim_end_matches('/'), &request.method) {
            ("events", &Method::POST) => self.insert(request, account, conditions),
            ("events", _) => refusal(StatusCode::METHOD_NOT_ALLOWED, "POST only"),
            ("query", &Method::GET) => self.query(request, account),
            _ => nothing_here(),
        }
    }

    fn insert(&self, request: &Request, account: &str, conditions: Conditions) -> Reply {
        let mut state = self.0.lock();
        let key = request
            .header("api-key")
            .or_else(|| request.header("x-insert-key"))
            .or_else(|| request.header("x-license-key"));
        if !state.works(key) {
            let problems = key.map_or(vec!["no Api-Key header".to_owned()], |_| Vec::new());
            return refusal(StatusCode::FORBIDDEN, "Invalid or missing key")
                .with_problems(problems);
        }
        if request.header("content-length").is_none() {
            return refusal(StatusCode::LENGTH_REQUIRED, "no content length")
                .with_problems(vec!["no Content-Length header".to_owned()]);
        }
        if request.body.len() > BODY_BYTES {
            return refusal(StatusCode::PAYLOAD_TOO_LARGE, "larger than 1 MB")
                .with_problems(vec!["the body is larger than 1 MB".to_owned()]);
        }
        if request.content_type() != "application/json" {
            return refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, "JSON only")
                .with_problems(vec!["the content type is not application/json".to_owned()]);
        }
        if conditions.limits && state.pace.take(account, POSTS, conditions.now).is_err() {
            return refusal(StatusCode::TOO_MANY_REQUESTS, "too many requests");
        }
        let read = rules::read(&request.body, conditions.now);
        for event in read.events {
            state.keep(Row::new(account, event, conditions.now));
        }
        for problem in &read.dropped {
            let event = json!({
                "eventType": "NrIntegrationError",
                "category": "EventApiException",
                "message": problem,
                "timestamp": conditions.now,
            });
            state.keep(Row::new(account, event, conditions.now));
        }
        state.answers += 1;
        // Said whatever the body was.
        let uuid = format!(
            "{:08x}-0001-b000-0000-{:012x}",
            state.answers, conditions.now
        );
        Reply::json(StatusCode::OK, &json!({ "success": true, "uuid": uuid }))
            .with_problems(read.dropped)
    }

    /// `SELECT … FROM <type> …`: the newest events of that type, whatever else the query says.
    fn query(&self, request: &Request, account: &str) -> Reply {
        let state = self.0.lock();
        if !state.works(request.header("x-query-key")) {
            return refusal(StatusCode::UNAUTHORIZED, "Invalid or missing query key");
        }
        let nrql = url::form_urlencoded::parse(request.query.as_bytes())
            .find(|(name, _)| name == "nrql")
            .map(|(_, value)| value.into_owned());
        let kind = nrql.as_deref().and_then(from);
        let Some(kind) = kind else {
            return refusal(StatusCode::BAD_REQUEST, "no query, or no FROM in it");
        };
        let wanted = |row: &&Row| row.account == account && row.event["eventType"] == *kind;
        let found = state.rows.iter().rev().filter(wanted);
        let text = nrql.as_deref().unwrap_or_default().to_ascii_lowercase();
        let result = if text.contains("count(*)") {
            json!({ "count": found.count() })
        } else {
            let events: Vec<&Value> = found.take(1_000).map(|row| &row.event).collect();
            json!({ "events": events })
        };
        Reply::json(
            StatusCode::OK,
            &json!({ "results": [result], "metadata": { "eventType": kind } }),
        )
    }
}

/// The type after `FROM`.
fn from(nrql: &str) -> Option<&str> {
    let mut words = nrql.split_whitespace();
    words.find(|word| word.eq_ignore_ascii_case("from"))?;
    words.next()
}

fn nothing_here() -> Reply {
    refusal(StatusCode::NOT_FOUND, "Not Found").with_problems(vec![
        "only POST /v1/accounts/{id}/events and GET /v1/accounts/{id}/query".to_owned(),
    ])
}

fn refusal(status: StatusCode, message: &str) -> Reply {
    Reply::json(status, &json!({ "error": message }))
}

/// `POST /_newrelic/keys`: whether a key works.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyKnob {
    key: String,
    valid: bool,
}

impl Vendor for NewRelic {
    fn name(&self) -> &'static str {
        "newrelic"
    }

    fn about(&self) -> &'static str {
        "the Event API, which answers 200 also to junk, and queries that read events back"
    }

    fn handle(&self, request: &Arc<Request>, conditions: Conditions) -> Reply {
        self.route(request, conditions)
    }

    fn page(&self, path: &str) -> Option<Reply> {
        (path == "/").then(|| page::events(&self.0.lock().rows))
    }

    /// `POST /_newrelic/keys {key, valid}`; `DELETE /_newrelic` empties it.
    fn configure(&self, method: &Method, what: &str, body: &[u8]) -> Reply {
        let mut state = self.0.lock();
        match (method, what) {
            (&Method::POST, "keys") => match serde_json::from_slice::<KeyKnob>(body) {
                Ok(knob) if knob.valid => {
                    state.refused_keys.remove(&knob.key);
                }
                Ok(_) if state.refused_keys.len() >= limits::KNOBS => {
                    let problem = format!("at most {} keys", limits::KNOBS);
                    return Reply::complaint(StatusCode::BAD_REQUEST, &problem);
                }
                Ok(knob) => {
                    state.refused_keys.insert(knob.key);
                }
                Err(error) => {
                    return Reply::complaint(StatusCode::BAD_REQUEST, &error.to_string());
                }
            },
            (&Method::DELETE, "") => *state = State::default(),
            _ => return Reply::complaint(StatusCode::NOT_FOUND, "POST keys, or DELETE /_newrelic"),
        }
        Reply::json(StatusCode::OK, &json!({ "ok": true }))
    }
}
