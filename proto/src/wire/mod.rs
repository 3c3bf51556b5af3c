//! Byte layouts that Feast 0.67 reads and writes, as pure functions.
//!
//! Everything here works on slices: no IO, no clock, no allocation beyond the output.

pub mod check;
pub mod entity_key;
pub mod field_hash;
mod float;
pub mod json;
pub(crate) mod list;
pub mod message;
pub mod online_response;
pub mod precomputed_vector;
pub mod registry_file;
mod registry_list;
pub mod timestamp;
pub mod value;
