//! Golden vectors recorded from real Feast: one test per folder.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::DataType;
use larder_core::{DUMMY_JOIN_KEY, ErrorKind, SourceKind};
use larder_offline_store::oracle::Visibility;
use larder_offline_store::{
    EntityRows, HistoricalOptions, HistoricalRequest, OfflineStore, PullOptions, PullRequest,
    oracle,
};
use libtest_mimic::Trial;

use crate::canonical::Case;
use crate::fixture::{block_on, engine, read, whole};
use crate::rows::{names, rows, sorted};

/// Names of cases without entity rows, with the rows that Feast's spark store answers: the distinct keys seen between
/// start and end, as of the end. Dask's recorded answers take no notice of the start and mix up two views.
const WINDOWS: [Window; 2] = [
    Window {
        case: "pit23_no_entity_df",
        columns: ["driver", "rate", "trips"],
        rows: &[["1.0", "0.3", "30.0"]],
    },
    Window {
        case: "pit34_no_entity_df_two_views",
        columns: ["driver", "a", "b"],
        rows: &[["1.0", "0.1", "10.0"], ["2.0", "0.2", "20.0"]],
    },
];

struct Window {
    case: &'static str,
    columns: [&'static str; 3],
    rows: &'static [[&'static str; 3]],
}

/// Makes the store under test for the folder of a case.
type MakeStore = fn(&Path) -> Arc<dyn OfflineStore>;

pub(crate) fn trials() -> Vec<Trial> {
    trials_over("vectors", |folder| Arc::new(engine(folder)))
}

/// The vectors, read through another store.
pub(crate) fn trials_over(suite: &'static str, make: MakeStore) -> Vec<Trial> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/offline");
    let entries = std::fs::read_dir(&root).unwrap_or_else(|e| panic!("{}: {e}", root.display()));
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    folders.retain(|folder| folder.is_dir());
    folders.sort();
    assert!(folders.len() >= 45, "golden vectors are missing from {}", root.display());
    folders.into_iter().map(|folder| trial(suite, make, folder)).collect()
}

fn trial(suite: &str, make: MakeStore, folder: PathBuf) -> Trial {
    let name = folder.file_name().unwrap().to_string_lossy().into_owned();
    Trial::test(format!("{suite}::{name}"), move || {
        let (case, store) = (Case::read(&folder), make(&folder));
        let store = store.as_ref();
        if case.is_materialization() {
            block_on(pulls(store, &case, &folder));
        } else if folder.join("entity.parquet").is_file() {
            block_on(join(store, &case, &folder));
        } else {
            block_on(window(store, &case, &folder));
        }
        Ok(())
    })
}

/// The answer that the vectors call right, if the call is no error.
fn expected(folder: &Path) -> Option<RecordBatch> {
    let files = ["expected_canonical.parquet", "expected.parquet"].map(|name| folder.join(name));
    files.iter().find(|file| file.is_file()).map(|file| read(file))
}

async fn join(store: &dyn OfflineStore, case: &Case, folder: &Path) {
    let file = folder.join("entity.parquet");
    if let Some(expected) = expected(folder) {
        judge(case, folder, &expected);
    }
    for entity in [EntityRows::from(read(&file)), EntityRows::File(file.clone())] {
        let request = HistoricalRequest {
            entity,
            event_timestamp_column: None,
            views: case.projections(),
            filter_by_created: case.flag("filter_by_created_timestamp"),
            options: HistoricalOptions::default(),
        };
        let answer = match store.historical_features(request).await {
            Ok(rows) => whole(rows).await,
            Err(error) => Err(error),
        };
        match expected(folder) {
            Some(expected) => compare(case, &answer.unwrap(), &expected),
            None => assert_eq!(answer.unwrap_err().kind(), ErrorKind::Invalid),
        }
    }
}

/// The oracle is judged by the vectors too, before it judges engines.
fn judge(case: &Case, folder: &Path, expected: &RecordBatch) {
    let entities = read(&folder.join("entity.parquet"));
    let tables = case.projections().into_iter().map(|view| {
        let SourceKind::File { uri, .. } = &view.source.kind else { panic!("no file source") };
        let rows = read(&folder.join(uri));
        (view, rows)
    });
    let tables: Vec<_> = tables.collect();
    let by_created = case.flag("filter_by_created_timestamp");
    let visibility = if by_created { Visibility::ByCreated } else { Visibility::ByEvent };
    let time = case.text("entity_timestamp");
    let answer = oracle::point_in_time_join(&entities, &time, &tables, visibility).unwrap();
    let columns = case.compared(expected);
    assert_eq!(rows(&answer, &columns), rows(expected, &columns), "of the oracle");
}

/// Same columns, same types and, since entity rows keep their order, same rows one by one.
fn compare(case: &Case, answer: &RecordBatch, expected: &RecordBatch) {
    let computed = case.computed();
    let mut given = names(answer);
    given.extend(computed.iter().cloned());
    given.sort();
    assert_eq!(given, names(expected));
    let columns = case.compared(expected);
    for name in &columns {
        let [got, wanted] = [answer, expected].map(|b| b.column_by_name(name).unwrap().data_type());
        match (got, wanted) {
            (DataType::Timestamp(_, zone), DataType::Timestamp(..)) => {
                assert_eq!(zone.as_deref(), Some("UTC"), "zone of {name}");
            }
            _ => assert_eq!(got, wanted, "type of {name}"),
        }
    }
    assert_eq!(rows(answer, &columns), rows(expected, &columns));
}

async fn window(store: &dyn OfflineStore, case: &Case, folder: &Path) {
    let name = folder.file_name().unwrap().to_string_lossy();
    let expected = WINDOWS.iter().find(|window| window.case == name).unwrap();
    let end = case.instant("end_date").unwrap();
    let request = HistoricalRequest {
        entity: EntityRows::Window { start: case.instant("start_date"), end },
        event_timestamp_column: None,
        views: case.projections(),
        filter_by_created: false,
        options: HistoricalOptions::default(),
    };
    let answer = whole(store.historical_features(request).await.unwrap()).await.unwrap();
    let columns = expected.columns.map(str::to_owned);
    assert_eq!(sorted(rows(&answer, &columns)), expected.rows);
    let times = rows(&answer, &["event_timestamp".to_owned()]);
    let end = format!("{} ns", i128::from(end.micros()) * 1_000);
    assert!(times.iter().all(|time| *time == [end.clone()]), "{times:?}");
}

async fn pulls(store: &dyn OfflineStore, case: &Case, folder: &Path) {
    for view in case.views().values() {
        let (start, end) = (case.instant("start_date"), case.instant("end_date"));
        let request = PullRequest::of_view(view, start, end).unwrap();
        for memory_limit in [None, Some(1)] {
            let options = PullOptions { memory_limit, skip: 0 };
            let request = PullRequest { options, ..request.clone() };
            let latest = whole(store.pull_latest(request).await.unwrap()).await.unwrap();
            compare_pull(&latest, &recorded(folder, "pull_latest"));
        }
        let SourceKind::File { uri, .. } = &request.source.kind else { panic!("no file source") };
        let judged = oracle::latest(&request, &read(&folder.join(uri))).unwrap();
        compare_pull(&judged, &recorded(folder, "pull_latest"));
        let all = whole(store.pull_all(request).await.unwrap()).await.unwrap();
        compare_pull(&all, &recorded(folder, "pull_all"));
    }
}

/// What both Feast stores answered, or DuckDB where Dask is wrong.
fn recorded(folder: &Path, call: &str) -> RecordBatch {
    let agreed = folder.join(format!("{call}.parquet"));
    if agreed.is_file() {
        read(&agreed)
    } else {
        read(&folder.join(format!("{call}_duckdb.parquet")))
    }
}

fn compare_pull(answer: &RecordBatch, expected: &RecordBatch) {
    let columns = names(expected);
    let mut given = names(answer);
    // Dask adds it, DuckDB does not; the recorded files have the columns that both have.
    given.retain(|name| name != DUMMY_JOIN_KEY);
    assert_eq!(given, columns);
    assert_eq!(sorted(rows(answer, &columns)), sorted(rows(expected, &columns)));
}
