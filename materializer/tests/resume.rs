//! Runs that failed are gone on with; late rows are taken inside the overlap.
#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

mod support;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, TimestampMicrosecondArray};
use async_trait::async_trait;
use larder_core::{
    Catalog, CatalogParts, Error, ErrorKind, FeatureView, Field, FixedClock, Interval, Result,
    Timestamp, Value, ValueType,
};
use larder_materializer::{
    FolderCheckpoints, Materializer, MaterializerSettings, Silent, ViewReport, ViewTask,
    incremental,
};
use larder_online_store::{OnlineStore, ReadRows, ViewTable, WriteGuard, WriteRows, WriteSummary};
use larder_proto::convert::decode_value;
use larder_proto::wire::entity_key::{EntityKeyLayout, EntityKeyVersion};
use parquet::arrow::ArrowWriter;

use support::{Intervals, PROJECT, file_source, offline, online, table, view};

const KEYS: i64 = 1_000;
const ALL: Interval = Interval { start: Timestamp::EPOCH, end: Timestamp::from_seconds(KEYS) };

/// A store that is away after a number of writes.
#[derive(Debug)]
struct Failing {
    inner: Arc<dyn OnlineStore>,
    left: AtomicUsize,
    written: AtomicUsize,
}

#[async_trait]
impl OnlineStore for Failing {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    async fn read(&self, table: &ViewTable, keys: &[&[u8]]) -> Result<ReadRows> {
        self.inner.read(table, keys).await
    }

    async fn write(
        &self,
        table: &ViewTable,
        rows: &WriteRows,
        guard: WriteGuard,
    ) -> Result<WriteSummary> {
        let less_one = |left: usize| left.checked_sub(1);
        if self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less_one).is_err() {
            return Err(Error::new(ErrorKind::Unavailable, "the store is away"));
        }
        self.written.fetch_add(rows.len(), Ordering::SeqCst);
        self.inner.write(table, rows, guard).await
    }

    async fn update(&self, keep: &[ViewTable], drop: &[ViewTable]) -> Result<()> {
        self.inner.update(keep, drop).await
    }

    async fn teardown(&self, tables: &[ViewTable]) -> Result<()> {
        self.inner.teardown(tables).await
    }

    async fn health(&self) -> Result<()> {
        self.inner.health().await
    }
}

struct Fixture {
    home: tempfile::TempDir,
    store: Arc<Failing>,
    intervals: Arc<Intervals>,
    view: FeatureView,
}

impl Fixture {
    async fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let rows: Vec<(i64, i64, i64)> = (0..KEYS).map(|key| (key, key, key * key)).collect();
        put(&home.path().join("rows.parquet"), &rows);
        let keys = vec![Field::new("key", ValueType::Int64)];
        let features = vec![Field::new("square", ValueType::Int64)];
        let source = file_source("rows.parquet", "event_timestamp", "");
        let view = view("squares", keys, features, source);
        let inner = online("embedded", home.path());
        inner.update(&[table(&view)], &[]).await.unwrap();
        let (left, written) = (AtomicUsize::new(usize::MAX), AtomicUsize::new(0));
        let store = Arc::new(Failing { inner, left, written });
        Self { home, store, intervals: Arc::new(Intervals::refusing(None)), view }
    }

    fn runs(&self) -> std::path::PathBuf {
        self.home.path().join("runs")
    }

    fn materializer(&self, resume: bool) -> Materializer {
        let settings =
            MaterializerSettings { batch_rows: 100, resume, ..MaterializerSettings::default() };
        let recorder = Arc::clone(&self.intervals) as Arc<_>;
        let clock = Arc::new(FixedClock(Timestamp::from_seconds(2 * KEYS)));
        let store = Arc::clone(&self.store) as Arc<dyn OnlineStore>;
        Materializer::new(offline(self.home.path()), store, recorder, clock, settings)
            .with_checkpoints(Arc::new(FolderCheckpoints::new(self.runs())))
    }

    async fn run(&self, task: ViewTask, resume: bool) -> Result<ViewReport> {
        let reports = self.materializer(resume).run(PROJECT, &[task], &Silent).await;
        reports.map(|mut reports| reports.remove(0))
    }

    /// A run whose store goes away after so many batches of 100 rows.
    async fn fail_after(&self, task: ViewTask, batches: usize) {
        self.store.left.store(batches, Ordering::SeqCst);
        assert_eq!(self.run(task, true).await.unwrap_err().kind(), ErrorKind::Unavailable);
        self.store.left.store(usize::MAX, Ordering::SeqCst);
        self.store.written.store(0, Ordering::SeqCst);
    }

    fn task(&self) -> ViewTask {
        ViewTask::new(Arc::new(self.view.clone()), false, ALL)
    }

    /// Values by key; `None` where no row is stored.
    async fn stored(&self, keys: std::ops::Range<i64>) -> Vec<Option<Value>> {
        let layout = EntityKeyLayout::new(EntityKeyVersion::V3, &["key"]).unwrap();
        let keys: Vec<Vec<u8>> =
            keys.map(|key| layout.encode(&[Value::Int64(key)]).unwrap()).collect();
        let keys: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
        let rows = self.store.read(&table(&self.view), &keys).await.unwrap();
        rows.column(0).map(|cell| cell.bytes().map(|bytes| decode_value(bytes).unwrap())).collect()
    }

    async fn has_all(&self) {
        let squares: Vec<_> = (0..KEYS).map(|key| Some(Value::Int64(key * key))).collect();
        assert_eq!(self.stored(0..KEYS).await, squares);
    }
}

/// Keys, event times in seconds and values.
fn put(path: &Path, rows: &[(i64, i64, i64)]) {
    let column =
        |of: fn(&(i64, i64, i64)) -> i64| Int64Array::from_iter_values(rows.iter().map(of));
    let times =
        TimestampMicrosecondArray::from_iter_values(rows.iter().map(|row| row.1 * 1_000_000));
    let columns: [(&str, ArrayRef); 3] = [
        ("key", Arc::new(column(|row| row.0))),
        ("square", Arc::new(column(|row| row.2))),
        ("event_timestamp", Arc::new(times.with_timezone("UTC"))),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer =
        ArrowWriter::try_new(std::fs::File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

fn block_on(future: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future);
}

#[test]
fn a_run_that_failed_goes_on_where_it_stopped() {
    block_on(async {
        let fixture = Fixture::new().await;
        fixture.fail_after(fixture.task(), 4).await;
        assert_eq!(fixture.intervals.of("squares"), []);
        fixture.fail_after(fixture.task(), 3).await;
        let report = fixture.run(fixture.task(), true).await.unwrap();
        assert_eq!((report.resumed_at, report.counts.read), (700, 300));
        assert_eq!(fixture.store.written.load(Ordering::SeqCst), 300);
        fixture.has_all().await;
        assert_eq!(fixture.intervals.of("squares"), [ALL]);
        assert!(!fixture.runs().try_exists().unwrap(), "a finished run leaves no record");
        let again = fixture.run(fixture.task(), true).await.unwrap();
        assert_eq!((again.resumed_at, again.counts.read), (0, 1_000));
    });
}

#[test]
fn a_run_whose_interval_could_not_be_recorded_has_nothing_left_but_that() {
    block_on(async {
        let fixture = Fixture::new().await;
        let refusing = Arc::new(Intervals::refusing(Some("squares")));
        let fixture = Fixture { intervals: refusing, ..fixture };
        fixture.run(fixture.task(), true).await.unwrap_err();
        let fixture = Fixture { intervals: Arc::new(Intervals::refusing(None)), ..fixture };
        let report = fixture.run(fixture.task(), true).await.unwrap();
        assert_eq!((report.resumed_at, report.counts.read), (1_000, 0));
        fixture.has_all().await;
        assert_eq!(fixture.intervals.of("squares"), [ALL]);
    });
}

#[test]
fn whatever_changed_begins_anew() {
    block_on(async {
        for change in ["range", "files", "definition", "store", "told"] {
            let mut fixture = Fixture::new().await;
            fixture.fail_after(fixture.task(), 4).await;
            let mut task = fixture.task();
            match change {
                "range" => task.interval.end = Timestamp::from_seconds(KEYS + 1),
                "files" => {
                    let rows: Vec<_> = (0..KEYS).map(|key| (key, key, key * key)).collect();
                    put(&fixture.home.path().join("rows.parquet"), &rows);
                }
                "definition" => {
                    fixture.view.features[0].tags.insert("owner".to_owned(), "me".to_owned());
                    task = fixture.task();
                }
                "store" => {
                    let tables = [table(&fixture.view)];
                    fixture.store.teardown(&tables).await.unwrap();
                    fixture.store.update(&tables, &[]).await.unwrap();
                }
                _ => {}
            }
            let report = fixture.run(task, change != "told").await.unwrap();
            assert_eq!((report.resumed_at, report.counts.read), (0, 1_000), "{change}");
            fixture.has_all().await;
        }
    });
}

/// The task of an incremental run to this second, at this time.
fn incrementally(view: &FeatureView, end: i64, now: i64, overlap: Duration) -> ViewTask {
    let nothing = Catalog::new(CatalogParts::default());
    let (end, now) = (Timestamp::from_seconds(end), Timestamp::from_seconds(now));
    let interval = incremental(&nothing, view, end, now);
    ViewTask::new(Arc::new(view.clone()), false, interval).incremental(overlap)
}

#[test]
fn a_first_incremental_run_goes_on_with_the_start_that_it_had() {
    block_on(async {
        let mut fixture = Fixture::new().await;
        fixture.view.ttl = Some(Duration::from_secs(u64::try_from(3 * KEYS).unwrap()));
        let task = |now| incrementally(&fixture.view, KEYS, now, Duration::ZERO);
        fixture.fail_after(task(2 * KEYS), 4).await;
        let report = fixture.run(task(2 * KEYS + 500), true).await.unwrap();
        assert_eq!((report.resumed_at, report.counts.read), (400, 600));
        let first =
            Interval { start: Timestamp::from_seconds(-KEYS), end: Timestamp::from_seconds(KEYS) };
        assert_eq!(report.interval, first);
        assert_eq!(fixture.intervals.of("squares"), [first]);
        fixture.has_all().await;
    });
}

#[test]
fn late_rows_are_taken_inside_the_overlap_and_the_record_stays_as_it_is() {
    block_on(async {
        for (overlap, expected) in
            [(0, [None, None]), (50, [Some(7), None]), (200, [Some(7), Some(8)])]
        {
            let mut fixture = Fixture::new().await;
            fixture.run(fixture.task(), true).await.unwrap();
            // Both came after the run: one 30 s before its end, one 120 s.
            let late = [(2_000, KEYS - 30, 7), (2_001, KEYS - 120, 8), (5, KEYS - 40, 9)];
            put(&fixture.home.path().join("rows.parquet"), &late);
            fixture.view.meta.materialization_intervals.push(ALL);
            let overlap = Duration::from_secs(overlap);
            let task = incrementally(&fixture.view, KEYS + 10, 2 * KEYS, overlap);
            let report = fixture.run(task, true).await.unwrap();
            let recorded = Interval { start: ALL.end, end: Timestamp::from_seconds(KEYS + 10) };
            assert_eq!(report.interval, recorded, "{overlap:?}");
            assert_eq!(fixture.intervals.of("squares"), [ALL, recorded], "{overlap:?}");
            let found = fixture.stored(2_000..2_002).await;
            assert_eq!(found, expected.map(|value| value.map(Value::Int64)), "{overlap:?}");
            let newest = if overlap.is_zero() { 25 } else { 9 };
            assert_eq!(fixture.stored(5..6).await, [Some(Value::Int64(newest))], "{overlap:?}");
        }
    });
}
