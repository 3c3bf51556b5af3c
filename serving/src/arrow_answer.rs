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
use larder_core::{Compat, Error, FieldStatus, Result, ValueType};

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
    bytes.extend(stream.finish());
    Ok(bytes)
}

/// What the streams of one plan begin and end with: telling a hundred columns takes as long as reading their values.
#[derive(Debug)]
pub(crate) struct ArrowFrame {
    /// Columns that the request decides.
    echoed: Vec<(String, ValueType)>,
    tells_versions: bool,
    schema: SchemaRef,
    /// The message that tells the schema.
    head: Vec<u8>,
    end: Vec<u8>,
}

impl ArrowFrame {
    /// That of the plan, if this answer has the same columns as the first one; else its own.
    fn of(answer: &OnlineAnswer) -> Result<Arc<Self>> {
        let known = &answer.plan.arrow_frame;
        if let Some(frame) = known.get().filter(|frame| frame.fits(answer)) {
            return Ok(Arc::clone(frame));
        }
        let frame = Arc::new(Self::new(answer)?);
        Ok(match known.get() {
            Some(_) => frame,
            None => Arc::clone(known.get_or_init(|| Arc::clone(&frame))),
        })
    }

    fn new(answer: &OnlineAnswer) -> Result<Self> {
        let schema = schema(answer);
        let mut writer = StreamWriter::try_new(Vec::new(), &schema).map_err(unwritable)?;
        let head = std::mem::take(writer.get_mut());
        writer.finish().map_err(unwritable)?;
        let end = std::mem::take(writer.get_mut());
        let echoed = echoed(answer).map(|(name, value_type)| (name.to_owned(), value_type));
        let tells_versions = answer.include_view_versions;
        Ok(Self { echoed: echoed.collect(), tells_versions, schema, head, end })
    }

    fn fits(&self, answer: &OnlineAnswer) -> bool {
        let own = self.echoed.iter().map(|(name, value_type)| (name.as_str(), *value_type));
        self.tells_versions == answer.include_view_versions && own.eq(echoed(answer))
    }
}

/// Names and types of the echoed columns.
fn echoed(answer: &OnlineAnswer) -> impl Iterator<Item = (&str, ValueType)> {
    (0..answer.entity_columns()).map(|column| (answer.name(column), answer.value_type(column)))
}

/// An Arrow stream whose bytes are taken as they come.
pub(crate) struct ArrowStream {
    frame: Arc<ArrowFrame>,
    writer: StreamWriter<Vec<u8>>,
    compat: Compat,
}

impl std::fmt::Debug for ArrowStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ArrowStream").field("frame", &self.frame).finish_non_exhaustive()
    }
}

impl ArrowStream {
    /// A stream of answers like this one; its first bytes come with the first rows.
    pub(crate) fn start(answer: &OnlineAnswer, compat: Compat) -> Result<Self> {
        let frame = ArrowFrame::of(answer)?;
        // The writer needs to know nothing of columns without dictionaries; what it says of none is taken back.
        let mut writer = StreamWriter::try_new(Vec::new(), &Schema::empty()).map_err(unwritable)?;
        writer.get_mut().clear();
        writer.get_mut().extend_from_slice(&frame.head);
        Ok(Self { frame, writer, compat })
    }

    /// The bytes of these rows of an answer.
    pub(crate) fn write(&mut self, answer: &OnlineAnswer, rows: Range<usize>) -> Result<Vec<u8>> {
        let batch = self.batch(answer, rows)?;
        self.writer.get_mut().reserve(batch.get_array_memory_size());
        self.writer.write(&batch).map_err(unwritable)?;
        Ok(std::mem::take(self.writer.get_mut()))
    }

    /// The end of the stream.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        let mut bytes = std::mem::take(self.writer.get_mut());
        bytes.extend_from_slice(&self.frame.end);
        bytes
    }

    fn batch(&self, answer: &OnlineAnswer, rows: Range<usize>) -> Result<RecordBatch> {
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.frame.schema.fields().len());
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
        RecordBatch::try_new_with_options(Arc::clone(&self.frame.schema), columns, &options)
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
