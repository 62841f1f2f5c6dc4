//! Requests to a hub.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use model::Secret;
use serde_json::Value;

use crate::cli::HubArgs;
use crate::client::error::{HubError, advice};
use crate::client::text::clean;

/// How long one answer may take, in seconds: the hub answers lists within one, and commits within a few.
const ANSWER_SECONDS_MAX: u64 = 30;
/// An answer in bytes: a page of 500 of the largest alerts.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A hub that can be asked. Cheap to clone.
#[derive(Clone)]
pub struct Hub {
    /// Without a slash at its end.
    base: String,
    token: Option<Secret>,
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

/// A status and the bytes with it.
pub struct Answer {
    pub status: StatusCode,
    pub body: Bytes,
}

impl Hub {
    /// The hub that the flags name, with its token. A default token file that is not there means no token.
    pub fn from_args(args: &HubArgs) -> Result<Hub, HubError> {
        Hub::new(&args.hub, token(args)?)
    }

    pub fn new(base: &str, token: Option<Secret>) -> Result<Hub, HubError> {
        let bad = |why| HubError::BadAddress {
            hub: clean(base),
            why,
        };
        let url = url::Url::parse(base).map_err(|_| bad("it is not a URL"))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(bad("it does not begin with http:// or https://"));
        }
        if !url.username().is_empty()
            || url.password().is_some()
            || url.query().is_some()
            || url.fragment().is_some()
        {
            return Err(HubError::BadAddress {
                hub: "[address]".into(),
                why: "leave user, password, query and fragment out",
            });
        }
        Ok(Hub {
            base: base.trim_end_matches('/').to_owned(),
            token,
            client: client()?,
        })
    }

    pub fn base(&self) -> &str {
        &self.base
    }

    /// `GET base + path`, as JSON.
    pub async fn get(&self, path: &str) -> Result<Value, HubError> {
        let answer = self.ask(Method::GET, path, None).await?;
        self.json(answer)
    }

    /// `POST base + path` with a JSON body, as JSON.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, HubError> {
        let answer = self.ask(Method::POST, path, Some(body)).await?;
        self.json(answer)
    }

    /// `DELETE base + path`, as JSON.
    pub async fn delete(&self, path: &str) -> Result<Value, HubError> {
        let answer = self.ask(Method::DELETE, path, None).await?;
        self.json(answer)
    }

    /// A request and its whole answer, whatever its status.
    pub async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answer, HubError> {
        let request = self.request(method, path, body, &[])?;
        let work = async {
            let response = self
                .client
                .request(request)
                .await
                .map_err(|error| self.failed(&error))?;
            let status = response.status();
            let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX)
                .collect()
                .await
                .map_err(|error| {
                    let hub = self.base.clone();
                    match error.is::<LengthLimitError>() {
                        true => HubError::NotAHub {
                            hub,
                            why: "its answer is too long".into(),
                        },
                        false => HubError::Broken {
                            hub,
                            why: clean(&error.to_string()),
                        },
                    }
                })?;
            Ok(Answer {
                status,
                body: body.to_bytes(),
            })
        };
        self.in_time(work).await
    }

    /// Begins the stream of events, after `last_id` if there was one.
    pub async fn stream(&self, path: &str, last_id: Option<&str>) -> Result<Incoming, HubError> {
        let mut headers = vec![("accept", "text/event-stream")];
        headers.extend(last_id.map(|id| ("last-event-id", id)));
        let request = self.request(Method::GET, path, None, &headers)?;
        let work = async {
            self.client
                .request(request)
                .await
                .map_err(|error| self.failed(&error))
        };
        let response = self.in_time(work).await?;
        let status = response.status();
        let is_stream = response
            .headers()
            .get(header::CONTENT_TYPE)
            .is_some_and(|value| value.as_bytes().starts_with(b"text/event-stream"));
        if status.is_success() && is_stream {
            return Ok(response.into_body());
        }
        if status.is_success() {
            return Err(HubError::NotAHub {
                hub: self.base.clone(),
                why: "it sends no stream of events".into(),
            });
        }
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX)
            .collect()
            .await;
        let body = body
            .map(http_body_util::Collected::to_bytes)
            .unwrap_or_default();
        Err(self.refused(status, &body))
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        headers: &[(&'static str, &str)],
    ) -> Result<Request<Full<Bytes>>, HubError> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            let value = header::HeaderValue::from_str(&format!("Bearer {}", token.expose()));
            let mut value = value.map_err(|_| {
                HubError::Token("the token has characters that no header may have".into())
            })?;
            value.set_sensitive(true);
            request = request.header(header::AUTHORIZATION, value);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let bytes = match body {
            Some(body) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                Bytes::from(body.to_string())
            }
            None => Bytes::new(),
        };
        request
            .body(Full::new(bytes))
            .map_err(|_| HubError::BadAddress {
                hub: self.base.clone(),
                why: "it cannot be asked as it is",
            })
    }

    fn json(&self, answer: Answer) -> Result<Value, HubError> {
        if !answer.status.is_success() {
            return Err(self.refused(answer.status, &answer.body));
        }
        serde_json::from_slice(&answer.body).map_err(|_| HubError::NotAHub {
            hub: self.base.clone(),
            why: "its answer is not JSON".into(),
        })
    }

    /// A refusal, from the hub's `application/problem+json` where it is one.
    pub fn refused(&self, status: StatusCode, body: &[u8]) -> HubError {
        let problem: Value = serde_json::from_slice(body).unwrap_or_default();
        let word = |name: &str| clean(problem[name].as_str().unwrap_or_default());
        let title = match word("title") {
            title if title.is_empty() => status.canonical_reason().unwrap_or_default().to_owned(),
            title => title,
        };
        let status = status.as_u16();
        HubError::Refused {
            status,
            title,
            detail: word("detail"),
            advice: advice(status),
        }
    }

    fn failed(&self, error: &hyper_util::client::legacy::Error) -> HubError {
        let why = root_cause(error);
        match error.is_connect() {
            true => HubError::NoHub {
                hub: self.base.clone(),
                why,
            },
            false => HubError::Broken {
                hub: self.base.clone(),
                why,
            },
        }
    }

    async fn in_time<T>(
        &self,
        work: impl Future<Output = Result<T, HubError>>,
    ) -> Result<T, HubError> {
        match tokio::time::timeout(Duration::from_secs(ANSWER_SECONDS_MAX), work).await {
            Ok(done) => done,
            Err(_) => Err(HubError::Timeout {
                hub: self.base.clone(),
                seconds: ANSWER_SECONDS_MAX,
            }),
        }
    }
}

/// The innermost error: "Connection refused" and not "client error".
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    let text = clean(&innermost.to_string());
    // The number means nothing to people.
    text.split(" (os error")
        .next()
        .unwrap_or_default()
        .to_owned()
}

#[expect(
    clippy::disallowed_methods,
    reason = "talks to the hub itself, not to vendors"
)]
fn client() -> Result<Client<HttpsConnector<HttpConnector>, Full<Bytes>>, HubError> {
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    http.set_connect_timeout(Some(Duration::from_secs(10)));
    let connector = hyper_rustls::HttpsConnectorBuilder::new()
        .with_provider_and_native_roots(rustls::crypto::ring::default_provider())
        // Without the system's certificates plain http still works.
        .or_else(|_| {
            let empty = rustls::RootCertStore::empty();
            let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
            let config = rustls::ClientConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions();
            config.map(|config| {
                let config = config.with_root_certificates(empty).with_no_client_auth();
                hyper_rustls::HttpsConnectorBuilder::new().with_tls_config(config)
            })
        })
        .map_err(|error| HubError::Token(format!("TLS cannot be set up: {error}")))?
        .https_or_http()
        .enable_http1()
        .wrap_connector(http);
    Ok(Client::builder(hyper_util::rt::TokioExecutor::new()).build(connector))
}

fn token(args: &HubArgs) -> Result<Option<Secret>, HubError> {
    if let Some(token) = &args.token {
        return Ok(Some(Secret::new(token.expose().trim())));
    }
    let (path, asked_for) = match &args.token_file {
        Some(path) => (path.clone(), true),
        None => (args.data_dir.join("admin-token"), false),
    };
    match std::fs::read_to_string(&path) {
        Ok(text) if text.trim().is_empty() => Err(HubError::Token(format!(
            "the token file {} is empty",
            path.display()
        ))),
        Ok(text) => Ok(Some(Secret::new(text.trim()))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !asked_for => Ok(None),
        Err(error) => Err(HubError::Token(format!(
            "the token file {} cannot be read ({}).\nGive another one with --token-file, or the token itself with CAMPANILE_TOKEN.",
            path.display(),
            error.kind()
        ))),
    }
}
