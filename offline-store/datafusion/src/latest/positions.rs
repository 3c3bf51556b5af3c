//! The positions of the rows that won, in ascending order.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use datafusion::execution::memory_pool::MemoryReservation;
use larder_core::Result;

use super::spill::{Segment, SpillFile};

/// Positions of one sorted run that are in memory at a time, at most and at least.
const WINDOW: (usize, usize) = (8 << 10, 64);

/// Positions on disk, in ascending order.
#[derive(Debug)]
pub(super) struct Run {
    segment: Segment,
    /// Index of the first that is not in memory yet.
    next: u64,
    window: Vec<u64>,
    at: usize,
}

/// All winners, each taken once.
#[derive(Debug)]
pub(super) struct Positions {
    source: Source,
    left: u64,
}

#[derive(Debug)]
enum Source {
    Memory { positions: std::vec::IntoIter<u64>, _held: MemoryReservation },
    Disk { runs: Vec<Run>, window: usize, heads: BinaryHeap<Reverse<(u64, usize)>> },
}

impl Run {
    /// Sorts positions and puts them on disk; `None` for none.
    pub(super) fn of(
        positions: impl Iterator<Item = u64>,
        disk: &SpillFile,
    ) -> Result<Option<Self>> {
        let mut positions: Vec<u64> = positions.collect();
        if positions.is_empty() {
            return Ok(None);
        }
        positions.sort_unstable();
        let segment = disk.positions(&positions)?;
        Ok(Some(Self { segment, next: 0, window: Vec::new(), at: 0 }))
    }

    fn next(&mut self, window: usize) -> Result<Option<u64>> {
        if self.at == self.window.len() {
            self.window.resize(window, 0);
            let read = self.segment.read_positions(self.next, &mut self.window)?;
            self.window.truncate(read);
            (self.at, self.next) = (0, self.next + read as u64);
        }
        let position = self.window.get(self.at).copied();
        self.at += 1;
        if position.is_none() {
            self.at = 0;
        }
        Ok(position)
    }
}

impl Positions {
    /// Sorted positions, accounted for as long as there are some.
    pub(super) fn in_memory(positions: Vec<u64>, held: MemoryReservation) -> Self {
        let left = positions.len() as u64;
        Self { source: Source::Memory { positions: positions.into_iter(), _held: held }, left }
    }

    /// Positions of several runs, which are merged with about this much memory.
    pub(super) fn on_disk(runs: Vec<Run>, memory: usize) -> Self {
        let left = runs.iter().map(|run| run.segment.count()).sum();
        let window = memory / size_of::<u64>() / runs.len().max(1);
        let window = window.clamp(WINDOW.1, WINDOW.0);
        Self { source: Source::Disk { runs, window, heads: BinaryHeap::new() }, left }
    }

    /// How many are left.
    pub(super) fn left(&self) -> u64 {
        self.left
    }

    /// Leaves out the first ones.
    pub(super) fn skip(&mut self, count: u64) -> Result<()> {
        for _ in 0..count.min(self.left) {
            self.next()?;
        }
        Ok(())
    }

    /// The least that was not taken yet.
    pub(super) fn next(&mut self) -> Result<Option<u64>> {
        let next = match &mut self.source {
            Source::Memory { positions, .. } => positions.next(),
            Source::Disk { runs, window, heads } => merged(runs, *window, heads)?,
        };
        self.left -= u64::from(next.is_some());
        Ok(next)
    }
}

fn merged(
    runs: &mut [Run],
    window: usize,
    heads: &mut BinaryHeap<Reverse<(u64, usize)>>,
) -> Result<Option<u64>> {
    if heads.is_empty() {
        for (number, run) in runs.iter_mut().enumerate() {
            heads.extend(run.next(window)?.map(|head| Reverse((head, number))));
        }
    }
    let Some(mut least) = heads.peek_mut() else { return Ok(None) };
    let Reverse((position, number)) = *least;
    match runs[number].next(window)? {
        Some(next) => *least = Reverse((next, number)),
        None => {
            PeekMut::pop(least);
        }
    }
    Ok(Some(position))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_on_disk_come_as_one() {
        let disk = SpillFile::default();
        let runs: Vec<Run> = (0..5_u64)
            .map(|run| (0..1_000).map(move |n| (999 - n) * 5 + run))
            .filter_map(|positions| Run::of(positions, &disk).unwrap())
            .collect();
        let mut positions = Positions::on_disk(runs, 0);
        assert_eq!(positions.left(), 5_000);
        positions.skip(4).unwrap();
        for expected in 4..5_000 {
            assert_eq!(positions.next().unwrap(), Some(expected));
        }
        assert_eq!(positions.next().unwrap(), None);
        assert_eq!(positions.left(), 0);
    }
}
