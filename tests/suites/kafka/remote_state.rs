//! State in object storage.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use larder_tests::Kafka;

use crate::running::Running;
use crate::shop::{Shop, events_topic};
use crate::visitors::{Visitors, put};

/// A signature that the test server takes.
const SIGNED: &str = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, \
    SignedHeaders=host, Signature=0";

/// The S3 server of the tests.
fn endpoint() -> String {
    std::env::var("FS_TEST_S3")
        .unwrap_or_else(|_| panic!("FS_TEST_S3 is not set: run `cargo xtask services up s3`"))
}

/// Makes a bucket of a name that no other test has.
fn bucket() -> String {
    let (endpoint, name) = (endpoint(), Kafka::unique("state").replace('_', "-"));
    let address = endpoint.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).expect("the S3 server answers");
    let text = format!(
        "PUT /{name} HTTP/1.0\r\nHost: {address}\r\nAuthorization: {SIGNED}\r\nContent-Length: 0\r\n\r\n"
    );
    stream.write_all(text.as_bytes()).expect("the S3 server answers");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the S3 server answers");
    assert!(answer.contains(" 200 "), "{answer}");
    name
}

#[test]
fn instances_in_repositories_without_a_common_file_go_on_with_each_others_state() {
    let kafka = Kafka::shared();
    let events = events_topic(&kafka);
    let state = format!("s3://{}/jobs", bucket());
    let [one, other] = Shop::twice(&kafka, &events, &state);
    for shop in [&one, &other] {
        shop.add_setting(&format!("offline_store:\n  s3: {{endpoint: '{}'}}\n", endpoint()));
    }
    let jobs = ["clicks", "visits"];
    let mut visitors = Visitors::new(31);
    put(&kafka, &events, &visitors.events(10_000));
    let first = one.start(&[&jobs[..], &["--instance", "a"]].concat());
    one.wait_for_more("visits", 0);
    let rows = one.wait_for_more("clicks", 0);
    put(&kafka, &events, &visitors.events(10_000));
    let second = other.start(&[&jobs[..], &["--instance", "b"]].concat());
    one.wait_for_more("clicks", rows);
    first.kill();
    put(&kafka, &events, &visitors.events(5_000));

    let undisturbed = Shop::over(&kafka, &events);
    let mut running = [undisturbed.start(&jobs)];
    undisturbed.wait(&jobs, &mut running);
    running.into_iter().for_each(Running::stop);
    let mut running = [second];
    for job in jobs {
        let expected = undisturbed.rows(job);
        assert!(!expected.is_empty());
        other.wait_for_rows(job, &expected, &mut running);
    }
    running.into_iter().for_each(Running::stop);
    for job in jobs {
        assert!(!one.has_state(job) && !other.has_state(job), "no state is in the repositories");
        assert!(undisturbed.has_state(job));
    }
}
