//! Rows by the values that name their folder.

use std::sync::Arc;

use arrow_array::{Array as _, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::{ArrowError, DataType, Schema, SchemaRef};
use larder_core::{Error, Result};

/// The folder of rows without a value, as Hive calls it.
const NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// The most folders that one write fills: systems allow 1 024 open files, and more comes of a column of keys by mistake.
pub const MAX_PARTITIONS: usize = 512;

/// Which columns name folders, and which stay in the files.
#[derive(Debug)]
pub struct Partitioning {
    by: Vec<String>,
    names: Vec<usize>,
    stored: Vec<usize>,
    schema: SchemaRef,
}

impl Partitioning {
    /// Partitions rows of a schema by these columns.
    ///
    /// # Errors
    /// `Invalid` for a column that is not there or named twice, whose values make no names of folders, or when no
    /// column is left.
    pub fn new(schema: &SchemaRef, by: &[String]) -> Result<Self> {
        let mut names = Vec::with_capacity(by.len());
        for name in by {
            let column = schema.index_of(name).map_err(|_| {
                let columns: Vec<_> = schema.fields().iter().map(|f| f.name().as_str()).collect();
                Error::invalid(format!("there is no column \"{name}\" to partition by"))
                    .with_hint(format!("the columns are {}", columns.join(", ")))
            })?;
            check(name, schema.field(column).data_type())?;
            if names.contains(&column) {
                return Err(Error::invalid(format!("column \"{name}\" partitions twice")));
            }
            names.push(column);
        }
        let stored: Vec<usize> =
            (0..schema.fields().len()).filter(|column| !names.contains(column)).collect();
        if stored.is_empty() {
            return Err(Error::invalid("no column is left beside those to partition by"));
        }
        let fields = stored.iter().map(|&column| schema.field(column).clone());
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        Ok(Self { by: by.to_vec(), names, stored, schema })
    }

    /// The error for rows that would fill more than [`MAX_PARTITIONS`] folders.
    pub fn too_many(&self) -> Error {
        let by = self.by.join(", ");
        Error::invalid(format!("there are more than {MAX_PARTITIONS} partitions by {by}"))
            .with_hint("partition by columns with few values")
    }

    /// The columns that stay in the files.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The folders of a batch's rows, each with its rows in their order; the path of a folder ends with a slash, and is
    /// empty where nothing partitions.
    ///
    /// # Errors
    /// `Internal` for rows of another schema.
    pub fn split(&self, batch: &RecordBatch) -> Result<Vec<(String, RecordBatch)>> {
        let failed =
            |error: ArrowError| Error::internal("rows cannot be partitioned").with_source(error);
        let stored = batch.project(&self.stored).map_err(failed)?;
        if self.names.is_empty() {
            return Ok(vec![(String::new(), stored)]);
        }
        let mut folders: Vec<(String, Vec<u32>)> = Vec::new();
        for (row, folder) in (0_u32..).zip(self.folders(batch).map_err(failed)?) {
            // Rows of one batch are of few folders, mostly that of the row before.
            match folders.iter_mut().rev().find(|(known, _)| *known == folder) {
                Some((_, rows)) => rows.push(row),
                None => folders.push((folder, vec![row])),
            }
        }
        let take = |(folder, rows): (String, Vec<u32>)| {
            let count = RecordBatchOptions::new().with_row_count(Some(rows.len()));
            let rows = UInt32Array::from(rows);
            let columns = stored.columns().iter();
            let columns = columns.map(|column| arrow_select::take::take(column, &rows, None));
            let columns = columns.collect::<Result<_, _>>()?;
            let schema = Arc::clone(&self.schema);
            Ok((folder, RecordBatch::try_new_with_options(schema, columns, &count)?))
        };
        folders.into_iter().map(take).collect::<Result<_, ArrowError>>().map_err(failed)
    }

    /// Per row the path of its folder.
    fn folders(&self, batch: &RecordBatch) -> Result<Vec<String>, ArrowError> {
        let mut folders = vec![String::new(); batch.num_rows()];
        let options = FormatOptions::default();
        let schema = batch.schema();
        for &column in &self.names {
            let values = batch.column(column);
            let shown = ArrayFormatter::try_new(values, &options)?;
            let name = escaped(schema.field(column).name());
            for (row, folder) in folders.iter_mut().enumerate() {
                let value = if values.is_null(row) {
                    NULL.to_owned()
                } else {
                    escaped(&shown.value(row).try_to_string()?)
                };
                folder.extend([name.as_str(), "=", &value, "/"]);
            }
        }
        Ok(folders)
    }
}

fn check(name: &str, data_type: &DataType) -> Result<()> {
    let names_folders = data_type.is_integer()
        || matches!(
            data_type,
            DataType::Utf8
                | DataType::LargeUtf8
                | DataType::Utf8View
                | DataType::Boolean
                | DataType::Date32
        );
    if names_folders {
        return Ok(());
    }
    Err(Error::invalid(format!("column \"{name}\" is {data_type}, which names no folders"))
        .with_hint("partition by integers, text, booleans or dates"))
}

/// A name with the characters escaped that Hive escapes.
fn escaped(text: &str) -> String {
    let mut name = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_ascii_control() || "\"#%'*/:=?\\{[]^".contains(character) {
            name.extend(format!("%{:02X}", u32::from(character)).chars());
        } else {
            name.push(character);
        }
    }
    if name.is_empty() { NULL.to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use arrow_array::cast::AsArray as _;
    use arrow_array::types::Int64Type;
    use arrow_array::{ArrayRef, Int64Array, StringArray};
    use larder_core::ErrorKind;

    use super::*;

    fn rows() -> RecordBatch {
        let cities: ArrayRef =
            Arc::new(StringArray::from(vec![Some("a/b"), None, Some("a/b"), Some("c")]));
        let ids: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3, 4]));
        RecordBatch::try_from_iter_with_nullable([("city", cities, true), ("id", ids, true)])
            .unwrap()
    }

    #[test]
    fn rows_go_to_folders_named_as_hive_names_them_and_keep_their_order() {
        let rows = rows();
        let by = Partitioning::new(&rows.schema(), &["city".to_owned()]).unwrap();
        let split = by.split(&rows).unwrap();
        let found: Vec<(&str, Vec<i64>)> = split
            .iter()
            .map(|(folder, rows)| {
                let ids = rows.column(0).as_primitive::<Int64Type>();
                (folder.as_str(), ids.values().to_vec())
            })
            .collect();
        let null = format!("city={NULL}/");
        assert_eq!(
            found,
            [("city=a%2Fb/", vec![1, 3]), (null.as_str(), vec![2]), ("city=c/", vec![4])]
        );
    }

    #[test]
    fn columns_that_name_no_folders_are_refused() {
        let schema = rows().schema();
        for by in [&["gone"][..], &["city", "city"], &["city", "id"]] {
            let by: Vec<String> = by.iter().map(|&name| name.to_owned()).collect();
            let error = Partitioning::new(&schema, &by).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{by:?}");
        }
    }
}
