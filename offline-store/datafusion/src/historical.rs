//! The plan of a point-in-time retrieval: entity rows, and one join with all views.

use std::sync::Arc;

use arrow_schema::{DataType, Field, SchemaRef};
use datafusion::physical_plan::ExecutionPlan;
use larder_core::{Error, Result};
use larder_offline_store::{
    BatchStream, HistoricalOptions, HistoricalRequest, HistoricalView, Served,
};

use crate::engine::DataFusionOfflineStore;
use crate::entity::EntityTable;
use crate::explain::Explanation;
use crate::pit::{PitJoinExec, ViewColumns, ViewJoin, Visible};
use crate::pull::{CREATED_TIME, EVENT_TIME};
use crate::scan::{FeatureScan, ScanColumns};
use crate::source::{SourceTable, Tables, TimeBounds};

/// A retrieval whose request fits its sources, for who joins the rows elsewhere.
#[derive(Debug)]
pub struct OpenRetrieval {
    /// The entity rows in their order, times in UTC.
    pub entities: BatchStream,
    /// Position of their event time.
    pub time: usize,
    /// The columns of the answer: those of the entity rows, then the features.
    pub schema: SchemaRef,
}

/// A view with its source opened and its columns found.
#[derive(Debug)]
pub(crate) struct OpenView {
    pub(crate) view: HistoricalView,
    table: Arc<SourceTable>,
    columns: SourceColumns,
}

/// Positions in the source.
#[derive(Debug)]
struct SourceColumns {
    /// Join keys, in the view's order.
    keys: Vec<usize>,
    event: usize,
    created: Option<usize>,
    features: Vec<usize>,
}

/// A retrieval that is ready to run.
struct Prepared {
    entities: EntityTable,
    joins: Vec<Arc<ViewJoin>>,
    /// Per join where its files are.
    sources: Vec<String>,
    limit: Option<usize>,
}

/// See [`OfflineStore::historical_features`](larder_offline_store::OfflineStore::historical_features).
pub(crate) async fn join(
    engine: &DataFusionOfflineStore,
    request: HistoricalRequest,
) -> Result<BatchStream> {
    let names: Vec<_> = request.views.iter().map(|view| view.name.clone()).collect();
    let what = format!("point-in-time join of {}", names.join(", "));
    let Prepared { entities, joins, limit, .. } = Prepared::new(engine, request).await?;
    let plan = PitJoinExec::new(entities.rows, joins.into());
    let plan: Arc<dyn ExecutionPlan> = Arc::new(plan);
    match limit {
        Some(limit) => engine.run_within(limit, &plan, what),
        None => engine.run(&plan, what),
    }
}

/// See [`DataFusionOfflineStore::open_retrieval`].
pub(crate) async fn open(
    engine: &DataFusionOfflineStore,
    request: HistoricalRequest,
) -> Result<OpenRetrieval> {
    let Prepared { entities, joins, .. } = Prepared::new(engine, request).await?;
    let rows = engine.run(&entities.rows, "entity rows".to_owned())?;
    let schema = PitJoinExec::new(entities.rows, joins.into()).schema();
    Ok(OpenRetrieval { entities: rows, time: entities.time, schema })
}

/// See [`OfflineStore::explain`](larder_offline_store::OfflineStore::explain).
pub(crate) async fn explain(
    engine: &DataFusionOfflineStore,
    request: HistoricalRequest,
) -> Result<String> {
    let Prepared { entities, joins, sources, limit } = Prepared::new(engine, request).await?;
    let limit = limit.unwrap_or(usize::MAX).min(engine.options().memory_limit);
    Explanation { entities: &entities, joins: &joins, sources: &sources, limit }.text()
}

impl Prepared {
    async fn new(engine: &DataFusionOfflineStore, request: HistoricalRequest) -> Result<Self> {
        request.check_output_names()?;
        let mut tables = Tables::default();
        let mut views = Vec::with_capacity(request.views.len());
        for view in request.views {
            views.push(OpenView::open(engine, view, &mut tables).await?);
        }
        let time = request.event_timestamp_column.as_deref();
        let limit = request.options.memory_limit;
        let held = limit.unwrap_or(usize::MAX).min(engine.options().memory_limit);
        let entities =
            EntityTable::load(engine, request.entity, time, held, &views, &mut tables).await?;
        check_names(&entities, &views)?;
        let (mut joins, mut sources) = (Vec::new(), Vec::new());
        for view in views {
            let (name, source) = (view.view.name.clone(), view.table.shown());
            let visible = visible(&view.view, request.filter_by_created, &request.options);
            let join = view.join(&entities, visible).await;
            let join = join.map_err(|error| error.context(format!("feature view \"{name}\"")))?;
            sources.extend(join.as_ref().map(|_| source));
            joins.extend(join.map(Arc::new));
        }
        Ok(Self { entities, joins, sources, limit })
    }
}

fn visible(view: &HistoricalView, by_created: bool, options: &HistoricalOptions) -> Visible {
    match (options.as_served, by_created) {
        (true, _) => Visible::WhenServed(Served::new(&view.materialized)),
        (false, true) => Visible::FromCreated,
        (false, false) => Visible::FromEvent,
    }
}

fn check_names(entities: &EntityTable, views: &[OpenView]) -> Result<()> {
    for view in views.iter().map(|open| &open.view) {
        for key in &view.join_keys {
            entities.column(&key.entity_column, &view.name)?;
        }
        for feature in &view.features {
            if entities.schema.field_with_name(&feature.output).is_ok() {
                return Err(Error::invalid(format!(
                    "the entity rows have a column \"{}\", which is also a feature of view \"{}\"",
                    feature.output, view.name
                ))
                .with_hint("rename the entity column, or ask for full feature names"));
            }
        }
    }
    Ok(())
}

impl OpenView {
    async fn open(
        engine: &DataFusionOfflineStore,
        view: HistoricalView,
        tables: &mut Tables,
    ) -> Result<Self> {
        let context = |error: Error| error.context(format!("feature view \"{}\"", view.name));
        let table = tables.open(engine, &view.source).await.map_err(context)?;
        let columns = SourceColumns::find(&view, &table).map_err(context)?;
        Ok(Self { view, table, columns })
    }

    /// The columns of the join keys in the source.
    pub(crate) fn key_fields(&self) -> Vec<Field> {
        let schema = self.table.schema();
        self.columns.keys.iter().map(|&key| schema.field(key).clone()).collect()
    }

    /// A scan of the join keys and the event time, in this order, within bounds.
    pub(crate) fn scan_keys(&self, bounds: TimeBounds) -> Result<Arc<dyn ExecutionPlan>> {
        let mut columns = self.columns.keys.clone();
        columns.push(self.columns.event);
        self.table.scan(&columns, self.columns.keys.len(), bounds)
    }

    /// The join of this view, `None` when no feature of it is wanted.
    async fn join(self, rows: &EntityTable, visible: Visible) -> Result<Option<ViewJoin>> {
        if self.columns.features.is_empty() {
            return Ok(None);
        }
        let keys = self.view.join_keys.iter();
        let keys = keys.map(|key| rows.column(&key.entity_column, &self.view.name));
        let columns = ViewColumns {
            name: self.view.name.clone(),
            keys: keys.collect::<Result<_>>()?,
            has_created: self.columns.created.is_some(),
            visible,
            ttl: self.view.effective_ttl(),
            outputs: self.view.features.iter().map(|feature| feature.output.clone()).collect(),
        };
        let bounds = self.bounds(rows);
        let scan = FeatureScan::plan(&self.table, &self.scan_columns(), bounds).await?;
        ViewJoin::new(&rows.schema, rows.time, columns, scan).map(Some)
    }

    /// The times that any entity row can look back to, `None` when no row has a time.
    fn bounds(&self, rows: &EntityTable) -> Option<TimeBounds> {
        let ttl = self.view.effective_ttl();
        let reach = ttl.map(|ttl| i128::try_from(ttl.as_nanos()).unwrap_or(i128::MAX));
        rows.extent.instants.map(|(first, last)| TimeBounds {
            first: reach.map(|reach| first.saturating_sub(reach)),
            last: Some(last),
        })
    }

    /// Keys, event time and created time, then features.
    fn scan_columns(&self) -> ScanColumns {
        let SourceColumns { keys, event, created, features } = &self.columns;
        let schema = self.table.schema();
        let typed = features.iter().zip(&self.view.features).map(|(&column, feature)| {
            // A file without any value has Arrow's null type.
            let data_type = match schema.field(column).data_type() {
                DataType::Null => feature.value_type.arrow_type(),
                stored => stored.clone(),
            };
            (column, data_type)
        });
        ScanColumns {
            deciding: keys.iter().copied().chain([*event]).chain(*created).collect(),
            event: keys.len(),
            features: typed.collect(),
        }
    }
}

impl SourceColumns {
    fn find(view: &HistoricalView, table: &SourceTable) -> Result<Self> {
        let source = view.source.offline().unwrap_or(&view.source);
        let find = |name: &str, purpose: &str| table.mapped_column(source, name, purpose);
        let find_time = |name: &str, purpose: &str| {
            find(name, purpose).and_then(|column| table.check_time(column, purpose))
        };
        let keys = view.join_keys.iter().map(|key| find(&key.view_column, "which is a join key"));
        let features =
            view.features.iter().map(|feature| find(&feature.name, "which is a feature"));
        let created = &source.created_timestamp_column;
        Ok(Self {
            keys: keys.collect::<Result<_>>()?,
            event: find_time(&source.timestamp_field, EVENT_TIME)?,
            created: (!created.is_empty()).then(|| find_time(created, CREATED_TIME)).transpose()?,
            features: features.collect::<Result<_>>()?,
        })
    }
}
