//! One schema for files that differ.

use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, TimeUnit};
use larder_core::{Error, Result};

/// The type in which a stored column is read: dictionaries and view types become what they stand for.
pub(crate) fn plain_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Dictionary(_, value) => plain_type(value),
        DataType::Utf8View => DataType::Utf8,
        DataType::BinaryView => DataType::Binary,
        other => other.clone(),
    }
}

/// The union of the columns of several files, in the order in which they first appear, all nullable.
///
/// Columns of one name may differ in width (integers, floats), in the unit of a time and in text or binary offsets;
/// a column without any value takes the type of the others.
///
/// # Errors
/// [`ErrorKind::Invalid`](larder_core::ErrorKind::Invalid) naming the column, the types and the file that does not fit.
pub(super) fn merge<'a>(files: impl Iterator<Item = (&'a str, &'a Schema)>) -> Result<Schema> {
    let mut merged: Vec<Field> = Vec::new();
    for (file, schema) in files {
        for field in schema.fields() {
            let data_type = plain_type(field.data_type());
            let Some(known) = merged.iter_mut().find(|known| known.name() == field.name()) else {
                merged.push(Field::new(field.name(), data_type, true));
                continue;
            };
            let common = common_type(known.data_type(), &data_type).ok_or_else(|| {
                Error::invalid(format!(
                    "column \"{}\" is {data_type} in {file} but {} in the files before it",
                    field.name(),
                    known.data_type()
                ))
            })?;
            known.set_data_type(common);
        }
    }
    Ok(Schema::new(merged))
}

fn common_type(a: &DataType, b: &DataType) -> Option<DataType> {
    use DataType::{Binary, Float32, Float64, LargeBinary, LargeUtf8, Null, Timestamp, Utf8};
    Some(match (a, b) {
        _ if a == b => a.clone(),
        (Null, other) | (other, Null) => other.clone(),
        (Utf8, LargeUtf8) | (LargeUtf8, Utf8) => LargeUtf8,
        (Binary, LargeBinary) | (LargeBinary, Binary) => LargeBinary,
        (Float32, Float64) | (Float64, Float32) => Float64,
        (Timestamp(a, zone), Timestamp(b, other)) => {
            let utc = || Arc::from("UTC");
            let zone = (zone.is_some() || other.is_some()).then(utc);
            Timestamp(finer(*a, *b), zone)
        }
        _ if a.is_integer() && b.is_integer() => wider_integer(a, b)?,
        _ => return None,
    })
}

/// The finer of two units.
fn finer(a: TimeUnit, b: TimeUnit) -> TimeUnit {
    // Declared from coarse to fine.
    a.max(b)
}

fn wider_integer(a: &DataType, b: &DataType) -> Option<DataType> {
    let width = a.primitive_width().max(b.primitive_width())?;
    match (a.is_signed_integer(), b.is_signed_integer()) {
        (true, true) | (false, false) => {
            Some(if a.primitive_width() >= b.primitive_width() { a } else { b }.clone())
        }
        // The unsigned side needs one width more, which 64 bits do not have.
        _ if width < 8 => Some(DataType::Int64),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use larder_core::ErrorKind;

    fn merged(a: DataType, b: DataType) -> Result<DataType> {
        let [a, b] = [a, b].map(|data_type| Schema::new(vec![Field::new("x", data_type, false)]));
        let schema = merge([("a", &a), ("b", &b)].into_iter())?;
        Ok(schema.field(0).data_type().clone())
    }

    #[test]
    fn columns_of_one_kind_take_the_wider_type() {
        use DataType::{Float32, Float64, Int32, Int64, Null, UInt8, Utf8};
        for (a, b, expected) in [
            (Int32, Int64, Int64),
            (UInt8, Int32, Int64),
            (Float64, Float32, Float64),
            (Null, Utf8, Utf8),
            (DataType::Dictionary(Box::new(Int32), Box::new(Utf8)), Utf8, Utf8),
        ] {
            assert_eq!(merged(a.clone(), b.clone()).unwrap(), expected);
            assert_eq!(merged(b, a).unwrap(), expected);
        }
        let utc = Some(Arc::from("UTC"));
        let coarse = DataType::Timestamp(TimeUnit::Millisecond, utc.clone());
        let fine = DataType::Timestamp(TimeUnit::Nanosecond, None);
        assert_eq!(merged(coarse, fine).unwrap(), DataType::Timestamp(TimeUnit::Nanosecond, utc));
    }

    #[test]
    fn columns_of_different_kinds_are_refused() {
        for (a, b) in [(DataType::Utf8, DataType::Int64), (DataType::UInt64, DataType::Int64)] {
            assert_eq!(merged(a, b).unwrap_err().kind(), ErrorKind::Invalid);
        }
    }

    #[test]
    fn columns_keep_the_order_in_which_they_appear() {
        let a = Schema::new(vec![Field::new("x", DataType::Int64, false)]);
        let b = Schema::new(vec![
            Field::new("y", DataType::Utf8, true),
            Field::new("x", DataType::Int64, true),
        ]);
        let schema = merge([("a", &a), ("b", &b)].into_iter()).unwrap();
        let names: Vec<_> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        assert_eq!(names, ["x", "y"]);
    }
}
