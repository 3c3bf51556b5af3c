//! Names of hash fields and ids derived by murmur3.

use std::io::Cursor;

/// The Redis hash field of a feature: murmur3 (x86, 32 bit, seed 0) of `view:feature`, little-endian.
///
/// `view` is the name of the stored view (with `_v<N>` under online versioning), never an alias.
pub fn feature_field(view: &str, feature: &str) -> [u8; 4] {
    reference_field(&format!("{view}:{feature}"))
}

/// [`feature_field`] of a reference that is already joined by a colon.
pub fn reference_field(reference: &str) -> [u8; 4] {
    hash32(reference.as_bytes()).to_le_bytes()
}

fn hash32(bytes: &[u8]) -> u32 {
    murmur3::murmur3_32(&mut Cursor::new(bytes), 0).expect("reading from memory cannot fail")
}

/// The Redis hash field that holds the event time of a view's row.
pub fn timestamp_field(view: &str) -> String {
    format!("_ts:{view}")
}

/// Id of an entity in stores that hash keys: murmur3 (x64, 128 bit, seed 0) of the key as hex.
pub fn entity_id(entity_key: &[u8]) -> String {
    // Feast prints the sixteen bytes of the hash in little-endian order.
    format!("{:032x}", hash128(entity_key).swap_bytes())
}

fn hash128(bytes: &[u8]) -> u128 {
    murmur3::murmur3_x64_128(&mut Cursor::new(bytes), 0).expect("reading from memory cannot fail")
}
