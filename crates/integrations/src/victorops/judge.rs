//! What VictorOps' answers mean: `result` in the body decides (M16's endpoint answers refusals with 200 too).

use model::{Handle, Outcome};
use serde::Deserialize;
use serde_json::Value;
use wire::http::HttpReply;

use crate::kit::{Finish, Judge, Reply};

#[derive(Deserialize)]
struct Answer {
    result: String,
    #[serde(default)]
    message: String,
}

/// Judges an answer. `opened`: the entity that was told of, which becomes the handle. The entity's id is ours, so nothing
/// of the answer needs to be kept.
pub fn judge(judge: &Judge<'_>, reply: &Reply, opened: Option<&str>) -> Finish {
    let reply = match reply {
        Ok(reply) => reply,
        Err(error) => return judge.transport(error),
    };
    let is_good = (200..300).contains(&reply.status);
    let answer: Option<Answer> = serde_json::from_slice(&reply.body).ok();
    match answer {
        Some(answer) if answer.result == "success" && is_good => {
            let mut finish = judge.finish(Outcome::Delivered, Some(reply.status), "", "");
            finish.handle = opened.map(|entity| Handle {
                object: entity.to_owned(),
                data: Value::Null,
            });
            finish
        }
        Some(answer) if answer.result == "failure" => failure(judge, reply, &answer.message),
        // A whole answer that is not VictorOps': whether it heard us is unknown.
        _ if is_good => judge.finish(
            Outcome::Ambiguous,
            Some(reply.status),
            "The answer is not VictorOps': check `base_url`, or a proxy in between.",
            &reply.text(),
        ),
        _ => judge.http(reply),
    }
}

/// Of the messages only "Missing fields: …" is documented, and no status. What is refused in other words was certainly
/// not taken; it stays owed, because a page that is given up for an unknown word is a page lost.
fn failure(judge: &Judge<'_>, reply: &HttpReply, message: &str) -> Finish {
    let words = message.to_lowercase();
    let names_the_key = ["api key", "api_key", "apikey"]
        .iter()
        .any(|word| words.contains(word));
    let (outcome, code) = match reply.status {
        429 | 500..=599 => return judge.http(reply),
        _ if words.starts_with("missing fields") => (Outcome::PayloadBad, "Missing fields"),
        _ if names_the_key => (Outcome::CredentialBad, "API key"),
        200..=299 => (Outcome::Retry, "failure"),
        _ => return judge.http(reply),
    };
    let sentence = judge.sentence(code).unwrap_or_default();
    judge.finish(outcome, Some(reply.status), sentence, message)
}
