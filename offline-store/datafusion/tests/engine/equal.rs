//! Feature rows that are equal in key and times, in every way to join them.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::Int64Type;
use arrow_array::{Int64Array, RecordBatch};
use larder_offline_store::OfflineStore as _;
use larder_offline_store_datafusion::{DataFusionOfflineStore, EngineOptions};
use libtest_mimic::Trial;

use crate::fixture::{block_on, put, source, view, whole};
use crate::pruned::{asked, greatest_limit, request};

pub(crate) fn trials() -> Vec<Trial> {
    vec![Trial::test("equal::the_last_of_equal_rows_answers_whichever_way_the_join_goes", || {
        block_on(the_last_of_equal_rows_answers_whichever_way_the_join_goes());
        Ok(())
    })]
}

/// Rows of 40 users with five event times, 30 of each alike but for their ids, all over three files in small row groups.
const ALIKE: i64 = 6_000;

/// Who and when, in seconds, the row with this id is of.
fn alike(id: i64) -> (i64, i64) {
    (id % 40, id / 40 % 5 * 10)
}

fn put_alike(folder: &Path) {
    for (part, first) in (0..ALIKE).step_by(2_000).enumerate() {
        let ids = || first..first + 2_000;
        let of: Vec<(i64, i64)> = ids().map(alike).collect();
        let mut columns = asked(&of).columns().to_vec();
        columns.push(Arc::new(Int64Array::from_iter_values(ids())));
        let rows = ["user", "event_timestamp", "id"].into_iter().zip(columns);
        let rows = RecordBatch::try_from_iter(rows).unwrap();
        put(&folder.join(format!("log/part-{part}.parquet")), &rows, 250);
    }
}

async fn the_last_of_equal_rows_answers_whichever_way_the_join_goes() {
    let folder = tempfile::tempdir().unwrap();
    put_alike(folder.path());
    // More than are put on disk at a time, of users some of whom have no rows.
    let wanted: Vec<(i64, i64)> =
        (0..70_000).map(|row| (row * 37 % 45, row * 7_919 % 60 - 5)).collect();
    let mut everyone = view(source("log", false), &[], &["id"]);
    "all".clone_into(&mut everyone.name);
    "all__id".clone_into(&mut everyone.features[0].output);
    let views = vec![view(source("log", false), &["user"], &["id"]), everyone];
    let request = request(asked(&wanted), views);
    let last: HashMap<(i64, i64), i64> = (0..ALIKE).map(|id| (alike(id), id)).collect();
    let answer = |&(user, second): &(i64, i64)| {
        let event = second.min(40).div_euclid(10) * 10;
        let of_all = (0..40).filter_map(|user| last.get(&(user, event))).max();
        (last.get(&(user, event)).copied(), of_all.copied())
    };
    let expected: Vec<(Option<i64>, Option<i64>)> = wanted.iter().map(answer).collect();
    let store = DataFusionOfflineStore::new(EngineOptions::new(folder.path())).unwrap();
    let by_view = greatest_limit(&store, &request, "to disk").await;
    let in_parts = greatest_limit(&store, &request, "partitions").await;
    for limit in [None, Some(by_view), Some(in_parts), Some(in_parts / 4), Some(1)] {
        let mut request = request.clone();
        request.options.memory_limit = limit;
        let answer = whole(store.historical_features(request).await.unwrap()).await.unwrap();
        let ids = |name| answer.column_by_name(name).unwrap().as_primitive::<Int64Type>().iter();
        let found: Vec<_> = ids("id").zip(ids("all__id")).collect();
        let wrong = found.iter().zip(&expected).find(|(found, expected)| found != expected);
        assert_eq!((found.len(), wrong), (70_000, None), "limit {limit:?}");
    }
}
