//! Entity rows that come one after the other: held while they are few, else put on disk.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, IntervalUnit, Schema, SchemaRef};
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryPool, MemoryReservation};
use datafusion::physical_plan::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use futures::{StreamExt as _, TryStreamExt as _};
use larder_core::Result;

use super::table::{EntityTable, Extent};
use super::time;
use crate::failure::{from_arrow, into_datafusion};
use crate::scan::{SpillWriter, Spilled};

/// Rows are held while all memory is this many times as large: the join needs some for each of them too.
const HELD_SHARE: usize = 4;
/// The part of the memory that rows on their way to disk may take, and the least and the most of it.
const BUFFER: (usize, usize, usize) = (64, 1 << 20, 16 << 20);

/// Rows on their way to an entity table.
#[derive(Debug)]
pub(super) struct Gathered {
    /// Times in UTC.
    schema: SchemaRef,
    time: usize,
    extent: Extent,
    held: Vec<RecordBatch>,
    memory: MemoryReservation,
    on_disk: Option<SpillWriter>,
    limit: usize,
}

impl Gathered {
    /// No rows yet, of this schema; `time` names the event time column if the caller knows it, and `limit` is what the
    /// join may hold. Rows that are held take memory of the pool until the last of them has come.
    ///
    /// # Errors
    /// `Invalid` for a schema without times.
    pub(super) fn new(
        schema: &Schema,
        time: Option<&str>,
        limit: usize,
        pool: &Arc<dyn MemoryPool>,
    ) -> Result<Self> {
        let time = time::find_column(schema, time)?;
        let schema: SchemaRef = Arc::new(time::utc_schema(schema, time)?);
        let memory = MemoryConsumer::new("entity rows").register(pool);
        let (extent, held, on_disk) = (Extent::default(), Vec::new(), None);
        Ok(Self { schema, time, extent, held, memory, on_disk, limit })
    }

    /// Appends rows.
    ///
    /// # Errors
    /// `Invalid` for times that are none, `Unavailable` where the disk has no room.
    pub(super) fn add(&mut self, rows: &RecordBatch) -> Result<()> {
        let rows = time::in_utc(rows, &self.schema)?;
        self.extent.add_times(rows.column(self.time))?;
        let bytes = rows.get_array_memory_size();
        self.extent.bytes += bytes;
        if let Some(disk) = &mut self.on_disk {
            return disk.write(&rows);
        }
        self.held.push(rows);
        let fits = self.extent.bytes <= self.limit / HELD_SHARE;
        if fits && self.memory.try_grow(bytes).is_ok() { Ok(()) } else { self.put_on_disk() }
    }

    fn put_on_disk(&mut self) -> Result<()> {
        if !self.schema.fields().iter().all(|field| is_storable(field.data_type())) {
            return Ok(());
        }
        let (share, least, most) = BUFFER;
        let mut disk = SpillWriter::new(&self.schema, (self.limit / share).clamp(least, most))?;
        for rows in std::mem::take(&mut self.held) {
            disk.write(&rows)?;
        }
        self.memory.free();
        self.on_disk = Some(disk);
        Ok(())
    }

    /// Ends the rows.
    ///
    /// # Errors
    /// `Unavailable` where the disk has no room.
    pub(super) fn finish(self) -> Result<EntityTable> {
        let Self { schema, time, extent, held, on_disk, .. } = self;
        match on_disk {
            None => EntityTable::of_utc(schema, held, time),
            Some(disk) => {
                let rows = RowsOnDisk { schema, rows: disk.finish()? };
                EntityTable::read_when_needed(Arc::new(rows), time, extent)
            }
        }
    }
}

/// Whether Parquet has values of a type.
fn is_storable(data_type: &DataType) -> bool {
    match data_type {
        DataType::Union(..) | DataType::Interval(IntervalUnit::MonthDayNano) => false,
        DataType::List(field)
        | DataType::LargeList(field)
        | DataType::ListView(field)
        | DataType::LargeListView(field)
        | DataType::FixedSizeList(field, _)
        | DataType::Map(field, _) => is_storable(field.data_type()),
        DataType::Struct(fields) => {
            !fields.is_empty() && fields.iter().all(|field| is_storable(field.data_type()))
        }
        DataType::Dictionary(_, value) => is_storable(value),
        DataType::RunEndEncoded(_, values) => is_storable(values.data_type()),
        _ => true,
    }
}

/// Rows on disk, in their order.
#[derive(Debug)]
struct RowsOnDisk {
    schema: SchemaRef,
    rows: Spilled,
}

impl PartitionStream for RowsOnDisk {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let batch_size = context.session_config().batch_size();
        let rows = self.rows.rows(self.rows.columns(), batch_size);
        let batches = futures::stream::once(async { rows })
            .map_ok(|rows| futures::stream::iter(rows.map(|rows| rows.map_err(from_arrow))))
            .try_flatten();
        let schema = Arc::clone(&self.schema);
        let in_schema = move |rows: RecordBatch| {
            RecordBatch::try_new(Arc::clone(&schema), rows.columns().to_vec()).map_err(from_arrow)
        };
        let batches = batches.map(move |rows| rows.and_then(&in_schema).map_err(into_datafusion));
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), batches))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::{ArrayRef, IntervalMonthDayNanoArray, StringArray, TimestampSecondArray};
    use datafusion::execution::memory_pool::GreedyMemoryPool;

    fn batch(first: i64) -> RecordBatch {
        let seconds = first..first + 100;
        let times: TimestampSecondArray = seconds.clone().map(Some).collect();
        let notes: StringArray = seconds.map(|second| Some(format!("note {second}"))).collect();
        RecordBatch::try_from_iter([
            ("event_timestamp", Arc::new(times) as ArrayRef),
            ("note", Arc::new(notes) as ArrayRef),
        ])
        .unwrap()
    }

    fn gathered(limit: usize, pool: usize, batches: &[RecordBatch]) -> Gathered {
        let pool: Arc<dyn MemoryPool> = Arc::new(GreedyMemoryPool::new(pool));
        let mut rows = Gathered::new(&batches[0].schema(), None, limit, &pool).unwrap();
        for batch in batches {
            rows.add(batch).unwrap();
        }
        rows
    }

    #[tokio::test]
    async fn rows_come_back_as_they_were_from_memory_and_from_disk() {
        let batches: Vec<RecordBatch> = (0..20).map(|number| batch(number * 100)).collect();
        let mut answers = Vec::new();
        let (much, little) = (1 << 30, 1 << 14);
        for (limit, pool, is_on_disk) in
            [(much, much, false), (little, much, true), (much, little, true), (0, 0, true)]
        {
            let rows = gathered(limit, pool, &batches);
            assert_eq!(rows.on_disk.is_some(), is_on_disk, "{limit}");
            assert!(!is_on_disk || rows.held.is_empty(), "{limit}");
            let table = rows.finish().unwrap();
            assert_eq!(table.extent.rows, 2_000, "{limit}");
            let read = table.rows.execute(0, Arc::new(TaskContext::default())).unwrap();
            let read: Vec<RecordBatch> = read.try_collect().await.unwrap();
            answers.push(arrow_select::concat::concat_batches(&table.schema, &read).unwrap());
        }
        assert_eq!(answers[0].num_rows(), 2_000);
        assert!(answers.iter().all(|answer| *answer == answers[0]));
    }

    #[test]
    fn types_that_parquet_does_not_have_stay_in_memory() {
        let lengths: ArrayRef = Arc::new(IntervalMonthDayNanoArray::from(vec![None; 100]));
        let times = ArrayRef::clone(batch(0).column(0));
        let rows = RecordBatch::try_from_iter_with_nullable([
            ("event_timestamp", times, true),
            ("length", lengths, true),
        ]);
        let rows = gathered(0, 0, &[rows.unwrap()]);
        assert!(rows.on_disk.is_none());
        assert_eq!(rows.finish().unwrap().extent.rows, 100);
    }
}
