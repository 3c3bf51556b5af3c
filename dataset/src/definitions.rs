//! What decides the values of a data set's features, taken from the registry.

use std::collections::BTreeMap;

use larder_core::{Field, RetrievalPlan, SQL_TAG, SourceKind, Transformation};
use larder_offline_store::HistoricalView;
use serde::{Deserialize, Serialize};

use crate::digest::sha256;

/// Everything that decides values, with a hash over all of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Definitions {
    /// SHA-256 over the hashes of views and on-demand views.
    pub hash: String,
    /// Stored views, in the order of the join.
    pub views: Vec<Hashed<ViewDefinition>>,
    /// On-demand views.
    pub on_demand: Vec<Hashed<OnDemandDefinition>>,
}

/// A definition and its SHA-256.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hashed<T> {
    /// SHA-256 of the definition as JSON.
    pub hash: String,
    /// The definition.
    pub definition: T,
}

/// What decides which values a view answers; descriptions, tags and owners do not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ViewDefinition {
    /// Name of the projection.
    pub name: String,
    /// The view.
    pub view: String,
    /// Version of the view that was current.
    pub version: i32,
    /// Join key of the view to column of the entity rows.
    pub join_keys: BTreeMap<String, String>,
    /// Name to type.
    pub features: BTreeMap<String, String>,
    /// How far back rows answer; `None` for ever.
    pub ttl_seconds: Option<f64>,
    /// Name of the source.
    pub source: String,
    /// Its path or URI.
    pub uri: String,
    /// Its event time column.
    pub timestamp_field: String,
    /// Its created time column; empty for none.
    pub created_timestamp_column: String,
    /// Its renamed columns.
    pub field_mapping: BTreeMap<String, String>,
    /// Recorded materializations (microseconds since 1970), where they decide what a row was served.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub materialized: Vec<(i64, i64)>,
}

/// What decides which values an on-demand view computes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OnDemandDefinition {
    /// Name of the projection.
    pub name: String,
    /// The view.
    pub view: String,
    /// Version of the view that was current.
    pub version: i32,
    /// `python`, `pandas` ...
    pub mode: String,
    /// Whether the function sees one row at a time.
    pub singleton: bool,
    /// Its text: Python, or expressions in SQL as a JSON object.
    pub function: String,
    /// Name to type of what it reads.
    pub inputs: BTreeMap<String, String>,
    /// Name to type.
    pub features: BTreeMap<String, String>,
}

impl Definitions {
    /// What a plan of the offline plane and its views mean; materializations count only with `as_served`.
    pub fn of(plan: &RetrievalPlan, views: &[HistoricalView], as_served: bool) -> Self {
        let versions = plan.views.iter().map(|view| (&view.view.name, &view.view.meta));
        let views = views.iter().zip(versions).map(|(joined, (view, meta))| {
            Hashed::new(view_definition(joined, view, meta.current_version_number, as_served))
        });
        let on_demand = plan.on_demand.iter().map(|computed| {
            let view = &computed.view;
            Hashed::new(OnDemandDefinition {
                name: computed.name.clone(),
                view: view.name.clone(),
                version: view.meta.current_version_number,
                mode: view.mode.clone(),
                singleton: view.singleton,
                function: function(view),
                inputs: computed
                    .inputs
                    .iter()
                    .map(|input| (input.name.clone(), input.value_type.name().to_owned()))
                    .collect(),
                features: typed(&view.features),
            })
        });
        let (views, on_demand): (Vec<_>, Vec<_>) = (views.collect(), on_demand.collect());
        let hashes = views.iter().map(|view| view.hash.as_str());
        let hashes = hashes.chain(on_demand.iter().map(|view| view.hash.as_str()));
        Self { hash: sha256(hashes.collect::<String>().as_bytes()), views, on_demand }
    }
}

impl<T: Serialize> Hashed<T> {
    fn new(definition: T) -> Self {
        // Maps are sorted and fields have an order, so equal definitions have equal texts.
        let text = serde_json::to_vec(&definition).unwrap_or_default();
        Self { hash: sha256(&text), definition }
    }
}

fn view_definition(
    joined: &HistoricalView,
    view: &str,
    version: i32,
    as_served: bool,
) -> ViewDefinition {
    let source = &joined.source;
    let keys = joined.join_keys.iter();
    let features = joined.features.iter();
    let materialized = joined.materialized.iter().filter(|_| as_served);
    ViewDefinition {
        name: joined.name.clone(),
        view: view.to_owned(),
        version,
        join_keys: keys.map(|key| (key.view_column.clone(), key.entity_column.clone())).collect(),
        features: features
            .map(|feature| (feature.name.clone(), feature.value_type.name().to_owned()))
            .collect(),
        ttl_seconds: joined.effective_ttl().map(|ttl| ttl.as_secs_f64()),
        source: source.name.clone(),
        uri: match &source.kind {
            SourceKind::File { uri, .. } => uri.clone(),
            _ => String::new(),
        },
        timestamp_field: source.timestamp_field.clone(),
        created_timestamp_column: source.created_timestamp_column.clone(),
        field_mapping: source.field_mapping.clone(),
        materialized: materialized
            .map(|interval| (interval.start.micros(), interval.end.micros()))
            .collect(),
    }
}

fn function(view: &larder_core::OnDemandFeatureView) -> String {
    match (view.tags.get(SQL_TAG), &view.transformation) {
        (Some(expressions), _) => expressions.clone(),
        (None, Some(Transformation::Function { body_text, .. })) => body_text.clone(),
        (None, Some(Transformation::Substrait { plan, .. })) => sha256(plan),
        (None, None) => String::new(),
    }
}

fn typed(fields: &[Field]) -> BTreeMap<String, String> {
    fields.iter().map(|field| (field.name.clone(), field.value_type.name().to_owned())).collect()
}
