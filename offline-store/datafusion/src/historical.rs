//! The plan of a point-in-time retrieval: entity rows, then one join per view.

use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema};
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{CastExpr, Column};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::projection::ProjectionExec;
use larder_core::{Error, Result};
use larder_offline_store::{BatchStream, HistoricalRequest, HistoricalView};

use crate::engine::DataFusionOfflineStore;
use crate::entity::EntityTable;
use crate::failure::from_datafusion;
use crate::pit::{PitJoin, PitJoinExec};
use crate::pull::{CREATED_TIME, EVENT_TIME};
use crate::source::{SourceTable, TimeBounds};

/// A view with its source opened and its columns found.
#[derive(Debug)]
pub(crate) struct OpenView {
    pub(crate) view: HistoricalView,
    table: SourceTable,
    columns: ViewColumns,
}

/// Positions in the source.
#[derive(Debug)]
struct ViewColumns {
    /// Join keys, in the view's order.
    keys: Vec<usize>,
    event: usize,
    created: Option<usize>,
    features: Vec<usize>,
}

/// See [`OfflineStore::historical_features`](larder_offline_store::OfflineStore::historical_features).
pub(crate) async fn join(
    engine: &DataFusionOfflineStore,
    request: HistoricalRequest,
) -> Result<BatchStream> {
    request.check_output_names()?;
    let mut views = Vec::with_capacity(request.views.len());
    for view in request.views {
        views.push(OpenView::open(engine, view).await?);
    }
    let time = request.event_timestamp_column.as_deref();
    let entities = EntityTable::load(engine, request.entity, time, &views).await?;
    check_names(&entities, &views)?;
    let rows = MemorySourceConfig::try_new_exec(
        std::slice::from_ref(&entities.batches),
        Arc::clone(&entities.schema),
        None,
    );
    let mut plan: Arc<dyn ExecutionPlan> = rows.map_err(from_datafusion)?;
    let names: Vec<_> = views.iter().map(|open| open.view.name.clone()).collect();
    for (view, name) in views.into_iter().zip(&names) {
        let joined = view.join(plan, &entities, request.filter_by_created);
        plan = joined.map_err(|error| error.context(format!("feature view \"{name}\"")))?;
    }
    engine.run(&plan, format!("point-in-time join of {}", names.join(", ")))
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
    async fn open(engine: &DataFusionOfflineStore, view: HistoricalView) -> Result<Self> {
        let context = |error: Error| error.context(format!("feature view \"{}\"", view.name));
        let table = SourceTable::open(engine, &view.source).await.map_err(context)?;
        let columns = ViewColumns::find(&view, &table).map_err(context)?;
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

    fn join(
        self,
        entities: Arc<dyn ExecutionPlan>,
        rows: &EntityTable,
        filter_by_created: bool,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if self.columns.features.is_empty() {
            return Ok(entities);
        }
        let mut keys = Vec::new();
        for (position, key) in self.view.join_keys.iter().enumerate() {
            keys.push((rows.column(&key.entity_column, &self.view.name)?, position));
        }
        let event_time = keys.len();
        let created_time = self.columns.created.map(|_| event_time + 1);
        let first_feature = event_time + 1 + usize::from(self.columns.created.is_some());
        let outputs = self.view.features.iter().map(|feature| feature.output.clone());
        let join = PitJoin {
            keys,
            entity_time: rows.time,
            event_time,
            created_time,
            filter_by_created: filter_by_created && self.columns.created.is_some(),
            ttl: self.view.effective_ttl(),
            features: (first_feature..).zip(outputs).collect(),
        };
        let features = self.scan_features(rows)?;
        Ok(Arc::new(PitJoinExec::try_new(entities, features, join)?))
    }

    /// A scan of keys, event time, created time and features, as far back as any entity row looks.
    fn scan_features(&self, rows: &EntityTable) -> Result<Arc<dyn ExecutionPlan>> {
        let mut columns = self.columns.keys.clone();
        let event = columns.len();
        columns.push(self.columns.event);
        columns.extend(self.columns.created);
        let first_feature = columns.len();
        columns.extend(&self.columns.features);
        let Some((first, last)) = rows.instants()? else {
            let schema = self.table.schema();
            let fields: Vec<_> =
                columns.iter().map(|&column| schema.field(column).clone()).collect();
            let empty = Arc::new(EmptyExec::new(Arc::new(Schema::new(fields))));
            return self.declared_types(empty, first_feature);
        };
        let ttl = self.view.effective_ttl();
        let reach = ttl.map(|ttl| i128::try_from(ttl.as_nanos()).unwrap_or(i128::MAX));
        let bounds =
            TimeBounds { first: reach.map(|reach| first.saturating_sub(reach)), last: Some(last) };
        self.declared_types(self.table.scan(&columns, event, bounds)?, first_feature)
    }

    /// Gives features of Arrow's null type, which files without any value have, their declared type.
    fn declared_types(
        &self,
        scan: Arc<dyn ExecutionPlan>,
        first_feature: usize,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = scan.schema();
        if schema.fields().iter().all(|field| *field.data_type() != DataType::Null) {
            return Ok(scan);
        }
        let expressions = schema.fields().iter().enumerate().map(|(position, field)| {
            let column: Arc<dyn PhysicalExpr> = Arc::new(Column::new(field.name(), position));
            let feature = position.checked_sub(first_feature);
            let declared =
                feature.map(|feature| self.view.features[feature].value_type.arrow_type());
            let typed = match declared {
                Some(declared) if *field.data_type() == DataType::Null => {
                    Arc::new(CastExpr::new(column, declared, None))
                }
                _ => column,
            };
            (typed, field.name().clone())
        });
        let projection = ProjectionExec::try_new(expressions, scan).map_err(from_datafusion)?;
        Ok(Arc::new(projection))
    }
}

impl ViewColumns {
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
