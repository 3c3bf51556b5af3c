//! What of the files of a view has to be read.

use std::ops::Range;
use std::sync::Arc;

use arrow_schema::{Field, Fields, Schema, SchemaRef};
use futures::{StreamExt as _, TryStreamExt as _};
use larder_core::Result;

use super::file::{FileColumn, ScanFile};
use super::prune::TimePruning;
use super::{FeatureScan, Group, PIECE_ROWS, Piece};
use crate::source::{SourceTable, TimeBounds};

/// How many footers are read at a time.
const FOOTERS_AT_A_TIME: usize = 16;

/// Columns of a scan by their positions in the table.
#[derive(Debug, Clone)]
pub(crate) struct ScanColumns {
    /// Keys, event time and created time.
    pub(crate) deciding: Vec<usize>,
    /// Where the event time is among them.
    pub(crate) event: usize,
    /// Features with the types in which they are answered.
    pub(crate) features: Vec<(usize, arrow_schema::DataType)>,
}

/// How much is read of how much there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Pruning {
    pub(crate) files: Share,
    pub(crate) row_groups: Share,
    pub(crate) rows: Share,
    /// Compressed bytes of the deciding columns.
    pub(crate) deciding_bytes: Share,
    /// Compressed bytes of the features, if every row were wanted.
    pub(crate) feature_bytes: Share,
}

/// A part of a whole.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Share {
    pub(crate) kept: u64,
    pub(crate) of: u64,
}

impl Share {
    fn add(&mut self, kept: bool, amount: u64) {
        self.of += amount;
        self.kept += if kept { amount } else { 0 };
    }
}

impl FeatureScan {
    /// Reads the footers of a table's files and leaves out what lies outside the bounds; `None` reads nothing at all.
    ///
    /// # Errors
    /// `Data` for a footer that cannot be read, or what the store answers.
    pub(crate) async fn plan(
        table: &SourceTable,
        columns: &ScanColumns,
        bounds: Option<TimeBounds>,
    ) -> Result<Self> {
        let schema = table.schema();
        let deciding = columns.deciding.iter().map(|&column| schema.field(column).clone());
        let features = columns.features.iter().map(|(column, data_type)| {
            Field::new(schema.field(*column).name(), data_type.clone(), true)
        });
        let mut scan = Self {
            deciding: nullable(deciding),
            features: nullable(features),
            pruning: Pruning::default(),
            files: Vec::new(),
            groups: Vec::new(),
            pieces: Vec::new(),
        };
        let positions: Vec<usize> = columns
            .deciding
            .iter()
            .copied()
            .chain(columns.features.iter().map(|(column, _)| *column))
            .collect();
        let files = futures::stream::iter(0..table.file_count());
        let files = files.map(|file| table.scan_file(file, &positions));
        let mut files = files.buffered(FOOTERS_AT_A_TIME).boxed();
        while let Some(file) = files.try_next().await? {
            scan.add(file, columns.event, bounds);
        }
        Ok(scan)
    }

    /// Adds what of a file is read.
    fn add(&mut self, file: ScanFile, event: usize, bounds: Option<TimeBounds>) {
        let time = match file.columns[event] {
            FileColumn::Stored(column) => Some(file.footer.schema().field(column).name()),
            FileColumn::Constant(_) => None,
        };
        let stored = time.is_some();
        let pruning = bounds.zip(time);
        let pruning =
            pruning.and_then(|(bounds, time)| TimePruning::new(&file.footer, time, bounds));
        let groups = file.footer.metadata().num_row_groups();
        // Without a stored time there is none that could win.
        let kept = match &pruning {
            _ if bounds.is_none() || !stored => vec![false; groups],
            Some(pruning) => pruning.row_groups(),
            None => vec![true; groups],
        };
        let number = self.files.len();
        for (group, &kept) in kept.iter().enumerate() {
            self.count(&file, group, kept);
            if kept {
                let pages = pruning.as_ref().and_then(|pruning| pruning.pages(group));
                self.add_group(number, &file, group, pages);
            }
        }
        let any = kept.contains(&true);
        self.pruning.files.add(any, 1);
        if any {
            self.files.push(Arc::new(file));
        }
    }

    fn count(&mut self, file: &ScanFile, group: usize, kept: bool) {
        let (deciding, features) = (self.deciding.fields().len(), self.features.fields().len());
        let pruning = &mut self.pruning;
        pruning.row_groups.add(kept, 1);
        pruning.rows.add(kept, file.group_rows(group) as u64);
        pruning.deciding_bytes.add(kept, file.group_bytes(group, 0..deciding));
        let features = file.group_bytes(group, deciding..deciding + features);
        pruning.feature_bytes.add(kept, features);
    }

    fn add_group(
        &mut self,
        file: usize,
        opened: &ScanFile,
        number: usize,
        pages: Option<Vec<Range<usize>>>,
    ) {
        let rows = opened.group_rows(number);
        let base = self.end().next_multiple_of(64);
        let group = self.groups.len();
        self.groups.push(Group { file, number, rows, base });
        let whole = pages.unwrap_or_else(|| std::iter::once(0..rows).collect());
        let whole = opened.live(number, whole);
        let size = if opened.has_pages() { PIECE_ROWS } else { rows };
        self.pieces.extend(cut(whole, size).map(|ranges| Piece { group, ranges }));
    }
}

/// Cuts ranges into pieces of at most `size` rows.
fn cut(ranges: Vec<Range<usize>>, size: usize) -> impl Iterator<Item = Vec<Range<usize>>> {
    let mut left = ranges;
    left.reverse();
    std::iter::from_fn(move || {
        let (mut piece, mut room) = (Vec::new(), size);
        while room > 0 {
            let Some(range) = left.pop() else { break };
            let end = range.end.min(range.start + room);
            room -= end - range.start;
            if end < range.end {
                left.push(end..range.end);
            }
            piece.push(range.start..end);
        }
        (!piece.is_empty()).then_some(piece)
    })
}

fn nullable(fields: impl Iterator<Item = Field>) -> SchemaRef {
    let fields: Fields = fields.map(|field| field.with_nullable(true)).collect();
    Arc::new(Schema::new(fields))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_cut_into_pieces_of_one_size() {
        let pieces: Vec<_> = cut(vec![0..2, 4..6, 8..12, 20..22], 5).collect();
        assert_eq!(pieces, [vec![0..2, 4..6, 8..9], vec![9..12, 20..22]]);
        assert_eq!(cut(Vec::new(), 3).count(), 0);
    }
}
