//! On-demand views with `write_to_online_store`: computed when rows are written, stored like any view.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use async_trait::async_trait;
use larder_core::{
    Catalog, Error, FeatureRef, FeatureView, Field, OnDemandFeatureView, OnDemandPlan, Plane,
    Result, RetrievalPlan, Selection, Timestamp, ViewPlan,
};
use larder_materializer::{EVENT_TIMESTAMP, OnDemandRows};
use larder_offline_store::{BatchStream, EntityRows, HistoricalOptions, OfflineStore};
use larder_online_store::{ViewTable, WriteRows};
use larder_proto::convert::{self, EncodedColumn};
use larder_proto::wire::entity_key::{EntityKeyLayout, EntityKeyVersion};

use crate::feast_words::FeastWords;
use crate::on_demand::{Functions, PreparedTransform, TransformInput};
use crate::online::RequestColumn;
use crate::online_rows::{encoded_columns, typed_columns, write_rows};
use crate::training::TrainingPlan;

/// A view that is computed on write, ready to take rows.
#[derive(Debug)]
pub(crate) struct ComputedOnWrite {
    /// The view as the online store keeps it.
    view: Arc<FeatureView>,
    /// How many of its features are computed; the others are join keys.
    computed: usize,
    table: ViewTable,
    transform: PreparedTransform,
}

impl ComputedOnWrite {
    /// Compiles a view.
    ///
    /// # Errors
    /// As [`PreparedTransform::new`].
    pub(crate) fn new(
        catalog: &Catalog,
        definition: &OnDemandFeatureView,
        view: &Arc<FeatureView>,
        functions: &Functions,
    ) -> Result<Self> {
        let plan = computing(catalog, definition)?;
        let name = view.table_name(catalog.online_versioning());
        let project = catalog.project().name.as_str();
        Ok(Self {
            view: Arc::clone(view),
            computed: definition.features.len(),
            table: ViewTable::of_view(project, name, view, &view.features)?,
            transform: PreparedTransform::new(&plan, functions)?,
        })
    }

    /// The view as the online store keeps it.
    pub(crate) fn view(&self) -> &FeatureView {
        &self.view
    }

    /// Where its rows go.
    pub(crate) fn table(&self) -> &ViewTable {
        &self.table
    }

    /// The features of the view that are no join keys, encoded: computed from the inputs among the columns, or, unless
    /// `transform`, taken from the columns as they are.
    ///
    /// # Errors
    /// `Invalid` for a missing column or a value of another type; whatever the function answers.
    pub(crate) async fn features(
        &self,
        columns: &[RequestColumn],
        rows: usize,
        transform: bool,
    ) -> Result<Vec<EncodedColumn>> {
        let fields = &self.view.features[..self.computed];
        if !transform {
            return encoded_columns(&self.view, columns, fields, rows);
        }
        let inputs = self.transform.inputs().iter();
        let inputs = inputs.map(|input| self.input(input, columns)).collect::<Result<_>>()?;
        let arrays = self.transform.evaluate(inputs, rows).await?;
        let encode =
            |(field, array): (&Field, &ArrayRef)| convert::encode_column(array, field.value_type);
        fields.iter().zip(&arrays).map(encode).collect()
    }

    /// The rows that the store takes: every feature and every join key, at the time of the write, whatever times came
    /// with the columns (Feast 0.67).
    ///
    /// # Errors
    /// `Invalid` for a missing or null join key.
    pub(crate) fn rows(
        &self,
        columns: &[RequestColumn],
        mut features: Vec<EncodedColumn>,
        rows: usize,
        key_version: EntityKeyVersion,
        now: Timestamp,
    ) -> Result<WriteRows> {
        let view = self.view.as_ref();
        let names: Vec<&str> = view.entity_columns.iter().map(|key| key.name.as_str()).collect();
        let layout = EntityKeyLayout::new(key_version, &names)?;
        let keys = typed_columns(view, columns, &view.entity_columns, rows)?;
        features.extend(encoded_columns(view, columns, &view.features[self.computed..], rows)?);
        write_rows(&self.table, &layout, &keys, &features, |_| (now, Some(now)), rows)
    }

    /// A column that the function reads, which is called as the function spells it.
    fn input(&self, input: &TransformInput, columns: &[RequestColumn]) -> Result<ArrayRef> {
        let column = columns.iter().find(|column| column.name == input.name).ok_or_else(|| {
            Error::invalid(format!(
                "column \"{}\", which on demand feature view \"{}\" is computed from, is missing",
                input.name, self.view.name
            ))
            .with_hint("df needs every input and every join key of the view")
            .with_source(FeastWords::key_error(&input.name))
        })?;
        let values = column.values.typed(&input.name, input.value_type)?;
        let encoded = EncodedColumn::of_values(&values)?;
        convert::decode_column(input.value_type, encoded.iter().map(Some))
    }
}

/// Every feature of a view, as if it were asked for.
fn selection(view: &OnDemandFeatureView) -> Selection {
    let references = view.features.iter().map(|field| FeatureRef {
        view: view.name.clone(),
        feature: field.name.clone(),
        version: None,
    });
    Selection::Features(references.collect())
}

fn computing(catalog: &Catalog, view: &OnDemandFeatureView) -> Result<OnDemandPlan> {
    let mut plan = RetrievalPlan::resolve(catalog, &selection(view), false, Plane::Offline)?;
    plan.on_demand.pop().ok_or_else(|| {
        Error::internal(format!("on demand feature view \"{}\" has nothing to compute", view.name))
    })
}

/// Computes a view from the offline store, for materialization: what a training set of the same entities has.
#[derive(Debug)]
pub(crate) struct ComputedOffline(TrainingPlan);

impl ComputedOffline {
    /// Compiles a view.
    ///
    /// # Errors
    /// As [`ComputedOnWrite::new`].
    pub(crate) fn new(
        catalog: &Catalog,
        view: &OnDemandFeatureView,
        functions: &Functions,
    ) -> Result<Self> {
        TrainingPlan::new(catalog, &selection(view), false, functions).map(Self)
    }
}

#[async_trait]
impl OnDemandRows for ComputedOffline {
    fn sources(&self) -> &[ViewPlan] {
        &self.0.plan().views
    }

    async fn compute(
        &self,
        offline: &dyn OfflineStore,
        entity: RecordBatch,
        memory_limit: Option<usize>,
    ) -> Result<BatchStream> {
        let times = Some(EVENT_TIMESTAMP.to_owned());
        let options = HistoricalOptions { memory_limit, ..HistoricalOptions::default() };
        self.0.rows(offline, EntityRows::from(entity), times, options).await
    }
}
