//! The requests.
//!
//! Rules of the wire: Discord's developer documentation, "Webhook resource" and "Rate limits", read 2026-11. Without
//! `wait=true` Discord answers 204 before it has saved the message, and says nothing if it cannot. There is no
//! idempotency key: a post whose reply was lost may be there twice (I7).

use http::Method;
use model::{Secret, Timestamp, Verb};
use serde_json::Value;
use url::Url;
use wire::http::{HttpRequest, host_of};

use super::judge::{self, Kind};
use super::kind::MANIFEST;
use super::render::{message, reminder, thread_name};
use crate::kit::buckets::{name_of, per_minute};
use crate::kit::{Finish, Judge, Next, Pace, Reply, Sink, Step, Task};

/// At once.
const BURST: u32 = 5;

/// A channel's webhook.
pub(super) struct Discord {
    url: Secret,
    /// The path alone and the token alone; answers may repeat them.
    path: Secret,
    token: Secret,
    thread: Option<String>,
    new_threads: bool,
    messages_per_minute: u32,
    /// Names the webhook in buckets.
    name: String,
}

/// The call that a task needs.
enum Call<'a> {
    Post,
    Edit {
        message: &'a str,
        thread: Option<&'a str>,
    },
    Remind {
        thread: Option<&'a str>,
    },
}

/// Every verb shows the alert's present state in its one message.
fn plan<'a>(task: &Task<'a>) -> Call<'a> {
    match (task.handle.and_then(judge::place), task.verb) {
        (None, _) => Call::Post,
        (Some((_, thread)), Verb::Remind) => Call::Remind { thread },
        (Some((message, thread)), _) => Call::Edit { message, thread },
    }
}

impl Discord {
    pub(super) fn new(
        url: &Url,
        thread: Option<String>,
        new_threads: bool,
        messages_per_minute: u32,
    ) -> Discord {
        let token = url.path().rsplit('/').next().unwrap_or_default();
        let secret = Secret::new(url.as_str());
        Discord {
            name: name_of(&secret),
            path: Secret::new(url.path()),
            token: Secret::new(token),
            url: secret,
            thread,
            new_threads,
            messages_per_minute,
        }
    }

    fn call(&self, method: Method, rest: &str, query: &str, body: &Value) -> Next {
        let url = format!("{}{rest}{query}", self.url.expose());
        let request = HttpRequest::new(method, url, body.to_string());
        Next::request(request.header("content-type", "application/json"))
    }

    fn request(&self, task: &Task<'_>) -> Next {
        match plan(task) {
            Call::Post => {
                let mut body = message(task);
                if self.new_threads {
                    body["thread_name"] = Value::from(thread_name(task));
                }
                self.post(self.thread.as_deref(), &body)
            }
            Call::Remind { thread } => {
                self.post(thread.or(self.thread.as_deref()), &reminder(task))
            }
            Call::Edit {
                message: id,
                thread,
            } => {
                let query = thread
                    .or(self.thread.as_deref())
                    .map_or(String::new(), |id| format!("?thread_id={id}"));
                let rest = format!("/messages/{id}");
                self.call(Method::PATCH, &rest, &query, &message(task))
            }
        }
    }

    fn post(&self, thread: Option<&str>, body: &Value) -> Next {
        let thread = thread.map_or(String::new(), |id| format!("&thread_id={id}"));
        self.call(Method::POST, "", &format!("?wait=true{thread}"), body)
    }

    fn judge(&self, reply: &Reply, kind: Kind, now: Timestamp) -> Finish {
        let judge = Judge {
            manifest: &MANIFEST,
            secrets: self.secrets(),
            now,
            overrides: &[],
        };
        match reply {
            Ok(reply) => judge::answer(&judge, reply, kind),
            Err(error) => judge.transport(error),
        }
    }
}

impl Sink for Discord {
    fn next(&self, task: &Task<'_>, step: Step<'_>) -> Next {
        let Some(reply) = step.reply else {
            return self.request(task);
        };
        let kind = match plan(task) {
            Call::Post => Kind::Post {
                new_thread: self.new_threads,
            },
            Call::Edit { thread, .. } => Kind::Edit {
                own_thread: thread.is_some(),
            },
            Call::Remind { .. } => Kind::Other,
        };
        Next::Finish(self.judge(reply, kind, task.now))
    }

    /// Discord tells about a webhook to whoever has its token.
    fn probe(&self, step: Step<'_>) -> Option<Next> {
        Some(match step.reply {
            None => Next::request(HttpRequest::get(self.url.expose())),
            // Without a clock here a date in Retry-After counts as now.
            Some(reply) => Next::Finish(self.judge(reply, Kind::Other, Timestamp::NEVER)),
        })
    }

    fn paces(&self, task: &Task<'_>) -> Vec<Pace> {
        let word = match plan(task) {
            Call::Edit { .. } => "edit",
            Call::Post | Call::Remind { .. } => "post",
        };
        let bucket = format!("discord:{word}:{}", self.name);
        vec![per_minute(bucket, self.messages_per_minute, BURST)]
    }

    /// The host, the webhook's id and the thread: neither posts without the token.
    fn target(&self) -> String {
        let path = self.path.expose();
        let id = path.rsplit('/').nth(1).unwrap_or_default();
        let thread = self
            .thread
            .as_ref()
            .map_or(String::new(), |thread| format!(", thread {thread}"));
        format!("{}, webhook {id}{thread}", host_of(self.url.expose()))
    }

    fn secrets(&self) -> Vec<&Secret> {
        vec![&self.url, &self.path, &self.token]
    }
}
