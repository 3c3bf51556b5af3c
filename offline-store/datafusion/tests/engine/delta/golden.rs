//! Tables that delta-rs and Spark wrote, with the rows that they read from them themselves.

use std::fs;
use std::path::{Path, PathBuf};

use arrow_schema::DataType;
use larder_offline_store::OfflineStore as _;
use object_store::ObjectStoreExt as _;
use object_store::path::Path as Key;

use super::questions::{answers, copied, delta, history, vectors};
use crate::fixture::{engine, source};
use crate::s3::TestBucket;

trials![
    every_question_has_the_answer_of_plain_parquet,
    a_bucket_answers_as_the_file_system_does,
    columns_are_those_of_the_log,
    an_explanation_names_the_version,
    files_are_described_with_the_version,
    a_table_of_no_files_has_no_rows,
];

/// Tables with their features.
const TABLES: [(&str, &[&str]); 4] = [
    ("rust", &["conv_rate", "trips", "city", "day", "acc_rate"]),
    ("deletion_vectors", &["conv_rate", "trips", "city", "day"]),
    ("widened", &["conv_rate", "trips", "city", "day"]),
    ("mapped", &["rate", "trips", "day"]),
];

async fn every_question_has_the_answer_of_plain_parquet() {
    let store = engine(&vectors());
    for (name, features) in TABLES {
        let plain = source(&format!("{name}.parquet"), true);
        let expected = answers(&store, &plain, features).await.unwrap();
        let found = answers(&store, &delta(name), features).await.unwrap();
        assert!(expected.iter().all(|answer| !answer.is_empty()));
        assert_eq!(found, expected, "{name}");
    }
}

async fn a_bucket_answers_as_the_file_system_does() {
    let bucket = TestBucket::shared();
    let (local, remote) = (engine(&vectors()), bucket.engine());
    for (name, features) in TABLES {
        let folder = vectors().join(name);
        for path in walk(&folder) {
            let key = path.strip_prefix(vectors()).unwrap().to_str().unwrap();
            let key = Key::parse(format!("some folder/{key}")).unwrap();
            let bytes = fs::read(&path).unwrap();
            bucket.bucket().client().put(&key, bytes.into()).await.unwrap();
        }
        let uri = bucket.uri(&format!("some folder/{name}"));
        let found = answers(&remote, &delta(&uri), features).await.unwrap();
        assert_eq!(found, answers(&local, &delta(name), features).await.unwrap(), "{name}");
    }
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

async fn columns_are_those_of_the_log() {
    let store = engine(&vectors());
    let schema = store.source_schema(&delta("rust")).await.unwrap();
    let names: Vec<_> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let stored = ["driver_id", "event_timestamp", "created", "conv_rate", "trips", "acc_rate"];
    assert_eq!(names, [&stored[..], &["city", "day"]].concat());
    let schema = store.source_schema(&delta("widened")).await.unwrap();
    assert_eq!(schema.field_with_name("trips").unwrap().data_type(), &DataType::Int64);
}

async fn an_explanation_names_the_version() {
    let store = engine(&vectors());
    let text = store.explain(history(delta("rust"), &["trips"], None)).await.unwrap();
    assert!(text.contains("(rust, version 5 of a Delta table)"), "{text}");
    assert!(text.contains("files: 12 of 12 read"), "{text}");
}

async fn files_are_described_with_the_version() {
    let table = copied("deletion_vectors");
    let store = engine(table.path());
    let files = store.source_files(&delta("deletion_vectors")).await.unwrap();
    let log = files.last().unwrap();
    assert_eq!(
        (log.path.as_str(), log.etag.as_str()),
        ("deletion_vectors/_delta_log", "version 5")
    );
    let last = table.path().join("deletion_vectors/_delta_log/00000000000000000005.json");
    fs::remove_file(last).unwrap();
    let before = store.source_files(&delta("deletion_vectors")).await.unwrap();
    assert_eq!(before.last().unwrap().etag, "version 4");
}

async fn a_table_of_no_files_has_no_rows() {
    let table = copied("widened");
    let log = table.path().join("widened/_delta_log");
    for version in 1..4 {
        fs::remove_file(log.join(format!("{version:020}.json"))).unwrap();
    }
    let store = engine(table.path());
    let found = answers(&store, &delta("widened"), &["trips"]).await.unwrap();
    assert!(found[..4].iter().all(Vec::is_empty));
    assert!(found[4..].iter().flatten().all(|row| row.contains(&"null".to_owned())));
}
