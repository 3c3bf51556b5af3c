//! Reads of a bucket: what is asked of it, and what goes wrong.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, TimestampMicrosecondArray};
use futures::StreamExt as _;
use larder_core::{Error, ErrorKind};
use larder_object_storage::S3Settings;
use larder_offline_store::{
    EntityRows, HistoricalOptions, HistoricalRequest, OfflineStore, PullOptions, PullRequest,
};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;

use super::server::{OwnServer, TestBucket, answering};
use crate::fixture::{source, view, whole};

trials![
    what_is_missing_is_not_found,
    refused_credentials_are_told_without_their_secrets,
    an_endpoint_that_is_down_is_unavailable_in_time,
    a_server_that_stops_while_it_is_read_is_unavailable,
    small_files_take_one_request_each,
    only_what_can_win_is_fetched,
    files_are_described_with_their_etags,
];

/// Hours of one driver from the first to before the last, with the hour as `rate`.
pub(super) fn hours(range: std::ops::Range<i64>) -> RecordBatch {
    let drivers: Int64Array = range.clone().map(|_| Some(1)).collect();
    let times: TimestampMicrosecondArray =
        range.clone().map(|hour| Some(hour * 3_600_000_000)).collect();
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let rates: Float64Array = range.map(|hour| Some(hour as f64)).collect();
    RecordBatch::try_from_iter([
        ("driver", Arc::new(drivers) as ArrayRef),
        ("event_timestamp", Arc::new(times.with_timezone("UTC")) as ArrayRef),
        ("rate", Arc::new(rates) as ArrayRef),
    ])
    .unwrap()
}

/// A Parquet file with row groups of so many rows.
pub(super) fn encoded(rows: &RecordBatch, group: usize) -> Vec<u8> {
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(group))
        .set_dictionary_enabled(false)
        .build();
    let mut writer = ArrowWriter::try_new(Vec::new(), rows.schema(), Some(properties)).unwrap();
    writer.write(rows).unwrap();
    writer.into_inner().unwrap()
}

fn pull(uri: &str) -> PullRequest {
    PullRequest {
        source: source(uri, false),
        join_keys: vec!["driver".to_owned()],
        features: vec!["rate".to_owned()],
        timestamp_field: "event_timestamp".to_owned(),
        created_timestamp_column: None,
        start: None,
        end: None,
        options: PullOptions::default(),
    }
}

fn history(uri: &str, rows: &RecordBatch) -> HistoricalRequest {
    HistoricalRequest {
        entity: EntityRows::from(rows.project(&[0, 1]).unwrap()),
        event_timestamp_column: None,
        views: vec![view(source(uri, false), &["driver"], &["rate"])],
        filter_by_created: false,
        options: HistoricalOptions::default(),
    }
}

async fn schema_error(settings: S3Settings, uri: &str) -> Error {
    TestBucket::engine_with(settings).source_schema(&source(uri, false)).await.unwrap_err()
}

async fn what_is_missing_is_not_found() {
    let bucket = TestBucket::shared();
    for uri in [bucket.uri("gone.parquet"), bucket.uri("gone/"), bucket.uri("g/*.parquet")] {
        let error = schema_error(bucket.settings(), &uri).await;
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    }
    for uri in ["s3://no-such-bucket-here/stats.parquet", "s3://no-such-bucket-here/stats/*"] {
        let error = schema_error(bucket.settings(), uri).await;
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        assert!(error.to_string().contains("no-such-bucket-here"), "{error}");
    }
}

async fn refused_credentials_are_told_without_their_secrets() {
    let bucket = TestBucket::shared();
    let endpoint = answering(
        "HTTP/1.1 403 Forbidden\r\nContent-Type: application/xml\r\nConnection: close\r\n\r\n\
         <?xml version=\"1.0\"?><Error><Code>SignatureDoesNotMatch</Code><Message>no</Message>\
         <AWSAccessKeyId>HUSH</AWSAccessKeyId><CanonicalRequest>x-amz-security-token:HUSH\
         </CanonicalRequest></Error>",
    );
    let settings = S3Settings { endpoint: Some(endpoint), ..bucket.settings() };
    for uri in ["s3://lake/stats.parquet", "s3://lake/stats/*.parquet"] {
        let error = schema_error(settings.clone(), uri).await;
        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
        assert!(error.hint().is_some_and(|hint| hint.contains("AWS_ACCESS_KEY_ID")));
        assert!(!format!("{error} {error:?}").contains("HUSH"), "{error:?}");
    }
}

async fn an_endpoint_that_is_down_is_unavailable_in_time() {
    let bucket = TestBucket::shared();
    let mut server = OwnServer::start();
    server.stop();
    let settings = S3Settings {
        endpoint: Some(server.endpoint.clone()),
        timeout: Duration::from_secs(2),
        ..bucket.settings()
    };
    let began = Instant::now();
    let error = schema_error(settings, "s3://lake/stats.parquet").await;
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(began.elapsed() < Duration::from_mins(1), "took {:?}", began.elapsed());
}

async fn a_server_that_stops_while_it_is_read_is_unavailable() {
    let mut server = OwnServer::start();
    let bucket = TestBucket::on(&server.endpoint);
    let rows = hours(0..200_000);
    let bytes = encoded(&rows, 20_000);
    assert!(bytes.len() > 2 << 20, "too small to be read in parts: {}", bytes.len());
    bucket.put("stats.parquet", bytes).await;
    let settings = S3Settings { timeout: Duration::from_secs(2), ..bucket.settings() };
    let store = TestBucket::engine_with(settings);
    let uri = bucket.uri("stats.parquet");
    let mut pulled = store.pull_all(pull(&uri)).await.unwrap();
    let first = pulled.next().await.unwrap().unwrap();
    assert!(first.num_rows() > 0);
    let joined = store.historical_features(history(&uri, &rows.slice(150_000, 9))).await.unwrap();
    server.stop();
    let ended = tokio::time::timeout(Duration::from_mins(2), async {
        let pulled = loop {
            match pulled.next().await {
                Some(Ok(_)) => {}
                Some(Err(error)) => break error,
                None => panic!("a file that cannot be read has no end"),
            }
        };
        (pulled, whole(joined).await.unwrap_err())
    });
    let (pulled, joined) = ended.await.expect("errors come in time");
    assert_eq!(pulled.kind(), ErrorKind::Unavailable, "{pulled:?}");
    assert_eq!(joined.kind(), ErrorKind::Unavailable, "{joined:?}");
}

async fn small_files_take_one_request_each() {
    let server = OwnServer::start();
    let bucket = TestBucket::on(&server.endpoint);
    for day in 0..20 {
        let rows = hours(day * 24..(day + 1) * 24);
        bucket.put(&format!("stats/day={day}/part.parquet"), encoded(&rows, 9)).await;
    }
    let before = (server.requests("GET"), server.requests("HEAD"));
    let store = bucket.engine();
    let request = history(&bucket.uri("stats"), &hours(0..480));
    let joined = whole(store.historical_features(request).await.unwrap()).await.unwrap();
    assert_eq!(joined.num_rows(), 480);
    assert_eq!(joined.column_by_name("rate").unwrap().null_count(), 0);
    let (gets, heads) = (server.requests("GET") - before.0, server.requests("HEAD") - before.1);
    assert_eq!((gets, heads), (21, 1), "a listing and 20 files; one look for a file");
}

async fn only_what_can_win_is_fetched() {
    let server = OwnServer::start();
    let bucket = TestBucket::on(&server.endpoint);
    bucket.put("stats.parquet", encoded(&hours(0..200_000), 20_000)).await;
    let store = bucket.engine();
    let mut request = history(&bucket.uri("stats.parquet"), &hours(150_000..150_003));
    request.views[0].ttl = Some(Duration::from_hours(5));
    let plan = store.explain(request.clone()).await.unwrap();
    assert!(plan.contains("row groups: 1 of 10 read, 9 pruned"), "{plan}");
    assert!(plan.contains("s3://") && plan.contains("KiB"), "{plan}");
    let before = server.requests("GET");
    let joined = whole(store.historical_features(request).await.unwrap()).await.unwrap();
    assert_eq!(joined.column_by_name("rate").unwrap().null_count(), 0);
    let gets = server.requests("GET") - before;
    assert!(gets <= 3, "the footer, keys and times, and features of one row group: {gets}");
}

async fn files_are_described_with_their_etags() {
    let bucket = TestBucket::shared();
    let bytes = encoded(&hours(0..3), 9);
    for key in ["stats/b.parquet", "stats/a.parquet"] {
        bucket.put(key, bytes.clone()).await;
    }
    let store = bucket.engine();
    let described =
        || async { store.source_files(&source(&bucket.uri("stats/"), false)).await.unwrap() };
    let files = described().await;
    let paths: Vec<_> = files.iter().map(|file| file.path.clone()).collect();
    assert_eq!(paths, [bucket.uri("stats/a.parquet"), bucket.uri("stats/b.parquet")]);
    assert!(files.iter().all(|file| file.size == bytes.len() as u64 && !file.etag.is_empty()));
    bucket.put("stats/b.parquet", encoded(&hours(3..6), 9)).await;
    let again = described().await;
    assert_eq!(again[0], files[0]);
    assert_ne!(again[1].etag, files[1].etag);
}
