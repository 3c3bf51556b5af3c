//! The server of all tests, buckets of a test's own, and servers of a test's own.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use larder_object_storage::{Bucket, Buckets, S3Credentials, S3Settings};
use larder_offline_store_datafusion::{DataFusionOfflineStore, EngineOptions};
use object_store::{ObjectStoreExt as _, PutPayload};
use uuid::Uuid;

/// How long a server may take to start on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);

/// A new, empty bucket.
#[derive(Debug, Clone)]
pub(crate) struct TestBucket {
    pub(crate) name: String,
    pub(crate) endpoint: String,
}

impl TestBucket {
    /// On the server that all tests share.
    pub(crate) fn shared() -> Self {
        let endpoint = std::env::var("FS_TEST_S3");
        let endpoint = endpoint
            .unwrap_or_else(|_| panic!("FS_TEST_S3 is not set: run `cargo xtask services up s3`"));
        Self::on(&endpoint)
    }

    pub(crate) fn on(endpoint: &str) -> Self {
        let name = format!("test-{}", Uuid::new_v4().simple());
        let answer = request(endpoint, &format!("PUT /{name} HTTP/1.0\r\nContent-Length: 0"));
        assert!(answer.contains(" 200 "), "{answer}");
        Self { name, endpoint: endpoint.to_owned() }
    }

    pub(crate) fn settings(&self) -> S3Settings {
        let credentials = S3Credentials {
            access_key_id: "test".to_owned(),
            secret_access_key: "test".to_owned(),
            session_token: None,
        };
        S3Settings {
            endpoint: Some(self.endpoint.clone()),
            region: Some("us-east-1".to_owned()),
            credentials: Some(credentials),
            timeout: Duration::from_secs(20),
            ..S3Settings::default()
        }
    }

    pub(crate) fn bucket(&self) -> Bucket {
        Buckets::new(self.settings()).get(&self.name, None).unwrap()
    }

    /// An engine with a client of its own.
    pub(crate) fn engine(&self) -> DataFusionOfflineStore {
        Self::engine_with(self.settings())
    }

    pub(crate) fn engine_with(object_storage: S3Settings) -> DataFusionOfflineStore {
        let options = EngineOptions {
            batch_size: 512,
            object_storage,
            ..EngineOptions::new("/no/such/repository")
        };
        DataFusionOfflineStore::new(options).unwrap()
    }

    pub(crate) fn uri(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.name)
    }

    pub(crate) async fn put(&self, key: &str, bytes: Vec<u8>) {
        let key = key.into();
        self.bucket().client().put(&key, PutPayload::from(bytes)).await.unwrap();
    }

    pub(crate) async fn keys(&self, prefix: &str) -> Vec<String> {
        let found = self.bucket().below(&prefix.into()).await.unwrap();
        found.iter().map(|object| object.key().to_string()).collect()
    }
}

/// A server of a test's own, which can be stopped.
pub(crate) struct OwnServer {
    child: Child,
    folder: tempfile::TempDir,
    pub(crate) endpoint: String,
}

impl OwnServer {
    pub(crate) fn start() -> Self {
        let python = std::env::var_os("FS_TEST_S3_PYTHON")
            .expect("FS_TEST_S3_PYTHON is not set: run `cargo xtask services up s3`");
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/python/s3_server.py");
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        let folder = tempfile::tempdir().unwrap();
        let log = File::create(folder.path().join("log")).unwrap();
        let child = Command::new(PathBuf::from(python))
            .arg(program)
            .arg(port.to_string())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < deadline, "the S3 server does not start");
            sleep(Duration::from_millis(100));
        }
        Self { child, folder, endpoint: format!("http://127.0.0.1:{port}") }
    }

    pub(crate) fn stop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }

    /// How many requests with this method it answered so far.
    pub(crate) fn requests(&self, method: &str) -> usize {
        let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap();
        log.lines().filter(|line| line.contains(&format!("{method} /"))).count()
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// One request without a body, and all of the answer.
fn request(endpoint: &str, head: &str) -> String {
    let address = endpoint.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(format!("{head}\r\nHost: {address}\r\n\r\n").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// Answers every connection with these bytes, until the test ends.
pub(crate) fn answering(answer: &'static str) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let answer: Arc<str> = Arc::from(answer);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            drop(stream.read(&mut [0; 8192]));
            drop(stream.write_all(answer.as_bytes()));
        }
    });
    format!("http://127.0.0.1:{port}")
}
