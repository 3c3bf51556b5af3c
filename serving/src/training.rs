//! Training sets: the point-in-time join, then the on-demand views over its batches.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_cast::cast;
use arrow_schema::{Field as ArrowField, Schema, SchemaRef};
use futures::StreamExt as _;
use larder_core::{
    Catalog, DUMMY_JOIN_KEY, Error, ErrorKind, InputSource, ObjectKind, OutputSource, Plane,
    Result, RetrievalPlan, Selection, Subject,
};
use larder_offline_store::{
    BatchStream, EntityRows, HistoricalFeature, HistoricalOptions, HistoricalRequest,
    HistoricalView, JoinKey, OfflineStore,
};

use crate::on_demand::{Functions, PreparedTransform, TransformInput};

/// Which features for which entity rows.
#[derive(Debug, Clone)]
pub struct TrainingRequest {
    /// Features or a feature service.
    pub selection: Selection,
    /// Names columns `view__feature`.
    pub full_feature_names: bool,
    /// Rows that features are wanted for.
    pub entity: EntityRows,
    /// Their time column; `None` to find it.
    pub event_timestamp_column: Option<String>,
    /// Hides rows created after the entity's time.
    pub filter_by_created: bool,
    /// What Feast does not know.
    pub options: HistoricalOptions,
}

/// Joins and computes; the answer has the entity columns, stored features, then computed features.
///
/// Inputs of on-demand views are answered too, as Feast 0.67 does.
///
/// # Errors
/// - as [`RetrievalPlan::resolve`] and [`OfflineStore::historical_features`];
/// - `NotFound` when the entity rows lack a request column;
/// - `Unsupported` for an on-demand view that neither compiles nor can be called.
pub async fn training_set(
    catalog: &Catalog,
    offline: &dyn OfflineStore,
    request: TrainingRequest,
    functions: &Functions,
) -> Result<BatchStream> {
    let full = request.full_feature_names;
    let plan = TrainingPlan::new(catalog, &request.selection, full, functions)?;
    plan.joined(offline, plan.request(request)).await
}

/// What [`training_set`] would read and hold, as text for people.
///
/// # Errors
/// As [`training_set`] and [`OfflineStore::explain`].
pub async fn explain_training_set(
    catalog: &Catalog,
    offline: &dyn OfflineStore,
    request: TrainingRequest,
    functions: &Functions,
) -> Result<String> {
    let full = request.full_feature_names;
    let plan = TrainingPlan::new(catalog, &request.selection, full, functions)?;
    offline.explain(plan.request(request)).await
}

/// What a selection means: the plan, and the views that are joined for it.
///
/// # Errors
/// As [`training_set`], but for those of reading.
pub fn training_plan(
    catalog: &Catalog,
    selection: &Selection,
    full_feature_names: bool,
    functions: &Functions,
) -> Result<(Arc<RetrievalPlan>, Vec<HistoricalView>)> {
    let plan = TrainingPlan::new(catalog, selection, full_feature_names, functions)?;
    Ok((plan.plan, plan.views))
}

/// A selection that is ready to be joined and computed.
#[derive(Debug, Clone)]
pub(crate) struct TrainingPlan {
    plan: Arc<RetrievalPlan>,
    transforms: Arc<[PreparedTransform]>,
    views: Vec<HistoricalView>,
}

impl TrainingPlan {
    /// Resolves and compiles.
    ///
    /// # Errors
    /// As [`training_set`].
    pub(crate) fn new(
        catalog: &Catalog,
        selection: &Selection,
        full: bool,
        functions: &Functions,
    ) -> Result<Self> {
        Self::of_plan(
            RetrievalPlan::resolve(catalog, selection, full, Plane::Offline)?,
            full,
            functions,
        )
    }

    /// Compiles a plan of the offline plane.
    ///
    /// # Errors
    /// As [`training_set`].
    pub(crate) fn of_plan(plan: RetrievalPlan, full: bool, functions: &Functions) -> Result<Self> {
        let transforms = plan.on_demand.iter().map(|view| PreparedTransform::new(view, functions));
        let transforms = transforms.collect::<Result<_>>()?;
        Ok(Self { views: historical_views(&plan, full)?, plan: Arc::new(plan), transforms })
    }

    /// What is read and computed.
    pub(crate) fn plan(&self) -> &RetrievalPlan {
        &self.plan
    }

    /// Joins and computes.
    ///
    /// # Errors
    /// As [`training_set`].
    pub(crate) async fn rows(
        &self,
        offline: &dyn OfflineStore,
        entity: EntityRows,
        event_timestamp_column: Option<String>,
        options: HistoricalOptions,
    ) -> Result<BatchStream> {
        let request = HistoricalRequest {
            entity,
            event_timestamp_column,
            views: self.views.clone(),
            filter_by_created: false,
            options,
        };
        self.joined(offline, request).await
    }

    fn request(&self, request: TrainingRequest) -> HistoricalRequest {
        let TrainingRequest { entity, event_timestamp_column, filter_by_created, options, .. } =
            request;
        let views = self.views.clone();
        HistoricalRequest { entity, event_timestamp_column, views, filter_by_created, options }
    }

    async fn joined(
        &self,
        offline: &dyn OfflineStore,
        request: HistoricalRequest,
    ) -> Result<BatchStream> {
        let outputs = |view: &HistoricalView| -> Vec<String> {
            view.features.iter().map(|feature| feature.output.clone()).collect()
        };
        let names: Vec<Vec<String>> = request.views.iter().map(outputs).collect();
        let joined = offline.historical_features(request).await?;
        if self.plan.on_demand.is_empty() {
            return Ok(joined);
        }
        let computer = Arc::new(Computer::new(self, &names, &joined.schema())?);
        let schema = SchemaRef::clone(&computer.schema);
        let computed = joined.then(move |batch| {
            let computer = Arc::clone(&computer);
            async move { computer.append(&batch?).await }
        });
        Ok(BatchStream::new(schema, computed))
    }
}

/// Requested features under their output names, inputs of on-demand views under names of their own.
fn historical_views(plan: &RetrievalPlan, full: bool) -> Result<Vec<HistoricalView>> {
    let mut taken: Vec<String> = plan.outputs.iter().map(|output| output.name.clone()).collect();
    let mut views = Vec::with_capacity(plan.views.len());
    for (index, view) in plan.views.iter().enumerate() {
        let mut features = Vec::with_capacity(view.features.len());
        for (feature, field) in view.features.iter().enumerate() {
            let source = OutputSource::Stored { view: index, feature };
            let requested = plan.outputs.iter().find(|output| output.source == source);
            let output = match requested {
                Some(output) => output.name.clone(),
                None => hidden_name(&view.name, &field.name, full, &mut taken),
            };
            features.push(HistoricalFeature {
                name: field.name.clone(),
                output,
                value_type: field.value_type,
            });
        }
        let source =
            view.view.batch_source.as_ref().and_then(|source| source.offline()).ok_or_else(
                || {
                    Error::invalid(format!(
                        "feature view \"{}\" has no batch source to read",
                        view.view.name
                    ))
                },
            )?;
        views.push(HistoricalView {
            name: view.name.clone(),
            source: source.clone(),
            join_keys: join_keys(view),
            features,
            ttl: view.view.effective_ttl(),
            materialized: view.view.meta.materialization_intervals.clone(),
        });
    }
    Ok(views)
}

fn join_keys(view: &larder_core::ViewPlan) -> Vec<JoinKey> {
    view.join_keys
        .iter()
        .filter(|key| key.key != DUMMY_JOIN_KEY)
        .map(|key| JoinKey { view_column: key.key.clone(), entity_column: key.column.clone() })
        .collect()
}

fn hidden_name(view: &str, feature: &str, full: bool, taken: &mut Vec<String>) -> String {
    let bare = (!full).then(|| feature.to_owned()).filter(|name| !taken.contains(name));
    let name = bare.unwrap_or_else(|| format!("{view}__{feature}"));
    taken.push(name.clone());
    name
}

/// Appends computed columns to joined batches.
struct Computer {
    plan: Arc<RetrievalPlan>,
    transforms: Arc<[PreparedTransform]>,
    /// Per on-demand view: the joined column of every input.
    columns: Vec<Vec<usize>>,
    schema: SchemaRef,
}

impl Computer {
    fn new(training: &TrainingPlan, names: &[Vec<String>], joined: &Schema) -> Result<Self> {
        let TrainingPlan { plan, transforms, .. } = training.clone();
        let columns = plan
            .on_demand
            .iter()
            .zip(transforms.iter())
            .map(|(view, transform)| {
                transform
                    .inputs()
                    .iter()
                    .map(|input| input_column(&plan, names, input, &view.name, joined))
                    .collect()
            })
            .collect::<Result<_>>()?;
        let computed = plan
            .outputs
            .iter()
            .filter(|output| matches!(output.source, OutputSource::Computed { .. }));
        let fields = joined.fields().iter().map(|field| field.as_ref().clone());
        let fields = fields.chain(
            computed
                .map(|output| ArrowField::new(&output.name, output.value_type.arrow_type(), true)),
        );
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        Ok(Self { plan, transforms, columns, schema })
    }

    async fn append(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let mut computed = Vec::with_capacity(self.transforms.len());
        for (transform, columns) in self.transforms.iter().zip(&self.columns) {
            let inputs = inputs(transform, columns, batch)?;
            computed.push(transform.evaluate(inputs, batch.num_rows()).await?);
        }
        let mut columns = batch.columns().to_vec();
        for output in &self.plan.outputs {
            if let OutputSource::Computed { view, feature } = output.source {
                columns.push(Arc::clone(&computed[view][feature]));
            }
        }
        RecordBatch::try_new(SchemaRef::clone(&self.schema), columns).map_err(|error| {
            Error::internal("computed features do not fit the joined rows").with_source(error)
        })
    }
}

/// The same types as online, whatever the files hold.
fn inputs(
    transform: &PreparedTransform,
    columns: &[usize],
    batch: &RecordBatch,
) -> Result<Vec<ArrayRef>> {
    transform
        .inputs()
        .iter()
        .zip(columns)
        .map(|(input, &column)| {
            cast(batch.column(column), &input.value_type.arrow_type()).map_err(|error| {
                Error::invalid(format!("column \"{}\" is not of its declared type", input.name))
                    .with_source(error)
            })
        })
        .collect()
}

fn input_column(
    plan: &RetrievalPlan,
    names: &[Vec<String>],
    input: &TransformInput,
    view: &str,
    joined: &Schema,
) -> Result<usize> {
    let name = match input.source {
        InputSource::Feature { view, feature } => &names[view][feature],
        InputSource::Request(index) => &plan.request_columns[index].name,
        InputSource::JoinKey { view, key } => &plan.views[view].join_keys[key].column,
    };
    joined.index_of(name).map_err(|_| {
        Error::new(
            ErrorKind::NotFound,
            format!("the entity rows have no column \"{name}\", which on demand feature view \"{view}\" needs"),
        )
        .with_subject(Subject { kind: ObjectKind::RequestData, name: name.clone(), project: String::new() })
    })
}
