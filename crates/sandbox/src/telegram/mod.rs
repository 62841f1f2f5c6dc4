//! Telegram's Bot API: `POST /telegram/bot{token}/{method}` with JSON or a form.
//!
//! Source: Bot API 10.1. Methods: getMe, getChat, sendMessage, editMessageText, deleteMessage. Any token of the right
//! form is a bot, any chat exists from its first message on. `POST /_telegram/chats {chat_id, migrated_to, kicked, blocked,
//! unknown, no_rights, topics}` changes a chat, `POST /_telegram/tokens {token, revoked}` a bot, `DELETE /_telegram`
//! empties everything. There is no way to read messages by the API: `/telegram/chats/{id}.json` has them.

mod html;
mod methods;
#[cfg(test)]
mod tests;

use crate::exchange::{Reply, Request};
use crate::pace::Pace;
use crate::posts::{self, Post, Posts};
use crate::vendor::{Conditions, Vendor};
use http::{HeaderValue, Method, StatusCode};
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The simulated Telegram.
#[derive(Debug, Default)]
pub struct Telegram(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    posts: Posts,
    chats: BTreeMap<String, Chat>,
    revoked: BTreeMap<String, bool>,
    pace: Pace,
    /// The newest message's number, by chat: each chat counts for itself.
    last_id: BTreeMap<String, u64>,
}

/// `POST /_telegram/chats`: replaces what is set for a chat.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Chat {
    /// A number, or a name with `@`.
    #[serde(default)]
    chat_id: Value,
    /// The group became this supergroup.
    #[serde(default)]
    migrated_to: Option<i64>,
    #[serde(default)]
    kicked: bool,
    #[serde(default)]
    blocked: bool,
    #[serde(default)]
    unknown: bool,
    #[serde(default)]
    no_rights: bool,
    /// The topics that it has, if only these.
    #[serde(default)]
    topics: Option<Vec<i64>>,
}

/// `POST /_telegram/tokens`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenKnob {
    token: String,
    revoked: bool,
}

/// A refusal: status, words, and parameters.
#[derive(Debug)]
struct Refusal {
    status: StatusCode,
    description: String,
    parameters: Value,
}

impl Refusal {
    fn new(status: StatusCode, description: impl Into<String>) -> Refusal {
        Refusal {
            status,
            description: description.into(),
            parameters: Value::Null,
        }
    }

    fn bad(description: impl std::fmt::Display) -> Refusal {
        Refusal::new(
            StatusCode::BAD_REQUEST,
            format!("Bad Request: {description}"),
        )
    }

    fn slow(seconds: u64) -> Refusal {
        Refusal {
            parameters: json!({ "retry_after": seconds }),
            ..Refusal::new(
                StatusCode::TOO_MANY_REQUESTS,
                format!("Too Many Requests: retry after {seconds}"),
            )
        }
    }

    fn reply(self) -> Reply {
        let mut body = json!({ "ok": false, "error_code": self.status.as_u16(), "description": self.description });
        let seconds = self.parameters["retry_after"].as_u64();
        if !self.parameters.is_null() {
            body["parameters"] = self.parameters;
        }
        let mut reply = Reply::json(self.status, &body);
        if let Some(seconds) = seconds {
            let headers = &mut reply.headers;
            headers.insert(http::header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        reply
    }
}

impl Telegram {
    /// The messages of a chat by its number or `@name`, oldest first.
    #[must_use]
    pub fn messages(&self, chat: &str) -> Vec<Post> {
        self.0.lock().posts.of(chat).cloned().collect()
    }
}

impl State {
    fn answer(
        &mut self,
        request: &Request,
        conditions: Conditions,
        problems: &mut Vec<String>,
    ) -> Result<Value, Refusal> {
        let not_found = || Refusal::new(StatusCode::NOT_FOUND, "Not Found");
        let path = request.path.strip_prefix("/bot").ok_or_else(not_found)?;
        let (token, method) = path.split_once('/').ok_or_else(not_found)?;
        let is_token = token
            .split_once(':')
            .is_some_and(|(id, key)| id.parse::<u64>().is_ok() && key.len() >= 10);
        if !is_token {
            return Err(not_found());
        }
        if self.revoked.get(token).copied().unwrap_or_default() {
            return Err(Refusal::new(StatusCode::UNAUTHORIZED, "Unauthorized"));
        }
        let args = arguments(request).ok_or_else(|| {
            problems.push("the body is neither a JSON object nor a form".into());
            Refusal::bad("can't parse JSON object")
        })?;
        // Names of methods know no case.
        match method.to_lowercase().as_str() {
            "getme" => Ok(methods::bot(token)),
            "getchat" => self.get_chat(&args),
            "sendmessage" => self.send(token, &args, conditions, problems),
            "editmessagetext" => self.edit(token, &args, conditions, problems),
            "deletemessage" => self.delete(&args),
            _ => Err(not_found()),
        }
    }
}

/// The arguments of a call, from the query, a form or JSON.
fn arguments(request: &Request) -> Option<Map<String, Value>> {
    let pairs = |bytes: &[u8]| -> Map<String, Value> {
        url::form_urlencoded::parse(bytes)
            .map(|(name, value)| (name.into_owned(), Value::from(value.into_owned())))
            .collect()
    };
    let mut args = pairs(request.query.as_bytes());
    if request.body.is_empty() {
        return Some(args);
    }
    if request.content_type() == "application/x-www-form-urlencoded" {
        args.extend(pairs(&request.body));
        return Some(args);
    }
    match serde_json::from_slice(&request.body) {
        Ok(Value::Object(body)) => {
            args.extend(body);
            Some(args)
        }
        _ => None,
    }
}

impl Vendor for Telegram {
    fn name(&self) -> &'static str {
        "telegram"
    }

    fn about(&self) -> &'static str {
        "bots' messages in chats, groups that move, topics"
    }

    fn handle(&self, request: &Arc<Request>, conditions: Conditions) -> Reply {
        let mut problems = Vec::new();
        let answer = self.0.lock().answer(request, conditions, &mut problems);
        let reply = match answer {
            Ok(result) => Reply::json(StatusCode::OK, &json!({ "ok": true, "result": result })),
            Err(refusal) => refusal.reply(),
        };
        reply.with_problems(problems)
    }

    fn page(&self, path: &str) -> Option<Reply> {
        let posts = &self.0.lock().posts;
        posts.page("telegram", "Telegram", "chats", path, |content| {
            posts::text(content["plain"].as_str().unwrap_or_default())
        })
    }

    fn configure(&self, method: &Method, what: &str, body: &[u8]) -> Reply {
        let mut state = self.0.lock();
        match (method, what) {
            (&Method::POST, "chats") => {
                posts::with(body, |chat: Chat| match methods::room(&chat.chat_id) {
                    Some(room) => posts::keep(&mut state.chats, room, chat),
                    None => {
                        Reply::complaint(StatusCode::BAD_REQUEST, "chat_id is a number or an @name")
                    }
                })
            }
            (&Method::POST, "tokens") => posts::with(body, |knob: TokenKnob| {
                posts::keep(&mut state.revoked, knob.token, knob.revoked)
            }),
            (&Method::DELETE, "") => {
                *state = State::default();
                Reply::json(StatusCode::OK, &json!({ "ok": true }))
            }
            _ => Reply::complaint(
                StatusCode::NOT_FOUND,
                "POST chats {chat_id, …}, POST tokens {token, revoked}, DELETE /_telegram",
            ),
        }
    }
}
