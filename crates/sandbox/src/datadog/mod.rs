//! Datadog: events (v1) as they are posted, listed and read, and the check of an API key.
//!
//! Any API key works but those that begin with `invalid` (403) and those switched off (`POST /_datadog/keys`). Reading
//! needs an application key too. Facts: Datadog's API description v1 (commit 1f7e702), read 2026-11.

mod page;
mod rules;
mod state;

pub use state::Event;

use crate::exchange::{Reply, Request};
use crate::pace::Allowance;
use crate::vendor::{Conditions, Vendor};
use http::{HeaderValue, Method, StatusCode};
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::{Value, json};
use state::State;
use std::sync::Arc;

/// 500,000 events an hour of one organization; an organization is an API key here.
const EVENTS: Allowance = Allowance {
    burst: 10_000,
    interval_ms: 8,
};
/// 1,000 events a day of one aggregate.
const AGGREGATE: Allowance = Allowance {
    burst: 1_000,
    interval_ms: 86_400,
};

/// One simulated organization.
#[derive(Debug, Default)]
pub struct Datadog(Mutex<State>);

impl Datadog {
    /// The kept events, oldest first.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        self.0.lock().events.iter().cloned().collect()
    }

    fn route(&self, request: &Request, conditions: Conditions) -> Reply {
        let post = request.method == Method::POST;
        let get = request.method == Method::GET;
        let path = request.path.trim_end_matches('/');
        match path.strip_prefix("/api/v1/") {
            Some("validate") if get => match self.api_key(request) {
                Ok(_) => Reply::json(StatusCode::OK, &json!({ "valid": true })),
                Err(problems) => forbidden(problems),
            },
            Some("events") if post => self.post(request, conditions),
            Some("events") if get => self.list(request),
            Some(rest) if get => match rest.strip_prefix("events/") {
                Some(id) => self.read(request, id),
                None => nothing_here(),
            },
            _ => nothing_here(),
        }
    }

    /// The API key; if there is none that works, the rules that were broken.
    fn api_key(&self, request: &Request) -> Result<String, Vec<String>> {
        let Some(key) = request.header("dd-api-key").filter(|key| !key.is_empty()) else {
            let mut problems = vec!["no DD-API-KEY header".to_owned()];
            if request.query.contains("api_key=") {
                problems.push("keys in the query are deprecated: send headers".to_owned());
            }
            return Err(problems);
        };
        if key.starts_with("invalid") || self.0.lock().refused_keys.contains(key) {
            return Err(Vec::new());
        }
        Ok(key.to_owned())
    }

    /// Both keys, which reading needs.
    fn reader(&self, request: &Request) -> Result<(), Vec<String>> {
        self.api_key(request)?;
        match request.header("dd-application-key") {
            Some(key) if !key.is_empty() => Ok(()),
            _ => Err(vec!["no DD-APPLICATION-KEY header".to_owned()]),
        }
    }

    fn post(&self, request: &Request, conditions: Conditions) -> Reply {
        let key = match self.api_key(request) {
            Ok(key) => key,
            Err(problems) => return forbidden(problems),
        };
        let (event, problems) = rules::read(request, conditions.now);
        let Some(event) = event else {
            let words = problems.first().cloned().unwrap_or_default();
            return errors(StatusCode::BAD_REQUEST, &words).with_problems(problems);
        };
        let mut state = self.0.lock();
        if conditions.limits
            && let Err(seconds) = state.take(&key, event.aggregation_key.as_deref(), conditions.now)
        {
            return throttled(seconds).with_problems(problems);
        }
        let event = state.keep(event, conditions.now);
        Reply::json(
            StatusCode::ACCEPTED,
            &json!({ "status": "ok", "event": event.shown() }),
        )
        .with_problems(problems)
    }

    fn read(&self, request: &Request, id: &str) -> Reply {
        if let Err(problems) = self.reader(request) {
            return forbidden(problems);
        }
        let state = self.0.lock();
        match state.events.iter().find(|event| event.id.to_string() == id) {
            Some(event) => Reply::json(
                StatusCode::OK,
                &json!({ "status": "ok", "event": event.shown() }),
            ),
            None => errors(StatusCode::NOT_FOUND, "No event matches that event_id."),
        }
    }

    fn list(&self, request: &Request) -> Reply {
        if let Err(problems) = self.reader(request) {
            return forbidden(problems);
        }
        let asked = |name: &str| {
            url::form_urlencoded::parse(request.query.as_bytes())
                .find(|(found, _)| found == name)
                .map(|(_, value)| value.into_owned())
        };
        let seconds = |name| asked(name).and_then(|value| value.parse::<i64>().ok());
        let (Some(start), Some(end)) = (seconds("start"), seconds("end")) else {
            return errors(StatusCode::BAD_REQUEST, "start and end are required")
                .with_problems(vec!["start and end are required integers".to_owned()]);
        };
        let tags: Vec<String> = asked("tags")
            .map(|tags| tags.split(',').map(str::to_owned).collect())
            .unwrap_or_default();
        let priority = asked("priority");
        let state = self.0.lock();
        let wanted = |event: &&Event| {
            (start..=end).contains(&event.date_happened)
                && tags.iter().all(|tag| event.tags.contains(tag))
                && priority.as_ref().is_none_or(|p| *p == event.priority)
        };
        // Newest first, at most 1,000.
        let found: Vec<Value> = state
            .events
            .iter()
            .rev()
            .filter(wanted)
            .take(1_000)
            .map(Event::shown)
            .collect();
        Reply::json(StatusCode::OK, &json!({ "status": "ok", "events": found }))
    }
}

fn nothing_here() -> Reply {
    errors(StatusCode::NOT_FOUND, "Not Found").with_problems(vec![
        "only POST and GET /api/v1/events, GET /api/v1/events/{id} and GET /api/v1/validate"
            .to_owned(),
    ])
}

/// A key that is missing or does not work.
fn forbidden(problems: Vec<String>) -> Reply {
    errors(StatusCode::FORBIDDEN, "Forbidden").with_problems(problems)
}

/// Datadog's form of an error.
fn errors(status: StatusCode, message: &str) -> Reply {
    Reply::json(status, &json!({ "errors": [message] }))
}

/// 429 with the seconds until the period begins anew, and no `Retry-After`.
fn throttled(seconds: u64) -> Reply {
    let mut reply = errors(StatusCode::TOO_MANY_REQUESTS, "Too many requests");
    for (name, value) in [
        ("x-ratelimit-limit", 500_000),
        ("x-ratelimit-period", 3_600),
        ("x-ratelimit-remaining", 0),
        ("x-ratelimit-reset", seconds),
    ] {
        reply.headers.insert(name, HeaderValue::from(value));
    }
    reply
}

/// `POST /_datadog/keys`: whether an API key works.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyKnob {
    key: String,
    valid: bool,
}

impl Vendor for Datadog {
    fn name(&self) -> &'static str {
        "datadog"
    }

    fn about(&self) -> &'static str {
        "events (v1) as a stream, grouped by aggregation key; they can be read back with an application key"
    }

    fn handle(&self, request: &Arc<Request>, conditions: Conditions) -> Reply {
        self.route(request, conditions)
    }

    fn page(&self, path: &str) -> Option<Reply> {
        (path == "/").then(|| page::stream(&self.0.lock()))
    }

    /// `POST /_datadog/keys {key, valid}`; `DELETE /_datadog` empties it.
    fn configure(&self, method: &Method, what: &str, body: &[u8]) -> Reply {
        let mut state = self.0.lock();
        match (method, what) {
            (&Method::POST, "keys") => match serde_json::from_slice::<KeyKnob>(body) {
                Ok(knob) => match state.set_key(knob.key, knob.valid) {
                    Ok(()) => Reply::json(StatusCode::OK, &json!({ "ok": true })),
                    Err(problem) => Reply::complaint(StatusCode::BAD_REQUEST, &problem),
                },
                Err(error) => Reply::complaint(StatusCode::BAD_REQUEST, &error.to_string()),
            },
            (&Method::DELETE, "") => {
                *state = State::default();
                Reply::json(StatusCode::OK, &json!({ "ok": true }))
            }
            _ => Reply::complaint(StatusCode::NOT_FOUND, "POST keys, or DELETE /_datadog"),
        }
    }
}
