//! An object that appears whole or not at all.

use std::fmt;

use bytes::Bytes;
use larder_core::Result;
use object_store::path::Path;
use object_store::{ObjectStoreExt as _, WriteMultipart};

use crate::{Bucket, Condition};

/// Bytes of one part; smaller objects are written in one request.
const PART: usize = 8 << 20;
/// Parts on their way at a time.
const PARTS_AT_A_TIME: usize = 4;

/// Bytes on their way to a key. Nothing is visible before [`finish`](Self::finish).
///
/// When it is dropped or the process dies, parts that were sent stay with the store, invisible, until it clears
/// unfinished uploads away; [`give_up`](Self::give_up) removes them at once.
pub struct Upload {
    bucket: Bucket,
    key: Path,
    held: Vec<u8>,
    parts: Option<WriteMultipart>,
}

impl Upload {
    pub(crate) fn new(bucket: Bucket, key: Path) -> Self {
        Self { bucket, key, held: Vec::new(), parts: None }
    }

    /// Appends bytes; waits while too many parts are on their way.
    ///
    /// # Errors
    /// As [`from_store`](crate::from_store).
    pub async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.held.extend_from_slice(bytes);
        if self.held.len() < PART {
            return Ok(());
        }
        let failed = |error| self.bucket.failed("write", &self.key, error);
        if self.parts.is_none() {
            let upload = self.bucket.client().put_multipart(&self.key).await.map_err(failed)?;
            self.parts = Some(WriteMultipart::new_with_chunk_size(upload, PART));
        }
        let Some(parts) = &mut self.parts else { return Err(self.bucket.ended_early(&self.key)) };
        parts.wait_for_capacity(PARTS_AT_A_TIME).await.map_err(failed)?;
        parts.put(Bytes::from(std::mem::take(&mut self.held)));
        Ok(())
    }

    /// Makes the object visible; whether `condition` held, without which nothing changes.
    ///
    /// An object of more than one part can only be checked right before it appears: S3 knows the condition, its client
    /// has no call for it.
    ///
    /// # Errors
    /// As [`from_store`](crate::from_store); the parts are removed then as far as the store lets us.
    pub async fn finish(self, condition: Condition) -> Result<bool> {
        let Self { bucket, key, held, parts } = self;
        let Some(mut parts) = parts else {
            return bucket.put(&key, Bytes::from(held), condition).await;
        };
        let holds = match condition {
            Condition::Any => true,
            Condition::Absent => bucket.find(&key).await?.is_none(),
            Condition::Unchanged(etag) => {
                let now = bucket.find(&key).await?;
                now.is_some_and(|now| now.meta().e_tag.as_ref() == Some(&etag))
            }
        };
        let failed = |error| bucket.failed("write", &key, error);
        if !holds {
            parts.abort().await.map_err(failed)?;
            return Ok(false);
        }
        parts.put(Bytes::from(held));
        parts.finish().await.map_err(failed)?;
        Ok(true)
    }

    /// Removes what was sent; what cannot be removed now is left to the store.
    pub async fn give_up(self) {
        if let Some(parts) = self.parts {
            drop(parts.abort().await);
        }
    }
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload").field("uri", &self.bucket.uri(&self.key)).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use object_store::memory::InMemory;

    use super::*;

    #[tokio::test]
    async fn nothing_is_there_before_the_end_and_everything_after() {
        for length in [0, 10, PART - 1, PART, 2 * PART + 7] {
            let bucket = Bucket::new("lake", Arc::new(InMemory::new()));
            let key = Path::from("k");
            let bytes: Vec<u8> = (0..=250).cycle().take(length).collect();
            let mut upload = bucket.upload(key.clone());
            for piece in bytes.chunks(1 << 20) {
                upload.write(piece).await.unwrap();
            }
            assert!(bucket.find(&key).await.unwrap().is_none());
            assert!(upload.finish(Condition::Absent).await.unwrap());
            let object = bucket.find(&key).await.unwrap().unwrap();
            assert_eq!(object.meta().size, length as u64);
            if length > 0 {
                assert!(object.range(0..length as u64).await.unwrap() == bytes);
            }
            let mut again = bucket.upload(key.clone());
            again.write(&bytes).await.unwrap();
            assert!(!again.finish(Condition::Absent).await.unwrap());
        }
    }
}
