//! What is wrong with a table, and what is not done with one.

use std::fs;
use std::path::{Path, PathBuf};

use larder_core::{Error, ErrorKind};
use larder_offline_store::{OfflineStore, SaveMode, SaveRequest};

use super::questions::{answers, copied, delta, pull, vectors};
use crate::fixture::{engine, read, whole};

trials![
    a_missing_data_file_is_not_found,
    a_damaged_data_file_is_data,
    a_folder_without_a_log_is_not_found,
    a_file_of_other_types_than_the_log_is_refused,
    a_table_is_neither_appended_to_nor_replaced,
];

async fn failed(folder: &Path, name: &str) -> Error {
    answers(&engine(folder), &delta(name), &["trips"]).await.unwrap_err()
}

/// A data file that the newest version has.
fn data_file(folder: &Path) -> PathBuf {
    let newest = fs::read_to_string(folder.join("_delta_log/00000000000000000003.json")).unwrap();
    let add = newest.lines().find(|line| line.contains("\"add\"")).unwrap();
    let (_, path) = add.split_once("\"path\":\"").unwrap();
    folder.join(path.split_once('"').unwrap().0)
}

async fn a_missing_data_file_is_not_found() {
    let table = copied("widened");
    fs::remove_file(data_file(&table.path().join("widened"))).unwrap();
    let error = failed(table.path(), "widened").await;
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    assert!(error.message().contains("version 3"), "{error}");
}

async fn a_damaged_data_file_is_data() {
    let table = copied("widened");
    let file = data_file(&table.path().join("widened"));
    let bytes = fs::read(&file).unwrap();
    for damaged in [&b""[..], b"PAR1", &bytes[..bytes.len() - 3], b"quick brown fox quetPAR1"] {
        fs::write(&file, damaged).unwrap();
        let error = failed(table.path(), "widened").await;
        assert!(
            matches!(error.kind(), ErrorKind::Data | ErrorKind::Unavailable),
            "{} bytes: {error}",
            damaged.len()
        );
    }
}

async fn a_folder_without_a_log_is_not_found() {
    let table = copied("widened");
    fs::remove_dir_all(table.path().join("widened/_delta_log")).unwrap();
    let error = failed(table.path(), "widened").await;
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    assert_eq!(failed(table.path(), "nowhere").await.kind(), ErrorKind::NotFound);
}

async fn a_file_of_other_types_than_the_log_is_refused() {
    let table = copied("widened");
    for version in 0..4 {
        let commit = table.path().join(format!("widened/_delta_log/{version:020}.json"));
        let text = fs::read_to_string(&commit).unwrap();
        fs::write(
            commit,
            text.replace(r#"\"trips\",\"type\":\"long\""#, r#"\"trips\",\"type\":\"string\""#),
        )
        .unwrap();
    }
    let error = failed(table.path(), "widened").await;
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    assert!(error.message().contains("trips"), "{error}");
}

async fn a_table_is_neither_appended_to_nor_replaced() {
    let table = copied("widened");
    let store = engine(table.path());
    let rows = read(&vectors().join("widened.parquet"));
    let error = store.write(&delta("widened"), vec![rows]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    let request = SaveRequest::new(delta("widened"), SaveMode::Replace);
    let rows = store.pull_all(pull(delta("widened"), &["trips"])).await.unwrap();
    let error = store.save(request, rows).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    let left = store.pull_all(pull(delta("widened"), &["trips"])).await.unwrap();
    assert!(whole(left).await.unwrap().num_rows() > 0);
}
