//! TLS through rustls and ring, with the system's certificate authorities and the operator's own.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

/// Why the client cannot be made: the operator's settings are at fault.
#[derive(Debug, thiserror::Error)]
pub enum EgressError {
    #[error("the CA file {} cannot be read as PEM certificates: check its path, mode and content", path.display())]
    CaFile { path: PathBuf },
    #[error("the CA file {} has no certificate", path.display())]
    NoCertificate { path: PathBuf },
    #[error("this build has no TLS version that rustls and ring share")]
    Provider,
}

/// A connector that trusts the system's authorities and those in `extra_ca_files`. A system without any is legal:
/// a hub that speaks plain HTTP to its neighbours needs none, and for TLS the error says what is missing.
pub(super) fn connector(extra_ca_files: &[PathBuf]) -> Result<TlsConnector, EgressError> {
    let mut roots = RootCertStore::empty();
    let system = rustls_native_certs::load_native_certs();
    // Stores hold a few certificates that rustls cannot use; the others serve.
    let (added, _ignored) = roots.add_parsable_certificates(system.certs);
    if added == 0 {
        tracing::warn!(
            "no certificate authorities were found on this system: TLS works only with `extra_ca_files`"
        );
    }
    for path in extra_ca_files {
        add_file(&mut roots, path)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| EgressError::Provider)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}

fn add_file(roots: &mut RootCertStore, path: &PathBuf) -> Result<(), EgressError> {
    let unreadable = || EgressError::CaFile { path: path.clone() };
    let certificates = CertificateDer::pem_file_iter(path).map_err(|_| unreadable())?;
    let mut count = 0;
    for certificate in certificates {
        let certificate = certificate.map_err(|_| unreadable())?;
        roots.add(certificate).map_err(|_| unreadable())?;
        count += 1;
    }
    if count == 0 {
        Err(EgressError::NoCertificate { path: path.clone() })
    } else {
        Ok(())
    }
}
