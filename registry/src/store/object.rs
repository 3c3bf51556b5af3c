//! A registry in S3-compatible storage, read and written by real Feast too.

use std::future::Future;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use bytes::Bytes;
use larder_core::{Clock, Error, ErrorKind, Result};
use larder_object_storage::{Bucket, Condition, ObjectUri};
use larder_proto::wire::registry_file::RegistryFile;
use tokio::runtime::{Builder, Runtime};
use uuid::Uuid;

use super::{ChangeMark, MAX_BYTES, Outcome, RegistryStore, parse};

/// How often a change that others came before is made again.
const ATTEMPTS: u32 = 32;

/// The backend of one object.
///
/// A write happens under the condition that nobody wrote since the state was read; otherwise it is read again and the
/// change made anew. Real Feast writes without a condition: its own writes may still overwrite ours, as they overwrite
/// each other's.
#[derive(Debug)]
pub struct ObjectRegistryStore {
    object: Arc<RegistryObject>,
    clock: Arc<dyn Clock>,
    runtime: Option<Runtime>,
}

#[derive(Debug)]
struct RegistryObject {
    bucket: Bucket,
    uri: ObjectUri,
}

/// A state and the condition under which the next may take its place.
type Read = (Option<Bytes>, Condition);

impl ObjectRegistryStore {
    /// The registry at this URI, which need not exist; writes are stamped with the time of `clock`.
    ///
    /// # Errors
    /// `Invalid` for a URI without a key; `Internal` when the system gives no event loop.
    pub fn new(bucket: Bucket, uri: ObjectUri, clock: Arc<dyn Clock>) -> Result<Self> {
        if uri.key.as_ref().is_empty() {
            return Err(Error::invalid(format!("the registry {uri} has no key"))
                .with_hint("write s3://BUCKET/registry.db"));
        }
        // One of its own: calls come from threads with and without an event loop, and block.
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime =
            runtime.map_err(|e| Error::internal("cannot start an event loop").with_source(e))?;
        let object = Arc::new(RegistryObject { bucket, uri });
        Ok(Self { object, clock, runtime: Some(runtime) })
    }

    fn wait<T, F>(&self, call: impl FnOnce(Arc<RegistryObject>) -> F) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let ended = || Error::internal("the registry's event loop ended");
        let (sender, receiver) = mpsc::sync_channel(1);
        let future = call(Arc::clone(&self.object));
        let runtime = self.runtime.as_ref().ok_or_else(ended)?;
        runtime.spawn(async move { drop(sender.send(future.await)) });
        receiver.recv().map_err(|_| ended())?
    }

    fn read(&self) -> Result<(Option<RegistryFile>, Condition)> {
        let (bytes, condition) = self.wait(|object| async move { object.read().await })?;
        let file = bytes.map(|bytes| parse(&bytes, &self.location())).transpose()?;
        Ok((file, condition))
    }
}

impl RegistryObject {
    async fn read(&self) -> Result<Read> {
        loop {
            let Some(object) = self.bucket.find(&self.uri.key).await? else {
                return Ok((None, Condition::Absent));
            };
            let (size, etag) = (object.meta().size, object.meta().e_tag.clone());
            if size > MAX_BYTES {
                let message = format!("the registry {} is larger than {MAX_BYTES} bytes", self.uri);
                return Err(Error::data(message));
            }
            let Some(etag) = etag else {
                return Err(Error::unsupported(format!("{} has no etag", self.uri)));
            };
            let read = match size {
                0 => Ok(Bytes::new()),
                size => object.range(0..size).await,
            };
            match read {
                Ok(bytes) => return Ok((Some(bytes), Condition::Unchanged(etag))),
                Err(error) if !self.was_written_since(&etag).await? => return Err(error),
                Err(_) => {}
            }
        }
    }

    async fn was_written_since(&self, etag: &str) -> Result<bool> {
        let now = self.bucket.find(&self.uri.key).await?;
        Ok(now.and_then(|now| now.meta().e_tag.clone()).as_deref() != Some(etag))
    }

    async fn mark(&self) -> Result<ChangeMark> {
        let Some(object) = self.bucket.find(&self.uri.key).await? else {
            return Ok(ChangeMark::default());
        };
        let mut hasher = DefaultHasher::new();
        object.meta().e_tag.hash(&mut hasher);
        Ok(ChangeMark::of_object(hasher.finish(), object.meta().size))
    }
}

impl RegistryStore for ObjectRegistryStore {
    fn location(&self) -> String {
        self.object.uri.to_string()
    }

    fn load(&self) -> Result<Option<RegistryFile>> {
        self.read().map(|(file, _)| file)
    }

    fn update(
        &self,
        change: &mut dyn FnMut(&mut RegistryFile) -> Result<Outcome>,
    ) -> Result<RegistryFile> {
        for attempt in 0..ATTEMPTS {
            let (file, condition) = self.read()?;
            let mut file = file.unwrap_or_else(RegistryFile::new);
            if change(&mut file)? == Outcome::Unchanged {
                return Ok(file);
            }
            file.stamp(Uuid::new_v4().to_string(), self.clock.now());
            let bytes = Bytes::from(file.to_bytes());
            let written = self.wait(|object| async move {
                object.bucket.put(&object.uri.key, bytes, condition).await
            })?;
            if written {
                return Ok(file);
            }
            std::thread::sleep(Duration::from_millis(u64::from(5 * (attempt + 1))));
        }
        let message = format!("others wrote the registry {} all the time", self.location());
        Err(Error::new(ErrorKind::Conflict, message).with_hint("try again"))
    }

    fn change_mark(&self) -> Result<ChangeMark> {
        self.wait(|object| async move { object.mark().await })
    }
}

impl Drop for ObjectRegistryStore {
    fn drop(&mut self) {
        // An event loop must not wait for another.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
