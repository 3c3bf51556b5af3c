//! Views with more features than Lua's stack holds values.

use larder_online_store::{
    Cell, OnlineStore, RedisConfig, RedisLayout, ViewTable, WriteGuard, WriteRows, WriteRowsBuilder,
};
use larder_proto::wire::value::put_int64;

use crate::servers::{cluster, entity_key, open, project, single};

fn table(project: &str, features: usize) -> ViewTable {
    ViewTable::new(project, "wide", (0..features).map(|n| format!("feature_{n}"))).unwrap()
}

fn int(number: usize) -> Vec<u8> {
    let mut value = Vec::new();
    put_int64(number.try_into().unwrap(), &mut value);
    value
}

/// Rows whose features hold their position plus `base`; one in `step` is written.
fn rows(table: &ViewTable, micros: i64, base: usize, step: usize) -> WriteRows {
    let mut rows = WriteRowsBuilder::new(table);
    for key in [b"x", b"y"] {
        rows.begin_row(&entity_key(key), micros, None).unwrap();
        for feature in (0..table.features().len()).step_by(step) {
            rows.set(feature, &int(base + feature)).unwrap();
        }
    }
    rows.finish()
}

async fn check(config: &RedisConfig, features: usize) {
    let (store, table) = (open(config), table(&project(), features));
    for (micros, base, step, written) in [(5, 0, 1, 2), (6, 100_000, 2, 2), (4, 7, 1, 0)] {
        let summary =
            store.write(&table, &rows(&table, micros, base, step), WriteGuard::EventTime).await;
        assert_eq!(summary.unwrap().written, written, "{features} features at {micros}");
    }
    let keys = [entity_key(b"x"), entity_key(b"y")];
    let keys: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
    let answer = store.read(&table, &keys).await.unwrap();
    assert_eq!(answer.event_timestamps(), [Some(6); 2]);
    for feature in 0..features {
        let base = if feature % 2 == 0 { 100_000 } else { 0 };
        let expected = int(base + feature);
        for row in 0..2 {
            assert_eq!(answer.cell(row, feature), Cell::Value(&expected), "feature {feature}");
        }
    }
    store.update(&[], std::slice::from_ref(&table)).await.unwrap();
    assert_eq!(store.read(&table, &keys).await.unwrap().event_timestamps(), [None; 2]);
}

#[tokio::test]
async fn rows_of_many_thousand_features_are_guarded_read_and_removed() {
    for layout in [RedisLayout::Feast, RedisLayout::Packed] {
        // Around the blocks in which fields are handed to Redis, and beyond the stack.
        for features in [3_499, 3_500, 4_001, 7_001, 20_000] {
            check(&RedisConfig { layout, ..single() }, features).await;
        }
        check(&RedisConfig { layout, ..cluster() }, 9_000).await;
    }
}
