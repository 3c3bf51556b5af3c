//! How far event time has come.

/// The event time of one partition.
#[derive(Debug, Clone, Copy)]
struct Partition {
    /// Latest event seen; `None` before the first.
    latest: Option<i64>,
    /// When an event last arrived, by the clock.
    heard: i64,
    /// Whether nothing more will come.
    ended: bool,
}

/// The watermark: no event before it is expected any more, except late ones. All times are UTC microseconds.
///
/// It is the least of the partitions' latest event times less `delay`. A partition that was silent for `idle` by the
/// clock does not hold it back, nor does one that has ended. It never goes back.
#[derive(Debug, Clone)]
pub(crate) struct Watermark {
    delay: i64,
    idle: i64,
    partitions: Vec<Partition>,
    reached: i64,
}

impl Watermark {
    /// Before any event, with this many partitions that are heard of now.
    pub(crate) fn new(delay: i64, idle: i64, partitions: usize, now: i64) -> Self {
        let partition = Partition { latest: None, heard: now, ended: false };
        Self { delay, idle, partitions: vec![partition; partitions], reached: i64::MIN }
    }

    /// Events of a partition, the latest of them at `latest`, arrived now.
    pub(crate) fn heard(&mut self, partition: usize, latest: i64, now: i64) {
        let partition = &mut self.partitions[partition];
        partition.latest = Some(partition.latest.map_or(latest, |known| known.max(latest)));
        partition.heard = now;
    }

    /// Nothing more will come from a partition.
    pub(crate) fn ended(&mut self, partition: usize) {
        self.partitions[partition].ended = true;
    }

    /// The watermark as of now. `i64::MAX` when every partition has ended.
    pub(crate) fn advance(&mut self, now: i64) -> i64 {
        if self.partitions.iter().all(|partition| partition.ended) {
            self.reached = i64::MAX;
            return self.reached;
        }
        let active = |partition: &&Partition| {
            !partition.ended && now.saturating_sub(partition.heard) < self.idle
        };
        let least = self.partitions.iter().filter(active).map(|partition| partition.latest).min();
        // While one active partition was not heard of at all, nothing is known. When all are silent, nothing moves.
        if let Some(Some(latest)) = least {
            self.reached = self.reached.max(latest.saturating_sub(self.delay));
        }
        self.reached
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_active_partition_holds_it_back() {
        let mut watermark = Watermark::new(10, 1_000, 2, 0);
        watermark.heard(0, 500, 1);
        assert_eq!(watermark.advance(1), i64::MIN, "the other partition was not heard of");
        watermark.heard(1, 300, 2);
        assert_eq!(watermark.advance(2), 290);
        watermark.heard(0, 900, 3);
        assert_eq!(watermark.advance(3), 290);
    }

    #[test]
    fn a_silent_partition_lets_it_pass_and_it_never_goes_back() {
        let mut watermark = Watermark::new(0, 1_000, 2, 0);
        watermark.heard(0, 500, 0);
        watermark.heard(1, 300, 0);
        watermark.heard(0, 900, 999);
        assert_eq!(watermark.advance(1_000), 900);
        watermark.heard(1, 301, 1_001);
        assert_eq!(watermark.advance(1_001), 900);
        assert_eq!(watermark.advance(9_000), 900, "with all silent nothing moves");
    }

    #[test]
    fn an_older_event_changes_nothing_and_the_end_of_all_is_the_end_of_time() {
        let mut watermark = Watermark::new(0, 1_000, 2, 0);
        watermark.heard(0, 500, 0);
        watermark.heard(0, 400, 0);
        watermark.ended(1);
        assert_eq!(watermark.advance(0), 500);
        watermark.ended(0);
        assert_eq!(watermark.advance(0), i64::MAX);
    }
}
