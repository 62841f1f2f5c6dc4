//! What Telegram's answers mean: a status, and a sentence of Telegram's own that tells errors apart.
//!
//! Form of the answers: Bot API, "Making requests" and "ResponseParameters", read 2026-11. The sentences are not
//! published; those here were seen, and one that is not known counts by its status.

use model::{Handle, Outcome};
use serde::Deserialize;
use serde_json::json;
use wire::http::HttpReply;

use crate::kit::{ErrorSentence, Finish, Judge};

/// An error that is known by a part of Telegram's sentence.
struct Known {
    /// In lower case.
    part: &'static str,
    status: u16,
    outcome: Outcome,
}

const fn known(part: &'static str, status: u16, outcome: Outcome) -> Known {
    Known {
        part,
        status,
        outcome,
    }
}

/// The first that matches decides.
static KNOWN: [Known; 19] = [
    known("message to edit not found", 400, Outcome::Stale),
    known("message can't be edited", 400, Outcome::Stale),
    known("message_id_invalid", 400, Outcome::Stale),
    known("group chat was upgraded", 400, Outcome::TargetGone),
    known("chat not found", 400, Outcome::TargetGone),
    known("group chat was deactivated", 403, Outcome::TargetGone),
    known("bot was kicked", 403, Outcome::TargetGone),
    known("bot was blocked", 403, Outcome::TargetGone),
    known("bot is not a member", 403, Outcome::TargetGone),
    known("user is deactivated", 403, Outcome::TargetGone),
    known("bot can't initiate conversation", 403, Outcome::TargetGone),
    known("message thread not found", 400, Outcome::TargetGone),
    known("topic_closed", 400, Outcome::TargetGone),
    known("not enough rights", 400, Outcome::ScopeMissing),
    known("have no rights", 400, Outcome::ScopeMissing),
    known("administrator rights", 400, Outcome::ScopeMissing),
    known("can't parse entities", 400, Outcome::PayloadBad),
    known("message is too long", 400, Outcome::PayloadBad),
    known("message text is empty", 400, Outcome::PayloadBad),
];

/// One sentence for each of them, and for the statuses that mean something of Telegram's own.
pub static SENTENCES: [ErrorSentence; 22] = [
    sentence(
        "401",
        "Telegram does not know the bot's token: copy it again from @BotFather.",
    ),
    sentence(
        "404",
        "Telegram finds no such bot: copy the token again from @BotFather, and check `base_url`.",
    ),
    sentence(
        "403",
        "The bot may not write to this chat: add it to the chat, or let the person start it.",
    ),
    sentence(
        "message to edit not found",
        "The message was deleted in Telegram; what has to be said goes into a new one.",
    ),
    sentence(
        "message can't be edited",
        "Telegram no longer lets the message be edited; what has to be said goes into a new one.",
    ),
    sentence(
        "message_id_invalid",
        "The message is gone in Telegram; what has to be said goes into a new one.",
    ),
    sentence(
        "group chat was upgraded",
        "The group became a supergroup, and Telegram did not say which: set its new `chat_id`.",
    ),
    sentence(
        "chat not found",
        "Telegram finds no such chat for this bot: check `chat_id` (a group's is negative), and add the bot to the chat.",
    ),
    sentence(
        "group chat was deactivated",
        "The group was deleted or moved: set the `chat_id` of another one.",
    ),
    sentence(
        "bot was kicked",
        "The bot was removed from the chat: add it again, or set another `chat_id`.",
    ),
    sentence(
        "bot was blocked",
        "The person has blocked the bot: they must unblock it, or set another `chat_id`.",
    ),
    sentence(
        "bot is not a member",
        "The bot is not in the chat: add it; in a channel it must be an administrator.",
    ),
    sentence(
        "user is deactivated",
        "The person's account was deleted: set another `chat_id`.",
    ),
    sentence(
        "bot can't initiate conversation",
        "A bot cannot write first: the person must open it and press Start.",
    ),
    sentence(
        "message thread not found",
        "The group has no such topic: check `message_thread_id`.",
    ),
    sentence(
        "topic_closed",
        "The topic is closed: open it again, or set another `message_thread_id`.",
    ),
    sentence(
        "not enough rights",
        "The bot may not write in this chat: give it the right to send messages.",
    ),
    sentence(
        "have no rights",
        "The bot has no right to send messages in this chat: give it that right.",
    ),
    sentence(
        "administrator rights",
        "The bot must be an administrator to write in this chat: make it one.",
    ),
    sentence(
        "can't parse entities",
        "Telegram does not take the message as this hub wrote it: this is a fault of the hub, please report it.",
    ),
    sentence(
        "message is too long",
        "The message is longer than Telegram takes.",
    ),
    sentence(
        "message text is empty",
        "Telegram calls the message empty: this is a fault of the hub, please report it.",
    ),
];

const fn sentence(code: &'static str, sentence: &'static str) -> ErrorSentence {
    ErrorSentence { code, sentence }
}

/// Status and body of a named error, as Telegram answers.
pub fn example(code: &str) -> (u16, String) {
    let status = match KNOWN.iter().find(|known| known.part == code) {
        Some(known) => known.status,
        None => code.parse().unwrap_or(400),
    };
    let body =
        json!({ "ok": false, "error_code": status, "description": format!("Words: {code}") });
    (status, body.to_string())
}

/// Telegram's answer, as far as we read it.
#[derive(Deserialize)]
struct Answer {
    ok: bool,
    #[serde(default)]
    description: String,
    #[serde(default)]
    parameters: Parameters,
    /// A message, a chat, or just `true`.
    #[serde(default)]
    result: serde_json::Value,
}

#[derive(Default, Deserialize)]
struct Parameters {
    /// Seconds.
    retry_after: Option<f64>,
    migrate_to_chat_id: Option<i64>,
}

/// What an answer says.
pub enum Said {
    Ended(Finish),
    /// The group is a supergroup now and has this id.
    Moved(i64),
}

/// Judges an answer. `is_edit`: it answers to an edit, which may have nothing to change.
pub fn answer(judge: &Judge<'_>, reply: &HttpReply, is_edit: bool) -> Said {
    let status = Some(reply.status);
    let is_good = (200..300).contains(&reply.status);
    let Ok(answer) = serde_json::from_slice::<Answer>(&reply.body) else {
        // A whole answer that is not Telegram's comes from something in between.
        let between =
            "The answer is not one of Telegram's: check `base_url`, or a proxy in between.";
        return Said::Ended(match is_good {
            true => judge.finish(Outcome::Ambiguous, status, between, &reply.text()),
            false => judge.http(reply),
        });
    };
    if answer.ok && is_good {
        let mut finish = judge.finish(Outcome::Delivered, status, "", "");
        finish.handle = handle(&answer.result);
        return Said::Ended(finish);
    }
    if answer.ok || is_good {
        return Said::Ended(judge.finish(
            Outcome::Ambiguous,
            status,
            "Telegram's answer contradicts itself: check `base_url`, or a proxy in between.",
            &reply.text(),
        ));
    }
    if let Some(chat) = answer.parameters.migrate_to_chat_id {
        return Said::Moved(chat);
    }
    let words = answer.description.to_lowercase();
    // It shows already what it should.
    if is_edit && words.contains("message is not modified") {
        return Said::Ended(judge.finish(Outcome::Delivered, status, "", "It was so already."));
    }
    if reply.status == 429 {
        let outcome = match answer.parameters.retry_after {
            Some(seconds) if seconds >= 0.0 => Outcome::Throttled {
                // A float cast stops at the ends of the range.
                after_ms: Some((seconds * 1000.0).ceil() as i64),
            },
            _ => judge.throttled(reply),
        };
        let sentence = "Telegram wants us to slow down.";
        return Said::Ended(judge.finish(outcome, status, sentence, &answer.description));
    }
    let code = reply.status.to_string();
    let known = (reply.status < 500)
        .then(|| KNOWN.iter().find(|known| words.contains(known.part)))
        .flatten();
    let (outcome, sentence) = match known {
        Some(known) => (known.outcome.clone(), judge.sentence(known.part)),
        None => match reply.status {
            // A token of the wrong form is answered by 404.
            401 | 404 => (Outcome::CredentialBad, judge.sentence(&code)),
            403 => (Outcome::TargetGone, judge.sentence(&code)),
            _ => return Said::Ended(judge.http(reply)),
        },
    };
    let sentence = sentence.unwrap_or_default();
    Said::Ended(judge.finish(outcome, status, sentence, &answer.description))
}

/// The place of a message, by the ids that Telegram answered. An id of 0 is a message that is only planned (Bot API,
/// "Message", read 2026-11): it cannot be edited.
fn handle(message: &serde_json::Value) -> Option<Handle> {
    let chat = message["chat"]["id"].as_i64()?;
    let id = message["message_id"].as_i64().filter(|id| *id > 0)?;
    Some(Handle {
        object: format!("{chat}/{id}"),
        data: json!({ "chat": chat, "message": id }),
    })
}

/// Chat and message of a handle.
pub fn place(handle: &Handle) -> Option<(i64, i64)> {
    Some((
        handle.data["chat"].as_i64()?,
        handle.data["message"].as_i64()?,
    ))
}
