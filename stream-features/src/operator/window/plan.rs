//! What windows a job has, and the arithmetic of their ends. All times are UTC microseconds.

use crate::aggregate::{Function, StateKind};

/// Windows `[end - size, end)` whose ends are the multiples of `slide` since 1970; tumbling when both are equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) size: i64,
    /// At most `size`.
    pub(crate) slide: i64,
}

impl Window {
    /// The end of the latest window that is complete at this time.
    fn complete_at(self, time: i64) -> i64 {
        time.div_euclid(self.slide).saturating_mul(self.slide)
    }

    /// The end of the last window that holds this time.
    fn last_end(self, time: i64) -> i64 {
        self.complete_at(time.saturating_add(self.size))
    }
}

/// A feature: a function of what one state holds over one window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Output {
    /// Which of the plan's states.
    pub(crate) state: usize,
    /// Which of the plan's windows.
    pub(crate) window: usize,
    pub(crate) function: Function,
}

/// When rows are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Emit {
    /// When the watermark passes the end of a window.
    WindowClose,
    /// After events: the row of a key as of its latest event, with windows that end with the tile of that event.
    EachEvent,
}

/// The windows of a job, cut into tiles that all of them share.
#[derive(Debug, Clone)]
pub(crate) struct WindowPlan {
    pub(crate) windows: Vec<Window>,
    /// Kinds of the states of a tile, one per input.
    pub(crate) states: Vec<StateKind>,
    pub(crate) outputs: Vec<Output>,
    pub(crate) emit: Emit,
    /// How long after its end a window is corrected.
    pub(crate) lateness: i64,
    tile: i64,
    slide: i64,
    span: i64,
}

impl WindowPlan {
    /// A plan of at least one window with a positive slide.
    pub(crate) fn new(
        windows: Vec<Window>,
        states: Vec<StateKind>,
        outputs: Vec<Output>,
        emit: Emit,
        lateness: i64,
    ) -> Self {
        let tile =
            windows.iter().fold(0, |gcd, window| divisor(divisor(gcd, window.size), window.slide));
        let slide = windows.iter().fold(0, |gcd, window| divisor(gcd, window.slide));
        let span = windows.iter().map(|window| window.size + window.slide).max().unwrap_or(0);
        Self { windows, states, outputs, emit, lateness, tile, slide, span }
    }

    /// How many tiles a key needs at most while nothing is late.
    pub(crate) fn tiles(&self) -> i64 {
        self.span / self.tile
    }

    /// The start of the tile that holds this time.
    pub(super) fn tile_of(&self, time: i64) -> i64 {
        time.div_euclid(self.tile).saturating_mul(self.tile)
    }

    /// The end of the tile that holds this time.
    pub(super) fn tile_end(&self, time: i64) -> i64 {
        self.tile_of(time).saturating_add(self.tile)
    }

    /// When a tile can change no result any more.
    pub(super) fn closed_for_good(&self, tile: i64) -> i64 {
        let last = self.windows.iter().map(|window| window.last_end(tile)).max().unwrap_or(tile);
        last.saturating_add(self.lateness)
    }

    /// When a tile is in no row that may still be told.
    pub(super) fn unused_from(&self, tile: i64) -> i64 {
        tile.saturating_add(self.span).saturating_add(self.lateness)
    }

    /// Ends, multiples of the common slide, of all rows that a tile may be in, first to last.
    pub(super) fn rows_of(&self, tile: i64) -> impl Iterator<Item = i64> + use<> {
        let (slide, last) = (self.slide, tile.saturating_add(self.span));
        let first = tile.div_euclid(slide) + 1;
        (first..).map(move |index| index.saturating_mul(slide)).take_while(move |end| *end <= last)
    }

    /// The first end after `after` at which some window holds this tile.
    pub(super) fn next_end(&self, tile: i64, after: i64) -> Option<i64> {
        let ends = self.windows.iter().filter_map(|window| {
            let from = tile.max(after);
            let end = window.complete_at(from).saturating_add(window.slide);
            (end <= window.last_end(tile)).then_some(end)
        });
        ends.min()
    }

    /// The range of tile starts that a window covers in the row of this end.
    pub(super) fn covered(&self, window: usize, end: i64) -> std::ops::Range<i64> {
        let window = self.windows[window];
        let end = match self.emit {
            Emit::WindowClose => window.complete_at(end),
            Emit::EachEvent => end,
        };
        end.saturating_sub(window.size)..end
    }

    /// Whether a window closes at this end.
    pub(super) fn closes(&self, window: usize, end: i64) -> bool {
        end.rem_euclid(self.windows[window].slide) == 0
    }
}

fn divisor(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(windows: &[(i64, i64)]) -> WindowPlan {
        let windows = windows.iter().map(|(size, slide)| Window { size: *size, slide: *slide });
        WindowPlan::new(windows.collect(), Vec::new(), Vec::new(), Emit::WindowClose, 0)
    }

    #[test]
    fn the_tile_divides_every_size_and_slide() {
        assert_eq!(plan(&[(60, 20), (90, 90)]).tile_of(-1), -10);
        assert_eq!(plan(&[(60, 60)]).tile_of(119), 60);
    }

    #[test]
    fn ends_of_windows_before_1970_are_multiples_too() {
        let plan = plan(&[(10, 5)]);
        assert_eq!(plan.next_end(-10, i64::MIN), Some(-5));
        assert_eq!(plan.next_end(-10, -5), Some(0));
        assert_eq!(plan.next_end(-10, 0), None);
        assert_eq!(plan.closed_for_good(-10), 0);
    }

    #[test]
    fn a_slide_that_does_not_divide_the_size_leaves_every_window_whole() {
        let plan = plan(&[(10, 4)]);
        assert_eq!(plan.tile_of(7), 6);
        assert_eq!(plan.next_end(6, 6), Some(8));
        assert_eq!(plan.next_end(6, 12), Some(16));
        assert_eq!(plan.next_end(6, 16), None);
        assert_eq!(plan.covered(0, 16), 6..16);
    }
}
