//! DingTalk's custom robots: `POST /dingtalk/robot/send?access_token=…[&timestamp=…&sign=…]`.
//!
//! Source: DingTalk's documentation of custom robots and their security settings. Every answer is 200; the body's
//! `errcode` tells. A robot exists from its first request on and has no security settings, until `POST /_dingtalk/robots
//! {access_token, secret, keywords, ips_only, gone, disabled}` sets some; `DELETE /_dingtalk` empties everything.

mod sign;
#[cfg(test)]
mod tests;

use crate::exchange::{Reply, Request};
use crate::limits;
use crate::posts::{self, Post, Posts};
use crate::vendor::{Conditions, Vendor};
use http::{Method, StatusCode};
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// So many messages a minute …
const PER_MINUTE: usize = 20;
/// … and who sends more is not heard for so long.
const BLOCK_MS: i64 = 600_000;
/// Bytes of a body.
const BODY_BYTES: usize = 20_000;
const KINDS: [&str; 5] = ["text", "markdown", "link", "actionCard", "feedCard"];

/// The simulated DingTalk.
#[derive(Debug, Default)]
pub struct DingTalk(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    posts: Posts,
    robots: BTreeMap<String, Robot>,
    last_id: u64,
}

#[derive(Debug, Clone, Default)]
struct Robot {
    knob: Knob,
    /// When the messages of the last minute came.
    recent: VecDeque<i64>,
    blocked_until: i64,
}

/// `POST /_dingtalk/robots`: replaces what is set for a robot, and ends a block.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Knob {
    #[serde(default)]
    access_token: String,
    /// Of the additional signature (`SEC…`).
    #[serde(default)]
    secret: Option<String>,
    /// One of them must stand in each message.
    #[serde(default)]
    keywords: Vec<String>,
    /// The sender's address is not in the robot's list.
    #[serde(default)]
    ips_only: bool,
    #[serde(default)]
    gone: bool,
    #[serde(default)]
    disabled: bool,
}

impl DingTalk {
    /// The messages of a robot's group by its token, oldest first.
    #[must_use]
    pub fn messages(&self, access_token: &str) -> Vec<Post> {
        self.0.lock().posts.of(access_token).cloned().collect()
    }
}

fn said(errcode: i64, errmsg: &str) -> Reply {
    Reply::json(
        StatusCode::OK,
        &json!({ "errcode": errcode, "errmsg": errmsg }),
    )
}

impl State {
    fn answer(&mut self, request: &Request, conditions: Conditions) -> Reply {
        if request.path.trim_end_matches('/') != "/robot/send" {
            return Reply::text(StatusCode::NOT_FOUND, "")
                .with_problems(vec!["only /robot/send is here".into()]);
        }
        if request.method != Method::POST {
            return said(43002, "require POST method");
        }
        let query: BTreeMap<String, String> = url::form_urlencoded::parse(request.query.as_bytes())
            .into_owned()
            .collect();
        let token = query.get("access_token").filter(|token| !token.is_empty());
        let Some(token) = token else {
            return said(40035, "missing parameter access_token")
                .with_problems(vec!["no access_token".into()]);
        };
        let is_room = self.robots.len() < limits::CHAT_KNOBS;
        if !is_room && !self.robots.contains_key(token) {
            return said(300_001, "token is not exist");
        }
        let robot = self.robots.entry(token.clone()).or_default();
        if robot.knob.gone {
            return said(300_001, "token is not exist");
        }
        if robot.knob.disabled {
            return said(400_102, "robot is disabled");
        }
        let (message, text, problems) = match read(&request.body) {
            Ok(read) => read,
            Err(refused) => return *refused,
        };
        if let Some(refused) = security(&robot.knob, &query, &text, conditions.now) {
            return refused;
        }
        if conditions.limits && robot.is_too_fast(conditions.now) {
            return said(130_101, "send too fast, exceed 20 times per minute")
                .with_problems(vec!["more than 20 messages in a minute".into()]);
        }
        self.last_id += 1;
        let content = json!({ "message": message, "text": text });
        self.posts
            .add(token, self.last_id, conditions.now, content, None);
        said(0, "ok").with_problems(problems)
    }
}

impl Robot {
    fn is_too_fast(&mut self, now: i64) -> bool {
        if now < self.blocked_until {
            return true;
        }
        while self.recent.front().is_some_and(|at| *at <= now - 60_000) {
            self.recent.pop_front();
        }
        if self.recent.len() >= PER_MINUTE {
            self.blocked_until = now + BLOCK_MS;
            self.recent.clear();
            return true;
        }
        self.recent.push_back(now);
        false
    }
}

/// The robot's security settings; a broken one has always the same number.
fn security(knob: &Knob, query: &BTreeMap<String, String>, text: &str, now: i64) -> Option<Reply> {
    let broken = |words: &str| {
        Some(said(
            310_000,
            &format!("{words}, more: [https://ding-doc.dingtalk.com]"),
        ))
    };
    if let Some(secret) = &knob.secret {
        let given = |name: &str| query.get(name).map(String::as_str).unwrap_or_default();
        match sign::check(secret, given("timestamp"), given("sign"), now) {
            sign::Checked::Good => {}
            sign::Checked::Time => return broken("invalid timestamp"),
            sign::Checked::Mismatch => return broken("sign not match"),
        }
    }
    if knob.ips_only {
        return broken("ip 203.0.113.9 not in whitelist");
    }
    let has_one = knob
        .keywords
        .iter()
        .any(|word| text.contains(word.as_str()));
    if !knob.keywords.is_empty() && !has_one {
        return broken("keywords not in content");
    }
    None
}

/// The message, its text for people, and the rules that it breaks without being refused.
fn read(body: &[u8]) -> Result<(Value, String, Vec<String>), Box<Reply>> {
    let refuse = |errcode: i64, words: &str| {
        Err(Box::new(
            said(errcode, words).with_problems(vec![words.to_owned()]),
        ))
    };
    if body.len() > BODY_BYTES {
        return refuse(460_101, "message too long, exceed 20000 bytes");
    }
    let Ok(message) = serde_json::from_slice::<Value>(body) else {
        return refuse(40035, "param error: the body is no JSON");
    };
    let kind = message["msgtype"].as_str().unwrap_or_default();
    if !KINDS.contains(&kind) {
        return refuse(400_105, "unsupported msgtype");
    }
    let part = |name: &str| message[kind][name].as_str().unwrap_or_default();
    let (needed, text): (&[&str], String) = match kind {
        "text" => (&["content"], part("content").into()),
        "markdown" => (
            &["title", "text"],
            format!("{}\n{}", part("title"), part("text")),
        ),
        "link" => (
            &["title", "text", "messageUrl"],
            format!("{}\n{}", part("title"), part("text")),
        ),
        "actionCard" => (
            &["title", "text"],
            format!("{}\n{}", part("title"), part("text")),
        ),
        _ => (&[], message[kind].to_string()),
    };
    if let Some(name) = needed.iter().find(|name| part(name).trim().is_empty()) {
        return refuse(40035, &format!("missing parameter {kind}.{name}"));
    }
    let mut problems = Vec::new();
    if message["at"]["isAtAll"] == true {
        problems.push("the message rings everybody".to_owned());
    }
    Ok((message, text, problems))
}

impl Vendor for DingTalk {
    fn name(&self) -> &'static str {
        "dingtalk"
    }

    fn about(&self) -> &'static str {
        "groups' custom robots, with their security settings and the ten-minute block"
    }

    fn handle(&self, request: &Arc<Request>, conditions: Conditions) -> Reply {
        self.0.lock().answer(request, conditions)
    }

    fn page(&self, path: &str) -> Option<Reply> {
        let posts = &self.0.lock().posts;
        posts.page("dingtalk", "DingTalk", "robots", path, |content| {
            posts::text(content["text"].as_str().unwrap_or_default())
        })
    }

    fn configure(&self, method: &Method, what: &str, body: &[u8]) -> Reply {
        let mut state = self.0.lock();
        match (method, what) {
            (&Method::POST, "robots") => posts::with(body, |knob: Knob| {
                let robot = Robot {
                    knob: knob.clone(),
                    ..Robot::default()
                };
                posts::keep(&mut state.robots, knob.access_token, robot)
            }),
            (&Method::DELETE, "") => {
                *state = State::default();
                Reply::json(StatusCode::OK, &json!({ "ok": true }))
            }
            _ => Reply::complaint(
                StatusCode::NOT_FOUND,
                "POST robots {access_token, …}, DELETE /_dingtalk",
            ),
        }
    }
}
