//! What DingTalk's answers mean: always 200, with a number in the body.
//!
//! Numbers: DingTalk's developer documentation, "Custom robot access" and its table of error codes, read 2026-11. One
//! number, 310000, stands for every broken rule of a robot's security settings; its words tell which.

use model::Outcome;
use serde::Deserialize;
use serde_json::json;
use wire::http::HttpReply;

use crate::kit::{ErrorSentence, Finish, Judge};

/// An error that is known by its number and, where one number has several meanings, by a part of its words.
struct Known {
    number: i64,
    /// In lower case.
    part: &'static str,
    /// As the manifest names it.
    code: &'static str,
    outcome: Outcome,
}

const fn known(number: i64, part: &'static str, code: &'static str, outcome: Outcome) -> Known {
    Known {
        number,
        part,
        code,
        outcome,
    }
}

/// Who sends more than 20 in a minute is not heard for ten (same page).
const BLOCKED_MS: i64 = 600_000;
const BLOCKED: Outcome = Outcome::Throttled {
    after_ms: Some(BLOCKED_MS),
};

/// The first that matches decides.
static KNOWN: [Known; 16] = [
    known(310_000, "keyword", "310000 keywords", Outcome::ScopeMissing),
    known(310_000, "sign", "310000 sign", Outcome::CredentialBad),
    known(310_000, "timestamp", "310000 timestamp", Outcome::Retry),
    known(
        310_000,
        "whitelist",
        "310000 whitelist",
        Outcome::ScopeMissing,
    ),
    known(310_000, "", "310000", Outcome::ScopeMissing),
    known(130_101, "", "130101", BLOCKED),
    known(410_100, "", "410100", BLOCKED),
    known(300_001, "", "300001", Outcome::TargetGone),
    known(300_005, "", "300005", Outcome::TargetGone),
    known(400_101, "", "400101", Outcome::TargetGone),
    known(400_102, "", "400102", Outcome::TargetGone),
    known(400_106, "", "400106", Outcome::TargetGone),
    known(400_013, "", "400013", Outcome::TargetGone),
    known(430_101, "", "430101", Outcome::PayloadBad),
    known(430_102, "", "430102", Outcome::PayloadBad),
    known(-1, "", "-1", Outcome::Retry),
];

/// One sentence for each of them.
pub static SENTENCES: [ErrorSentence; 16] = [
    sentence(
        "310000 keywords",
        "The robot wants a keyword in each message: set `keyword` to one of its keywords.",
    ),
    sentence(
        "310000 sign",
        "The signature is refused: copy the robot's secret (SEC…) again, and check this machine's clock.",
    ),
    sentence(
        "310000 timestamp",
        "DingTalk calls the time of the message wrong: this machine's clock is more than an hour off.",
    ),
    sentence(
        "310000 whitelist",
        "The robot takes messages from other addresses only: add this machine's public address to its IP list.",
    ),
    sentence(
        "310000",
        "A security setting of the robot refuses the message: check its keywords, its signature and its IP list.",
    ),
    sentence(
        "130101",
        "The robot got more than 20 messages in a minute, and DingTalk hears nothing from it for ten.",
    ),
    sentence(
        "410100",
        "The robot gets more messages than DingTalk allows; it is heard again after ten minutes.",
    ),
    sentence(
        "300001",
        "DingTalk does not know the robot's token: copy its address again.",
    ),
    sentence(
        "300005",
        "DingTalk does not know the robot's token: it was removed from the group, or its address is not whole.",
    ),
    sentence(
        "400101",
        "The robot's token no longer exists: make a new robot and set its token.",
    ),
    sentence(
        "400102",
        "The robot is switched off: switch it on in the group's settings.",
    ),
    sentence(
        "400106",
        "The robot was removed from the group: make a new one and set its token.",
    ),
    sentence(
        "400013",
        "The group was dissolved: make a robot in another one.",
    ),
    sentence(
        "430101",
        "DingTalk refuses the message because it holds a link that it calls unsafe.",
    ),
    sentence(
        "430102",
        "DingTalk refuses the message because of its words.",
    ),
    sentence("-1", "DingTalk is busy; it will be tried again."),
];

const fn sentence(code: &'static str, sentence: &'static str) -> ErrorSentence {
    ErrorSentence { code, sentence }
}

/// Status and body of a named error, as DingTalk answers.
pub fn example(code: &str) -> (u16, String) {
    let found = KNOWN.iter().find(|known| known.code == code);
    let (number, part) = found.map_or((0, ""), |known| (known.number, known.part));
    let body = json!({ "errcode": number, "errmsg": format!("{part} and more words") });
    (200, body.to_string())
}

#[derive(Deserialize)]
struct Answer {
    errcode: i64,
    #[serde(default)]
    errmsg: String,
}

/// Judges an answer.
pub fn answer(judge: &Judge<'_>, reply: &HttpReply) -> Finish {
    let status = Some(reply.status);
    if !(200..300).contains(&reply.status) {
        return judge.http(reply);
    }
    let Ok(answer) = serde_json::from_slice::<Answer>(&reply.body) else {
        let sentence =
            "The answer is not one of DingTalk's: check `base_url`, or a proxy in between.";
        return judge.finish(Outcome::Ambiguous, status, sentence, &reply.text());
    };
    if answer.errcode == 0 {
        return judge.finish(Outcome::Delivered, status, "", "");
    }
    let words = answer.errmsg.to_lowercase();
    let found = KNOWN
        .iter()
        .find(|known| known.number == answer.errcode && words.contains(known.part));
    let shown = format!("{} {}", answer.errcode, answer.errmsg);
    match found {
        Some(known) => {
            let sentence = judge.sentence(known.code).unwrap_or_default();
            judge.finish(known.outcome.clone(), status, sentence, &shown)
        }
        None => {
            let sentence =
                "DingTalk names an error that this hub does not know; it will be tried again.";
            judge.finish(Outcome::Retry, status, sentence, &shown)
        }
    }
}
