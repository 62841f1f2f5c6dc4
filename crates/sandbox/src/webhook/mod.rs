//! A generic receiver of webhooks at `/webhook/…`: keeps every delivery, checks Standard Webhooks signatures and
//! the shape of the body that they sign, counts repeated ids.

mod page;
mod signature;

use crate::exchange::{Reply, Request};
use crate::kept::Kept;
use crate::limits;
use crate::vendor::{Conditions, Vendor};
use http::{Method, StatusCode};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

/// The receiver.
#[derive(Debug)]
pub struct Webhook {
    state: Mutex<State>,
    hasher: RandomState,
}

/// A request that the receiver got.
#[derive(Debug, Clone)]
pub struct Delivery {
    pub request: Arc<Request>,
    /// What it was answered.
    pub status: StatusCode,
    /// Whether an accepted delivery with the same `webhook-id` came to this path before.
    pub duplicate: bool,
    /// Whether its signature was checked against a registered secret and matched.
    pub verified: bool,
}

/// How many deliveries came, by what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Answered 2xx.
    pub accepted: u64,
    /// Answered 400 or 401 because a rule was broken.
    pub refused: u64,
    /// Of the accepted, those whose `webhook-id` had been accepted before.
    pub duplicates: u64,
}

#[derive(Debug)]
struct State {
    deliveries: Kept<Delivery>,
    counts: Counts,
    by_path: HashMap<String, Counts>,
    keys: HashMap<String, Vec<Vec<u8>>>,
    seen: HashSet<u64>,
    seen_order: VecDeque<u64>,
}

impl State {
    fn new(keep: usize) -> Self {
        let keep = keep.min(limits::WEBHOOK_DELIVERIES);
        Self {
            deliveries: Kept::new(keep, limits::WEBHOOK_DELIVERY_BYTES),
            counts: Counts::default(),
            by_path: HashMap::new(),
            keys: HashMap::new(),
            seen: HashSet::new(),
            seen_order: VecDeque::new(),
        }
    }

    /// Whether the id was seen before; it is now.
    fn see(&mut self, id: u64) -> bool {
        if !self.seen.insert(id) {
            return true;
        }
        self.seen_order.push_back(id);
        if self.seen_order.len() > limits::WEBHOOK_IDS
            && let Some(oldest) = self.seen_order.pop_front()
        {
            self.seen.remove(&oldest);
        }
        false
    }

    fn count(&mut self, path: &str, delivery: &Delivery) {
        count(&mut self.counts, delivery);
        if let Some(counts) = self.by_path.get_mut(path) {
            count(counts, delivery);
        } else if self.by_path.len() < limits::WEBHOOK_PATHS {
            count(self.by_path.entry(path.to_owned()).or_default(), delivery);
        }
    }
}

fn count(counts: &mut Counts, delivery: &Delivery) {
    if delivery.status.is_success() {
        counts.accepted += 1;
        counts.duplicates += u64::from(delivery.duplicate);
    } else {
        counts.refused += 1;
    }
}

/// What the body of a signed delivery must have (Standard Webhooks, "payload structure").
#[derive(Deserialize)]
struct Payload<'a> {
    #[serde(rename = "type", borrow)]
    kind: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    timestamp: std::borrow::Cow<'a, str>,
    data: Option<serde::de::IgnoredAny>,
}

/// What is wrong with the body of a signed delivery, if anything is.
fn payload_problem(body: &[u8]) -> Option<String> {
    let payload: Payload = match serde_json::from_slice(body) {
        Ok(payload) => payload,
        Err(error) => {
            return Some(format!(
                "the body is not JSON with type, timestamp and data: {error}"
            ));
        }
    };
    if payload.kind.is_empty() {
        return Some("type is empty".into());
    }
    if payload.timestamp.parse::<jiff::Timestamp>().is_err() {
        return Some("timestamp is not an RFC 3339 time".into());
    }
    payload.data.is_none().then(|| "no data".into())
}

/// Checks a request against the keys of its path. `Ok` says whether a signature was verified.
fn check(request: &Request, keys: &[Vec<u8>], now: i64) -> Result<bool, (StatusCode, String)> {
    let bad = |problem| (StatusCode::BAD_REQUEST, problem);
    let refuse = |problem| (StatusCode::UNAUTHORIZED, problem);
    if keys.is_empty() {
        if signature::read(&request.headers).map_err(bad)?.is_some() {
            payload_problem(&request.body).map_or(Ok(()), |problem| Err(bad(problem)))?;
        }
        return Ok(false);
    }
    let signed = signature::read(&request.headers).map_err(refuse)?;
    let signed = signed.ok_or_else(|| {
        refuse("a secret is registered for this path and the request is not signed".into())
    })?;
    signed.verify(keys, &request.body, now).map_err(refuse)?;
    payload_problem(&request.body).map_or(Ok(true), |problem| Err(bad(problem)))
}

impl Vendor for Webhook {
    fn name(&self) -> &'static str {
        "webhook"
    }

    fn about(&self) -> &'static str {
        "receives any webhook at /webhook/…, checks Standard Webhooks signatures"
    }

    fn handle(&self, request: &Arc<Request>, conditions: Conditions) -> Reply {
        let keys = self
            .state
            .lock()
            .keys
            .get(&request.path)
            .cloned()
            .unwrap_or_default();
        let checked = check(request, &keys, conditions.now);
        let (reply, verified) = match checked {
            Ok(verified) => (Reply::json(StatusCode::OK, &json!({})), verified),
            Err((status, problem)) => (
                Reply::complaint(status, &problem).with_problems(vec![problem]),
                false,
            ),
        };
        let id = request
            .header("webhook-id")
            .filter(|_| reply.status.is_success());
        let id = id.map(|id| self.hasher.hash_one((&request.path, id)));
        let gone = {
            let mut state = self.state.lock();
            let duplicate = id.is_some_and(|id| state.see(id));
            let delivery = Delivery {
                request: request.clone(),
                status: reply.status,
                duplicate,
                verified,
            };
            state.count(&request.path, &delivery);
            state.deliveries.push(delivery, request.weight())
        };
        drop(gone);
        reply
    }

    fn page(&self, path: &str) -> Option<Reply> {
        (path == "/").then(|| page::deliveries(self))
    }

    /// `POST /_webhook/secrets {path, secrets}` (an empty list removes them), `GET /_webhook/counts`,
    /// `DELETE /_webhook/deliveries` (also forgets counts and seen ids).
    fn configure(&self, method: &Method, what: &str, body: &[u8]) -> Reply {
        match (method, what) {
            (&Method::POST, "secrets") => match self.register(body) {
                Ok(()) => Reply::json(StatusCode::OK, &json!({ "ok": true })),
                Err(problem) => Reply::complaint(StatusCode::BAD_REQUEST, &problem),
            },
            (&Method::GET, "counts") => {
                let state = self.state.lock();
                Reply::json(
                    StatusCode::OK,
                    &json!({ "all": state.counts, "by_path": state.by_path }),
                )
            }
            (&Method::DELETE, "deliveries") => {
                self.clear();
                Reply::json(StatusCode::OK, &json!({ "ok": true }))
            }
            _ => Reply::complaint(
                StatusCode::NOT_FOUND,
                "POST secrets, GET counts or DELETE deliveries",
            ),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Secrets {
    path: String,
    secrets: Vec<String>,
}

impl Webhook {
    /// A receiver that keeps at most so many deliveries.
    pub(crate) fn keeping(keep: usize) -> Self {
        Self {
            state: Mutex::new(State::new(keep)),
            hasher: RandomState::new(),
        }
    }

    fn register(&self, body: &[u8]) -> Result<(), String> {
        let Secrets { path, secrets } =
            serde_json::from_slice(body).map_err(|error| error.to_string())?;
        self.set_secrets(&path, &secrets)
    }

    /// Sets the secrets (`whsec_…`) of one of which deliveries to a path must be signed; none turns the check off.
    /// The path is with or without `/webhook` before it.
    ///
    /// # Errors
    /// A secret is not base64, or there are too many paths.
    pub fn set_secrets(&self, path: &str, secrets: &[String]) -> Result<(), String> {
        let path = format!(
            "/{}",
            path.strip_prefix("/webhook")
                .unwrap_or(path)
                .trim_start_matches('/')
        );
        let keys: Option<Vec<_>> = secrets
            .iter()
            .map(|secret| signature::key(secret))
            .collect();
        let keys = keys.ok_or("a secret is whsec_ and base64")?;
        let mut state = self.state.lock();
        if keys.is_empty() {
            state.keys.remove(&path);
        } else if state.keys.len() >= limits::WEBHOOK_PATHS && !state.keys.contains_key(&path) {
            return Err(format!(
                "at most {} paths have secrets",
                limits::WEBHOOK_PATHS
            ));
        } else {
            state.keys.insert(path, keys);
        }
        Ok(())
    }

    /// The kept deliveries to a path (without `/webhook`), oldest first; to all paths if `None`.
    #[must_use]
    pub fn deliveries(&self, path: Option<&str>) -> Vec<Delivery> {
        let state = self.state.lock();
        state
            .deliveries
            .iter()
            .filter(|delivery| path.is_none_or(|path| delivery.request.path == path))
            .cloned()
            .collect()
    }

    /// The counts of a path (without `/webhook`), or of all.
    #[must_use]
    pub fn counts(&self, path: Option<&str>) -> Counts {
        let state = self.state.lock();
        path.map_or(state.counts, |path| {
            state.by_path.get(path).copied().unwrap_or_default()
        })
    }

    /// Forgets deliveries, counts and seen ids; secrets stay.
    pub fn clear(&self) {
        let mut state = self.state.lock();
        state.deliveries.clear();
        state.counts = Counts::default();
        state.by_path.clear();
        state.seen.clear();
        state.seen_order.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signed_body_has_type_timestamp_and_data() {
        let table = [
            (
                r#"{"type":"alert.opened","timestamp":"2026-03-03T12:00:00Z","data":{}}"#,
                None,
            ),
            (
                r#"{"type":"","timestamp":"2026-03-03T12:00:00Z","data":{}}"#,
                Some("type"),
            ),
            (
                r#"{"type":"a","timestamp":"yesterday","data":{}}"#,
                Some("timestamp"),
            ),
            (
                r#"{"type":"a","timestamp":"2026-03-03T12:00:00Z"}"#,
                Some("data"),
            ),
            (
                r#"{"timestamp":"2026-03-03T12:00:00Z","data":{}}"#,
                Some("type"),
            ),
            ("[]", Some("JSON")),
            ("", Some("JSON")),
        ];
        for (body, expected) in table {
            let found = payload_problem(body.as_bytes());
            assert_eq!(found.is_some(), expected.is_some(), "{body}: {found:?}");
            assert!(
                expected.is_none_or(|word| found.unwrap().contains(word)),
                "{body}"
            );
        }
    }

    #[test]
    fn i10_seen_ids_are_bounded_and_the_oldest_is_forgotten_first() {
        let mut state = State::new(10);
        for id in 0..=limits::WEBHOOK_IDS as u64 {
            assert!(!state.see(id));
        }
        assert_eq!(state.seen.len(), limits::WEBHOOK_IDS);
        assert!(state.see(1), "the second is still known");
        assert!(!state.see(0), "the first was forgotten");
    }
}
