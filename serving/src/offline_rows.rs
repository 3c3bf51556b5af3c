//! Pushed rows in the schema of a batch source.

use arrow_array::{ArrayRef, RecordBatch, TimestampMicrosecondArray};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::{DataType, SchemaRef};
use larder_core::{Error, Result, Timestamp, ValueType};
use larder_proto::convert;

use crate::online::RequestColumn;

/// One batch with exactly the columns of `schema`; columns not pushed are null.
///
/// # Errors
/// `Invalid` for a value that does not fit the source's column, or a missing required column.
pub(crate) fn offline_batch(
    schema: &SchemaRef,
    columns: &[RequestColumn],
    rows: usize,
) -> Result<RecordBatch> {
    let arrays = schema
        .fields()
        .iter()
        .map(|field| match columns.iter().find(|column| column.name == *field.name()) {
            Some(column) => offline_array(column, field.data_type()),
            None => Ok(arrow_array::new_null_array(field.data_type(), rows)),
        })
        .collect::<Result<Vec<_>>>()?;
    RecordBatch::try_new(SchemaRef::clone(schema), arrays).map_err(|error| {
        Error::invalid("pushed rows do not fit the batch source")
            .with_source(error)
            .with_hint("push every column that the source declares as required")
    })
}

fn offline_array(column: &RequestColumn, data_type: &DataType) -> Result<ArrayRef> {
    let array: ArrayRef = match data_type {
        DataType::Timestamp(..) | DataType::Date32 | DataType::Date64 => {
            std::sync::Arc::new(instants(column)?)
        }
        _ => {
            let value_type = ValueType::from_arrow(data_type)?;
            let values = column.values.typed(&column.name, value_type)?;
            let encoded = convert::EncodedColumn::of_values(&values)?;
            convert::decode_column(value_type, encoded.iter().map(Some))?
        }
    };
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(&array, data_type, &strict).map_err(|error| {
        Error::invalid(format!(
            "column \"{}\" does not fit the source's type {data_type}",
            column.name
        ))
        .with_source(error)
    })
}

/// Instants with microseconds, which value types (seconds) would lose.
fn instants(column: &RequestColumn) -> Result<TimestampMicrosecondArray> {
    let micros = column.instants()?.into_iter().map(|time| time.map(Timestamp::micros));
    Ok(micros.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
}
