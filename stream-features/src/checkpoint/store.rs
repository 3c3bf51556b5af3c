//! Where checkpoints and logs are kept.

use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use larder_core::{Error, ErrorKind, Result};
use larder_object_storage::{Bucket, ObjectUri, from_store};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _, PutPayload};
use tokio::task::spawn_blocking;

/// Objects below a prefix of an object store. An object that was put is durable, whole, and replaces the one before.
#[derive(Debug, Clone)]
pub struct CheckpointStore {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    /// The folder, where the objects are files: a local object store does not wait for the disk.
    folder: Option<PathBuf>,
    /// The bucket, where the objects are in one.
    bucket: Option<Bucket>,
}

impl CheckpointStore {
    /// Objects below a prefix of a store that keeps what it acknowledged.
    pub fn new(store: Arc<dyn ObjectStore>, prefix: &str) -> Self {
        Self { store, prefix: Path::from(prefix), folder: None, bucket: None }
    }

    /// Objects of a bucket, below a prefix and these names.
    pub fn in_bucket<'a>(
        bucket: &Bucket,
        prefix: &ObjectUri,
        names: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let prefix = names.into_iter().fold(prefix.key.clone(), Path::join);
        let store = Arc::clone(bucket.client());
        Self { store, prefix, folder: None, bucket: Some(bucket.clone()) }
    }

    /// Files below a folder, which is made.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be made.
    pub fn local(folder: &FilePath) -> Result<Self> {
        let failed = || {
            let message = format!("nothing can be kept in {}", folder.display());
            Error::new(ErrorKind::Unavailable, message)
        };
        std::fs::create_dir_all(folder).map_err(|error| failed().with_source(error))?;
        let folder = folder.canonicalize().map_err(|error| failed().with_source(error))?;
        let store = LocalFileSystem::new_with_prefix(&folder)
            .map_err(|error| failed().with_source(error))?;
        let (prefix, folder) = (Path::default(), Some(folder));
        Ok(Self { store: Arc::new(store), prefix, folder, bucket: None })
    }

    /// The objects below a name.
    #[must_use]
    pub fn below(&self, name: &str) -> Self {
        let folder = self.folder.as_ref().map(|folder| folder.join(name));
        Self { prefix: self.path(name), folder, ..self.clone() }
    }

    /// The object of a name, as messages call it.
    pub(crate) fn place(&self, name: &str) -> String {
        match (&self.folder, &self.bucket) {
            (Some(folder), _) => folder.join(name).display().to_string(),
            (None, Some(bucket)) => bucket.uri(&self.path(name)),
            (None, None) => self.path(name).to_string(),
        }
    }

    fn path(&self, name: &str) -> Path {
        name.split('/').fold(self.prefix.clone(), Path::join)
    }

    /// Puts an object in place of the one before.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be stored now; putting it again is safe.
    pub async fn put(&self, name: &str, bytes: impl Into<Bytes>) -> Result<()> {
        let bytes = bytes.into();
        if let Some(folder) = &self.folder {
            let path = folder.join(name);
            let put = spawn_blocking(move || put_file(&path, &bytes)).await;
            return put
                .map_err(std::io::Error::from)
                .flatten()
                .map_err(|error| self.failed(name, "written", error));
        }
        let put = self.store.put(&self.path(name), PutPayload::from(bytes)).await;
        put.map(drop).map_err(|error| self.refused(name, "written", error))
    }

    /// The bytes of an object, `None` when it is not there.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be read now.
    pub async fn get(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let got = match self.store.get(&self.path(name)).await {
            Ok(got) => got.bytes().await,
            Err(error) => Err(error),
        };
        match got {
            Ok(bytes) => Ok(Some(bytes.to_vec())),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.refused(name, "read", error)),
        }
    }

    /// Names and sizes in bytes of the objects right below a name.
    ///
    /// # Errors
    /// `Unavailable` when they cannot be listed now.
    pub async fn list(&self, below: &str) -> Result<Vec<(String, u64)>> {
        let listed = self.store.list_with_delimiter(Some(&self.path(below))).await;
        let listed = listed.map_err(|error| self.refused(below, "listed", error))?;
        let named = |object: &object_store::ObjectMeta| {
            Some((object.location.filename()?.to_owned(), object.size))
        };
        Ok(listed.objects.iter().filter_map(named).collect())
    }

    /// Removes an object; one that is not there is no fault.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be removed now.
    pub async fn delete(&self, name: &str) -> Result<()> {
        match self.store.delete(&self.path(name)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.refused(name, "removed", error)),
        }
    }

    /// Removes all objects.
    ///
    /// # Errors
    /// As [`delete`](Self::delete).
    pub async fn clear(&self) -> Result<()> {
        let mut folders = vec![self.prefix.clone()];
        while let Some(folder) = folders.pop() {
            let listed = self.store.list_with_delimiter(Some(&folder)).await;
            let listed = listed.map_err(|error| self.refused("", "listed", error))?;
            for object in listed.objects {
                match self.store.delete(&object.location).await {
                    Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                    Err(error) => return Err(self.refused("", "removed", error)),
                }
            }
            folders.extend(listed.common_prefixes);
        }
        Ok(())
    }

    /// What a store answered; what a bucket says may hold credentials.
    fn refused(&self, name: &str, what: &str, error: object_store::Error) -> Error {
        if self.bucket.is_none() {
            return self.failed(name, what, error);
        }
        from_store(format_args!("{} cannot be {what}", self.place(name)), error)
    }

    fn failed(
        &self,
        name: &str,
        what: &str,
        error: impl std::error::Error + Send + Sync + 'static,
    ) -> Error {
        let message = format!("{} cannot be {what}", self.place(name));
        Error::new(ErrorKind::Unavailable, message).with_source(error)
    }
}

/// Writes a file that is on the disk, with its name, when this returns; a reader finds the old one or the new one.
pub(crate) fn put_file(path: &FilePath, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write as _;
    let folder = path.parent().ok_or(std::io::ErrorKind::InvalidInput)?;
    std::fs::create_dir_all(folder)?;
    let part = path.with_extension("part");
    let mut file = std::fs::File::create(&part)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&part, path)?;
    std::fs::File::open(folder)?.sync_all()
}
