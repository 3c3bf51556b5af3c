//! In which order the rows of one call may go.

use std::collections::HashMap;

use crate::{RowTimes, WriteGuard, WriteRows};

/// Rows of one call in waves: a key occurs once in a wave, and a wave is sent after the one before is answered. Within
/// a wave the order does not matter, whatever a cluster does with the commands.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Waves {
    pub(super) waves: Vec<Vec<usize>>,
    /// Rows that an earlier row of the call keeps out.
    pub(super) kept_out: usize,
}

impl Waves {
    /// A row that is older than one before it cannot win, whatever is stored: either that one wins over it, or what is
    /// stored is newer than both.
    pub(super) fn new(rows: &WriteRows, guard: WriteGuard) -> Self {
        Self::planned(rows, |before, row| guard.admits(Some(before), row))
    }

    /// Leaves every decision to the server.
    pub(super) fn undecided(rows: &WriteRows) -> Self {
        Self::planned(rows, |_, _| true)
    }

    fn planned(rows: &WriteRows, admits: impl Fn(RowTimes, RowTimes) -> bool) -> Self {
        let mut planned = Self::default();
        let mut last: HashMap<&[u8], (RowTimes, usize)> = HashMap::with_capacity(rows.len());
        for row in 0..rows.len() {
            let times = rows.times(row);
            let before = last.get(rows.key(row)).copied();
            if before.is_some_and(|(before, _)| !admits(before, times)) {
                planned.kept_out += 1;
                continue;
            }
            let wave = before.map_or(0, |(_, wave)| wave + 1);
            if wave == planned.waves.len() {
                planned.waves.push(Vec::with_capacity(if wave == 0 { rows.len() } else { 0 }));
            }
            planned.waves[wave].push(row);
            last.insert(rows.key(row), (times, wave));
        }
        planned
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ViewTable, WriteRowsBuilder};

    fn rows(given: &[(&str, i64, Option<i64>)]) -> WriteRows {
        let table = ViewTable::new("p", "v", ["a"]).unwrap();
        let mut rows = WriteRowsBuilder::new(&table);
        for (key, event, created) in given {
            rows.begin_row(key.as_bytes(), *event, *created).unwrap();
        }
        rows.finish()
    }

    #[test]
    fn rows_of_one_key_follow_one_another() {
        let rows = rows(&[("x", 1, None), ("y", 1, None), ("x", 2, None), ("x", 2, None)]);
        let waves = Waves::new(&rows, WriteGuard::EventTime);
        let expected = Waves { waves: vec![vec![0, 1], vec![2], vec![3]], kept_out: 0 };
        assert_eq!(waves, expected);
    }

    #[test]
    fn rows_older_than_one_before_are_not_sent() {
        let given = [
            ("x", 5, Some(1)),
            ("x", 4, None),
            ("x", 5, Some(0)),
            ("x", 5, Some(2)),
            ("x", 6, None),
            ("x", 5, Some(9)),
        ];
        let waves = Waves::new(&rows(&given), WriteGuard::EventTime);
        assert_eq!(waves, Waves { waves: vec![vec![0], vec![3], vec![4]], kept_out: 3 });
        let all = Waves::new(&rows(&given), WriteGuard::LastWriteWins);
        assert_eq!((all.waves.len(), all.kept_out), (6, 0));
        assert_eq!(Waves::undecided(&rows(&given)), all);
    }
}
