//! What Datadog's answers mean.

use model::{DurationMs, Handle, Outcome};
use serde::Deserialize;
use serde_json::json;
use wire::http::HttpReply;

use crate::kit::{Finish, Judge};

/// The longest pause that is believed: a reset further away is no number of seconds.
const RESET_SECONDS_MAX: i64 = 86_400;

/// An answer, as far as we read it: of an event, of the key's check, of an error.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Answer {
    status: Option<String>,
    event: Option<Event>,
    valid: Option<bool>,
    errors: Vec<String>,
}

/// `id` has 64 bits and loses digits in many a JSON reader: only the text is read.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Event {
    id_str: Option<String>,
}

/// Judges the answer to an event or to the key's check.
pub fn judge(judge: &Judge<'_>, reply: &HttpReply) -> Finish {
    let status = Some(reply.status);
    if reply.status == 429 {
        let mut finish = judge.http(reply);
        finish.outcome = throttled(judge, reply);
        return finish;
    }
    if !(200..300).contains(&reply.status) {
        return judge.http(reply);
    }
    let Ok(answer) = serde_json::from_slice::<Answer>(&reply.body) else {
        // It comes from something in between: whether Datadog heard us is unknown.
        let sentence =
            "The answer is not one of Datadog's: check `base_url`, or a proxy in between.";
        return judge.finish(Outcome::Ambiguous, status, sentence, &reply.text());
    };
    match answer.valid {
        Some(true) => return judge.finish(Outcome::Delivered, status, "", ""),
        Some(false) => {
            let sentence = judge.sentence("403").unwrap_or_default();
            return judge.finish(Outcome::CredentialBad, status, sentence, "");
        }
        None => {}
    }
    let is_bad = answer.status.as_deref().is_some_and(|word| word != "ok");
    if is_bad || !answer.errors.is_empty() {
        let sentence = judge.sentence("400").unwrap_or_default();
        return judge.finish(Outcome::PayloadBad, status, sentence, &reply.text());
    }
    let id = answer.event.and_then(|event| event.id_str);
    // Taken, not yet in the stream (202).
    let mut finish = judge.finish(
        Outcome::Accepted,
        status,
        "",
        id.as_deref().unwrap_or_default(),
    );
    // Redacted like the excerpt: it comes from outside.
    finish.handle = id.filter(|id| *id == finish.excerpt).map(|id| Handle {
        data: json!({ "id_str": id }),
        object: id,
    });
    finish
}

/// `Retry-After`, or `X-RateLimit-Reset`: the seconds until the period begins anew (Datadog, "Rate limits", read
/// 2026-11).
fn throttled(judge: &Judge<'_>, reply: &HttpReply) -> Outcome {
    let outcome = judge.throttled(reply);
    let reset = reply
        .header("x-ratelimit-reset")
        .and_then(|value| value.trim().parse::<i64>().ok())
        .filter(|seconds| (0..=RESET_SECONDS_MAX).contains(seconds));
    match (&outcome, reset) {
        (Outcome::Throttled { after_ms: None }, Some(seconds)) => Outcome::Throttled {
            after_ms: Some(DurationMs::from_secs(seconds).0),
        },
        _ => outcome,
    }
}
