//! The requests.
//!
//! Rules of the wire: Telegram's Bot API, read 2026-11. The token stands in the address. There is no idempotency key:
//! a post whose reply was lost may be there twice (I7).
//!
//! A task may need several requests: an edit and then an answer with the notes; or, when a group has become a
//! supergroup, the same once more in the new chat. Ids of messages count anew there, so an edit becomes a post: the old
//! id could be another message's.

use model::{Outcome, Secret, Timestamp, Verb};
use serde_json::{Value, json};
use wire::http::HttpRequest;

use super::judge::{self, Said};
use super::kind::MANIFEST;
use super::render::{message, notes, reminder};
use crate::kit::buckets::per_minute;
use crate::kit::{Finish, Judge, Next, Pace, Reply, Sink, Step, Task};

/// At once in one chat.
const BURST: u32 = 5;
/// All chats of a bot together: about 30 a second (Telegram, "Bots FAQ", read 2026-11).
const PER_BOT_MINUTE: u32 = 1800;
const PER_BOT_BURST: u32 = 30;

/// A bot and a chat.
pub(super) struct Telegram {
    pub(super) chat: Value,
    pub(super) token: Secret,
    /// Names the token in buckets.
    pub(super) bot: String,
    pub(super) thread: Option<i64>,
    pub(super) base_url: String,
    pub(super) messages_per_minute: u32,
}

/// The call that a task begins with.
#[derive(Clone, Copy, PartialEq)]
enum Call {
    Post,
    Edit { chat: i64, message: i64 },
    Remind { chat: i64, message: i64 },
}

/// Every verb shows the alert's present state in its one message; a reminder answers to it.
fn plan(task: &Task<'_>) -> Call {
    match (task.handle.and_then(judge::place), task.verb) {
        (None, _) => Call::Post,
        (Some((chat, message)), Verb::Remind) => Call::Remind { chat, message },
        (Some((chat, message)), _) => Call::Edit { chat, message },
    }
}

impl Telegram {
    fn call(&self, method: &str, body: &Value, memo: Value) -> Next {
        let url = format!("{}/bot{}/{method}", self.base_url, self.token.expose());
        Next::request_with(HttpRequest::post_json(url, body.to_string()), memo)
    }

    /// A new message; `answers`: to this one, which may be gone.
    fn send(&self, chat: &Value, text: String, answers: Option<i64>, memo: Value) -> Next {
        let mut body = text_body(chat, text);
        if let Some(thread) = self.thread {
            body["message_thread_id"] = Value::from(thread);
        }
        if let Some(message) = answers {
            body["reply_parameters"] =
                json!({ "message_id": message, "allow_sending_without_reply": true });
        }
        self.call("sendMessage", &body, memo)
    }

    fn first(&self, task: &Task<'_>) -> Next {
        match plan(task) {
            Call::Post => self.send(&self.chat, message(task, true), None, Value::Null),
            Call::Edit { chat, message: id } => {
                let mut body = text_body(&Value::from(chat), message(task, false));
                body["message_id"] = Value::from(id);
                self.call("editMessageText", &body, Value::Null)
            }
            Call::Remind { chat, message } => {
                let chat = Value::from(chat);
                self.send(&chat, reminder(task), Some(message), Value::Null)
            }
        }
    }

    /// The group has moved: what was to be said goes into the new chat.
    fn again(&self, task: &Task<'_>, chat: i64) -> Next {
        let text = match plan(task) {
            Call::Remind { .. } => reminder(task),
            Call::Post | Call::Edit { .. } => message(task, true),
        };
        self.send(&Value::from(chat), text, None, json!({ "moved": chat }))
    }

    fn judge(&self, reply: &Reply, is_edit: bool, now: Timestamp) -> Said {
        let judge = Judge {
            manifest: &MANIFEST,
            secrets: self.secrets(),
            now,
            overrides: &[],
        };
        match reply {
            Ok(reply) => judge::answer(&judge, reply, is_edit),
            Err(error) => Said::Ended(judge.transport(error)),
        }
    }

    /// After the answer to the notes: the state is shown whatever became of them. What may still succeed is tried again
    /// with the whole task, whose edit then changes nothing.
    fn after_notes(said: Said) -> Finish {
        match said {
            Said::Ended(finish) if finish.outcome == Outcome::PayloadBad => Finish {
                outcome: Outcome::Delivered,
                excerpt: format!("The notes were left out: {}", finish.excerpt),
                ..finish
            },
            Said::Ended(finish) => Finish {
                handle: None,
                ..finish
            },
            Said::Moved(chat) => Finish {
                outcome: Outcome::Retry,
                handle: None,
                status: Some(400),
                excerpt: moved(chat),
            },
        }
    }
}

/// It puts a message that is already there right, and says nothing new.
fn is_about_old(verb: Verb) -> bool {
    matches!(verb, Verb::Repeat(_) | Verb::CloseExtra(_))
}

fn text_body(chat: &Value, text: String) -> Value {
    json!({
        "chat_id": chat,
        "text": text,
        "parse_mode": "HTML",
        "link_preview_options": { "is_disabled": true },
    })
}

fn moved(chat: i64) -> String {
    format!("The group became a supergroup: set `chat_id` to {chat}.")
}

impl Sink for Telegram {
    fn next(&self, task: &Task<'_>, step: Step<'_>) -> Next {
        let Some(reply) = step.reply else {
            return self.first(task);
        };
        if step.memo["notes"] == true {
            return Next::Finish(Self::after_notes(self.judge(reply, false, task.now)));
        }
        let call = plan(task);
        let moved_to = step.memo["moved"].as_i64();
        let is_edit = matches!(call, Call::Edit { .. }) && moved_to.is_none();
        let mut finish = match self.judge(reply, is_edit, task.now) {
            // What a repeat or an extra message's close posts anew would belong to nobody.
            Said::Moved(chat) if is_edit && is_about_old(task.verb) => Finish {
                outcome: Outcome::Stale,
                handle: None,
                status: Some(400),
                excerpt: moved(chat),
            },
            Said::Moved(chat) if moved_to.is_none() => return self.again(task, chat),
            // Twice in one task: something is wrong there.
            Said::Moved(chat) => Finish {
                outcome: Outcome::TargetGone,
                handle: None,
                status: Some(400),
                excerpt: moved(chat),
            },
            Said::Ended(finish) => finish,
        };
        let is_done = finish.outcome == Outcome::Delivered;
        if let (Call::Edit { chat, message }, true, true) = (call, is_edit, is_done) {
            // Said once: a repeat is only about the state.
            let text = notes(task.events).filter(|_| !is_about_old(task.verb));
            if let Some(text) = text {
                let chat = Value::from(chat);
                return self.send(&chat, text, Some(message), json!({ "notes": true }));
            }
            finish.handle = None;
        }
        if matches!(call, Call::Remind { .. }) {
            finish.handle = None;
        }
        if let (Some(chat), true) = (moved_to, is_done) {
            finish.excerpt = moved(chat);
        }
        Next::Finish(finish)
    }

    /// Asks for the chat: that tells of token and chat at once.
    fn probe(&self, step: Step<'_>) -> Option<Next> {
        let Some(reply) = step.reply else {
            let body = json!({ "chat_id": self.chat });
            return Some(self.call("getChat", &body, Value::Null));
        };
        // Without a clock here a date in Retry-After counts as now.
        Some(Next::Finish(
            match self.judge(reply, false, Timestamp::NEVER) {
                Said::Ended(finish) => Finish {
                    handle: None,
                    ..finish
                },
                Said::Moved(chat) => Finish {
                    outcome: Outcome::Delivered,
                    handle: None,
                    status: Some(400),
                    excerpt: moved(chat),
                },
            },
        ))
    }

    fn paces(&self, task: &Task<'_>) -> Vec<Pace> {
        let bot = &self.bot;
        let chat = match plan(task) {
            Call::Post => self.chat.to_string(),
            Call::Edit { chat, .. } | Call::Remind { chat, .. } => chat.to_string(),
        };
        vec![
            per_minute(format!("telegram:{bot}"), PER_BOT_MINUTE, PER_BOT_BURST),
            per_minute(
                format!("telegram:{bot}:{}", chat.trim_matches('"')),
                self.messages_per_minute,
                BURST,
            ),
        ]
    }

    fn target(&self) -> String {
        let chat = self.chat.to_string();
        let chat = chat.trim_matches('"');
        match self.thread {
            Some(thread) => format!("{chat}, topic {thread}"),
            None => chat.to_owned(),
        }
    }

    fn secrets(&self) -> Vec<&Secret> {
        vec![&self.token]
    }
}
