//! Connections: the address, TLS, the pool, and the rule that a connection whose work did not end is thrown away.

use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{ClientWrapper, Manager, ManagerConfig, Object, RecyclingMethod, Runtime};
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::Options;
use super::fault::{Fault, Res};
use crate::{StoreError, StoreResult};

/// Settings of each connection of the hub's.
///
/// - Rows are found by their keys: the planner, which has no statistics of a young table, is kept from scans and hashes.
/// - A node that is cut off or paused in the middle of a transaction must not hold its rows: the server ends it before
///   those who wait for them give up.
const SESSION: &str = "-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_hashjoin=off \
     -c enable_mergejoin=off -c jit=off -c idle_in_transaction_session_timeout=1000 -c lock_timeout=1300 \
     -c statement_timeout=60000 -c tcp_user_timeout=5000";

/// How a database is reached.
#[derive(Clone)]
pub(super) struct Address {
    pub config: Config,
    tls: Option<MakeRustlsConnect>,
}

impl Address {
    /// Reads `postgres://user:password@host:port/database?sslmode=…&sslrootcert=FILE`.
    ///
    /// `sslmode` is `disable` or `require` (`verify-ca` and `verify-full` mean the same: certificates are always
    /// checked). Without it, TLS is used for every host but this machine.
    pub(super) fn read(url: &str, options: &Options) -> StoreResult<Address> {
        let (plain, ca, asked) = without_tls_words(url);
        let mut config: Config = plain
            .parse()
            .map_err(|e: tokio_postgres::Error| unusable(e))?;
        let own = config.get_options().unwrap_or_default().to_owned();
        config.options(format!("{SESSION} {own}"));
        config.application_name("campanile");
        config.connect_timeout(options.timeout);
        let tls = match asked.as_deref() {
            Some("disable") => None,
            Some("require" | "verify-ca" | "verify-full") => Some(tls(ca)?),
            Some(other) => {
                return Err(StoreError::Unavailable {
                    what: format!(
                        "sslmode={other} is not offered: it may be disable or require (the certificate is always checked)"
                    ),
                });
            }
            None if config.get_hosts().iter().all(is_here) && ca.is_none() => None,
            None => Some(tls(ca)?),
        };
        config.ssl_mode(match tls {
            Some(_) => SslMode::Require,
            None => SslMode::Disable,
        });
        Ok(Address { config, tls })
    }

    /// A connection beside the pool, with the task that drives it.
    pub(super) async fn alone<T>(
        &self,
        drive: impl FnOnce(Driven) -> T,
    ) -> Res<(tokio_postgres::Client, T)> {
        match &self.tls {
            Some(tls) => {
                let (client, connection) = self.config.connect(tls.clone()).await?;
                Ok((client, drive(Box::new(connection))))
            }
            None => {
                let (client, connection) = self.config.connect(NoTls).await?;
                Ok((client, drive(Box::new(connection))))
            }
        }
    }

    pub(super) fn pool(&self, options: &Options) -> StoreResult<deadpool_postgres::Pool> {
        // A connection that came back is in order (see `Conn`), so it is not asked again.
        let manage = ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        };
        let manager = match &self.tls {
            Some(tls) => Manager::from_config(self.config.clone(), tls.clone(), manage),
            None => Manager::from_config(self.config.clone(), NoTls, manage),
        };
        deadpool_postgres::Pool::builder(manager)
            .max_size(options.connections)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(options.timeout))
            .create_timeout(Some(options.timeout))
            .build()
            .map_err(|e| StoreError::Unavailable {
                what: e.to_string(),
            })
    }
}

/// A connection of its own with the task that drives it, for work beside a store. Ends when it is dropped.
pub(crate) struct Alone {
    client: tokio_postgres::Client,
    drive: tokio::task::JoinHandle<()>,
}

impl Alone {
    pub(crate) fn client(&self) -> &tokio_postgres::Client {
        &self.client
    }

    pub(crate) fn client_mut(&mut self) -> &mut tokio_postgres::Client {
        &mut self.client
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        self.drive.abort();
    }
}

pub(crate) async fn alone(url: &str, options: &Options) -> StoreResult<Alone> {
    let address = Address::read(url, options)?;
    let connected = address.alone(super::wake::drive_alone).await;
    let (client, drive) = connected.map_err(|fault| fault.into_store("(connection)", &"?"))?;
    Ok(Alone { client, drive })
}

/// An error of a connection of its own, said as the store says it.
pub(crate) fn failed(table: &'static str, error: tokio_postgres::Error) -> StoreError {
    Fault::from(error).into_store(table, &"?")
}

/// What drives a connection of its own; polled for notifications.
pub(super) trait Messages: Send + Unpin {
    fn poll_next(
        &mut self,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<tokio_postgres::AsyncMessage, tokio_postgres::Error>>>;
}

pub(super) type Driven = Box<dyn Messages>;

impl<S, T> Messages for tokio_postgres::Connection<S, T>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send,
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send,
{
    fn poll_next(
        &mut self,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<tokio_postgres::AsyncMessage, tokio_postgres::Error>>> {
        self.poll_message(cx)
    }
}

/// A connection of the pool. Unless [`Conn::done`] was said, it is closed when it is dropped: whatever it was in the
/// middle of (a transaction, an answer that never came) ends with it.
pub(super) struct Conn {
    object: Option<Object>,
    done: bool,
}

impl Conn {
    pub(super) async fn get(pool: &deadpool_postgres::Pool, limit: Duration) -> Res<Conn> {
        use deadpool_postgres::PoolError;
        let object = pool.get().await.map_err(|error| match error {
            PoolError::Backend(error) => Fault::Connect(super::fault::said(&error)),
            PoolError::Timeout(_) => Fault::Late(limit),
            other => Fault::Connect(other.to_string()),
        })?;
        Ok(Conn {
            object: Some(object),
            done: false,
        })
    }

    /// The connection is in order: others may have it.
    pub(super) fn done(mut self) {
        self.done = true;
    }
}

impl Deref for Conn {
    type Target = ClientWrapper;

    fn deref(&self) -> &ClientWrapper {
        match &self.object {
            Some(object) => object,
            None => unreachable!("a connection is only taken out when it is dropped"),
        }
    }
}

impl Drop for Conn {
    fn drop(&mut self) {
        if !self.done
            && let Some(object) = self.object.take()
        {
            drop(Object::take(object));
        }
    }
}

/// The address without `sslrootcert` and `sslmode`, and those two: the driver knows fewer words than libpq.
fn without_tls_words(url: &str) -> (String, Option<PathBuf>, Option<String>) {
    let Some((base, query)) = url.split_once('?') else {
        return (url.to_owned(), None, None);
    };
    let (mut ca, mut mode, mut rest) = (None, None, Vec::new());
    for pair in query.split('&') {
        match pair.split_once('=') {
            Some(("sslrootcert", file)) => ca = Some(PathBuf::from(file)),
            Some(("sslmode", word)) => mode = Some(word.to_owned()),
            _ => rest.push(pair),
        }
    }
    let plain = match rest.is_empty() {
        true => base.to_owned(),
        false => format!("{base}?{}", rest.join("&")),
    };
    (plain, ca, mode)
}

fn is_here(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            name == "localhost"
                || name
                    .parse::<std::net::IpAddr>()
                    .is_ok_and(|ip| ip.is_loopback())
        }
        Host::Unix(_) => true,
    }
}

fn tls(ca: Option<PathBuf>) -> StoreResult<MakeRustlsConnect> {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;
    let mut roots = rustls::RootCertStore::empty();
    match ca {
        Some(file) => {
            let unreadable = |e: &dyn std::fmt::Display| StoreError::Unavailable {
                what: format!("sslrootcert {} cannot be read: {e}", file.display()),
            };
            for certificate in CertificateDer::pem_file_iter(&file).map_err(|e| unreadable(&e))? {
                let certificate = certificate.map_err(|e| unreadable(&e))?;
                roots.add(certificate).map_err(|e| unreadable(&e))?;
            }
        }
        None => {
            let _added_and_ignored =
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| StoreError::Unavailable {
            what: e.to_string(),
        })?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

/// Says nothing of the address itself: it holds a password.
fn unusable(error: tokio_postgres::Error) -> StoreError {
    StoreError::Unavailable {
        what: format!(
            "the store's address is not one of PostgreSQL's (postgres://user:password@host:port/database): {error}"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(url: &str) -> Result<SslMode, String> {
        match Address::read(url, &Options::default()) {
            Ok(address) => Ok(address.config.get_ssl_mode()),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn tls_is_used_for_every_host_but_this_machine_unless_said_otherwise() {
        for (url, expected) in [
            ("postgres://u@127.0.0.1/d", SslMode::Disable),
            ("postgres://u@localhost/d", SslMode::Disable),
            ("postgres://u@%2Frun%2Fpostgresql/d", SslMode::Disable),
            ("postgres://u@db.example/d", SslMode::Require),
            (
                "postgres://u@db.example/d?sslmode=disable",
                SslMode::Disable,
            ),
            ("postgres://u@127.0.0.1/d?sslmode=require", SslMode::Require),
            (
                "postgres://u@127.0.0.1/d?sslmode=verify-full&connect_timeout=3",
                SslMode::Require,
            ),
        ] {
            assert_eq!(mode(url), Ok(expected), "{url}");
        }
        assert!(
            mode("postgres://u@h/d?sslmode=prefer")
                .unwrap_err()
                .contains("sslmode=prefer")
        );
        let error = mode("postgres://u@h/d?sslrootcert=/no/such/file").unwrap_err();
        assert!(error.contains("/no/such/file"), "{error}");
    }

    #[test]
    fn i9_an_address_that_cannot_be_read_is_not_repeated() {
        let error = mode("postgres://u:geheim@h:notaport/d").unwrap_err();
        assert!(!error.contains("geheim"), "{error}");
    }
}
