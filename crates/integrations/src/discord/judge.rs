//! What Discord's answers mean: a status, and a number of its own in the body.
//!
//! Numbers: Discord's developer documentation, "Opcodes and status codes, JSON error codes", read 2026-11.

use model::{Handle, Outcome};
use serde::Deserialize;
use serde_json::json;
use wire::http::HttpReply;

use crate::kit::{ErrorSentence, Finish, Judge};

/// An error that Discord names by a number.
struct Known {
    code: &'static str,
    status: u16,
    outcome: Outcome,
}

const fn known(code: &'static str, status: u16, outcome: Outcome) -> Known {
    Known {
        code,
        status,
        outcome,
    }
}

static KNOWN: [Known; 17] = [
    known("10015", 404, Outcome::TargetGone),
    known("50027", 401, Outcome::TargetGone),
    known("10003", 404, Outcome::TargetGone),
    known("10008", 404, Outcome::Stale),
    known("50005", 403, Outcome::Stale),
    known("50083", 400, Outcome::Stale),
    known("160005", 400, Outcome::Stale),
    known("220001", 400, Outcome::TargetGone),
    known("220003", 400, Outcome::TargetGone),
    known("50001", 403, Outcome::ScopeMissing),
    known("50013", 403, Outcome::ScopeMissing),
    known("40333", 403, Outcome::Retry),
    known("30046", 429, Outcome::Throttled { after_ms: None }),
    known("20029", 429, Outcome::Throttled { after_ms: None }),
    known("40005", 413, Outcome::PayloadBad),
    known("50006", 400, Outcome::PayloadBad),
    known("50035", 400, Outcome::PayloadBad),
];

/// One sentence for each of them.
pub static SENTENCES: [ErrorSentence; 17] = [
    sentence(
        "10015",
        "The webhook was deleted in Discord: make a new one and set its address.",
    ),
    sentence(
        "50027",
        "The webhook's token is not the one that Discord has: copy the webhook's address again.",
    ),
    sentence(
        "10003",
        "The webhook's channel or thread is gone: make a webhook for another channel.",
    ),
    sentence(
        "10008",
        "The message was deleted in Discord; what has to be said goes into a new one.",
    ),
    sentence(
        "50005",
        "The message belongs to another webhook; what has to be said goes into a new one.",
    ),
    sentence(
        "50083",
        "The message's thread is archived; what has to be said goes into a new message.",
    ),
    sentence(
        "160005",
        "The message's thread is locked; what has to be said goes into a new message.",
    ),
    sentence(
        "220001",
        "The webhook's channel is a forum: set `new_threads`, or the `thread_id` of one of its threads.",
    ),
    sentence(
        "220003",
        "The webhook's channel is no forum: switch `new_threads` off.",
    ),
    sentence(
        "50001",
        "Discord does not let the webhook into this channel: check the channel's permissions, or make a new webhook.",
    ),
    sentence(
        "50013",
        "The webhook lacks a permission in this channel: check the channel's permissions.",
    ),
    sentence(
        "40333",
        "Discord's network refused the request; it will be tried again.",
    ),
    sentence(
        "30046",
        "Discord limits edits of messages older than an hour; it will be tried again later.",
    ),
    sentence(
        "20029",
        "The channel gets more messages than Discord allows; it will be tried again later.",
    ),
    sentence("40005", "The message is longer than Discord takes."),
    sentence(
        "50006",
        "Discord calls the message empty: this is a fault of the hub, please report it.",
    ),
    sentence(
        "50035",
        "Discord does not take the message as this hub wrote it: this is a fault of the hub, please report it.",
    ),
];

const fn sentence(code: &'static str, sentence: &'static str) -> ErrorSentence {
    ErrorSentence { code, sentence }
}

/// Status and body of a named error, as Discord answers.
pub fn example(code: &str) -> (u16, String) {
    let found = KNOWN.iter().find(|known| known.code == code);
    let status = found.map_or(400, |known| known.status);
    let number: u32 = code.parse().unwrap_or_default();
    let body = json!({ "message": "as Discord words it", "code": number });
    (status, body.to_string())
}

/// Discord's answer, as far as we read it. Ids are texts: they have more digits than a float.
#[derive(Default, Deserialize)]
struct Answer {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    channel_id: Option<String>,
    #[serde(default)]
    code: Option<u32>,
    /// Seconds with a fraction, in answers with 429.
    #[serde(default)]
    retry_after: Option<f64>,
}

/// What a request was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It makes a message; `true`: in a thread of its own.
    Post {
        new_thread: bool,
    },
    Edit {
        own_thread: bool,
    },
    /// What comes back is not kept.
    Other,
}

/// Judges an answer.
pub fn answer(judge: &Judge<'_>, reply: &HttpReply, kind: Kind) -> Finish {
    let is_good = (200..300).contains(&reply.status);
    let answer = serde_json::from_slice::<Answer>(&reply.body).unwrap_or_default();
    if is_good {
        return match (kind, answer.id) {
            (Kind::Post { new_thread }, Some(id)) => {
                let mut finish = judge.finish(Outcome::Delivered, Some(reply.status), "", "");
                finish.handle = Some(handle(id, answer.channel_id, new_thread));
                finish
            }
            (_, Some(_)) => judge.finish(Outcome::Delivered, Some(reply.status), "", ""),
            // Only a bridge that does not know `wait` answers so to a post: the message cannot be edited.
            (_, None) if reply.status == 204 => judge.finish(
                Outcome::Accepted,
                Some(reply.status),
                "Discord did not say where it put the message, so it cannot be edited: check that nothing in between drops `wait=true`.",
                "",
            ),
            (_, None) => judge.finish(
                Outcome::Ambiguous,
                Some(reply.status),
                "The answer is not one of Discord's: check the webhook's address, or a proxy in between.",
                &reply.text(),
            ),
        };
    }
    let code = answer.code.map(|code| code.to_string());
    let found = KNOWN
        .iter()
        .find(|known| Some(known.code) == code.as_deref());
    let Some(found) = found else {
        let mut finish = judge.http(reply);
        // A body may have the time where a proxy dropped the header.
        if let Outcome::Throttled { .. } = finish.outcome {
            finish.outcome = throttled(judge, reply, answer.retry_after);
        }
        return finish;
    };
    let outcome = match found.outcome.clone() {
        // Its own thread is gone, not the forum.
        Outcome::TargetGone if found.code == "10003" && kind == Kind::Edit { own_thread: true } => {
            Outcome::Stale
        }
        // Nothing of ours is there to be stale: the thread of the settings takes no messages.
        Outcome::Stale if matches!(kind, Kind::Post { .. }) => Outcome::TargetGone,
        _ if reply.status == 429 => throttled(judge, reply, answer.retry_after),
        other => other,
    };
    let sentence = judge.sentence(found.code).unwrap_or_default();
    judge.finish(outcome, Some(reply.status), sentence, &reply.text())
}

/// Discord's body is more exact than its header: seconds with a fraction.
fn throttled(judge: &Judge<'_>, reply: &HttpReply, seconds: Option<f64>) -> Outcome {
    match seconds {
        Some(seconds) if seconds >= 0.0 => Outcome::Throttled {
            // A float cast stops at the ends of the range.
            after_ms: Some((seconds * 1000.0).ceil() as i64),
        },
        _ => judge.throttled(reply),
    }
}

fn handle(id: String, channel: Option<String>, new_thread: bool) -> Handle {
    let channel = channel.unwrap_or_default();
    let thread = new_thread.then(|| channel.clone());
    Handle {
        object: format!("{channel}/{id}"),
        data: json!({ "message": id, "thread": thread }),
    }
}

/// The message of a handle, and the thread that was made for it.
pub fn place(handle: &Handle) -> Option<(&str, Option<&str>)> {
    let is_id = |id: &&str| !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit());
    let message = handle.data["message"].as_str().filter(is_id)?;
    Some((message, handle.data["thread"].as_str().filter(is_id)))
}
