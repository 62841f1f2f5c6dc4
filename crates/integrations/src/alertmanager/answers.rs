//! Answers in the two forms that Alertmanager has: its own errors are a bare JSON string, those of the layer below it
//! (requests that are not of the API) are `{"code": …, "message": …}`.

use model::limits;
use serde_json::{Value, json};

use crate::kit::Answer;

/// A required part is missing.
pub const REQUIRED: u16 = 602;
/// A list has too few entries.
pub const TOO_FEW: u16 = 612;
/// A text is not of its kind.
pub const NOT_OF_TYPE: u16 = 601;

/// What Alertmanager itself says.
pub fn problem(status: u16, problem: &str) -> Answer {
    Answer::json(status, &Value::from(problem))
}

/// What the layer below says.
pub fn coded(status: u16, code: u16, message: &str) -> Answer {
    Answer::json(status, &json!({ "code": code, "message": message }))
}

/// A part of the body breaks the API's description.
pub fn invalid(code: u16, message: &str) -> Answer {
    coded(422, code, message)
}

/// A body that cannot be read; `what` is the description's name of it.
pub fn unreadable(what: &str, because: &str) -> Answer {
    let message = format!("parsing {what} body from \"\" failed, because {because}");
    coded(400, 400, &message)
}

pub fn method_not_allowed(method: &http::Method, allowed: &'static str) -> Answer {
    let message = format!("method {method} is not allowed, but [{allowed}] are");
    coded(405, 405, &message).header("allow", allowed)
}

pub fn not_found(path: &str) -> Answer {
    if !path.starts_with("/api/v2/") {
        return Answer::text(404, "404 page not found\n");
    }
    let path = wire::text::cut_chars(path, limits::EXCERPT_CHARS_MAX);
    coded(404, 404, &format!("path {path} was not found"))
}

/// The API v1 left Alertmanager with its version 0.27; newer ones answer 410.
pub fn gone() -> Answer {
    let error = "the Alertmanager API v1 is no longer served: use /api/v2/alerts";
    Answer::json(410, &json!({ "status": "deprecated", "error": error }))
}

/// Whether the client takes JSON, by its `Accept`.
pub fn takes_json(headers: &http::HeaderMap) -> bool {
    let mut accepts = headers.get_all(http::header::ACCEPT).iter().peekable();
    if accepts.peek().is_none() {
        return true;
    }
    accepts
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|range| range.split(';').next().unwrap_or_default().trim())
        .any(|range| {
            range.is_empty()
                || ["application/json", "application/*", "*/*"]
                    .iter()
                    .any(|known| range.eq_ignore_ascii_case(known))
        })
}

/// Why a body of this content type is not read. None at all counts as JSON, as nothing else is taken here.
pub fn wrong_type(headers: &http::HeaderMap) -> Option<Answer> {
    let given = headers.get(http::header::CONTENT_TYPE)?;
    let given = given.to_str().unwrap_or_default();
    let kind = given.split(';').next().unwrap_or_default().trim();
    if kind.eq_ignore_ascii_case("application/json") {
        return None;
    }
    let shown = wire::text::cut_chars(kind, 200);
    if kind.is_empty() {
        let because = "mime: no media type";
        let given = wire::text::cut_chars(given, 200);
        let message =
            format!("parsing Content-Type header from {given:?} failed, because {because}");
        return Some(coded(400, 400, &message));
    }
    let message = format!("unsupported media type {shown:?}, only [application/json] are allowed");
    Some(coded(415, 415, &message))
}

pub fn not_acceptable() -> Answer {
    let message = "unsupported media type requested, only [application/json] are available";
    coded(406, 406, message)
}
