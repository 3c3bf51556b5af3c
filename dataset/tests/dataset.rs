//! Data sets on disk: written, verified and compared.
#![expect(clippy::unwrap_used, reason = "clippy allows it in tests, but not in what they share")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow_array::types::Int64Type;
use arrow_array::{ArrayRef, Float64Array, Int64Array, ListArray, RecordBatch};
use larder_core::ErrorKind;
use larder_dataset::{
    AsOf, Column, ColumnOrigin, Comparison, DatasetWriter, Definitions, EntityOrigin, EntitySet,
    FORMAT_VERSION, FileFormat, Hashed, Kept, Layout, MANIFEST, Manifest, Request, Source,
    SourceFile, ViewDefinition, findings,
};

/// Entity rows of four keys, with a feature.
fn rows(rates: &[Option<f64>; 4]) -> RecordBatch {
    let keys: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 1, 3]));
    let rates: ArrayRef = Arc::new(Float64Array::from(rates.to_vec()));
    RecordBatch::try_from_iter_with_nullable([("key", keys, true), ("rate", rates, true)]).unwrap()
}

const RATES: [Option<f64>; 4] = [Some(0.5), None, Some(1.5), Some(2.5)];

fn file(etag: &str) -> SourceFile {
    SourceFile { path: "stats.parquet".to_owned(), size: 9, etag: etag.to_owned() }
}

fn definitions(ttl: f64) -> Definitions {
    let definition = ViewDefinition {
        name: "stats".to_owned(),
        view: "stats".to_owned(),
        version: 0,
        join_keys: BTreeMap::from([("key".to_owned(), "key".to_owned())]),
        features: BTreeMap::from([("rate".to_owned(), "DOUBLE".to_owned())]),
        ttl_seconds: Some(ttl),
        source: "stats_source".to_owned(),
        uri: "stats.parquet".to_owned(),
        timestamp_field: "event_timestamp".to_owned(),
        created_timestamp_column: String::new(),
        field_mapping: BTreeMap::new(),
        materialized: Vec::new(),
    };
    let views = vec![Hashed { hash: ttl.to_string(), definition }];
    Definitions { hash: ttl.to_string(), views, on_demand: Vec::new() }
}

/// Writes a data set whose feature `rate` is of the view `stats`.
fn write(folder: &Path, batch: &RecordBatch, layout: &Layout, ttl: f64, etag: &str) -> Manifest {
    DatasetWriter::check(folder, false).unwrap();
    let mut writer = DatasetWriter::begin(folder, layout.clone(), &batch.schema()).unwrap();
    writer.write(&batch.slice(0, 1)).unwrap();
    writer.write(&batch.slice(1, 3)).unwrap();
    let (closed, written) = writer.close().unwrap();
    assert!(!folder.join(MANIFEST).is_file(), "nothing is in place before the manifest");
    let schema = batch.schema();
    let columns: Vec<Column> = schema
        .fields()
        .iter()
        .zip(written.columns)
        .map(|(field, known)| Column {
            name: field.name().clone(),
            data_type: field.data_type().to_string(),
            from: match field.name().as_str() {
                "key" => ColumnOrigin::Entity,
                _ => ColumnOrigin::View("stats".to_owned()),
            },
            nulls: known.nulls,
            digest: known.digest,
        })
        .collect();
    let manifest = Manifest {
        format_version: FORMAT_VERSION,
        larder_version: "0.0.0".to_owned(),
        created: "2026-01-01T00:00:00Z".to_owned(),
        project: "shop".to_owned(),
        request: Request {
            feature_service: None,
            features: vec!["stats:rate".to_owned()],
            full_feature_names: false,
            as_of: AsOf::EventTime,
        },
        definitions: definitions(ttl),
        entity_rows: EntitySet::new(EntityOrigin::Json("[]".to_owned()), written.rows, &columns),
        sources: vec![Source { name: "stats_source".to_owned(), files: vec![file(etag)] }],
        rows: written.rows,
        columns,
        layout: layout.clone(),
        files: written.files,
    };
    closed.publish(&manifest, false).unwrap();
    manifest
}

fn layout(format: FileFormat, by: &[&str]) -> Layout {
    Layout { format, partition_by: by.iter().map(|&name| name.to_owned()).collect() }
}

/// What is there now, when nothing changed but the ttl and the file.
fn kept(ttl: f64, etag: &str) -> Kept {
    Kept {
        definitions: Ok(definitions(ttl)),
        sources: BTreeMap::from([("stats_source".to_owned(), Ok(vec![file(etag)]))]),
        entity_file: None,
    }
}

#[test]
fn a_data_set_of_any_layout_is_what_its_manifest_says() {
    for format in FileFormat::ALL {
        for by in [&[][..], &["key"]] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("deep/training");
            let layout = layout(format, by);
            let manifest = write(&path, &rows(&RATES), &layout, 60.0, "x");
            assert_eq!(Manifest::read(&path).unwrap(), manifest);
            assert_eq!(manifest.files.len(), if by.is_empty() { 1 } else { 3 });
            assert_eq!(manifest.files.iter().map(|file| file.rows).sum::<u64>(), 4);
            assert_eq!(manifest.columns[1].nulls, 1);
            assert_eq!(findings(&path, &manifest, &kept(60.0, "x")).unwrap(), [], "{layout:?}");
            let above = path.parent().unwrap();
            assert_eq!(fs::read_dir(above).unwrap().count(), 1, "nothing is left beside it");
        }
    }
}

#[test]
fn every_change_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("training");
    let manifest = write(&path, &rows(&RATES), &layout(FileFormat::Csv, &["key"]), 60.0, "x");
    fs::write(path.join("key=1/part-0.csv"), "rate\n9.5\n1.5\n").unwrap();
    fs::remove_file(path.join("key=2/part-0.csv")).unwrap();
    fs::write(path.join("notes.txt"), "").unwrap();
    let found = findings(&path, &manifest, &kept(30.0, "y")).unwrap();
    let found: Vec<_> = found.iter().map(|f| (f.about, f.name.as_str())).collect();
    assert_eq!(
        found,
        [
            ("file", "key=1/part-0.csv"),
            ("file", "key=2/part-0.csv"),
            ("file", "notes.txt"),
            ("definition", "stats"),
            ("source", "stats_source"),
        ]
    );
}

#[test]
fn only_a_data_set_is_replaced_and_only_when_asked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("training");
    fs::create_dir(&path).unwrap();
    DatasetWriter::check(&path, false).unwrap();
    write(&path, &rows(&RATES), &layout(FileFormat::Parquet, &[]), 60.0, "x");
    let kind = |overwrite| DatasetWriter::check(&path, overwrite).map_err(|error| error.kind());
    assert_eq!(kind(false), Err(ErrorKind::AlreadyExists));
    assert_eq!(kind(true), Ok(()));
    fs::remove_file(path.join(MANIFEST)).unwrap();
    assert_eq!(kind(true), Err(ErrorKind::Invalid));
    assert_eq!(
        DatasetWriter::check(&path.join("part-0.parquet"), true).unwrap_err().kind(),
        ErrorKind::Invalid
    );
    assert_eq!(Manifest::read(&path).unwrap_err().kind(), ErrorKind::NotFound);
    fs::write(path.join(MANIFEST), "{\"format_version\": 99}").unwrap();
    assert_eq!(Manifest::read(&path).unwrap_err().kind(), ErrorKind::Unsupported);
    fs::write(path.join(MANIFEST), "{}").unwrap();
    assert_eq!(Manifest::read(&path).unwrap_err().kind(), ErrorKind::Data);
}

#[test]
fn columns_that_a_format_cannot_hold_are_refused() {
    let lists = ListArray::from_iter_primitive::<Int64Type, _, _>([Some([Some(1)])]);
    let batch = RecordBatch::try_from_iter([("all", Arc::new(lists) as ArrayRef)]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let begin = |format| {
        let path = folder.path().join("training");
        DatasetWriter::begin(&path, layout(format, &[]), &batch.schema()).map(drop)
    };
    assert_eq!(begin(FileFormat::Csv).unwrap_err().kind(), ErrorKind::Unsupported);
    assert!(begin(FileFormat::Parquet).is_ok() && begin(FileFormat::Arrow).is_ok());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left of them");
}

#[test]
fn a_comparison_names_the_features_that_differ_and_why() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (folder.path().join("a"), folder.path().join("b"));
    let other = [Some(0.5), Some(7.0), Some(1.75), Some(2.5)];
    write(&a, &rows(&RATES), &layout(FileFormat::Parquet, &[]), 60.0, "x");
    write(&b, &rows(&other), &layout(FileFormat::Arrow, &[]), 30.0, "y");
    let found = Comparison::of(&a, &b).unwrap();
    assert!(found.same_entity_rows && !found.is_empty());
    let names: Vec<_> = found.columns.iter().map(|change| change.column.as_str()).collect();
    assert_eq!(names, ["rate"]);
    assert_eq!(found.columns[0].rows, Some(2));
    assert_eq!(found.columns[0].because.len(), 2, "{:?}", found.columns[0]);
    assert!(found.definitions["stats"].contains("ttl_seconds: 60.0 -> 30.0"));
    assert!(Comparison::of(&a, &a).unwrap().is_empty());
}
