//! Messages out of requests.

use super::{Refusal, rules};
use crate::exchange::Reply;
use http::StatusCode;
use serde_json::{Map, Value, json};

pub(super) type Read = (Map<String, Value>, Vec<String>);

fn object(body: &[u8]) -> Result<Map<String, Value>, Box<Reply>> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(message)) => Ok(message),
        _ => {
            let words = "The request body contains invalid JSON.";
            let reply = Refusal(StatusCode::BAD_REQUEST, 50109, words).reply();
            let problems = vec!["the body is no JSON object".into()];
            Err(Box::new(reply.with_problems(problems)))
        }
    }
}

/// A message from a body, with the rules that it breaks without being refused.
pub(super) fn message(body: &[u8]) -> Result<Read, Box<Reply>> {
    let message = object(body)?;
    check(&message)?;
    let mut problems = Vec::new();
    if rules::may_mention(&message) {
        problems.push("allowed_mentions does not forbid mentions".into());
    }
    Ok((message, problems))
}

/// What a message is after an edit: parts that the edit leaves out stay.
pub(super) fn change(body: &[u8], before: &Value) -> Result<Map<String, Value>, Box<Reply>> {
    let change = object(body)?;
    let mut whole = before.as_object().cloned().unwrap_or_default();
    whole.remove("thread_name");
    whole.extend(change);
    check(&whole)?;
    Ok(whole)
}

fn check(message: &Map<String, Value>) -> Result<(), Box<Reply>> {
    if rules::is_empty(message) {
        let refusal = Refusal(
            StatusCode::BAD_REQUEST,
            50006,
            "Cannot send an empty message",
        );
        let problems = vec!["the message is empty".into()];
        return Err(Box::new(refusal.reply().with_problems(problems)));
    }
    let found = rules::problems(message);
    if found.is_empty() {
        return Ok(());
    }
    let errors: Map<String, Value> = found
        .iter()
        .map(|(field, what)| (field.clone(), json!({ "_errors": [{ "message": what }] })))
        .collect();
    let body = json!({ "message": "Invalid Form Body", "code": 50035, "errors": errors });
    let problems = found
        .iter()
        .map(|(field, what)| format!("{field}: {what}"))
        .collect();
    let reply = Reply::json(StatusCode::BAD_REQUEST, &body);
    Err(Box::new(reply.with_problems(problems)))
}
