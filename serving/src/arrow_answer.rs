//! Answers as Arrow: one schema per answer, a record batch per run of rows.
//!
//! Columns: the join keys; per feature the feature itself and `<feature>:status`, an 8-bit integer with the numbers of
//! `feast.serving.FieldStatus`; per stored view `<view>:event_timestamp` in UTC microseconds. No feature or view of Feast
//! has a colon in its name, because references are `view:feature`.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use arrow_array::{ArrayRef, Int8Array, RecordBatch, RecordBatchOptions};
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef, TimeUnit};
use larder_core::{Compat, Error, FieldStatus, Result};

use crate::online::OnlineAnswer;

/// The media type of an Arrow stream.
pub(crate) const MEDIA_TYPE: &str = "application/vnd.apache.arrow.stream";

/// A whole answer as an Arrow stream.
///
/// # Errors
/// `Internal` when the columns do not fit together.
pub(crate) fn to_stream(answer: &OnlineAnswer) -> Result<Vec<u8>> {
    let mut stream = ArrowStream::start(answer, answer.compat())?;
    let mut bytes = stream.write(answer, 0..answer.rows())?;
    bytes.extend(stream.finish()?);
    Ok(bytes)
}

/// An Arrow stream whose bytes are taken as they come.
pub(crate) struct ArrowStream {
    writer: StreamWriter<Vec<u8>>,
    schema: SchemaRef,
    compat: Compat,
}

impl std::fmt::Debug for ArrowStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ArrowStream").field("schema", &self.schema).finish_non_exhaustive()
    }
}

impl ArrowStream {
    /// A stream of answers like this one; its first bytes come with the first rows.
    pub(crate) fn start(answer: &OnlineAnswer, compat: Compat) -> Result<Self> {
        let schema = schema(answer);
        let writer = StreamWriter::try_new(Vec::new(), &schema).map_err(unwritable)?;
        Ok(Self { writer, schema, compat })
    }

    /// The bytes of these rows of an answer.
    pub(crate) fn write(&mut self, answer: &OnlineAnswer, rows: Range<usize>) -> Result<Vec<u8>> {
        let batch = self.batch(answer, rows)?;
        self.writer.write(&batch).map_err(unwritable)?;
        Ok(std::mem::take(self.writer.get_mut()))
    }

    /// The end of the stream.
    pub(crate) fn finish(mut self) -> Result<Vec<u8>> {
        self.writer.finish().map_err(unwritable)?;
        Ok(std::mem::take(self.writer.get_mut()))
    }

    fn batch(&self, answer: &OnlineAnswer, rows: Range<usize>) -> Result<RecordBatch> {
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.schema.fields().len());
        for column in 0..answer.columns() {
            let typed = answer.typed(column, rows.clone(), self.compat)?;
            columns.push(typed.values);
            if column >= answer.entity_columns() {
                columns.push(numbers(&typed.statuses));
            }
        }
        let views = 0..answer.views.len();
        columns.extend(views.map(|view| answer.event_times(view, rows.clone())));
        let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)
            .map_err(unwritable)
    }
}

fn numbers(statuses: &[FieldStatus]) -> ArrayRef {
    // All are below 128.
    Arc::new(Int8Array::from_iter_values(statuses.iter().map(|status| *status as i8)))
}

fn schema(answer: &OnlineAnswer) -> SchemaRef {
    let mut fields = Vec::new();
    for column in 0..answer.columns() {
        let (name, data_type) = (answer.name(column), answer.value_type(column).arrow_type());
        let field = Field::new(name, data_type, true);
        if column < answer.entity_columns() {
            fields.push(field);
            continue;
        }
        let view = answer.view_of(column).map(|view| answer.plan.plan.views[view].name.clone());
        let metadata = view.map(|view| ("feature_view".to_owned(), view));
        fields.push(field.with_metadata(metadata.into_iter().collect()));
        fields.push(Field::new(format!("{name}:status"), DataType::Int8, false));
    }
    for view in &answer.plan.plan.views {
        let data_type = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        fields.push(Field::new(format!("{}:event_timestamp", view.name), data_type, true));
    }
    Arc::new(Schema::new_with_metadata(fields, versions(answer)))
}

/// Versions of views, if asked for, as metadata `version:<view>`.
fn versions(answer: &OnlineAnswer) -> HashMap<String, String> {
    let versions = answer.view_versions().into_iter().flatten();
    versions.map(|(view, version)| (format!("version:{view}"), version.to_string())).collect()
}

#[expect(clippy::needless_pass_by_value, reason = "it is given to map_err")]
fn unwritable(error: ArrowError) -> Error {
    Error::internal(format!("an answer cannot be written as Arrow: {error}"))
}
