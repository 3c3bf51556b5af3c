//! The tiles of one key.

use larder_core::{Result, Value};
use smallvec::SmallVec;

use super::Output;
use super::plan::WindowPlan;
use crate::aggregate::bytes::{Reader, put_i64, put_len};
use crate::aggregate::{State, add_event};
use crate::checkpoint::Scope;
use crate::scalar::Scalar;

#[derive(Debug)]
struct Tile {
    start: i64,
    states: SmallVec<[State; 2]>,
    /// Whether events came since the last checkpoint.
    is_changed: bool,
}

/// What the tiles before the latest one merge to, so that a row after an event merges two states and not all tiles of a
/// window.
#[derive(Debug)]
struct Before {
    /// Start of the latest tile.
    latest: i64,
    /// By output.
    states: Vec<State>,
}

/// With fewer tiles it is not worth keeping.
const FEW: usize = 3;

/// What is kept of one key.
#[derive(Debug)]
pub(super) struct KeyTiles {
    /// In order of their starts.
    tiles: SmallVec<[Tile; 1]>,
    /// Forgotten when one of its tiles changes.
    before: Option<Box<Before>>,
    /// Latest event.
    pub(super) latest: i64,
    /// The timer that counts; others that are set for the key are void.
    pub(super) due: i64,
    /// Whether its row is to be told at the next watermark.
    pub(super) is_dirty: bool,
}

impl Default for KeyTiles {
    fn default() -> Self {
        Self {
            tiles: SmallVec::new(),
            before: None,
            latest: i64::MIN,
            due: i64::MAX,
            is_dirty: false,
        }
    }
}

impl KeyTiles {
    /// Adds an event to the tile that begins at `start`.
    pub(super) fn add(&mut self, plan: &WindowPlan, start: i64, time: i64, inputs: &[Scalar<'_>]) {
        // Most events are of the latest tile.
        let at = match self.tiles.last() {
            Some(last) if last.start == start => self.tiles.len() - 1,
            _ => self.tiles.partition_point(|tile| tile.start < start),
        };
        if self.tiles.get(at).is_none_or(|tile| tile.start != start) {
            let mut states = room_for(plan.states.len());
            states.extend(plan.states.iter().map(|kind| State::empty(*kind)));
            self.tiles.insert(at, Tile { start, states, is_changed: true });
        }
        if at + 1 < self.tiles.len() {
            self.before = None;
        }
        let tile = &mut self.tiles[at];
        tile.is_changed = true;
        add_event(&mut tile.states, time, inputs);
        self.latest = self.latest.max(time);
    }

    /// Appends all tiles, or those that changed since the last time and which is the first that is left.
    pub(super) fn save(&mut self, scope: Scope, out: &mut Vec<u8>) {
        put_i64(self.latest, out);
        put_i64(self.due, out);
        out.push(u8::from(self.is_dirty));
        put_i64(self.tiles.first().map_or(i64::MAX, |tile| tile.start), out);
        let is_wanted = |tile: &&mut Tile| scope == Scope::Full || tile.is_changed;
        put_len(self.tiles.iter_mut().filter(is_wanted).count(), out);
        for tile in self.tiles.iter_mut().filter(is_wanted) {
            put_i64(tile.start, out);
            tile.states.iter().for_each(|state| state.encode(out));
            tile.is_changed = false;
        }
    }

    /// Takes what was saved.
    ///
    /// # Errors
    /// `Data` for bytes that are no tiles.
    pub(super) fn load(&mut self, plan: &WindowPlan, bytes: &mut Reader<'_>) -> Result<()> {
        (self.latest, self.due, self.is_dirty) = (bytes.i64()?, bytes.i64()?, bytes.flag()?);
        self.before = None;
        let first = bytes.i64()?;
        self.tiles.retain(|tile| tile.start >= first);
        for _ in 0..bytes.len(8)? {
            let start = bytes.i64()?;
            let mut states = room_for(plan.states.len());
            for kind in &plan.states {
                states.push(State::decode(*kind, bytes)?);
            }
            let tile = Tile { start, states, is_changed: false };
            let at = self.tiles.partition_point(|tile| tile.start < start);
            match self.tiles.get_mut(at) {
                Some(known) if known.start == start => *known = tile,
                _ => self.tiles.insert(at, tile),
            }
        }
        Ok(())
    }

    /// Forgets tiles that are in no row any more.
    pub(super) fn forget(&mut self, plan: &WindowPlan, watermark: i64) {
        let gone = self.tiles.partition_point(|tile| plan.unused_from(tile.start) <= watermark);
        if gone > 0 {
            self.tiles.drain(..gone);
            self.before = None;
        }
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
        let value = |output: &Output| {
            let tiles = self.within(plan, output.window, end);
            merged(plan, output, tiles.iter()).value(output.function)
        };
        plan.outputs.iter().map(value).collect()
    }

    /// The features as of the tile of the latest event. The states are merged in the order of [`row`](Self::row).
    pub(super) fn latest_row(&mut self, plan: &WindowPlan) -> Vec<Value> {
        let end = plan.tile_end(self.latest);
        let latest = match self.tiles.last() {
            Some(last) if self.tiles.len() >= FEW => last.start,
            _ => return self.row(plan, end),
        };
        if self.before.as_ref().is_none_or(|before| before.latest != latest) {
            let states = plan.outputs.iter().map(|output| {
                let tiles = self.within(plan, output.window, end);
                let before = tiles.iter().take_while(|tile| tile.start < latest);
                merged(plan, output, before)
            });
            self.before = Some(Box::new(Before { latest, states: states.collect() }));
        }
        let (Some(before), Some(last)) = (&self.before, self.tiles.last()) else {
            return self.row(plan, end);
        };
        let value = |(output, state): (&Output, &State)| {
            let mut state = state.clone();
            state.merge(&last.states[output.state]);
            state.value(output.function)
        };
        plan.outputs.iter().zip(&before.states).map(value).collect()
    }

    fn within(&self, plan: &WindowPlan, window: usize, end: i64) -> &[Tile] {
        let covered = plan.covered(window, end);
        let first = self.tiles.partition_point(|tile| tile.start < covered.start);
        let last = self.tiles.partition_point(|tile| tile.start < covered.end);
        &self.tiles[first..last.max(first)]
    }
}

/// Room for so many states and no more: growing by itself a list would take that of the next power of two.
fn room_for(states: usize) -> SmallVec<[State; 2]> {
    let mut room = SmallVec::new();
    room.reserve_exact(states);
    room
}

fn merged<'a>(plan: &WindowPlan, output: &Output, tiles: impl Iterator<Item = &'a Tile>) -> State {
    let mut merged = State::empty(plan.states[output.state]);
    tiles.for_each(|tile| merged.merge(&tile.states[output.state]));
    merged
}
