//! What a join reads and what it leaves out, and what it does when memory is short.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arrow_array::{
    ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray, new_null_array,
};
use larder_core::ErrorKind;
use larder_offline_store::{
    EntityRows, HistoricalOptions, HistoricalRequest, HistoricalView, OfflineStore,
};
use larder_offline_store_datafusion::{DataFusionOfflineStore, EngineOptions};
use libtest_mimic::Trial;
use object_store::memory::InMemory;
use object_store::{ObjectStoreExt as _, PutPayload};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::file::metadata::PageIndexPolicy;
use parquet::file::properties::WriterProperties;

use crate::fixture::{block_on, engine, put, source, view, whole};
use crate::rows::rows;

macro_rules! trials {
    ($($name:ident),+ $(,)?) => {
        pub(crate) fn trials() -> Vec<Trial> {
            vec![$(Trial::test(concat!("pruned::", stringify!($name)), || {
                block_on($name());
                Ok(())
            })),+]
        }
    };
}

trials![
    scattered_winners_are_read_alike_from_files_and_objects,
    pages_without_winners_are_not_read,
    a_folder_is_pruned_file_by_file,
    a_join_beyond_the_memory_limit_goes_through_the_disk,
    views_that_do_not_fit_together_are_joined_one_after_the_other,
    one_key_with_more_rows_than_fit_is_joined_in_turns,
    the_plan_tells_what_is_read,
    a_file_replaced_by_another_is_no_silent_mix,
];

const NAMES: [&str; 3] = ["id", "text", "seconds"];

/// A row per second for one of `keys` text keys in turn, with features of several types.
fn log(seconds: std::ops::Range<i64>, keys: i64) -> RecordBatch {
    let key = |second: i64| format!("user {}", second % keys);
    let text = |second: i64| {
        (second % 7 != 0).then(|| "x".repeat(usize::try_from(second.rem_euclid(40)).unwrap()))
    };
    let times: TimestampMillisecondArray = seconds.clone().map(|s| Some(s * 1_000)).collect();
    let ids: Int64Array = seconds.clone().map(|s| (s % 11 != 0).then_some(s)).collect();
    RecordBatch::try_from_iter_with_nullable([
        (
            "user",
            Arc::new(seconds.clone().map(|s| Some(key(s))).collect::<StringArray>()) as ArrayRef,
            true,
        ),
        ("event_timestamp", Arc::new(times.clone()) as ArrayRef, true),
        ("id", Arc::new(ids) as ArrayRef, true),
        ("text", Arc::new(seconds.map(text).collect::<StringArray>()) as ArrayRef, true),
        ("seconds", Arc::new(times) as ArrayRef, true),
    ])
    .unwrap()
}

/// Writes pages of 128 rows, in row groups of 4000.
fn put_pages(path: &Path, rows: &RecordBatch) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let small = WriterProperties::builder()
        .set_max_row_group_row_count(Some(4_000))
        .set_data_page_row_count_limit(128)
        .set_write_batch_size(128)
        .build();
    let file = std::fs::File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, rows.schema(), Some(small)).unwrap();
    writer.write(rows).unwrap();
    writer.close().unwrap();
}

/// Entity rows of these users and seconds.
pub(crate) fn asked(of: &[(i64, i64)]) -> RecordBatch {
    let users: StringArray = of.iter().map(|(user, _)| Some(format!("user {user}"))).collect();
    let times: TimestampMillisecondArray = of.iter().map(|(_, s)| Some(s * 1_000)).collect();
    RecordBatch::try_from_iter([
        ("user", Arc::new(users) as ArrayRef),
        ("event_timestamp", Arc::new(times) as ArrayRef),
    ])
    .unwrap()
}

fn users(uri: &str) -> HistoricalView {
    view(source(uri, false), &["user"], &NAMES)
}

pub(crate) fn request(entity: RecordBatch, views: Vec<HistoricalView>) -> HistoricalRequest {
    HistoricalRequest {
        entity: EntityRows::from(entity),
        event_timestamp_column: None,
        views,
        filter_by_created: false,
        options: HistoricalOptions::default(),
    }
}

fn names() -> Vec<String> {
    NAMES.map(str::to_owned).to_vec()
}

async fn answers(store: &DataFusionOfflineStore, request: HistoricalRequest) -> Vec<Vec<String>> {
    let answer = store.historical_features(request).await.unwrap();
    rows(&whole(answer).await.unwrap(), &names())
}

/// What the row of a second says.
fn says(log: &RecordBatch, second: i64) -> Vec<String> {
    rows(&log.slice(usize::try_from(second).unwrap(), 1), &names()).concat()
}

async fn scattered_winners_are_read_alike_from_files_and_objects() {
    let folder = tempfile::tempdir().unwrap();
    let log = log(0..10_000, 5_000);
    let path = folder.path().join("log.parquet");
    put_pages(&path, &log);
    let store = engine(folder.path());
    let bucket = InMemory::new();
    bucket
        .put(&"log.parquet".into(), PutPayload::from(std::fs::read(&path).unwrap()))
        .await
        .unwrap();
    store.register_bucket("lake", Arc::new(bucket));
    // Alone on their pages, next to each other, and in the last row group.
    let wanted = [(17, 17), (18, 5_017), (4_999, 9_999), (3_000, 8_000), (3_001, 8_500), (4, 3)];
    let expected: Vec<_> = [Some(17), Some(18), Some(9_999), Some(8_000), Some(8_001), None]
        .map(|second| second.map_or_else(|| vec!["null".to_owned(); 3], |s| says(&log, s)))
        .to_vec();
    for uri in ["log.parquet", "s3://lake/log.parquet"] {
        assert_eq!(
            answers(&store, request(asked(&wanted), vec![users(uri)])).await,
            expected,
            "{uri}"
        );
    }
}

async fn pages_without_winners_are_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.parquet");
    let log = log(0..4_000, 4_000);
    put_pages(&path, &log);
    let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Required);
    let metadata = ArrowReaderMetadata::load(&std::fs::File::open(&path).unwrap(), options);
    let metadata = metadata.unwrap();
    let pages = metadata.metadata().offset_index().unwrap()[0][2].page_locations().clone();
    let mut bytes = std::fs::read(&path).unwrap();
    // The feature `id` is spoiled but for the page of the rows 2048 to 2175.
    for page in pages.iter().filter(|page| page.first_row_index != 2_048) {
        let start = usize::try_from(page.offset).unwrap();
        bytes[start..start + usize::try_from(page.compressed_page_size).unwrap()].fill(0xFF);
    }
    std::fs::write(&path, bytes).unwrap();
    let store = engine(folder.path());
    let found =
        answers(&store, request(asked(&[(2_050, 2_050)]), vec![users("log.parquet")])).await;
    assert_eq!(found, [says(&log, 2_050)]);
    let spoiled = request(asked(&[(1_050, 1_050)]), vec![users("log.parquet")]);
    let error = whole(store.historical_features(spoiled).await.unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
}

async fn a_folder_is_pruned_file_by_file() {
    let folder = tempfile::tempdir().unwrap();
    let whole_log = log(0..300, 3);
    for day in 0..3 {
        let path = folder.path().join(format!("log/day={day}/part.parquet"));
        put(&path, &whole_log.slice(day * 100, 100), 1_000);
    }
    let mut view = users("log");
    view.ttl = Some(Duration::from_secs(10));
    // The pages of the other files cannot be read any more.
    for day in [0, 2] {
        let path = folder.path().join(format!("log/day={day}/part.parquet"));
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[4..400].fill(0xFF);
        std::fs::write(&path, bytes).unwrap();
    }
    let found =
        answers(&engine(folder.path()), request(asked(&[(0, 150), (1, 190)]), vec![view])).await;
    assert_eq!(found, [says(&whole_log, 150), says(&whole_log, 190)]);
}

/// Views of which one has no keys between two that have the same, asked for by rows in no order.
fn many_views(count: i64, limit: Option<usize>) -> HistoricalRequest {
    let named = |name: &str| {
        let mut view = users("log.parquet");
        name.clone_into(&mut view.name);
        for feature in &mut view.features {
            feature.output = format!("{name}__{}", feature.name);
        }
        view
    };
    let (mut everyone, again) = (named("all"), named("again"));
    everyone.join_keys.clear();
    let wanted: Vec<(i64, i64)> =
        (0..count).map(|row| (row * 37 % 400, row * 7_919 % 9_500)).collect();
    let mut entity = asked(&wanted);
    let nulls = new_null_array(entity.column(0).data_type(), 1);
    let users_but_one = entity.column(0).slice(0, entity.num_rows() - 1);
    let users_column = arrow_select::concat::concat(&[users_but_one.as_ref(), nulls.as_ref()]);
    entity = RecordBatch::try_from_iter_with_nullable([
        ("user", users_column.unwrap(), true),
        ("event_timestamp", Arc::clone(entity.column(1)), true),
    ])
    .unwrap();
    let mut request = request(entity, vec![users("log.parquet"), everyone, again]);
    request.views[0].ttl = Some(Duration::from_mins(5));
    request.options.memory_limit = limit;
    request
}

async fn answers_of_many_views(
    folder: &Path,
    count: i64,
    limit: Option<usize>,
) -> Vec<Vec<String>> {
    let store = DataFusionOfflineStore::new(EngineOptions::new(folder)).unwrap();
    let answer = store.historical_features(many_views(count, limit)).await.unwrap();
    let answer = whole(answer).await.unwrap();
    let schema = answer.schema();
    let all: Vec<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
    rows(&answer, &all)
}

async fn a_join_beyond_the_memory_limit_goes_through_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    put_pages(&folder.path().join("log.parquet"), &log(0..10_000, 400));
    let expected = answers_of_many_views(folder.path(), 9_000, None).await;
    assert_eq!(expected.len(), 9_000);
    assert!(expected[..8_999].iter().any(|row| row[2] != "null"));
    for limit in [1, 64 << 10, 1 << 20] {
        let found = answers_of_many_views(folder.path(), 9_000, Some(limit)).await;
        assert_eq!(found, expected, "limit {limit}");
    }
}

async fn views_that_do_not_fit_together_are_joined_one_after_the_other() {
    // More than are answered at a time.
    const ROWS: i64 = 70_000;
    let folder = tempfile::tempdir().unwrap();
    put_pages(&folder.path().join("log.parquet"), &log(0..10_000, 400));
    let expected = answers_of_many_views(folder.path(), ROWS, None).await;
    let store = DataFusionOfflineStore::new(EngineOptions::new(folder.path())).unwrap();
    let limit = greatest_limit(&store, &many_views(ROWS, None), "to disk").await;
    let text = store.explain(many_views(ROWS, Some(limit))).await.unwrap();
    assert!(text.contains("one view after the other"), "{text}");
    assert_eq!(answers_of_many_views(folder.path(), ROWS, Some(limit)).await, expected);
}

/// The greatest limit at which the plan says so; what each processor takes is the machine's.
pub(crate) async fn greatest_limit(
    store: &DataFusionOfflineStore,
    request: &HistoricalRequest,
    says: &str,
) -> usize {
    let (mut least, mut most) = (1, 1 << 30);
    while least + 1 < most {
        let limit = least + (most - least) / 2;
        let mut request = request.clone();
        request.options.memory_limit = Some(limit);
        let text = store.explain(request).await.unwrap();
        *(if text.contains(says) { &mut least } else { &mut most }) = limit;
    }
    least
}

async fn one_key_with_more_rows_than_fit_is_joined_in_turns() {
    let folder = tempfile::tempdir().unwrap();
    let log = log(0..6_000, 1);
    put_pages(&folder.path().join("log.parquet"), &log);
    let wanted: Vec<(i64, i64)> = (0..6_000).map(|row| (0, row * 31 % 6_000)).collect();
    let options = EngineOptions { memory_limit: 64 << 10, ..EngineOptions::new(folder.path()) };
    let store = DataFusionOfflineStore::new(options).unwrap();
    let found = answers(&store, request(asked(&wanted), vec![users("log.parquet")])).await;
    let expected: Vec<_> = wanted.iter().map(|(_, second)| says(&log, *second)).collect();
    assert_eq!(found, expected);
}

async fn the_plan_tells_what_is_read() {
    let folder = tempfile::tempdir().unwrap();
    for part in 0..3 {
        let path = folder.path().join(format!("log/part-{part}.parquet"));
        put_pages(&path, &log(part * 8_000..(part + 1) * 8_000, 9));
    }
    let mut request = request(asked(&[(1, 13_000), (2, 14_000)]), vec![users("log")]);
    request.views[0].ttl = Some(Duration::from_mins(10));
    let store = engine(folder.path());
    let text = store.explain(request.clone()).await.unwrap();
    // Sizes and the number of processors are the machine's.
    let stable = |line: &str| match line.split_once(':') {
        Some((fact @ ("  memory" | "  first pass" | "  second pass"), rest)) => {
            format!("{fact}: ...{}", rest.find('(').map_or("", |at| &rest[at..]))
        }
        _ => line.to_owned(),
    };
    let lines: Vec<String> = text.lines().map(stable).collect();
    let expected = [
        "point-in-time join of 2 entity rows with 1 views",
        "  event times: 1970-01-01T03:36:40Z to 1970-01-01T03:53:20Z",
        "  memory: ...",
        "feature view \"stats\"",
        "  source \"stats_source\" (log)",
        "  ttl: 600s",
        "  files: 1 of 3 read, 2 pruned",
        "  row groups: 1 of 6 read, 5 pruned",
        "  rows: 4000 of 24000 read, 20000 pruned",
        "  first pass: ...(user, event_timestamp)",
        "  second pass: ...(id, text, seconds)",
    ];
    assert_eq!(lines, expected);
    request.options.memory_limit = Some(100);
    let text = store.explain(request).await.unwrap();
    assert!(text.contains("both sides go to disk in"), "{text}");
}

async fn a_file_replaced_by_another_is_no_silent_mix() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log/part.parquet");
    put_pages(&path, &log(0..100, 1));
    let store = engine(folder.path());
    let answer = store.historical_features(request(asked(&[(0, 50)]), vec![users("log")])).await;
    put_pages(&path, &log(0..5_000, 1));
    let error = whole(answer.unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
}
