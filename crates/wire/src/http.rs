//! Requests and replies as plain values, so that sinks can be pure functions over them.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, Method};
use model::Secret;

/// A request to a vendor. `Debug` shows neither the URL beyond its host nor any header's value (I9): tokens live in
/// paths (Slack, Telegram), queries (Teams) and headers alike.
pub struct HttpRequest {
    pub method: Method,
    /// Absolute, `http` or `https`. A user and password in it become an `Authorization: Basic` header.
    pub url: String,
    pub headers: Vec<(Cow<'static, str>, HeaderText)>,
    pub body: Bytes,
}

/// A header's value.
pub enum HeaderText {
    Plain(Cow<'static, str>),
    Secret(Secret),
}

impl HeaderText {
    /// The value itself, secret or not.
    pub fn expose(&self) -> &str {
        match self {
            HeaderText::Plain(text) => text,
            HeaderText::Secret(secret) => secret.expose(),
        }
    }
}

impl HttpRequest {
    pub fn new(method: Method, url: impl Into<String>, body: impl Into<Bytes>) -> HttpRequest {
        HttpRequest {
            method,
            url: url.into(),
            headers: Vec::new(),
            body: body.into(),
        }
    }

    pub fn get(url: impl Into<String>) -> HttpRequest {
        HttpRequest::new(Method::GET, url, Bytes::new())
    }

    /// A POST with `content-type: application/json`.
    pub fn post_json(url: impl Into<String>, body: impl Into<Bytes>) -> HttpRequest {
        HttpRequest::new(Method::POST, url, body).header("content-type", "application/json")
    }

    /// Adds a header whose value may be shown.
    #[must_use]
    pub fn header(
        mut self,
        name: impl Into<Cow<'static, str>>,
        value: impl Into<Cow<'static, str>>,
    ) -> HttpRequest {
        self.headers
            .push((name.into(), HeaderText::Plain(value.into())));
        self
    }

    /// Adds a header whose value is a secret.
    #[must_use]
    pub fn secret_header(
        mut self,
        name: impl Into<Cow<'static, str>>,
        value: Secret,
    ) -> HttpRequest {
        self.headers.push((name.into(), HeaderText::Secret(value)));
        self
    }
}

impl fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_ref()).collect();
        f.debug_struct("HttpRequest")
            .field("method", &self.method)
            .field("host", &host_of(&self.url))
            .field("headers", &names)
            .field("body_bytes", &self.body.len())
            .finish()
    }
}

impl fmt::Debug for HeaderText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[header]")
    }
}

/// The part of a URL that may be shown: host and port. A text that is no URL gives `an unreadable address`.
pub fn host_of(url: &str) -> String {
    let host = url.parse::<http::Uri>().ok().and_then(|uri| {
        let authority = uri.authority()?;
        Some(match authority.port_u16() {
            Some(port) => format!("{}:{port}", authority.host()),
            None => authority.host().to_owned(),
        })
    });
    host.unwrap_or_else(|| "an unreadable address".to_owned())
}

/// What a vendor answered, whatever its status: redirects are not followed.
pub struct HttpReply {
    pub status: u16,
    pub headers: HeaderMap,
    /// At most as much as the caller asked for.
    pub body: Bytes,
    /// The vendor sent more than was kept.
    pub truncated: bool,
}

impl HttpReply {
    /// A header's first value, if it is readable text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The body as text; bytes that are not UTF-8 become U+FFFD.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }
}

impl fmt::Debug for HttpReply {
    /// Bodies and headers stay out: vendors echo what they were sent.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpReply")
            .field("status", &self.status)
            .field("body_bytes", &self.body.len())
            .field("truncated", &self.truncated)
            .finish()
    }
}

/// Whether a request that failed may have reached its vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// Certainly not one byte of the request did.
    Never,
    /// It may have, whole or in part: a repeat may be a duplicate (I7).
    Maybe,
}

/// Why no reply was had. `what` names the host at most: no path, no query, no header (I9).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct TransportError {
    pub kind: TransportErrorKind,
    pub what: String,
    pub sent: Sent,
}

impl TransportError {
    pub(crate) fn new(
        kind: TransportErrorKind,
        sent: Sent,
        what: impl Into<String>,
    ) -> TransportError {
        TransportError {
            kind,
            what: what.into(),
            sent,
        }
    }

    pub(crate) fn never(kind: TransportErrorKind, what: impl Into<String>) -> TransportError {
        TransportError::new(kind, Sent::Never, what)
    }
}

/// The ways in which no reply is had, and whose fault each is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransportErrorKind {
    /// Operator: the URL or a header cannot be sent as it is.
    BadRequest,
    /// Operator: the address lies in a refused range and is not in `egress.allow`.
    AddressRefused,
    /// Operator (a misspelt name) or the network: the name has no address. `transient` says whether the resolver
    /// called it a passing failure, if it told.
    NameNotFound { transient: Option<bool> },
    /// Vendor or network: no TCP connection.
    Connect,
    /// Vendor or operator: no TLS session, for example an unknown certificate authority.
    Tls,
    /// Vendor or network: the time was up.
    Timeout,
    /// Vendor or network: the connection ended before the reply was whole.
    Broken,
    /// Vendor: what came is not HTTP, or its head is too long.
    BadReply,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i9_debug_of_a_request_shows_its_host_and_no_secret() {
        let request = HttpRequest::post_json(
            "https://user:pa55@hooks.example.com:8443/services/T0/B0/s3cr3t?sig=s3cr3t",
            "s3cr3t",
        )
        .header("x-plain", "s3cr3t")
        .secret_header("authorization", Secret::new("Bearer s3cr3t"));
        let shown = format!("{request:?}");
        assert!(shown.contains("hooks.example.com:8443"), "{shown}");
        assert!(shown.contains("authorization"), "{shown}");
        for secret in ["s3cr3t", "pa55", "services"] {
            assert!(!shown.contains(secret), "{secret} in {shown}");
        }
    }

    #[test]
    fn i9_debug_of_a_reply_shows_neither_body_nor_headers() {
        let mut headers = HeaderMap::new();
        headers.insert("set-cookie", "s3cr3t".parse().unwrap());
        let reply = HttpReply {
            status: 200,
            headers,
            body: Bytes::from_static(b"s3cr3t"),
            truncated: false,
        };
        assert_eq!(
            format!("{reply:?}"),
            "HttpReply { status: 200, body_bytes: 6, truncated: false }"
        );
    }

    #[test]
    fn the_host_of_what_is_no_url_is_not_the_text_itself() {
        assert_eq!(host_of("https://a.example/x"), "a.example");
        assert_eq!(host_of("https://[::1]:80/x"), "[::1]:80");
        for bad in ["", "s3cr3t token", "/path/s3cr3t"] {
            assert_eq!(host_of(bad), "an unreadable address", "{bad:?}");
        }
    }
}
