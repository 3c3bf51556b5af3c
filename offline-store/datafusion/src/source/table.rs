//! A source that was opened: its columns and its scan.

use std::path::Path;
use std::sync::Arc;

use arrow_schema::SchemaRef;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::object_store::ObjectStoreUrl;
use datafusion::datasource::physical_plan::parquet::DefaultParquetFileReaderFactory;
#[cfg(feature = "delta")]
use datafusion::datasource::physical_plan::parquet::ParquetRowSelection;
use datafusion::datasource::physical_plan::{
    FileGroup, FileScanConfigBuilder, ParquetFileReaderFactory, ParquetSource,
};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::projection::{ProjectionExec, ProjectionExpr};
use larder_core::{DataSource, Error, Result, Timestamp};
use larder_offline_store::{Instants, SourceFile, source_name};

use super::delta::{self, LOG, Version};
use super::hive::Partitions;
use super::open::{Files, Opened};
use super::remote::RemoteReaders;
use super::{Location, Place, TimeBounds};
use crate::engine::DataFusionOfflineStore;
use crate::failure::from_datafusion;
use crate::scan::Deleted;

/// A source with its files found and its columns known.
#[derive(Debug)]
pub(crate) struct SourceTable {
    name: String,
    location: Location,
    columns: TableSchema,
    parts: Vec<PartitionedFile>,
    files: Files,
    /// Of a Delta table.
    version: Option<Version>,
}

impl SourceTable {
    /// Lists the files of a source and reads their schemas.
    pub(crate) async fn open(engine: &DataFusionOfflineStore, source: &DataSource) -> Result<Self> {
        let location = Location::of(source, &engine.options().repo_root)?;
        Self::open_at(engine, source.offline().unwrap_or(source), location).await
    }

    /// Opens files that `source` does not name itself, such as a file of entity rows.
    pub(crate) async fn open_at(
        engine: &DataFusionOfflineStore,
        source: &DataSource,
        location: Location,
    ) -> Result<Self> {
        if location.is_delta {
            return delta::open(engine, source, location).await;
        }
        let Opened { files, found, schema } = Opened::at(engine, source, &location).await?;
        let schema = Arc::new(schema);
        let paths = found.iter().map(|meta| &meta.location);
        // A column that a file has itself is the better source than the folder's name.
        let partitions = Partitions::of(&location.prefix, paths, &location.shown)?
            .retain(|name| schema.field_with_name(name).is_err());
        let parts = found.into_iter().zip(partitions.values).map(|(meta, values)| {
            PartitionedFile::new_from_meta(meta).with_partition_values(values)
        });
        Ok(Self {
            name: source.name.clone(),
            parts: parts.collect(),
            columns: TableSchema::builder(schema)
                .with_table_partition_cols(partitions.columns)
                .build(),
            location,
            files,
            version: None,
        })
    }

    /// A version of a Delta table, whose partition columns stand in its log.
    #[cfg(feature = "delta")]
    pub(super) fn of_version(
        source: &DataSource,
        location: Location,
        columns: TableSchema,
        parts: Vec<PartitionedFile>,
        files: Files,
        version: Version,
    ) -> Self {
        let (name, version) = (source.name.clone(), Some(version));
        Self { name, location, columns, parts, files, version }
    }

    /// Tells for each file which rows scans of DataFusion's read, if not all.
    #[cfg(feature = "delta")]
    pub(super) fn select(&mut self, selections: Vec<Option<ParquetRowSelection>>) {
        for (part, selection) in self.parts.iter_mut().zip(selections) {
            if let Some(selection) = selection {
                part.extensions.insert(selection);
            }
        }
    }

    /// The columns that stand in files, under the names that they have there.
    pub(crate) fn stored_schema(&self) -> &SchemaRef {
        self.named_as_stored().file_schema()
    }

    fn named_as_stored(&self) -> &TableSchema {
        let mapped = self.version.as_ref().and_then(|version| version.mapped.as_ref());
        mapped.unwrap_or(&self.columns)
    }

    /// The rows of a file that are deleted.
    pub(crate) fn deleted(&self, number: usize) -> Deleted {
        let version = self.version.as_ref();
        version.map_or_else(Deleted::default, |version| version.deleted[number].clone())
    }

    /// All columns, partition columns last.
    pub(crate) fn schema(&self) -> SchemaRef {
        Arc::clone(self.columns.table_schema())
    }

    /// Whether the source is one file.
    pub(crate) fn location(&self) -> &Location {
        &self.location
    }

    /// Where the bytes of the files come from.
    pub(crate) fn files(&self) -> &Files {
        &self.files
    }

    /// A file with the values of the partition columns, which come after the stored ones.
    pub(crate) fn file(&self, number: usize) -> &PartitionedFile {
        &self.parts[number]
    }

    /// How many of the columns stand in files; the others stand in folder names.
    pub(crate) fn stored_columns(&self) -> usize {
        self.columns.file_schema().fields().len()
    }

    /// The files for records of what was read; paths below `root` are relative to it.
    pub(crate) fn described(&self, root: &Path) -> Vec<SourceFile> {
        let root = std::fs::canonicalize(root).unwrap_or_else(|_| root.to_owned());
        let describe = |file: &PartitionedFile| {
            let meta = &file.object_meta;
            let written = Timestamp::from_micros(meta.last_modified.timestamp_micros());
            let local_etag = || SourceFile::local_etag(written, meta.size);
            if let Place::Bucket { name, .. } = &self.location.place {
                let path = format!("s3://{name}/{}", meta.location);
                let etag = meta.e_tag.clone().unwrap_or_else(local_etag);
                return SourceFile { path, size: meta.size, etag };
            }
            let path = format!("/{}", meta.location);
            let path = Path::new(&path).strip_prefix(&root).unwrap_or_else(|_| Path::new(&path));
            SourceFile { path: path.display().to_string(), size: meta.size, etag: local_etag() }
        };
        self.parts.iter().map(describe).chain(self.log(&root)).collect()
    }

    /// The log of a Delta table in its version: deleted rows change no file.
    fn log(&self, root: &Path) -> Option<SourceFile> {
        let version = self.version.as_ref()?;
        let path = match &self.location.place {
            Place::Bucket { name, .. } => {
                format!("s3://{name}/{}", self.location.prefix.clone().join(LOG))
            }
            Place::Local(path) => {
                path.strip_prefix(root).unwrap_or(path).join(LOG).display().to_string()
            }
        };
        Some(SourceFile { path, size: 0, etag: format!("version {}", version.number) })
    }

    /// How many files there are.
    pub(crate) fn file_count(&self) -> usize {
        self.parts.len()
    }

    /// Bytes of all files.
    pub(crate) fn bytes(&self) -> u64 {
        self.parts.iter().map(|file| file.object_meta.size).sum()
    }

    /// Whether columns stand in folder names.
    pub(crate) fn is_partitioned(&self) -> bool {
        !self.columns.table_partition_cols().is_empty()
    }

    /// The source and its path, for messages.
    pub(crate) fn shown(&self) -> String {
        let (name, path) = (&self.name, &self.location.shown);
        match &self.version {
            Some(version) => {
                format!("source \"{name}\" ({path}, version {} of a Delta table)", version.number)
            }
            None => format!("source \"{name}\" ({path})"),
        }
    }

    /// The position of a column by its name in the source.
    pub(crate) fn column(&self, name: &str, purpose: &str) -> Result<usize> {
        let schema = self.columns.table_schema();
        schema.index_of(name).map_err(|_| {
            let names: Vec<_> = schema.fields().iter().map(|field| field.name().as_str()).collect();
            Error::invalid(format!("{} has no column \"{name}\", {purpose}", self.shown()))
                .with_hint(format!("its columns are {}", names.join(", ")))
        })
    }

    /// The position of a column by its name after the field mapping.
    ///
    /// A name that nothing is mapped to, or only a column that the files do not have, is looked for as it is: Feast
    /// users write the timestamp column either way, and a mapping may be older than the files.
    pub(crate) fn mapped_column(
        &self,
        source: &DataSource,
        name: &str,
        purpose: &str,
    ) -> Result<usize> {
        let unmapped = source_name(source, name);
        let is_there = |name: &str| self.columns.table_schema().field_with_name(name).is_ok();
        let found = if !is_there(unmapped) && is_there(name) { name } else { unmapped };
        self.column(found, purpose)
    }

    /// The position of a column that must hold times.
    pub(crate) fn check_time(&self, column: usize, purpose: &str) -> Result<usize> {
        let schema = self.columns.table_schema();
        let field = schema.field(column);
        match Instants::unit_of(field.data_type()) {
            Some(_) => Ok(column),
            None => Err(Error::invalid(format!(
                "column \"{}\" of {}, {purpose}, is {} and no timestamp",
                field.name(),
                self.shown(),
                field.data_type()
            ))),
        }
    }

    /// A scan of one partition, in file order, of the given columns; `time` is a position in `columns`.
    ///
    /// Bounds leave out rows without a time. Row groups and pages outside the bounds are not read.
    pub(crate) fn scan(
        &self,
        columns: &[usize],
        time: usize,
        bounds: TimeBounds,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let stored = self.named_as_stored();
        let mut source = ParquetSource::new(stored.clone())
            .with_enable_page_index(true)
            .with_parquet_file_reader_factory(self.reader());
        if let Some(pruning) = bounds.predicate(stored.table_schema(), columns[time]) {
            source = source.with_predicate(pruning);
        }
        // The reader knows where the bytes are; the store of the URL is looked up and not used.
        let url = ObjectStoreUrl::local_filesystem();
        let config = FileScanConfigBuilder::new(url, Arc::new(source))
            .with_file_group(FileGroup::new(self.parts.clone()))
            .with_preserve_order(true)
            .with_projection_indices(Some(columns.to_vec()))
            .map_err(from_datafusion)?
            .build();
        let scan: Arc<dyn ExecutionPlan> = DataSourceExec::from_data_source(config);
        let scan = match bounds.predicate(&scan.schema(), time) {
            Some(filter) => Arc::new(FilterExec::try_new(filter, scan).map_err(from_datafusion)?),
            None => scan,
        };
        self.renamed(scan, columns)
    }

    /// Gives columns of files the names that the table has for them.
    fn renamed(
        &self,
        scan: Arc<dyn ExecutionPlan>,
        columns: &[usize],
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if std::ptr::eq(self.named_as_stored(), &raw const self.columns) {
            return Ok(scan);
        }
        let schema = self.columns.table_schema();
        let columns = columns.iter().enumerate().map(|(at, &column)| ProjectionExpr {
            expr: Arc::new(Column::new(scan.schema().field(at).name(), at)),
            alias: schema.field(column).name().clone(),
        });
        let columns: Vec<_> = columns.collect();
        Ok(Arc::new(ProjectionExec::try_new(columns, scan).map_err(from_datafusion)?))
    }

    fn reader(&self) -> Arc<dyn ParquetFileReaderFactory> {
        match &self.files {
            Files::Local { store, .. } => {
                Arc::new(DefaultParquetFileReaderFactory::new(Arc::clone(store)))
            }
            Files::Remote(files) => Arc::new(RemoteReaders(Arc::clone(files))),
        }
    }
}
