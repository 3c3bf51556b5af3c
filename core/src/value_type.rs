//! Feature and join key types, with Feast's numbers.

use std::sync::Arc;

use arrow_schema::{DataType, Field, TimeUnit};

use crate::{Error, Result};

macro_rules! value_types {
    ($($variant:ident = $number:literal, $name:literal;)+) => {
        /// Type of a feature or join key.
        ///
        /// The numbers are those of `feast.types.ValueType.Enum`. `Unknown` is 0, which the protobuf enum
        /// calls `INVALID`. `PdfBytes` and `ImageBytes` exist in Feast's Python only (stored as bytes).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
        #[repr(i32)]
        #[expect(missing_docs, reason = "the variants are Feast's type names")]
        pub enum ValueType {
            #[default]
            $($variant = $number,)+
        }

        impl ValueType {
            /// Every type, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name in Python's `ValueType` enum, for instance `INT64_LIST`.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// The type with this number, `None` for a number that Feast does not define.
            pub fn from_number(number: i32) -> Option<Self> {
                match number { $($number => Some(Self::$variant),)+ _ => None }
            }

            /// The type with this Python enum name; `INVALID` is `Unknown`.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)+ "INVALID" => Some(Self::Unknown), _ => None }
            }
        }
    };
}

value_types! {
    Unknown = 0, "UNKNOWN";
    Bytes = 1, "BYTES";
    String = 2, "STRING";
    Int32 = 3, "INT32";
    Int64 = 4, "INT64";
    Double = 5, "DOUBLE";
    Float = 6, "FLOAT";
    Bool = 7, "BOOL";
    UnixTimestamp = 8, "UNIX_TIMESTAMP";
    BytesList = 11, "BYTES_LIST";
    StringList = 12, "STRING_LIST";
    Int32List = 13, "INT32_LIST";
    Int64List = 14, "INT64_LIST";
    DoubleList = 15, "DOUBLE_LIST";
    FloatList = 16, "FLOAT_LIST";
    BoolList = 17, "BOOL_LIST";
    UnixTimestampList = 18, "UNIX_TIMESTAMP_LIST";
    Null = 19, "NULL";
    Map = 20, "MAP";
    MapList = 21, "MAP_LIST";
    BytesSet = 22, "BYTES_SET";
    StringSet = 23, "STRING_SET";
    Int32Set = 24, "INT32_SET";
    Int64Set = 25, "INT64_SET";
    DoubleSet = 26, "DOUBLE_SET";
    FloatSet = 27, "FLOAT_SET";
    BoolSet = 28, "BOOL_SET";
    UnixTimestampSet = 29, "UNIX_TIMESTAMP_SET";
    PdfBytes = 30, "PDF_BYTES";
    ImageBytes = 31, "IMAGE_BYTES";
    Json = 32, "JSON";
    JsonList = 33, "JSON_LIST";
    Struct = 34, "STRUCT";
    StructList = 35, "STRUCT_LIST";
    Uuid = 36, "UUID";
    TimeUuid = 37, "TIME_UUID";
    UuidList = 38, "UUID_LIST";
    TimeUuidList = 39, "TIME_UUID_LIST";
    UuidSet = 40, "UUID_SET";
    TimeUuidSet = 41, "TIME_UUID_SET";
    ValueList = 42, "VALUE_LIST";
    ValueSet = 43, "VALUE_SET";
    Decimal = 44, "DECIMAL";
    DecimalList = 45, "DECIMAL_LIST";
    DecimalSet = 46, "DECIMAL_SET";
    ScalarMap = 47, "SCALAR_MAP";
    ZonedTimestamp = 48, "ZONED_TIMESTAMP";
}

impl ValueType {
    /// Feast's number for the type.
    pub fn number(self) -> i32 {
        self as i32
    }

    /// The element type of a list type, `None` for anything else (also for nested lists).
    pub fn list_element(self) -> Option<Self> {
        Some(match self {
            Self::BytesList => Self::Bytes,
            Self::StringList => Self::String,
            Self::Int32List => Self::Int32,
            Self::Int64List => Self::Int64,
            Self::DoubleList => Self::Double,
            Self::FloatList => Self::Float,
            Self::BoolList => Self::Bool,
            Self::UnixTimestampList => Self::UnixTimestamp,
            Self::MapList => Self::Map,
            Self::StructList => Self::Struct,
            Self::JsonList => Self::Json,
            Self::UuidList => Self::Uuid,
            Self::TimeUuidList => Self::TimeUuid,
            Self::DecimalList => Self::Decimal,
            _ => return None,
        })
    }

    /// The element type of a set type, `None` for anything else (also for nested sets).
    pub fn set_element(self) -> Option<Self> {
        Some(match self {
            Self::BytesSet => Self::Bytes,
            Self::StringSet => Self::String,
            Self::Int32Set => Self::Int32,
            Self::Int64Set => Self::Int64,
            Self::DoubleSet => Self::Double,
            Self::FloatSet => Self::Float,
            Self::BoolSet => Self::Bool,
            Self::UnixTimestampSet => Self::UnixTimestamp,
            Self::UuidSet => Self::Uuid,
            Self::TimeUuidSet => Self::TimeUuid,
            Self::DecimalSet => Self::Decimal,
            _ => return None,
        })
    }

    /// The list type of this element type.
    pub fn list_of(self) -> Option<Self> {
        Self::ALL.iter().copied().find(|list| list.list_element() == Some(self))
    }

    /// The set type of this element type.
    pub fn set_of(self) -> Option<Self> {
        Self::ALL.iter().copied().find(|set| set.set_element() == Some(self))
    }

    /// Whether a join key may have this type (Feast 0.67 can serialize no other).
    pub fn can_be_join_key(self) -> bool {
        matches!(self, Self::Bytes | Self::String | Self::Int32 | Self::Int64 | Self::UnixTimestamp)
    }

    /// The Arrow type in which transforms and exports see values of this type.
    ///
    /// Unix timestamps are UTC seconds (Feast's resolution for values). Maps, structs, nested lists and
    /// scalar maps travel as JSON text, zoned timestamps as ISO 8601 text.
    pub fn arrow_type(self) -> DataType {
        if let Some(element) = self.list_element().or_else(|| self.set_element()) {
            return DataType::List(Arc::new(Field::new("item", element.arrow_type(), true)));
        }
        match self {
            Self::Bytes | Self::PdfBytes | Self::ImageBytes => DataType::Binary,
            Self::Int32 => DataType::Int32,
            Self::Int64 => DataType::Int64,
            Self::Double => DataType::Float64,
            Self::Float => DataType::Float32,
            Self::Bool => DataType::Boolean,
            Self::UnixTimestamp => DataType::Timestamp(TimeUnit::Second, Some("UTC".into())),
            Self::Null => DataType::Null,
            _ => DataType::Utf8,
        }
    }

    /// The type that Feast infers for a column of this Arrow type.
    ///
    /// Wider than Feast 0.67, which fails on dates, decimals, dictionaries and string lists named `element`.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) for a type without counterpart (intervals, unions ...).
    pub fn from_arrow(data_type: &DataType) -> Result<Self> {
        Ok(match data_type {
            DataType::Int8
            | DataType::Int16
            | DataType::Int32
            | DataType::UInt8
            | DataType::UInt16 => Self::Int32,
            DataType::Int64 | DataType::UInt32 | DataType::UInt64 => Self::Int64,
            DataType::Float16 | DataType::Float32 => Self::Float,
            DataType::Float64 => Self::Double,
            DataType::Utf8 | DataType::Utf8View => Self::String,
            // Feast 0.67 maps `large_string` to JSON.
            DataType::LargeUtf8 => Self::Json,
            DataType::Binary
            | DataType::LargeBinary
            | DataType::BinaryView
            | DataType::FixedSizeBinary(_) => Self::Bytes,
            DataType::Boolean => Self::Bool,
            DataType::Timestamp(..) | DataType::Date32 | DataType::Date64 => Self::UnixTimestamp,
            DataType::Map(..) => Self::Map,
            DataType::Struct(_) => Self::Struct,
            DataType::Decimal32(..)
            | DataType::Decimal64(..)
            | DataType::Decimal128(..)
            | DataType::Decimal256(..) => Self::Decimal,
            DataType::Dictionary(_, value) => Self::from_arrow(value)?,
            DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
                Self::from_arrow(item.data_type())?.list_of().unwrap_or(Self::ValueList)
            }
            other => {
                return Err(Error::invalid(format!("no feature type for the column type {other}")).with_hint(
                    "declare the feature's dtype in the view's schema and cast the column in the source",
                ));
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_lead_back_to_the_type() {
        for &value_type in ValueType::ALL {
            assert_eq!(ValueType::from_number(value_type.number()), Some(value_type));
            assert_eq!(ValueType::from_name(value_type.name()), Some(value_type));
        }
    }

    #[test]
    fn a_list_type_is_the_list_of_its_element() {
        for &value_type in ValueType::ALL {
            if let Some(element) = value_type.list_element() {
                assert_eq!(element.list_of(), Some(value_type));
            }
            if let Some(element) = value_type.set_element() {
                assert_eq!(element.set_of(), Some(value_type));
            }
        }
    }

    #[test]
    fn scalar_arrow_types_lead_back_to_the_type() {
        for value_type in [
            ValueType::Int32,
            ValueType::Int64,
            ValueType::Double,
            ValueType::Float,
            ValueType::Bool,
        ] {
            assert_eq!(ValueType::from_arrow(&value_type.arrow_type()).unwrap(), value_type);
        }
    }
}
