//! A retrieval plan with everything that can be computed before a request comes.

use std::sync::Arc;
use std::time::Duration;

use larder_core::{Catalog, DUMMY_JOIN_KEY, Result, RetrievalPlan, Selection, ViewPlan};
use larder_online_store::ViewTable;
use larder_proto::wire::entity_key::{EntityKeyLayout, EntityKeyVersion};

use crate::ServiceConfig;
use crate::on_demand::CompiledView;

/// One selection, ready to be answered any number of times.
#[derive(Debug)]
pub struct PreparedPlan {
    pub(crate) plan: RetrievalPlan,
    pub(crate) views: Vec<PreparedView>,
    pub(crate) programs: Vec<CompiledView>,
}

/// How to read one stored view.
#[derive(Debug)]
pub(crate) struct PreparedView {
    pub(crate) table: ViewTable,
    pub(crate) keys: EntityKeyLayout,
    pub(crate) ttl: Option<Duration>,
    /// The view has no join key of its own: one row serves all.
    pub(crate) entityless: bool,
}

impl PreparedPlan {
    /// Resolves and compiles a selection.
    ///
    /// # Errors
    /// As [`RetrievalPlan::resolve`]; `Unsupported` for an on-demand view that does not compile.
    pub(crate) fn new(
        catalog: &Catalog,
        selection: &Selection,
        full_feature_names: bool,
        config: &ServiceConfig,
    ) -> Result<Self> {
        let plan = RetrievalPlan::resolve(catalog, selection, full_feature_names)?;
        plan.check_servable(config.serve_while_materializing)?;
        check_size(&plan, config.max_features)?;
        let views = plan
            .views
            .iter()
            .map(|view| prepare_view(&plan, view, config))
            .collect::<Result<_>>()?;
        let programs = plan.on_demand.iter().map(CompiledView::new).collect::<Result<_>>()?;
        Ok(Self { plan, views, programs })
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
    .with_hint("ask for fewer features, or raise serving.max_features"))
}

fn prepare_view(
    plan: &RetrievalPlan,
    view: &ViewPlan,
    config: &ServiceConfig,
) -> Result<PreparedView> {
    let features = view.features.iter().map(|field| field.name.as_str());
    let names: Vec<&str> = view.join_keys.iter().map(|key| key.key.as_str()).collect();
    Ok(PreparedView {
        table: ViewTable::new(plan.project.as_str(), view.table.as_str(), features)?,
        entityless: names == [DUMMY_JOIN_KEY],
        keys: EntityKeyLayout::new(
            EntityKeyVersion::from_number(config.entity_key_version),
            &names,
        )?,
        ttl: view.view.effective_ttl(),
    })
}

/// Shared prepared plan.
pub(crate) type SharedPlan = Arc<PreparedPlan>;
