//! How Slack says yes and no.

use crate::exchange::Reply;
use http::{HeaderValue, StatusCode};
use serde_json::{Map, Value, json};

/// A method's refusal: HTTP 200 and `{"ok": false, "error": …}`, or 429.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    pub(super) error: String,
    extra: Map<String, Value>,
    /// Seconds to wait, for 429.
    pub(super) retry_after: Option<u64>,
}

impl From<&str> for Refusal {
    fn from(error: &str) -> Self {
        Self {
            error: error.to_owned(),
            extra: Map::new(),
            retry_after: None,
        }
    }
}

impl Refusal {
    /// 429 with `Retry-After`.
    pub(super) fn ratelimited(seconds: u64) -> Self {
        Self {
            retry_after: Some(seconds),
            ..Self::from("ratelimited")
        }
    }

    /// With another member of the answer.
    pub(super) fn with(mut self, name: &str, value: Value) -> Self {
        self.extra.insert(name.to_owned(), value);
        self
    }

    /// A refusal of a request that a correct client never sends: noted as a broken rule too.
    pub(super) fn broken(error: &str, rule: &str, problems: &mut Vec<String>) -> Self {
        problems.push(format!("{error}: {rule}"));
        Self::from(error)
    }

    pub(super) fn into_reply(self) -> Reply {
        let mut body = Map::from_iter([
            ("ok".to_owned(), json!(false)),
            ("error".to_owned(), json!(self.error)),
        ]);
        body.extend(self.extra);
        let status = if self.retry_after.is_some() {
            StatusCode::TOO_MANY_REQUESTS
        } else {
            StatusCode::OK
        };
        let mut reply = Reply::json(status, &Value::Object(body));
        if let Some(seconds) = self.retry_after {
            reply
                .headers
                .insert(http::header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        reply
    }
}
