//! Engines, sources and Parquet files for tests.

use std::fs::File;
use std::future::Future;
use std::path::Path;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use larder_core::{DataSource, SourceKind, ValueType};
use larder_offline_store::{BatchStream, HistoricalFeature, HistoricalView, JoinKey};
use larder_offline_store_datafusion::{DataFusionOfflineStore, EngineOptions};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::properties::WriterProperties;

/// An engine with small batches, so that a few rows make several.
pub(crate) fn engine(folder: &Path) -> DataFusionOfflineStore {
    let options = EngineOptions { batch_size: 3, ..EngineOptions::new(folder) };
    DataFusionOfflineStore::new(options).unwrap()
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(future)
}

/// A file source whose columns are called `event_timestamp` and, when `created`, `created`.
pub(crate) fn source(uri: &str, created: bool) -> DataSource {
    let (uri, s3_endpoint_override) = (uri.to_owned(), String::new());
    let kind = SourceKind::File { uri, format: None, s3_endpoint_override };
    let mut source = DataSource::new("stats_source", kind);
    "event_timestamp".clone_into(&mut source.timestamp_field);
    if created {
        "created".clone_into(&mut source.created_timestamp_column);
    }
    source
}

/// A view whose keys and features have one name on both sides.
pub(crate) fn view(source: DataSource, keys: &[&str], features: &[&str]) -> HistoricalView {
    let key = |name: &&str| JoinKey {
        view_column: (*name).to_owned(),
        entity_column: (*name).to_owned(),
    };
    let feature = |name: &&str| HistoricalFeature {
        name: (*name).to_owned(),
        output: (*name).to_owned(),
        value_type: ValueType::Unknown,
    };
    HistoricalView {
        name: "stats".to_owned(),
        source,
        join_keys: keys.iter().map(key).collect(),
        features: features.iter().map(feature).collect(),
        ttl: None,
        materialized: Vec::new(),
    }
}

/// Writes a Parquet file with row groups of at most `group` rows.
pub(crate) fn put(path: &Path, rows: &RecordBatch, group: usize) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let small = WriterProperties::builder().set_max_row_group_row_count(Some(group)).build();
    let file = File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, rows.schema(), Some(small)).unwrap();
    writer.write(rows).unwrap();
    writer.close().unwrap();
}

/// All rows of a Parquet file as one batch.
pub(crate) fn read(path: &Path) -> RecordBatch {
    let file = File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let rows = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let schema = SchemaRef::clone(rows.schema());
    let batches: Vec<_> = rows.build().unwrap().map(Result::unwrap).collect();
    arrow_select::concat::concat_batches(&schema, &batches).unwrap()
}

/// All rows of an answer as one batch.
pub(crate) async fn whole(rows: BatchStream) -> larder_core::Result<RecordBatch> {
    let schema = rows.schema();
    let batches = rows.collect().await?;
    Ok(arrow_select::concat::concat_batches(&schema, &batches).unwrap())
}
