//! How far event time has come.

use std::collections::BTreeMap;

use larder_core::Result;

use crate::aggregate::bytes::{Reader, put_bytes, put_i64, put_len};
use crate::repartition::Mark;

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
    /// By number.
    partitions: BTreeMap<usize, Partition>,
    /// Whether others read the partitions and tell of them: their names are not known here.
    is_told: bool,
    reached: i64,
}

impl Watermark {
    /// Before any event, with these partitions, which are heard of now.
    pub(crate) fn new(delay: i64, idle: i64, partitions: &[usize], now: i64) -> Self {
        let mut new =
            Self { delay, idle, partitions: BTreeMap::new(), is_told: false, reached: i64::MIN };
        for partition in partitions {
            new.expect(*partition, now);
        }
        new
    }

    /// Before any event, of partitions that others read and [tell](Self::told) of: no clock makes one idle.
    pub(crate) fn of_marks(delay: i64) -> Self {
        Self { is_told: true, ..Self::new(delay, i64::MAX, &[], 0) }
    }

    /// Takes what the reader of a partition tells of it.
    pub(crate) fn told(&mut self, partition: usize, mark: Mark) {
        self.expect(partition, 0);
        if let Some(latest) = mark.latest {
            self.heard(partition, latest, 0);
        }
        if mark.is_idle {
            self.ended(partition);
        }
    }

    /// What is to be told of a partition that is read here.
    pub(crate) fn mark(&self, partition: usize, now: i64) -> Option<Mark> {
        let known = self.partitions.get(&partition)?;
        let is_idle = known.ended || now.saturating_sub(known.heard) >= self.idle;
        Some(Mark { latest: known.latest, is_idle })
    }

    /// Waits for a partition from now on, unless it does so already.
    pub(crate) fn expect(&mut self, partition: usize, now: i64) {
        let new = Partition { latest: None, heard: now, ended: false };
        self.partitions.entry(partition).or_insert(new);
    }

    /// Events of a partition, the latest of them at `latest`, arrived now.
    pub(crate) fn heard(&mut self, partition: usize, latest: i64, now: i64) {
        let Some(partition) = self.partitions.get_mut(&partition) else { return };
        partition.latest = Some(partition.latest.map_or(latest, |known| known.max(latest)));
        partition.heard = now;
        partition.ended = false;
    }

    /// Nothing was read for a while, which says nothing about the partitions.
    pub(crate) fn slept(&mut self, now: i64) {
        self.partitions.values_mut().for_each(|partition| partition.heard = now);
    }

    /// Nothing more will come from a partition.
    pub(crate) fn ended(&mut self, partition: usize) {
        if let Some(partition) = self.partitions.get_mut(&partition) {
            partition.ended = true;
        }
    }

    /// Appends it, with the names of its partitions.
    pub(crate) fn save(&self, names: &[String], out: &mut Vec<u8>) {
        put_i64(self.reached, out);
        put_len(self.partitions.len(), out);
        for (at, partition) in &self.partitions {
            let name = if self.is_told { at.to_string() } else { names[*at].clone() };
            put_bytes(name.as_bytes(), out);
            out.extend([u8::from(partition.latest.is_some()), u8::from(partition.ended)]);
            put_i64(partition.latest.unwrap_or(0), out);
        }
    }

    /// Takes what was saved; all partitions are heard of now, and those that are not expected any more are left out.
    ///
    /// # Errors
    /// `Data` for bytes that are no watermark.
    pub(crate) fn load(
        &mut self,
        names: &[String],
        now: i64,
        bytes: &mut Reader<'_>,
    ) -> Result<()> {
        self.reached = bytes.i64()?;
        for _ in 0..bytes.len(14)? {
            let name = bytes.text()?;
            let (has_latest, ended, latest) = (bytes.flag()?, bytes.flag()?, bytes.i64()?);
            let known = if self.is_told {
                name.parse().ok().inspect(|at| self.expect(*at, now))
            } else {
                names.iter().position(|known| known == name)
            };
            if let Some(partition) = known.and_then(|at| self.partitions.get_mut(&at)) {
                let latest = has_latest.then_some(latest);
                *partition = Partition { latest, heard: now, ended };
            }
        }
        Ok(())
    }

    /// How far it has come.
    pub(crate) fn reached(&self) -> i64 {
        self.reached
    }

    /// The watermark as of now. When every partition has ended it stays where it is: the end of the events is told by
    /// whoever knows that no more will ever come.
    pub(crate) fn advance(&mut self, now: i64) -> i64 {
        let active = |partition: &&Partition| {
            !partition.ended && now.saturating_sub(partition.heard) < self.idle
        };
        let least = self.partitions.values().filter(active).map(|partition| partition.latest).min();
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
        let mut watermark = Watermark::new(10, 1_000, &[0, 1], 0);
        watermark.heard(0, 500, 1);
        assert_eq!(watermark.advance(1), i64::MIN, "the other partition was not heard of");
        watermark.heard(1, 300, 2);
        assert_eq!(watermark.advance(2), 290);
        watermark.heard(0, 900, 3);
        assert_eq!(watermark.advance(3), 290);
    }

    #[test]
    fn a_silent_partition_lets_it_pass_and_it_never_goes_back() {
        let mut watermark = Watermark::new(0, 1_000, &[0, 1], 0);
        watermark.heard(0, 500, 0);
        watermark.heard(1, 300, 0);
        watermark.heard(0, 900, 999);
        assert_eq!(watermark.advance(1_000), 900);
        watermark.heard(1, 301, 1_001);
        assert_eq!(watermark.advance(1_001), 900);
        assert_eq!(watermark.advance(9_000), 900, "with all silent nothing moves");
    }

    #[test]
    fn an_older_event_changes_nothing_and_partitions_that_ended_hold_nothing_back() {
        let mut watermark = Watermark::new(0, 1_000, &[0, 1], 0);
        watermark.heard(0, 500, 0);
        watermark.heard(0, 400, 0);
        watermark.ended(1);
        assert_eq!(watermark.advance(0), 500);
        watermark.ended(0);
        assert_eq!(watermark.advance(0), 500);
        watermark.heard(1, 700, 0);
        assert_eq!(watermark.advance(0), 700, "a file that ended may have grown");
    }

    #[test]
    fn a_pause_of_the_reader_makes_nobody_silent() {
        let mut watermark = Watermark::new(0, 1_000, &[0, 1], 0);
        watermark.heard(0, 500, 0);
        watermark.heard(1, 300, 0);
        watermark.slept(5_000);
        watermark.heard(0, 900, 5_001);
        assert_eq!(watermark.advance(5_001), 300);
    }
    #[test]
    fn only_whoever_reads_a_partition_makes_it_idle() {
        let mark = |latest, is_idle| Mark { latest, is_idle };
        let mut watermark = Watermark::of_marks(10);
        watermark.expect(1, 0);
        watermark.told(0, mark(Some(500), false));
        assert_eq!(watermark.advance(i64::MAX - 1), i64::MIN, "the other was not told of");
        watermark.told(1, mark(None, true));
        assert_eq!(watermark.advance(0), 490);
        watermark.told(1, mark(Some(600), false));
        watermark.told(0, mark(Some(900), false));
        assert_eq!(watermark.advance(0), 590);
        let mut saved = Vec::new();
        watermark.save(&[], &mut saved);
        let mut loaded = Watermark::of_marks(10);
        loaded.load(&[], 0, &mut Reader::new(&saved)).unwrap();
        loaded.told(0, mark(Some(950), false));
        assert_eq!(loaded.advance(0), 590);
        loaded.told(1, mark(Some(800), false));
        assert_eq!(loaded.advance(0), 790);
    }

    #[test]
    fn what_is_told_of_a_partition_is_what_was_heard_and_whether_it_is_silent() {
        let mut watermark = Watermark::new(0, 1_000, &[0], 0);
        assert_eq!(watermark.mark(0, 999), Some(Mark { latest: None, is_idle: false }));
        assert_eq!(watermark.mark(0, 1_000), Some(Mark { latest: None, is_idle: true }));
        watermark.heard(0, 7, 1_000);
        assert_eq!(watermark.mark(0, 1_001), Some(Mark { latest: Some(7), is_idle: false }));
        assert_eq!(watermark.mark(1, 0), None);
    }
}
