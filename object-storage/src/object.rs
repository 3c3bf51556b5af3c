//! Ranged reads of one version of an object.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::{StreamExt as _, TryStreamExt as _};
use larder_core::{Error, ErrorKind, Result};
use object_store::path::Path;
use object_store::{
    Error as StoreError, GetOptions, GetRange, OBJECT_STORE_COALESCE_DEFAULT, ObjectMeta,
    ObjectStore, coalesce_ranges,
};

use crate::failure::from_store;

/// Longer ranges are read in parts, so that each ends within the timeout of a request.
const PART: u64 = 16 << 20;
/// Parts of one range that are read at a time.
const PARTS_AT_A_TIME: usize = 4;

/// An object in the version that was found.
#[derive(Clone)]
pub struct StoredObject {
    client: Arc<dyn ObjectStore>,
    meta: ObjectMeta,
}

impl StoredObject {
    /// The object that a listing or a look at it described.
    pub fn new(client: Arc<dyn ObjectStore>, meta: ObjectMeta) -> Self {
        Self { client, meta }
    }

    /// Its key, size and etag.
    pub fn meta(&self) -> &ObjectMeta {
        &self.meta
    }

    /// Its key.
    pub fn key(&self) -> &Path {
        &self.meta.location
    }

    /// Bytes of these ranges, one for each; ranges with little between them are read at once, ten requests at a time.
    ///
    /// # Errors
    /// `Unavailable` when the object was replaced since, or the store does not answer in time; `NotFound` when the
    /// object is gone.
    pub async fn ranges(&self, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        coalesce_ranges(ranges, |range| self.fetch(range), OBJECT_STORE_COALESCE_DEFAULT).await
    }

    /// Bytes of one range.
    ///
    /// # Errors
    /// As [`ranges`](Self::ranges).
    pub async fn range(&self, range: Range<u64>) -> Result<Bytes> {
        self.fetch(range).await
    }

    async fn fetch(&self, range: Range<u64>) -> Result<Bytes> {
        if range.end - range.start <= PART {
            return self.fetch_part(range).await;
        }
        let starts = (range.start..range.end).step_by(usize::try_from(PART).unwrap_or(usize::MAX));
        let parts = starts.map(|start| self.fetch_part(start..range.end.min(start + PART)));
        let parts: Vec<Bytes> =
            futures::stream::iter(parts).buffered(PARTS_AT_A_TIME).try_collect().await?;
        let mut whole = BytesMut::with_capacity(parts.iter().map(Bytes::len).sum());
        for part in &parts {
            whole.extend_from_slice(part);
        }
        Ok(whole.freeze())
    }

    async fn fetch_part(&self, range: Range<u64>) -> Result<Bytes> {
        let wanted = range.end - range.start;
        let options = GetOptions {
            // Pages of one version and the footer of another make no file.
            if_match: self.meta.e_tag.clone(),
            range: Some(GetRange::Bounded(range)),
            ..GetOptions::default()
        };
        let answer = self.client.get_opts(self.key(), options).await.map_err(|e| self.failed(e))?;
        let bytes = answer.bytes().await.map_err(|error| self.failed(error))?;
        if bytes.len() as u64 == wanted { Ok(bytes) } else { Err(self.replaced()) }
    }

    fn failed(&self, error: StoreError) -> Error {
        match error {
            StoreError::Precondition { .. } => self.replaced(),
            other => from_store(format_args!("cannot read {}", self.key()), other),
        }
    }

    fn replaced(&self) -> Error {
        let message = format!("{} was replaced while it was read", self.key());
        Error::new(ErrorKind::Unavailable, message).with_hint("ask again")
    }
}

impl fmt::Debug for StoredObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StoredObject").field(&self.meta).finish()
    }
}

#[cfg(test)]
mod tests {
    use object_store::ObjectStoreExt as _;
    use object_store::memory::InMemory;

    use super::*;

    async fn stored(client: &Arc<dyn ObjectStore>, bytes: Vec<u8>) -> StoredObject {
        let key = Path::from("k");
        client.put(&key, bytes.into()).await.unwrap();
        let meta = client.head(&key).await.unwrap();
        StoredObject::new(Arc::clone(client), meta)
    }

    #[tokio::test]
    async fn long_ranges_are_whole_and_in_order() {
        let client: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let length = 2 * usize::try_from(PART).unwrap() + 5;
        let bytes: Vec<u8> = (0..=250).cycle().take(length).collect();
        let object = stored(&client, bytes.clone()).await;
        let read = object.range(1..length as u64 - 1).await.unwrap();
        assert!(read == bytes[1..length - 1]);
        let two = object.ranges(&[3..5, length as u64 - 2..length as u64]).await.unwrap();
        assert_eq!([&two[0][..], &two[1][..]], [&bytes[3..5], &bytes[length - 2..]]);
    }

    #[tokio::test]
    async fn an_object_that_was_replaced_is_not_read() {
        let client: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let object = stored(&client, vec![1; 9]).await;
        stored(&client, vec![2; 9]).await;
        assert_eq!(object.range(0..4).await.unwrap_err().kind(), ErrorKind::Unavailable);
        client.delete(object.key()).await.unwrap();
        assert_eq!(object.range(0..4).await.unwrap_err().kind(), ErrorKind::NotFound);
    }
}
