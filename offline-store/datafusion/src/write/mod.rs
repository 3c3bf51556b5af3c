//! Rows that become files, or are appended to the files of a source.

mod columns;
mod files;
mod object;
mod parquet_file;
mod partition_objects;
mod partitions;
mod remote;
mod replace;
mod save;

use std::path::PathBuf;

use arrow_array::RecordBatch;
use larder_core::{DataSource, Error, Result};

use crate::engine::DataFusionOfflineStore;
use crate::source::{Place, SourceTable};

pub(crate) use save::save;

/// See [`OfflineStore::write`](larder_offline_store::OfflineStore::write).
pub(crate) async fn append(
    engine: &DataFusionOfflineStore,
    source: &DataSource,
    batches: Vec<RecordBatch>,
) -> Result<u64> {
    let table = SourceTable::open(engine, source).await?;
    let refused = |why: &str| {
        Error::unsupported(format!("rows cannot be appended to {}: {why}", table.shown()))
            .with_hint("a Parquet file or a folder of them can be appended to")
    };
    if table.location().is_delta {
        return Err(refused("it is a Delta table, which is only read"));
    }
    if table.location().pattern.is_some() {
        return Err(refused("it is a pattern of file names"));
    }
    if table.is_partitioned() {
        return Err(refused("it is partitioned by folder names"));
    }
    let batches = columns::align(&batches, &table.schema(), &table.shown())?;
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    if rows == 0 {
        return Ok(0);
    }
    match &table.location().place {
        Place::Local(path) => append_local(&table, path.clone(), batches).await?,
        Place::Bucket { name, endpoint } => {
            let bucket = engine.buckets().get(name, Some(endpoint))?;
            remote::append(&bucket, &table, batches).await?;
        }
    }
    Ok(rows as u64)
}

async fn append_local(table: &SourceTable, path: PathBuf, batches: Vec<RecordBatch>) -> Result<()> {
    let (schema, files) = (table.schema(), table.file_count());
    let write = move || {
        if path.is_dir() {
            files::add_part(&path, files, &schema, &batches)
        } else {
            files::extend_file(&path, &batches)
        }
    };
    let written = tokio::task::spawn_blocking(write).await;
    written.map_err(|error| Error::internal("the write ended early").with_source(error))?
}
