//! Rows on their way to files.

mod folder;
mod format;
mod parquet_file;
mod partition;
mod place;
mod rows_file;
mod single;

pub(crate) use folder::hashed;
pub use folder::{ClosedDataset, DatasetWriter, Written};
pub use format::FileFormat;
pub use single::Sink;
