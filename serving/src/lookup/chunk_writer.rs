//! Rows of an answer as messages of a look-up.

use std::ops::Range;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Float32Type, Float64Type, Int32Type, Int64Type, TimestampSecondType};
use arrow_array::{ArrayRef, ArrowPrimitiveType};
use larder_core::{Compat, Error, FieldStatus, Result, ValueType};
use larder_proto::feast::types as feast;
use larder_proto::larder::lookup::v1::lookup_column::Values;
use larder_proto::larder::lookup::v1::{
    BatchGetResponse, ColumnChunk, LookupColumn, batch_get_response::Chunk,
};
use prost::Message as _;

use crate::arrow_answer::ArrowStream;
use crate::online::OnlineAnswer;

/// Bytes of a message at most, unless one row takes more; clients of gRPC take 4 MiB by default.
const MESSAGE_BYTES: usize = 1 << 20;

/// How chunks are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChunkFormat {
    /// Typed columns.
    Columns,
    /// Pieces of one Arrow stream.
    Arrow,
}

/// Writes chunk after chunk.
#[derive(Debug)]
pub(crate) struct ChunkWriter {
    format: ChunkFormat,
    /// Begun with the first chunk.
    arrow: Option<ArrowStream>,
}

impl ChunkWriter {
    pub(crate) fn new(format: ChunkFormat) -> Self {
        Self { format, arrow: None }
    }

    /// The message of these rows of an answer whose first row is row `first` of the request.
    pub(super) fn write(
        &mut self,
        first: usize,
        answer: &OnlineAnswer,
        rows: Range<usize>,
    ) -> Result<BatchGetResponse> {
        let (position, count) = (first + rows.start, rows.len());
        let chunk = match self.format {
            ChunkFormat::Columns => Chunk::Columns(columns(answer, &rows)?),
            ChunkFormat::Arrow => {
                let stream = match &mut self.arrow {
                    Some(stream) => stream,
                    none => none.insert(ArrowStream::start(answer, Compat::Larder)?),
                };
                Chunk::ArrowStream(stream.write(answer, rows)?)
            }
        };
        message(position, count, chunk)
    }

    /// The message that ends the stream, if the format has one.
    pub(super) fn finish(self, rows: usize) -> Result<Option<BatchGetResponse>> {
        let Some(stream) = self.arrow else { return Ok(None) };
        message(rows, 0, Chunk::ArrowStream(stream.finish())).map(Some)
    }
}

fn message(first: usize, rows: usize, chunk: Chunk) -> Result<BatchGetResponse> {
    let rows = u32::try_from(rows).map_err(|_| Error::internal("a chunk has too many rows"))?;
    Ok(BatchGetResponse { first_row: first as u64, rows, chunk: Some(chunk) })
}

/// Rows that go into one message each.
pub(super) fn runs(answer: &OnlineAnswer) -> Vec<Range<usize>> {
    let (mut runs, mut start, mut bytes) = (Vec::new(), 0, 0);
    for row in 0..answer.rows() {
        let size = answer.row_bytes(row);
        if row > start && bytes + size > MESSAGE_BYTES {
            runs.push(start..row);
            (start, bytes) = (row, 0);
        }
        bytes += size;
    }
    runs.push(start..answer.rows());
    runs
}

fn columns(answer: &OnlineAnswer, rows: &Range<usize>) -> Result<ColumnChunk> {
    let columns = (0..answer.columns()).map(|column| {
        let typed = answer.typed(column, rows.clone(), Compat::Larder)?;
        let values = values(answer, column, rows, &typed.values, &typed.statuses)?;
        let times = match answer.view_of(column) {
            Some(view) => event_timestamps(answer, view, rows),
            None => Vec::new(),
        };
        Ok(LookupColumn {
            name: answer.name(column).to_owned(),
            values: Some(values),
            statuses: typed.statuses.iter().map(|status| *status as i32).collect(),
            event_timestamps: times,
        })
    });
    Ok(ColumnChunk { columns: columns.collect::<Result<_>>()? })
}

fn event_timestamps(answer: &OnlineAnswer, view: usize, rows: &Range<usize>) -> Vec<i64> {
    let view = &answer.views[view];
    rows.clone().map(|row| view.stored_event_timestamp(row).unwrap_or_default()).collect()
}

fn values(
    answer: &OnlineAnswer,
    column: usize,
    rows: &Range<usize>,
    array: &ArrayRef,
    statuses: &[FieldStatus],
) -> Result<Values> {
    Ok(match answer.value_type(column) {
        ValueType::Int32 => Values::Int32(feast::Int32List { val: numbers::<Int32Type>(array) }),
        ValueType::Int64 => Values::Int64(feast::Int64List { val: numbers::<Int64Type>(array) }),
        ValueType::Double => {
            Values::Double(feast::DoubleList { val: numbers::<Float64Type>(array) })
        }
        ValueType::Float => Values::Float(feast::FloatList { val: numbers::<Float32Type>(array) }),
        ValueType::UnixTimestamp => {
            Values::UnixTimestamp(feast::Int64List { val: numbers::<TimestampSecondType>(array) })
        }
        ValueType::Bool => {
            let flags = array.as_boolean();
            Values::Bool(feast::BoolList {
                val: flags.iter().map(Option::unwrap_or_default).collect(),
            })
        }
        _ if let Some(texts) = array.as_string_opt::<i32>() => Values::String(feast::StringList {
            val: texts.iter().map(|text| text.unwrap_or_default().to_owned()).collect(),
        }),
        _ if let Some(blobs) = array.as_binary_opt::<i32>() => Values::Bytes(feast::BytesList {
            val: blobs.iter().map(|blob| blob.unwrap_or_default().to_vec()).collect(),
        }),
        _ => Values::List(feast::RepeatedValue { val: lists(answer, column, rows, statuses)? }),
    })
}

fn numbers<T: ArrowPrimitiveType>(array: &ArrayRef) -> Vec<T::Native> {
    let array = array.as_primitive::<T>();
    array.iter().map(Option::unwrap_or_default).collect()
}

/// Lists as they are stored.
fn lists(
    answer: &OnlineAnswer,
    column: usize,
    rows: &Range<usize>,
    statuses: &[FieldStatus],
) -> Result<Vec<feast::Value>> {
    let column = answer.column(column);
    let values = rows.clone().zip(statuses).map(|(row, status)| match status {
        FieldStatus::Present => feast::Value::decode(column.value(row))
            .map_err(|error| Error::data("a stored value is malformed").with_source(error)),
        _ => Ok(feast::Value::default()),
    });
    values.collect()
}
