//! The current catalog, and how a running server learns of registry changes.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use arc_swap::ArcSwap;
use larder_core::{Catalog, Result, Selection};
use larder_materializer::PrecomputedService;

use crate::on_demand::Functions;
use crate::on_write::ComputedOnWrite;
use crate::online::PreparedPlan;

/// Where catalogs come from; implemented over the registry by the composition root.
pub trait CatalogSource: Send + Sync + fmt::Debug {
    /// The catalog if it changed since the last call that returned one, else `None`.
    ///
    /// # Errors
    /// Any; the server keeps the catalog it has and logs the error.
    fn poll(&self) -> Result<Option<Catalog>>;
}

/// A catalog with the plans prepared from it; swapped as one.
#[derive(Debug)]
pub struct Snapshot {
    catalog: Catalog,
    plans: RwLock<HashMap<PlanKey, Arc<PreparedPlan>>>,
    computed_on_write: RwLock<HashMap<String, Arc<ComputedOnWrite>>>,
    precomputed: Vec<Arc<PrecomputedService>>,
}

type PlanKey = (Selection, bool);

/// More distinct selections than this are a sign of generated requests: the cache starts afresh.
const MAX_PLANS: usize = 1024;

impl Snapshot {
    /// A snapshot without plans.
    pub fn new(catalog: Catalog) -> Self {
        Self {
            precomputed: PrecomputedService::all(&catalog),
            catalog,
            plans: RwLock::default(),
            computed_on_write: RwLock::default(),
        }
    }

    /// The catalog.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// Services with vectors that hold features of a view.
    pub(crate) fn precomputed_of(&self, view: &str) -> impl Iterator<Item = &PrecomputedService> {
        self.precomputed.iter().map(Arc::as_ref).filter(move |service| service.has(view))
    }

    /// The on-demand view of this name, compiled on first use; `None` unless it is computed on write.
    ///
    /// # Errors
    /// As [`ComputedOnWrite::new`].
    pub(crate) fn computed_on_write(
        &self,
        name: &str,
        functions: &Functions,
    ) -> Result<Option<Arc<ComputedOnWrite>>> {
        let Some(definition) = self.catalog.on_demand_feature_views().get(name) else {
            return Ok(None);
        };
        let Ok(view) = self.catalog.online_view(name) else { return Ok(None) };
        let known = self.computed_on_write.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.get(name) {
            return Ok(Some(Arc::clone(known)));
        }
        drop(known);
        let new = Arc::new(ComputedOnWrite::new(&self.catalog, definition, view, functions)?);
        let mut known = self.computed_on_write.write().unwrap_or_else(PoisonError::into_inner);
        known.insert(name.to_owned(), Arc::clone(&new));
        Ok(Some(new))
    }

    /// The plan of a selection, prepared by `prepare` on first use.
    pub(crate) fn plan(
        &self,
        selection: &Selection,
        full_feature_names: bool,
        prepare: impl FnOnce(&Catalog) -> Result<PreparedPlan>,
    ) -> Result<Arc<PreparedPlan>> {
        let key = (selection.clone(), full_feature_names);
        if let Some(plan) = self.plans.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(Arc::clone(plan));
        }
        let plan = Arc::new(prepare(&self.catalog)?);
        let mut plans = self.plans.write().unwrap_or_else(PoisonError::into_inner);
        if plans.len() >= MAX_PLANS {
            plans.clear();
        }
        plans.insert(key, Arc::clone(&plan));
        Ok(plan)
    }
}

/// The snapshot that new requests use; cheap to clone.
#[derive(Debug, Clone)]
pub struct SharedCatalog(Arc<ArcSwap<Snapshot>>);

impl SharedCatalog {
    /// Starts with this catalog.
    pub fn new(catalog: Catalog) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(Snapshot::new(catalog))))
    }

    /// The present snapshot; a request keeps the one that it started with.
    pub fn load(&self) -> Arc<Snapshot> {
        self.0.load_full()
    }

    /// Replaces the snapshot for requests that start from now on.
    pub fn store(&self, catalog: Catalog) {
        self.0.store(Arc::new(Snapshot::new(catalog)));
    }
}
