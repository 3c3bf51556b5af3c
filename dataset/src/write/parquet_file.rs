//! Rows as Parquet, encoded by all processors.

use std::fs::File;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{ArrowLeafColumn, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::basic::Compression;
use parquet::errors::Result;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;

use super::encoders::Encoders;

/// Rows that are handed to the encoders at a time.
const TURN_ROWS: usize = 32 * 1024;
/// Rows per row group, which is in memory until it is complete.
const GROUP_ROWS: usize = 256 * 1024;
/// A column is written as a dictionary while its distinct values take no more bytes in a row group. Features that have
/// more hardly repeat: with a megabyte, the default, a tenth of the time of a join went into finding that out.
const DICTIONARY_BYTES: usize = 128 * 1024;

/// A Parquet file being written.
pub(super) struct ParquetFile {
    file: SerializedFileWriter<File>,
    writers: ArrowRowGroupWriterFactory,
    schema: SchemaRef,
    waiting: Vec<RecordBatch>,
    waiting_rows: usize,
    /// Rows in the row group that is open.
    group_rows: usize,
    columns: usize,
    /// The number of the file among those of the encoders.
    number: u64,
    encoders: Arc<Encoders>,
}

impl ParquetFile {
    /// Starts a file with this schema, whose columns these threads encode; they are started where there are none.
    pub(super) fn begin(
        file: File,
        schema: &SchemaRef,
        encoders: &mut Option<Arc<Encoders>>,
    ) -> Result<Self> {
        // Features hardly compress: a slower codec would save little.
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_dictionary_page_size_limit(DICTIONARY_BYTES)
            .build();
        let writer = ArrowWriter::try_new(file, SchemaRef::clone(schema), Some(properties))?;
        let (file, writers) = writer.into_serialized_writer()?;
        let columns = file.schema_descr().num_columns();
        let encoders = match encoders {
            Some(encoders) => Arc::clone(encoders),
            None => Arc::clone(encoders.insert(Arc::new(Encoders::start()?))),
        };
        Ok(Self {
            file,
            writers,
            schema: SchemaRef::clone(schema),
            waiting: Vec::new(),
            waiting_rows: 0,
            group_rows: 0,
            columns,
            number: encoders.file(),
            encoders,
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
        self.waiting_rows + self.group_rows
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
        if self.group_rows == 0 {
            let group = self.file.flushed_row_groups().len();
            self.encoders.begin(self.number, self.writers.create_column_writers(group)?)?;
        }
        self.group_rows += rows;
        self.encoders.append(self.number, self.leaves(&batches)?)?;
        if self.group_rows >= GROUP_ROWS { self.close_group() } else { Ok(()) }
    }

    /// Per leaf column its part of every batch.
    fn leaves(&self, batches: &[RecordBatch]) -> Result<Vec<Vec<ArrowLeafColumn>>> {
        let mut leaves: Vec<Vec<ArrowLeafColumn>> = (0..self.columns).map(|_| Vec::new()).collect();
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
        if std::mem::take(&mut self.group_rows) == 0 {
            return Ok(());
        }
        let mut group = self.file.next_row_group()?;
        for chunk in self.encoders.close(self.number)? {
            chunk.append_to_row_group(&mut group)?;
        }
        group.close().map(drop)
    }
}
