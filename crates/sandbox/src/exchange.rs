//! One request, what was answered, and the line that both make in the record.

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::sync::Arc;

/// A request as a vendor receives it.
#[derive(Debug)]
pub struct Request {
    /// When it arrived, milliseconds since the epoch.
    pub at: i64,
    /// The vendor's word, e.g. `slack`.
    pub vendor: &'static str,
    pub method: Method,
    /// The vendor's own path, without the sandbox's `/vendor` prefix, still percent-encoded; at least `/`.
    pub path: String,
    /// The query string without `?`; empty if there is none.
    pub query: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Request {
    /// A header's text; `None` if it is absent or not text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The media type without parameters, in lower case; empty if the header is absent.
    #[must_use]
    pub fn content_type(&self) -> String {
        let whole = self.header("content-type").unwrap_or_default();
        whole
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase()
    }

    /// About how many bytes it keeps in memory.
    pub(crate) fn weight(&self) -> usize {
        let headers: usize = self
            .headers
            .iter()
            .map(|(n, v)| n.as_str().len() + v.len() + 64)
            .sum();
        self.body.len() + self.path.len() + self.query.len() + headers + 256
    }
}

/// What a vendor answers.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// Rules of the vendor that the request broke, in words; listed in `GET /_violations`, not sent.
    pub problems: Vec<String>,
}

impl Reply {
    /// An answer in plain text.
    #[must_use]
    pub fn text(status: StatusCode, body: impl Into<Bytes>) -> Self {
        Self::of(status, "text/plain; charset=utf-8", body)
    }

    /// An answer in JSON.
    #[must_use]
    pub fn json(status: StatusCode, body: &Value) -> Self {
        Self::of(status, "application/json; charset=utf-8", body.to_string())
    }

    /// A page.
    #[must_use]
    pub fn html(body: String) -> Self {
        Self::of(StatusCode::OK, "text/html; charset=utf-8", body)
    }

    /// The complaint of the sandbox itself (not of a vendor) about how it is used.
    #[must_use]
    pub fn complaint(status: StatusCode, message: &str) -> Self {
        Self::json(status, &serde_json::json!({ "error": message }))
    }

    fn of(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(
            http::header::CONTENT_TYPE,
            http::HeaderValue::from_static(kind),
        );
        Self {
            status,
            headers,
            body: body.into(),
            problems: Vec::new(),
        }
    }

    /// The same answer, with the rules that the request broke.
    #[must_use]
    pub fn with_problems(mut self, problems: Vec<String>) -> Self {
        self.problems = problems;
        self
    }
}

/// A request with what was answered: one line of the record.
#[derive(Debug, Clone)]
pub struct Recorded {
    pub request: Arc<Request>,
    /// The HTTP status; 0 where the connection was cut without an answer.
    pub status: u16,
    /// The answer's body; empty where there was none.
    pub reply: Bytes,
}

impl Serialize for Recorded {
    /// `{at, vendor, method, path, query, headers, body, status, reply}`. Bodies are JSON where they are JSON
    /// (a form stays a string) and null where empty. One line: a body's own line breaks become spaces.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let request = &*self.request;
        let mut line = serializer.serialize_map(Some(9))?;
        line.serialize_entry("at", &request.at)?;
        line.serialize_entry("vendor", request.vendor)?;
        line.serialize_entry("method", request.method.as_str())?;
        line.serialize_entry("path", &request.path)?;
        line.serialize_entry("query", &request.query)?;
        line.serialize_entry("headers", &Headers(&request.headers))?;
        line.serialize_entry("body", &Body(&request.body, &request.content_type()))?;
        line.serialize_entry("status", &self.status)?;
        line.serialize_entry("reply", &Body(&self.reply, ""))?;
        line.end()
    }
}

struct Headers<'a>(&'a HeaderMap);

impl Serialize for Headers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for name in self.0.keys() {
            let values: Vec<_> = self
                .0
                .get_all(name)
                .iter()
                .map(|v| String::from_utf8_lossy(v.as_bytes()))
                .collect();
            map.serialize_entry(name.as_str(), &values.join(", "))?;
        }
        map.end()
    }
}

struct Body<'a>(&'a [u8], &'a str);

impl Serialize for Body<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Body(bytes, content_type) = *self;
        if bytes.is_empty() {
            return serializer.serialize_none();
        }
        match one_line_json(bytes, content_type) {
            Some(json) => serde_json::from_str::<&RawValue>(&json)
                .map_err(serde::ser::Error::custom)?
                .serialize(serializer),
            None => serializer.serialize_str(&String::from_utf8_lossy(bytes)),
        }
    }
}

/// The text of a JSON body without line breaks, or `None` if the body is not JSON. Line breaks are allowed in
/// JSON only as white space between tokens, so that a space in their place changes nothing.
fn one_line_json<'a>(bytes: &'a [u8], content_type: &str) -> Option<Cow<'a, str>> {
    if content_type.contains("form") {
        return None;
    }
    let text = std::str::from_utf8(bytes).ok()?.trim();
    if !text.starts_with(['{', '[']) && !content_type.contains("json") {
        return None;
    }
    serde_json::from_str::<&RawValue>(text).ok()?;
    Some(if text.contains(['\n', '\r']) {
        Cow::Owned(text.replace(['\n', '\r'], " "))
    } else {
        Cow::Borrowed(text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(body: &'static str, content_type: &'static str) -> Value {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", http::HeaderValue::from_static(content_type));
        let request = Request {
            at: 5,
            vendor: "webhook",
            method: Method::POST,
            path: "/a".into(),
            query: "q=1".into(),
            headers,
            body: Bytes::from_static(body.as_bytes()),
        };
        let recorded = Recorded {
            request: Arc::new(request),
            status: 200,
            reply: Bytes::from_static(b"ok"),
        };
        let text = serde_json::to_string(&recorded).unwrap();
        assert!(!text.contains('\n'), "one line: {text}");
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn a_body_is_json_where_it_is_json_and_a_string_elsewhere() {
        let table = [
            (
                "{\"a\":\n 1}",
                "application/json",
                serde_json::json!({"a": 1}),
            ),
            ("{\"a\":1}", "text/plain", serde_json::json!({"a": 1})),
            ("7", "application/json", serde_json::json!(7)),
            ("7", "text/plain", serde_json::json!("7")),
            ("{\"a\":", "application/json", serde_json::json!("{\"a\":")),
            (
                "{}",
                "application/x-www-form-urlencoded",
                serde_json::json!("{}"),
            ),
            ("a=1\nb", "text/plain", serde_json::json!("a=1\nb")),
            ("", "application/json", Value::Null),
        ];
        for (body, content_type, expected) in table {
            assert_eq!(
                line(body, content_type)["body"],
                expected,
                "{body:?} as {content_type}"
            );
        }
    }

    #[test]
    fn a_line_has_the_fields_that_the_checker_reads() {
        let line = line("{}", "application/json");
        assert_eq!(
            line,
            serde_json::json!({"at": 5, "vendor": "webhook", "method": "POST", "path": "/a", "query": "q=1",
                "headers": {"content-type": "application/json"}, "body": {}, "status": 200, "reply": "ok"})
        );
    }
}
