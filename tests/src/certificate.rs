//! A certificate for servers of a test.

use std::path::Path;

/// A self-signed certificate for `localhost` and 127.0.0.1, and its key, as PEM.
#[derive(Debug, Clone)]
pub struct Certificate {
    /// Private key.
    pub key: String,
    /// Certificate, which is also what clients trust.
    pub certificate: String,
}

impl Certificate {
    /// Makes a new pair.
    ///
    /// # Panics
    /// When no key can be made.
    pub fn new() -> Self {
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).expect("a key can be made");
        Self { key: made.signing_key.serialize_pem(), certificate: made.cert.pem() }
    }

    /// Writes `key.pem` and `cert.pem`.
    ///
    /// # Panics
    /// When they cannot be written.
    pub fn write(&self, folder: &Path) {
        for (name, text) in [("key.pem", &self.key), ("cert.pem", &self.certificate)] {
            std::fs::write(folder.join(name), text).expect("a certificate can be written");
        }
    }
}

impl Default for Certificate {
    fn default() -> Self {
        Self::new()
    }
}
