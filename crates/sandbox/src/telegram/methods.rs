//! The methods.
//!
//! Source: Bot API 10.1, "sendMessage", "editMessageText", "deleteMessage", "getChat"; the words of errors as the API's
//! server gives them. Limits: "Bots FAQ" (about 30 messages a second, one a second in a chat, 20 a minute in a group).

use super::{Chat, Refusal, State, html};
use crate::limits;
use crate::pace::Allowance;
use crate::posts::Post;
use crate::vendor::Conditions;
use http::StatusCode;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

/// 20 a minute in a group; the burst is our guess.
const PER_GROUP: Allowance = Allowance {
    burst: 20,
    interval_ms: 3_000,
};
/// One a second elsewhere; bursts are said to pass.
const PER_CHAT: Allowance = Allowance {
    burst: 20,
    interval_ms: 1_000,
};
/// All chats of a bot.
const PER_BOT: Allowance = Allowance {
    burst: 30,
    interval_ms: 34,
};
/// Longest text in UTF-16 units, after its tags are taken out.
const TEXT_UNITS: usize = 4096;

type Args = Map<String, Value>;

/// A chat's name in our tables: its number as text, or `@name`.
pub(super) fn room(chat_id: &Value) -> Option<String> {
    let text = match chat_id {
        Value::Number(number) => return number.as_i64().map(|id| id.to_string()),
        Value::String(text) => text.trim(),
        _ => return None,
    };
    let is_name = text.strip_prefix('@').is_some_and(|name| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    });
    (is_name || text.parse::<i64>().is_ok()).then(|| text.to_owned())
}

/// A chat's number; that of a public name follows from the name.
fn number(room: &str) -> i64 {
    room.parse().unwrap_or_else(|_| {
        let digest = Sha256::digest(room.as_bytes());
        let number = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
        -1_000_000_000_000 - i64::from(number)
    })
}

pub(super) fn bot(token: &str) -> Value {
    let id = token
        .split(':')
        .next()
        .and_then(|id| id.parse::<u64>().ok());
    json!({ "id": id, "is_bot": true, "first_name": "Sandbox", "username": "sandbox_bot" })
}

fn chat(room: &str) -> Value {
    let id = number(room);
    let kind = match room {
        _ if room.starts_with("-100") || room.starts_with('@') => "supergroup",
        _ if id < 0 => "group",
        _ => "private",
    };
    json!({ "id": id, "type": kind, "title": room })
}

fn integer(args: &Args, name: &str) -> Option<i64> {
    match args.get(name)? {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// A member that is an object, or its JSON in a form.
fn object(args: &Args, name: &str) -> Option<Value> {
    match args.get(name)? {
        Value::String(text) => serde_json::from_str(text).ok(),
        other => Some(other.clone()),
    }
}

impl State {
    /// The chat of a call, if the bot may speak there.
    fn chat(&self, args: &Args) -> Result<(String, Chat), Refusal> {
        let given = args.get("chat_id").filter(|id| !id.is_null());
        let given = given.ok_or_else(|| Refusal::bad("chat_id is empty"))?;
        let room = room(given).ok_or_else(|| Refusal::bad("chat not found"))?;
        // A public chat is the same by its number.
        let room = self
            .chats
            .keys()
            .chain(self.last_id.keys())
            .find(|known| known.starts_with('@') && number(known).to_string() == room)
            .cloned()
            .unwrap_or(room);
        let knob = self.chats.get(&room).cloned().unwrap_or_default();
        if let Some(to) = knob.migrated_to {
            return Err(Refusal {
                parameters: json!({ "migrate_to_chat_id": to }),
                ..Refusal::bad("group chat was upgraded to a supergroup chat")
            });
        }
        if knob.unknown {
            return Err(Refusal::bad("chat not found"));
        }
        let forbidden =
            |why: &str| Refusal::new(StatusCode::FORBIDDEN, format!("Forbidden: {why}"));
        if knob.kicked {
            return Err(forbidden("bot was kicked from the supergroup chat"));
        }
        if knob.blocked {
            return Err(forbidden("bot was blocked by the user"));
        }
        Ok((room, knob))
    }

    fn paced(&mut self, token: &str, room: &str, conditions: Conditions) -> Result<(), Refusal> {
        if !conditions.limits {
            return Ok(());
        }
        let is_group = number(room) < 0;
        let per_chat = if is_group { PER_GROUP } else { PER_CHAT };
        let now = conditions.now;
        self.pace
            .take(&format!("{token} {room}"), per_chat, now)
            .and_then(|()| self.pace.take(token, PER_BOT, now))
            .map_err(Refusal::slow)
    }

    pub(super) fn get_chat(&self, args: &Args) -> Result<Value, Refusal> {
        let (room, _) = self.chat(args)?;
        Ok(chat(&room))
    }

    pub(super) fn send(
        &mut self,
        token: &str,
        args: &Args,
        conditions: Conditions,
        problems: &mut Vec<String>,
    ) -> Result<Value, Refusal> {
        let (room, knob) = self.chat(args)?;
        if knob.no_rights {
            return Err(Refusal::bad(
                "not enough rights to send text messages to the chat",
            ));
        }
        let topic = integer(args, "message_thread_id");
        if let (Some(topic), Some(topics)) = (topic, &knob.topics)
            && !topics.contains(&topic)
        {
            return Err(Refusal::bad("message thread not found"));
        }
        let mut content = text(args, problems)?;
        content["message_thread_id"] = json!(topic);
        let mut answers = None;
        if let Some(reply) = object(args, "reply_parameters") {
            let id = reply["message_id"].as_u64();
            answers = id.filter(|id| self.posts.get(&room, *id).is_some());
            if answers.is_none() && reply["allow_sending_without_reply"] != true {
                return Err(Refusal::bad("message to be replied not found"));
            }
        }
        self.paced(token, &room, conditions)?;
        if self.last_id.len() >= limits::CHAT_KNOBS && !self.last_id.contains_key(&room) {
            return Err(Refusal::bad("chat not found"));
        }
        let last = self.last_id.entry(room.clone()).or_default();
        *last += 1;
        let id = *last;
        content["bot"] = json!(token.split(':').next());
        let post = self.posts.add(&room, id, conditions.now, content, answers);
        Ok(shown(&post))
    }

    pub(super) fn edit(
        &mut self,
        token: &str,
        args: &Args,
        conditions: Conditions,
        problems: &mut Vec<String>,
    ) -> Result<Value, Refusal> {
        let (room, _) = self.chat(args)?;
        let found = integer(args, "message_id")
            .and_then(|id| u64::try_from(id).ok())
            .and_then(|id| self.posts.get(&room, id))
            .cloned();
        let post = found.ok_or_else(|| Refusal::bad("message to edit not found"))?;
        if post.content["bot"] != json!(token.split(':').next()) {
            return Err(Refusal::bad("message can't be edited"));
        }
        let mut content = text(args, problems)?;
        for kept in ["message_thread_id", "bot"] {
            content[kept] = post.content[kept].clone();
        }
        if content == post.content {
            return Err(Refusal::bad(
                "message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message",
            ));
        }
        self.paced(token, &room, conditions)?;
        let edited = self.posts.edit(&room, post.id, conditions.now, content);
        edited
            .map(|post| shown(&post))
            .ok_or_else(|| Refusal::bad("message to edit not found"))
    }

    pub(super) fn delete(&mut self, args: &Args) -> Result<Value, Refusal> {
        let (room, _) = self.chat(args)?;
        let gone = integer(args, "message_id")
            .and_then(|id| u64::try_from(id).ok())
            .and_then(|id| self.posts.remove(&room, id));
        gone.map(|_| Value::Bool(true))
            .ok_or_else(|| Refusal::bad("message to delete not found"))
    }
}

/// The text of a call: as sent, and as people see it.
fn text(args: &Args, problems: &mut Vec<String>) -> Result<Value, Refusal> {
    let mut broken = |words: String| {
        problems.push(words.clone());
        Refusal::bad(words)
    };
    let given = args.get("text").and_then(Value::as_str).unwrap_or_default();
    let mode = args
        .get("parse_mode")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let plain = match mode.to_lowercase().as_str() {
        "" => given.to_owned(),
        "html" => {
            html::plain(given).map_err(|what| broken(format!("can't parse entities: {what}")))?
        }
        // What Markdown does to a text is not simulated.
        "markdown" | "markdownv2" => given.to_owned(),
        _ => return Err(broken("unsupported parse_mode".into())),
    };
    let units = plain.encode_utf16().count();
    if plain.trim().is_empty() {
        return Err(broken("message text is empty".into()));
    }
    if units > TEXT_UNITS {
        return Err(broken("message is too long".into()));
    }
    Ok(json!({ "text": given, "plain": plain }))
}

fn shown(post: &Post) -> Value {
    let mut message = json!({ "message_id": post.id, "date": post.at / 1_000, "chat": chat(&post.room),
        "text": post.content["plain"] });
    if let Some(at) = post.edited {
        message["edit_date"] = json!(at / 1_000);
    }
    if !post.content["message_thread_id"].is_null() {
        message["message_thread_id"] = post.content["message_thread_id"].clone();
    }
    message
}
