//! Opening the files of a table for a scan.

use std::fs::File;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use datafusion::scalar::ScalarValue;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use larder_core::{Error, Result};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::arrow::async_reader::MetadataFetch;
use parquet::errors::ParquetError;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};

use super::bytes::FileBytes;
use super::file::{FileColumn, ScanFile};
use crate::failure::{from_datafusion, from_store};
use crate::source::{Files, SourceTable};

impl SourceTable {
    /// Reads the footer and page index of a file and finds these columns of the table in it.
    pub(crate) async fn scan_file(&self, number: usize, columns: &[usize]) -> Result<ScanFile> {
        let (bytes, footer) = match self.files() {
            Files::Local { store, held } => self.local_file(number, store, held.as_ref()).await?,
            Files::Remote(files) => {
                let file = files[number].clone();
                let footer = file.footer().await;
                let footer = footer.map_err(|error| error.context(self.shown()));
                (FileBytes::Remote(file), footer?)
            }
        };
        let footer = ArrowReaderMetadata::try_new(footer, ArrowReaderOptions::new());
        let footer = footer.map_err(|error| self.unreadable(number).with_source(error))?;
        let columns = columns.iter().map(|&column| self.column_in(number, &footer, column));
        let (columns, deleted) = (columns.collect::<Result<_>>()?, self.deleted(number));
        Ok(ScanFile { bytes, footer, columns, deleted })
    }

    async fn local_file(
        &self,
        number: usize,
        store: &Arc<dyn ObjectStore>,
        held: Option<&Arc<File>>,
    ) -> Result<(FileBytes, Arc<ParquetMetaData>)> {
        let meta = &self.file(number).object_meta;
        let footer = ParquetMetaDataReader::new()
            .with_page_index_policy(PageIndexPolicy::Optional)
            .with_prefetch_hint(Some(FOOTER_HINT))
            .load_and_finish(Tail { store, location: &meta.location }, meta.size)
            .await
            .map_err(|error| self.unreadable(number).with_source(error))?;
        let path = LocalFileSystem::new().path_to_filesystem(&meta.location);
        let bytes = FileBytes::Local {
            path: path.map_err(|error| from_store(meta.location.as_ref(), error))?,
            meta: meta.clone(),
            held: held.map(Arc::clone),
        };
        Ok((bytes, Arc::new(footer)))
    }

    fn unreadable(&self, number: usize) -> Error {
        let location = &self.file(number).object_meta.location;
        Error::data(format!("{}: cannot read {location}", self.shown()))
    }

    fn column_in(
        &self,
        number: usize,
        footer: &ArrowReaderMetadata,
        column: usize,
    ) -> Result<FileColumn> {
        if let Some(partition) = column.checked_sub(self.stored_columns()) {
            let value = self.file(number).partition_values[partition].clone();
            return Ok(FileColumn::Constant(value));
        }
        let schema = self.schema();
        let field = schema.field(column);
        if let Ok(position) = footer.schema().index_of(self.stored_schema().field(column).name()) {
            return Ok(FileColumn::Stored(position));
        }
        let null = ScalarValue::try_from(field.data_type()).map_err(from_datafusion)?;
        Ok(FileColumn::Constant(null))
    }
}

/// Bytes at the end of a file that are read at once: most footers are shorter.
const FOOTER_HINT: usize = 64 << 10;

/// The end of a file as the reader of footers fetches it.
struct Tail<'a> {
    store: &'a Arc<dyn ObjectStore>,
    location: &'a Path,
}

impl MetadataFetch for Tail<'_> {
    fn fetch(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, ParquetError>> {
        let fetched = self.store.get_range(self.location, range);
        async move { fetched.await.map_err(|error| ParquetError::External(Box::new(error))) }
            .boxed()
    }
}
