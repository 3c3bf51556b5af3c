//! The join of entity rows that fit in memory with the features of one view, but not of all.
//!
//! Views are joined one after the other, and the answers of each are put on disk in the order of the entity rows.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use datafusion::common::runtime::SpawnedTask;
use datafusion::execution::memory_pool::MemoryReservation;
use larder_core::{Error, Result};
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;

use super::answers::Answers;
use super::exec::ViewJoin;
use super::join::Join;
use crate::failure::from_arrow;
use crate::scan::{SpillWriter, Spilled};

/// Rows that are put on disk at a time.
const BATCH_ROWS: usize = 64 << 10;
/// Bytes on their way to disk.
const BUFFER: usize = 8 << 20;

/// A join of one view after the other.
pub(super) struct ByView<'a> {
    pub(super) views: &'a [Arc<ViewJoin>],
    pub(super) batches: &'a [RecordBatch],
    pub(super) workers: usize,
    pub(super) memory: &'a MemoryReservation,
}

impl ByView<'_> {
    /// Per view the answers to all entity rows, in their order.
    pub(super) async fn run(self, batch_size: usize) -> Result<Vec<InOrder>> {
        let rows = self.batches.iter().map(RecordBatch::num_rows).sum();
        let mut answers = Vec::with_capacity(self.views.len());
        for view in self.views {
            let memory = Arc::new(self.memory.new_empty());
            let join = Join {
                views: std::iter::once(Arc::clone(view)).collect(),
                batches: self.batches.to_vec(),
                workers: self.workers,
                memory: Arc::clone(&memory),
            };
            let of_view = join.run().await?;
            let view = Arc::clone(view);
            let task = SpawnedTask::spawn_blocking(move || spill(&view, &of_view, rows));
            let done = task.join().await;
            let spilled =
                done.map_err(|error| Error::internal("a worker ended early").with_source(error))??;
            drop(memory);
            let rows = spilled.rows(spilled.columns(), batch_size)?;
            answers.push(InOrder { rows, pending: None });
        }
        Ok(answers)
    }
}

fn spill(view: &ViewJoin, answers: &[Answers], rows: usize) -> Result<Spilled> {
    let schema = &view.scan.features;
    let mut writer = SpillWriter::new(schema, BUFFER)?;
    for first in (0..rows).step_by(BATCH_ROWS) {
        let mut columns = Vec::with_capacity(schema.fields().len());
        for answers in answers {
            columns.extend(answers.columns(first, BATCH_ROWS.min(rows - first))?);
        }
        writer.write(&RecordBatch::try_new(Arc::clone(schema), columns).map_err(from_arrow)?)?;
    }
    writer.finish()
}

/// Answers on disk, one row for each entity row.
pub(super) struct InOrder {
    rows: ParquetRecordBatchReader,
    pending: Option<RecordBatch>,
}

impl InOrder {
    /// The feature columns of the next `rows` entity rows.
    pub(super) fn next(&mut self, rows: usize) -> Result<Vec<ArrayRef>> {
        let (mut pieces, mut wanted) = (Vec::new(), rows);
        while wanted > 0 {
            let batch = match self.pending.take() {
                Some(batch) => batch,
                None => self.rows.next().ok_or_else(lost)?.map_err(from_arrow)?,
            };
            let here = batch.num_rows().min(wanted);
            wanted -= here;
            pieces.push(batch.slice(0, here));
            if here < batch.num_rows() {
                self.pending = Some(batch.slice(here, batch.num_rows() - here));
            }
        }
        let Some(first) = pieces.first() else { return Err(lost()) };
        let all = arrow_select::concat::concat_batches(&first.schema(), &pieces);
        Ok(all.map_err(from_arrow)?.columns().to_vec())
    }
}

fn lost() -> Error {
    Error::internal("answers were lost on their way through the disk")
}
