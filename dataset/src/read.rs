//! The rows of two data sets side by side.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use arrow_array::{Array as _, RecordBatch};
use arrow_ipc::reader::FileReader;
use arrow_row::{RowConverter, SortField};
use arrow_schema::ArrowError;
use larder_core::{Error, Result};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::remote::place_of;
use crate::write::FileFormat;
use crate::{File, Manifest};

type Rows = Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>>>;

/// Per column in how many rows its values differ, `None` when rows do not stand in the same places.
///
/// # Errors
/// `Data` for files that cannot be read or hold other columns.
pub(crate) fn different_rows(
    a: (&Path, &Manifest),
    b: (&Path, &Manifest),
    columns: &[String],
) -> Result<Option<BTreeMap<String, u64>>> {
    let place = |file: &File| {
        let (stem, _) = file.path.rsplit_once('.').unwrap_or((&file.path, ""));
        (place_of(stem).to_owned(), file.rows)
    };
    let places = |manifest: &Manifest| manifest.files.iter().map(place).collect::<Vec<_>>();
    let is_csv = |manifest: &Manifest| manifest.layout.format == FileFormat::Csv;
    if is_csv(a.1) || is_csv(b.1) || places(a.1) != places(b.1) {
        return Ok(None);
    }
    let mut counts = BTreeMap::new();
    for (left, right) in a.1.files.iter().zip(&b.1.files) {
        let (left, right) = (a.0.join(&left.path), b.0.join(&right.path));
        let count = |error: ArrowError| {
            let message = format!("cannot compare {} with {}", left.display(), right.display());
            Error::data(message).with_source(error)
        };
        let sides = (open(&left)?, open(&right)?);
        side_by_side(sides, columns, &mut counts).map_err(count)?;
    }
    Ok(Some(counts))
}

fn open(path: &Path) -> Result<Rows> {
    let broken = |error: Box<dyn std::error::Error + Send + Sync>| {
        Error::data(format!("cannot read {}", path.display())).with_source(error)
    };
    let file = fs::File::open(path).map_err(|error| broken(error.into()))?;
    if FileFormat::of_name(path) == Some(FileFormat::Arrow) {
        let reader = FileReader::try_new_buffered(file, None);
        return Ok(Box::new(reader.map_err(|error| broken(error.into()))?));
    }
    let reader = ParquetRecordBatchReaderBuilder::try_new(file)
        .and_then(ParquetRecordBatchReaderBuilder::build);
    Ok(Box::new(reader.map_err(|error| broken(error.into()))?))
}

fn side_by_side(
    (mut left, mut right): (Rows, Rows),
    columns: &[String],
    counts: &mut BTreeMap<String, u64>,
) -> Result<(), ArrowError> {
    let (mut a, mut b) = (None, None);
    loop {
        let (Some(here), Some(there)) = (next(&mut a, &mut left)?, next(&mut b, &mut right)?)
        else {
            return Ok(());
        };
        let rows = here.num_rows().min(there.num_rows());
        for column in columns {
            let different = different(&here.slice(0, rows), &there.slice(0, rows), column)?;
            *counts.entry(column.clone()).or_default() += different;
        }
        a = Some(here.slice(rows, here.num_rows() - rows));
        b = Some(there.slice(rows, there.num_rows() - rows));
    }
}

/// The rows that are left of a batch, or the next batch with any.
fn next(
    left: &mut Option<RecordBatch>,
    rows: &mut Rows,
) -> Result<Option<RecordBatch>, ArrowError> {
    let mut batch = left.take();
    while batch.as_ref().is_none_or(|batch| batch.num_rows() == 0) {
        match rows.next() {
            Some(read) => batch = Some(read?),
            None => return Ok(None),
        }
    }
    Ok(batch)
}

fn different(a: &RecordBatch, b: &RecordBatch, column: &str) -> Result<u64, ArrowError> {
    let (Some(a), Some(b)) = (a.column_by_name(column), b.column_by_name(column)) else {
        // It names folders, which are the same on both sides.
        return Ok(0);
    };
    if a.data_type() != b.data_type() {
        return Ok(a.len() as u64);
    }
    let encoder = RowConverter::new(vec![SortField::new(a.data_type().clone())])?;
    let a = encoder.convert_columns(std::slice::from_ref(a))?;
    let b = encoder.convert_columns(std::slice::from_ref(b))?;
    Ok(a.iter().zip(&b).filter(|(a, b)| a != b).count() as u64)
}
