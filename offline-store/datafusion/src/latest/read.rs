//! The second pass: the rows that won, in the order of the files.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use futures::stream::Stream;
use larder_core::Result;
use tokio::runtime::Handle;

use super::Limits;
use super::positions::Positions;
use crate::failure::from_arrow;
use crate::in_order::{InOrder, Outlet, Shape};
use crate::scan::{Chosen, FeatureScan};

/// Batches of one part that wait until those before are taken.
const WAITING: usize = 8;
/// Batches of a part besides them: what is decoded, filtered, put together and taken.
const AT_HAND: usize = 4;
/// Fewest rows of a batch, however wide they are.
const LEAST_ROWS: usize = 64;

/// Rows that won, read by several workers: those of consecutive rows of one row group together.
pub(super) struct Reading {
    pub(super) scan: Arc<FeatureScan>,
    pub(super) positions: Positions,
    /// Columns of the answer as positions in the scan.
    pub(super) answer: Vec<usize>,
    pub(super) schema: SchemaRef,
}

impl Reading {
    /// The rows; errors say what was read.
    pub(super) fn batches(
        self,
        limits: &Limits,
        what: String,
    ) -> impl Stream<Item = Result<RecordBatch>> + Send + use<> {
        let Self { scan, positions, answer, schema } = self;
        let workers = limits.workers.max(1);
        // A quarter of the memory is for the rows that are read.
        let batches = 4 * workers * (WAITING + AT_HAND);
        let rows = limits.memory / batches / scan.row_width().max(1);
        let rows = rows.clamp(LEAST_ROWS, limits.batch_rows.max(LEAST_ROWS));
        let shape =
            Shape { schema, batch_rows: rows.min(limits.batch_rows), waiting: WAITING, workers };
        let batch_rows = shape.batch_rows;
        let mut parts = Parts { scan: Arc::clone(&scan), positions, pending: None };
        let read = move |chosen: Chosen, runtime: &Handle, outlet: &mut Outlet| {
            for batch in scan.chosen(&chosen, batch_rows, runtime)? {
                let batch = batch?.project(&answer).map_err(from_arrow)?;
                if !outlet.push(batch)? {
                    break;
                }
            }
            Ok(())
        };
        InOrder::new(shape, move || parts.next(), read).batches(what)
    }
}

/// The winners, in the parts in which they are read.
struct Parts {
    scan: Arc<FeatureScan>,
    positions: Positions,
    /// The first position of the next part.
    pending: Option<u64>,
}

impl Parts {
    /// The winners that are read together.
    fn next(&mut self) -> Result<Option<Chosen>> {
        let first = match self.pending.take() {
            Some(first) => Some(first),
            None => self.positions.next()?,
        };
        let Some(first) = first else { return Ok(None) };
        let mut chosen = self.scan.choose(first);
        while let Some(position) = self.positions.next()? {
            if !chosen.add(position) {
                self.pending = Some(position);
                break;
            }
        }
        Ok(Some(chosen))
    }
}
