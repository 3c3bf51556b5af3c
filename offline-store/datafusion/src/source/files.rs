//! The files of a location.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use futures::TryStreamExt;
use larder_core::{DataSource, Error, ErrorKind, Result};
use larder_object_storage::{Bucket, StoredObject, from_store};
use object_store::{ObjectMeta, ObjectStore};

use super::Location;
use super::opened::OpenedFile;

/// More files than this in one source are refused: each costs a read of its footer per request.
pub(super) const MAX_FILES: usize = 100_000;

/// The local files of a location and the store to read them through.
pub(super) struct Found {
    pub(super) store: Arc<dyn ObjectStore>,
    pub(super) files: Vec<ObjectMeta>,
    /// The only file, when it is held open.
    pub(super) held: Option<Arc<File>>,
}

/// The Parquet files of a location in path order: the file itself, or those below the folder.
///
/// Below a folder only names ending in `.parquet` count, and none that starts with `.` or `_`, nor anything below
/// such a folder (Spark and Delta keep their own files there), unless a column whose name starts so partitions by it.
pub(super) async fn find(
    store: Arc<dyn ObjectStore>,
    source: &DataSource,
    location: &Location,
    path: &Path,
) -> Result<Found> {
    if location.pattern.is_none()
        && !path.is_dir()
        && let Some(found) = single(&store, source, location, path)?
    {
        return Ok(found);
    }
    let files = list(store.as_ref(), source, location).await?;
    Ok(Found { store, files, held: None })
}

/// As [`find`], in a bucket, and whether it is one object under the location's own key.
pub(super) async fn find_objects(
    bucket: &Bucket,
    source: &DataSource,
    location: &Location,
) -> Result<(Vec<StoredObject>, bool)> {
    let unlisted = |error: Error| error.context(format_args!("source \"{}\"", source.name));
    if location.pattern.is_none()
        && let Some(object) = bucket.find(&location.prefix).await.map_err(unlisted)?
    {
        return Ok((vec![object], true));
    }
    let client = Arc::clone(bucket.client());
    let files = list(client.as_ref(), source, location).await?;
    let objects = files.into_iter().map(|meta| StoredObject::new(Arc::clone(&client), meta));
    Ok((objects.collect(), false))
}

/// The location as one file, which stays the version that is there now.
fn single(
    store: &Arc<dyn ObjectStore>,
    source: &DataSource,
    location: &Location,
    path: &Path,
) -> Result<Option<Found>> {
    match OpenedFile::open(Arc::clone(store), path, location.prefix.clone()) {
        Ok(opened) => {
            let files = vec![opened.meta().clone()];
            let held = Some(opened.file());
            Ok(Some(Found { store: Arc::new(opened), files, held }))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unopened(source, location, error)),
    }
}

async fn list(
    store: &dyn ObjectStore,
    source: &DataSource,
    location: &Location,
) -> Result<Vec<ObjectMeta>> {
    let prefix = Some(&location.prefix);
    let mut files = Vec::new();
    let mut listing = store.list(prefix);
    loop {
        match listing.try_next().await {
            Ok(Some(meta)) if belongs(location, &meta) => files.push(meta),
            Ok(Some(_)) => {}
            Ok(None) | Err(object_store::Error::NotFound { .. }) => break,
            Err(error) => return Err(unreachable(source, location, error)),
        }
        if files.len() > MAX_FILES {
            return Err(Error::invalid(format!(
                "source \"{}\" ({}) has more than {MAX_FILES} files",
                source.name, location.shown
            )));
        }
    }
    if files.is_empty() {
        return Err(missing(source, location));
    }
    files.sort_by(|a, b| a.location.cmp(&b.location));
    Ok(files)
}

fn belongs(location: &Location, meta: &ObjectMeta) -> bool {
    let Some(parts) = meta.location.prefix_match(&location.prefix) else { return false };
    let parts: Vec<_> = parts.map(|part| part.as_ref().to_owned()).collect();
    let is_hidden =
        |part: &String| part.starts_with('.') || part.starts_with('_') && !part.contains('=');
    let visible = !parts.iter().any(is_hidden);
    match &location.pattern {
        Some(pattern) => visible && pattern.is_match(parts.join("/")),
        None => visible && parts.last().is_some_and(|name| name.ends_with(".parquet")),
    }
}

fn missing(source: &DataSource, location: &Location) -> Error {
    let message = match location.path() {
        Some(path) if location.pattern.is_none() => {
            format!("source \"{}\": no Parquet file at {}", source.name, path.display())
        }
        _ => format!("source \"{}\": no Parquet file at {}", source.name, location.shown),
    };
    Error::new(ErrorKind::NotFound, message)
        .with_hint("relative paths start from the folder of the feature repository")
}

fn unopened(source: &DataSource, location: &Location, error: std::io::Error) -> Error {
    let kind = match error.kind() {
        std::io::ErrorKind::PermissionDenied => ErrorKind::PermissionDenied,
        _ => ErrorKind::Unavailable,
    };
    Error::new(kind, format!("cannot open source \"{}\" ({})", source.name, location.shown))
        .with_source(error)
}

fn unreachable(source: &DataSource, location: &Location, error: object_store::Error) -> Error {
    let doing = format!("cannot list source \"{}\" ({})", source.name, location.shown);
    if location.path().is_none() {
        return from_store(doing, error);
    }
    let kind = match error {
        object_store::Error::PermissionDenied { .. } => ErrorKind::PermissionDenied,
        _ => ErrorKind::Unavailable,
    };
    Error::new(kind, doing).with_source(error)
}
