//! The server's side of TLS: one certificate chain with its key.

use std::sync::Arc;

use larder_core::{Error, Result};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, pem};
use tokio_rustls::rustls::sign::{CertifiedKey, SingleCertAndKey};
use tokio_rustls::rustls::{self, InconsistentKeys, ServerConfig};

/// A certificate chain and the key that belongs to it; never prints the key.
#[derive(Debug, Clone)]
pub struct ServerTls {
    certified: Arc<CertifiedKey>,
}

impl ServerTls {
    /// Reads PEM texts: an unencrypted key, and the chain with the server's own certificate first.
    ///
    /// # Errors
    /// `Invalid` when a text holds no such thing, or when the key does not belong to the certificate.
    pub fn from_pem(key: &[u8], certificate: &[u8]) -> Result<Self> {
        let chain = chain(certificate)?;
        let key = private_key(key)?;
        let certified =
            CertifiedKey::from_der(chain, key, &ring::default_provider()).map_err(unusable)?;
        Ok(Self { certified: Arc::new(certified) })
    }

    /// What speaks TLS on accepted sockets, offering one protocol above it (`http/1.1` or `h2`).
    pub(crate) fn acceptor(&self, protocol: &str) -> Result<TlsAcceptor> {
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::internal("TLS cannot be started").with_source(error))?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(Arc::clone(&self.certified))));
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

fn chain(text: &[u8]) -> Result<Vec<CertificateDer<'static>>> {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(text)
        .collect::<std::result::Result<_, _>>()
        .map_err(|error| malformed("certificate", &error))?;
    if !chain.is_empty() {
        return Ok(chain);
    }
    let error = Error::invalid("the certificate file holds no certificate");
    Err(error.with_hint(if PrivateKeyDer::from_pem_slice(text).is_ok() {
        "it holds a key: --key and --cert look swapped"
    } else {
        "give a PEM file (-----BEGIN CERTIFICATE-----), the server's own certificate first"
    }))
}

fn private_key(text: &[u8]) -> Result<PrivateKeyDer<'static>> {
    PrivateKeyDer::from_pem_slice(text).map_err(|error| match error {
        pem::Error::NoItemsFound => {
            Error::invalid("the key file holds no private key").with_hint(key_hint(text))
        }
        other => malformed("key", &other),
    })
}

fn key_hint(text: &[u8]) -> &'static str {
    let text = String::from_utf8_lossy(text);
    if text.contains("ENCRYPTED PRIVATE KEY") {
        "it is encrypted: decrypt it first, for instance with openssl pkey"
    } else if text.contains("BEGIN CERTIFICATE") {
        "it holds a certificate: --key and --cert look swapped"
    } else {
        "give an unencrypted PEM file (-----BEGIN PRIVATE KEY-----)"
    }
}

fn malformed(what: &str, error: &pem::Error) -> Error {
    Error::invalid(format!("the {what} file is malformed PEM: {error}"))
}

fn unusable(error: rustls::Error) -> Error {
    match error {
        rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
            Error::invalid("the key does not belong to the certificate")
                .with_hint("the first certificate of the file must be the server's own")
        }
        other => Error::invalid("the key and the certificate cannot be used").with_source(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> (String, String) {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        (made.signing_key.serialize_pem(), made.cert.pem())
    }

    #[test]
    fn what_is_no_pair_is_refused() {
        let (key, certificate) = pair();
        let (other_key, _) = pair();
        assert!(ServerTls::from_pem(key.as_bytes(), certificate.as_bytes()).is_ok());
        let broken = certificate.replace("-----END", "---END");
        let encrypted =
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
        for (key, certificate, hint) in [
            (certificate.as_str(), key.as_str(), Some("swapped")),
            (other_key.as_str(), &certificate, Some("first certificate")),
            ("", &certificate, Some("BEGIN PRIVATE KEY")),
            (encrypted, &certificate, Some("decrypt")),
            (&key, "", Some("BEGIN CERTIFICATE")),
            (&key, &broken, None),
        ] {
            let error = ServerTls::from_pem(key.as_bytes(), certificate.as_bytes()).unwrap_err();
            assert_eq!(error.kind(), larder_core::ErrorKind::Invalid);
            match hint {
                Some(hint) => assert!(error.hint().unwrap().contains(hint), "{error}"),
                None => assert_eq!(error.hint(), None, "{error}"),
            }
        }
    }

    #[test]
    fn the_key_is_not_printed() {
        let (key, certificate) = pair();
        let tls = ServerTls::from_pem(key.as_bytes(), certificate.as_bytes()).unwrap();
        let secret = key.lines().nth(1).unwrap();
        assert!(!format!("{tls:?}").contains(secret));
    }
}
