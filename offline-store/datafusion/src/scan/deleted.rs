//! Rows of a file that are deleted.

use std::ops::Range;
use std::sync::Arc;

/// Numbers of deleted rows in a file, ascending.
#[derive(Debug, Clone, Default)]
pub(crate) struct Deleted(Arc<[u64]>);

impl Deleted {
    /// The rows of these numbers, which ascend.
    #[cfg_attr(not(feature = "delta"), expect(dead_code, reason = "other files lose no rows"))]
    pub(crate) fn new(rows: &[u64]) -> Self {
        Self(rows.into())
    }

    /// Whether no row is deleted.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is left of ascending ranges of rows of a row group, the first of which has the number `first` in the file.
    pub(super) fn leave(&self, first: u64, ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
        if self.is_empty() {
            return ranges;
        }
        let mut left = Vec::with_capacity(ranges.len());
        for range in ranges {
            let [start, end] = [range.start, range.end].map(|row| first + row as u64);
            let from = self.0.partition_point(|row| *row < start);
            let deleted = self.0[from..].iter().take_while(|row| **row < end);
            let mut next = range.start;
            for row in deleted.filter_map(|row| usize::try_from(row - first).ok()) {
                if next < row {
                    left.push(next..row);
                }
                next = row + 1;
            }
            if next < range.end {
                left.push(next..range.end);
            }
        }
        left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deleted_rows_are_cut_out_of_ranges() {
        let deleted = Deleted(Arc::from([0, 1, 10, 12, 13, 19, 40]));
        let whole = |range: Range<usize>| vec![range];
        for (first, ranges, left) in [
            (0, whole(0..10), whole(2..10)),
            (10, whole(0..10), vec![1..2, 4..9]),
            (10, vec![0..1, 2..3, 5..8], whole(5..8)),
            (20, whole(0..10), whole(0..10)),
            (30, vec![3..9, 9..12], vec![3..9, 9..10, 11..12]),
            (0, Vec::new(), Vec::new()),
        ] {
            assert_eq!(deleted.leave(first, ranges), left, "{first}");
        }
        assert_eq!(Deleted::default().leave(0, whole(0..3)), whole(0..3));
    }
}
