//! What PagerDuty's answers mean: the Events API's and the REST API's.

use model::{Handle, Outcome};
use serde::Deserialize;
use serde_json::{Value, json};
use wire::http::HttpReply;

use crate::kit::{Finish, Judge, Reply, standard_sentence};

/// The Events API's answer, as far as we read it.
#[derive(Default, Deserialize)]
struct Answer {
    #[serde(default)]
    status: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    errors: Vec<String>,
}

impl Answer {
    /// What it says, on one line.
    fn words(&self) -> String {
        let parts = [self.message.as_str()].into_iter();
        let parts: Vec<&str> = parts
            .chain(self.errors.iter().map(String::as_str))
            .filter(|part| !part.is_empty())
            .collect();
        parts.join(": ")
    }
}

/// Judges an answer of the Events API. `triggered`: the key of what was opened, which becomes the handle. The key is
/// ours, so nothing of the answer needs to be kept.
pub fn events(judge: &Judge<'_>, reply: &Reply, triggered: Option<&str>) -> Finish {
    let reply = match reply {
        Ok(reply) => reply,
        Err(error) => return judge.transport(error),
    };
    let answer: Option<Answer> = serde_json::from_slice(&reply.body).ok();
    if (200..300).contains(&reply.status) {
        let is_taken = answer.as_ref().is_some_and(|a| a.status == "success");
        // 202 is PagerDuty's word for "queued"; any other success must say so itself.
        if reply.status != 202 && !is_taken {
            let sentence =
                "The answer is not PagerDuty's: check `base_url`, or a proxy in between.";
            return judge.finish(
                Outcome::Ambiguous,
                Some(reply.status),
                sentence,
                &reply.text(),
            );
        }
        let mut finish = judge.finish(Outcome::Accepted, Some(reply.status), "", "");
        finish.handle = triggered.map(handle);
        return finish;
    }
    let words = answer.as_ref().map(Answer::words).unwrap_or_default();
    if reply.status == 400 && names_the_key(&words) {
        let sentence = judge.sentence("routing_key").unwrap_or_default();
        return judge.finish(Outcome::CredentialBad, Some(reply.status), sentence, &words);
    }
    match rest_code(reply) {
        // A gateway before both of its APIs.
        Some(code) if judge.sentence(&code).is_some() => {
            let outcome = judge.http(reply).outcome;
            let sentence = judge.sentence(&code).unwrap_or_default();
            judge.finish(outcome, Some(reply.status), sentence, &reply.text())
        }
        _ => judge.http(reply),
    }
}

/// The texts of refused keys are not documented; all that is known is that they name the field.
fn names_the_key(words: &str) -> bool {
    let words = words.to_lowercase();
    words.contains("routing_key") || words.contains("routing key")
}

pub fn handle(dedup_key: &str) -> Handle {
    Handle {
        object: dedup_key.to_owned(),
        data: Value::Null,
    }
}

/// Judges an answer of the REST API to a write or a look-up.
///
/// What is refused here was a note, a snooze or a withdrawn acknowledgement: it is left out and said so. It must not
/// suspend the integration, as a refused key of the Events API does, or an optional token that has expired would keep
/// pages from people.
pub fn rest(judge: &Judge<'_>, reply: &Reply) -> Finish {
    let reply = match reply {
        Ok(reply) => reply,
        Err(error) => return judge.transport(error),
    };
    let status = Some(reply.status);
    if (200..300).contains(&reply.status) {
        return judge.finish(Outcome::Delivered, status, "", "");
    }
    let code = rest_code(reply);
    // It is as it shall be: resolved (1001), acknowledged (1002), not acknowledged (1012) already.
    if matches!(code.as_deref(), Some("1001" | "1002" | "1012")) {
        return judge.finish(
            Outcome::Delivered,
            status,
            "It was so already.",
            &reply.text(),
        );
    }
    let outcome = match (reply.status, code.as_deref()) {
        (429, _) | (_, Some("2020")) => throttled(judge, reply),
        (_, Some("2016")) => Outcome::Ambiguous,
        (408 | 500 | 502..=599, _) => Outcome::Ambiguous,
        (421 | 425, _) => Outcome::Retry,
        _ => Outcome::PayloadBad,
    };
    let sentence = code
        .and_then(|code| judge.sentence(&code))
        .unwrap_or(match reply.status {
            401 => "PagerDuty refuses the REST API key (401): replace `api_token`.",
            402 => "The PagerDuty account's plan lacks an ability that this needs (402).",
            403 => "The REST API key may not do this (403): replace `api_token`.",
            404 => {
                "PagerDuty's REST API does not know the incident (404): check `region` and `api_base_url`."
            }
            400 => "PagerDuty's REST API refuses the request (400): check `from`.",
            other => standard_sentence(other),
        });
    judge.finish(outcome, status, sentence, &reply.text())
}

/// `ratelimit-reset` is in seconds from now ("Rate limits" of the REST API, read 2026-11); a 429 may come without it.
fn throttled(judge: &Judge<'_>, reply: &HttpReply) -> Outcome {
    match judge.throttled(reply) {
        Outcome::Throttled { after_ms: None } => Outcome::Throttled {
            after_ms: reply
                .header("ratelimit-reset")
                .and_then(|text| text.trim().parse::<u32>().ok())
                .map(|seconds| i64::from(seconds) * 1000),
        },
        asked => asked,
    }
}

/// The code of a REST error: `{"error": {"code": 2006}}`.
fn rest_code(reply: &HttpReply) -> Option<String> {
    let body: Value = serde_json::from_slice(&reply.body).ok()?;
    body["error"]["code"].as_u64().map(|code| code.to_string())
}

/// How an error of the manifest looks, for the conformance suite.
pub fn example_error(code: &str) -> (u16, String) {
    match code {
        "routing_key" => (
            400,
            json!({ "status": "invalid event", "message": "Event object is invalid", "errors": ["'routing_key' is invalid"] })
                .to_string(),
        ),
        "400" => (
            400,
            json!({ "status": "Unrecognized object", "message": "Event object format is unrecognized", "errors": ["JSON parse error"] })
                .to_string(),
        ),
        code => match code.parse::<u16>() {
            Ok(status) if status < 1000 => (status, String::new()),
            number => (
                400,
                json!({ "error": { "message": "Refused", "code": number.unwrap_or_default() } })
                    .to_string(),
            ),
        },
    }
}
