use super::fixture::{
    Row, Store, after_older, expect, expect_row, int, make, null, read, summary, write,
};

/// Ten thousand rows in one write and one read, every third key without row.
pub async fn ten_thousand_keys_in_one_batch(store: &Store) {
    let table = make(store, "many", &["a", "b"]).await;
    let given: Vec<Row> = (0..10_000_u32)
        .filter(|n| n % 3 != 0)
        .map(|n| Row::new(n.to_be_bytes(), n.into(), [int(n.into()), null()]))
        .collect();
    assert_eq!(write(store, &table, &given).await, summary(given.len(), 0));
    let keys: Vec<_> = (0..10_000_u32).rev().map(u32::to_be_bytes).collect();
    let answer = read(store, &table, &keys).await;
    for (row, n) in (0..10_000_u32).rev().enumerate() {
        if n % 3 == 0 {
            expect_row(&answer, row, None, &[None, None]);
        } else {
            expect_row(&answer, row, Some(n.into()), &[int(n.into()), null()]);
        }
    }
}

/// Long keys are whole keys: a common start of any length does not make two of them one.
pub async fn keys_of_five_kilobytes_are_kept_apart(store: &Store) {
    let table = make(store, "long_keys", &["a"]).await;
    // Around the longest key that LMDB can hold, and far beyond.
    let lengths = [0, 1, 5000, 5001].into_iter().chain(480..=512);
    let keys: Vec<Vec<u8>> =
        lengths.flat_map(|len| [vec![b'k'; len], [vec![b'k'; len], vec![b'x']].concat()]).collect();
    let mut distinct = keys.clone();
    distinct.sort();
    distinct.dedup();
    let given: Vec<Row> =
        distinct.iter().zip(0..).map(|(key, n)| Row::new(key, 100 + n, [int(n)])).collect();
    write(store, &table, &given).await;
    for (key, n) in distinct.iter().zip(0..) {
        expect(store, &table, key, 100 + n, &[int(n)]).await;
    }
    let older: Vec<Row> = distinct.iter().map(|key| Row::new(key, 99, [int(-1)])).collect();
    write(store, &table, &older).await;
    for (key, n) in distinct.iter().zip(0..) {
        let (event, value) = after_older(store, (100 + n, n), (99, -1));
        expect(store, &table, key, event, &[int(value)]).await;
    }
    store.teardown(std::slice::from_ref(&table)).await.unwrap();
    let table = make(store, "long_keys", &["a"]).await;
    let answer = read(store, &table, &distinct).await;
    assert!(answer.event_timestamps().iter().all(Option::is_none));
}

/// Large values come back byte by byte, and small ones beside them.
pub async fn values_of_one_megabyte_come_back(store: &Store) {
    let table = make(store, "large", &["small", "large"]).await;
    let large = |seed: u8| {
        // A string_val of 2^20 bytes: tag, length, text.
        let mut value = vec![0x12, 0x80, 0x80, 0x40];
        value.resize(4 + (1 << 20), b'a' + seed);
        Some(value)
    };
    let given: Vec<Row> = (0..20).map(|n| Row::new([n], 100, [int(n.into()), large(n)])).collect();
    write(store, &table, &given).await;
    let keys: Vec<[u8; 1]> = (0..20).map(|n| [n]).collect();
    let answer = read(store, &table, &keys).await;
    for n in 0..20_u8 {
        expect_row(&answer, n.into(), Some(100), &[int(n.into()), large(n)]);
    }
}

/// A wide view is read in whole and in part.
pub async fn rows_of_five_hundred_features_come_back(store: &Store) {
    let names: Vec<String> = (0..500).map(|n| format!("feature_{n}")).collect();
    let table = store.table("wide", names.iter().map(String::as_str));
    store.update(std::slice::from_ref(&table), &[]).await.unwrap();
    let cells: Vec<_> = (0..500).map(|n| if n % 7 == 0 { None } else { int(n) }).collect();
    write(store, &table, &[Row::new("k", 100, cells.clone())]).await;
    expect(store, &table, "k", 100, &cells).await;
    let few = store.table("wide", ["feature_499", "feature_7", "feature_1"]);
    expect(store, &few, "k", 100, &[int(499), None, int(1)]).await;
}
