//! The files of a source, opened as far as their columns are to be known.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_schema::{Schema, SchemaRef};
use datafusion::datasource::file_format::FileFormat;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::object_store::ObjectStoreUrl;
use datafusion::error::DataFusionError;
use futures::{StreamExt, TryStreamExt};
use larder_core::{DataSource, Error, ErrorKind, Result};
use larder_object_storage::{Bucket, StoredObject};
use object_store::{ObjectMeta, ObjectStore};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};

use super::files::Found;
use super::remote::{RemoteFile, from_parquet};
use super::{Location, Place, files, footer, merge};
use crate::engine::DataFusionOfflineStore;
use crate::failure::from_datafusion;

/// How many footers of local files are read at a time.
const FOOTERS_AT_A_TIME: usize = 16;
/// How often an object that is replaced all the time is looked for again.
const LOOKS: usize = 5;

/// Where the bytes of a table's files come from.
#[derive(Debug)]
pub(crate) enum Files {
    /// The local file system.
    Local {
        store: Arc<dyn ObjectStore>,
        /// The only file, when it is held open in the version that was found.
        held: Option<Arc<File>>,
    },
    /// A bucket; one for each part.
    Remote(Arc<[RemoteFile]>),
}

/// Files that were found, and the union of their columns.
pub(super) struct Opened {
    pub(super) files: Files,
    /// In the order in which they are read.
    pub(super) found: Vec<ObjectMeta>,
    pub(super) schema: Schema,
}

impl Opened {
    /// Finds the files of a location and reads their footers.
    pub(super) async fn at(
        engine: &DataFusionOfflineStore,
        source: &DataSource,
        location: &Location,
    ) -> Result<Self> {
        match &location.place {
            Place::Local(path) => local_files(engine, source, location, path).await,
            Place::Bucket { name, endpoint } => {
                let bucket = engine.buckets().get(name, Some(endpoint))?;
                remote_files(&bucket, source, location).await
            }
        }
    }
}

/// The local files of a location with the union of their columns.
async fn local_files(
    engine: &DataFusionOfflineStore,
    source: &DataSource,
    location: &Location,
    path: &Path,
) -> Result<Opened> {
    let store = engine.context().runtime_env().object_store(ObjectStoreUrl::local_filesystem());
    let store = store.map_err(from_datafusion)?;
    let Found { store, files, held } = files::find(store, source, location, path).await?;
    let schema = schema(engine, source, &store, &files).await?;
    Ok(Opened { files: Files::Local { store, held }, found: files, schema })
}

/// The objects of a location with the union of their columns.
///
/// An object under the location's own key is replaced by those who append to it: what is read is one version.
async fn remote_files(bucket: &Bucket, source: &DataSource, location: &Location) -> Result<Opened> {
    let mut looks = 0;
    loop {
        let (objects, is_single) = files::find_objects(bucket, source, location).await?;
        let found: Vec<ObjectMeta> = objects.iter().map(|object| object.meta().clone()).collect();
        let error = match open_objects(source, objects).await {
            Ok((files, schema)) => {
                return Ok(Opened { files: Files::Remote(files.into()), found, schema });
            }
            Err(error) => error,
        };
        looks += 1;
        let may_be_new = is_single && error.kind() == ErrorKind::Unavailable && looks < LOOKS;
        let now = if may_be_new { bucket.find(&location.prefix).await? } else { None };
        if now.is_none_or(|now| now.meta().e_tag == found[0].e_tag) {
            return Err(error);
        }
    }
}

async fn open_objects(
    source: &DataSource,
    objects: Vec<StoredObject>,
) -> Result<(Vec<RemoteFile>, Schema)> {
    let mut schemas = Vec::with_capacity(objects.len());
    let unreadable = |object: &StoredObject, error: Error| match error.kind() {
        ErrorKind::Data => not_parquet(source, object.meta(), error),
        _ => error.context(format_args!("source \"{}\"", source.name)),
    };
    let files = RemoteFile::open_all(objects, unreadable, |object, footer| {
        let read = ArrowReaderMetadata::try_new(Arc::clone(footer), ArrowReaderOptions::new());
        let read = read.map_err(|error| unreadable(object, from_parquet(error)))?;
        schemas.push((object.key().clone(), SchemaRef::clone(read.schema())));
        Ok(())
    });
    let files = files.await?;
    let named = schemas.iter().map(|(key, schema)| (key.as_ref(), schema.as_ref()));
    let schema = merge::merge(named)
        .map_err(|error| error.context(format!("source \"{}\"", source.name)))?;
    Ok((files, schema))
}

/// The union of the columns of all files.
async fn schema(
    engine: &DataFusionOfflineStore,
    source: &DataSource,
    store: &Arc<dyn ObjectStore>,
    files: &[ObjectMeta],
) -> Result<Schema> {
    let state = engine.context().state();
    let format = ParquetFormat::default().with_force_view_types(false);
    let footers = futures::stream::iter(files.to_vec()).map(|file| {
        let (state, format) = (&state, &format);
        async move {
            footer::check(store, &file).await.map_err(|cause| not_parquet(source, &file, cause))?;
            let schema = format.infer_schema(state, store, std::slice::from_ref(&file)).await;
            schema.map_err(|error| unreadable(source, &file, error))
        }
    });
    let footers = footers.buffered(FOOTERS_AT_A_TIME).boxed();
    let schemas: Vec<SchemaRef> = footers.try_collect().await?;
    let named = files.iter().zip(&schemas);
    merge::merge(named.map(|(file, schema)| (file.location.as_ref(), schema.as_ref())))
        .map_err(|error| error.context(format!("source \"{}\"", source.name)))
}

fn unreadable(source: &DataSource, file: &ObjectMeta, error: DataFusionError) -> Error {
    not_parquet(source, file, from_datafusion(error))
}

fn not_parquet(source: &DataSource, file: &ObjectMeta, cause: Error) -> Error {
    let message =
        format!("source \"{}\": cannot read {} as a Parquet file", source.name, file.location);
    Error::new(cause.kind(), message).with_source(cause)
}
