//! The newest row of every key, in bounded memory.
//!
//! The first pass reads keys and times and nothing else: workers share the pieces of the files, and of each key the newest
//! row is remembered by its position. Keys are dealt out to shards by their hash. A shard that outgrows its part of the
//! budget goes to disk with what it knows and begins anew; afterwards what it wrote is dealt out again, by other bits of
//! the hash, until everything fits. The second pass reads the rows that won and no others, in the order of the files, as
//! batches. What wins does not depend on the order of reading, because rows are ranked by time and position; so the answer
//! is the same with any number of workers and any budget.

mod choose;
mod positions;
mod read;
mod shard;
mod spill;

use std::num::NonZero;
use std::sync::Arc;

use arrow_schema::{Schema, SchemaRef};
use datafusion::execution::memory_pool::MemoryPool;
use larder_core::Result;
use larder_offline_store::BatchStream;

use self::choose::Choice;
use self::read::Reading;
use crate::scan::FeatureScan;

/// A read of the newest rows.
#[derive(Debug)]
pub(crate) struct Latest {
    /// The files, keys and times first.
    pub(crate) scan: FeatureScan,
    pub(crate) columns: LatestColumns,
    /// Ticks of the event time between which rows count, both included.
    pub(crate) ticks: (i64, i64),
    /// Columns of the answer as positions in the scan.
    pub(crate) answer: Vec<usize>,
    /// How many rows of the answer are left out at its start.
    pub(crate) skip: u64,
    pub(crate) limits: Limits,
}

/// Positions among the deciding columns of the scan.
#[derive(Debug, Clone)]
pub(crate) struct LatestColumns {
    /// Key columns; without any, all rows share one key.
    pub(crate) keys: Vec<usize>,
    /// Event time column.
    pub(crate) event: usize,
    /// Created time column.
    pub(crate) created: Option<usize>,
}

/// What a read may take.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    pub(crate) pool: Arc<dyn MemoryPool>,
    /// Bytes.
    pub(crate) memory: usize,
    /// Rows per batch, at most.
    pub(crate) batch_rows: usize,
    /// Threads.
    pub(crate) workers: usize,
}

impl Limits {
    /// One worker per processor.
    pub(crate) fn workers() -> usize {
        std::thread::available_parallelism().map_or(1, NonZero::get)
    }
}

impl Latest {
    /// Chooses the rows and answers them as they are read; the answer knows how many they are.
    ///
    /// # Errors
    /// `Data` for a file that is corrupt, `Unavailable` where the disk has no room for what the memory cannot hold;
    /// `Invalid` for key columns of types without an order.
    pub(crate) async fn run(self, what: String) -> Result<BatchStream> {
        let Self { scan, columns, ticks, answer, skip, limits } = self;
        let scan = Arc::new(scan);
        let choice = Choice::new(Arc::clone(&scan), columns, ticks, &limits)?;
        let chosen = choice.run(limits.workers).await;
        let mut positions = chosen.map_err(|error| error.context(&what))?;
        positions.skip(skip)?;
        let (schema, rows) = (projected(&scan, &answer)?, positions.left());
        let reading = Reading { scan, positions, answer, schema: SchemaRef::clone(&schema) };
        Ok(BatchStream::new(schema, reading.batches(&limits, what)).with_rows(rows))
    }
}

fn projected(scan: &FeatureScan, answer: &[usize]) -> Result<SchemaRef> {
    let schema: Schema = scan.schema().project(answer).map_err(crate::failure::from_arrow)?;
    Ok(Arc::new(schema))
}
