//! Between the domain of `larder-core` and Feast's messages, both ways and without loss.

mod value;

pub use value::{decode_value, encode_value, value_from_proto, value_to_proto};
