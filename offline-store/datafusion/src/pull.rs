//! Reads of one source for materialization.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use datafusion::physical_plan::ExecutionPlan;
use futures::TryStreamExt;
use larder_core::{DUMMY_JOIN_KEY, Result, Timestamp};
use larder_offline_store::{BatchStream, PullRequest, nanos};

use crate::engine::DataFusionOfflineStore;
use crate::failure::from_arrow;
use crate::latest::{LatestColumns, LatestExec};
use crate::source::{SourceTable, TimeBounds};

/// See [`OfflineStore::pull_latest`](larder_offline_store::OfflineStore::pull_latest).
pub(crate) async fn latest(
    engine: &DataFusionOfflineStore,
    request: &PullRequest,
) -> Result<BatchStream> {
    let (scan, columns) = scan(engine, request).await?;
    let plan: Arc<dyn ExecutionPlan> = Arc::new(LatestExec::new(scan, columns));
    answer(engine, request, &plan)
}

/// See [`OfflineStore::pull_all`](larder_offline_store::OfflineStore::pull_all).
pub(crate) async fn all(
    engine: &DataFusionOfflineStore,
    request: &PullRequest,
) -> Result<BatchStream> {
    let (scan, _) = scan(engine, request).await?;
    answer(engine, request, &scan)
}

/// A scan of the columns of a request within its interval, and where the deciding columns are in it.
async fn scan(
    engine: &DataFusionOfflineStore,
    request: &PullRequest,
) -> Result<(Arc<dyn ExecutionPlan>, LatestColumns)> {
    let table = SourceTable::open(engine, &request.source).await?;
    let mut projection = Vec::new();
    let mut place = |column: usize| {
        projection.iter().position(|known| *known == column).unwrap_or_else(|| {
            projection.push(column);
            projection.len() - 1
        })
    };
    let mut keys = Vec::new();
    for key in &request.join_keys {
        keys.push(place(table.column(key, "which is a join key")?));
    }
    for feature in &request.features {
        place(table.column(feature, "which is a feature")?);
    }
    let event = table.column(&request.timestamp_field, EVENT_TIME)?;
    let event = table.check_time(event, EVENT_TIME)?;
    let created = request.created_timestamp_column.as_deref().filter(|name| !name.is_empty());
    let created = created.map(|name| {
        table.column(name, CREATED_TIME).and_then(|column| table.check_time(column, CREATED_TIME))
    });
    let created = created.transpose()?;
    if request.features.is_empty() {
        let decides = |column: &usize| *column == event || Some(*column) == created;
        (0..table.schema().fields().len()).filter(|column| !decides(column)).for_each(|column| {
            place(column);
        });
    }
    let (event, created) = (place(event), created.map(&mut place));
    let bounds = TimeBounds { first: request.start.map(instant), last: request.end.map(instant) };
    let scan = table.scan(&projection, event, bounds)?;
    Ok((scan, LatestColumns { keys, event, created }))
}

/// What event time columns are for, in messages.
pub(crate) const EVENT_TIME: &str = "which is the event timestamp";
/// What created time columns are for, in messages.
pub(crate) const CREATED_TIME: &str = "which is the created timestamp";

fn instant(timestamp: Timestamp) -> i128 {
    nanos(timestamp.micros(), arrow_schema::TimeUnit::Microsecond)
}

fn answer(
    engine: &DataFusionOfflineStore,
    request: &PullRequest,
    plan: &Arc<dyn ExecutionPlan>,
) -> Result<BatchStream> {
    let rows = engine.run(plan, format!("source \"{}\"", request.source.name))?;
    Ok(if request.join_keys.is_empty() { with_dummy_key(rows) } else { rows })
}

/// Feast 0.67, dask: rows of a view without entities carry the key under which they are stored online.
fn with_dummy_key(rows: BatchStream) -> BatchStream {
    let mut fields = vec![Arc::new(Field::new(DUMMY_JOIN_KEY, DataType::Utf8, true))];
    fields.extend(rows.schema().fields().iter().cloned());
    let schema = Arc::new(Schema::new(fields));
    let keyed = Arc::clone(&schema);
    let batches = rows.and_then(move |batch| {
        let key: ArrayRef = Arc::new(StringArray::from(vec![""; batch.num_rows()]));
        let columns = std::iter::once(key).chain(batch.columns().iter().cloned()).collect();
        let batch = RecordBatch::try_new(Arc::clone(&keyed), columns).map_err(from_arrow);
        std::future::ready(batch)
    });
    BatchStream::new(schema, batches)
}
