//! Whom a client trusts.

use std::path::Path;
use std::sync::Arc;

use hyper_rustls::ConfigBuilderExt as _;
use larder_core::{Error, Result};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

/// The settings of TLS connections: the authorities of a file, or those of the system.
///
/// # Errors
/// `Invalid` for a file that cannot be read or holds no certificate, or a system without authorities when they are
/// needed for `url`.
pub(super) fn config(authorities: Option<&Path>, url: &str) -> Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|cause| Error::internal("TLS cannot be set up").with_source(cause))?;
    let builder = match authorities {
        Some(path) => builder.with_root_certificates(trusted(path)?),
        None if url.starts_with("https://") => builder.with_native_roots().map_err(|cause| {
            Error::invalid("this system has no authorities to trust")
                .with_source(cause)
                .with_hint("online_store.cert names a file of them")
        })?,
        None => builder.with_root_certificates(RootCertStore::empty()),
    };
    Ok(builder.with_no_client_auth())
}

fn trusted(path: &Path) -> Result<RootCertStore> {
    let refused =
        |what: &str| Error::invalid(format!("online_store.cert: {} {what}", path.display()));
    let certificates = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|cause| refused("cannot be read").with_source(cause))?;
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(certificates);
    if added == 0 {
        return Err(refused("holds no certificate").with_hint("it must be a PEM file"));
    }
    Ok(roots)
}
