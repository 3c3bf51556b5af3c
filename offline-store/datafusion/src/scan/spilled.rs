//! Rows on disk for the time of a request.

use std::fs::File;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{Schema, SchemaRef};
use larder_core::{Error, ErrorKind, Result};
use object_store::ObjectMeta;
use object_store::path::Path;
use parquet::arrow::ArrowWriter;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder,
};
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use super::bytes::{Chunks, FileBytes};
use super::deleted::Deleted;
use super::file::{FileColumn, ScanFile};
use super::{FeatureScan, Group, Piece, Pruning};
use crate::failure::from_arrow;

/// Rows on their way to disk, in a file without a name that goes with its handle.
#[derive(Debug)]
pub(crate) struct SpillWriter {
    file: File,
    schema: SchemaRef,
    writer: ArrowWriter<File>,
    /// Rows in memory are written when they take this many bytes.
    buffer: usize,
}

/// Rows on disk.
#[derive(Debug)]
pub(crate) struct Spilled {
    file: Arc<File>,
    size: u64,
    schema: SchemaRef,
    footer: ArrowReaderMetadata,
}

impl SpillWriter {
    /// A new file in the system's folder for temporary files.
    ///
    /// # Errors
    /// `Unavailable` when there is no room for it; `Unsupported` for columns that cannot be written as Parquet.
    pub(crate) fn new(schema: &SchemaRef, buffer: usize) -> Result<Self> {
        let file = tempfile::tempfile().map_err(|error| no_room(error.into()))?;
        let other = file.try_clone().map_err(|error| no_room(error.into()))?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::LZ4_RAW)
            .set_dictionary_enabled(false)
            .set_statistics_enabled(EnabledStatistics::None);
        // Numbers and times in no order hardly become smaller: a tenth of the time went into trying.
        let numbers = schema.fields().iter().filter(|field| field.data_type().is_primitive());
        let properties = numbers.fold(properties, |properties, field| {
            let column = ColumnPath::from(vec![field.name().clone()]);
            properties.set_column_compression(column, Compression::UNCOMPRESSED)
        });
        let writer = ArrowWriter::try_new(other, Arc::clone(schema), Some(properties.build()));
        let writer = writer.map_err(|error| {
            Error::unsupported("the entity rows have columns that cannot be put on disk")
                .with_hint("raise the memory limit, or leave these columns out")
                .with_source(error)
        })?;
        Ok(Self { file, schema: Arc::clone(schema), writer, buffer })
    }

    /// Appends rows of the schema.
    pub(crate) fn write(&mut self, rows: &RecordBatch) -> Result<()> {
        self.writer.write(rows).map_err(no_room)?;
        if self.writer.in_progress_size() > self.buffer {
            self.writer.flush().map_err(no_room)?;
        }
        Ok(())
    }

    /// Ends the writing.
    pub(crate) fn finish(self) -> Result<Spilled> {
        let Self { file, schema, writer, .. } = self;
        let metadata = writer.close().map_err(no_room)?;
        let footer = ArrowReaderMetadata::try_new(Arc::new(metadata), ArrowReaderOptions::new());
        let size = file.metadata().map_err(|error| no_room(error.into()))?.len();
        Ok(Spilled { file: Arc::new(file), size, schema, footer: footer.map_err(unreadable)? })
    }
}

impl Spilled {
    /// The columns at these positions of all rows, in the order in which they were written.
    pub(crate) fn rows(
        &self,
        columns: impl IntoIterator<Item = usize>,
        batch_size: usize,
    ) -> Result<ParquetRecordBatchReader> {
        let mask = ProjectionMask::roots(self.footer.parquet_schema(), columns);
        let reader = self.reader().with_projection(mask).with_batch_size(batch_size);
        reader.build().map_err(unreadable)
    }

    /// All rows of one row group.
    pub(crate) fn group(&self, number: usize) -> Result<RecordBatch> {
        let rows = self.footer.metadata().row_group(number).num_rows();
        let reader = self.reader().with_row_groups(vec![number]);
        let reader = reader.with_batch_size(usize::try_from(rows).unwrap_or(usize::MAX));
        let mut rows = reader.build().map_err(unreadable)?;
        rows.next()
            .ok_or_else(|| Error::internal("a row group on disk has no rows"))?
            .map_err(from_arrow)
    }

    fn reader(&self) -> ParquetRecordBatchReaderBuilder<Chunks> {
        let chunks = Chunks::Local { file: Arc::clone(&self.file), size: self.size };
        ParquetRecordBatchReaderBuilder::new_with_metadata(chunks, self.footer.clone())
    }

    /// How many rows there are.
    pub(crate) fn row_count(&self) -> usize {
        usize::try_from(self.footer.metadata().file_metadata().num_rows()).unwrap_or(0)
    }

    /// All columns.
    pub(crate) fn columns(&self) -> Range<usize> {
        0..self.schema.fields().len()
    }

    /// Rows of one `schema` in files, one after the other, as feature rows whose first columns are the `deciding` ones.
    pub(crate) fn scan(files: &[Self], schema: &SchemaRef, deciding: usize) -> FeatureScan {
        let fields = schema.fields();
        let part = |range: Range<usize>| Arc::new(Schema::new(fields[range].to_vec()));
        let mut scan = FeatureScan {
            deciding: part(0..deciding),
            features: part(deciding..fields.len()),
            pruning: Pruning::default(),
            files: Vec::new(),
            groups: Vec::new(),
            pieces: Vec::new(),
        };
        for file in files {
            file.add_to(&mut scan);
        }
        scan
    }

    fn add_to(&self, scan: &mut FeatureScan) {
        let meta = ObjectMeta {
            location: Path::from("spilled rows"),
            last_modified: std::time::UNIX_EPOCH.into(),
            size: self.size,
            e_tag: None,
            version: None,
        };
        let (path, held) = (PathBuf::new(), Some(Arc::clone(&self.file)));
        let file = ScanFile {
            bytes: FileBytes::Local { path, meta, held },
            footer: self.footer.clone(),
            columns: self.columns().map(FileColumn::Stored).collect(),
            deleted: Deleted::default(),
        };
        for number in 0..self.footer.metadata().num_row_groups() {
            let (rows, base) = (file.group_rows(number), scan.end().next_multiple_of(64));
            let whole = std::iter::once(0..rows).collect();
            scan.pieces.push(Piece { group: scan.groups.len(), ranges: whole });
            scan.groups.push(Group { file: scan.files.len(), number, rows, base });
        }
        scan.files.push(Arc::new(file));
    }
}

fn no_room(error: ParquetError) -> Error {
    Error::new(ErrorKind::Unavailable, "cannot put rows on disk for the time of the request")
        .with_hint(
            "make room in the folder for temporary files (TMPDIR), or raise the memory limit",
        )
        .with_source(error)
}

fn unreadable(error: ParquetError) -> Error {
    Error::internal("rows that were put on disk cannot be read back").with_source(error)
}
