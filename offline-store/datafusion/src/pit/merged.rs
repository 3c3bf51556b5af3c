//! Answers of several partitions in the order of the entity rows.

use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;
use arrow_array::{ArrayRef, RecordBatch, UInt32Array};
use larder_core::{Error, Result};
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;

use crate::failure::from_arrow;
use crate::scan::Spilled;

/// Rows that are read back at a time, of each partition.
const BATCH_ROWS: usize = 1024;

/// The answers of one view.
pub(super) struct Merged {
    parts: Vec<Part>,
    next: u64,
}

/// The answers of one partition, in ascending order of their row numbers, which are the first column.
struct Part {
    rows: ParquetRecordBatchReader,
    pending: Option<RecordBatch>,
}

impl Merged {
    pub(super) fn new(parts: &[Spilled]) -> Result<Self> {
        let part = |spilled: &Spilled| {
            Ok(Part { rows: spilled.rows(spilled.columns(), BATCH_ROWS)?, pending: None })
        };
        Ok(Self { parts: parts.iter().map(part).collect::<Result<_>>()?, next: 0 })
    }

    /// The feature columns of the next `rows` entity rows.
    pub(super) fn next(&mut self, rows: usize) -> Result<Vec<ArrayRef>> {
        let (first, end) = (self.next, self.next + rows as u64);
        self.next = end;
        let mut pieces = Vec::new();
        for part in &mut self.parts {
            part.take_until(end, &mut pieces)?;
        }
        let Some(piece) = pieces.first() else {
            return Err(Error::internal("entity rows were lost on their way through the disk"));
        };
        let all = arrow_select::concat::concat_batches(&piece.schema(), &pieces);
        let all = all.map_err(from_arrow)?;
        let mut places = vec![0_u32; rows];
        for (place, row) in (0_u32..).zip(all.column(0).as_primitive::<UInt64Type>().values()) {
            places[usize::try_from(row - first).unwrap_or(usize::MAX)] = place;
        }
        let places = UInt32Array::from(places);
        let features = all.columns()[1..].iter();
        let taken = features.map(|column| arrow_select::take::take(column, &places, None));
        taken.collect::<Result<_, _>>().map_err(from_arrow)
    }
}

impl Part {
    fn take_until(&mut self, end: u64, pieces: &mut Vec<RecordBatch>) -> Result<()> {
        loop {
            let batch = match self.pending.take() {
                Some(batch) => batch,
                None => match self.rows.next().transpose().map_err(from_arrow)? {
                    Some(batch) => batch,
                    None => return Ok(()),
                },
            };
            let numbers = batch.column(0).as_primitive::<UInt64Type>().values();
            let cut = numbers.partition_point(|row| *row < end);
            if cut > 0 {
                pieces.push(batch.slice(0, cut));
            }
            if cut < batch.num_rows() {
                self.pending = Some(batch.slice(cut, batch.num_rows() - cut));
                return Ok(());
            }
        }
    }
}
