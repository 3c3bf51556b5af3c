//! Brokers that speak TLS.

use larder_tests::{Certificates, KafkaNode};

use crate::running::Running;
use crate::shop::Shop;
use crate::visitors::{Visitors, put};

const EVENTS: usize = 2_000;

/// Settings of clients below `stream.kafka`.
fn settings(protocol: &str, files: &Certificates, more: &str) -> String {
    let authority = files.text("ca.pem");
    format!("    security_protocol: {protocol}\n    ssl_ca_location: {authority}\n{more}")
}

fn client(files: &Certificates) -> String {
    let (certificate, key) = (files.text("client.pem"), files.text("client.key"));
    format!("    ssl_certificate_location: {certificate}\n    ssl_key_location: {key}\n")
}

fn over_sasl(files: &Certificates, password: &str) -> String {
    let login = "    sasl_mechanism: PLAIN\n    sasl_username: larder\n";
    settings("sasl_ssl", files, &format!("{login}    sasl_password: {password}\n"))
}

#[test]
fn jobs_run_over_tls_with_a_certificate_or_a_login_and_nobody_else_is_let_in() {
    let (files, strangers) = (Certificates::new(), Certificates::new());
    let mut node = KafkaNode::with_tls(&files);
    node.start();
    let kafka = node.kafka();
    let [with_certificate, with_login] = node.tls_ports().map(|port| format!("127.0.0.1:{port}"));
    let shop = Shop::over(&kafka, "events");
    let mut visitors = Visitors::new(43);
    let ways = [
        (&with_certificate, settings("ssl", &files, &client(&files))),
        (&with_login, over_sasl(&files, "larder-secret")),
    ];
    for (address, settings) in &ways {
        put(&kafka, "events", &visitors.events(EVENTS));
        shop.reach(address, settings);
        shop.fs().ok(&["stream", "topics", "apply"]);
        let mut running = [shop.start(&["clicks"])];
        shop.wait(&["clicks"], &mut running);
        running.into_iter().for_each(Running::stop);
        shop.fs().ok(&["stream", "status"]);
    }
    assert!(!shop.rows("clicks").is_empty());

    let by_name = with_login.replace("127.0.0.1", "localhost");
    let sees = "hint: see ";
    for (what, hint, address, settings) in [
        // The broker closes the connection, and says no more than that.
        ("no certificate", "hint: ", &with_certificate, settings("ssl", &files, "")),
        ("another authority", sees, &with_login, over_sasl(&strangers, "larder-secret")),
        ("another name", sees, &by_name, over_sasl(&files, "larder-secret")),
        ("a wrong password", sees, &with_login, over_sasl(&files, "larder-secrets")),
    ] {
        shop.reach(address, &settings);
        let outcome = shop.fs().run(&["stream", "status"]);
        let text = outcome.text();
        assert_ne!(outcome.code, Some(0), "{what}: {text}");
        assert!(text.contains(hint), "{what}: {text}");
        assert!(!text.contains("larder-secret"), "{what}: {text}");
    }
}
