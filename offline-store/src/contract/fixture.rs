//! A repository with one source, and rows to put into it.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, TimestampMicrosecondArray};
use larder_core::{DataSource, SourceKind, Timestamp, ValueType};
use parquet::arrow::ArrowWriter;
use tempfile::TempDir;

use super::MakeStore;
use crate::{
    EntityRows, HistoricalFeature, HistoricalOptions, HistoricalRequest, HistoricalView, JoinKey,
    OfflineStore, PullOptions, PullRequest,
};

/// Driver, event time and created time in seconds, rate.
pub(super) type Row = (Option<i64>, Option<i64>, Option<i64>, Option<f64>);

/// A row with all values.
pub(super) fn row(driver: i64, event: i64, created: i64, rate: f64) -> Row {
    (Some(driver), Some(event), Some(created), Some(rate))
}

/// Rows as a batch with the columns `driver`, `event_timestamp`, `created` and `rate`.
pub(super) fn batch(rows: &[Row]) -> RecordBatch {
    let drivers: Int64Array = rows.iter().map(|row| row.0).collect();
    let rates: Float64Array = rows.iter().map(|row| row.3).collect();
    RecordBatch::try_from_iter_with_nullable([
        ("driver", Arc::new(drivers) as ArrayRef, true),
        ("event_timestamp", stamps(rows.iter().map(|row| row.1)), true),
        ("created", stamps(rows.iter().map(|row| row.2)), true),
        ("rate", Arc::new(rates) as ArrayRef, true),
    ])
    .expect("columns of one length")
}

/// Entity rows with the columns `driver`, `event_timestamp` (seconds) and `label`, which counts them.
pub(super) fn entities(rows: &[(Option<i64>, Option<i64>)]) -> RecordBatch {
    let drivers: Int64Array = rows.iter().map(|row| row.0).collect();
    let labels: Int64Array = (0..).take(rows.len()).map(Some).collect();
    RecordBatch::try_from_iter_with_nullable([
        ("driver", Arc::new(drivers) as ArrayRef, true),
        ("event_timestamp", stamps(rows.iter().map(|row| row.1)), true),
        ("label", Arc::new(labels) as ArrayRef, true),
    ])
    .expect("columns of one length")
}

fn stamps(seconds: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    let micros = seconds.map(|seconds| seconds.map(|seconds| seconds * 1_000_000));
    Arc::new(micros.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
}

/// A file source with the columns of [`batch`].
pub(super) fn source(uri: &str) -> DataSource {
    let (uri, s3_endpoint_override) = (uri.to_owned(), String::new());
    let kind = SourceKind::File { uri, format: None, s3_endpoint_override };
    DataSource {
        timestamp_field: "event_timestamp".to_owned(),
        created_timestamp_column: "created".to_owned(),
        ..DataSource::new("stats_source", kind)
    }
}

/// A folder with the store under test.
pub(super) struct Repository {
    folder: TempDir,
    pub(super) store: Arc<dyn OfflineStore>,
}

impl Repository {
    /// A repository with the source `stats.parquet`.
    pub(super) fn with(make: MakeStore, rows: &[Row]) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let store = make(folder.path());
        let repository = Self { folder, store };
        repository.put("stats.parquet", &batch(rows));
        repository
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a Parquet file with small row groups.
    pub(super) fn put(&self, name: &str, rows: &RecordBatch) {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().expect("below the folder")).expect("a folder");
        let file = File::create(path).expect("a new file");
        let mut writer = ArrowWriter::try_new(file, rows.schema(), None).expect("a schema");
        for start in (0..rows.num_rows()).step_by(2) {
            let group = rows.slice(start, 2.min(rows.num_rows() - start));
            writer.write(&group).expect("rows of the schema");
            writer.flush().expect("a row group");
        }
        writer.close().expect("a footer");
    }

    /// The answer to a request: rates with their labels.
    pub(super) async fn rates(&self, request: HistoricalRequest) -> Vec<(i64, Option<f64>)> {
        let answer = self.store.historical_features(request).await.expect("a valid request");
        let batches = answer.collect().await.expect("readable files");
        let pairs = |batch: &RecordBatch| -> Vec<_> {
            let labels = integers(batch, "label");
            labels.into_iter().flatten().zip(floats(batch, "rate")).collect()
        };
        batches.iter().flat_map(pairs).collect()
    }
}

/// The request for everything in the source.
pub(super) fn pull() -> PullRequest {
    PullRequest {
        source: source("stats.parquet"),
        join_keys: vec!["driver".to_owned()],
        features: vec!["rate".to_owned()],
        timestamp_field: "event_timestamp".to_owned(),
        created_timestamp_column: Some("created".to_owned()),
        start: None,
        end: None,
        options: PullOptions::default(),
    }
}

/// The request for `rate` of the source.
pub(super) fn history(entity: impl Into<EntityRows>) -> HistoricalRequest {
    HistoricalRequest {
        entity: entity.into(),
        event_timestamp_column: None,
        views: vec![view("stats", "stats.parquet", "rate", None)],
        filter_by_created: false,
        options: HistoricalOptions::default(),
    }
}

/// A view with the join key `driver` and the feature `rate`.
pub(super) fn view(name: &str, uri: &str, output: &str, ttl: Option<Duration>) -> HistoricalView {
    let (view_column, entity_column) = ("driver".to_owned(), "driver".to_owned());
    let (feature, output) = ("rate".to_owned(), output.to_owned());
    HistoricalView {
        name: name.to_owned(),
        source: source(uri),
        join_keys: vec![JoinKey { view_column, entity_column }],
        features: vec![HistoricalFeature { name: feature, output, value_type: ValueType::Double }],
        ttl,
        materialized: Vec::new(),
    }
}

/// Seconds as an instant.
pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

/// A column of integers.
pub(super) fn integers(batch: &RecordBatch, name: &str) -> Vec<Option<i64>> {
    column(batch, name).as_primitive::<Int64Type>().iter().collect()
}

/// A column of floats.
pub(super) fn floats(batch: &RecordBatch, name: &str) -> Vec<Option<f64>> {
    column(batch, name).as_primitive::<Float64Type>().iter().collect()
}

/// A column of times in seconds.
pub(super) fn seconds(batch: &RecordBatch, name: &str) -> Vec<Option<i64>> {
    let micros = column(batch, name).as_primitive::<TimestampMicrosecondType>().iter();
    micros.map(|micros| micros.map(|micros| micros / 1_000_000)).collect()
}

fn column<'a>(batch: &'a RecordBatch, name: &str) -> &'a ArrayRef {
    batch.column_by_name(name).unwrap_or_else(|| panic!("no column {name} in {:?}", batch.schema()))
}
