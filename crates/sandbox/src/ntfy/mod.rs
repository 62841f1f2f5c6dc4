//! ntfy: JSON to the root (`POST /ntfy/`), plain publishing to a topic (`POST /ntfy/{topic}`), and reading back
//! (`GET /ntfy/{topic}/json?poll=1`).
//!
//! Source: ntfy's documentation (commit 81a486a), "Publishing", "Access control", "Rate limiting". Topics are open until
//! `POST /_ntfy/access {topic, token, user, password, forbidden}` guards one; `DELETE /_ntfy` empties everything.

mod message;
#[cfg(test)]
mod tests;

use crate::exchange::{Reply, Request};
use crate::pace::{Allowance, Pace};
use crate::posts::{self, Post, Posts};
use crate::vendor::{Conditions, Vendor};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Method, StatusCode};
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A visitor's bucket: 60, and one more each five seconds.
const PER_VISITOR: Allowance = Allowance {
    burst: 60,
    interval_ms: 5_000,
};

/// The simulated server.
#[derive(Debug, Default)]
pub struct Ntfy(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    posts: Posts,
    access: BTreeMap<String, Access>,
    pace: Pace,
    last_id: u64,
}

/// `POST /_ntfy/access`: replaces what is set for a topic. With a token or a user it is guarded.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Access {
    topic: String,
    #[serde(default)]
    token: Option<String>,
    #[serde(default)]
    user: Option<String>,
    #[serde(default)]
    password: Option<String>,
    /// Good credentials may not write either.
    #[serde(default)]
    forbidden: bool,
}

impl Ntfy {
    /// The messages of a topic, oldest first.
    #[must_use]
    pub fn messages(&self, topic: &str) -> Vec<Post> {
        self.0.lock().posts.of(topic).cloned().collect()
    }
}

/// An error in ntfy's form: its number begins with the status.
fn refusal(code: u32, error: &str) -> Reply {
    let status = u16::try_from(code / 100).ok();
    let status = status
        .and_then(|status| StatusCode::from_u16(status).ok())
        .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = json!({ "code": code, "http": status.as_u16(), "error": error, "link": "https://ntfy.sh/docs/publish/" });
    Reply::json(status, &body)
}

fn is_topic(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    !text.is_empty() && text.len() <= 64 && text.bytes().all(allowed)
}

impl State {
    fn answer(&mut self, request: &Request, conditions: Conditions) -> Reply {
        let path = request.path.trim_matches('/');
        let may_publish = matches!(request.method, Method::POST | Method::PUT);
        match (may_publish, path.split_once('/')) {
            (true, None) => self.publish(path, request, conditions),
            (false, Some((topic, "json"))) if request.method == Method::GET => {
                self.read(topic, request)
            }
            _ => refusal(40401, "page not found")
                .with_problems(vec!["neither publishing nor reading of a topic".into()]),
        }
    }

    fn publish(&mut self, path: &str, request: &Request, conditions: Conditions) -> Reply {
        let read = match path {
            "" => message::from_json(&request.body),
            topic => message::from_headers(topic, request),
        };
        let (topic, message, problems) = match read {
            Ok(read) => read,
            Err((code, error)) => {
                return refusal(code, error).with_problems(vec![error.to_owned()]);
            }
        };
        if !is_topic(&topic) {
            let error = "invalid request: topic invalid";
            return refusal(40009, error).with_problems(vec![error.into()]);
        }
        if ["docs", "static", "file", "app", "account", "settings"].contains(&topic.as_str()) {
            return refusal(40010, "invalid request: topic name is not allowed");
        }
        if let Some(refused) = self.denied(&topic, request) {
            return refused;
        }
        if conditions.limits
            && self
                .pace
                .take("visitor", PER_VISITOR, conditions.now)
                .is_err()
        {
            return refusal(42901, "limit reached: too many requests, please be nice");
        }
        self.last_id += 1;
        let post = self
            .posts
            .add(&topic, self.last_id, conditions.now, message, None);
        Reply::json(StatusCode::OK, &shown(&post)).with_problems(problems)
    }

    /// The refusal of a request without the topic's credential.
    fn denied(&self, topic: &str, request: &Request) -> Option<Reply> {
        let access = self.access.get(topic)?;
        let given = request.header("authorization").unwrap_or_default();
        let token = access.token.as_ref().map(|token| format!("Bearer {token}"));
        let pair = access.user.as_ref().map(|user| {
            let password = access.password.as_deref().unwrap_or_default();
            format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
        });
        let is_guarded = token.is_some() || pair.is_some();
        let is_known = [token, pair].iter().flatten().any(|good| good == given);
        if is_guarded && !given.is_empty() && !is_known {
            return Some(refusal(40101, "unauthorized"));
        }
        let is_denied = access.forbidden || (is_guarded && !is_known);
        is_denied.then(|| refusal(40301, "forbidden"))
    }

    /// The cached messages, a line of JSON each.
    fn read(&self, topic: &str, request: &Request) -> Reply {
        if !is_topic(topic) {
            return refusal(40009, "invalid request: topic invalid");
        }
        if let Some(refused) = self.denied(topic, request) {
            return refused;
        }
        if !request.query.contains("poll=1") {
            return refusal(40000, "the sandbox keeps no connections: use poll=1");
        }
        let lines: String = self
            .posts
            .of(topic)
            .map(|post| format!("{}\n", shown(post)))
            .collect();
        Reply::text(StatusCode::OK, lines)
    }
}

/// A message as subscribers get it.
fn shown(post: &Post) -> Value {
    let mut message = post.content.clone();
    message["id"] = json!(format!("sandbox{:05}", post.id));
    message["time"] = json!(post.at / 1_000);
    message["expires"] = json!(post.at / 1_000 + 43_200);
    message["event"] = json!("message");
    message["topic"] = json!(post.room);
    message
}

impl Vendor for Ntfy {
    fn name(&self) -> &'static str {
        "ntfy"
    }

    fn about(&self) -> &'static str {
        "topics with push messages, open or guarded"
    }

    fn handle(&self, request: &Arc<Request>, conditions: Conditions) -> Reply {
        self.0.lock().answer(request, conditions)
    }

    fn page(&self, path: &str) -> Option<Reply> {
        let posts = &self.0.lock().posts;
        posts.page("ntfy", "ntfy", "topics", path, |content| {
            let text = |name: &str| content[name].as_str().unwrap_or_default().to_owned();
            let head = format!(
                "priority {} · tags {}",
                content["priority"], content["tags"]
            );
            posts::text(&text("title")) + &posts::text(&text("message")) + &posts::text(&head)
        })
    }

    fn configure(&self, method: &Method, what: &str, body: &[u8]) -> Reply {
        let mut state = self.0.lock();
        match (method, what) {
            (&Method::POST, "access") => posts::with(body, |access: Access| {
                posts::keep(&mut state.access, access.topic.clone(), access)
            }),
            (&Method::DELETE, "") => {
                *state = State::default();
                Reply::json(StatusCode::OK, &json!({ "ok": true }))
            }
            _ => Reply::complaint(
                StatusCode::NOT_FOUND,
                "POST access {topic, token, user, password, forbidden}, DELETE /_ntfy",
            ),
        }
    }
}
