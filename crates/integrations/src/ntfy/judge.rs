//! What ntfy's answers mean: a status, and a number of its own in the body.
//!
//! Form: ntfy's documentation, "Publishing", read 2026-11. Its numbers begin with the status; one that is not known
//! counts by the status.

use model::Outcome;
use serde::Deserialize;
use serde_json::json;
use wire::http::HttpReply;

use crate::kit::{ErrorSentence, Finish, Judge};

/// One sentence for each number that needs another than its status.
pub static SENTENCES: [ErrorSentence; 8] = [
    sentence(
        "40009",
        "The server does not take this topic's name: it has letters, digits, - and _ only, at most 64.",
    ),
    sentence(
        "40010",
        "The server keeps this topic's name for itself: choose another one.",
    ),
    sentence(
        "40101",
        "The server refuses the credential: check `token`, or `user` and `password`.",
    ),
    sentence(
        "40301",
        "Without a credential, or with this one, nobody may write to the topic: give the user write access to it.",
    ),
    sentence("41301", "The message is larger than the server takes."),
    sentence(
        "42901",
        "The server gets more messages from this address than it allows; it will be tried again.",
    ),
    sentence(
        "42908",
        "The server takes no more messages today: raise the limit or wait until tomorrow.",
    ),
    sentence(
        "50701",
        "The server has no room left; it will be tried again.",
    ),
];

const fn sentence(code: &'static str, sentence: &'static str) -> ErrorSentence {
    ErrorSentence { code, sentence }
}

/// Status and body of a named error, as ntfy answers.
pub fn example(code: &str) -> (u16, String) {
    let number: u32 = code.parse().unwrap_or(40_000);
    let status = u16::try_from(number / 100).unwrap_or(400);
    let body = json!({ "code": number, "http": status, "error": "as ntfy words it" });
    (status, body.to_string())
}

#[derive(Default, Deserialize)]
struct Answer {
    /// Of the message, where it was taken.
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    code: Option<u32>,
}

/// Judges an answer.
pub fn answer(judge: &Judge<'_>, reply: &HttpReply) -> Finish {
    let status = Some(reply.status);
    let answer = serde_json::from_slice::<Answer>(&reply.body).unwrap_or_default();
    if (200..300).contains(&reply.status) {
        if answer.id.is_some() {
            return judge.finish(Outcome::Delivered, status, "", "");
        }
        let sentence = "The answer is not one of ntfy's: check `base_url`, or a proxy in between.";
        return judge.finish(Outcome::Ambiguous, status, sentence, &reply.text());
    }
    let code = answer.code.unwrap_or_default();
    let outcome = match (reply.status, code) {
        (429, _) => judge.throttled(reply),
        // The topic is a setting; the message is not at fault.
        (400, 40_009 | 40_010) => Outcome::TargetGone,
        // Whoever it is, they may not write there.
        (403, _) => Outcome::ScopeMissing,
        // Refused before it was kept.
        (507, _) => Outcome::Retry,
        _ => return with_sentence(judge, judge.http(reply), reply, code),
    };
    let finish = judge.finish(outcome, status, "", &reply.text());
    with_sentence(judge, finish, reply, code)
}

/// The number's sentence before the server's words, where it has one; otherwise its status' commonest.
fn with_sentence(judge: &Judge<'_>, finish: Finish, reply: &HttpReply, code: u32) -> Finish {
    let usual = match reply.status {
        401 => "40101",
        403 => "40301",
        413 => "41301",
        429 => "42901",
        507 => "50701",
        _ => "",
    };
    let sentence = judge
        .sentence(&code.to_string())
        .or_else(|| judge.sentence(usual));
    match sentence {
        Some(sentence) => judge.finish(finish.outcome, finish.status, sentence, &reply.text()),
        None => finish,
    }
}
