//! A retrieval plan with everything that can be computed before a request comes.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use larder_core::{Catalog, DUMMY_JOIN_KEY, Plane, Result, RetrievalPlan, Selection, ViewPlan};
use larder_materializer::PrecomputedService;
use larder_online_store::ViewTable;
use larder_proto::wire::entity_key::{EntityKeyLayout, EntityKeyVersion};

use crate::ServiceConfig;
use crate::arrow_answer::ArrowFrame;
use crate::on_demand::{Functions, PreparedTransform};

/// One selection, ready to be answered any number of times.
#[derive(Debug)]
pub struct PreparedPlan {
    pub(crate) plan: RetrievalPlan,
    pub(crate) views: Vec<PreparedView>,
    /// Distinct keys of the views: a request encodes each once.
    pub(crate) keys: Vec<PreparedKeys>,
    pub(crate) transforms: Vec<PreparedTransform>,
    /// The vectors that hold what a feature service asks for.
    pub(crate) vectors: Option<PrecomputedService>,
    /// Columns are named `view__feature`.
    pub(crate) has_full_names: bool,
    /// What answers as Arrow begin and end with, from the first of them on.
    pub(crate) arrow_frame: OnceLock<Arc<ArrowFrame>>,
}

/// How to read one stored view.
#[derive(Debug)]
pub(crate) struct PreparedView {
    pub(crate) table: ViewTable,
    /// Index into [`PreparedPlan::keys`].
    pub(crate) keys: usize,
    pub(crate) ttl: Option<Duration>,
}

/// How to encode the keys of views that share join keys and request columns.
#[derive(Debug, PartialEq)]
pub(crate) struct PreparedKeys {
    pub(crate) layout: EntityKeyLayout,
    /// Columns of the request, in the order that `layout` was made with.
    pub(crate) columns: Vec<String>,
    /// There is no join key: one row serves all.
    pub(crate) entityless: bool,
}

impl PreparedPlan {
    /// Resolves and compiles a selection.
    ///
    /// # Errors
    /// As [`RetrievalPlan::resolve`]; `Unsupported` for an on-demand view that neither compiles nor can be called.
    pub(crate) fn new(
        catalog: &Catalog,
        selection: &Selection,
        full_feature_names: bool,
        config: &ServiceConfig,
        functions: &Functions,
    ) -> Result<Self> {
        let plan = RetrievalPlan::resolve(catalog, selection, full_feature_names, Plane::Online)?;
        plan.check_servable(config.serve_while_materializing)?;
        check_size(&plan, config.max_features)?;
        let mut keys = Vec::new();
        let views = plan
            .views
            .iter()
            .map(|view| prepare_view(&plan, view, config, &mut keys))
            .collect::<Result<_>>()?;
        let transforms = plan.on_demand.iter().map(|view| PreparedTransform::new(view, functions));
        let transforms = transforms.collect::<Result<_>>()?;
        let vectors = match selection {
            Selection::Service(name) => {
                PrecomputedService::of(catalog, catalog.feature_service(name)?)?
            }
            Selection::Features(_) => None,
        };
        let has_full_names = full_feature_names;
        let arrow_frame = OnceLock::new();
        Ok(Self { plan, views, keys, transforms, vectors, has_full_names, arrow_frame })
    }
}

fn check_size(plan: &RetrievalPlan, limit: usize) -> Result<()> {
    let features =
        plan.outputs.len() + plan.views.iter().map(|view| view.features.len()).sum::<usize>();
    if features <= limit {
        return Ok(());
    }
    Err(larder_core::Error::invalid(format!(
        "{features} features are more than the limit of {limit}"
    ))
    .with_hint("ask for fewer features, or raise serving.limits.features"))
}

fn prepare_view(
    plan: &RetrievalPlan,
    view: &ViewPlan,
    config: &ServiceConfig,
    keys: &mut Vec<PreparedKeys>,
) -> Result<PreparedView> {
    let project = plan.project.as_str();
    Ok(PreparedView {
        table: ViewTable::of_view(project, view.table.as_str(), &view.view, &view.features)?,
        keys: position_of(prepare_keys(view, config)?, keys),
        ttl: view.view.effective_ttl(),
    })
}

fn prepare_keys(view: &ViewPlan, config: &ServiceConfig) -> Result<PreparedKeys> {
    let names: Vec<&str> = view.join_keys.iter().map(|key| key.key.as_str()).collect();
    let version = EntityKeyVersion::from_number(config.entity_key_version);
    Ok(PreparedKeys {
        layout: EntityKeyLayout::new(version, &names)?,
        columns: view.join_keys.iter().map(|key| key.column.clone()).collect(),
        entityless: names == [DUMMY_JOIN_KEY],
    })
}

/// Where `wanted` stands in `known`, which it joins if it is new.
fn position_of(wanted: PreparedKeys, known: &mut Vec<PreparedKeys>) -> usize {
    known.iter().position(|keys| *keys == wanted).unwrap_or_else(|| {
        known.push(wanted);
        known.len() - 1
    })
}

/// Shared prepared plan.
pub(crate) type SharedPlan = Arc<PreparedPlan>;
