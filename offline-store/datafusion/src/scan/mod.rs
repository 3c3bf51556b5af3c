//! Reading the rows of feature files for a join: the deciding columns first, the features of the winners afterwards.
//!
//! A row is known by its position: row groups are numbered in file order, each starting at a multiple of 64, so that
//! positions order rows as the files do and a set of rows is a bitmap. What cannot hold rows of the wanted interval
//! (files and row groups by the statistics in the footers, pages by the page index) is never read.

mod bytes;
mod chosen;
mod deleted;
mod file;
mod open;
mod plan;
mod prune;
mod spilled;
mod winners;

use std::ops::Range;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{Schema, SchemaRef};
use larder_core::Result;
use tokio::runtime::Handle;

pub(crate) use chosen::Chosen;
pub(crate) use deleted::Deleted;
use file::{ScanFile, Wanted};
pub(crate) use plan::{Pruning, ScanColumns, Share};
pub(crate) use spilled::{SpillWriter, Spilled};
pub(crate) use winners::{FoundRows, WinningRows};

/// Rows decoded at a time: their keys and times stay in the nearest caches.
const BATCH_ROWS: usize = 8192;
/// Row groups are cut into pieces of about this many rows, where pages can be skipped.
const PIECE_ROWS: usize = 256 * 1024;

/// The files of one view as a join reads them.
#[derive(Debug)]
pub(crate) struct FeatureScan {
    /// Keys, event time and created time.
    pub(crate) deciding: SchemaRef,
    /// Features.
    pub(crate) features: SchemaRef,
    /// What is read and what is not.
    pub(crate) pruning: Pruning,
    files: Vec<Arc<ScanFile>>,
    groups: Vec<Group>,
    pieces: Vec<Piece>,
}

/// A row group that is read.
#[derive(Debug, Clone)]
struct Group {
    file: usize,
    number: usize,
    rows: usize,
    /// Position of its first row.
    base: u64,
}

/// Rows of one row group that are read by one worker.
#[derive(Debug, Clone)]
struct Piece {
    group: usize,
    ranges: Vec<Range<usize>>,
}

/// Consecutive rows with their deciding columns.
#[derive(Debug)]
pub(crate) struct Deciding {
    pub(crate) batch: RecordBatch,
    /// Runs of rows whose positions follow each other: rows of the batch and the position of the first.
    pub(crate) runs: Vec<(Range<usize>, u64)>,
}

impl FeatureScan {
    /// How many pieces the deciding columns are read in.
    pub(crate) fn pieces(&self) -> usize {
        self.pieces.len()
    }

    /// How many row groups are read.
    pub(crate) fn groups(&self) -> usize {
        self.groups.len()
    }

    /// One more than the position of the last row.
    pub(crate) fn end(&self) -> u64 {
        self.groups.last().map_or(0, |group| group.base + group.rows as u64)
    }

    /// All columns of one piece, the deciding ones first; blocks.
    pub(crate) fn whole(
        &self,
        piece: usize,
        runtime: &Handle,
    ) -> Result<impl Iterator<Item = Result<RecordBatch>>> {
        self.whole_in_batches(piece, BATCH_ROWS, runtime)
    }

    /// As [`whole`](Self::whole), in batches of at most `rows`.
    pub(crate) fn whole_in_batches(
        &self,
        piece: usize,
        rows: usize,
        runtime: &Handle,
    ) -> Result<impl Iterator<Item = Result<RecordBatch>>> {
        let Piece { group, ranges } = &self.pieces[piece];
        let Group { file, number, .. } = self.groups[*group];
        let schema = self.schema();
        let columns = 0..schema.fields().len();
        let batch_size = rows.min(BATCH_ROWS);
        let wanted = Wanted { group: number, ranges, columns, schema: &schema, batch_size };
        self.files[file].rows(&wanted, runtime)
    }

    /// The deciding columns, then the features.
    pub(crate) fn schema(&self) -> SchemaRef {
        let fields = self.deciding.fields().iter().chain(self.features.fields()).cloned();
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }

    /// The deciding columns of one piece; blocks.
    pub(crate) fn deciding(
        &self,
        piece: usize,
        runtime: &Handle,
    ) -> Result<impl Iterator<Item = Result<Deciding>>> {
        let Piece { group, ranges } = &self.pieces[piece];
        let Group { file, number, base, .. } = self.groups[*group];
        let wanted = Wanted {
            group: number,
            ranges,
            columns: 0..self.deciding.fields().len(),
            schema: &self.deciding,
            batch_size: BATCH_ROWS,
        };
        let rows = self.files[file].rows(&wanted, runtime)?;
        let mut left: Vec<Range<usize>> = ranges.iter().rev().cloned().collect();
        Ok(rows.map(move |batch| {
            let batch = batch?;
            let runs = take_runs(&mut left, batch.num_rows(), base);
            Ok(Deciding { batch, runs })
        }))
    }
}

/// Takes `rows` rows off the ranges that are left, the next of them last.
fn take_runs(left: &mut Vec<Range<usize>>, rows: usize, base: u64) -> Vec<(Range<usize>, u64)> {
    let (mut runs, mut taken) = (Vec::new(), 0);
    while taken < rows {
        let Some(mut range) = left.pop() else { break };
        let length = range.len().min(rows - taken);
        runs.push((taken..taken + length, base + range.start as u64));
        range.start += length;
        taken += length;
        if !range.is_empty() {
            left.push(range);
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_keep_their_positions_across_batches_and_gaps() {
        let mut left = vec![20..23, 4..9];
        assert_eq!(take_runs(&mut left, 3, 64), [(0..3, 68)]);
        assert_eq!(take_runs(&mut left, 4, 64), [(0..2, 71), (2..4, 84)]);
        assert_eq!(take_runs(&mut left, 1, 64), [(0..1, 86)]);
        assert!(left.is_empty());
    }
}
