//! Online retrieval: request -> prepared plan -> one store call -> transforms -> answer.

mod answer;
mod compute;
mod patience;
mod planned;
mod prepared;
mod read;
mod request;
mod typed;
mod vectors;

use std::ops::Range;
use std::sync::Arc;

use larder_core::{Clock, Compat, Result, Timestamp};
use larder_online_store::OnlineStore;

pub use answer::{AnswerCell, OnlineAnswer};
pub(crate) use answer::{AnswerColumn, EchoedColumn, EventTimestamps};
pub use patience::Budget;
pub(crate) use planned::{Limit, Planned};
pub use prepared::PreparedPlan;
pub use request::{OnlineRequest, RequestColumn, RequestValues};

use self::compute::compute;
use self::planned::{row_count, typed_columns};
use self::read::{ReadAt, read_views};
use crate::feast_words::{in_feasts_words, refuse_without_rows};
use crate::metrics::{Metrics, Stage, Stages};
use crate::on_demand::Functions;
use crate::{ServiceConfig, SharedCatalog};

/// Answers online requests; HTTP and gRPC are thin adapters over it.
#[derive(Debug, Clone)]
pub struct OnlineService {
    config: Arc<ServiceConfig>,
    catalog: SharedCatalog,
    store: Arc<dyn OnlineStore>,
    clock: Arc<dyn Clock>,
    metrics: Option<Arc<Metrics>>,
    functions: Functions,
}

impl OnlineService {
    /// A service over these parts.
    pub fn new(
        config: ServiceConfig,
        catalog: SharedCatalog,
        store: Arc<dyn OnlineStore>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { config: Arc::new(config), catalog, store, clock, metrics: None, functions: None }
    }

    /// The same service, counting what it does.
    pub fn with_metrics(self, metrics: Arc<Metrics>) -> Self {
        Self { metrics: Some(metrics), ..self }
    }

    /// Who calls functions that do not compile.
    pub(crate) fn functions(&self) -> &Functions {
        &self.functions
    }

    /// The same service, which has functions called that do not compile.
    pub fn with_functions(self, functions: Functions) -> Self {
        Self { functions, ..self }
    }

    /// What it counts with, if it does.
    pub(crate) fn metrics(&self) -> Option<&Arc<Metrics>> {
        self.metrics.as_ref()
    }

    /// The settings.
    pub fn config(&self) -> &ServiceConfig {
        &self.config
    }

    /// The current definitions.
    pub fn catalog(&self) -> &SharedCatalog {
        &self.catalog
    }

    /// The online store.
    pub fn store(&self) -> &Arc<dyn OnlineStore> {
        &self.store
    }

    /// The clock.
    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// The present instant.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Answers one request from one catalog snapshot.
    ///
    /// # Errors
    /// - `NotFound`: unknown view, feature, service, or request data that an on-demand view needs;
    /// - `Invalid`: no features, name collision, ragged or missing join key columns, too many rows,
    ///   values that cannot be cast to the join key's type;
    /// - whatever the store answers.
    ///
    /// # Behavior
    /// Equal entity keys are read once and fanned out. One row is assumed when only entityless views
    /// are read and no column is given. Columns that are neither join key nor request data are ignored.
    pub async fn get_online_features(&self, request: &OnlineRequest) -> Result<OnlineAnswer> {
        self.get_online_features_within(request, Budget::default()).await
    }

    /// As [`OnlineService::get_online_features`], within this time if partial results are asked for: views that do not
    /// answer in it have the status INVALID, and so has what is computed from them.
    ///
    /// # Errors
    /// The same; `Deadline` or `Unavailable` when no view answers.
    pub async fn get_online_features_within(
        &self,
        request: &OnlineRequest,
        budget: Budget,
    ) -> Result<OnlineAnswer> {
        let answer = async {
            let planned = self.plan(request, Limit::ENTITY_ROWS, self.config.max_rows)?;
            self.answer(&planned, 0..planned.rows, budget).await
        };
        if self.config.compat == Compat::Larder {
            return answer.await;
        }
        refuse_without_rows(request)?;
        let words = |error| in_feasts_words(error, request, self.catalog.load().catalog());
        answer.await.map_err(words)
    }

    /// Finds out what a request asks for, and checks it.
    pub(crate) fn plan(
        &self,
        request: &OnlineRequest,
        limit: Limit,
        max_rows: usize,
    ) -> Result<Planned> {
        let planning = Stages::start(self.metrics.as_deref(), Stage::Plan);
        let snapshot = self.catalog.load();
        let plan = snapshot.plan(&request.selection, request.full_feature_names, |catalog| {
            let full = request.full_feature_names;
            PreparedPlan::new(catalog, &request.selection, full, &self.config, &self.functions)
        })?;
        let rows = row_count(request, &plan, limit, max_rows)?;
        if let Some(metrics) = &self.metrics {
            metrics.asked(rows);
        }
        let (columns, echoed) =
            typed_columns(snapshot.catalog(), &plan, request, self.config.compat)?;
        planning.end();
        let include_view_versions = request.include_view_versions;
        let (now, compat) = (self.clock.now(), self.config.compat);
        Ok(Planned { plan, columns, echoed, rows, now, compat, include_view_versions })
    }

    /// Answers these rows of a request.
    pub(crate) async fn answer(
        &self,
        planned: &Planned,
        range: Range<usize>,
        budget: Budget,
    ) -> Result<OnlineAnswer> {
        let reading = Stages::start(self.metrics.as_deref(), Stage::Store);
        let Planned { plan, now, compat, .. } = planned;
        let (rows, columns) = (range.len(), planned.columns_of(range));
        let entities = planned.echo(&columns)?;
        let at = ReadAt { now: *now, compat: *compat, budget };
        let views = read_views(self.store.as_ref(), plan, &columns, rows, at).await?;
        let computing = reading.then(Stage::Transform);
        let computed = compute(plan, &views, &columns, rows).await?;
        computing.end();
        let answer = OnlineAnswer {
            plan: Arc::clone(plan),
            compat: *compat,
            rows,
            entities,
            views,
            computed,
            include_view_versions: planned.include_view_versions,
        };
        if let Some(metrics) = &self.metrics {
            metrics.answered(&answer, *now);
        }
        Ok(answer)
    }
}
