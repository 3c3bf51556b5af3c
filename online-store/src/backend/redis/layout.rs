//! Names and bytes on Redis.
//!
//! ```text
//! serialized entity key | project -> HASH, shared by all views with these join keys
//!     {u32 murmur3 of "<view>:<feature>", little-endian} -> Value, null is zero bytes      Feast's layout
//!     "_ts:<view>"                                       -> google.protobuf.Timestamp
//!     "_row:<view>"                                      -> packed row                     packed layout
//! "larder:schemas:<project>:<view>" -> HASH { digest -> schema of packed rows }           packed layout
//! ```
//!
//! A row exists through its `_ts:` or `_row:` field.

use larder_core::{Result, Timestamp};
use larder_proto::wire::entity_key;
use larder_proto::wire::field_hash::timestamp_field;
use larder_proto::wire::timestamp;

use super::config::RedisLayout;
use crate::ViewTable;

/// The start of the name of every field that holds a packed row.
pub(super) const ROW_FIELD_PREFIX: &str = "_row:";

/// The key that holds the schemas of a view's packed rows. No entity key begins so, and no view has a colon in its name.
pub(super) fn schema_key(project: &str, view: &str) -> String {
    format!("larder:schemas:{project}:{view}")
}

/// The key that holds the rows of an entity.
pub(super) fn row_key(entity_key: &[u8], project: &str) -> Vec<u8> {
    [entity_key, project.as_bytes()].concat()
}

/// The entity key in a row's key, when the row belongs to exactly this project.
///
/// There is nothing between the two, so the key's own lengths say where it ends: `workshop` is not `shop`. Keys before
/// version 3 have no lengths and belong to nobody, as in Feast, which scans for version 3 only.
pub(super) fn entity_key_of<'k>(row_key: &'k [u8], project: &str) -> Option<&'k [u8]> {
    let (entity_key, rest) = row_key.split_at(entity_key::encoded_length(row_key)?);
    (rest == project.as_bytes()).then_some(entity_key)
}

/// The pattern that matches every row's key of a project, and those of projects whose names end alike.
pub(super) fn scan_pattern(project: &str) -> Vec<u8> {
    let mut pattern = vec![b'*'];
    for byte in project.bytes() {
        if b"*?[]\\".contains(&byte) {
            pattern.push(b'\\');
        }
        pattern.push(byte);
    }
    pattern
}

/// The field through which a view's row exists.
pub(super) fn existence_field(table: &ViewTable, layout: RedisLayout) -> String {
    match layout {
        RedisLayout::Feast => timestamp_field(table.view()),
        RedisLayout::Packed => format!("{ROW_FIELD_PREFIX}{}", table.view()),
    }
}

/// The fields of a view's features, in the order of the table.
pub(super) fn feature_fields(table: &ViewTable) -> impl ExactSizeIterator<Item = [u8; 4]> {
    table.features().iter().map(|feature| feature.hash.to_le_bytes())
}

/// The fields of a whole row, the one through which it exists last.
pub(super) fn row_fields(table: &ViewTable, layout: RedisLayout) -> Vec<Vec<u8>> {
    let mut fields = match layout {
        RedisLayout::Feast => feature_fields(table).map(|field| field.to_vec()).collect(),
        RedisLayout::Packed => Vec::new(),
    };
    fields.push(existence_field(table, layout).into_bytes());
    fields
}

/// An entity key for people.
pub(super) fn hex(entity_key: &[u8]) -> String {
    hex::encode(entity_key)
}

/// Appends an event timestamp as Feast stores it.
pub(super) fn put_timestamp(micros: i64, out: &mut Vec<u8>) {
    timestamp::encode(Timestamp::from_micros(micros), out);
}

/// A stored event timestamp in UTC microseconds.
///
/// # Errors
/// `Data` when it cannot be understood, naming the view.
pub(super) fn micros(stored: &[u8], table: &ViewTable) -> Result<i64> {
    match timestamp::decode(stored) {
        Ok(at) => Ok(at.micros()),
        Err(error) => Err(error
            .context(format_args!("a stored event timestamp of {table}"))
            .with_hint("delete the key and materialize the view again")),
    }
}

#[cfg(test)]
mod tests {
    use larder_core::Value;
    use larder_proto::wire::entity_key::{EntityKeyLayout, EntityKeyVersion};

    use super::*;

    fn key(version: EntityKeyVersion, values: &[Value]) -> Vec<u8> {
        let names: Vec<String> = (0..values.len()).map(|n| format!("key_{n}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        EntityKeyLayout::new(version, &names).unwrap().encode(values).unwrap()
    }

    #[test]
    fn a_row_belongs_to_one_project_only() {
        let keys = [
            key(EntityKeyVersion::V3, &[]),
            key(EntityKeyVersion::V3, &[Value::Int64(1)]),
            key(EntityKeyVersion::V3, &[Value::String("workshop".to_owned()), Value::Int32(7)]),
            key(EntityKeyVersion::V3, &[Value::Bytes(vec![0; 9])]),
        ];
        let projects = ["shop", "workshop", "op", "", "größe"];
        for entity_key in &keys {
            for owner in projects {
                let row = row_key(entity_key, owner);
                for project in projects {
                    let found = entity_key_of(&row, project);
                    assert_eq!(found, (owner == project).then_some(entity_key.as_slice()));
                }
            }
        }
    }

    #[test]
    fn what_is_no_version_3_key_belongs_to_nobody() {
        let old = key(EntityKeyVersion::V2, &[Value::Int64(1)]);
        assert_eq!(entity_key_of(&row_key(&old, "shop"), "shop"), None);
        let schemas = schema_key("work", "shop");
        for other in [&b""[..], b"shop", b"session:shop", &[1, 0, 0, 0], schemas.as_bytes()] {
            assert_eq!(entity_key_of(other, "shop"), None);
        }
    }

    #[test]
    fn patterns_mean_their_bytes() {
        assert_eq!(scan_pattern("shop"), b"*shop");
        assert_eq!(scan_pattern(r"a*b?[c]\d"), br"*a\*b\?\[c\]\\d");
    }
}
