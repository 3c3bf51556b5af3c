//! `fs` with its sources and data sets in S3, and real Feast beside it.

#[cfg(feature = "ballista")]
mod cluster;
mod datasets;
mod delta;
mod sources;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use larder_tests::{Feast, Outcome, Repository};

/// A bucket of a test's own, and a repository whose source is in it.
struct Lake {
    endpoint: String,
    bucket: String,
    repository: Repository,
}

/// Hours of rows of three drivers, from 2026-01-01.
const HOURS: usize = 2000;

/// Buckets so far.
static COUNT: AtomicU32 = AtomicU32::new(0);

impl Lake {
    fn new() -> Self {
        let endpoint = std::env::var("FS_TEST_S3");
        let endpoint = endpoint
            .unwrap_or_else(|_| panic!("FS_TEST_S3 is not set: run `cargo xtask services up s3`"));
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let bucket = format!("suite-{}-{number}", std::process::id());
        let answer = request(&endpoint, &format!("PUT /{bucket} HTTP/1.0\r\nContent-Length: 0"));
        assert!(answer.contains(" 200 "), "{answer}");
        let repository = Repository::with(&[
            ("feature_store.yaml", &repository(&bucket, &endpoint)),
            ("definitions.py", &definitions(&bucket, &endpoint)),
            ("larder.yaml", &settings(&endpoint)),
            ("entities.csv", ENTITIES),
        ]);
        let lake = Self { endpoint, bucket, repository };
        Self::feast(&[
            "write",
            &lake.endpoint,
            &lake.uri("stats/part.parquet"),
            &HOURS.to_string(),
        ]);
        lake
    }

    /// As [`new`](Self::new), with the definitions applied.
    fn applied() -> Self {
        let lake = Self::new();
        lake.ok(&["apply"]);
        lake
    }

    fn uri(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.bucket)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.repository.fs().command(arguments);
        for (name, value) in KEYS {
            command.env(name, value);
        }
        command
    }

    fn run(&self, arguments: &[&str]) -> Outcome {
        Outcome::of(&mut self.command(arguments))
    }

    /// A repository of another project in the same registry.
    fn team(&self, number: usize) -> Repository {
        let settings = repository(&self.bucket, &self.endpoint);
        let settings = settings.replacen("project: lake", &format!("project: team_{number}"), 1);
        Repository::with(&[
            ("feature_store.yaml", &settings),
            ("definitions.py", &definitions(&self.bucket, &self.endpoint)),
        ])
    }

    fn run_in(repository: &Repository, arguments: &[&str]) -> Outcome {
        Outcome::of(repository.fs().command(arguments).envs(KEYS))
    }

    #[track_caller]
    fn ok(&self, arguments: &[&str]) -> String {
        self.run(arguments).expect_success()
    }

    /// Runs `s3_stats.py`.
    fn feast(arguments: &[&str]) -> serde_json::Value {
        let feast = Feast::get();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/s3_stats.py");
        let mut command = Command::new(feast.python());
        command.arg(script).args(arguments).envs(KEYS).env("PYTHONWARNINGS", "ignore");
        command.env("PYTHONDONTWRITEBYTECODE", "1").env("FEAST_USAGE", "False");
        let text = Outcome::of(&mut command).expect_success();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text}"))
    }

    /// The keys below a prefix, sorted.
    fn keys(&self, prefix: &str) -> Vec<String> {
        let head = format!("GET /{}?list-type=2&prefix={prefix} HTTP/1.0", self.bucket);
        let answer = request(&self.endpoint, &head);
        let found = answer.split("<Key>").skip(1).filter_map(|rest| rest.split_once("</Key>"));
        let mut keys: Vec<String> = found.map(|(key, _)| key.to_owned()).collect();
        keys.sort();
        keys
    }

    fn delete(&self, key: &str) {
        request(&self.endpoint, &format!("DELETE /{}/{key} HTTP/1.0", self.bucket));
    }

    fn put(&self, key: &str, body: impl AsRef<[u8]>) {
        let body = body.as_ref();
        let length = body.len();
        let head = format!("PUT /{}/{key} HTTP/1.0\r\nContent-Length: {length}", self.bucket);
        let answer = request_with(&self.endpoint, &head, body);
        assert!(answer.contains(" 200 "), "{answer}");
    }
}

/// The server looks for a signature and does not check it; without one nobody overwrites an object.
const SIGNED: &str = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, \
    SignedHeaders=host, Signature=0";

/// What no output may repeat.
const SECRET: &str = "hush-hush-hush";

const KEYS: [(&str, &str); 4] = [
    ("AWS_ACCESS_KEY_ID", "test"),
    ("AWS_SECRET_ACCESS_KEY", SECRET),
    ("AWS_REGION", "us-east-1"),
    ("AWS_DEFAULT_REGION", "us-east-1"),
];

/// The registry is in the bucket, too.
fn repository(bucket: &str, endpoint: &str) -> String {
    format!(
        "project: lake\nprovider: local\noffline_store: {{type: file}}\n\
         registry: {{path: \"s3://{bucket}/registry.db\", s3_endpoint_url: \"{endpoint}\"}}\n\
         online_store: {{type: sqlite, path: data/online.db}}\n\
         entity_key_serialization_version: 3\n"
    )
}

const ENTITIES: &str = "driver_id,event_timestamp,city\n1,2026-01-02T00:30:00Z,Bern\n\
    2,2026-02-01T12:00:00Z,Chur\n9,2026-01-02T00:00:00Z,Bern\n";

/// The source names its endpoint; what `fs` writes itself goes to the one of the settings.
fn settings(endpoint: &str) -> String {
    format!("offline_store:\n  s3:\n    endpoint: {endpoint}\n    timeout_ms: 20000\n")
}

/// Without a schema: it is inferred from the files.
fn definitions(bucket: &str, endpoint: &str) -> String {
    format!(
        r#"
from datetime import timedelta
from feast import Entity, FeatureView, FileSource, PushSource, ValueType

driver = Entity(name="driver", join_keys=["driver_id"], value_type=ValueType.INT64)
stats = FileSource(
    name="stats_source", path="s3://{bucket}/stats/", s3_endpoint_override="{endpoint}",
    timestamp_field="event_timestamp", created_timestamp_column="created",
)
push = PushSource(name="stats_push", batch_source=stats)
view = FeatureView(name="stats", entities=[driver], ttl=timedelta(0), source=stats)
"#
    )
}

fn request(endpoint: &str, head: &str) -> String {
    request_with(endpoint, head, b"")
}

/// One request, and all of the answer.
fn request_with(endpoint: &str, head: &str, body: &[u8]) -> String {
    let address = endpoint.strip_prefix("http://").expect("a plain endpoint");
    let mut stream = TcpStream::connect(address).expect("the S3 server answers");
    let head = format!("{head}\r\nHost: {address}\r\nAuthorization: {SIGNED}\r\n\r\n");
    stream.write_all(&[head.as_bytes(), body].concat()).expect("a request can be sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer is text");
    answer
}
