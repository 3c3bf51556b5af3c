//! Data sources.

mod read;
mod write;

pub use read::data_source_from_proto;
pub use write::{SourcePlace, data_source_to_proto};
