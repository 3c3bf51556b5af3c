//! The tiles of one key.

use super::plan::WindowPlan;
use crate::aggregate::State;
use crate::scalar::Scalar;
use larder_core::Value;

#[derive(Debug)]
struct Tile {
    start: i64,
    states: Box<[State]>,
}

/// What is kept of one key.
#[derive(Debug)]
pub(super) struct KeyTiles {
    /// In order of their starts.
    tiles: Vec<Tile>,
    /// Latest event.
    pub(super) latest: i64,
    /// The timer that counts; others that are set for the key are void.
    pub(super) due: i64,
    /// Whether its row is to be told at the next watermark.
    pub(super) is_dirty: bool,
}

impl Default for KeyTiles {
    fn default() -> Self {
        Self { tiles: Vec::new(), latest: i64::MIN, due: i64::MAX, is_dirty: false }
    }
}

impl KeyTiles {
    /// Adds an event to the tile that begins at `start`.
    pub(super) fn add(&mut self, plan: &WindowPlan, start: i64, time: i64, inputs: &[Scalar<'_>]) {
        let at = self.tiles.partition_point(|tile| tile.start < start);
        if self.tiles.get(at).is_none_or(|tile| tile.start != start) {
            let states = plan.states.iter().map(|kind| State::empty(*kind)).collect();
            self.tiles.insert(at, Tile { start, states });
        }
        for (state, input) in self.tiles[at].states.iter_mut().zip(inputs) {
            state.add(time, *input);
        }
        self.latest = self.latest.max(time);
    }

    /// Forgets tiles that are in no row any more.
    pub(super) fn forget(&mut self, plan: &WindowPlan, watermark: i64) {
        let gone = self.tiles.partition_point(|tile| plan.unused_from(tile.start) <= watermark);
        self.tiles.drain(..gone);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.tiles.is_empty()
    }

    /// When the first tile can be forgotten.
    pub(super) fn unused_from(&self, plan: &WindowPlan) -> i64 {
        self.tiles.first().map_or(i64::MAX, |tile| plan.unused_from(tile.start))
    }

    /// The first end after `after` at which a window with events closes.
    pub(super) fn next_end(&self, plan: &WindowPlan, after: i64) -> Option<i64> {
        let mut next: Option<i64> = None;
        for tile in &self.tiles {
            // Tiles after the end cannot close a window before it.
            if next.is_some_and(|end| tile.start >= end) {
                break;
            }
            if let Some(end) = plan.next_end(tile.start, after) {
                next = Some(next.map_or(end, |known| known.min(end)));
            }
        }
        next
    }

    /// Whether a window with events closes at this end.
    pub(super) fn closes(&self, plan: &WindowPlan, end: i64) -> bool {
        (0..plan.windows.len())
            .any(|window| plan.closes(window, end) && !self.within(plan, window, end).is_empty())
    }

    /// The features as of this end.
    pub(super) fn row(&self, plan: &WindowPlan, end: i64) -> Vec<Value> {
        let value = |output: &super::Output| {
            let mut merged = State::empty(plan.states[output.state]);
            for tile in self.within(plan, output.window, end) {
                merged.merge(&tile.states[output.state]);
            }
            merged.value(output.function)
        };
        plan.outputs.iter().map(value).collect()
    }

    fn within(&self, plan: &WindowPlan, window: usize, end: i64) -> &[Tile] {
        let covered = plan.covered(window, end);
        let first = self.tiles.partition_point(|tile| tile.start < covered.start);
        let last = self.tiles.partition_point(|tile| tile.start < covered.end);
        &self.tiles[first..last.max(first)]
    }
}
