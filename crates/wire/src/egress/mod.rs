//! The one door out. A request leaves through here or not at all.
//!
//! Addresses are judged after resolution, on every new connection; a name's answer lives no longer than the pooled
//! connections made with it. Redirects are replies. The proxy variables of the environment are not read.
//! How many requests are in flight is the caller's matter: one sender's slots must not hold up another's (I12).

mod connect;
mod policy;
mod pool;
#[cfg(test)]
mod tests;
mod tls;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use base64::Engine as _;
use bytes::{Bytes, BytesMut};
use http::header::{AUTHORIZATION, HOST, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::http::{HttpReply, HttpRequest, Sent, TransportError, TransportErrorKind as Kind};
use crate::limits;
use connect::Connector;
pub use policy::{EgressPolicy, NotARange, Refused};
use pool::{HostKey, Pool, Sender};
pub use tls::EgressError;

/// What an [`Egress`] is made of.
#[derive(Clone, Debug)]
pub struct EgressSettings {
    pub policy: EgressPolicy,
    /// PEM files with certificate authorities that are trusted besides the system's.
    pub extra_ca_files: Vec<PathBuf>,
    /// Time for look-up, TCP and TLS together; [`limits::CONNECT_MS`] unless a test wants less.
    pub connect_ms: u64,
}

impl EgressSettings {
    /// The usual limits and the system's certificate authorities.
    pub fn new(policy: EgressPolicy) -> EgressSettings {
        EgressSettings {
            policy,
            extra_ca_files: Vec::new(),
            connect_ms: limits::CONNECT_MS,
        }
    }
}

/// A pooled HTTP/1.1 client under an address policy. Clones share the pool.
#[derive(Clone)]
pub struct Egress(Arc<Inner>);

struct Inner {
    connector: Connector,
    pool: Pool,
    sweeper: OnceLock<()>,
}

impl Egress {
    /// Reads the certificate authorities. Errors: a CA file that cannot be read.
    pub fn new(settings: EgressSettings) -> Result<Egress, EgressError> {
        let connector = Connector {
            tls: tls::connector(&settings.extra_ca_files)?,
            policy: settings.policy,
            lookups: Arc::new(Semaphore::new(limits::LOOKUPS_AT_ONCE_MAX)),
            connect_ms: settings.connect_ms,
        };
        Ok(Egress(Arc::new(Inner {
            connector,
            pool: Pool::default(),
            sweeper: OnceLock::new(),
        })))
    }

    /// Sends one request and reads its reply, within `deadline_ms` in all (at most [`limits::DEADLINE_MS_MAX`]).
    /// Reading stops at `max_reply_bytes`; the rest is never read.
    ///
    /// A pooled connection that turns out closed before the request is written is replaced silently; nothing else is
    /// tried twice.
    pub async fn send(
        &self,
        request: HttpRequest,
        deadline_ms: u64,
        max_reply_bytes: usize,
    ) -> Result<HttpReply, TransportError> {
        let (host, request) = prepare(request)?;
        let deadline_ms = deadline_ms.min(limits::DEADLINE_MS_MAX);
        // Set before the first byte may be written; read when the time is up.
        let may_be_sent = AtomicBool::new(false);
        let exchange = self.exchange(&host, request, max_reply_bytes, &may_be_sent);
        timeout(Duration::from_millis(deadline_ms), exchange)
            .await
            .unwrap_or_else(|_| {
                let sent = if may_be_sent.load(Ordering::Relaxed) {
                    Sent::Maybe
                } else {
                    Sent::Never
                };
                Err(TransportError::new(
                    Kind::Timeout,
                    sent,
                    format!("{} did not answer within {deadline_ms} ms", host.authority),
                ))
            })
    }

    async fn exchange(
        &self,
        host: &HostKey,
        request: Request<Full<Bytes>>,
        max_reply_bytes: usize,
        may_be_sent: &AtomicBool,
    ) -> Result<HttpReply, TransportError> {
        let mut request = request;
        let mut pooled_tries = 0;
        loop {
            may_be_sent.store(false, Ordering::Relaxed);
            let pooled = if pooled_tries < limits::POOLED_TRIES_MAX {
                self.take_ready(host).await
            } else {
                None
            };
            pooled_tries += 1;
            let is_pooled = pooled.is_some();
            let mut sender = match pooled {
                Some(sender) => sender,
                None => self.0.connector.connect(host).await?,
            };
            may_be_sent.store(true, Ordering::Relaxed);
            let mut error = match sender.try_send_request(request).await {
                Ok(reply) => return self.finish(host, sender, reply, max_reply_bytes).await,
                Err(error) => error,
            };
            // hyper hands the request back exactly when it has not begun to write it.
            match error.take_message() {
                Some(unsent) if is_pooled => request = unsent,
                Some(_) => {
                    return Err(TransportError::never(
                        Kind::Broken,
                        format!("{} closed the connection at once", host.authority),
                    ));
                }
                None => return Err(broken(host, error.error())),
            }
        }
    }

    /// A pooled connection that can take a request now.
    async fn take_ready(&self, host: &HostKey) -> Option<Sender> {
        let mut sender = self.0.pool.take(host)?;
        if sender.is_ready() {
            return Some(sender);
        }
        let ready = timeout(
            Duration::from_millis(limits::POOLED_READY_MS),
            sender.ready(),
        )
        .await;
        matches!(ready, Ok(Ok(()))).then_some(sender)
    }

    async fn finish(
        &self,
        host: &HostKey,
        sender: Sender,
        reply: hyper::Response<Incoming>,
        max_reply_bytes: usize,
    ) -> Result<HttpReply, TransportError> {
        let (head, body) = reply.into_parts();
        let (body, truncated) = read_capped(body, max_reply_bytes)
            .await
            .map_err(|error| broken(host, &error))?;
        if !truncated {
            self.0.pool.put(host, sender, idle_seconds(&head.headers));
            self.0
                .sweeper
                .get_or_init(|| drop(tokio::spawn(sweep(Arc::downgrade(&self.0)))));
        }
        Ok(HttpReply {
            status: head.status.as_u16(),
            headers: head.headers,
            body,
            truncated,
        })
    }
}

impl std::fmt::Debug for Egress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Egress")
            .field("policy", &self.0.connector.policy)
            .finish_non_exhaustive()
    }
}

/// Closes idle connections once a second, as long as the pool lives.
async fn sweep(inner: Weak<Inner>) {
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    loop {
        seconds.tick().await;
        match inner.upgrade() {
            Some(inner) => inner.pool.sweep(),
            None => return,
        }
    }
}

/// How long a connection may idle: a second less than the vendor announces (`Keep-Alive: timeout=5`), so that we are
/// the one to close it.
fn idle_seconds(headers: &HeaderMap) -> u16 {
    let announced = headers
        .get("keep-alive")
        .and_then(|value| value.to_str().ok())
        .and_then(|value| {
            value
                .split(',')
                .find_map(|part| part.trim().strip_prefix("timeout=")?.parse::<u16>().ok())
        });
    announced.map_or(limits::IDLE_SECONDS_MAX, |seconds| {
        seconds.saturating_sub(1).min(limits::IDLE_SECONDS_MAX)
    })
}

fn broken(host: &HostKey, error: &hyper::Error) -> TransportError {
    let host = &host.authority;
    if error.is_parse() {
        TransportError::new(
            Kind::BadReply,
            Sent::Maybe,
            format!("the reply of {host} is not HTTP, or its head is too long"),
        )
    } else {
        TransportError::new(
            Kind::Broken,
            Sent::Maybe,
            format!("{host} ended the connection before its reply was whole"),
        )
    }
}

/// Reads at most `max` bytes; says whether there was more.
async fn read_capped(mut body: Incoming, max: usize) -> Result<(Bytes, bool), hyper::Error> {
    let mut first = Bytes::new();
    let mut joined = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else {
            continue;
        };
        let so_far = first.len() + joined.len();
        if so_far + data.len() > max {
            joined.extend_from_slice(&first);
            let (have, want) = (joined.len(), max);
            joined.extend_from_slice(&data[..want - have.min(want)]);
            return Ok((joined.freeze(), true));
        }
        // Most replies are one frame, which is then kept without copying.
        if so_far == 0 {
            first = data;
        } else {
            if joined.is_empty() {
                joined.extend_from_slice(&std::mem::take(&mut first));
            }
            joined.extend_from_slice(&data);
        }
    }
    Ok((
        if joined.is_empty() {
            first
        } else {
            joined.freeze()
        },
        false,
    ))
}

fn prepare(request: HttpRequest) -> Result<(HostKey, Request<Full<Bytes>>), TransportError> {
    let bad = |what: String| TransportError::never(Kind::BadRequest, what);
    let HttpRequest {
        method,
        url,
        headers,
        body,
    } = request;
    if url.len() > limits::URL_BYTES_MAX {
        return Err(bad(format!(
            "the address is longer than {} bytes",
            limits::URL_BYTES_MAX
        )));
    }
    let uri = Uri::try_from(url).map_err(|_| bad("the address is not a URL".to_owned()))?;
    let tls = match uri.scheme_str() {
        Some("https") => true,
        Some("http") => false,
        _ => {
            return Err(bad(
                "the address begins with neither `https://` nor `http://`".to_owned(),
            ));
        }
    };
    let parts = uri.into_parts();
    let authority = parts
        .authority
        .ok_or_else(|| bad("the address names no host".to_owned()))?;
    let (user, authority) =
        split_user(authority).ok_or_else(|| bad("the address names no host".to_owned()))?;
    // What follows the host is a port or nothing: `http` takes any digits there.
    if authority.port_u16().is_none() && authority.as_str() != authority.host() {
        return Err(bad(format!(
            "{} is followed by what is no port",
            authority.host()
        )));
    }
    let path = parts
        .path_and_query
        .map_or(Uri::from_static("/"), Uri::from);

    let mut outgoing = Request::new(Full::new(body));
    *outgoing.method_mut() = method;
    *outgoing.uri_mut() = path;
    let map = outgoing.headers_mut();
    map.reserve(headers.len() + 2);
    for (name, text) in headers {
        let name = HeaderName::try_from(name.as_ref()).map_err(|_| {
            bad(format!(
                "{} is asked for a header without a proper name",
                authority
            ))
        })?;
        let mut value = HeaderValue::from_str(text.expose()).map_err(|_| {
            bad(format!(
                "the value of the header `{name}` has characters that headers cannot carry"
            ))
        })?;
        value.set_sensitive(matches!(text, crate::http::HeaderText::Secret(_)));
        map.append(name, value);
    }
    if let Some(basic) = user {
        map.entry(AUTHORIZATION).or_insert(basic);
    }
    if !map.contains_key(HOST) {
        let host = without_default_port(&authority, tls);
        map.insert(
            HOST,
            HeaderValue::from_str(host)
                .map_err(|_| bad("the address names no proper host".to_owned()))?,
        );
    }
    map.entry(USER_AGENT)
        .or_insert(HeaderValue::from_static(concat!(
            "campanile/",
            env!("CARGO_PKG_VERSION")
        )));
    Ok((HostKey { tls, authority }, outgoing))
}

/// Takes `user:password@` off and makes it a Basic header's value.
fn split_user(
    authority: http::uri::Authority,
) -> Option<(Option<HeaderValue>, http::uri::Authority)> {
    let Some((user, host)) = authority.as_str().rsplit_once('@') else {
        return (!authority.host().is_empty()).then_some((None, authority));
    };
    let clear: Vec<u8> = percent_encoding::percent_decode_str(user).collect();
    let text = format!(
        "Basic {}",
        base64::engine::general_purpose::STANDARD.encode(clear)
    );
    let mut basic = HeaderValue::from_str(&text).ok()?;
    basic.set_sensitive(true);
    let authority: http::uri::Authority = host.parse().ok()?;
    (!authority.host().is_empty()).then_some((Some(basic), authority))
}

fn without_default_port(authority: &http::uri::Authority, tls: bool) -> &str {
    let text = authority.as_str();
    let default = if tls { ":443" } else { ":80" };
    match authority.port() {
        Some(_) => text.strip_suffix(default).unwrap_or(text),
        None => text,
    }
}
