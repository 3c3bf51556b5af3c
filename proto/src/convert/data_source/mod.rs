//! Data sources.

mod json;
mod read;
mod write;

pub use json::data_source_from_json;
pub use read::data_source_from_proto;
pub use write::{SourcePlace, data_source_to_proto};
