use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

/// An authority of a test's own, with certificates for the loopback address and for a client.
#[derive(Debug)]
pub struct Certificates {
    folder: tempfile::TempDir,
}

impl Certificates {
    /// Makes new ones.
    ///
    /// # Panics
    /// When they cannot be made or written.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let key = KeyPair::generate().expect("a key can be made");
        let mut authority = CertificateParams::new([]).expect("no names are valid names");
        // OpenSSL takes a certificate whose issuer has its own name for self-signed.
        authority.distinguished_name.push(DnType::CommonName, "test authority");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = authority.self_signed(&key).expect("an authority can be made");
        write(folder.path(), "ca.pem", &certificate.pem());
        let issuer = Issuer::new(authority, key);
        for (name, address) in
            [("server", "127.0.0.1"), ("other", "192.0.2.1"), ("client", "client")]
        {
            let key = KeyPair::generate().expect("a key can be made");
            let params = CertificateParams::new([address.to_owned()]).expect("a valid name");
            let certificate = params.signed_by(&key, &issuer).expect("a certificate can be signed");
            write(folder.path(), &format!("{name}.pem"), &certificate.pem());
            write(folder.path(), &format!("{name}.key"), &key.serialize_pem());
        }
        Self { folder }
    }

    /// `ca.pem`, and `.pem` and `.key` of `server` (127.0.0.1), `other` (another address) and `client`.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The same as text.
    ///
    /// # Panics
    /// When the temporary folder's path is not UTF-8.
    pub fn text(&self, name: &str) -> String {
        self.path(name).to_str().expect("temporary paths are UTF-8").to_owned()
    }

    /// The options of a Redis with the certificate `name` that takes clients without one.
    pub(super) fn redis_options(&self, name: &str) -> Vec<String> {
        [
            ("--tls-cert-file", self.text(&format!("{name}.pem"))),
            ("--tls-key-file", self.text(&format!("{name}.key"))),
            ("--tls-ca-cert-file", self.text("ca.pem")),
            ("--tls-auth-clients", "no".to_owned()),
        ]
        .into_iter()
        .flat_map(|(option, value)| [option.to_owned(), value])
        .collect()
    }
}

impl Default for Certificates {
    fn default() -> Self {
        Self::new()
    }
}

fn write(folder: &Path, name: &str, pem: &str) {
    std::fs::write(folder.join(name), pem).expect("a certificate can be written");
}
