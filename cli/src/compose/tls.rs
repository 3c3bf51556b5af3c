//! Key and certificate of the servers, read from their files.

use std::path::Path;

use larder_core::{Error, ErrorKind, Result};
use larder_registry::RepoConfig;
use larder_registry::repo_config::TlsFiles;
use larder_serving::ServerTls;

/// What the servers speak TLS with; `None` when they do not.
///
/// # Errors
/// `NotFound` or `Unavailable` for a file that cannot be read; `Invalid`, naming both, for files that hold
/// no key and certificate that belong together.
pub(crate) fn server_tls(config: &RepoConfig) -> Result<Option<ServerTls>> {
    let Some(TlsFiles { key, certificate }) = &config.serving.tls else { return Ok(None) };
    let loaded = ServerTls::from_pem(&read("key", key)?, &read("certificate", certificate)?)
        .map_err(|error| {
            error.context(format_args!(
                "TLS with key {} and certificate {}",
                key.display(),
                certificate.display()
            ))
        })?;
    Ok(Some(loaded))
}

fn read(what: &str, path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| {
        let kind = match error.kind() {
            std::io::ErrorKind::NotFound => ErrorKind::NotFound,
            _ => ErrorKind::Unavailable,
        };
        Error::new(kind, format!("cannot read the TLS {what} {}", path.display()))
            .with_source(error)
            .with_hint("--key and --cert (serving.tls in larder.yaml) name PEM files")
    })
}
