//! HipChat API v2: rooms that take notifications. Rooms exist once somebody posts to them.
//!
//! Any token works but those that begin with `invalid` (401) and `noscope` (403). Facts: wire rules of API v2 as third
//! parties keep them, read 2026-11.

use crate::exchange::{Reply, Request};
use crate::kept::Kept;
use crate::limits;
use crate::pace::{Allowance, Pace};
use crate::page::{escape, shell, time_of_day};
use crate::vendor::{Conditions, Vendor};
use http::{HeaderValue, Method, StatusCode};
use parking_lot::Mutex;
use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use std::sync::Arc;

/// 30 notifications a minute of one token (remembered).
const NOTIFICATIONS: Allowance = Allowance {
    burst: 30,
    interval_ms: 2_000,
};
const MESSAGE_CHARS: usize = 10_000;
const FROM_CHARS: usize = 64;
const COLORS: [&str; 6] = ["yellow", "green", "red", "purple", "gray", "random"];
const FIELDS: [&str; 6] = [
    "message",
    "message_format",
    "color",
    "notify",
    "from",
    "card",
];

/// One simulated server.
#[derive(Debug, Default)]
pub struct HipChat(Mutex<State>);

/// A notification as a room keeps it.
#[derive(Debug, Clone)]
pub struct Notification {
    pub room: String,
    pub from: String,
    pub color: String,
    pub notify: bool,
    /// HTML, or plain text if `message_format` was `text`.
    pub message: String,
    /// When it came, milliseconds since the epoch.
    pub at: i64,
}

#[derive(Debug)]
struct State {
    notifications: Kept<Notification>,
    pace: Pace,
}

impl Default for State {
    fn default() -> Self {
        Self {
            notifications: Kept::new(limits::LOG_ENTRIES, limits::LOG_ENTRY_BYTES),
            pace: Pace::default(),
        }
    }
}

impl HipChat {
    /// The kept notifications, oldest first.
    #[must_use]
    pub fn notifications(&self) -> Vec<Notification> {
        self.0.lock().notifications.iter().cloned().collect()
    }

    fn post(&self, request: &Request, room: &str, conditions: Conditions) -> Reply {
        let token = token(request);
        if token.is_empty() || token.starts_with("invalid") {
            return refusal(StatusCode::UNAUTHORIZED, "Invalid OAuth session");
        }
        if token.starts_with("noscope") {
            return refusal(StatusCode::FORBIDDEN, "This token lacks send_notification");
        }
        if room.is_empty() {
            return refusal(StatusCode::NOT_FOUND, "Room not found");
        }
        let broken = |problems: Vec<String>| {
            let first = problems.first().cloned().unwrap_or_default();
            refusal(StatusCode::BAD_REQUEST, &first).with_problems(problems)
        };
        if request.content_type() != "application/json" {
            return broken(vec!["the content type is not application/json".to_owned()]);
        }
        let Ok(Value::Object(body)) = serde_json::from_slice(&request.body) else {
            return broken(vec!["the body is no JSON object".to_owned()]);
        };
        let problems = problems(&body);
        if !problems.is_empty() {
            return broken(problems);
        }
        let mut state = self.0.lock();
        if conditions.limits
            && let Err(seconds) = state.pace.take(&token, NOTIFICATIONS, conditions.now)
        {
            let reset = conditions.now.div_euclid(1_000).unsigned_abs() + seconds;
            let mut reply = refusal(StatusCode::TOO_MANY_REQUESTS, "Rate limit exceeded");
            for (name, value) in [
                ("x-ratelimit-limit", 30),
                ("x-ratelimit-remaining", 0),
                ("x-ratelimit-reset", reset),
            ] {
                reply.headers.insert(name, HeaderValue::from(value));
            }
            return reply;
        }
        let text = |name: &str, default: &str| {
            body.get(name)
                .and_then(Value::as_str)
                .unwrap_or(default)
                .to_owned()
        };
        let notification = Notification {
            room: room.to_owned(),
            from: text("from", ""),
            color: text("color", "yellow"),
            notify: body.get("notify").is_some_and(|notify| *notify == true),
            message: text("message", ""),
            at: conditions.now,
        };
        let weight = notification.message.len() + 256;
        drop(state.notifications.push(notification, weight));
        Reply::text(StatusCode::NO_CONTENT, "")
    }
}

fn token(request: &Request) -> String {
    let header = request
        .header("authorization")
        .and_then(|value| value.strip_prefix("Bearer "));
    let in_query = || {
        url::form_urlencoded::parse(request.query.as_bytes())
            .find(|(name, _)| name == "auth_token")
            .map(|(_, value)| value.into_owned())
    };
    header
        .map(str::to_owned)
        .or_else(in_query)
        .unwrap_or_default()
}

fn problems(body: &Map<String, Value>) -> Vec<String> {
    let mut found = Vec::new();
    let chars = |name: &str| {
        body.get(name)
            .and_then(Value::as_str)
            .map(|text| text.chars().count())
    };
    if !chars("message").is_some_and(|chars| (1..=MESSAGE_CHARS).contains(&chars)) {
        found.push("message is text of 1 to 10000 characters".to_owned());
    }
    if body.contains_key("from") && chars("from").is_none_or(|chars| chars > FROM_CHARS) {
        found.push("from is text of at most 64 characters".to_owned());
    }
    for (name, words) in [
        ("color", &COLORS[..]),
        ("message_format", &["html", "text"]),
    ] {
        if let Some(value) = body.get(name)
            && !value.as_str().is_some_and(|word| words.contains(&word))
        {
            found.push(format!("{name} is not one of {}", words.join(", ")));
        }
    }
    if body
        .get("notify")
        .is_some_and(|notify| !notify.is_boolean())
    {
        found.push("notify is not true or false".to_owned());
    }
    for name in body.keys().filter(|name| !FIELDS.contains(&name.as_str())) {
        found.push(format!("there is no field {name}"));
    }
    found
}

/// HipChat's form of an error.
fn refusal(status: StatusCode, message: &str) -> Reply {
    let kind = status.canonical_reason().unwrap_or_default();
    let error = json!({ "code": status.as_u16(), "message": message, "type": kind });
    Reply::json(status, &json!({ "error": error }))
}

/// A part of a path as it was before it was percent-encoded.
fn decoded(part: &str) -> String {
    let pair = format!("p={}", part.replace('+', "%2B"));
    url::form_urlencoded::parse(pair.as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

impl Vendor for HipChat {
    fn name(&self) -> &'static str {
        "hipchat"
    }

    fn about(&self) -> &'static str {
        "API v2: notifications in rooms"
    }

    fn handle(&self, request: &Arc<Request>, conditions: Conditions) -> Reply {
        let room = request
            .path
            .strip_prefix("/v2/room/")
            .and_then(|rest| rest.strip_suffix("/notification"))
            .filter(|room| !room.contains('/') && request.method == Method::POST);
        match room {
            Some(room) => self.post(request, &decoded(room), conditions),
            None => refusal(StatusCode::NOT_FOUND, "Not Found")
                .with_problems(vec!["only POST /v2/room/{room}/notification".to_owned()]),
        }
    }

    fn page(&self, path: &str) -> Option<Reply> {
        (path == "/").then(|| rooms(&self.0.lock().notifications))
    }

    /// `DELETE /_hipchat` empties it.
    fn configure(&self, method: &Method, what: &str, _: &[u8]) -> Reply {
        if (method, what) != (&Method::DELETE, "") {
            return Reply::complaint(StatusCode::NOT_FOUND, "DELETE /_hipchat");
        }
        *self.0.lock() = State::default();
        Reply::json(StatusCode::OK, &json!({ "ok": true }))
    }
}

fn rooms(kept: &Kept<Notification>) -> Reply {
    let mut main = format!(
        "<header class=\"bar\"><h1>HipChat</h1><p>{} notifications</p></header>",
        kept.total()
    );
    if kept.total() == 0 {
        main.push_str("<p class=\"empty\">Nothing yet.</p>");
    }
    for one in kept.iter().rev().take(limits::PAGE_MESSAGES) {
        let tone = match one.color.as_str() {
            "green" => "good",
            "red" => "bad",
            _ => "",
        };
        let text: String = one.message.chars().take(limits::PAGE_BODY_CHARS).collect();
        let _ = write!(
            main,
            "<section class=\"hit\"><p><span class=\"when\">{}</span><span class=\"tag {tone}\">{}</span><b>{}</b><span class=\"when\">{}</span></p><pre>{}</pre></section>",
            time_of_day(one.at),
            escape(&one.color),
            escape(&one.room),
            escape(&one.from),
            escape(&text)
        );
    }
    shell("HipChat", &main)
}
