//! Point-in-time retrieval.

use std::collections::BTreeMap;
use std::time::Duration;

use larder_core::{DataSource, Error, FeatureView, Field, Interval, Result, ValueType};

use super::pull::offline_source;
use super::{EntityRows, HistoricalOptions};

/// Features of several views for entity rows, as of each row's time.
#[derive(Debug, Clone)]
pub struct HistoricalRequest {
    /// The rows that features are wanted for.
    pub entity: EntityRows,
    /// The time column of the entity rows.
    ///
    /// `None`: the column `event_timestamp` whatever its type, else the only timestamp column. ISO 8601 text is
    /// parsed, times without a zone are UTC. Not used with [`EntityRows::Window`].
    pub event_timestamp_column: Option<String>,
    /// Views, joined each on its own; a view may appear several times under different names.
    pub views: Vec<HistoricalView>,
    /// Whether rows created after the entity's time are invisible; a null created time is invisible too. Has no effect
    /// on sources without a created timestamp column.
    pub filter_by_created: bool,
    /// What Feast does not know.
    pub options: HistoricalOptions,
}

/// One view, or one projection of it, to be joined.
#[derive(Debug, Clone)]
pub struct HistoricalView {
    /// Name of the projection, for messages.
    pub name: String,
    /// Where its rows are.
    pub source: DataSource,
    /// Join keys; empty for a view without entities, whose newest row answers every entity row.
    pub join_keys: Vec<JoinKey>,
    /// Features wanted, in output order.
    pub features: Vec<HistoricalFeature>,
    /// How far to look back; `None` and zero both mean without limit.
    pub ttl: Option<Duration>,
    /// Intervals that were materialized, as the registry records them; only [`HistoricalOptions::as_served`] looks at
    /// them.
    pub materialized: Vec<Interval>,
}

/// A join key of a view and the entity column that holds its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinKey {
    /// Column of the view, after the source's field mapping.
    pub view_column: String,
    /// Column of the entity rows.
    pub entity_column: String,
}

/// A feature wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoricalFeature {
    /// Column of the view, after the source's field mapping.
    pub name: String,
    /// Name in the answer.
    pub output: String,
    /// Declared type; used only where the source's column has Arrow's null type (a file without any value).
    pub value_type: ValueType,
}

impl HistoricalView {
    /// A projection of a view: `name` is its alias or the view's name, `join_key_map` leads from view join keys to
    /// entity columns, and with `full_feature_names` outputs are called `name__feature`.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](larder_core::ErrorKind::Invalid) when the view has no batch source.
    pub fn of_view(
        view: &FeatureView,
        name: &str,
        join_key_map: &BTreeMap<String, String>,
        features: &[Field],
        full_feature_names: bool,
    ) -> Result<Self> {
        let keys = if view.is_entityless() { &[][..] } else { &view.entity_columns };
        let output = |feature: &str| {
            if full_feature_names { format!("{name}__{feature}") } else { feature.to_owned() }
        };
        Ok(Self {
            name: name.to_owned(),
            source: offline_source(view)?.clone(),
            join_keys: keys.iter().map(|key| JoinKey::mapped(&key.name, join_key_map)).collect(),
            features: features
                .iter()
                .map(|field| HistoricalFeature {
                    name: field.name.clone(),
                    output: output(&field.name),
                    value_type: field.value_type,
                })
                .collect(),
            ttl: view.effective_ttl(),
            materialized: view.meta.materialization_intervals.clone(),
        })
    }

    /// The ttl if it limits anything.
    pub fn effective_ttl(&self) -> Option<Duration> {
        self.ttl.filter(|ttl| !ttl.is_zero())
    }
}

impl JoinKey {
    fn mapped(column: &str, join_key_map: &BTreeMap<String, String>) -> Self {
        Self {
            view_column: column.to_owned(),
            entity_column: join_key_map.get(column).map_or(column, String::as_str).to_owned(),
        }
    }
}

impl HistoricalRequest {
    /// Whether every output name is given once.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](larder_core::ErrorKind::Invalid) naming the first output that two features share.
    pub fn check_output_names(&self) -> Result<()> {
        let mut owners = BTreeMap::new();
        for view in &self.views {
            for feature in &view.features {
                if let Some(other) = owners.insert(feature.output.as_str(), view.name.as_str()) {
                    return Err(Error::invalid(format!(
                        "feature views \"{other}\" and \"{}\" both give a feature \"{}\"",
                        view.name, feature.output
                    ))
                    .with_hint("ask for full feature names, or give one of the views an alias"));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use larder_core::{ErrorKind, SourceKind};

    fn location() -> FeatureView {
        let uri = "loc.parquet".to_owned();
        let file = SourceKind::File { uri, format: None, s3_endpoint_override: String::new() };
        FeatureView {
            entities: vec!["loc".to_owned()],
            entity_columns: vec![Field::new("loc_id", ValueType::Int64)],
            batch_source: Some(DataSource::new("loc_source", file)),
            ttl: Some(Duration::ZERO),
            ..FeatureView::new("loc")
        }
    }

    fn projection(name: &str, full_feature_names: bool) -> HistoricalView {
        let map = BTreeMap::from([("loc_id".to_owned(), "origin_id".to_owned())]);
        let features = [Field::new("temp", ValueType::Double)];
        HistoricalView::of_view(&location(), name, &map, &features, full_feature_names).unwrap()
    }

    fn request(views: Vec<HistoricalView>) -> HistoricalRequest {
        let schema = std::sync::Arc::new(arrow_schema::Schema::empty());
        let entity = EntityRows::Batches { schema, batches: Vec::new() };
        HistoricalRequest {
            entity,
            event_timestamp_column: None,
            views,
            filter_by_created: false,
            options: HistoricalOptions::default(),
        }
    }

    #[test]
    fn a_projection_renames_its_key_and_prefixes_its_features() {
        let view = projection("origin", true);
        assert_eq!(view.join_keys[0].entity_column, "origin_id");
        assert_eq!(view.features[0].output, "origin__temp");
        assert_eq!(view.ttl, None);
    }

    #[test]
    fn outputs_with_one_name_are_refused() {
        let short = request(vec![projection("origin", false), projection("dest", false)]);
        assert_eq!(short.check_output_names().unwrap_err().kind(), ErrorKind::Invalid);
        let full = request(vec![projection("origin", true), projection("dest", true)]);
        assert!(full.check_output_names().is_ok());
    }
}
