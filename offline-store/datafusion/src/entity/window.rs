//! Retrieval without entity rows: every key that the sources hold within an interval.

use std::sync::Arc;
use std::time::Duration;

use arrow_array::{
    Array, ArrayRef, RecordBatch, RecordBatchOptions, TimestampMicrosecondArray, new_null_array,
};
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use datafusion::datasource::memory::MemorySourceConfig;
use larder_core::{Error, Result, Timestamp};
use larder_offline_store::nanos;

use super::newest::{LatestColumns, LatestExec};
use super::table::EntityTable;
use super::time::EVENT_TIMESTAMP;
use crate::engine::DataFusionOfflineStore;
use crate::failure::{from_arrow, from_datafusion};
use crate::historical::OpenView;
use crate::pit::common_key_type;
use crate::source::TimeBounds;

/// How far to look back for keys when no view has a ttl (Feast 0.67).
const DEFAULT_REACH: Duration = Duration::from_hours(30 * 24);

/// The distinct keys of all views within `[start, end]`, each with the time `end`.
pub(super) async fn keys(
    engine: &DataFusionOfflineStore,
    views: &[OpenView],
    start: Option<Timestamp>,
    end: Timestamp,
) -> Result<EntityTable> {
    let reach = views.iter().filter_map(|open| open.view.effective_ttl()).max();
    let start = start.unwrap_or_else(|| end.minus(reach.unwrap_or(DEFAULT_REACH)));
    if start > end {
        return Err(Error::invalid("the start of the retrieval lies after its end"));
    }
    let bounds = TimeBounds { first: Some(instant(start)), last: Some(instant(end)) };
    let columns = entity_columns(views)?;
    let mut batches = Vec::new();
    for open in views.iter().filter(|open| !open.view.join_keys.is_empty()) {
        batches.extend(keys_of(engine, open, &columns, bounds).await?);
    }
    let mut rows = if columns.is_empty() {
        Rows::single(end)?
    } else {
        Rows { columns, batches }.distinct(engine).await?.at(end)?
    };
    rows.batches.retain(|batch| batch.num_rows() > 0);
    let schema = Arc::new(Schema::new(rows.columns));
    EntityTable::of_utc(schema, rows.batches, 0)
}

fn instant(timestamp: Timestamp) -> i128 {
    nanos(timestamp.micros(), TimeUnit::Microsecond)
}

/// The entity columns of all views in the order in which they first appear, in types that hold every view's keys.
fn entity_columns(views: &[OpenView]) -> Result<Vec<Field>> {
    let mut columns: Vec<Field> = Vec::new();
    for open in views {
        for (key, field) in open.view.join_keys.iter().zip(open.key_fields()) {
            let (name, data_type) = (&key.entity_column, field.data_type());
            let Some(known) = columns.iter_mut().find(|known| known.name() == name) else {
                columns.push(Field::new(name, data_type.clone(), true));
                continue;
            };
            if known.data_type() != data_type {
                let common = common_key_type(known.data_type(), data_type).ok_or_else(|| {
                    Error::invalid(format!(
                        "join key \"{name}\" is {data_type} in feature view \"{}\" but {} in another",
                        open.view.name,
                        known.data_type()
                    ))
                })?;
                known.set_data_type(common);
            }
        }
    }
    Ok(columns)
}

/// The distinct keys of one view, null in the entity columns that it does not have.
async fn keys_of(
    engine: &DataFusionOfflineStore,
    open: &OpenView,
    columns: &[Field],
    bounds: TimeBounds,
) -> Result<Vec<RecordBatch>> {
    let join_keys = &open.view.join_keys;
    let event = join_keys.len();
    let distinct = LatestColumns { keys: (0..event).collect(), event, created: None };
    let plan = LatestExec::new(open.scan_keys(bounds)?, distinct);
    let what = format!("join keys of feature view \"{}\"", open.view.name);
    let found = engine.run(&(Arc::new(plan) as _), what)?.collect().await?;
    let schema = Arc::new(Schema::new(columns.to_vec()));
    let aligned = found.iter().map(|batch| {
        let complete = without_null_keys(batch, event)?;
        let column = |field: &Field| -> Result<ArrayRef> {
            let own = join_keys.iter().position(|key| key.entity_column == *field.name());
            match own {
                Some(own) => arrow_cast::cast(complete.column(own), field.data_type()),
                None => Ok(new_null_array(field.data_type(), complete.num_rows())),
            }
            .map_err(from_arrow)
        };
        let arrays = columns.iter().map(column).collect::<Result<_>>()?;
        RecordBatch::try_new(Arc::clone(&schema), arrays).map_err(from_arrow)
    });
    aligned.collect()
}

fn without_null_keys(batch: &RecordBatch, keys: usize) -> Result<RecordBatch> {
    let complete = |row: usize| batch.columns()[..keys].iter().all(|column| column.is_valid(row));
    let kept = (0..batch.num_rows()).map(|row| Some(complete(row))).collect();
    arrow_select::filter::filter_record_batch(batch, &kept).map_err(from_arrow)
}

/// Keys on their way to entity rows.
struct Rows {
    columns: Vec<Field>,
    batches: Vec<RecordBatch>,
}

impl Rows {
    /// One row without a key, which is what views without entities are asked for.
    fn single(end: Timestamp) -> Result<Self> {
        let schema = Arc::new(Schema::empty());
        let options = RecordBatchOptions::new().with_row_count(Some(1));
        let row = RecordBatch::try_new_with_options(schema, Vec::new(), &options);
        Self { columns: Vec::new(), batches: vec![row.map_err(from_arrow)?] }.at(end)
    }

    /// Leaves out keys that several views have.
    async fn distinct(self, engine: &DataFusionOfflineStore) -> Result<Self> {
        // Of rows at one time the newest per key is any of them.
        let Self { columns, batches } = self.at(Timestamp::EPOCH)?;
        let schema = Arc::new(Schema::new(columns.clone()));
        let input = MemorySourceConfig::try_new_exec(&[batches], schema, None);
        let keys: Vec<usize> = (1..columns.len()).collect();
        let distinct = LatestColumns { keys: keys.clone(), event: 0, created: None };
        let plan = LatestExec::new(input.map_err(from_datafusion)?, distinct);
        let what = "join keys of all feature views".to_owned();
        let found = engine.run(&(Arc::new(plan) as _), what)?.collect().await?;
        let batches = found.iter().map(|batch| batch.project(&keys).map_err(from_arrow));
        Ok(Self { batches: batches.collect::<Result<_>>()?, columns: columns[1..].to_vec() })
    }

    /// Puts the time before the keys.
    fn at(self, time: Timestamp) -> Result<Self> {
        let utc = Some(Arc::from("UTC"));
        let stamp =
            Field::new(EVENT_TIMESTAMP, DataType::Timestamp(TimeUnit::Microsecond, utc), true);
        let columns: Vec<Field> = std::iter::once(stamp).chain(self.columns).collect();
        let schema = Arc::new(Schema::new(columns.clone()));
        let batches = self.batches.iter().map(|batch| {
            let times = vec![time.micros(); batch.num_rows()];
            let times: ArrayRef =
                Arc::new(TimestampMicrosecondArray::from(times).with_timezone("UTC"));
            let arrays = std::iter::once(times).chain(batch.columns().iter().cloned()).collect();
            RecordBatch::try_new(Arc::clone(&schema), arrays).map_err(from_arrow)
        });
        Ok(Self { batches: batches.collect::<Result<_>>()?, columns })
    }
}
