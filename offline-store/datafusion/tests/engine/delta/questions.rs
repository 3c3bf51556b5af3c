//! What is asked of a table and of its rows in one Parquet file.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, TimestampMicrosecondArray};
use larder_core::{DataSource, FileFormat, Result, SourceKind, Timestamp};
use larder_offline_store::{
    EntityRows, HistoricalOptions, HistoricalRequest, OfflineStore, PullOptions, PullRequest,
};
use larder_offline_store_datafusion::DataFusionOfflineStore;

use crate::fixture::{source, view, whole};
use crate::rows::{names, rows, sorted};

/// Microseconds of the first rows of the golden tables: 2026-01-01.
const START: i64 = 1_767_225_600_000_000;
const HOUR: i64 = 3_600_000_000;

/// The folder of the golden tables.
pub(super) fn vectors() -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/delta")).to_owned()
}

/// A source that is a Delta table.
pub(super) fn delta(uri: &str) -> DataSource {
    let mut table = source(uri, true);
    if let SourceKind::File { format, .. } = &mut table.kind {
        let checkpoint_location = String::new();
        *format = Some(FileFormat::Delta { checkpoint_location, properties: BTreeMap::new() });
    }
    table
}

/// A copy of a golden table whose files may be changed.
pub(super) fn copied(name: &str) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    copy_folder(&vectors().join(name), &copy.path().join(name));
    copy
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(std::result::Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Every driver at every half hour of the golden tables and around them.
fn entities() -> RecordBatch {
    let pairs = (0..90).flat_map(|half| (1001..1005).map(move |driver| (driver, half)));
    let pairs: Vec<(i64, i64)> = pairs.collect();
    let drivers: Int64Array = pairs.iter().map(|(driver, _)| Some(*driver)).collect();
    let times: TimestampMicrosecondArray =
        pairs.iter().map(|(_, half)| Some(START - HOUR + half * HOUR / 2)).collect();
    RecordBatch::try_from_iter([
        ("driver_id", Arc::new(drivers) as ArrayRef),
        ("event_timestamp", Arc::new(times.with_timezone("UTC")) as ArrayRef),
    ])
    .unwrap()
}

/// The rows of an interval that starts and ends within a file.
pub(super) fn pull(source: DataSource, features: &[&str]) -> PullRequest {
    PullRequest {
        source,
        join_keys: vec!["driver_id".to_owned()],
        features: features.iter().map(|name| (*name).to_owned()).collect(),
        timestamp_field: "event_timestamp".to_owned(),
        created_timestamp_column: Some("created".to_owned()),
        start: Some(Timestamp::from_micros(START + HOUR)),
        end: Some(Timestamp::from_micros(START + 25 * HOUR)),
        options: PullOptions::default(),
    }
}

pub(super) fn history(
    source: DataSource,
    features: &[&str],
    memory_limit: Option<usize>,
) -> HistoricalRequest {
    HistoricalRequest {
        entity: EntityRows::from(entities()),
        event_timestamp_column: None,
        views: vec![view(source, &["driver_id"], features)],
        filter_by_created: false,
        options: HistoricalOptions { memory_limit, ..HistoricalOptions::default() },
    }
}

/// What the store says to all questions about a source, as rows of texts.
pub(super) async fn answers(
    store: &DataFusionOfflineStore,
    source: &DataSource,
    features: &[&str],
) -> Result<Vec<Vec<Vec<String>>>> {
    let open = PullRequest { start: None, end: None, ..pull(source.clone(), features) };
    let mut answers = Vec::new();
    for request in [pull(source.clone(), features), open] {
        answers.push(whole(store.pull_all(request.clone()).await?).await?);
        answers.push(whole(store.pull_latest(request).await?).await?);
    }
    for limit in [None, Some(1 << 16)] {
        let request = history(source.clone(), features, limit);
        answers.push(whole(store.historical_features(request).await?).await?);
    }
    Ok(answers.iter().map(|answer| sorted(rows(answer, &names(answer)))).collect())
}
