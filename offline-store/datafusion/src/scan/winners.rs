//! The rows that won, as a bitmap over positions, and their features.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow_array::{BooleanArray, RecordBatch};
use arrow_buffer::{BooleanBuffer, Buffer};
use arrow_select::coalesce::BatchCoalescer;
use larder_core::Result;
use tokio::runtime::Handle;

use super::file::Wanted;
use super::{BATCH_ROWS, FeatureScan, Group};
use crate::failure::from_arrow;

/// Words of the bitmap without a winner that are read over: to skip so few rows costs more than to decode them.
const READ_OVER: usize = 8;

/// A set of positions that numbers its members in order.
#[derive(Debug)]
pub(crate) struct WinningRows {
    words: Vec<u64>,
    /// Per word how many winners come before it.
    before: Vec<u32>,
}

/// Positions of winners as they are found, by any number of threads.
#[derive(Debug)]
pub(crate) struct FoundRows {
    words: Vec<AtomicU64>,
}

impl FoundRows {
    /// None, and room for positions below `end`.
    pub(crate) fn new(end: u64) -> Self {
        let words = usize::try_from(end.div_ceil(64)).unwrap_or(usize::MAX);
        Self { words: std::iter::repeat_with(AtomicU64::default).take(words).collect() }
    }

    /// Adds a position.
    pub(crate) fn insert(&self, position: u64) {
        self.words[word(position)].fetch_or(1 << (position % 64), Ordering::Relaxed);
    }

    /// The set of all that were added.
    pub(crate) fn finish(self) -> WinningRows {
        let words: Vec<u64> = self.words.into_iter().map(AtomicU64::into_inner).collect();
        let mut count = 0;
        let before = words.iter().map(|word| {
            let before = count;
            count += word.count_ones();
            before
        });
        WinningRows { before: before.collect(), words }
    }
}

impl WinningRows {
    /// How many winners have a lower position than this one.
    pub(crate) fn rank(&self, position: u64) -> u32 {
        let word = word(position);
        let lower = self.words[word] & ((1 << (position % 64)) - 1);
        self.before[word] + lower.count_ones()
    }

    /// Bytes of a set over positions below `end`.
    pub(crate) fn memory(end: u64) -> usize {
        usize::try_from(end.div_ceil(64)).unwrap_or(usize::MAX).saturating_mul(12)
    }

    fn of_group(&self, group: &Group) -> &[u64] {
        let first = word(group.base);
        &self.words[first..first + group.rows.div_ceil(64)]
    }
}

fn word(position: u64) -> usize {
    usize::try_from(position / 64).unwrap_or(usize::MAX)
}

impl FeatureScan {
    /// Whether a row group holds a winner.
    pub(crate) fn wins(&self, group: usize, winners: &WinningRows) -> bool {
        winners.of_group(&self.groups[group]).iter().any(|word| *word != 0)
    }

    /// The features of the winners in one row group, in row order, in parts none of which is empty; blocks.
    pub(crate) fn features_of(
        &self,
        group: usize,
        winners: &WinningRows,
        runtime: &Handle,
    ) -> Result<Vec<RecordBatch>> {
        let group = &self.groups[group];
        let words = winners.of_group(group);
        let blocks = blocks(words);
        let rows = |block: &Range<usize>| block.start * 64..(block.end * 64).min(group.rows);
        let ranges: Vec<Range<usize>> = blocks.iter().map(rows).collect();
        let first = self.deciding.fields().len();
        let wanted = Wanted {
            group: group.number,
            ranges: &ranges,
            columns: first..first + self.features.fields().len(),
            schema: &self.features,
            batch_size: BATCH_ROWS,
        };
        let chosen: Vec<u64> =
            blocks.into_iter().flat_map(|block| &words[block]).copied().collect();
        let read: usize = ranges.iter().map(Range::len).sum();
        let chosen = BooleanBuffer::new(Buffer::from_vec(chosen), 0, read);
        let mut kept = BatchCoalescer::new(Arc::clone(&self.features), BATCH_ROWS);
        let mut at = 0;
        for batch in self.files[group.file].rows(&wanted, runtime)? {
            let batch = batch?;
            let chosen = BooleanArray::new(chosen.slice(at, batch.num_rows()), None);
            at += batch.num_rows();
            kept.push_batch_with_filter(batch, &chosen).map_err(from_arrow)?;
        }
        kept.finish_buffered_batch().map_err(from_arrow)?;
        Ok(std::iter::from_fn(|| kept.next_completed_batch()).collect())
    }
}

/// Ranges of words that are read: those with winners, and short gaps between them.
pub(super) fn blocks(words: &[u64]) -> Vec<Range<usize>> {
    let mut blocks: Vec<Range<usize>> = Vec::new();
    for (at, _) in words.iter().enumerate().filter(|(_, word)| **word != 0) {
        match blocks.last_mut() {
            Some(last) if at - last.end <= READ_OVER => last.end = at + 1,
            _ => blocks.push(at..at + 1),
        }
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn winners_are_numbered_in_the_order_of_their_positions() {
        let found = FoundRows::new(131);
        for position in [130, 3, 64, 63, 3] {
            found.insert(position);
        }
        let winners = found.finish();
        let ranks = [3, 63, 64, 130].map(|position| winners.rank(position));
        assert_eq!(ranks, [0, 1, 2, 3]);
    }

    #[test]
    fn short_gaps_are_read_over_and_long_ones_skipped() {
        let mut words = vec![0_u64; 40];
        for at in [2, 2 + READ_OVER + 1, 39] {
            words[at] = 1;
        }
        assert_eq!(blocks(&words), [2..12, 39..40]);
    }
}
