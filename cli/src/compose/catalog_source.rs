//! Registry changes, as a server asks for them.

use std::sync::{Arc, Mutex, PoisonError};

use larder_core::{Catalog, Result};
use larder_registry::catalog::CatalogWatch;
use larder_registry::store::RegistryStore;
use larder_serving::CatalogSource;

/// Follows one project of a registry.
#[derive(Debug)]
pub(crate) struct RegistryCatalogSource {
    store: Arc<dyn RegistryStore>,
    watch: Mutex<CatalogWatch>,
}

impl RegistryCatalogSource {
    /// The first catalog, and a source of those that follow it.
    ///
    /// # Errors
    /// As [`CatalogWatch::start`].
    pub(crate) fn start(
        store: Arc<dyn RegistryStore>,
        project: &str,
        online_versioning: bool,
    ) -> Result<(Self, Catalog)> {
        let (watch, catalog) = CatalogWatch::start(store.as_ref(), project, online_versioning)?;
        Ok((Self { store, watch: Mutex::new(watch) }, catalog))
    }
}

impl CatalogSource for RegistryCatalogSource {
    fn poll(&self) -> Result<Option<Catalog>> {
        let mut watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        watch.poll(self.store.as_ref())
    }
}
