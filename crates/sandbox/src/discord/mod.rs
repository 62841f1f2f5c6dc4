//! Discord's webhooks: `POST /discord/api/webhooks/{id}/{token}` and what belongs to them.
//!
//! Source: Discord's API documentation (commit c98d64b), "Webhook resource" and "Rate limits". A webhook exists from
//! its first request on, with that token; `POST /_discord/webhooks {id, gone, forum, missing_permission}` changes one.
//! What is gone stays gone, until `DELETE /_discord` empties everything. `/v10` and the like before `/webhooks` is taken.

mod read;
mod rules;
#[cfg(test)]
mod tests;

use crate::exchange::{Reply, Request};
use crate::pace::{Allowance, Pace};
use crate::posts::{self, Post, Posts};
use crate::vendor::{Conditions, Vendor};
use http::{HeaderValue, Method, StatusCode};
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a webhook was seen to take; Discord publishes no number.
const PER_WEBHOOK: Allowance = Allowance {
    burst: 5,
    interval_ms: 400,
};

/// The simulated Discord.
#[derive(Debug, Default)]
pub struct Discord(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    posts: Posts,
    webhooks: BTreeMap<String, Webhook>,
    pace: Pace,
    last_id: u64,
}

#[derive(Debug, Clone, Default)]
struct Webhook {
    /// Of its first request.
    token: Option<String>,
    gone: bool,
    forum: bool,
    missing_permission: bool,
}

/// `POST /_discord/webhooks`: changes what is named.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Knob {
    id: String,
    gone: Option<bool>,
    /// Its channel is a forum: posts need a thread.
    forum: Option<bool>,
    missing_permission: Option<bool>,
}

/// A refusal: status, Discord's number, its words.
struct Refusal(StatusCode, u32, &'static str);

impl Refusal {
    fn reply(&self) -> Reply {
        Reply::json(self.0, &json!({ "message": self.2, "code": self.1 }))
    }
}

const UNKNOWN_WEBHOOK: Refusal = Refusal(StatusCode::NOT_FOUND, 10015, "Unknown Webhook");
const UNKNOWN_MESSAGE: Refusal = Refusal(StatusCode::NOT_FOUND, 10008, "Unknown Message");

impl Discord {
    /// The messages of a webhook's channel, or of a thread, oldest first.
    #[must_use]
    pub fn messages(&self, channel: &str) -> Vec<Post> {
        self.0.lock().posts.of(channel).cloned().collect()
    }
}

/// The channel of a webhook: a number that follows from the webhook's.
fn channel_of(webhook: &str) -> String {
    format!("9{webhook}")
}

fn query(request: &Request, name: &str) -> Option<String> {
    url::form_urlencoded::parse(request.query.as_bytes())
        .find(|(found, _)| found == name)
        .map(|(_, value)| value.into_owned())
}

impl State {
    fn answer(&mut self, request: &Request, conditions: Conditions) -> Reply {
        let path = request.path.trim_start_matches("/api");
        let path = match path.strip_prefix("/v") {
            Some(rest) => rest.trim_start_matches(|c: char| c.is_ascii_digit()),
            None => path,
        };
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let (id, token, rest) = match parts[..] {
            ["webhooks", id, token, ref rest @ ..] if is_id(id) && !token.is_empty() => {
                (id, token, rest)
            }
            _ => {
                return Refusal(StatusCode::NOT_FOUND, 0, "404: Not Found")
                    .reply()
                    .with_problems(vec!["this is no path of a webhook".into()]);
            }
        };
        let webhook = match self.authenticate(id, token) {
            Ok(webhook) => webhook,
            Err(refusal) => return refusal.reply(),
        };
        let route = format!("{} {id} {}", request.method, rest.len());
        if conditions.limits
            && let Some(refused) = self.throttle(&route, conditions.now)
        {
            return refused;
        }
        match (&request.method, rest) {
            (&Method::GET, []) => Reply::json(StatusCode::OK, &described(id, token)),
            (&Method::DELETE, []) => {
                self.webhooks.entry(id.to_owned()).or_default().gone = true;
                Reply::text(StatusCode::NO_CONTENT, "")
            }
            (&Method::POST, []) => self.post(id, &webhook, request, conditions.now),
            (method, ["messages", message]) => {
                self.message(method, id, message, request, conditions.now)
            }
            _ => Refusal(StatusCode::METHOD_NOT_ALLOWED, 0, "405: Method Not Allowed").reply(),
        }
    }

    fn authenticate(&mut self, id: &str, token: &str) -> Result<Webhook, Refusal> {
        let is_room = self.webhooks.len() < crate::limits::CHAT_KNOBS;
        if !is_room && !self.webhooks.contains_key(id) {
            return Err(UNKNOWN_WEBHOOK);
        }
        let webhook = self.webhooks.entry(id.to_owned()).or_default();
        if webhook.gone {
            return Err(UNKNOWN_WEBHOOK);
        }
        if webhook.token.get_or_insert_with(|| token.to_owned()) != token {
            let words = "Invalid Webhook Token";
            return Err(Refusal(StatusCode::UNAUTHORIZED, 50027, words));
        }
        Ok(webhook.clone())
    }

    /// The wait is exact in the body and in whole seconds in the header, as Discord has it.
    fn throttle(&mut self, route: &str, now: i64) -> Option<Reply> {
        let wait = self.pace.wait_ms(route, PER_WEBHOOK, now);
        let seconds = self.pace.take(route, PER_WEBHOOK, now).err()?;
        let exact = f64::from(u32::try_from(wait).unwrap_or(u32::MAX)) / 1000.0;
        let body = json!({ "message": "You are being rate limited.", "retry_after": exact, "global": false });
        let mut reply = Reply::json(StatusCode::TOO_MANY_REQUESTS, &body);
        let headers = &mut reply.headers;
        headers.insert(http::header::RETRY_AFTER, HeaderValue::from(seconds));
        headers.insert("x-ratelimit-limit", HeaderValue::from(PER_WEBHOOK.burst));
        headers.insert("x-ratelimit-remaining", HeaderValue::from(0));
        headers.insert("x-ratelimit-scope", HeaderValue::from_static("user"));
        if let Ok(value) = HeaderValue::try_from(exact.to_string()) {
            headers.insert("x-ratelimit-reset-after", value);
        }
        Some(reply)
    }

    fn post(&mut self, id: &str, webhook: &Webhook, request: &Request, now: i64) -> Reply {
        let waits = query(request, "wait").is_some_and(|wait| wait == "true");
        let (message, mut problems) = match read::message(&request.body) {
            Ok(read) => read,
            // Without `wait` Discord has answered before it saw what is wrong.
            Err(reply) if waits => return *reply,
            Err(reply) => {
                return Reply::text(StatusCode::NO_CONTENT, "").with_problems(reply.problems);
            }
        };
        if !waits {
            problems.push("without wait=true a message that cannot be saved gives no error".into());
        }
        if webhook.missing_permission {
            return Refusal(StatusCode::FORBIDDEN, 50013, "Missing Permissions").reply();
        }
        self.last_id += 1;
        let message_id = snowflake(now, self.last_id);
        let thread = query(request, "thread_id");
        let named = message
            .get("thread_name")
            .is_some_and(|name| !name.is_null());
        let room = match (thread, named) {
            (None, false) if webhook.forum => {
                let words =
                    "Webhooks posted to forum channels must have a thread_name or thread_id";
                return Refusal(StatusCode::BAD_REQUEST, 220_001, words).reply();
            }
            (_, true) if !webhook.forum => {
                let words = "Webhooks can only create threads in forum channels";
                return Refusal(StatusCode::BAD_REQUEST, 220_003, words).reply();
            }
            // The first message of a thread has the thread's id.
            (_, true) => message_id.to_string(),
            (Some(thread), false) => thread,
            (None, false) => channel_of(id),
        };
        let post = self
            .posts
            .add(&room, message_id, now, Value::Object(message), None);
        let reply = if waits {
            Reply::json(StatusCode::OK, &shown(id, &post))
        } else {
            Reply::text(StatusCode::NO_CONTENT, "")
        };
        reply.with_problems(problems)
    }

    fn message(
        &mut self,
        method: &Method,
        id: &str,
        message: &str,
        request: &Request,
        now: i64,
    ) -> Reply {
        let room = query(request, "thread_id").unwrap_or_else(|| channel_of(id));
        let found = message
            .parse()
            .ok()
            .and_then(|id| self.posts.get(&room, id))
            .cloned();
        let Some(post) = found else {
            return UNKNOWN_MESSAGE.reply();
        };
        match *method {
            Method::GET => Reply::json(StatusCode::OK, &shown(id, &post)),
            Method::DELETE => {
                self.posts.remove(&room, post.id);
                Reply::text(StatusCode::NO_CONTENT, "")
            }
            Method::PATCH => {
                let change = match read::change(&request.body, &post.content) {
                    Ok(read) => read,
                    Err(reply) => return *reply,
                };
                match self.posts.edit(&room, post.id, now, Value::Object(change)) {
                    Some(post) => Reply::json(StatusCode::OK, &shown(id, &post)),
                    None => UNKNOWN_MESSAGE.reply(),
                }
            }
            _ => Refusal(StatusCode::METHOD_NOT_ALLOWED, 0, "405: Method Not Allowed").reply(),
        }
    }
}

/// A message id as Discord makes them: the time since 2015 and a number.
fn snowflake(now: i64, number: u64) -> u64 {
    let since = u64::try_from(now - 1_420_070_400_000).unwrap_or(0);
    (since << 22) | (number & 0x003f_ffff)
}

fn is_id(text: &str) -> bool {
    !text.is_empty() && text.len() <= 20 && text.bytes().all(|b| b.is_ascii_digit())
}

/// Discord tells the token too.
fn described(id: &str, token: &str) -> Value {
    json!({ "application_id": null, "avatar": null, "channel_id": channel_of(id), "guild_id": "1", "id": id,
        "name": "Sandbox", "type": 1, "token": token, "url": format!("https://discord.com/api/webhooks/{id}/{token}") })
}

fn shown(webhook: &str, post: &Post) -> Value {
    let when = |ms: i64| {
        jiff::Timestamp::from_millisecond(ms).map_or_else(|_| String::new(), |at| at.to_string())
    };
    json!({ "id": post.id.to_string(), "channel_id": post.room, "webhook_id": webhook, "type": 0,
        "content": post.content["content"].as_str().unwrap_or_default(), "embeds": post.content["embeds"],
        "timestamp": when(post.at), "edited_timestamp": post.edited.map(when), "mentions": [], "tts": false })
}

impl Vendor for Discord {
    fn name(&self) -> &'static str {
        "discord"
    }

    fn about(&self) -> &'static str {
        "channels' webhooks, with edits, threads and forums"
    }

    fn handle(&self, request: &Arc<Request>, conditions: Conditions) -> Reply {
        self.0.lock().answer(request, conditions)
    }

    fn page(&self, path: &str) -> Option<Reply> {
        let posts = &self.0.lock().posts;
        posts.page("discord", "Discord", "channels", path, html)
    }

    fn configure(&self, method: &Method, what: &str, body: &[u8]) -> Reply {
        let mut state = self.0.lock();
        match (method, what) {
            (&Method::POST, "webhooks") => posts::with(body, |knob: Knob| {
                let mut webhook = state.webhooks.get(&knob.id).cloned().unwrap_or_default();
                // What is gone stays gone.
                webhook.gone |= knob.gone.unwrap_or_default();
                webhook.forum = knob.forum.unwrap_or(webhook.forum);
                webhook.missing_permission = knob
                    .missing_permission
                    .unwrap_or(webhook.missing_permission);
                posts::keep(&mut state.webhooks, knob.id, webhook)
            }),
            (&Method::DELETE, "") => {
                *state = State::default();
                Reply::json(StatusCode::OK, &json!({ "ok": true }))
            }
            _ => Reply::complaint(
                StatusCode::NOT_FOUND,
                "POST webhooks {id, gone, forum, missing_permission}, DELETE /_discord",
            ),
        }
    }
}

fn html(content: &Value) -> String {
    let mut out = posts::text(content["content"].as_str().unwrap_or_default());
    for embed in content["embeds"].as_array().map_or(&[][..], Vec::as_slice) {
        let color = embed["color"].as_u64().unwrap_or(0x00e4_e4e4);
        let mut inner = String::new();
        for part in ["title", "description"] {
            inner.push_str(&posts::text(embed[part].as_str().unwrap_or_default()));
        }
        for field in embed["fields"].as_array().map_or(&[][..], Vec::as_slice) {
            let text = |part: &str| field[part].as_str().unwrap_or_default().to_owned();
            inner.push_str(&posts::text(&format!(
                "{}: {}",
                text("name"),
                text("value")
            )));
        }
        inner.push_str(&posts::text(
            embed
                .pointer("/footer/text")
                .and_then(Value::as_str)
                .unwrap_or_default(),
        ));
        out.push_str(&format!(
            "<div class=\"att\"><i style=\"background:#{color:06x}\"></i><div>{inner}</div></div>"
        ));
    }
    out
}
