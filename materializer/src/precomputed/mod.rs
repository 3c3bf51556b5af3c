//! Feature services with `precompute_online`: one stored value per entity holds every feature of the service.

mod make;
mod read;

use std::ops::Range;
use std::sync::Arc;

use larder_core::{Catalog, FeatureService, Plane, Result, RetrievalPlan, Selection, ViewPlan};
use larder_online_store::ViewTable;
use larder_proto::wire::precomputed_vector::{FEATURE, view_name};

pub use read::{FeastRows, VectorKeys};

/// How the vectors of one service are made and read.
///
/// A vector belongs to one entity key, so there is one per entity of each *sort*: views with the same join keys are of one
/// sort. A vector of the first sort, which is that of the first view, is Feast's own: it names every feature of the service,
/// and those of other sorts are null in it (Feast 0.67 looks them up by the keys of the first view, under which they never
/// are). The vectors of the other sorts, which Feast does not have, hold the features of their own views alone.
#[derive(Debug)]
pub struct PrecomputedService {
    name: String,
    table: ViewTable,
    views: Vec<PrecomputedView>,
    /// `view__feature` of every feature of every view, in the order of the views.
    names: Vec<String>,
}

/// One view of a service.
#[derive(Debug)]
struct PrecomputedView {
    /// Name of the view, without alias.
    view: String,
    /// Its name in the service.
    name: String,
    table: ViewTable,
    /// The join keys that it is stored by, sorted as entity keys sort them.
    join_keys: Vec<String>,
    /// Its features among the names of the service.
    features: Range<usize>,
}

impl PrecomputedService {
    /// The vectors of a service; `None` for one that has none.
    ///
    /// Only services whose views are all stored can have vectors. A table that carries a version number has none, because a
    /// vector does not tell the version that it was made of.
    ///
    /// # Errors
    /// As [`RetrievalPlan::resolve`].
    pub fn of(catalog: &Catalog, service: &FeatureService) -> Result<Option<Self>> {
        if !service.precompute_online {
            return Ok(None);
        }
        let selection = Selection::Service(service.name.clone());
        let plan = RetrievalPlan::resolve(catalog, &selection, true, Plane::Online)?;
        let versioned = |view: &ViewPlan| view.table != view.view.name;
        if !plan.on_demand.is_empty() || plan.views.is_empty() || plan.views.iter().any(versioned) {
            return Ok(None);
        }
        let project = plan.project.as_str();
        let mut names = Vec::new();
        let views = plan.views.iter().map(|plan| PrecomputedView::of(project, plan, &mut names));
        Ok(Some(Self {
            name: service.name.clone(),
            table: ViewTable::new(project, view_name(&service.name), [FEATURE])?,
            views: views.collect::<Result<_>>()?,
            names,
        }))
    }

    /// Every service of a catalog that has vectors. One that cannot be resolved has none; asking for it tells why.
    pub fn all(catalog: &Catalog) -> Vec<Arc<Self>> {
        let services = catalog.feature_services().values();
        services.filter_map(|service| Self::of(catalog, service).ok()?.map(Arc::new)).collect()
    }

    /// Name of the service.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where the vectors are.
    pub fn table(&self) -> &ViewTable {
        &self.table
    }

    /// Whether the vectors hold features of this view.
    pub fn has(&self, view: &str) -> bool {
        self.views.iter().any(|own| own.view == view)
    }

    /// The views that are stored by these join keys.
    fn of_sort(&self, join_keys: &[String]) -> impl Iterator<Item = &PrecomputedView> + Clone {
        self.views.iter().filter(move |view| view.join_keys == join_keys)
    }
}

impl PrecomputedView {
    /// The view of a plan, whose features are added to the names.
    fn of(project: &str, plan: &ViewPlan, names: &mut Vec<String>) -> Result<Self> {
        let table = ViewTable::of_view(project, plan.table.as_str(), &plan.view, &plan.features)?;
        let start = names.len();
        let full = plan.features.iter().map(|feature| format!("{}__{}", plan.name, feature.name));
        names.extend(full);
        let mut join_keys: Vec<String> = plan.join_keys.iter().map(|key| key.key.clone()).collect();
        join_keys.sort();
        Ok(Self {
            view: plan.view.name.clone(),
            name: plan.name.clone(),
            table,
            join_keys,
            features: start..names.len(),
        })
    }
}
