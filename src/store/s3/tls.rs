//! Trusted certificates.

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::sync::{Arc, OnceLock};

/// Client configuration for HTTPS, made once per process.
///
/// Trusts what Node trusts: Mozilla's roots, which are built in because slim
/// containers have no certificate files, the system's, and `NODE_EXTRA_CA_CERTS`.
pub(super) fn client_config() -> rustls::ClientConfig {
    static CONFIG: OnceLock<rustls::ClientConfig> = OnceLock::new();
    CONFIG.get_or_init(build).clone()
}

fn build() -> rustls::ClientConfig {
    let mut roots = rustls::RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    let native = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(native.certs);
    if let Some(path) = std::env::var_os("NODE_EXTRA_CA_CERTS") {
        match CertificateDer::pem_file_iter(&path).and_then(|certificates| certificates.collect::<Result<Vec<_>, _>>()) {
            Ok(certificates) => {
                roots.add_parsable_certificates(certificates);
            }
            Err(error) => tracing::warn!(%error, "NODE_EXTRA_CA_CERTS cannot be read"),
        }
    }
    rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring supports the default protocol versions")
        .with_root_certificates(roots)
        .with_no_client_auth()
}
