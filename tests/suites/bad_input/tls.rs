//! Keys and certificates that no server may start with.

use larder_tests::Certificate;

use crate::{Case, applied};

#[test]
fn a_server_does_not_start_without_a_key_and_its_certificate() {
    let (pair, other) = (Certificate::new(), Certificate::new());
    let (key, certificate) = (pair.key.as_str(), pair.certificate.as_str());
    let files = [("key.pem", key), ("cert.pem", certificate), ("other.pem", other.key.as_str())];
    for (name, command, names) in [
        ("no certificate", &["serve", "-k", "key.pem"][..], &["--key", "hint:"][..]),
        ("no key", &["serve", "--cert", "cert.pem"], &["--cert", "hint:"]),
        ("no such key", &["serve", "-k", "no.pem", "-c", "cert.pem"], &["no.pem", "hint:"]),
        ("no such certificate", &["serve", "-k", "key.pem", "-c", "no.pem"], &["no.pem", "hint:"]),
        ("swapped", &["serve", "-k", "cert.pem", "-c", "key.pem"], &["swapped"]),
        ("not a pair", &["serve", "-k", "other.pem", "-c", "cert.pem"], &["other.pem", "belong"]),
        (
            "not PEM",
            &["serve", "-k", "definitions.py", "-c", "cert.pem"],
            &["definitions.py", "hint:"],
        ),
    ] {
        let repository = applied();
        for (path, text) in files {
            repository.write(path, text);
        }
        Case { name, files: &[], command, names }.check(&repository);
    }
}

#[test]
fn half_a_tls_section_is_refused_with_its_line() {
    let larder = "serving:\n  tls:\n    key: key.pem\n";
    let case = Case {
        name: "key alone",
        files: &[("larder.yaml", larder)],
        command: &["serve"],
        names: &["larder.yaml:3", "serving.tls.key"],
    };
    case.check(&applied());
}
