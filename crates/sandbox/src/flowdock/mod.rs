//! Flowdock: messages of personal tokens into flows, messages of flow tokens, and the older push addresses.
//!
//! Any token works but those that begin with `invalid` (401). Flows exist once somebody posts to them; a flow token is a
//! flow of its own. Facts: flowdock/api-docs (commit ff64e52), read 2026-11.

mod rules;

use crate::exchange::{Reply, Request};
use crate::kept::Kept;
use crate::limits;
use crate::page::{escape, shell, time_of_day};
use crate::vendor::{Conditions, Vendor};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Method, StatusCode};
use parking_lot::Mutex;
use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use std::sync::Arc;

/// The flows of the sandbox.
#[derive(Debug, Default)]
pub struct Flowdock(Mutex<State>);

/// A message as a flow keeps it.
#[derive(Debug, Clone)]
pub struct Message {
    pub id: u64,
    /// `org/flow`, or the flow token.
    pub flow: String,
    /// An external thread id, the thread that it answers in, or one of its own.
    pub thread: String,
    /// What was posted.
    pub body: Value,
    /// When it came, milliseconds since the epoch.
    pub at: i64,
}

#[derive(Debug)]
struct State {
    messages: Kept<Message>,
    next: u64,
}

impl Default for State {
    fn default() -> Self {
        Self {
            messages: Kept::new(limits::LOG_ENTRIES, limits::LOG_ENTRY_BYTES),
            next: 1,
        }
    }
}

impl State {
    /// Keeps a message; answers its id and thread.
    fn keep(
        &mut self,
        flow: &str,
        thread: Option<&str>,
        body: Map<String, Value>,
        at: i64,
    ) -> (u64, String) {
        let id = self.next;
        self.next += 1;
        let thread = thread.map_or_else(|| format!("thread{id:021}"), str::to_owned);
        let mut body = Value::Object(body);
        // It is a credential, and the flow's name already.
        body.as_object_mut().map(|body| body.remove("flow_token"));
        let weight = body.to_string().len() + 256;
        let message = Message {
            id,
            flow: flow.to_owned(),
            thread: thread.clone(),
            body,
            at,
        };
        drop(self.messages.push(message, weight));
        (id, thread)
    }
}

impl Flowdock {
    /// The kept messages, oldest first.
    #[must_use]
    pub fn messages(&self) -> Vec<Message> {
        self.0.lock().messages.iter().cloned().collect()
    }

    fn route(&self, request: &Request, conditions: Conditions) -> Reply {
        if request.method != Method::POST {
            return nothing_here();
        }
        let body = match rules::body(request) {
            Ok(body) => body,
            Err(problem) => return refused(vec![problem]),
        };
        let path = request.path.trim_end_matches('/');
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        match parts.as_slice() {
            ["messages"] | ["v1", "messages"] => self.by_flow_token(request, body, conditions.now),
            ["flows", org, flow, "messages"] => {
                self.by_personal_token(request, &format!("{org}/{flow}"), body, conditions.now)
            }
            ["v1", "messages", kind @ ("chat" | "team_inbox"), token] => {
                if token.starts_with("invalid") {
                    return unauthorized();
                }
                let problems = rules::pushed(kind, &body);
                if !problems.is_empty() {
                    return refused(problems);
                }
                self.0.lock().keep(token, None, body, conditions.now);
                Reply::json(StatusCode::OK, &json!({}))
            }
            _ => nothing_here(),
        }
    }

    fn by_flow_token(&self, request: &Request, body: Map<String, Value>, now: i64) -> Reply {
        let token = body
            .get("flow_token")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        if token.starts_with("invalid") {
            return unauthorized();
        }
        let problems = rules::integrated(&body);
        if !problems.is_empty() {
            return refused(problems);
        }
        let thread = body
            .get("external_thread_id")
            .and_then(Value::as_str)
            .map(str::to_owned);
        let (id, _) = self.0.lock().keep(&token, thread.as_deref(), body, now);
        // Without this header the answer comes before the message.
        if request.header("x-flowdock-wait-for-message").is_some() {
            return Reply::json(StatusCode::OK, &json!({ "id": id }));
        }
        Reply::json(StatusCode::ACCEPTED, &json!({}))
    }

    fn by_personal_token(
        &self,
        request: &Request,
        flow: &str,
        body: Map<String, Value>,
        now: i64,
    ) -> Reply {
        let token = request
            .header("authorization")
            .and_then(|value| value.strip_prefix("Basic "))
            .and_then(|value| STANDARD.decode(value).ok())
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .and_then(|pair| pair.split_once(':').map(|(token, _)| token.to_owned()))
            .unwrap_or_default();
        if token.is_empty() || token.starts_with("invalid") {
            return unauthorized();
        }
        let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_/".contains(c);
        if !flow.chars().all(is_name) {
            return Reply::json(StatusCode::NOT_FOUND, &json!({ "message": "not found" }))
                .with_problems(vec!["organization and flow are lower-case".to_owned()]);
        }
        let problems = rules::message(&body);
        if !problems.is_empty() {
            return refused(problems);
        }
        let mut state = self.0.lock();
        let thread = body
            .get("thread_id")
            .and_then(Value::as_str)
            .map(str::to_owned);
        let is_known = |thread: &String| {
            state
                .messages
                .iter()
                .any(|message| message.flow == flow && message.thread == *thread)
        };
        if thread.as_ref().is_some_and(|thread| !is_known(thread)) {
            return Reply::json(
                StatusCode::NOT_FOUND,
                &json!({ "message": "no such thread" }),
            )
            .with_problems(vec!["the thread is not of this flow".to_owned()]);
        }
        let (id, thread) = state.keep(flow, thread.as_deref(), body, now);
        Reply::json(
            StatusCode::CREATED,
            &json!({ "id": id, "thread_id": thread, "event": "message" }),
        )
    }
}

fn unauthorized() -> Reply {
    Reply::json(
        StatusCode::UNAUTHORIZED,
        &json!({ "message": "Unauthorized" }),
    )
}

fn refused(problems: Vec<String>) -> Reply {
    let body = json!({ "message": "Validation error", "errors": problems });
    Reply::json(StatusCode::BAD_REQUEST, &body).with_problems(problems)
}

fn nothing_here() -> Reply {
    Reply::json(StatusCode::NOT_FOUND, &json!({ "message": "not found" })).with_problems(vec![
        "only POST /messages, /flows/{org}/{flow}/messages, /v1/messages/chat/… and /v1/messages/team_inbox/…".to_owned(),
    ])
}

impl Vendor for Flowdock {
    fn name(&self) -> &'static str {
        "flowdock"
    }

    fn about(&self) -> &'static str {
        "messages into flows, by personal token and by flow token, in threads"
    }

    fn handle(&self, request: &Arc<Request>, conditions: Conditions) -> Reply {
        self.route(request, conditions)
    }

    fn page(&self, path: &str) -> Option<Reply> {
        (path == "/").then(|| flows(&self.0.lock().messages))
    }

    /// `DELETE /_flowdock` empties it.
    fn configure(&self, method: &Method, what: &str, _: &[u8]) -> Reply {
        if (method, what) != (&Method::DELETE, "") {
            return Reply::complaint(StatusCode::NOT_FOUND, "DELETE /_flowdock");
        }
        *self.0.lock() = State::default();
        Reply::json(StatusCode::OK, &json!({ "ok": true }))
    }
}

fn flows(kept: &Kept<Message>) -> Reply {
    let mut main = format!(
        "<header class=\"bar\"><h1>Flowdock</h1><p>{} messages</p></header>",
        kept.total()
    );
    if kept.total() == 0 {
        main.push_str("<p class=\"empty\">Nothing yet.</p>");
    }
    for one in kept.iter().rev().take(limits::PAGE_MESSAGES) {
        let whole = serde_json::to_string_pretty(&one.body).unwrap_or_default();
        let shown: String = whole.chars().take(limits::PAGE_BODY_CHARS).collect();
        let _ = write!(
            main,
            "<section class=\"hit\"><p><span class=\"when\">{}</span><b>{}</b><span class=\"when\">{}</span></p><pre>{}</pre></section>",
            time_of_day(one.at),
            escape(&one.flow),
            escape(&one.thread),
            escape(&shown)
        );
    }
    shell("Flowdock", &main)
}
