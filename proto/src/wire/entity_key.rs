//! Entity keys: the bytes under which every online store files a row.
//!
//! Version 3 is a count, the join key names in sorted order, then their values in that order; all
//! integers are little-endian. Version 2 has neither count nor name lengths; version 1 also writes
//! 64-bit integers in four bytes.

use larder_core::{Error, Result, Value};

/// The layout of entity keys, `entity_key_serialization_version` in `feature_store.yaml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum EntityKeyVersion {
    /// Versions 0 and 1: like 2, with 64-bit integers cut to 32.
    V1,
    /// Without count and name lengths.
    V2,
    /// Feast's default.
    #[default]
    V3,
}

impl EntityKeyVersion {
    /// The layout of a configured number; Feast 0.67 treats everything above 3 as 3.
    pub fn from_number(number: u32) -> Self {
        match number {
            0 | 1 => Self::V1,
            2 => Self::V2,
            _ => Self::V3,
        }
    }
}

/// One join key value, borrowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyValue<'a> {
    /// Raw bytes.
    Bytes(&'a [u8]),
    /// Text.
    String(&'a str),
    /// 32-bit integer.
    Int32(i32),
    /// 64-bit integer.
    Int64(i64),
    /// UTC seconds.
    UnixTimestamp(i64),
}

impl<'a> KeyValue<'a> {
    /// The value as a join key.
    ///
    /// # Errors
    /// `Invalid` for null and for the types that Feast refuses: only bytes, strings, integers and
    /// unix timestamps can be join keys.
    pub fn new(value: &'a Value) -> Result<Self> {
        Ok(match value {
            Value::Bytes(bytes) => Self::Bytes(bytes),
            Value::String(text) => Self::String(text),
            Value::Int32(number) => Self::Int32(*number),
            Value::Int64(number) => Self::Int64(*number),
            Value::UnixTimestamp(seconds) => Self::UnixTimestamp(*seconds),
            Value::Null => return Err(Error::invalid("a join key value is null")),
            other => {
                let name = other.value_type().name();
                return Err(Error::invalid(format!("a join key cannot be of type {name}"))
                    .with_hint(
                        "Feast stores join keys of type bytes, string, int32, int64 and unix timestamp",
                    ));
            }
        })
    }

    fn to_value(self) -> Value {
        match self {
            Self::Bytes(bytes) => Value::Bytes(bytes.to_vec()),
            Self::String(text) => Value::String(text.to_owned()),
            Self::Int32(number) => Value::Int32(number),
            Self::Int64(number) => Value::Int64(number),
            Self::UnixTimestamp(seconds) => Value::UnixTimestamp(seconds),
        }
    }

    /// Appends tag, length and payload.
    fn write(self, version: EntityKeyVersion, out: &mut Vec<u8>) -> Result<()> {
        match self {
            Self::Bytes(bytes) => put_payload(BYTES, bytes, out),
            Self::String(text) => put_payload(STRING, text.as_bytes(), out),
            Self::Int32(number) => put_payload(INT32, &number.to_le_bytes(), out),
            Self::Int64(number) if version == EntityKeyVersion::V1 => {
                let number = i32::try_from(number).map_err(|error| {
                    Error::invalid(format!("join key value {number} does not fit in 32 bits"))
                        .with_hint("set entity_key_serialization_version to 3")
                        .with_source(error)
                })?;
                put_payload(INT64, &number.to_le_bytes(), out)
            }
            Self::Int64(number) => put_payload(INT64, &number.to_le_bytes(), out),
            Self::UnixTimestamp(seconds) => {
                put_payload(UNIX_TIMESTAMP, &seconds.to_le_bytes(), out)
            }
        }
    }
}

const BYTES: u32 = 1;
const STRING: u32 = 2;
const INT32: u32 = 3;
const INT64: u32 = 4;
const UNIX_TIMESTAMP: u32 = 8;

fn put_payload(tag: u32, payload: &[u8], out: &mut Vec<u8>) -> Result<()> {
    out.extend_from_slice(&tag.to_le_bytes());
    put_length(payload.len(), out)?;
    out.extend_from_slice(payload);
    Ok(())
}

fn put_length(length: usize, out: &mut Vec<u8>) -> Result<()> {
    let length = u32::try_from(length)
        .map_err(|error| Error::invalid("a join key is longer than 4 GiB").with_source(error))?;
    out.extend_from_slice(&length.to_le_bytes());
    Ok(())
}

/// The keys of one view: names sorted and encoded once, values appended per row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntityKeyLayout {
    version: EntityKeyVersion,
    /// Names in stored order.
    names: Vec<String>,
    /// Stored position to position in the declared order.
    order: Vec<usize>,
    prefix: Vec<u8>,
}

impl EntityKeyLayout {
    /// Prepares the keys for `join_keys` in the caller's order; no join keys give an empty key.
    ///
    /// # Errors
    /// `Invalid` when a name occurs twice.
    pub fn new(version: EntityKeyVersion, join_keys: &[&str]) -> Result<Self> {
        let mut order: Vec<usize> = (0..join_keys.len()).collect();
        // Feast sorts by code point, which is the order of UTF-8 bytes.
        order.sort_by_key(|&index| join_keys[index]);
        let names: Vec<String> = order.iter().map(|&index| join_keys[index].to_owned()).collect();
        if let Some((name, _)) = names.iter().zip(names.iter().skip(1)).find(|(a, b)| a == b) {
            return Err(Error::invalid(format!("join key \"{name}\" occurs twice")));
        }
        let mut prefix = Vec::new();
        if version == EntityKeyVersion::V3 {
            put_length(names.len(), &mut prefix)?;
        }
        for name in &names {
            prefix.extend_from_slice(&STRING.to_le_bytes());
            if version == EntityKeyVersion::V3 {
                put_length(name.len(), &mut prefix)?;
            }
            prefix.extend_from_slice(name.as_bytes());
        }
        Ok(Self { version, names, order, prefix })
    }

    /// What every key with these join keys begins with; a store scans for it.
    ///
    /// Feast 0.67, redis: deletions always scan for the version 3 prefix, whatever is configured.
    pub fn prefix(&self) -> &[u8] {
        &self.prefix
    }

    /// The join keys in stored order.
    pub fn sorted_names(&self) -> &[String] {
        &self.names
    }

    /// Appends the key of one row; `values` are in the order given to [`new`](Self::new).
    ///
    /// # Errors
    /// `Invalid` when the number of values differs from the number of join keys, or a value cannot
    /// be a join key (null, float ...). `out` then holds part of a key.
    pub fn encode_into(&self, values: &[Value], out: &mut Vec<u8>) -> Result<()> {
        if values.len() != self.order.len() {
            let (got, expected) = (values.len(), self.order.len());
            return Err(Error::invalid(format!("{got} values for {expected} join keys")));
        }
        self.encode_with(|index| KeyValue::new(&values[index]), out)
    }

    /// Appends the key of one row, asking `value` for each join key by its position in the order
    /// given to [`new`](Self::new). For callers whose values are columns.
    ///
    /// # Errors
    /// Those of `value`, and `Invalid` for an integer that version 1 cannot hold.
    pub fn encode_with<'v>(
        &self,
        mut value: impl FnMut(usize) -> Result<KeyValue<'v>>,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        out.extend_from_slice(&self.prefix);
        for (&index, name) in self.order.iter().zip(&self.names) {
            let value =
                value(index).map_err(|error| error.context(format_args!("join key \"{name}\"")))?;
            value.write(self.version, out)?;
        }
        Ok(())
    }

    /// The key of one row, see [`encode_into`](Self::encode_into).
    ///
    /// # Errors
    /// Those of [`encode_into`](Self::encode_into).
    pub fn encode(&self, values: &[Value]) -> Result<Vec<u8>> {
        let mut out = Vec::with_capacity(self.prefix.len() + 16 * values.len());
        self.encode_into(values, &mut out)?;
        Ok(out)
    }
}

/// Encodes a key whose names and values may differ in number, as Feast does.
///
/// Feast 0.67 pairs names and values and drops the surplus of either side.
///
/// # Errors
/// `Invalid` for a single name without value, for a repeated name, or for a value that cannot be
/// a join key.
pub fn encode(version: EntityKeyVersion, join_keys: &[&str], values: &[Value]) -> Result<Vec<u8>> {
    if let ([name], []) = (join_keys, values) {
        return Err(Error::invalid(format!("join key \"{name}\" has no value")));
    }
    let pairs = join_keys.len().min(values.len());
    EntityKeyLayout::new(version, &join_keys[..pairs])?.encode(&values[..pairs])
}

/// A decoded entity key.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EntityKey {
    /// Join keys in stored (sorted) order.
    pub join_keys: Vec<String>,
    /// Values; Feast does not require as many as there are names.
    pub values: Vec<Value>,
}

/// Decodes a version 3 key; older keys do not delimit their names.
///
/// # Errors
/// `Data` when the bytes are cut short, a tag is unknown, a payload has the wrong width or a text is
/// not UTF-8.
pub fn decode(key: &[u8]) -> Result<EntityKey> {
    let mut rest = key;
    let count = take_u32(&mut rest, "key count")?;
    let mut decoded = EntityKey::default();
    for _ in 0..count {
        let tag = take_u32(&mut rest, "key metadata")?;
        let length = take_u32(&mut rest, "key metadata")?;
        if tag != STRING {
            return Err(Error::data(format!("an entity key has a name of type {tag}")));
        }
        let name = take_payload(&mut rest, length, "key")?;
        // Feast strips trailing NUL bytes of names.
        decoded.join_keys.push(text(name)?.trim_end_matches('\0').to_owned());
    }
    while !rest.is_empty() {
        let tag = take_u32(&mut rest, "value metadata")?;
        let length = take_u32(&mut rest, "value metadata")?;
        let payload = take_payload(&mut rest, length, "value")?;
        decoded.values.push(decode_value(tag, payload)?.to_value());
    }
    Ok(decoded)
}

/// How many bytes the version 3 key at the start of `bytes` takes; `None` when there is none.
///
/// Redis keeps keys with the project's name behind them and nothing in between. As many values as names are expected,
/// as everybody writes them; whether a payload fits its type is not looked at.
pub fn encoded_length(bytes: &[u8]) -> Option<usize> {
    let mut rest = bytes;
    let count = take_u32(&mut rest, "key count").ok()?;
    let mut skip = |tags: &[u32]| {
        let tag = take_u32(&mut rest, "metadata").ok()?;
        let length = take_u32(&mut rest, "metadata").ok()?;
        take_payload(&mut rest, length, "payload").ok()?;
        tags.contains(&tag).then_some(())
    };
    (0..count).try_for_each(|_| skip(&[STRING]))?;
    (0..count).try_for_each(|_| skip(&[BYTES, STRING, INT32, INT64, UNIX_TIMESTAMP]))?;
    Some(bytes.len() - rest.len())
}

fn decode_value(tag: u32, payload: &[u8]) -> Result<KeyValue<'_>> {
    Ok(match tag {
        BYTES => KeyValue::Bytes(payload),
        STRING => KeyValue::String(text(payload)?),
        INT32 => KeyValue::Int32(i32::from_le_bytes(exact(payload)?)),
        INT64 => KeyValue::Int64(i64::from_le_bytes(exact(payload)?)),
        UNIX_TIMESTAMP => KeyValue::UnixTimestamp(i64::from_le_bytes(exact(payload)?)),
        _ => return Err(Error::data(format!("an entity key has a value of type {tag}"))),
    })
}

fn take_u32(rest: &mut &[u8], what: &str) -> Result<u32> {
    let (taken, left) = rest.split_first_chunk::<4>().ok_or_else(|| cut_short(what))?;
    *rest = left;
    Ok(u32::from_le_bytes(*taken))
}

fn take_payload<'a>(rest: &mut &'a [u8], length: u32, what: &str) -> Result<&'a [u8]> {
    let length = usize::try_from(length).map_err(|_| cut_short(what))?;
    let (taken, left) = rest.split_at_checked(length).ok_or_else(|| cut_short(what))?;
    *rest = left;
    Ok(taken)
}

fn cut_short(what: &str) -> Error {
    Error::data(format!("an entity key ends within its {what}"))
}

fn exact<const N: usize>(payload: &[u8]) -> Result<[u8; N]> {
    payload.try_into().map_err(|error| {
        Error::data("an entity key has a payload of the wrong width").with_source(error)
    })
}

fn text(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes).map_err(|error| {
        Error::data("an entity key has a text that is not UTF-8").with_source(error)
    })
}
