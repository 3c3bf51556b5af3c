//! Whether the columns of a file fit those of the log.

use arrow_schema::{DataType, Field, Schema};
use larder_core::{Error, Result};

use crate::source::plain_type;

/// Refuses a file whose values would not be what the log says.
///
/// # Errors
/// `Unsupported` naming the column, the file and both types.
pub(super) fn check(table: &Schema, file: &Schema, shown: &str) -> Result<()> {
    for column in table.fields() {
        let Ok(stored) = file.field_with_name(column.name()) else { continue };
        if !fits(column.data_type(), stored.data_type()) {
            return Err(Error::unsupported(format!(
                "column \"{}\" is {} in {shown} but {} in the Delta log",
                column.name(),
                stored.data_type(),
                column.data_type()
            ))
            .with_hint("rewrite the table, so that all its files have the types of the log"));
        }
    }
    Ok(())
}

/// Whether stored values can be read as values of the log's type, none of which is lost.
fn fits(log: &DataType, stored: &DataType) -> bool {
    use DataType::{
        Binary, Date32, Decimal128, Float32, Float64, LargeBinary, LargeList, LargeUtf8, List, Map,
        Null, Struct, Timestamp, Utf8,
    };
    match (log, &plain_type(stored)) {
        (_, Null)
        | (Timestamp(..), Timestamp(..) | Date32)
        | (Float64, Float32)
        | (Utf8, LargeUtf8)
        | (Binary, LargeBinary) => true,
        (Float64, stored) if stored.is_signed_integer() => stored.primitive_width() <= Some(4),
        (Decimal128(digits, scale), Decimal128(fewer, coarser)) => {
            scale >= coarser
                && i16::from(*digits) - i16::from(*scale) >= i16::from(*fewer) - i16::from(*coarser)
        }
        (List(log), List(stored) | LargeList(stored)) | (Map(log, _), Map(stored, _)) => {
            fits(log.data_type(), stored.data_type())
        }
        (Struct(log), Struct(stored)) => {
            let same = |(log, stored): (&Field, &Field)| {
                log.name() == stored.name() && fits(log.data_type(), stored.data_type())
            };
            let pairs = log.iter().zip(stored.iter());
            log.len() == stored.len() && pairs.map(|(a, b)| (a.as_ref(), b.as_ref())).all(same)
        }
        (log, stored) if log.is_signed_integer() && stored.is_signed_integer() => {
            log.primitive_width() >= stored.primitive_width()
        }
        (log, stored) => log == stored,
    }
}

#[cfg(test)]
mod tests {
    use arrow_schema::TimeUnit;
    use larder_core::ErrorKind;

    use super::*;

    fn checked(log: DataType, stored: DataType) -> Result<()> {
        let [log, stored] =
            [log, stored].map(|data_type| Schema::new(vec![Field::new("x", data_type, true)]));
        check(&log, &stored, "a file")
    }

    #[test]
    fn a_file_may_have_narrower_types_than_the_log_and_no_others() {
        use DataType::{Date32, Decimal128, Float32, Float64, Int32, Int64, Timestamp, Utf8};
        let micros = Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let nanos = Timestamp(TimeUnit::Nanosecond, None);
        let list = |item: &str, data_type| DataType::List(Field::new(item, data_type, true).into());
        let record = |name: &str| DataType::Struct(vec![Field::new(name, Int64, true)].into());
        for (log, stored) in [
            (Int64, Int32),
            (Float64, Float32),
            (Float64, Int32),
            (micros.clone(), nanos),
            (micros.clone(), Date32),
            (Decimal128(12, 3), Decimal128(10, 2)),
            (Utf8, DataType::Dictionary(Box::new(Int32), Box::new(Utf8))),
            (list("element", Int64), list("item", Int32)),
            (record("a"), record("a")),
        ] {
            checked(log, stored).unwrap();
        }
        for (log, stored) in [
            (Int32, Int64),
            (Float64, Int64),
            (Utf8, Int64),
            (micros, Int64),
            (Decimal128(10, 2), Decimal128(10, 3)),
            (Decimal128(10, 3), Decimal128(10, 2)),
            (record("a"), record("b")),
        ] {
            let error = checked(log, stored).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported);
        }
    }
}
