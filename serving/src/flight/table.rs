//! Uploaded tables.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_cast::cast;
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use larder_core::{Error, Result};
use larder_offline_store::BatchStream;

/// A table that a client sent. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Table {
    pub(super) schema: SchemaRef,
    pub(super) batches: Vec<RecordBatch>,
}

impl Table {
    /// The rows of all batches.
    pub(super) fn rows(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// The rows as a stream.
    pub(super) fn into_stream(self) -> BatchStream {
        BatchStream::from_batches(self.schema, self.batches)
    }

    /// Whether it stands for no table: Feast 0.67 sends one whose only column is `key` then.
    pub(super) fn is_nothing(&self) -> bool {
        matches!(self.schema.fields().as_ref(), [field] if field.name() == "key")
    }

    /// The table as pandas shows it: without the columns that hold an index without a name (`__index_level_0__`), and
    /// with plain values instead of dictionaries.
    ///
    /// # Errors
    /// `Invalid` for a dictionary that does not fit its values.
    pub(super) fn plain(self) -> Result<Self> {
        let index = index_columns(&self.schema);
        let fields = self.schema.fields().iter().enumerate();
        let kept: Vec<usize> = fields
            .filter(|(_, field)| !index.contains(field.name()))
            .map(|(position, _)| position)
            .collect();
        let fields = kept.iter().map(|&position| plain_field(self.schema.field(position)));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let batches = self.batches.iter().map(|batch| plain_batch(batch, &kept, &schema));
        Ok(Self { batches: batches.collect::<Result<_>>()?, schema })
    }
}

/// Names of index columns without a name of their own, from what pandas notes in the schema's metadata.
fn index_columns(schema: &Schema) -> Vec<String> {
    let note = schema.metadata().get("pandas");
    let note = note.and_then(|text| serde_json::from_str::<serde_json::Value>(text).ok());
    let columns = note.as_ref().and_then(|note| note["index_columns"].as_array());
    let names = columns.into_iter().flatten().filter_map(serde_json::Value::as_str);
    names.filter(|name| name.starts_with("__index_level_")).map(str::to_owned).collect()
}

fn plain_field(field: &Field) -> Field {
    match field.data_type() {
        DataType::Dictionary(_, values) => Field::new(field.name(), values.as_ref().clone(), true),
        _ => field.clone(),
    }
}

fn plain_batch(batch: &RecordBatch, kept: &[usize], schema: &SchemaRef) -> Result<RecordBatch> {
    let broken = |error| Error::invalid("the uploaded table cannot be read").with_source(error);
    let columns = kept.iter().zip(schema.fields()).map(|(&position, field)| {
        let column = batch.column(position);
        if column.data_type() == field.data_type() {
            Ok(ArrayRef::clone(column))
        } else {
            cast(column, field.data_type()).map_err(broken)
        }
    });
    let columns = columns.collect::<Result<_>>()?;
    let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(SchemaRef::clone(schema), columns, &rows).map_err(broken)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use arrow_array::types::Int32Type;
    use arrow_array::{DictionaryArray, Int64Array};

    fn table(columns: Vec<(&str, ArrayRef)>, pandas: &str) -> Table {
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let metadata = HashMap::from([("pandas".to_owned(), pandas.to_owned())]);
        let schema = Arc::new(batch.schema().as_ref().clone().with_metadata(metadata));
        let batches = vec![batch.with_schema(Arc::clone(&schema)).unwrap()];
        Table { schema, batches }
    }

    fn numbers() -> ArrayRef {
        Arc::new(Int64Array::from(vec![7, 8]))
    }

    #[test]
    fn an_index_without_a_name_disappears_and_a_named_one_stays() {
        let columns =
            vec![("driver", numbers()), ("__index_level_0__", numbers()), ("rate", numbers())];
        for (pandas, expected) in [
            (r#"{"index_columns": ["__index_level_0__"]}"#, &["driver", "rate"][..]),
            (
                r#"{"index_columns": ["driver", {"kind": "range"}]}"#,
                &["driver", "__index_level_0__", "rate"],
            ),
            ("no JSON", &["driver", "__index_level_0__", "rate"]),
        ] {
            let plain = table(columns.clone(), pandas).plain().unwrap();
            let names: Vec<_> =
                plain.schema.fields().iter().map(|field| field.name().as_str()).collect();
            assert_eq!(names, expected);
            assert_eq!((plain.rows(), plain.batches[0].num_columns()), (2, expected.len()));
        }
    }

    #[test]
    fn dictionaries_become_their_values() {
        let colours: DictionaryArray<Int32Type> = ["red", "blue"].into_iter().collect();
        let plain = table(vec![("colour", Arc::new(colours))], "{}").plain().unwrap();
        assert_eq!(*plain.schema.field(0).data_type(), DataType::Utf8);
    }

    #[test]
    fn a_lone_column_named_key_is_nothing() {
        assert!(table(vec![("key", numbers())], "{}").is_nothing());
        assert!(!table(vec![("key", numbers()), ("x", numbers())], "{}").is_nothing());
        assert!(!table(vec![("x", numbers())], "{}").is_nothing());
    }
}
