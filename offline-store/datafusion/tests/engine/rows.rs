//! Rows as texts, so that tables of different types can be compared by value.

use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_cast::cast;
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::DataType;
use larder_offline_store::Instants;

/// The values of the named columns, row by row: integers equal floats, NaN equals null, times are instants.
pub(crate) fn rows(batch: &RecordBatch, names: &[String]) -> Vec<Vec<String>> {
    let columns: Vec<Vec<String>> = names
        .iter()
        .map(|name| {
            let column = batch.column_by_name(name);
            values(column.unwrap_or_else(|| panic!("no column {name} in {:?}", batch.schema())))
        })
        .collect();
    let row = |row: usize| columns.iter().map(|column| column[row].clone()).collect();
    (0..batch.num_rows()).map(row).collect()
}

/// The same rows in an order that does not depend on the table.
pub(crate) fn sorted(mut rows: Vec<Vec<String>>) -> Vec<Vec<String>> {
    rows.sort();
    rows
}

/// The names of the columns, sorted.
pub(crate) fn names(batch: &RecordBatch) -> Vec<String> {
    let mut names: Vec<_> =
        batch.schema().fields().iter().map(|field| field.name().clone()).collect();
    names.sort();
    names
}

fn values(column: &ArrayRef) -> Vec<String> {
    (0..column.len()).map(|row| value(column, row)).collect()
}

fn value(column: &ArrayRef, row: usize) -> String {
    if column.is_null(row) {
        return "null".to_owned();
    }
    let data_type = column.data_type();
    if data_type.is_numeric() {
        let float = cast(&column.slice(row, 1), &DataType::Float64).unwrap();
        let float = float.as_primitive::<Float64Type>().value(0);
        return if float.is_nan() { "null".to_owned() } else { format!("{float:?}") };
    }
    match data_type {
        DataType::Timestamp(..) => {
            let instants = Instants::read(column).unwrap();
            format!("{} ns", instants.nanos(row).unwrap())
        }
        DataType::List(_) => {
            format!("[{}]", values(&column.as_list::<i32>().value(row)).join(", "))
        }
        _ => {
            let options = FormatOptions::default();
            format!(
                "{:?}",
                ArrayFormatter::try_new(column, &options).unwrap().value(row).to_string()
            )
        }
    }
}
