//! What Opsgenie's answers mean (Opsgenie's documentation, "API Overview", response codes and rate limits, and "Get Request
//! Status", read 2026-11).

use model::Outcome;
use serde::Deserialize;
use wire::http::HttpReply;

use crate::kit::{Finish, Judge};

/// How it says 429's length.
const PERIOD: &str = "x-ratelimit-period-in-sec";

/// An answer, as far as we read it.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Answer {
    #[serde(rename = "requestId", deserialize_with = "text")]
    pub request_id: Option<String>,
    code: Option<serde_json::Number>,
    message: Option<serde_json::Value>,
    errors: Option<serde_json::Value>,
    data: Option<serde_json::Value>,
}

/// Anything but a text is as good as absent.
fn text<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let value = serde_json::Value::deserialize(from)?;
    Ok(value
        .as_str()
        .filter(|id| is_request_id(id))
        .map(str::to_owned))
}

/// It goes into a path: only what ids are made of.
fn is_request_id(id: &str) -> bool {
    (1..=100).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

impl Answer {
    /// The answer, if it is a JSON object.
    pub fn read(reply: &HttpReply) -> Option<Answer> {
        serde_json::from_slice(&reply.body).ok()
    }
}

/// What became of a request.
pub enum Fate {
    /// It was applied.
    Done {
        alert: Option<String>,
        words: String,
    },
    /// It was looked at and not applied.
    Refused { words: String },
    /// It was not looked at yet.
    NotYet,
    /// Nobody will tell, for this reason.
    Unknown(&'static str),
}

/// Reads the answer to the question what became of a request.
pub fn fate(reply: &HttpReply) -> Fate {
    match reply.status {
        200..=299 => {
            let answer = Answer::read(reply).and_then(|answer| answer.data);
            let Some(data) = answer.filter(serde_json::Value::is_object) else {
                return Fate::Unknown("What became of the request was not told.");
            };
            let words = data["status"].as_str().unwrap_or_default().to_owned();
            let is_done = data["isSuccess"].as_bool().or(data["success"].as_bool());
            match is_done {
                Some(true) => Fate::Done {
                    alert: data["alertId"]
                        .as_str()
                        .filter(|id| !id.is_empty())
                        .map(str::to_owned),
                    words,
                },
                Some(false) => Fate::Refused { words },
                None => Fate::Unknown("What became of the request was not told."),
            }
        }
        404 if reply.header("x-opsgenie-errortype") == Some("RequestNotProcessed") => Fate::NotYet,
        401 | 403 => Fate::Unknown(
            "The request was taken, but the key may not ask what became of it: tick Read Access in the API integration.",
        ),
        404 => {
            Fate::Unknown("The request was taken; there is nothing that tells what became of it.")
        }
        429 => Fate::Unknown("The request was taken; no more questions are allowed for now."),
        408 | 500..=599 => Fate::NotYet,
        _ => Fate::Unknown("The request was taken; the question what became of it was refused."),
    }
}

/// Judges an answer that is no success.
pub fn error(judge: &Judge<'_>, reply: &HttpReply) -> Finish {
    let answer = Answer::read(reply).unwrap_or_default();
    let code = answer.code.as_ref().map(ToString::to_string);
    let named = code.as_deref().and_then(|code| judge.sentence(code));
    let mut finish = match (named, reply.status) {
        (Some(sentence), 403) => judge.finish(
            Outcome::ScopeMissing,
            Some(reply.status),
            sentence,
            &words(&answer, reply),
        ),
        _ => {
            let common = judge.http(reply);
            let sentence = judge.sentence(&reply.status.to_string());
            match sentence {
                Some(sentence) => judge.finish(
                    common.outcome,
                    Some(reply.status),
                    sentence,
                    &words(&answer, reply),
                ),
                None => common,
            }
        }
    };
    if finish.outcome == (Outcome::Throttled { after_ms: None }) {
        let period = reply
            .header(PERIOD)
            .and_then(|value| wire::retry_after(value, judge.now));
        finish.outcome = Outcome::Throttled {
            after_ms: period.map(|period| period.0),
        };
    }
    finish
}

/// Its message and what it says of fields; the whole body where it has neither.
fn words(answer: &Answer, reply: &HttpReply) -> String {
    let message = answer.message.as_ref().and_then(serde_json::Value::as_str);
    match (message, &answer.errors) {
        (Some(message), Some(errors)) => format!("{message} {errors}"),
        (Some(message), None) => message.to_owned(),
        (None, _) => reply.text().into_owned(),
    }
}

/// It is slow because we are too fast, though it takes the request.
pub fn is_slowed(reply: &HttpReply) -> bool {
    reply
        .header("x-ratelimit-state")
        .is_some_and(|state| state.eq_ignore_ascii_case("THROTTLED"))
}
