//! Rows on their way to files.

mod encoders;
mod folder;
mod format;
mod parquet_file;
mod place;
mod rows_file;
mod single;

pub use folder::{ClosedDataset, DatasetWriter, Written};
pub(crate) use folder::{PART, hashed};
pub use format::FileFormat;
pub(crate) use place::unwritable;
pub use single::Sink;
