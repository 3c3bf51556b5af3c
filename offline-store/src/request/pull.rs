//! Reads of one source for materialization.

use larder_core::{DataSource, Error, FeatureView, Result, Timestamp};

use super::PullOptions;
use crate::source_name;

/// Rows of one source between two instants.
///
/// All names are those of the **source**; the field mapping is not applied to the answer (Feast 0.67: the engine
/// renames afterwards; see [`mapped_name`](crate::mapped_name)). The answer has the join keys, the features, the event
/// timestamp and the created timestamp in this order, each column once. Without join keys it starts with
/// [`DUMMY_JOIN_KEY`](larder_core::DUMMY_JOIN_KEY), the empty string in every row (Feast 0.67, dask).
#[derive(Debug, Clone, PartialEq)]
pub struct PullRequest {
    /// The source.
    pub source: DataSource,
    /// Join key columns; empty for a view without entities.
    pub join_keys: Vec<String>,
    /// Feature columns; empty for every column of the source (Feast 0.67, dask).
    pub features: Vec<String>,
    /// Event timestamp column.
    pub timestamp_field: String,
    /// Created timestamp column.
    pub created_timestamp_column: Option<String>,
    /// First instant, included; `None` for no bound.
    pub start: Option<Timestamp>,
    /// Last instant, included; `None` for no bound.
    pub end: Option<Timestamp>,
    /// What Feast does not know; reads of all rows take no notice of it.
    pub options: PullOptions,
}

impl PullRequest {
    /// What materializing a view reads: its features under the names that they have in its batch source.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](larder_core::ErrorKind::Invalid) when the view has no batch source.
    pub fn of_view(
        view: &FeatureView,
        start: Option<Timestamp>,
        end: Option<Timestamp>,
    ) -> Result<Self> {
        let source = offline_source(view)?;
        let unmapped = |name: &str| source_name(source, name).to_owned();
        let keys = if view.is_entityless() { &[][..] } else { &view.entity_columns };
        let created = &source.created_timestamp_column;
        Ok(Self {
            join_keys: keys.iter().map(|field| unmapped(&field.name)).collect(),
            features: view.features.iter().map(|field| unmapped(&field.name)).collect(),
            timestamp_field: unmapped(&source.timestamp_field),
            created_timestamp_column: (!created.is_empty()).then(|| unmapped(created)),
            source: source.clone(),
            start,
            end,
            options: PullOptions::default(),
        })
    }
}

pub(super) fn offline_source(view: &FeatureView) -> Result<&DataSource> {
    view.batch_source.as_ref().and_then(DataSource::offline).ok_or_else(|| {
        Error::invalid(format!("feature view \"{}\" has no batch source to read", view.name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use larder_core::{DUMMY_ENTITY, DUMMY_JOIN_KEY, ErrorKind, Field, SourceKind, ValueType};

    fn view() -> FeatureView {
        let mut source = DataSource::new("stats_source", SourceKind::Push);
        let uri = "stats.parquet".to_owned();
        let file = SourceKind::File { uri, format: None, s3_endpoint_override: String::new() };
        let mut batch = DataSource::new("stats_file", file);
        batch.timestamp_field = "event_ts".to_owned();
        batch.field_mapping = [("drv", "driver"), ("ets", "event_ts")]
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
            .into();
        source.batch_source = Some(Box::new(batch));
        FeatureView {
            entities: vec!["driver".to_owned()],
            entity_columns: vec![Field::new("driver", ValueType::Int64)],
            features: vec![Field::new("rate", ValueType::Double)],
            batch_source: Some(source),
            ..FeatureView::new("stats")
        }
    }

    #[test]
    fn a_view_is_pulled_under_the_names_of_its_batch_source() {
        let request = PullRequest::of_view(&view(), None, None).unwrap();
        assert_eq!(request.source.name, "stats_file");
        assert_eq!(request.join_keys, ["drv"]);
        assert_eq!(request.features, ["rate"]);
        assert_eq!(request.timestamp_field, "ets");
        assert_eq!(request.created_timestamp_column, None);
    }

    #[test]
    fn an_entityless_view_is_pulled_without_join_keys() {
        let mut view = view();
        view.entities = vec![DUMMY_ENTITY.to_owned()];
        view.entity_columns = vec![Field::new(DUMMY_JOIN_KEY, ValueType::String)];
        assert!(PullRequest::of_view(&view, None, None).unwrap().join_keys.is_empty());
    }

    #[test]
    fn a_view_without_a_source_cannot_be_pulled() {
        let mut view = view();
        view.batch_source = None;
        let error = PullRequest::of_view(&view, None, None).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
    }
}
