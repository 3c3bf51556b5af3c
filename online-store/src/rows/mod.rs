//! Rows in columns over one byte arena: no allocation per value on either path.

mod cells;
mod read_rows;
mod slots;
mod write_rows;

pub use cells::Cell;
pub use read_rows::ReadRows;
pub(crate) use slots::SlotForm;
pub use write_rows::{WriteRows, WriteRowsBuilder};

/// Longest serialized entity key that a store accepts, in bytes.
pub const MAX_KEY_BYTES: usize = 64 * 1024;

/// Longest encoded value that a store accepts, in bytes.
pub const MAX_VALUE_BYTES: usize = 64 * 1024 * 1024;
