//! The rows of one write, one per key: the guard within a call that needs no look into the store.

use std::collections::HashMap;

use crate::{Cell, RowTimes, WriteGuard, WriteRows, WriteSummary};

/// What one key gets: the features of its admitted rows, later ones over earlier ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MergedRow {
    /// The admitted row that was given last, whose times hold.
    last: usize,
    /// Admitted rows before it, in order.
    earlier: Vec<usize>,
}

impl MergedRow {
    pub(crate) fn key<'a>(&self, rows: &'a WriteRows) -> &'a [u8] {
        rows.key(self.last)
    }

    pub(crate) fn times(&self, rows: &WriteRows) -> RowTimes {
        rows.times(self.last)
    }

    /// The bytes of a feature, `None` when no admitted row carries it.
    pub(crate) fn value<'a>(&self, rows: &'a WriteRows, feature: usize) -> Option<&'a [u8]> {
        let newest_first = std::iter::once(&self.last).chain(self.earlier.iter().rev());
        newest_first
            .map(|&row| rows.cell(row, feature))
            .find(|cell| *cell != Cell::Missing)
            .and_then(Cell::bytes)
    }
}

/// Applies the guard to the rows as if they were written one after the other into an empty store.
pub(crate) fn merge(rows: &WriteRows, guard: WriteGuard) -> (Vec<MergedRow>, WriteSummary) {
    let mut merged: Vec<MergedRow> = Vec::with_capacity(rows.len());
    let mut by_key: HashMap<&[u8], usize> = HashMap::with_capacity(rows.len());
    let mut summary = WriteSummary::default();
    for row in 0..rows.len() {
        let known = by_key.get(rows.key(row)).copied();
        let stored = known.map(|at| merged[at].times(rows));
        let admitted = guard.admits(stored, rows.times(row));
        summary.count(admitted);
        match known {
            None => {
                by_key.insert(rows.key(row), merged.len());
                merged.push(MergedRow { last: row, earlier: Vec::new() });
            }
            Some(at) if admitted => {
                let before = std::mem::replace(&mut merged[at].last, row);
                merged[at].earlier.push(before);
            }
            Some(_) => {}
        }
    }
    (merged, summary)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ViewTable, WriteRowsBuilder};

    type Given<'a> = (&'a str, i64, [Option<&'a [u8]>; 2]);

    fn rows(given: &[Given<'_>]) -> WriteRows {
        let table = ViewTable::new("p", "v", ["a", "b"]).unwrap();
        let mut rows = WriteRowsBuilder::new(&table);
        for (key, event, cells) in given {
            rows.begin_row(key.as_bytes(), *event, None).unwrap();
            for (feature, cell) in cells.iter().enumerate() {
                if let Some(value) = cell {
                    rows.set(feature, value).unwrap();
                }
            }
        }
        rows.finish()
    }

    #[test]
    fn one_row_per_key_is_left_with_what_the_admitted_ones_carry() {
        let rows = rows(&[
            ("k", 5, [Some(b"1"), Some(b"1")]),
            ("other", 1, [Some(b"9"), None]),
            ("k", 7, [None, Some(b"")]),
            ("k", 6, [Some(b"old"), Some(b"old")]),
        ]);
        let (merged, summary) = merge(&rows, WriteGuard::EventTime);
        assert_eq!(summary, WriteSummary { written: 3, skipped_older: 1 });
        assert_eq!(merged.len(), 2);
        assert_eq!((merged[0].key(&rows), merged[0].times(&rows).event), (&b"k"[..], 7));
        assert_eq!(merged[0].value(&rows, 0), Some(&b"1"[..]));
        assert_eq!(merged[0].value(&rows, 1), Some(&b""[..]));
        assert_eq!((merged[1].value(&rows, 0), merged[1].value(&rows, 1)), (Some(&b"9"[..]), None));
    }

    #[test]
    fn without_guard_the_last_row_wins() {
        let rows = rows(&[("k", 5, [Some(b"1"), Some(b"1")]), ("k", 3, [Some(b"2"), None])]);
        let (merged, summary) = merge(&rows, WriteGuard::LastWriteWins);
        assert_eq!(summary, WriteSummary { written: 2, skipped_older: 0 });
        assert_eq!(merged[0].times(&rows).event, 3);
        assert_eq!(merged[0].value(&rows, 0), Some(&b"2"[..]));
        assert_eq!(merged[0].value(&rows, 1), Some(&b"1"[..]));
    }
}
