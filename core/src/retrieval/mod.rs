//! From feature references to a retrieval plan: which features of which views, computed how, named how.
//!
//! Online and offline retrieval share the plan, so both answer the same columns.

mod group;
mod resolve;

use std::sync::Arc;

use crate::{
    Error, FeatureRef, FeatureView, Field, OnDemandFeatureView, Result, ValueType, ViewState,
};

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Selection {
    /// These references, in this order.
    Features(Vec<FeatureRef>),
    /// A feature service by name.
    Service(String),
}

/// The plane that a plan is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Plane {
    /// What is read from the online store: on-demand views with `write_to_online_store` are stored views there.
    Online,
    /// What training sets are made of: every on-demand view is computed.
    Offline,
}

/// A resolved selection. Indexes refer to the vectors of the same plan.
#[derive(Debug, Clone)]
pub struct RetrievalPlan {
    /// Project.
    pub project: String,
    /// Stored views to read, in order of first appearance; inputs of on-demand views included.
    pub views: Vec<ViewPlan>,
    /// On-demand views to compute.
    pub on_demand: Vec<OnDemandPlan>,
    /// Columns that must come with the request.
    pub request_columns: Vec<Field>,
    /// Answered columns: stored features grouped by view, then computed features.
    pub outputs: Vec<OutputColumn>,
}

/// Features of one stored view.
#[derive(Debug, Clone)]
pub struct ViewPlan {
    /// The view.
    pub view: Arc<FeatureView>,
    /// Projection name: the alias if there is one.
    pub name: String,
    /// Name of the online table: the view's name, with `_v<N>` when online versioning is on and N > 0.
    pub table: String,
    /// Join keys in the view's order.
    pub join_keys: Vec<JoinKey>,
    /// Features to read, requested ones first.
    pub features: Vec<Field>,
}

/// One join key of a view as a request addresses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinKey {
    /// Name in the view and in the stored entity key.
    pub key: String,
    /// Column of the request; differs from `key` under a join key map.
    pub column: String,
    /// Type.
    pub value_type: ValueType,
}

/// One on-demand view to compute.
#[derive(Debug, Clone)]
pub struct OnDemandPlan {
    /// The view.
    pub view: Arc<OnDemandFeatureView>,
    /// Projection name.
    pub name: String,
    /// What the function may read.
    pub inputs: Vec<OnDemandInput>,
}

/// One column that an on-demand function may read.
#[derive(Debug, Clone, PartialEq)]
pub struct OnDemandInput {
    /// Bare name.
    pub name: String,
    /// `view__feature` for features, which functions may use as well.
    pub full_name: Option<String>,
    /// Type.
    pub value_type: ValueType,
    /// Where the values are.
    pub source: InputSource,
}

/// Where an on-demand input comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputSource {
    /// Feature of `views[view].features[feature]`.
    Feature {
        /// Index into [`RetrievalPlan::views`].
        view: usize,
        /// Index into [`ViewPlan::features`].
        feature: usize,
    },
    /// `request_columns[index]`.
    Request(usize),
    /// `views[view].join_keys[key]`.
    JoinKey {
        /// Index into [`RetrievalPlan::views`].
        view: usize,
        /// Index into [`ViewPlan::join_keys`].
        key: usize,
    },
}

/// One answered column.
#[derive(Debug, Clone, PartialEq)]
pub struct OutputColumn {
    /// Answered name.
    pub name: String,
    /// Type.
    pub value_type: ValueType,
    /// Where the values are.
    pub source: OutputSource,
}

/// Where an answered column comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputSource {
    /// Feature of `views[view].features[feature]`.
    Stored {
        /// Index into [`RetrievalPlan::views`].
        view: usize,
        /// Index into [`ViewPlan::features`].
        feature: usize,
    },
    /// Feature of `on_demand[view].view.features[feature]`.
    Computed {
        /// Index into [`RetrievalPlan::on_demand`].
        view: usize,
        /// Index into the view's features.
        feature: usize,
    },
}

impl RetrievalPlan {
    /// Refuses views that may not be read online.
    ///
    /// # Errors
    /// `Invalid` for a disabled view, and, unless `while_materializing`, for one in any state but
    /// unspecified and available online (Feast 0.67 refuses those by default).
    pub fn check_servable(&self, while_materializing: bool) -> Result<()> {
        for plan in &self.views {
            let view = &plan.view;
            if view.disabled {
                return Err(Error::invalid(format!("feature view \"{}\" is disabled", view.name))
                    .with_hint(format!("fs feature-views enable {}", view.name)));
            }
            let servable = while_materializing
                || matches!(view.meta.state, ViewState::Unspecified | ViewState::AvailableOnline);
            if !servable {
                return Err(Error::invalid(format!(
                    "feature view \"{}\" is not available online: its state is {:?}",
                    view.name, view.meta.state
                )));
            }
        }
        for plan in &self.on_demand {
            if plan.view.disabled {
                return Err(Error::invalid(format!(
                    "on demand feature view \"{}\" is disabled",
                    plan.view.name
                )));
            }
        }
        Ok(())
    }
}
