//! Every value type of Feast 0.67, written to and read from a feature server.

use std::collections::BTreeSet;

use larder_core::{ErrorKind, FeatureView, Field, ValueType};
use larder_online_store::{Cell, OnlineStore, ViewTable, WriteGuard, WriteRows, WriteRowsBuilder};
use larder_proto::convert::{decode_value, encode_value, value_from_json};

use crate::recorded::{Recorded, values};
use crate::served::{Served, entity_key};

/// A view with a feature for each value.
fn table(view: &str, values: &[Recorded]) -> ViewTable {
    let feature = |value: &Recorded| Field::new(&value.feature, value.value_type);
    let view =
        FeatureView { features: values.iter().map(feature).collect(), ..FeatureView::new(view) };
    ViewTable::of_view("contract", view.name.as_str(), &view, &view.features).unwrap()
}

fn row(table: &ViewTable, values: &[Recorded]) -> WriteRows {
    let mut rows = WriteRowsBuilder::new(table);
    rows.begin_row(&entity_key(b"k"), 1_000_000, Some(2_000_000)).unwrap();
    for (feature, value) in values.iter().enumerate() {
        rows.set(feature, &value.bytes).unwrap();
    }
    rows.finish()
}

/// What is read of a value that was written. JSON has an offset for the name of a zone, and no word for a null of some
/// kind; not-a-number is null outside of lists, as Feast stores it.
fn read_back(value: &Recorded) -> Vec<u8> {
    if value.value_type == ValueType::ZonedTimestamp {
        let mut bytes = Vec::new();
        let shown = value_from_json(&value.json, value.value_type).unwrap();
        encode_value(&shown, &mut bytes).unwrap();
        return bytes;
    }
    match value.name.as_str() {
        "null_val" | "double nan" => Vec::new(),
        _ => value.bytes.clone(),
    }
}

/// Whether two encodings hold one value: the entry of a map may leave out what is null, and Python's does not.
fn means_the_same(found: Cell<'_>, expected: &[u8]) -> bool {
    found
        .bytes()
        .is_some_and(|found| decode_value(found).unwrap() == decode_value(expected).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_value_that_json_can_say_comes_back() {
    let store = Served::start();
    let values: Vec<Recorded> =
        values().into_iter().filter(|value| value.value_type != ValueType::ScalarMap).collect();
    let types: BTreeSet<_> = values.iter().map(|value| value.value_type.number()).collect();
    let without = [ValueType::Unknown, ValueType::Null, ValueType::ScalarMap];
    let known = ValueType::ALL.iter().filter(|value_type| !without.contains(value_type));
    assert_eq!(types, known.map(|value_type| value_type.number()).collect());
    let table = table("every_type", &values);
    store.update(std::slice::from_ref(&table), &[]).await.unwrap();
    store.write(&table, &row(&table, &values), WriteGuard::EventTime).await.unwrap();
    let answer = store.read(&table, &[&entity_key(b"k")]).await.unwrap();
    assert_eq!(answer.event_timestamp(0), Some(1_000_000));
    let mut wrong = Vec::new();
    for (feature, value) in values.iter().enumerate() {
        let (found, expected) = (answer.cell(0, feature), read_back(value));
        if found != Cell::from(Some(expected.as_slice())) && !means_the_same(found, &expected) {
            wrong.push((value.name.as_str(), expected, found.bytes().map(<[u8]>::to_vec)));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#x?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_map_whose_keys_are_no_text_is_refused_instead_of_lost() {
    let store = Served::start();
    let values: Vec<Recorded> = values()
        .into_iter()
        .filter(|value| matches!(value.value_type, ValueType::ScalarMap | ValueType::Bool))
        .collect();
    let table = table("scalar_map", &values);
    store.update(std::slice::from_ref(&table), &[]).await.unwrap();
    let error = store.write(&table, &row(&table, &values), WriteGuard::EventTime).await;
    let error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    let answer = store.read(&table, &[&entity_key(b"k")]).await.unwrap();
    assert_eq!(answer.event_timestamps(), [None]);
}
