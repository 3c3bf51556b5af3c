//! Which column holds the entity's time, and times in UTC.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_cast::{CastOptions, cast, cast_with_options};
use arrow_schema::{DataType, Field, FieldRef, Schema, SchemaRef, TimeUnit};
use larder_core::{Error, Result};

use crate::failure::from_arrow;

/// The column of this name is the entity's time whatever its type (Feast 0.67).
pub(super) const EVENT_TIMESTAMP: &str = "event_timestamp";

/// The position of the event time column: the one named, else `event_timestamp`, else the only timestamp column.
pub(super) fn find_column(schema: &Schema, named: Option<&str>) -> Result<usize> {
    if let Some(name) = named {
        return schema.index_of(name).map_err(|_| {
            Error::invalid(format!("the entity rows lack the event timestamp column \"{name}\""))
        });
    }
    if let Ok(position) = schema.index_of(EVENT_TIMESTAMP) {
        return Ok(position);
    }
    let is_time = |field: &FieldRef| matches!(field.data_type(), DataType::Timestamp(..));
    let fields = schema.fields().iter().enumerate();
    let candidates: Vec<_> = fields.filter(|(_, field)| is_time(field)).collect();
    let hint = format!("name the column \"{EVENT_TIMESTAMP}\"");
    match candidates[..] {
        [(position, _)] => Ok(position),
        [] => Err(Error::invalid("the entity rows have no timestamp column").with_hint(hint)),
        _ => {
            let names: Vec<_> = candidates.iter().map(|(_, field)| field.name().as_str()).collect();
            let message =
                format!("the entity rows have several timestamp columns: {}", names.join(", "));
            Err(Error::invalid(message).with_hint(hint))
        }
    }
}

/// The schema with every timestamp in UTC and the event time column as a timestamp.
pub(super) fn utc_schema(schema: &Schema, time: usize) -> Result<Schema> {
    let fields = schema.fields().iter().enumerate().map(|(position, field)| {
        let data_type = match field.data_type() {
            DataType::Timestamp(unit, _) => utc(*unit),
            other if position == time => event_time_type(field, other)?,
            other => other.clone(),
        };
        Ok(Field::new(field.name(), data_type, true))
    });
    Ok(Schema::new(fields.collect::<Result<Vec<_>>>()?))
}

fn event_time_type(field: &Field, data_type: &DataType) -> Result<DataType> {
    match data_type {
        DataType::Utf8
        | DataType::LargeUtf8
        | DataType::Utf8View
        | DataType::Date32
        | DataType::Date64
        | DataType::Null => Ok(utc(TimeUnit::Microsecond)),
        _ => Err(Error::invalid(format!(
            "the event timestamp column \"{}\" is {data_type} and holds no times",
            field.name()
        ))
        .with_hint("use timestamps, dates or ISO 8601 text")),
    }
}

fn utc(unit: TimeUnit) -> DataType {
    DataType::Timestamp(unit, Some(Arc::from("UTC")))
}

/// Rows in the types that [`utc_schema`] gave their columns.
pub(super) fn in_utc(rows: &RecordBatch, utc: &SchemaRef) -> Result<RecordBatch> {
    let columns = rows.columns().iter().zip(utc.fields());
    let columns = columns.map(|(column, field)| to_utc(column, field)).collect::<Result<_>>()?;
    RecordBatch::try_new(Arc::clone(utc), columns).map_err(from_arrow)
}

/// A column in the type that [`utc_schema`] gave it.
pub(super) fn to_utc(column: &ArrayRef, field: &Field) -> Result<ArrayRef> {
    if column.data_type() == field.data_type() {
        return Ok(Arc::clone(column));
    }
    match column.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => parse(column, field),
        DataType::Date32 | DataType::Date64 | DataType::Null => {
            let naive = DataType::Timestamp(TimeUnit::Microsecond, None);
            let stamps = cast(column, &naive).and_then(|stamps| cast(&stamps, field.data_type()));
            stamps.map_err(from_arrow)
        }
        _ => cast(column, field.data_type()).map_err(from_arrow),
    }
}

fn parse(column: &ArrayRef, field: &Field) -> Result<ArrayRef> {
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    let parsed = cast_with_options(column, field.data_type(), &strict);
    parsed.map_err(|error| {
        let name = field.name();
        Error::invalid(format!("the event timestamp column \"{name}\" holds text that is no time"))
            .with_hint("write times as ISO 8601, for instance 2024-03-10T12:00:00Z")
            .with_source(error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::cast::AsArray;
    use arrow_array::types::TimestampMicrosecondType;
    use arrow_array::{Date32Array, StringArray};
    use larder_core::ErrorKind;

    fn schema(fields: &[(&str, DataType)]) -> Schema {
        let field =
            |(name, data_type): &(&str, DataType)| Field::new(*name, data_type.clone(), true);
        Schema::new(fields.iter().map(field).collect::<Vec<_>>())
    }

    #[test]
    fn the_column_is_found_by_name_then_by_type() {
        let stamp = || DataType::Timestamp(TimeUnit::Millisecond, None);
        let both = schema(&[("t", stamp()), ("event_timestamp", DataType::Utf8)]);
        assert_eq!(find_column(&both, None).unwrap(), 1);
        assert_eq!(find_column(&both, Some("t")).unwrap(), 0);
        assert_eq!(
            find_column(&schema(&[("x", DataType::Utf8), ("t", stamp())]), None).unwrap(),
            1
        );
        for unclear in [schema(&[("a", stamp()), ("b", stamp())]), schema(&[("a", DataType::Utf8)])]
        {
            assert_eq!(find_column(&unclear, None).unwrap_err().kind(), ErrorKind::Invalid);
        }
        assert_eq!(find_column(&both, Some("gone")).unwrap_err().kind(), ErrorKind::Invalid);
    }

    fn micros(column: &ArrayRef) -> Result<Vec<Option<i64>>> {
        let from = schema(&[("t", column.data_type().clone())]);
        let to = utc_schema(&from, 0)?;
        let times = to_utc(column, to.field(0))?;
        Ok(times.as_primitive::<TimestampMicrosecondType>().iter().collect())
    }

    #[test]
    fn text_and_dates_become_instants() {
        let texts = ["1970-01-01T01:00:00+01:00", "1970-01-01 00:00:00.5", "1970-01-02"];
        let texts: ArrayRef = Arc::new(StringArray::from(texts.to_vec()));
        assert_eq!(micros(&texts).unwrap(), [Some(0), Some(500_000), Some(86_400_000_000)]);
        let dates: ArrayRef = Arc::new(Date32Array::from(vec![Some(1), None]));
        assert_eq!(micros(&dates).unwrap(), [Some(86_400_000_000), None]);
    }

    #[test]
    fn text_that_is_no_time_is_refused() {
        let texts: ArrayRef = Arc::new(StringArray::from(vec!["yesterday"]));
        assert_eq!(micros(&texts).unwrap_err().kind(), ErrorKind::Invalid);
    }
}
