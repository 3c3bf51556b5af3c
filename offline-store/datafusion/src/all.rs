//! All rows of a source, in the order of the files.

use std::sync::Arc;

use arrow_array::{Array as _, ArrayRef, BooleanArray, Int64Array, RecordBatch};
use arrow_buffer::BooleanBuffer;
use arrow_schema::SchemaRef;
use larder_core::Result;
use larder_offline_store::{BatchStream, Instants};
use tokio::runtime::Handle;

use crate::failure::from_arrow;
use crate::in_order::{InOrder, Outlet, Shape};
use crate::scan::FeatureScan;

/// Batches of one part that wait until those before are taken.
const WAITING: usize = 4;
/// About as many bytes as a batch has, however wide its rows are.
const BATCH_BYTES: usize = 1 << 20;
/// Fewest rows of a batch.
const LEAST_ROWS: usize = 64;

/// A read of all rows within an interval.
#[derive(Debug)]
pub(crate) struct All {
    pub(crate) scan: FeatureScan,
    /// The column of the scan with the event time and the ticks between which rows count, both included; `None` for all
    /// rows, also those without a time.
    pub(crate) within: Option<(usize, (i64, i64))>,
    /// Columns of the answer as positions in the scan.
    pub(crate) answer: Vec<usize>,
    /// The answer's.
    pub(crate) schema: SchemaRef,
    /// Rows per batch, at most.
    pub(crate) batch_rows: usize,
    /// Threads.
    pub(crate) workers: usize,
}

impl All {
    /// The rows; the pieces of the files are read by several workers, each a few batches ahead.
    pub(crate) fn run(self, what: String) -> BatchStream {
        let fitting = BATCH_BYTES / self.scan.row_width().max(1);
        let batch_rows = fitting.max(LEAST_ROWS).min(self.batch_rows);
        let schema = SchemaRef::clone(&self.schema);
        let shape = Shape {
            schema: SchemaRef::clone(&schema),
            batch_rows,
            waiting: WAITING,
            workers: self.workers,
        };
        let mut pieces = 0..self.scan.pieces();
        let all = Arc::new(self);
        let read = move |piece: usize, runtime: &Handle, outlet: &mut Outlet| {
            for rows in all.scan.whole_in_batches(piece, batch_rows, runtime)? {
                if !all.offer(&rows?, outlet)? {
                    break;
                }
            }
            Ok(())
        };
        let rows = InOrder::new(shape, move || Ok(pieces.next()), read).batches(what);
        BatchStream::new(schema, rows)
    }

    /// Takes over the rows within the interval; false when nobody wants them any more.
    fn offer(&self, rows: &RecordBatch, outlet: &mut Outlet) -> Result<bool> {
        let columns = self.answer.iter().map(|&column| ArrayRef::clone(rows.column(column)));
        let answer = RecordBatch::try_new(SchemaRef::clone(&self.schema), columns.collect());
        let answer = answer.map_err(from_arrow)?;
        let Some((time, ticks)) = self.within else { return outlet.push(answer) };
        let counting = counting(&Instants::read(rows.column(time))?.ticks, ticks);
        match counting.count_set_bits() {
            0 => Ok(true),
            all if all == rows.num_rows() => outlet.push(answer),
            _ => outlet.push_filtered(answer, &BooleanArray::new(counting, None)),
        }
    }
}

/// The rows whose time lies within the ticks.
fn counting(times: &Int64Array, (first, last): (i64, i64)) -> BooleanBuffer {
    let within =
        BooleanBuffer::collect_bool(times.len(), |row| (first..=last).contains(&times.value(row)));
    match times.nulls() {
        Some(known) => &within & known.inner(),
        None => within,
    }
}
