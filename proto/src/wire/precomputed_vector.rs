//! `feast.core.PrecomputedFeatureVector`: all features of a service for one entity, stored as one value.
//!
//! Feast 0.67 keeps it as the bytes of the feature `vector` of a view that exists in no registry,
//! `__precomputed__<service>`. Values inside are encoded `feast.types.Value` messages; they are copied, never decoded.

use larder_core::{Result, Timestamp};

use super::message::{Fields, put_bytes};
use super::timestamp;

/// The only feature of the view that holds the vectors of a service.
pub const FEATURE: &str = "vector";

/// Field of `feast.types.Value` that holds bytes.
const BYTES_VAL: u32 = 1;

/// Name of the view that holds the vectors of a service.
pub fn view_name(service: &str) -> String {
    format!("__precomputed__{service}")
}

/// A vector, borrowed from what it is made of or was read from.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PrecomputedVector<'a> {
    /// `view__feature` per value; the view under its alias if it has one.
    pub names: Vec<&'a str>,
    /// Encoded values in the order of the names; empty for null.
    pub values: Vec<&'a [u8]>,
    /// Event time by view, for the views that have a row.
    pub event_timestamps: Vec<(&'a str, Timestamp)>,
    /// When the vector was made.
    pub precomputed_at: Timestamp,
}

impl<'a> PrecomputedVector<'a> {
    /// Appends the encoded `feast.types.Value` that holds the vector.
    pub fn encode_value(&self, out: &mut Vec<u8>) {
        put_bytes(BYTES_VAL, &self.encode(), out);
    }

    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.names.iter().for_each(|name| put_bytes(1, name.as_bytes(), &mut out));
        self.values.iter().for_each(|value| put_bytes(2, value, &mut out));
        let mut part = Vec::new();
        for (view, at) in &self.event_timestamps {
            part.clear();
            put_bytes(1, view.as_bytes(), &mut part);
            put_bytes(2, &encoded(*at), &mut part);
            put_bytes(3, &part, &mut out);
        }
        put_bytes(4, &encoded(self.precomputed_at), &mut out);
        out
    }

    /// The vector in an encoded `feast.types.Value`; `None` when the value holds no bytes.
    ///
    /// # Errors
    /// `Data` when the bytes are no vector.
    pub fn decode_value(value: &'a [u8]) -> Result<Option<Self>> {
        super::message::find_bytes(value, BYTES_VAL)?.map(Self::decode).transpose()
    }

    fn decode(message: &'a [u8]) -> Result<Self> {
        let mut vector = Self { precomputed_at: Timestamp::EPOCH, ..Self::default() };
        for field in Fields::new(message) {
            let field = field?;
            match field.number {
                1 => vector.names.push(field.content.text()?),
                2 => vector.values.push(field.content.bytes()?),
                3 => vector.event_timestamps.push(event_timestamp(field.content.bytes()?)?),
                4 => vector.precomputed_at = timestamp::decode(field.content.bytes()?)?,
                _ => {}
            }
        }
        Ok(vector)
    }
}

fn encoded(at: Timestamp) -> Vec<u8> {
    let mut out = Vec::new();
    timestamp::encode(at, &mut out);
    out
}

fn event_timestamp(message: &[u8]) -> Result<(&str, Timestamp)> {
    let (mut view, mut at) = ("", Timestamp::EPOCH);
    for field in Fields::new(message) {
        let field = field?;
        match field.number {
            1 => view = field.content.text()?,
            2 => at = timestamp::decode(field.content.bytes()?)?,
            _ => {}
        }
    }
    Ok((view, at))
}

#[cfg(test)]
mod tests {
    use larder_core::ErrorKind;
    use prost::Message as _;

    use super::*;
    use crate::feast::core::{FeatureViewTimestamp, PrecomputedFeatureVector};
    use crate::feast::types::Value;
    use crate::feast::types::value::Val;

    fn message() -> PrecomputedFeatureVector {
        let at = |seconds, nanos| Some(prost_types::Timestamp { seconds, nanos });
        PrecomputedFeatureVector {
            feature_names: vec!["user__clicks".to_owned(), "user__é".to_owned()],
            values: vec![Value { val: Some(Val::Int64Val(7)) }, Value { val: None }],
            fv_timestamps: vec![FeatureViewTimestamp {
                feature_view_name: "user".to_owned(),
                event_timestamp: at(1_700_000_000, 5_000),
            }],
            precomputed_at: at(1_700_000_001, 0),
        }
    }

    #[test]
    fn vectors_are_the_messages_of_feast() {
        let vector = PrecomputedVector {
            names: vec!["user__clicks", "user__é"],
            values: vec![&[0x20, 7], &[]],
            event_timestamps: vec![("user", Timestamp::from_micros(1_700_000_000_000_005))],
            precomputed_at: Timestamp::from_seconds(1_700_000_001),
        };
        let mut value = Vec::new();
        vector.encode_value(&mut value);
        let expected = Value { val: Some(Val::BytesVal(message().encode_to_vec())) };
        assert_eq!(value, expected.encode_to_vec());
        assert_eq!(PrecomputedVector::decode_value(&value).unwrap(), Some(vector));
    }

    #[test]
    fn a_null_holds_no_vector_and_other_bytes_are_none() {
        assert_eq!(PrecomputedVector::decode_value(&[]).unwrap(), None);
        let broken = PrecomputedVector::decode_value(&[0x0a, 2, 0x0a, 9]).unwrap_err();
        assert_eq!(broken.kind(), ErrorKind::Data);
    }
}
