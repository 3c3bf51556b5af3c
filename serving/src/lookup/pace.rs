//! How many rows a look-up reads at once, so that what it holds keeps within some bytes.

/// Rows of the first chunk, because nobody knows how wide they are; the next has twice as many until it is known.
const FIRST_ROWS: usize = 16;

/// Chunks that are read ahead of the one that is being sent.
pub(super) const AHEAD: usize = 3;

/// Follows how wide rows are.
#[derive(Debug)]
pub(super) struct Pace {
    /// Rows of a chunk at most.
    chunk_rows: usize,
    /// Bytes of all chunks together.
    buffer_bytes: usize,
    width: Width,
}

/// Bytes of a row.
#[derive(Debug, Clone, Copy)]
enum Width {
    /// No chunk came so far; the next has so many rows.
    Unknown(usize),
    /// What wide chunks had of late.
    Seen(usize),
}

impl Pace {
    pub(super) fn new(chunk_rows: usize, buffer_bytes: usize) -> Self {
        Self { chunk_rows, buffer_bytes, width: Width::Unknown(FIRST_ROWS) }
    }

    /// Rows of the next chunk.
    pub(super) fn rows(&mut self) -> usize {
        let fit = match self.width {
            Width::Unknown(rows) => {
                self.width = Width::Unknown(rows.saturating_mul(2));
                rows
            }
            Width::Seen(width) => self.buffer_bytes / (AHEAD + 1) / width,
        };
        fit.clamp(1, self.chunk_rows)
    }

    /// Takes down that a chunk of `rows` rows took these bytes.
    pub(super) fn saw(&mut self, rows: usize, bytes: usize) {
        let seen = bytes.div_ceil(rows.max(1)).max(1);
        // Narrow rows are believed by and by: the next may be wide again.
        self.width = match self.width {
            Width::Unknown(_) => Width::Seen(seen),
            Width::Seen(width) => Width::Seen(seen.max(width / 2)),
        };
    }

    /// Whether so many rows, which are being read, are likely to take more than they may.
    pub(super) fn is_exceeded_by(&self, rows: usize) -> bool {
        let Width::Seen(width) = self.width else { return false };
        rows > AHEAD && rows.saturating_mul(width) > self.buffer_bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_as_large_as_rows_are_narrow() {
        let mut pace = Pace::new(500, 16 << 20);
        assert_eq!([pace.rows(), pace.rows(), pace.rows()], [16, 32, 64]);
        pace.saw(16, 16 * 100);
        assert_eq!(pace.rows(), 500);
        pace.saw(500, 500 << 20);
        assert_eq!(pace.rows(), 4);
        assert!(pace.is_exceeded_by(1_000) && !pace.is_exceeded_by(12));
        // A value that is wider than the buffer is read by itself.
        pace.saw(1, 64 << 20);
        assert_eq!(pace.rows(), 1);
        assert!(!pace.is_exceeded_by(AHEAD));
    }

    #[test]
    fn after_wide_rows_narrow_ones_get_their_pace_back() {
        let mut pace = Pace::new(500, 16 << 20);
        pace.saw(4, 4 << 20);
        let rows: Vec<usize> = std::iter::repeat_with(|| {
            pace.saw(10, 1_000);
            pace.rows()
        })
        .take(8)
        .collect();
        assert_eq!(rows, [8, 16, 32, 64, 128, 256, 500, 500]);
    }
}
