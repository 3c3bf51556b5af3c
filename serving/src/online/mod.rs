//! Online retrieval: request -> prepared plan -> one store call -> transforms -> answer.

mod answer;
mod compute;
mod patience;
mod prepared;
mod read;
mod request;
mod typed;

use std::ops::Range;
use std::sync::Arc;

use larder_core::{
    Catalog, Clock, Compat, DUMMY_JOIN_KEY, Error, ErrorKind, ObjectKind, Result, Subject,
    Timestamp, ValueType,
};
use larder_online_store::OnlineStore;
use larder_proto::convert::EncodedColumn;

pub use answer::{AnswerCell, OnlineAnswer};
pub(crate) use answer::{AnswerColumn, EchoedColumn, EventTimestamps};
pub use patience::Budget;
pub use prepared::PreparedPlan;
pub use request::{OnlineRequest, RequestColumn, RequestValues};

use self::compute::compute;
use self::prepared::SharedPlan;
use self::read::{ReadAt, TypedColumns, read_views};
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

/// A request that was found to make sense.
#[derive(Debug)]
pub(crate) struct Planned {
    pub(crate) plan: SharedPlan,
    columns: TypedColumns,
    echoed: EchoedColumns,
    pub(crate) rows: usize,
    now: Timestamp,
    /// How rows are judged and statuses are answered.
    pub(crate) compat: Compat,
    include_view_versions: bool,
}

impl Planned {
    fn columns_of(&self, range: Range<usize>) -> TypedColumns {
        if range.len() == self.rows { self.columns.clone() } else { self.columns.rows(range) }
    }

    fn echo(&self, columns: &TypedColumns) -> Result<Vec<EchoedColumn>> {
        let echoed = self.echoed.iter().map(|(name, value_type, column)| {
            let values = EncodedColumn::of_values(columns.column(*column))?;
            Ok(EchoedColumn { name: name.clone(), value_type: *value_type, values })
        });
        echoed.collect()
    }
}

/// The limit that a number of rows is held against, for its message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit {
    /// What is counted.
    pub(crate) what: &'static str,
    /// The setting.
    pub(crate) setting: &'static str,
}

impl Limit {
    /// Entity rows of an ordinary request.
    const ENTITY_ROWS: Self = Self { what: "entity rows", setting: "entity_rows" };
}

fn row_count(
    request: &OnlineRequest,
    plan: &PreparedPlan,
    limit: Limit,
    max_rows: usize,
) -> Result<usize> {
    let rows = request.rows()?;
    if rows > max_rows {
        let Limit { what, setting } = limit;
        return Err(Error::invalid(format!("{rows} {what} are more than the limit of {max_rows}"))
            .with_hint(format!("split the request, or raise serving.limits.{setting}")));
    }
    if rows > 0 {
        return Ok(rows);
    }
    if request.columns.is_empty()
        && plan.keys.iter().all(|keys| keys.entityless)
        && plan.plan.request_columns.is_empty()
    {
        return Ok(1);
    }
    Err(missing_join_keys(plan, request))
}

/// Name, type and position of each.
type EchoedColumns = Vec<(String, ValueType, usize)>;

/// Types the request's columns and picks those that are echoed.
///
/// Feast 0.67 echoes every join key of the project, needed or not, takes entity names for join keys,
/// drops what it does not know, and is content with some of the join keys of a view.
fn typed_columns(
    catalog: &Catalog,
    plan: &PreparedPlan,
    request: &OnlineRequest,
    compat: Compat,
) -> Result<(TypedColumns, EchoedColumns)> {
    let mut columns = TypedColumns::default();
    let mut echoed = Vec::new();
    for column in &request.columns {
        if let Some((name, value_type)) = join_key(catalog, plan, &column.name) {
            let values = column.values.typed(&column.name, value_type)?;
            if name != DUMMY_JOIN_KEY {
                echoed.push((name.to_owned(), value_type, columns.len()));
            }
            columns.insert(name, values);
        } else if let Some(field) =
            plan.plan.request_columns.iter().find(|field| field.name == column.name)
        {
            columns.insert(&column.name, column.values.typed(&column.name, field.value_type)?);
        }
    }
    if compat == Compat::Larder || echoed.is_empty() {
        check_join_keys(plan, request, &columns)?;
    }
    check_request_data(plan, &columns)?;
    Ok((columns, echoed))
}

fn join_key<'a>(
    catalog: &'a Catalog,
    plan: &'a PreparedPlan,
    name: &'a str,
) -> Option<(&'a str, ValueType)> {
    let planned =
        plan.plan.views.iter().flat_map(|view| &view.join_keys).find(|key| key.column == name);
    if let Some(key) = planned {
        return Some((&key.column, key.value_type));
    }
    if let Some((key, &value_type)) = catalog.join_keys().get_key_value(name) {
        return Some((key, value_type));
    }
    let entity = catalog.entities().get(name)?;
    let value_type =
        catalog.join_keys().get(&entity.join_key).copied().unwrap_or(entity.value_type);
    Some((&entity.join_key, value_type))
}

fn check_join_keys(
    plan: &PreparedPlan,
    request: &OnlineRequest,
    columns: &TypedColumns,
) -> Result<()> {
    let lacking = plan.keys.iter().any(|keys| {
        !keys.entityless && keys.columns.iter().any(|column| columns.get(column).is_none())
    });
    if lacking { Err(missing_join_keys(plan, request)) } else { Ok(()) }
}

fn missing_join_keys(plan: &PreparedPlan, request: &OnlineRequest) -> Error {
    let mut missing: Vec<&str> = plan
        .plan
        .views
        .iter()
        .flat_map(|view| &view.join_keys)
        .map(|key| key.column.as_str())
        .filter(|key| *key != DUMMY_JOIN_KEY)
        .filter(|key| {
            request.columns.iter().all(|column| column.name != *key || column.values.is_empty())
        })
        .collect();
    missing.sort_unstable();
    missing.dedup();
    Error::invalid(format!("missing join key values for {}", missing.join(", ")))
        .with_hint("give one column per join key, with one value per entity row")
}

fn check_request_data(plan: &PreparedPlan, columns: &TypedColumns) -> Result<()> {
    match plan.plan.request_columns.iter().find(|field| columns.get(&field.name).is_none()) {
        None => Ok(()),
        Some(field) => Err(Error::new(
            ErrorKind::NotFound,
            format!("request data \"{}\" is missing", field.name),
        )
        .with_subject(Subject {
            kind: ObjectKind::RequestData,
            name: field.name.clone(),
            project: String::new(),
        })),
    }
}
