//! Which row wins.

/// When a row was true and when it was made, in UTC microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RowTimes {
    /// Event timestamp.
    pub event: i64,
    /// Created timestamp, when the source has one.
    pub created: Option<i64>,
}

/// Whether a stored row protects itself against a written one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum WriteGuard {
    /// An older row never replaces a newer one, inside a batch, across writes and between processes.
    ///
    /// The later event timestamp wins. At equal event timestamps the later created timestamp wins if both rows have
    /// one; otherwise, or when these are equal too, the row written last wins. Writing the same rows again in the same
    /// order therefore changes nothing. (Feast 0.67, redis: the first of equal rows wins, and a stored time at or
    /// before 1970 protects nothing.)
    #[default]
    EventTime,
    /// The row written last wins (Feast 0.67: sqlite, cassandra, and redis with `skip_dedup`).
    LastWriteWins,
}

impl WriteGuard {
    /// Whether `incoming` may replace `stored`.
    pub fn admits(self, stored: Option<RowTimes>, incoming: RowTimes) -> bool {
        let Some(stored) = stored else { return true };
        if self == Self::LastWriteWins || incoming.event > stored.event {
            return true;
        }
        let created_later = match (stored.created, incoming.created) {
            (Some(stored), Some(incoming)) => incoming >= stored,
            _ => true,
        };
        incoming.event == stored.event && created_later
    }
}

/// How far a store carries [`WriteGuard::EventTime`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum GuardScope {
    /// As the guard says: across writes and processes.
    #[default]
    Row,
    /// Across writes and processes, but feature by feature and without count: a value never gives way to an older one,
    /// while an older row still fills features that the stored one left out. Of two values with the same event time
    /// either may stay.
    Value,
    /// Within one write call only; of two calls the later one wins.
    Call,
}

/// What became of the rows of one write.
///
/// Counted as if the rows had been written one after the other: a row that a later row of the same batch replaces
/// counts as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct WriteSummary {
    /// Rows that were stored.
    pub written: usize,
    /// Rows that a newer row kept out, as far as the store's [`GuardScope`] lets it know.
    pub skipped_older: usize,
}

impl WriteSummary {
    /// Counts one row.
    pub(crate) fn count(&mut self, admitted: bool) {
        if admitted {
            self.written += 1;
        } else {
            self.skipped_older += 1;
        }
    }
}

impl std::ops::AddAssign for WriteSummary {
    fn add_assign(&mut self, other: Self) {
        self.written += other.written;
        self.skipped_older += other.skipped_older;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(event: i64, created: impl Into<Option<i64>>) -> RowTimes {
        RowTimes { event, created: created.into() }
    }

    #[test]
    fn the_event_time_guard_follows_its_rules() {
        let cases = [
            (times(5, None), times(6, None), true),
            (times(5, None), times(4, None), false),
            (times(5, None), times(5, None), true),
            (times(5, 1), times(5, 2), true),
            (times(5, 1), times(5, 1), true),
            (times(5, 2), times(5, 1), false),
            (times(5, 2), times(5, None), true),
            (times(5, None), times(5, 1), true),
            (times(5, 1), times(6, 0), true),
            (times(5, 1), times(4, 9), false),
            (times(-5, None), times(-6, None), false),
            (times(i64::MIN, None), times(i64::MAX, None), true),
        ];
        for (stored, incoming, expected) in cases {
            let admitted = WriteGuard::EventTime.admits(Some(stored), incoming);
            assert_eq!(admitted, expected, "{stored:?} then {incoming:?}");
        }
        assert!(WriteGuard::EventTime.admits(None, times(i64::MIN, None)));
    }

    #[test]
    fn without_guard_the_last_write_wins() {
        assert!(WriteGuard::LastWriteWins.admits(Some(times(5, 5)), times(1, 1)));
    }
}
