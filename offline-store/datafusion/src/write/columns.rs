//! New rows in the shape of the source.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::{Schema, SchemaRef};
use larder_core::{Error, Result};

use crate::failure::from_arrow;

/// Brings the columns into the order and types of `schema`; the names on both sides must be the same set.
pub(super) fn align(
    batches: &[RecordBatch],
    schema: &SchemaRef,
    shown: &str,
) -> Result<Vec<RecordBatch>> {
    batches.iter().map(|batch| align_batch(batch, schema, shown)).collect()
}

fn align_batch(batch: &RecordBatch, schema: &SchemaRef, shown: &str) -> Result<RecordBatch> {
    let given = batch.schema();
    let (missing, extra) = (absent(schema, &given), absent(&given, schema));
    if !missing.is_empty() || !extra.is_empty() {
        return Err(Error::invalid(format!(
            "the rows do not have the columns of {shown}: missing [{}], extra [{}]",
            missing.join(", "),
            extra.join(", ")
        )));
    }
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    let columns = schema.fields().iter().map(|field| {
        let column = batch.column(given.index_of(field.name()).map_err(from_arrow)?);
        cast_with_options(column, field.data_type(), &strict).map_err(|error| {
            Error::invalid(format!(
                "column \"{}\" cannot be written to {shown} as {}",
                field.name(),
                field.data_type()
            ))
            .with_source(error)
        })
    });
    let columns = columns.collect::<Result<_>>()?;
    RecordBatch::try_new(Arc::clone(schema), columns).map_err(from_arrow)
}

/// Columns of `wanted` that `given` does not have, sorted.
fn absent<'a>(wanted: &'a Schema, given: &Schema) -> Vec<&'a str> {
    let names = wanted.fields().iter().map(|field| field.name().as_str());
    let mut absent: Vec<_> = names.filter(|name| given.index_of(name).is_err()).collect();
    absent.sort_unstable();
    absent
}
