//! Chosen rows with all their columns.

use std::ops::Range;

use arrow_array::{BooleanArray, RecordBatch};
use arrow_buffer::{BooleanBuffer, Buffer};
use larder_core::Result;
use tokio::runtime::Handle;

use super::file::Wanted;
use super::winners::blocks;
use super::{BATCH_ROWS, FeatureScan, PIECE_ROWS};
use crate::failure::from_arrow;

/// Rows of one row group, or of a piece of it where pages can be skipped.
#[derive(Debug)]
pub(crate) struct Chosen {
    group: usize,
    /// Positions that belong here.
    span: Range<u64>,
    /// A bit per position of the span.
    words: Vec<u64>,
}

impl Chosen {
    /// Adds a row; false when it belongs elsewhere.
    pub(crate) fn add(&mut self, position: u64) -> bool {
        if !self.span.contains(&position) {
            return false;
        }
        let at = position - self.span.start;
        if let Some(word) = self.words.get_mut(usize::try_from(at / 64).unwrap_or(usize::MAX)) {
            *word |= 1 << (at % 64);
        }
        true
    }
}

impl FeatureScan {
    /// The rows that can be read together with the one at this position, that one chosen.
    pub(crate) fn choose(&self, position: u64) -> Chosen {
        let number = self.groups.partition_point(|group| group.base <= position).saturating_sub(1);
        let group = &self.groups[number];
        let end = group.base + group.rows as u64;
        let span = if self.files[group.file].has_pages() {
            let piece = PIECE_ROWS as u64;
            let start = group.base + (position - group.base) / piece * piece;
            start..end.min(start + piece)
        } else {
            group.base..end
        };
        let words = usize::try_from((span.end - span.start).div_ceil(64)).unwrap_or(usize::MAX);
        let mut chosen = Chosen { group: number, span, words: vec![0; words] };
        chosen.add(position);
        chosen
    }

    /// About how many bytes a row has, the deciding columns and the features: as the footers tell of the widest row group.
    pub(crate) fn row_width(&self) -> usize {
        let columns = self.deciding.fields().len() + self.features.fields().len();
        let width = |group: &super::Group| {
            let bytes = self.files[group.file].group_plain_bytes(group.number, 0..columns);
            usize::try_from(bytes).unwrap_or(usize::MAX) / group.rows.max(1)
        };
        self.groups.iter().map(width).max().unwrap_or(0)
    }

    /// All columns of chosen rows, in row order, in batches of at most `rows`; blocks.
    pub(crate) fn chosen(
        &self,
        chosen: &Chosen,
        rows: usize,
        runtime: &Handle,
    ) -> Result<impl Iterator<Item = Result<RecordBatch>>> {
        let group = &self.groups[chosen.group];
        let (blocks, schema) = (blocks(&chosen.words), self.schema());
        // Positions of a group start at a multiple of 64, as those of its pieces do.
        let first = usize::try_from(chosen.span.start - group.base).unwrap_or(usize::MAX);
        let of_block = |block: &Range<usize>| {
            first + block.start * 64..(first + block.end * 64).min(group.rows)
        };
        let ranges: Vec<Range<usize>> = blocks.iter().map(of_block).collect();
        let wanted = Wanted {
            group: group.number,
            ranges: &ranges,
            columns: 0..schema.fields().len(),
            schema: &schema,
            batch_size: rows.min(BATCH_ROWS),
        };
        let words: Vec<u64> =
            blocks.into_iter().flat_map(|block| &chosen.words[block]).copied().collect();
        let read = ranges.iter().map(Range::len).sum();
        let bits = BooleanBuffer::new(Buffer::from_vec(words), 0, read);
        let mut at = 0;
        Ok(self.files[group.file].rows(&wanted, runtime)?.map(move |batch| {
            let batch = batch?;
            let of_batch = BooleanArray::new(bits.slice(at, batch.num_rows()), None);
            at += batch.num_rows();
            arrow_select::filter::filter_record_batch(&batch, &of_batch).map_err(from_arrow)
        }))
    }
}
