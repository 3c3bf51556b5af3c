//! From a URI to a client: one per bucket and endpoint.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use larder_core::Result;
use object_store::ObjectStore;

use crate::{Bucket, S3Settings};

/// The buckets that were asked for, each with the client that keeps its connections.
pub struct Buckets {
    settings: S3Settings,
    open: Mutex<HashMap<Key, Bucket>>,
}

/// Bucket and endpoint; no endpoint is the one of the settings.
type Key = (String, Option<String>);

impl Buckets {
    /// No bucket yet; touches no network.
    pub fn new(settings: S3Settings) -> Self {
        Self { settings, open: Mutex::default() }
    }

    /// The bucket at an endpoint: that of a source, else that of the settings.
    ///
    /// # Errors
    /// `Invalid` for an endpoint or settings that cannot be used.
    pub fn get(&self, name: &str, endpoint: Option<&str>) -> Result<Bucket> {
        let endpoint = endpoint.filter(|endpoint| !endpoint.is_empty());
        let key = (name.to_owned(), endpoint.map(str::to_owned));
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = open.get(&key) {
            return Ok(bucket.clone());
        }
        let client = self.settings.client(name, endpoint)?;
        let bucket = Bucket::new(name, Arc::new(client));
        open.insert(key, bucket.clone());
        Ok(bucket)
    }

    /// Uses a client of the caller's for a bucket without an endpoint of its own.
    pub fn register(&self, name: &str, client: Arc<dyn ObjectStore>) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.insert((name.to_owned(), None), Bucket::new(name, client));
    }
}

impl fmt::Debug for Buckets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buckets").field("settings", &self.settings).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_has_one_client_per_endpoint() {
        let buckets = Buckets::new(S3Settings::default());
        let client = |endpoint| Arc::clone(buckets.get("lake", endpoint).unwrap().client());
        let own = Some("http://127.0.0.1:1");
        assert!(Arc::ptr_eq(&client(own), &client(own)));
        assert!(Arc::ptr_eq(&client(None), &client(Some(""))));
        assert!(!Arc::ptr_eq(&client(None), &client(own)));
    }
}
