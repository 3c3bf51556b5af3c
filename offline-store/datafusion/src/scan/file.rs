//! One file of a scan: its footer, and its rows in the columns of the table.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::{FieldRef, SchemaRef};
use datafusion::scalar::ScalarValue;
use larder_core::{Error, Result};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowSelection,
    RowSelectionPolicy,
};
use parquet::file::metadata::ColumnChunkMetaData;
use tokio::runtime::Handle;

use super::bytes::FileBytes;
use super::deleted::Deleted;
use crate::failure::{from_arrow, from_datafusion};

/// A file whose footer was read.
#[derive(Debug)]
pub(crate) struct ScanFile {
    pub(super) bytes: FileBytes,
    pub(super) footer: ArrowReaderMetadata,
    /// Where each column of the scan is.
    pub(super) columns: Vec<FileColumn>,
    pub(super) deleted: Deleted,
}

/// Where a column of the scan is in one file.
#[derive(Debug, Clone)]
pub(super) enum FileColumn {
    /// In the file, at this position among its columns.
    Stored(usize),
    /// Nowhere: one value for all rows, from a folder's name, or null.
    Constant(ScalarValue),
}

/// Rows to be read: of one row group, in ascending ranges.
#[derive(Debug, Clone)]
pub(super) struct Wanted<'a> {
    pub(super) group: usize,
    pub(super) ranges: &'a [Range<usize>],
    pub(super) columns: Range<usize>,
    pub(super) schema: &'a SchemaRef,
    pub(super) batch_size: usize,
}

impl ScanFile {
    /// How many rows a row group has.
    pub(super) fn group_rows(&self, group: usize) -> usize {
        usize::try_from(self.footer.metadata().row_group(group).num_rows()).unwrap_or(0)
    }

    /// The columns of the file, those of the scan and others.
    #[cfg(feature = "delta")]
    pub(crate) fn schema(&self) -> &SchemaRef {
        self.footer.schema()
    }

    /// The rows of the file that are left, `None` for all of them.
    #[cfg(feature = "delta")]
    pub(crate) fn selection(&self) -> Option<RowSelection> {
        let rows = self.footer.metadata().file_metadata().num_rows();
        let rows = usize::try_from(rows).unwrap_or(0);
        let left = (!self.deleted.is_empty())
            .then(|| self.deleted.leave(0, std::iter::once(0..rows).collect()));
        left.map(|left| RowSelection::from_consecutive_ranges(left.into_iter(), rows))
    }

    /// What is left of ranges of rows of a row group without those that are deleted.
    pub(super) fn live(&self, group: usize, ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
        if self.deleted.is_empty() {
            return ranges;
        }
        let before = (0..group).map(|group| self.group_rows(group) as u64).sum();
        self.deleted.leave(before, ranges)
    }

    /// Compressed bytes of these columns in a row group.
    pub(super) fn group_bytes(&self, group: usize, columns: Range<usize>) -> u64 {
        self.sum_of(group, columns, ColumnChunkMetaData::compressed_size)
    }

    /// Bytes of these columns in a row group before compression.
    pub(super) fn group_plain_bytes(&self, group: usize, columns: Range<usize>) -> u64 {
        self.sum_of(group, columns, ColumnChunkMetaData::uncompressed_size)
    }

    fn sum_of(
        &self,
        group: usize,
        columns: Range<usize>,
        of: fn(&ColumnChunkMetaData) -> i64,
    ) -> u64 {
        let mask = self.mask(&self.columns[columns]);
        let chunks = self.footer.metadata().row_group(group).columns().iter().enumerate();
        let chunks = chunks.filter(|(leaf, _)| mask.leaf_included(*leaf));
        chunks.map(|(_, chunk)| u64::try_from(of(chunk)).unwrap_or(0)).sum()
    }

    /// Whether pages can be left out without reading them.
    pub(super) fn has_pages(&self) -> bool {
        self.footer.metadata().offset_index().is_some()
    }

    fn mask(&self, columns: &[FileColumn]) -> ProjectionMask {
        ProjectionMask::roots(self.footer.parquet_schema(), stored(columns))
    }

    /// The rows in the scan's columns and types; blocks.
    pub(super) fn rows(&self, wanted: &Wanted<'_>, runtime: &Handle) -> Result<FileRows> {
        let columns = &self.columns[wanted.columns.clone()];
        let mask = self.mask(columns);
        let (rows, group) = (self.group_rows(wanted.group), wanted.group);
        let is_whole = wanted.ranges.iter().map(Range::len).sum::<usize>() == rows;
        let selection = (!is_whole)
            .then(|| RowSelection::from_consecutive_ranges(wanted.ranges.iter().cloned(), rows));
        let chunks = self.bytes.open(runtime, || self.fetched(group, &mask, selection.as_ref()))?;
        let mut reader =
            ParquetRecordBatchReaderBuilder::new_with_metadata(chunks, self.footer.clone())
                .with_row_groups(vec![group])
                .with_projection(mask)
                // Ranges are long: what lies between them is skipped, not decoded.
                .with_row_selection_policy(RowSelectionPolicy::Selectors)
                .with_batch_size(wanted.batch_size);
        if let Some(selection) = selection {
            reader = reader.with_row_selection(selection);
        }
        let mut roots: Vec<usize> = stored(columns).collect();
        roots.sort_unstable();
        roots.dedup();
        let place = |column: &FileColumn| match column {
            FileColumn::Stored(root) => Place::Read(roots.binary_search(root).unwrap_or_default()),
            FileColumn::Constant(value) => Place::Constant(value.clone()),
        };
        Ok(FileRows {
            file: self.bytes.name().to_owned(),
            places: columns.iter().map(place).collect(),
            schema: Arc::clone(wanted.schema),
            reader: reader.build().map_err(|error| self.corrupt(error))?,
        })
    }

    /// The ranges of the file that these columns of a row group need.
    fn fetched(
        &self,
        group: usize,
        mask: &ProjectionMask,
        selection: Option<&RowSelection>,
    ) -> Vec<Range<u64>> {
        let metadata = self.footer.metadata();
        let offsets = metadata.offset_index().map(|index| &index[group]);
        let mut ranges = Vec::new();
        let chunks = metadata.row_group(group).columns().iter().enumerate();
        for (leaf, chunk) in chunks.filter(|(leaf, _)| mask.leaf_included(*leaf)) {
            let (start, length) = chunk.byte_range();
            let pages = offsets.map(|offsets| offsets[leaf].page_locations());
            match (selection, pages) {
                (Some(selection), Some(pages)) if !pages.is_empty() => {
                    let first = pages.first().map_or(start, |page| page.offset.unsigned_abs());
                    // The dictionary stands before the first page.
                    ranges.extend((start < first).then_some(start..first));
                    ranges.extend(selection.scan_ranges(pages));
                }
                _ => ranges.push(start..start + length),
            }
        }
        ranges
    }

    fn corrupt(&self, error: impl std::error::Error + Send + Sync + 'static) -> Error {
        Error::data(format!("cannot read {}", self.bytes.name())).with_source(error)
    }
}

fn stored(columns: &[FileColumn]) -> impl Iterator<Item = usize> {
    columns.iter().filter_map(|column| match column {
        FileColumn::Stored(root) => Some(*root),
        FileColumn::Constant(_) => None,
    })
}

/// Where a wanted column is in what the reader gives.
#[derive(Debug)]
enum Place {
    Read(usize),
    Constant(ScalarValue),
}

/// Batches of wanted rows.
#[derive(Debug)]
pub(super) struct FileRows {
    file: String,
    places: Vec<Place>,
    schema: SchemaRef,
    reader: ParquetRecordBatchReader,
}

impl FileRows {
    fn adapt(&self, read: &RecordBatch) -> Result<RecordBatch> {
        let column = |(place, field): (&Place, &FieldRef)| -> Result<ArrayRef> {
            let column = match place {
                Place::Read(position) => ArrayRef::clone(read.column(*position)),
                Place::Constant(value) => {
                    value.to_array_of_size(read.num_rows()).map_err(from_datafusion)?
                }
            };
            if column.data_type() == field.data_type() {
                return Ok(column);
            }
            arrow_cast::cast(&column, field.data_type()).map_err(from_arrow)
        };
        let columns = self.places.iter().zip(self.schema.fields());
        let columns = columns.map(column).collect::<Result<_>>()?;
        let rows = RecordBatchOptions::new().with_row_count(Some(read.num_rows()));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &rows)
            .map_err(from_arrow)
    }
}

impl Iterator for FileRows {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self
            .reader
            .next()?
            .map_err(|error| Error::data(format!("cannot read {}", self.file)).with_source(error));
        Some(batch.and_then(|batch| self.adapt(&batch)))
    }
}
