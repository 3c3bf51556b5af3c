//! Feature values.

use crate::ValueType;

/// One feature value or join key value.
///
/// `Null` is Feast's unset `Value` (zero bytes); `null_val` decodes to it and is never written.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value {
    /// No value.
    #[default]
    Null,
    /// Raw bytes (also PDF and image bytes).
    Bytes(Vec<u8>),
    /// UTF-8 text.
    String(String),
    /// 32-bit integer.
    Int32(i32),
    /// 64-bit integer.
    Int64(i64),
    /// 64-bit float.
    Double(f64),
    /// 32-bit float.
    Float(f32),
    /// Boolean.
    Bool(bool),
    /// Seconds since 1970-01-01T00:00:00Z.
    UnixTimestamp(i64),
    /// JSON text, kept verbatim.
    Json(String),
    /// UUID text.
    Uuid(String),
    /// Time-based UUID text.
    TimeUuid(String),
    /// Decimal text.
    Decimal(String),
    /// An instant with the zone it is shown in.
    ZonedTimestamp {
        /// Seconds since 1970-01-01T00:00:00Z.
        unix_timestamp: i64,
        /// IANA name or fixed offset; empty means UTC.
        zone: String,
    },
    /// String keys to values, in key order.
    Map(Vec<(String, Value)>),
    /// Field names to values.
    Struct(Vec<(String, Value)>),
    /// Scalar keys to values.
    ScalarMap(Vec<(Value, Value)>),
    /// A list; every item has the given element type (`Map` and `Struct` included).
    List(ValueType, Vec<Value>),
    /// A set; every item has the given element type.
    Set(ValueType, Vec<Value>),
    /// A list of collections.
    NestedList(Vec<Value>),
    /// A set of collections.
    NestedSet(Vec<Value>),
}

impl Value {
    /// Whether there is no value.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The type of the value; `Unknown` for null.
    pub fn value_type(&self) -> ValueType {
        match self {
            Self::Null => ValueType::Unknown,
            Self::Bytes(_) => ValueType::Bytes,
            Self::String(_) => ValueType::String,
            Self::Int32(_) => ValueType::Int32,
            Self::Int64(_) => ValueType::Int64,
            Self::Double(_) => ValueType::Double,
            Self::Float(_) => ValueType::Float,
            Self::Bool(_) => ValueType::Bool,
            Self::UnixTimestamp(_) => ValueType::UnixTimestamp,
            Self::Json(_) => ValueType::Json,
            Self::Uuid(_) => ValueType::Uuid,
            Self::TimeUuid(_) => ValueType::TimeUuid,
            Self::Decimal(_) => ValueType::Decimal,
            Self::ZonedTimestamp { .. } => ValueType::ZonedTimestamp,
            Self::Map(_) => ValueType::Map,
            Self::Struct(_) => ValueType::Struct,
            Self::ScalarMap(_) => ValueType::ScalarMap,
            Self::List(element, _) => element.list_of().unwrap_or(ValueType::ValueList),
            Self::Set(element, _) => element.set_of().unwrap_or(ValueType::ValueSet),
            Self::NestedList(_) => ValueType::ValueList,
            Self::NestedSet(_) => ValueType::ValueSet,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int64(number)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Double(number)
    }
}
