//! Arrow types as pyarrow prints them, which is what Feast compares.

use arrow_schema::{DataType, Field, TimeUnit};

/// `str(pyarrow type)`.
pub(super) fn type_name(data_type: &DataType) -> String {
    match data_type {
        DataType::Boolean => "bool".to_owned(),
        DataType::Float16 => "halffloat".to_owned(),
        DataType::Float32 => "float".to_owned(),
        DataType::Float64 => "double".to_owned(),
        DataType::Utf8 => "string".to_owned(),
        DataType::LargeUtf8 => "large_string".to_owned(),
        DataType::Utf8View => "string_view".to_owned(),
        DataType::LargeBinary => "large_binary".to_owned(),
        DataType::BinaryView => "binary_view".to_owned(),
        DataType::FixedSizeBinary(width) => format!("fixed_size_binary[{width}]"),
        DataType::Date32 => "date32[day]".to_owned(),
        DataType::Date64 => "date64[ms]".to_owned(),
        DataType::Time32(unit) => format!("time32[{}]", unit_name(*unit)),
        DataType::Time64(unit) => format!("time64[{}]", unit_name(*unit)),
        DataType::Duration(unit) => format!("duration[{}]", unit_name(*unit)),
        DataType::Timestamp(unit, None) => format!("timestamp[{}]", unit_name(*unit)),
        DataType::Timestamp(unit, Some(zone)) => {
            format!("timestamp[{}, tz={zone}]", unit_name(*unit))
        }
        DataType::Decimal32(precision, scale) => format!("decimal32({precision}, {scale})"),
        DataType::Decimal64(precision, scale) => format!("decimal64({precision}, {scale})"),
        DataType::Decimal128(precision, scale) => format!("decimal128({precision}, {scale})"),
        DataType::Decimal256(precision, scale) => format!("decimal256({precision}, {scale})"),
        DataType::List(item) => format!("list<{}>", child(item)),
        DataType::LargeList(item) => format!("large_list<{}>", child(item)),
        DataType::FixedSizeList(item, size) => format!("fixed_size_list<{}>[{size}]", child(item)),
        DataType::Struct(fields) => {
            let fields: Vec<_> = fields.iter().map(|field| child(field)).collect();
            format!("struct<{}>", fields.join(", "))
        }
        DataType::Map(entries, sorted) => map(entries, *sorted),
        DataType::Dictionary(keys, values) => format!(
            "dictionary<values={}, indices={}, ordered=0>",
            type_name(values),
            type_name(keys)
        ),
        // Integers, binary and null have the same name in lower case; the rest no Parquet file holds.
        other => other.to_string().to_lowercase(),
    }
}

fn child(field: &Field) -> String {
    let null = if field.is_nullable() { "" } else { " not null" };
    format!("{}: {}{null}", field.name(), type_name(field.data_type()))
}

/// pyarrow leaves out the names of a map's fields unless they are unusual.
fn map(entries: &Field, sorted: bool) -> String {
    let DataType::Struct(fields) = entries.data_type() else { return "map".to_owned() };
    let part = |position: usize, usual: &str| {
        let Some(field) = fields.get(position) else { return String::new() };
        let name = field.name();
        let label = if name == usual { String::new() } else { format!(" ('{name}')") };
        format!("{}{label}", type_name(field.data_type()))
    };
    let sorted = if sorted { ", keys_sorted" } else { "" };
    format!("map<{}, {}{sorted}>", part(0, "key"), part(1, "value"))
}

fn unit_name(unit: TimeUnit) -> &'static str {
    match unit {
        TimeUnit::Second => "s",
        TimeUnit::Millisecond => "ms",
        TimeUnit::Microsecond => "us",
        TimeUnit::Nanosecond => "ns",
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn types_have_the_names_of_pyarrow() {
        let item = |data_type, nullable| Arc::new(Field::new("element", data_type, nullable));
        let entries = Field::new_struct(
            "key_value",
            vec![
                Field::new("key", DataType::Utf8, false),
                Field::new("value", DataType::Int64, true),
            ],
            false,
        );
        for (data_type, name) in [
            (DataType::Int64, "int64"),
            (DataType::UInt8, "uint8"),
            (DataType::Boolean, "bool"),
            (DataType::Binary, "binary"),
            (DataType::Null, "null"),
            (DataType::Float64, "double"),
            (
                DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
                "timestamp[us, tz=UTC]",
            ),
            (DataType::Date32, "date32[day]"),
            (DataType::List(item(DataType::Float64, true)), "list<element: double>"),
            (DataType::List(item(DataType::Int32, false)), "list<element: int32 not null>"),
            (
                DataType::Struct(vec![Field::new("a", DataType::Utf8, true)].into()),
                "struct<a: string>",
            ),
            (DataType::Map(Arc::new(entries), false), "map<string, int64>"),
            (DataType::Decimal128(10, 2), "decimal128(10, 2)"),
        ] {
            assert_eq!(type_name(&data_type), name);
        }
    }
}
