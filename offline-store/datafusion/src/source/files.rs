//! The files of a location.

use std::fs::File;
use std::sync::Arc;

use datafusion::prelude::SessionContext;
use futures::TryStreamExt;
use larder_core::{DataSource, Error, ErrorKind, Result};
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};

use super::Location;
use super::opened::OpenedFile;

/// More files than this in one source are refused: each costs a read of its footer per request.
const MAX_FILES: usize = 100_000;

/// The files of a location and the store to read them through.
pub(super) struct Found {
    pub(super) store: Arc<dyn ObjectStore>,
    pub(super) files: Vec<ObjectMeta>,
    /// The only file, when it is held open.
    pub(super) held: Option<Arc<File>>,
}

/// The object store of a location.
pub(super) fn store(
    context: &SessionContext,
    source: &DataSource,
    location: &Location,
) -> Result<Arc<dyn ObjectStore>> {
    context.runtime_env().object_store(&location.store).map_err(|error| {
        Error::unsupported(format!(
            "source \"{}\" is in {}, which this engine cannot reach",
            source.name,
            location.store.as_str()
        ))
        .with_hint("files on the local file system can be read")
        .with_source(error)
    })
}

/// The Parquet files of a location in path order: the file itself, or those below the folder.
///
/// Below a folder only names ending in `.parquet` count, and none that starts with `.` or `_`, nor anything below
/// such a folder (Spark and Delta keep their own files there).
pub(super) async fn find(
    store: Arc<dyn ObjectStore>,
    source: &DataSource,
    location: &Location,
) -> Result<Found> {
    if let Some(found) = single(&store, source, location).await? {
        return Ok(found);
    }
    let files = list(store.as_ref(), source, location).await?;
    Ok(Found { store, files, held: None })
}

/// The location as one file, which stays the version that is there now.
async fn single(
    store: &Arc<dyn ObjectStore>,
    source: &DataSource,
    location: &Location,
) -> Result<Option<Found>> {
    if location.pattern.is_some() {
        return Ok(None);
    }
    let Some(path) = &location.local else {
        return match store.head(&location.prefix).await {
            Ok(meta) => Ok(Some(Found { store: Arc::clone(store), files: vec![meta], held: None })),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(unreachable(source, location, error)),
        };
    };
    if path.is_dir() {
        return Ok(None);
    }
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
    let visible = parts.iter().all(|part| !part.starts_with(['.', '_']));
    match &location.pattern {
        Some(pattern) => visible && pattern.is_match(parts.join("/")),
        None => visible && parts.last().is_some_and(|name| name.ends_with(".parquet")),
    }
}

fn missing(source: &DataSource, location: &Location) -> Error {
    let message = match &location.local {
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
    let kind = match error {
        object_store::Error::PermissionDenied { .. } => ErrorKind::PermissionDenied,
        _ => ErrorKind::Unavailable,
    };
    Error::new(kind, format!("cannot list source \"{}\" ({})", source.name, location.shown))
        .with_source(error)
}
