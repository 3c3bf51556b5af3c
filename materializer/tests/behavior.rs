//! What a run does when something goes wrong.
#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

mod support;

use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use larder_core::{
    ErrorKind, FeatureView, Field, FixedClock, Interval, Timestamp, Value, ValueType,
};
use larder_materializer::{Materializer, MaterializerSettings, Progress, Silent, ViewTask};
use larder_online_store::OnlineStore;
use larder_proto::convert::decode_value;
use larder_proto::wire::entity_key::{EntityKeyLayout, EntityKeyVersion};
use parquet::arrow::ArrowWriter;

use support::{Intervals, PROJECT, file_source, offline, online, table, view};

const ROWS: i64 = 1_000;
const ALL: Interval = Interval { start: Timestamp::EPOCH, end: Timestamp::from_seconds(ROWS) };

struct Fixture {
    home: tempfile::TempDir,
    store: Arc<dyn OnlineStore>,
    intervals: Arc<Intervals>,
}

impl Fixture {
    fn new(refuse: Option<&str>) -> Self {
        let home = tempfile::tempdir().unwrap();
        write_rows(&home.path().join("rows.parquet"));
        let intervals = Intervals::refusing(refuse);
        Self { store: online("embedded", home.path()), intervals: Arc::new(intervals), home }
    }

    async fn with_tables(self, views: &[FeatureView]) -> Self {
        let tables: Vec<_> = views.iter().map(table).collect();
        self.store.update(&tables, &[]).await.unwrap();
        self
    }

    fn materializer(&self, views_at_once: usize) -> Materializer {
        let settings = MaterializerSettings {
            batch_rows: 100,
            views_at_once,
            ..MaterializerSettings::default()
        };
        let recorder = Arc::clone(&self.intervals) as Arc<_>;
        let clock = Arc::new(FixedClock(Timestamp::from_seconds(2 * ROWS)));
        let offline = offline(self.home.path());
        Materializer::new(offline, Arc::clone(&self.store), recorder, clock, settings)
    }

    /// Values of the feature by key; `None` where no row is stored.
    async fn stored(&self, view: &FeatureView) -> Vec<Option<Value>> {
        let layout = EntityKeyLayout::new(EntityKeyVersion::V3, &["key"]).unwrap();
        let keys: Vec<Vec<u8>> =
            (0..ROWS).map(|key| layout.encode(&[Value::Int64(key)]).unwrap()).collect();
        let keys: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
        let rows = self.store.read(&table(view), &keys).await.unwrap();
        rows.column(0).map(|cell| cell.bytes().map(|bytes| decode_value(bytes).unwrap())).collect()
    }
}

/// Key, its square and its name; event time is the key in seconds.
fn write_rows(path: &Path) {
    let keys: Vec<i64> = (0..ROWS).collect();
    let time = TimestampMicrosecondArray::from_iter_values(keys.iter().map(|key| key * 1_000_000));
    let columns: [(&str, ArrayRef); 4] = [
        ("key", Arc::new(Int64Array::from(keys.clone()))),
        ("square", Arc::new(Int64Array::from_iter_values(keys.iter().map(|key| key * key)))),
        ("name", Arc::new(StringArray::from_iter_values(keys.iter().map(|key| format!("n{key}"))))),
        ("event_timestamp", Arc::new(time.with_timezone("UTC"))),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let file = std::fs::File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

fn squares(name: &str, uri: &str, feature: &str) -> FeatureView {
    let keys = vec![Field::new("key", ValueType::Int64)];
    let features = vec![Field::new(feature, ValueType::Int64)];
    view(name, keys, features, file_source(uri, "event_timestamp", ""))
}

fn task(view: &FeatureView) -> ViewTask {
    ViewTask::new(Arc::new(view.clone()), false, ALL)
}

fn squared() -> Vec<Option<Value>> {
    (0..ROWS).map(|key| Some(Value::Int64(key * key))).collect()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

#[test]
fn the_first_failing_view_ends_the_run_and_only_finished_views_have_an_interval() {
    runtime().block_on(async {
        for views_at_once in [1, 2] {
            let views = [
                squares("first", "rows.parquet", "square"),
                squares("lost", "nowhere.parquet", "square"),
                squares("never", "rows.parquet", "square"),
            ];
            let fixture = Fixture::new(None).with_tables(&views).await;
            let tasks: Vec<_> = views.iter().map(task).collect();
            let materializer = fixture.materializer(views_at_once);
            let error = materializer.run(PROJECT, &tasks, &Silent).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotFound);
            assert!(error.to_string().contains("lost"), "{error}");
            assert_eq!(fixture.intervals.of("first"), [ALL]);
            assert_eq!(fixture.intervals.of("lost"), []);
            assert_eq!(fixture.intervals.of("never"), []);
            assert_eq!(fixture.stored(&views[0]).await, squared());
        }
    });
}

#[test]
fn a_column_of_another_type_is_an_error_that_names_view_and_column() {
    runtime().block_on(async {
        let wrong = squares("wrong", "rows.parquet", "name");
        let fixture = Fixture::new(None).with_tables(std::slice::from_ref(&wrong)).await;
        let error =
            fixture.materializer(1).run(PROJECT, &[task(&wrong)], &Silent).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        let text = error.to_string();
        assert!(text.contains("\"wrong\"") && text.contains("\"name\""), "{text}");
        assert_eq!(fixture.intervals.of("wrong"), []);
    });
}

#[test]
fn without_a_record_the_rows_stay_and_the_run_can_be_repeated() {
    runtime().block_on(async {
        let view = squares("squares", "rows.parquet", "square");
        let fixture = Fixture::new(Some("squares")).with_tables(std::slice::from_ref(&view)).await;
        let refused = fixture.materializer(1).run(PROJECT, &[task(&view)], &Silent).await;
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Unavailable);
        assert_eq!(fixture.stored(&view).await, squared(), "recorded only after the rows");
        let again = Fixture { intervals: Arc::new(Intervals::refusing(None)), ..fixture };
        again.materializer(1).run(PROJECT, &[task(&view)], &Silent).await.unwrap();
        assert_eq!(again.stored(&view).await, squared());
        assert_eq!(again.intervals.of("squares"), [ALL]);
    });
}

/// Gives up after a number of batches, as a killed process does.
#[derive(Debug)]
struct CutOff {
    after: u64,
    told: tokio::sync::Notify,
}

impl Progress for CutOff {
    fn started(&self, _: &str) {}
    fn advanced(&self, _: &str, counts: larder_materializer::Counts) {
        if counts.read >= self.after {
            self.told.notify_one();
        }
    }
    fn finished(&self, _: &str, _: larder_materializer::Counts) {}
    fn failed(&self, _: &str) {}
}

#[test]
fn a_run_cut_off_anywhere_is_completed_by_the_next() {
    runtime().block_on(async {
        for after in [100, 500, 900] {
            let view = squares("squares", "rows.parquet", "square");
            let fixture = Fixture::new(None).with_tables(std::slice::from_ref(&view)).await;
            let cut_off = CutOff { after, told: tokio::sync::Notify::new() };
            tokio::select! {
                biased;
                () = cut_off.told.notified() => {}
                run = async { fixture.materializer(1).run(PROJECT, &[task(&view)], &cut_off).await } => {
                    panic!("it was to be cut off: {run:?}");
                }
            }
            assert_eq!(fixture.intervals.of("squares"), []);
            fixture.materializer(1).run(PROJECT, &[task(&view)], &Silent).await.unwrap();
            assert_eq!(fixture.stored(&view).await, squared(), "after {after}");
            assert_eq!(fixture.intervals.of("squares"), [ALL]);
        }
    });
}
