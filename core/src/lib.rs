//! The domain of Larder: values, entities, views, catalogs and retrieval plans. No IO, no clock, no wire format.

mod error;
mod object_kind;

pub use error::{Error, ErrorKind, Location, Result, Subject};
pub use object_kind::ObjectKind;
