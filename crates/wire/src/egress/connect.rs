//! Name → addresses → policy → TCP → TLS → HTTP/1.1. Whatever fails in here was never sent.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::EgressPolicy;
use super::policy::Refused;
use super::pool::{HostKey, Sender};
use crate::http::{TransportError, TransportErrorKind as Kind};
use crate::limits;

pub(super) struct Connector {
    pub policy: EgressPolicy,
    pub tls: TlsConnector,
    pub lookups: Arc<Semaphore>,
    pub connect_ms: u64,
}

impl Connector {
    /// Opens a connection within its own time limit.
    pub async fn connect(&self, host: &HostKey) -> Result<Sender, TransportError> {
        let limit = Duration::from_millis(self.connect_ms);
        timeout(limit, self.open(host)).await.unwrap_or_else(|_| {
            let ms = self.connect_ms;
            Err(TransportError::never(
                Kind::Timeout,
                format!("{} took longer than {ms} ms to connect", host.authority),
            ))
        })
    }

    async fn open(&self, host: &HostKey) -> Result<Sender, TransportError> {
        let port = host
            .authority
            .port_u16()
            .unwrap_or(if host.tls { 443 } else { 80 });
        // An IPv6 literal stands in brackets.
        let name = host
            .authority
            .host()
            .trim_start_matches('[')
            .trim_end_matches(']');
        let found = match name.parse::<IpAddr>() {
            Ok(address) => vec![SocketAddr::new(address, port)],
            Err(_) => self.look_up(name, port).await?,
        };
        let allowed = permitted(&self.policy, found).map_err(|reason| refused(name, reason))?;
        let tcp = self.dial(name, &allowed).await?;
        // Requests are written whole; waiting for more to send would only delay them.
        tcp.set_nodelay(true)
            .map_err(|error| failed(name, port, &error))?;
        if host.tls {
            speak(name, self.secure(name, tcp).await?).await
        } else {
            speak(name, tcp).await
        }
    }

    async fn look_up(&self, name: &str, port: u16) -> Result<Vec<SocketAddr>, TransportError> {
        let not_found = |transient, why: &str| {
            TransportError::never(
                Kind::NameNotFound { transient },
                format!("the name {name} has no address: {why}"),
            )
        };
        let permit = Arc::clone(&self.lookups).acquire_owned().await;
        let owned = name.to_owned();
        // A task of its own, so that the permit lives as long as the resolver's thread, even when we stop waiting.
        let task = tokio::spawn(async move {
            let found = tokio::net::lookup_host((owned, port)).await;
            drop(permit);
            found.map(|addresses| {
                addresses
                    .take(limits::ADDRESSES_TRIED_MAX * 4)
                    .collect::<Vec<_>>()
            })
        });
        match task.await {
            Ok(Ok(found)) if found.is_empty() => {
                Err(not_found(Some(false), "the resolver answered with none"))
            }
            Ok(Ok(found)) => Ok(found),
            Ok(Err(error)) => Err(not_found(is_transient(&error), "the resolver failed")),
            Err(_) => Err(not_found(Some(true), "the look-up was stopped")),
        }
    }

    async fn dial(
        &self,
        name: &str,
        addresses: &[SocketAddr],
    ) -> Result<TcpStream, TransportError> {
        let mut last = None;
        for (i, address) in addresses.iter().enumerate() {
            let more = i + 1 < addresses.len();
            // The last one may use what is left of the whole limit.
            let ms = if more {
                limits::CONNECT_ADDRESS_MS.min(self.connect_ms)
            } else {
                self.connect_ms
            };
            match timeout(Duration::from_millis(ms), TcpStream::connect(address)).await {
                Ok(Ok(tcp)) => return Ok(tcp),
                Ok(Err(error)) => last = Some(failed(name, address.port(), &error)),
                Err(_) => {
                    let what = format!(
                        "{name}:{} took longer than {ms} ms to accept a connection",
                        address.port()
                    );
                    last = Some(TransportError::never(Kind::Timeout, what));
                }
            }
        }
        Err(last.unwrap_or_else(|| {
            TransportError::never(Kind::Connect, format!("{name} has no address"))
        }))
    }

    async fn secure(
        &self,
        name: &str,
        tcp: TcpStream,
    ) -> Result<tokio_rustls::client::TlsStream<TcpStream>, TransportError> {
        let broken = |why: String| {
            TransportError::never(Kind::Tls, format!("no TLS session with {name}: {why}"))
        };
        let server = ServerName::try_from(name.to_owned())
            .map_err(|_| broken("not a host name".to_owned()))?;
        self.tls.connect(server, tcp).await.map_err(|error| {
            let tls = error
                .get_ref()
                .and_then(|inner| inner.downcast_ref::<rustls::Error>());
            broken(tls.map_or_else(|| error.kind().to_string(), ToString::to_string))
        })
    }
}

/// Those addresses that the policy allows, in the resolver's order; if none, why the first is refused.
fn permitted(policy: &EgressPolicy, found: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, Refused> {
    let mut reason = None;
    let mut allowed = Vec::with_capacity(found.len().min(limits::ADDRESSES_TRIED_MAX));
    for address in found {
        match policy.judge(address.ip()) {
            Ok(()) if allowed.len() < limits::ADDRESSES_TRIED_MAX => allowed.push(address),
            Ok(()) => {}
            Err(why) => reason = reason.or(Some(why)),
        }
    }
    match reason {
        Some(why) if allowed.is_empty() => Err(why),
        _ => Ok(allowed),
    }
}

/// Names the range but not the address: whoever may send a test need not learn what names inside resolve to.
fn refused(name: &str, reason: Refused) -> TransportError {
    TransportError::never(
        Kind::AddressRefused,
        format!(
            "{name} is {reason}, which this hub does not connect to; its operator can list it under `egress.allow`"
        ),
    )
}

fn failed(name: &str, port: u16, error: &io::Error) -> TransportError {
    TransportError::never(
        Kind::Connect,
        format!("no connection to {name}:{port}: {}", error.kind()),
    )
}

/// The standard library drops the resolver's code and keeps its sentence; glibc's and musl's are known. A hint, no more.
fn is_transient(error: &io::Error) -> Option<bool> {
    let text = error.to_string();
    let ends = |sentences: &[&str]| sentences.iter().any(|s| text.ends_with(s));
    if ends(&["Temporary failure in name resolution", "Try again"]) {
        Some(true)
    } else if ends(&[
        "Name or service not known",
        "No address associated with hostname",
        "Name does not resolve",
        "Name has no usable address",
    ]) {
        Some(false)
    } else {
        None
    }
}

/// Starts HTTP/1.1 on a stream. A task of its own drives the connection and ends with it.
async fn speak<S>(name: &str, stream: S) -> Result<Sender, TransportError>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = hyper::client::conn::http1::Builder::new()
        .max_buf_size(limits::REPLY_HEAD_BYTES_MAX)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|_| {
            TransportError::never(Kind::Connect, format!("no HTTP connection to {name}"))
        })?;
    tokio::spawn(async move {
        // Its end reaches whoever waits for a reply; there is nobody else to tell.
        let _ended = connection.await;
    });
    Ok(sender)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts
            .iter()
            .map(|text| SocketAddr::new(text.parse().unwrap(), 443))
            .collect()
    }

    #[test]
    fn of_a_names_addresses_only_the_allowed_ones_are_connected_to() {
        let policy = EgressPolicy::default();
        let mixed = addresses(&[
            "10.0.0.1",
            "8.8.8.8",
            "169.254.169.254",
            "2606:4700::1111",
            "::1",
        ]);
        assert_eq!(
            permitted(&policy, mixed),
            Ok(addresses(&["8.8.8.8", "2606:4700::1111"]))
        );
        let inside = addresses(&["127.0.0.1", "10.0.0.1"]);
        assert_eq!(permitted(&policy, inside), Err(Refused::Loopback));
    }

    #[test]
    fn at_most_eight_addresses_are_tried() {
        let many: Vec<SocketAddr> = (1..=40)
            .map(|i| SocketAddr::from(([8, 8, 8, i], 443)))
            .collect();
        assert_eq!(
            permitted(&EgressPolicy::default(), many).unwrap().len(),
            limits::ADDRESSES_TRIED_MAX
        );
    }

    #[test]
    fn the_resolvers_sentence_tells_a_passing_failure_from_a_wrong_name() {
        let said = |text: &str| {
            is_transient(&io::Error::other(format!(
                "failed to lookup address information: {text}"
            )))
        };
        assert_eq!(said("Temporary failure in name resolution"), Some(true));
        assert_eq!(said("Name or service not known"), Some(false));
        assert_eq!(said("Memory allocation failure"), None);
    }
}
