//! Entity rows in a Parquet file: held when the file is small, else read as they are needed.

use std::path::Path;
use std::sync::Arc;

use arrow_schema::{DataType, SchemaRef};
use datafusion::execution::TaskContext;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use datafusion::physical_plan::{ExecutionPlan, SendableRecordBatchStream};
use futures::{StreamExt as _, TryStreamExt as _};
use larder_core::{DataSource, Error, Result, SourceKind};
use larder_object_storage::{ObjectUri, from_store};

use super::table::{EntityTable, Extent};
use super::time;
use crate::engine::DataFusionOfflineStore;
use crate::failure::{from_datafusion, into_datafusion};
use crate::source::{LOG, Location, Place, SourceTable, TimeBounds};

/// A file is held when all memory is this many times as large: its rows may take much more than the file.
const HELD_SHARE: u64 = 16;
/// Bytes of a value whose width is not known.
const TEXT_WIDTH: usize = 32;

/// Opens a file; `limit` is what the join may hold, and `time` names the event time column if the caller knows it.
///
/// # Errors
/// `Invalid` for a file without columns or without times, otherwise as reading it.
pub(super) async fn open(
    engine: &DataFusionOfflineStore,
    path: &Path,
    time: Option<&str>,
    limit: usize,
) -> Result<EntityTable> {
    let shown = path.display().to_string();
    let location = if ObjectUri::is_one(&shown) {
        Location::in_bucket(&shown, "")?
    } else {
        Location::local(path, &shown)?
    };
    if holds_log(engine, &location).await? {
        let what = format!("the entity rows at {shown} are a Delta table");
        return Err(Error::unsupported(what).with_hint(
            "define it as a source and ask with a query over it (SELECT ... FROM the source)",
        ));
    }
    let uri = shown.clone();
    let kind = SourceKind::File { uri, format: None, s3_endpoint_override: String::new() };
    let source = DataSource::new("entity rows", kind);
    let table = SourceTable::open_at(engine, &source, location).await?;
    let schema = table.schema();
    if schema.fields().is_empty() {
        return Err(Error::invalid(format!("{shown} has no columns")));
    }
    let columns: Vec<usize> = (0..schema.fields().len()).collect();
    let scan = table.scan(&columns, 0, TimeBounds::default())?;
    let what = format!("entity rows in {shown}");
    if table.bytes() <= limit as u64 / HELD_SHARE {
        let rows = engine.run(&scan, what)?;
        return EntityTable::of_batches(&rows.schema(), rows.collect().await?, time);
    }
    let time = time::find_column(&schema, time)?;
    let utc: SchemaRef = Arc::new(time::utc_schema(&schema, time)?);
    let extent = extent(engine, &table, &utc, time, &what).await?;
    EntityTable::read_when_needed(Arc::new(FileRows { schema: utc, scan, what }), time, extent)
}

/// Whether files are to be read as the log of a Delta table has them, which the names of its files do not say.
async fn holds_log(engine: &DataFusionOfflineStore, location: &Location) -> Result<bool> {
    match &location.place {
        Place::Local(path) => Ok(path.join(LOG).is_dir()),
        Place::Bucket { .. } if location.prefix.extension() == Some("parquet") => Ok(false),
        Place::Bucket { name, endpoint } => {
            let bucket = engine.buckets().get(name, Some(endpoint))?;
            let log = location.prefix.clone().join(LOG);
            let found = bucket.client().list(Some(&log)).try_next().await;
            let unread = |error| from_store(format_args!("cannot list {}", location.shown), error);
            Ok(found.map_err(unread)?.is_some())
        }
    }
}

/// How much there is, from the event times alone.
async fn extent(
    engine: &DataFusionOfflineStore,
    table: &SourceTable,
    schema: &SchemaRef,
    time: usize,
    what: &str,
) -> Result<Extent> {
    let scan = table.scan(&[time], 0, TimeBounds::default())?;
    let mut times = engine.run(&scan, what.to_owned())?;
    let mut extent = Extent::default();
    while let Some(batch) = times.next().await {
        extent.add_times(&time::to_utc(batch?.column(0), schema.field(time))?)?;
    }
    let width = |data_type: &DataType| data_type.primitive_width().unwrap_or(TEXT_WIDTH);
    let widths = schema.fields().iter().map(|field| width(field.data_type()));
    extent.bytes = extent.rows.saturating_mul(widths.sum());
    Ok(extent)
}

/// The rows of a file with their times in UTC.
#[derive(Debug)]
struct FileRows {
    schema: SchemaRef,
    scan: Arc<dyn ExecutionPlan>,
    /// For messages.
    what: String,
}

impl PartitionStream for FileRows {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let (schema, what) = (Arc::clone(&self.schema), self.what.clone());
        let rows = match self.scan.execute(0, context) {
            Ok(rows) => rows,
            Err(error) => {
                let failed = futures::stream::once(async { Err(error) });
                return Box::pin(RecordBatchStreamAdapter::new(schema, failed));
            }
        };
        let utc = Arc::clone(&schema);
        let rows = rows.map(move |batch| {
            let batch = batch.map_err(|error| from_datafusion(error).context(&what));
            batch.and_then(|batch| time::in_utc(&batch, &utc)).map_err(into_datafusion)
        });
        Box::pin(RecordBatchStreamAdapter::new(schema, rows))
    }
}
