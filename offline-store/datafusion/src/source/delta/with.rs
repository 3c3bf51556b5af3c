//! A table whose files are those of a log.

use std::sync::Arc;

use arrow_schema::{Schema, SchemaRef};
use datafusion::common::DataFusionError;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::object_store::ObjectStoreUrl;
use datafusion::datasource::physical_plan::parquet::ParquetRowSelection;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::scalar::ScalarValue;
use futures::{StreamExt as _, TryStreamExt as _};
use larder_core::{DataSource, Error, ErrorKind, Result};
use larder_object_storage::StoredObject;
use larder_offline_store_delta::{LiveFile, TableRoot, TableVersion};
use object_store::{Error as StoreError, ObjectStore, ObjectStoreExt as _};

use super::{Version, types};
use crate::engine::DataFusionOfflineStore;
use crate::failure::from_datafusion;
use crate::scan::Deleted;
use crate::source::files::MAX_FILES;
use crate::source::{Files, Location, Place, RemoteFile, SourceTable, footer};

/// How many footers are read at a time.
const FOOTERS_AT_A_TIME: usize = 16;

/// Opens the newest version; every file is looked into.
///
/// # Errors
/// As [`TableVersion::newest`]; `NotFound` for a file that the log has and the storage has not.
pub(in crate::source) async fn open(
    engine: &DataFusionOfflineStore,
    source: &DataSource,
    location: Location,
) -> Result<SourceTable> {
    let named = |error: Error| error.context(format_args!("source \"{}\"", source.name));
    let (client, root) = reach(engine, &location).map_err(named)?;
    let version = TableVersion::newest(Arc::clone(&client), &root).await.map_err(named)?;
    if version.files.len() > MAX_FILES {
        let what = format!("{} has more than {MAX_FILES} files", location.shown);
        return Err(named(Error::invalid(what)));
    }
    match table(&client, source, location, &version).await {
        Ok(table) => Ok(table),
        // Their own words say enough.
        Err(error) if matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::Invalid) => {
            Err(named(error))
        }
        Err(error) => Err(named(lost(&client, &version).await.unwrap_or(error))),
    }
}

/// The client of the table's place, and the table's name there.
fn reach(
    engine: &DataFusionOfflineStore,
    location: &Location,
) -> Result<(Arc<dyn ObjectStore>, TableRoot)> {
    match &location.place {
        Place::Local(path) => {
            let url = ObjectStoreUrl::local_filesystem();
            let client = engine.context().runtime_env().object_store(url);
            Ok((client.map_err(from_datafusion)?, TableRoot::local(path, &location.shown)?))
        }
        Place::Bucket { name, endpoint } => {
            let bucket = engine.buckets().get(name, Some(endpoint))?;
            let root = TableRoot::in_bucket(name, &location.prefix, &location.shown)?;
            Ok((Arc::clone(bucket.client()), root))
        }
    }
}

async fn table(
    client: &Arc<dyn ObjectStore>,
    source: &DataSource,
    location: Location,
    version: &TableVersion,
) -> Result<SourceTable> {
    let files = match &location.place {
        Place::Local(_) => Files::Local { store: Arc::clone(client), held: None },
        Place::Bucket { .. } => Files::Remote(objects(client, version).await?.into()),
    };
    let columns = columns(version, Arc::clone(&version.columns));
    let mapped = named_as_stored(version).map(|stored| self::columns(version, stored));
    let parts = version.files.iter().map(part).collect::<Result<Vec<_>, _>>();
    let parts = parts.map_err(from_datafusion)?;
    let deleted = version.files.iter().map(|file| Deleted::new(&file.deleted)).collect();
    let facts = Version { number: version.version, mapped, deleted };
    let mut table = SourceTable::of_version(source, location, columns, parts, files, facts);
    let selections = {
        let selection = |number| selection(client, &table, number);
        let opened = futures::stream::iter(0..table.file_count()).map(selection);
        opened.buffered(FOOTERS_AT_A_TIME).boxed().try_collect::<Vec<_>>().await?
    };
    table.select(selections);
    Ok(table)
}

fn columns(version: &TableVersion, stored: SchemaRef) -> TableSchema {
    TableSchema::builder(stored).with_table_partition_cols(version.partitions.clone()).build()
}

/// The stored columns as files call them, if otherwise than the log.
fn named_as_stored(version: &TableVersion) -> Option<SchemaRef> {
    let columns = version.columns.fields().iter().zip(&version.names);
    let is_other = columns.clone().any(|(column, name)| column.name() != name);
    let named = columns.map(|(column, name)| column.as_ref().clone().with_name(name));
    is_other.then(|| Arc::new(Schema::new(named.collect::<Vec<_>>())))
}

fn part(file: &LiveFile) -> Result<PartitionedFile, DataFusionError> {
    let values = file.partitions.iter().map(|value| ScalarValue::try_from_array(value, 0));
    let values = values.collect::<Result<_, _>>()?;
    Ok(PartitionedFile::new_from_meta(file.meta.clone()).with_partition_values(values))
}

async fn objects(client: &Arc<dyn ObjectStore>, version: &TableVersion) -> Result<Vec<RemoteFile>> {
    let object = |file: &LiveFile| StoredObject::new(Arc::clone(client), file.meta.clone());
    let objects = version.files.iter().map(object).collect();
    RemoteFile::open_all(
        objects,
        |object, error| unusable(object.key().as_ref(), error),
        |_, _| Ok(()),
    )
    .await
}

/// Checks the columns of a file, and tells which of its rows are left when some are deleted.
async fn selection(
    client: &Arc<dyn ObjectStore>,
    table: &SourceTable,
    number: usize,
) -> Result<Option<ParquetRowSelection>> {
    let meta = &table.file(number).object_meta;
    let name = meta.location.as_ref();
    if let Files::Local { .. } = table.files() {
        footer::check(client, meta).await.map_err(|error| unusable(name, error))?;
    }
    let file = table.scan_file(number, &[]).await?;
    types::check(table.stored_schema(), file.schema(), name)?;
    Ok(file.selection().map(ParquetRowSelection::new))
}

fn unusable(file: &str, cause: Error) -> Error {
    match cause.kind() {
        ErrorKind::Data => {
            Error::data(format!("cannot read {file} as a Parquet file")).with_source(cause)
        }
        _ => cause,
    }
}

/// A file that the log has and the storage has not, looked for as long as the storage answers.
async fn lost(client: &Arc<dyn ObjectStore>, version: &TableVersion) -> Option<Error> {
    for LiveFile { meta, .. } in &version.files {
        match client.head(&meta.location).await {
            Ok(_) => {}
            Err(StoreError::NotFound { .. }) => {
                let (number, file) = (version.version, &meta.location);
                let what = format!("{file} of version {number} of the table is missing");
                return Some(Error::new(ErrorKind::NotFound, what).with_hint(
                    "a Delta table is read whole or not at all: restore the file, or repair the log",
                ));
            }
            Err(_) => return None,
        }
    }
    None
}
