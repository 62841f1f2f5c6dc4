//! What Slack's answers mean. The Web API answers 200 even for errors, incoming webhooks a bare word.

use model::{Handle, Outcome};
use serde::Deserialize;
use serde_json::json;
use wire::http::HttpReply;

use super::errors::meaning;
use crate::kit::{Finish, Judge};

/// The Web API's answer, as far as we read it. `ts` and `channel` are texts: a float would lose digits of `ts`.
#[derive(Deserialize)]
struct Answer {
    ok: bool,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    channel: Option<String>,
    #[serde(default)]
    ts: Option<String>,
    /// With `missing_scope`: the scope that is needed.
    #[serde(default)]
    needed: Option<String>,
}

/// Judges an answer of the Web API. `is_post`: it made a message, whose place becomes the handle.
pub fn web_api(judge: &Judge<'_>, reply: &HttpReply, is_post: bool) -> Finish {
    let status = Some(reply.status);
    let answer = match serde_json::from_slice::<Answer>(&reply.body) {
        Ok(answer) => answer,
        // A whole answer that is not Slack's comes from something in between: whether Slack heard us is unknown.
        Err(_) if (200..300).contains(&reply.status) => {
            let sentence =
                "The answer is not one of Slack's: check `base_url`, or a proxy in between.";
            return judge.finish(Outcome::Ambiguous, status, sentence, &reply.text());
        }
        Err(_) => return judge.http(reply),
    };
    if answer.ok && (200..300).contains(&reply.status) {
        let mut finish = judge.finish(Outcome::Delivered, status, "", "");
        if is_post {
            finish.handle = answer
                .channel
                .zip(answer.ts)
                .map(|(channel, ts)| handle(&channel, &ts));
            if finish.handle.is_none() {
                finish.excerpt =
                    "Slack did not say where it put the message, so it cannot be edited."
                        .to_owned();
            }
        }
        return finish;
    }
    match answer.error {
        Some(code) => named(judge, reply, &code, answer.needed.as_deref()),
        None => judge.http(reply),
    }
}

/// Judges an incoming webhook's answer: `ok`, or a bare word with a real status.
pub fn incoming_webhook(judge: &Judge<'_>, reply: &HttpReply) -> Finish {
    let text = reply.text();
    let word = text.trim();
    let is_word = !word.is_empty()
        && word.len() <= 64
        && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    // A word that we do not know says less than its status.
    if is_word && judge.sentence(word).is_some() {
        return named(judge, reply, word, None);
    }
    judge.http(reply)
}

/// A named error.
fn named(judge: &Judge<'_>, reply: &HttpReply, code: &str, needed: Option<&str>) -> Finish {
    let (outcome, sentence) = meaning(code);
    let outcome = match outcome {
        _ if reply.status == 429 => judge.throttled(reply),
        Outcome::Throttled { .. } => judge.throttled(reply),
        other => other,
    };
    let words = match needed {
        Some(scope) => format!("{code} (needed: {scope})"),
        None => code.to_owned(),
    };
    judge.finish(outcome, Some(reply.status), sentence, &words)
}

/// The place of a message, by the ids that Slack answered, never by the configured name (E20).
fn handle(channel: &str, ts: &str) -> Handle {
    Handle {
        object: format!("{channel}/{ts}"),
        data: json!({ "channel": channel, "ts": ts }),
    }
}

/// Channel and `ts` of a handle.
pub fn place(handle: &Handle) -> Option<(&str, &str)> {
    match (handle.data["channel"].as_str(), handle.data["ts"].as_str()) {
        (Some(channel), Some(ts)) => Some((channel, ts)),
        _ => handle.object.split_once('/'),
    }
}
