//! Egress over TLS: who is trusted, and what failed before anything was sent.

use super::*;
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use std::io::Write as _;
use tokio_rustls::TlsAcceptor;

/// A TLS server for `localhost` that answers once per connection, and its certificate as PEM.
async fn start() -> (SocketAddr, tempfile::NamedTempFile) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let config =
        ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    return;
                };
                let mut bytes = [0; 4096];
                let _read = stream.read(&mut bytes).await;
                let _written = stream
                    .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\ntls")
                    .await;
                let _closed = stream.shutdown().await;
            });
        }
    });
    let mut pem = tempfile::NamedTempFile::new().unwrap();
    pem.write_all(made.cert.pem().as_bytes()).unwrap();
    (address, pem)
}

fn trusting(pem: &tempfile::NamedTempFile) -> Egress {
    let policy = EgressPolicy::parse(["127.0.0.0/8", "::1"]).unwrap();
    Egress::new(EgressSettings {
        extra_ca_files: vec![pem.path().to_owned()],
        ..EgressSettings::new(policy)
    })
    .unwrap()
}

#[tokio::test]
async fn an_extra_authority_is_trusted_and_others_are_not() {
    let (address, pem) = start().await;
    let url = format!("https://localhost:{}", address.port());
    let reply = trusting(&pem)
        .send(HttpRequest::get(&url), LONG, CAP)
        .await
        .unwrap();
    assert_eq!(reply.text(), "tls");

    let error = local().send(secretive(&url), LONG, CAP).await.unwrap_err();
    assert_eq!(
        (error.kind, error.sent),
        (Kind::Tls, Sent::Never),
        "{error}"
    );
    no_secret(&error);
}

#[tokio::test]
async fn a_certificate_for_another_name_and_a_server_without_tls_were_never_sent_to() {
    let (address, pem) = start().await;
    let plain = Server::start(Act::SpeakThenClose("HTTP/1.1 400 Bad Request\r\n\r\n")).await;
    for url in [
        format!("https://{address}"),
        format!("https://localhost:{}", plain.address.port()),
    ] {
        let error = trusting(&pem)
            .send(secretive(&url), LONG, CAP)
            .await
            .unwrap_err();
        assert_eq!(
            (error.kind, error.sent),
            (Kind::Tls, Sent::Never),
            "{error}"
        );
        no_secret(&error);
    }
}

#[test]
fn ca_files_that_are_missing_or_empty_are_errors_that_name_them() {
    let empty = tempfile::NamedTempFile::new().unwrap();
    for path in [
        empty.path().to_owned(),
        PathBuf::from("/nonexistent/ca.pem"),
    ] {
        let settings = EgressSettings {
            extra_ca_files: vec![path.clone()],
            ..EgressSettings::new(EgressPolicy::default())
        };
        let error = Egress::new(settings).unwrap_err();
        assert!(
            error.to_string().contains(path.to_str().unwrap()),
            "{error}"
        );
    }
}
