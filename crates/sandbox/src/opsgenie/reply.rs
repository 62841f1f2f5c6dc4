//! How the API says yes and no.

use super::account::Throttle;
use crate::exchange::Reply;
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::{Map, Value, json};

/// What every body carries as the time that it took, in seconds.
const TOOK: f64 = 0.012;

/// A refusal.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    message: String,
    code: Option<u32>,
    errors: Map<String, Value>,
    /// What `X-Opsgenie-Errortype` says.
    kind: Option<&'static str>,
    /// The rule that the request broke, if a right client never does so.
    pub(super) broken: Vec<String>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            code: None,
            errors: Map::new(),
            kind: None,
            broken: Vec::new(),
        }
    }

    /// With a code of the API's own.
    pub(super) fn code(mut self, code: u32) -> Self {
        self.code = Some(code);
        self
    }

    /// With an error type in a header.
    pub(super) fn kind(mut self, kind: &'static str) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Noted as a broken rule too.
    pub(super) fn broken(mut self, rule: impl Into<String>) -> Self {
        self.broken.push(rule.into());
        self
    }

    /// 422 with what is wrong of which field; each is a broken rule.
    pub(super) fn fields(wrong: &[(String, String)]) -> Self {
        let mut refusal = Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "Request body is not processable. Please check the errors.",
        );
        for (field, what) in wrong {
            refusal.errors.insert(field.clone(), json!(what));
            refusal.broken.push(format!("{field}: {what}"));
        }
        refusal
    }

    pub(super) fn into_reply(self, request_id: &str) -> Reply {
        let mut body = json!({ "message": self.message, "took": TOOK, "requestId": request_id });
        if let Some(code) = self.code {
            body["code"] = json!(code);
        }
        if !self.errors.is_empty() {
            body["errors"] = Value::Object(self.errors);
        }
        let mut reply = with_headers(Reply::json(self.status, &body), request_id, Throttle::No);
        if let Some(kind) = self.kind {
            let name = HeaderName::from_static("x-opsgenie-errortype");
            reply.headers.insert(name, HeaderValue::from_static(kind));
        }
        if self.status == StatusCode::TOO_MANY_REQUESTS {
            state(&mut reply, "THROTTLED");
        }
        reply.with_problems(self.broken)
    }
}

/// 202: taken, nothing more.
pub(super) fn taken(request_id: &str, throttle: Throttle) -> Reply {
    let body =
        json!({ "result": "Request will be processed", "took": TOOK, "requestId": request_id });
    with_headers(
        Reply::json(StatusCode::ACCEPTED, &body),
        request_id,
        throttle,
    )
}

/// 200 with these members beside the usual ones.
pub(super) fn found(request_id: &str, members: Value, throttle: Throttle) -> Reply {
    let mut body = members;
    body["took"] = json!(TOOK);
    body["requestId"] = json!(request_id);
    with_headers(Reply::json(StatusCode::OK, &body), request_id, throttle)
}

/// The official Go SDK calls a result incomplete where one of these is absent.
fn with_headers(mut reply: Reply, request_id: &str, throttle: Throttle) -> Reply {
    if let Ok(id) = HeaderValue::from_str(request_id) {
        reply
            .headers
            .insert(HeaderName::from_static("x-request-id"), id);
    }
    let time = HeaderName::from_static("x-response-time");
    reply
        .headers
        .insert(time, HeaderValue::from_static("0.012"));
    let word = match throttle {
        Throttle::No => "OK",
        Throttle::Delayed | Throttle::Rejected => "THROTTLED",
    };
    state(&mut reply, word);
    reply
}

fn state(reply: &mut Reply, word: &'static str) {
    let mut set = |name: &'static str, value: &'static str| {
        let name = HeaderName::from_static(name);
        reply.headers.insert(name, HeaderValue::from_static(value));
    };
    set("x-ratelimit-state", word);
    if word == "THROTTLED" {
        set("x-ratelimit-reason", "INTEGRATION");
        set("x-ratelimit-period-in-sec", "60");
    }
}
