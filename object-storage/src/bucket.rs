//! One bucket: what is in it, and small writes.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _};
use larder_core::{Error, ErrorKind, Result};
use object_store::path::Path;
use object_store::{
    Error as StoreError, ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, UpdateVersion,
};

use crate::failure::from_store;
use crate::{StoredObject, Upload};

/// More objects than this below one prefix are refused.
const MAX_OBJECTS: usize = 100_000;

/// A bucket and the client that reaches it.
#[derive(Clone)]
pub struct Bucket {
    name: Arc<str>,
    client: Arc<dyn ObjectStore>,
}

/// What must be so for a write to happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// Nothing: what is there is replaced.
    Any,
    /// Nothing has the key (`If-None-Match: *`).
    Absent,
    /// The object still has this etag (`If-Match`).
    Unchanged(String),
}

impl Bucket {
    /// A bucket behind a client.
    pub fn new(name: &str, client: Arc<dyn ObjectStore>) -> Self {
        Self { name: Arc::from(name), client }
    }

    /// The client.
    pub fn client(&self) -> &Arc<dyn ObjectStore> {
        &self.client
    }

    /// The URI of a key.
    pub fn uri(&self, key: &Path) -> String {
        format!("s3://{}/{key}", self.name)
    }

    /// The object with exactly this key, `None` when there is none.
    ///
    /// # Errors
    /// As [`from_store`].
    pub async fn find(&self, key: &Path) -> Result<Option<StoredObject>> {
        if key.as_ref().is_empty() {
            return Ok(None);
        }
        match self.client.head(key).await {
            Ok(meta) => Ok(Some(StoredObject::new(Arc::clone(&self.client), meta))),
            Err(StoreError::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.failed("look at", key, error)),
        }
    }

    /// The objects below a prefix, in the order of their keys.
    ///
    /// # Errors
    /// As [`from_store`]; `Invalid` for more than 100 000.
    pub async fn below(&self, prefix: &Path) -> Result<Vec<StoredObject>> {
        let mut listing = self.client.list(Some(prefix));
        let mut found = Vec::new();
        while let Some(meta) =
            listing.try_next().await.map_err(|error| self.failed("list", prefix, error))?
        {
            found.push(StoredObject::new(Arc::clone(&self.client), meta));
            if found.len() > MAX_OBJECTS {
                let uri = self.uri(prefix);
                return Err(Error::invalid(format!("{uri} has more than {MAX_OBJECTS} objects")));
            }
        }
        found.sort_by(|a, b| a.key().cmp(b.key()));
        Ok(found)
    }

    /// Writes an object in one request; whether the condition held, without which nothing changes.
    ///
    /// # Errors
    /// As [`from_store`].
    pub async fn put(&self, key: &Path, bytes: Bytes, condition: Condition) -> Result<bool> {
        let mode = match condition {
            Condition::Any => PutMode::Overwrite,
            Condition::Absent => PutMode::Create,
            Condition::Unchanged(etag) => {
                PutMode::Update(UpdateVersion { e_tag: Some(etag), version: None })
            }
        };
        match self.client.put_opts(key, bytes.into(), PutOptions::from(mode)).await {
            Ok(_) => Ok(true),
            Err(StoreError::AlreadyExists { .. } | StoreError::Precondition { .. }) => Ok(false),
            Err(error) => Err(self.failed("write", key, error)),
        }
    }

    /// Starts an object of any size.
    pub fn upload(&self, key: Path) -> Upload {
        Upload::new(self.clone(), key)
    }

    /// Removes objects; what is gone already is no error.
    ///
    /// # Errors
    /// As [`from_store`].
    pub async fn remove(&self, keys: Vec<Path>) -> Result<()> {
        let keys = futures::stream::iter(keys.into_iter().map(Ok)).boxed();
        let mut removed = self.client.delete_stream(keys);
        while let Some(key) = removed.next().await {
            match key {
                Ok(_) | Err(StoreError::NotFound { .. }) => {}
                Err(error) => {
                    return Err(from_store(
                        format_args!("cannot remove objects of s3://{}", self.name),
                        error,
                    ));
                }
            }
        }
        Ok(())
    }

    pub(crate) fn failed(&self, verb: &str, key: &Path, error: StoreError) -> Error {
        from_store(format_args!("cannot {verb} {}", self.uri(key)), error)
    }

    pub(crate) fn ended_early(&self, key: &Path) -> Error {
        Error::new(ErrorKind::Internal, format!("the upload to {} ended early", self.uri(key)))
    }
}

impl fmt::Debug for Bucket {
    /// Without the client, which would show whose keys it has.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Bucket").field(&self.name).finish()
    }
}

#[cfg(test)]
mod tests {
    use object_store::memory::InMemory;

    use super::*;

    #[tokio::test]
    async fn a_write_happens_only_under_its_condition() {
        let bucket = Bucket::new("lake", Arc::new(InMemory::new()));
        let key = Path::from("a/k");
        let put = |bytes: &'static [u8], condition| bucket.put(&key, Bytes::from(bytes), condition);
        assert!(put(b"one", Condition::Absent).await.unwrap());
        assert!(!put(b"two", Condition::Absent).await.unwrap());
        let etag = bucket.find(&key).await.unwrap().unwrap().meta().e_tag.clone().unwrap();
        assert!(put(b"two", Condition::Unchanged(etag.clone())).await.unwrap());
        assert!(!put(b"three", Condition::Unchanged(etag)).await.unwrap());
        let object = bucket.find(&key).await.unwrap().unwrap();
        assert_eq!(object.range(0..3).await.unwrap(), "two");
        bucket.remove(vec![key.clone(), Path::from("gone")]).await.unwrap();
        assert!(bucket.below(&Path::from("a")).await.unwrap().is_empty());
    }
}
