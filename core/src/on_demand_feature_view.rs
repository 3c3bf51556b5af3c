//! On-demand feature views: features computed from other features and request data.

use crate::feature_view::{Aggregation, Transformation, ViewMeta};
use crate::{DUMMY_JOIN_KEY, DataSource, FeatureView, Field, Projection, Tags};

/// A view whose features are computed when they are asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct OnDemandFeatureView {
    /// Name.
    pub name: String,
    /// Computed features.
    pub features: Vec<Field>,
    /// Inputs by source name, in name order as the registry's map stores them.
    pub sources: Vec<(String, OnDemandSource)>,
    /// The computation.
    pub transformation: Option<Transformation>,
    /// `python`, `pandas`, `substrait`.
    pub mode: String,
    /// Whether the function sees one row of scalars.
    pub singleton: bool,
    /// Whether features are computed on write and stored.
    pub write_to_online_store: bool,
    /// Entity names; `["__dummy"]` when none are declared.
    pub entities: Vec<String>,
    /// Join key columns.
    pub entity_columns: Vec<Field>,
    /// Aggregations.
    pub aggregations: Vec<Aggregation>,
    /// Free text.
    pub description: String,
    /// Tags; `larder:sql` holds a JSON object of feature name to SQL expression.
    pub tags: Tags,
    /// Owner.
    pub owner: String,
    /// Organisation.
    pub org: String,
    /// Version pin.
    pub version: String,
    /// Whether reads are refused.
    pub disabled: bool,
    /// What the registry records about the view.
    pub meta: ViewMeta,
}

/// Tag that holds the SQL expressions of a view defined in YAML: JSON object of feature name to expression.
pub const SQL_TAG: &str = "larder:sql";

/// One input of an on-demand view.
#[derive(Debug, Clone, PartialEq)]
pub enum OnDemandSource {
    /// Features of a stored view.
    Projection(Projection),
    /// Values that come with the request.
    Request(DataSource),
}

impl OnDemandFeatureView {
    /// The view as the online store keeps it; `None` unless it is computed on write.
    ///
    /// Its rows hold the join keys as features, after the view's own (Feast 0.67 stores every column of the schema), and
    /// they never expire.
    pub fn stored(&self) -> Option<FeatureView> {
        if !self.write_to_online_store {
            return None;
        }
        let keys = self.entity_columns.iter().filter(|key| key.name != DUMMY_JOIN_KEY);
        Some(FeatureView {
            entities: self.entities.clone(),
            entity_columns: self.entity_columns.clone(),
            features: self.features.iter().chain(keys).cloned().collect(),
            description: self.description.clone(),
            tags: self.tags.clone(),
            owner: self.owner.clone(),
            org: self.org.clone(),
            version: self.version.clone(),
            disabled: self.disabled,
            meta: self.meta.clone(),
            ..FeatureView::new(&self.name)
        })
    }

    /// The stored-view inputs, in source-name order.
    pub fn projections(&self) -> impl Iterator<Item = &Projection> {
        self.sources.iter().filter_map(|(_, source)| match source {
            OnDemandSource::Projection(projection) => Some(projection),
            OnDemandSource::Request(_) => None,
        })
    }

    /// The request columns, in source-name order.
    pub fn request_fields(&self) -> impl Iterator<Item = &Field> {
        self.sources.iter().flat_map(|(_, source)| match source {
            OnDemandSource::Request(DataSource {
                kind: crate::SourceKind::Request { schema },
                ..
            }) => schema.as_slice(),
            _ => &[],
        })
    }
}
