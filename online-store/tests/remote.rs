//! The remote store without a feature server: what the way to it can do.
#![expect(clippy::unwrap_used, reason = "a failing step fails the test")]

use std::time::{Duration, Instant};

use larder_core::{ErrorKind, Value};
use larder_online_store::{
    OnlineStore, RemoteConfig, RemoteStore, RemoteToken, ViewTable, WriteGuard, WriteRowsBuilder,
};
use larder_proto::wire::entity_key::{EntityKeyLayout, EntityKeyVersion};
use larder_tests::Certificates;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

fn config(url: String) -> RemoteConfig {
    RemoteConfig {
        connect_timeout: Duration::from_millis(500),
        request_timeout: Duration::from_millis(500),
        connections: 4,
        ..RemoteConfig::new(url)
    }
}

fn table() -> ViewTable {
    ViewTable::new("shop", "users", ["age", "name"]).unwrap()
}

fn key(version: EntityKeyVersion) -> Vec<u8> {
    EntityKeyLayout::new(version, &["id"]).unwrap().encode(&[Value::Int64(1)]).unwrap()
}

async fn read(store: &RemoteStore) -> larder_core::Result<larder_online_store::ReadRows> {
    store.read(&table(), &[&key(EntityKeyVersion::V3)]).await
}

async fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

#[tokio::test]
async fn where_nothing_listens_every_call_is_unavailable_in_time() {
    let (listener, url) = listener().await;
    drop(listener);
    let store = RemoteStore::open(&config(url)).unwrap();
    let asked = Instant::now();
    let kind = read(&store).await.unwrap_err().kind();
    assert!(matches!(kind, ErrorKind::Unavailable | ErrorKind::Deadline), "{kind:?}");
    assert!(asked.elapsed() < Duration::from_secs(1));
    let patient = RemoteConfig { retries: 0, ..config("http://127.0.0.1:1".to_owned()) };
    let health = RemoteStore::open(&patient).unwrap().health().await;
    assert_eq!(health.unwrap_err().kind(), ErrorKind::Unavailable);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_says_nothing_costs_neither_time_nor_connections() {
    let (listener, url) = listener().await;
    let store = RemoteStore::open(&config(url)).unwrap();
    let calls: Vec<_> = (0..100)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                let asked = Instant::now();
                (read(&store).await.unwrap_err().kind(), asked.elapsed())
            })
        })
        .collect();
    let mut open = Vec::new();
    while let Ok(Ok((stream, _))) =
        tokio::time::timeout(Duration::from_millis(400), listener.accept()).await
    {
        open.push(stream);
    }
    for call in calls {
        let (kind, took) = call.await.unwrap();
        assert!(matches!(kind, ErrorKind::Deadline | ErrorKind::Unavailable), "{kind:?}");
        assert!(took < Duration::from_millis(1500), "{took:?}");
    }
    assert!(open.len() <= 8, "{} connections", open.len());
}

/// Answers every request on one connection; the heads of the requests.
async fn serve(listener: TcpListener, answers: Vec<String>) -> Vec<String> {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut heads = Vec::new();
    for answer in answers {
        let mut bytes = Vec::new();
        while !complete(&bytes) {
            assert!(stream.read_buf(&mut bytes).await.unwrap() > 0, "the client hung up");
        }
        heads.push(String::from_utf8(bytes).unwrap());
        stream.write_all(answer.as_bytes()).await.unwrap();
    }
    heads
}

/// Whether head and body of a request are there.
fn complete(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes).to_ascii_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next());
    body.len() >= length.map_or(0, |length| length.parse().unwrap())
}

fn answer(status: u16, body: &str) -> String {
    format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

/// What Feast on Redis answers for a row with a null, and for one that does not exist.
const ROW: &str = r#"{"metadata":{"feature_names":["id","users__name","users__age"]},"results":[
    {"values":[1],"statuses":["PRESENT"],"event_timestamps":["1970-01-01T00:00:00Z"]},
    {"values":[null],"statuses":["PRESENT"],"event_timestamps":["2026-01-31T12:00:00.5Z"]},
    {"values":[7],"statuses":["PRESENT"],"event_timestamps":["2026-01-31T12:00:00.5Z"]}]}"#;

#[tokio::test]
async fn one_connection_serves_many_calls_and_carries_the_token_that_the_file_holds_now() {
    let (listener, url) = listener().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "first\n").unwrap();
    let absent =
        ROW.replace("2026-01-31T12:00:00.5Z", "1970-01-01T00:00:00Z").replace("[7]", "[null]");
    let passing = answer(503, "");
    let answers = vec![answer(200, ROW), passing, answer(200, &absent), answer(200, "null")];
    let server = tokio::spawn(serve(listener, answers));
    let token = Some(RemoteToken::File(file.clone()));
    let store = RemoteStore::open(&RemoteConfig { token, ..config(url) }).unwrap();
    let rows = read(&store).await.unwrap();
    assert_eq!(rows.event_timestamp(0), Some(1_769_860_800_500_000));
    assert_eq!(rows.cell(0, 0).bytes(), Some(&[0x20, 7][..]));
    assert_eq!(rows.cell(0, 1).bytes(), Some(&[][..]));
    std::fs::write(&file, "second\n").unwrap();
    assert_eq!(read(&store).await.unwrap().event_timestamp(0), None);
    let mut rows = WriteRowsBuilder::new(&table());
    for (event, age) in [(2_000_000, 2), (1_000_000, 1)] {
        rows.begin_row(&key(EntityKeyVersion::V3), event, None).unwrap();
        rows.set(0, &[0x20, age]).unwrap();
        rows.set(1, &[]).unwrap();
    }
    let summary = store.write(&table(), &rows.finish(), WriteGuard::EventTime).await.unwrap();
    assert_eq!((summary.written, summary.skipped_older), (1, 1));
    let requests = server.await.unwrap();
    assert!(requests[0].contains("Bearer first") && requests[2].contains("Bearer second"));
    let body = r#"{"feature_view_name":"users","df":{"id":[1],"age":[2],"name":[null],"event_timestamp":["1970-01-01T00:00:02"],"created":[null]},"allow_registry_cache":false}"#;
    assert!(requests[3].ends_with(body), "{}", requests[3]);
}

#[tokio::test]
async fn answers_that_are_none_are_named() {
    for (body, status, kind) in [
        ("<html>", 200, ErrorKind::Data),
        (r#"{"metadata":{"feature_names":[]},"results":[]}"#, 200, ErrorKind::Data),
        (r#"{"metadata":{"feature_names":["a"]},"results":[]}"#, 200, ErrorKind::Data),
        (&ROW.replace("[7]", "[7, 8]"), 200, ErrorKind::Data),
        (&ROW.replace("[7]", "[[1, \"a\"]]"), 200, ErrorKind::Invalid),
        (r#"{"detail":"Not Found"}"#, 404, ErrorKind::NotFound),
        (r#"{"detail":"Invalid or expired access token"}"#, 401, ErrorKind::PermissionDenied),
        ("\"boom\"", 500, ErrorKind::Unavailable),
    ] {
        let (listener, url) = listener().await;
        let server = tokio::spawn(serve(listener, vec![answer(status, body)]));
        let token = Some(RemoteToken::Text("hunter2".to_owned()));
        let store = RemoteStore::open(&RemoteConfig { token, ..config(url) }).unwrap();
        let error = read(&store).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{body}: {error}");
        assert!(!format!("{error:?} {store:?}").contains("hunter2"));
        server.await.unwrap();
    }
    let (listener, url) = listener().await;
    let server = tokio::spawn(serve(listener, vec![answer(200, ROW)]));
    let small = RemoteConfig { max_answer_bytes: 100, ..config(url) };
    let error = read(&RemoteStore::open(&small).unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    server.await.unwrap();
}

#[tokio::test]
async fn what_the_protocol_cannot_say_is_refused_before_anything_is_sent() {
    let store = RemoteStore::open(&config("http://127.0.0.1:1".to_owned())).unwrap();
    let error = store.read(&table(), &[&key(EntityKeyVersion::V2)]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let mut rows = WriteRowsBuilder::new(&table());
    rows.begin_row(&key(EntityKeyVersion::V3), 1, None).unwrap();
    rows.set(0, &[]).unwrap();
    let error = store.write(&table(), &rows.finish(), WriteGuard::EventTime).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[test]
fn addresses_and_certificates_that_cannot_be_used_are_refused_at_once() {
    let certificates = Certificates::new();
    let with = |file: &str| RemoteConfig {
        authorities: Some(certificates.path(file)),
        ..config("https://127.0.0.1:1".to_owned())
    };
    RemoteStore::open(&with("ca.pem")).unwrap();
    for config in [
        config("localhost:6566".to_owned()),
        config("ftp://localhost".to_owned()),
        config("http://".to_owned()),
        with("nowhere.pem"),
        with("client.key"),
    ] {
        let error = RemoteStore::open(&config).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{config:?}");
    }
}
