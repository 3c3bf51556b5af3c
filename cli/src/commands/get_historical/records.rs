//! Rows as JSON records on standard output, in the form of Feast's CLI.

use arrow_array::{ArrayRef, RecordBatch};
use arrow_cast::cast;
use arrow_json::writer::JsonArray;
use arrow_json::{Writer, WriterBuilder};
use arrow_schema::{DataType, TimeUnit};
use larder_core::{Error, Result};
use larder_offline_store::BatchStream;
use serde_json::Value;

use crate::output;

/// Prints all rows as a JSON list of objects; times are milliseconds since 1970, as pandas writes them.
///
/// # Errors
/// The first of the stream.
pub(super) async fn print(rows: BatchStream) -> Result<()> {
    let batches = rows.collect().await?;
    let mut text = Vec::new();
    let mut writer: Writer<_, JsonArray> =
        WriterBuilder::new().with_explicit_nulls(true).build(&mut text);
    for batch in &batches {
        writer.write(&with_plain_times(batch)?).map_err(unwritable)?;
    }
    writer.finish().map_err(unwritable)?;
    let records: Value = if text.is_empty() {
        Value::Array(Vec::new())
    } else {
        serde_json::from_slice(&text)
            .map_err(|error| Error::internal("records are no JSON").with_source(error))?
    };
    output::json(&records, 4)
}

fn with_plain_times(batch: &RecordBatch) -> Result<RecordBatch> {
    let schema = batch.schema();
    let columns = schema.fields().iter().zip(batch.columns()).map(|(field, column)| {
        let column = match field.data_type() {
            DataType::Timestamp(_, zone) => {
                let millis = DataType::Timestamp(TimeUnit::Millisecond, zone.clone());
                cast(column, &millis).and_then(|column| cast(&column, &DataType::Int64))
            }
            _ => Ok(ArrayRef::clone(column)),
        };
        Ok((field.name().clone(), column?, true))
    });
    RecordBatch::try_from_iter_with_nullable(
        columns.collect::<Result<Vec<_>, _>>().map_err(unwritable)?,
    )
    .map_err(unwritable)
}

fn unwritable(error: arrow_schema::ArrowError) -> Error {
    Error::unsupported("the rows cannot be printed as JSON")
        .with_source(error)
        .with_hint("write them to a file with --output")
}
