//! Rows as Parquet, encoded by all processors.

use std::fs::File;
use std::num::NonZero;
use std::thread;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{
    ArrowColumnWriter, ArrowLeafColumn, ArrowRowGroupWriterFactory, compute_leaves,
};
use parquet::basic::Compression;
use parquet::errors::Result;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;

/// Rows that are encoded at a time.
const TURN_ROWS: usize = 64 * 1024;
/// Rows per row group.
const GROUP_ROWS: usize = 1024 * 1024;

/// A Parquet file being written.
pub(super) struct ParquetFile {
    file: SerializedFileWriter<File>,
    writers: ArrowRowGroupWriterFactory,
    schema: SchemaRef,
    waiting: Vec<RecordBatch>,
    waiting_rows: usize,
    /// The row group that is open: a writer per leaf column, and the rows in it.
    group: Option<(Vec<ArrowColumnWriter>, usize)>,
    threads: usize,
}

impl ParquetFile {
    /// Starts a file with this schema.
    pub(super) fn begin(file: File, schema: &SchemaRef) -> Result<Self> {
        // Features hardly compress: a slower codec would save little.
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let writer = ArrowWriter::try_new(file, SchemaRef::clone(schema), Some(properties))?;
        let (file, writers) = writer.into_serialized_writer()?;
        Ok(Self {
            file,
            writers,
            schema: SchemaRef::clone(schema),
            waiting: Vec::new(),
            waiting_rows: 0,
            group: None,
            threads: thread::available_parallelism().map_or(1, NonZero::get),
        })
    }

    /// Appends rows.
    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.waiting.push(batch.clone());
        self.waiting_rows += batch.num_rows();
        if self.waiting_rows >= TURN_ROWS { self.encode() } else { Ok(()) }
    }

    /// Rows that are held until their row group is complete.
    pub(super) fn open_rows(&self) -> usize {
        self.waiting_rows + self.group.as_ref().map_or(0, |(_, rows)| *rows)
    }

    /// Ends the row group that is open.
    pub(super) fn flush(&mut self) -> Result<()> {
        self.encode()?;
        self.close_group()
    }

    /// Writes what is left and the footer.
    pub(super) fn finish(mut self) -> Result<()> {
        self.flush()?;
        self.file.close().map(drop)
    }

    fn encode(&mut self) -> Result<()> {
        let batches = std::mem::take(&mut self.waiting);
        let rows = std::mem::take(&mut self.waiting_rows);
        if rows == 0 {
            return Ok(());
        }
        let (mut columns, before) = if let Some(group) = self.group.take() {
            group
        } else {
            let number = self.file.flushed_row_groups().len();
            (self.writers.create_column_writers(number)?, 0)
        };
        let leaves = self.leaves(&batches, columns.len())?;
        encode_columns(&mut columns, &leaves, self.threads)?;
        self.group = Some((columns, before + rows));
        if before + rows >= GROUP_ROWS { self.close_group() } else { Ok(()) }
    }

    /// Per leaf column its part of every batch.
    fn leaves(&self, batches: &[RecordBatch], columns: usize) -> Result<Vec<Vec<ArrowLeafColumn>>> {
        let mut leaves: Vec<Vec<ArrowLeafColumn>> = (0..columns).map(|_| Vec::new()).collect();
        for batch in batches {
            let mut next = leaves.iter_mut();
            for (field, column) in self.schema.fields().iter().zip(batch.columns()) {
                for (leaf, parts) in compute_leaves(field, column)?.into_iter().zip(&mut next) {
                    parts.push(leaf);
                }
            }
        }
        Ok(leaves)
    }

    fn close_group(&mut self) -> Result<()> {
        let Some((columns, _)) = self.group.take() else { return Ok(()) };
        let mut group = self.file.next_row_group()?;
        for column in columns {
            column.close()?.append_to_row_group(&mut group)?;
        }
        group.close().map(drop)
    }
}

/// Encodes each column's parts; every thread has its share of the columns.
fn encode_columns(
    columns: &mut [ArrowColumnWriter],
    leaves: &[Vec<ArrowLeafColumn>],
    threads: usize,
) -> Result<()> {
    let share = columns.len().div_ceil(threads).max(1);
    let encode = |columns: &mut [ArrowColumnWriter], leaves: &[Vec<ArrowLeafColumn>]| {
        columns
            .iter_mut()
            .zip(leaves)
            .try_for_each(|(column, parts)| parts.iter().try_for_each(|part| column.write(part)))
    };
    thread::scope(|scope| {
        let shares = columns.chunks_mut(share).zip(leaves.chunks(share));
        let shares = shares.map(|(columns, leaves)| scope.spawn(move || encode(columns, leaves)));
        let shares: Vec<_> = shares.collect();
        shares.into_iter().try_for_each(|share| {
            share.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    })
}
