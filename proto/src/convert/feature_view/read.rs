//! Stored views from messages.

use larder_core::{
    DataSource, Error, FeatureView, Result, SourceKind, ViewKind, ViewMeta, ViewState,
};
use prost::Message as _;

use crate::convert::data_source::data_source_from_proto;
use crate::convert::field::fields_from_proto;
use crate::convert::time::{duration_from_proto, interval_from_proto, timestamp_from_proto};
use crate::convert::transformation::{aggregations_from_proto, transformation_from_proto};
use crate::feast::core;

/// A plain view, or a batch view if the message has a transformation, a mode or source views.
///
/// # Errors
/// `Data` when a source, field, duration or time in it cannot be understood.
pub fn feature_view_from_proto(view: core::FeatureView) -> Result<FeatureView> {
    let spec = view.spec.unwrap_or_default();
    let name = spec.name.clone();
    let convert = || {
        let meta = meta_from_proto(view.meta.unwrap_or_default())?;
        Ok(FeatureView { meta, ..spec_from_proto(spec)? })
    };
    convert().map_err(|error: Error| error.context(format_args!("feature view \"{name}\"")))
}

fn spec_from_proto(spec: core::FeatureViewSpec) -> Result<FeatureView> {
    let transformation = spec.feature_transformation.and_then(transformation_from_proto);
    let is_batch =
        transformation.is_some() || !spec.mode.is_empty() || !spec.source_views.is_empty();
    let kind = if is_batch {
        let source_views = spec.source_views.into_iter().map(spec_from_proto);
        ViewKind::Batch {
            mode: spec.mode,
            transformation,
            source_views: source_views.collect::<Result<_>>()?,
        }
    } else {
        ViewKind::Plain
    };
    Ok(FeatureView {
        name: spec.name,
        kind,
        entities: spec.entities,
        entity_columns: fields_from_proto(spec.entity_columns)?,
        features: fields_from_proto(spec.features)?,
        ttl: spec.ttl.map(duration_from_proto).transpose()?,
        batch_source: spec.batch_source.map(data_source_from_proto).transpose()?,
        stream_source: spec.stream_source.map(data_source_from_proto).transpose()?,
        online: spec.online,
        offline: spec.offline,
        description: spec.description,
        tags: spec.tags,
        owner: spec.owner,
        org: spec.org,
        enable_validation: spec.enable_validation,
        version: spec.version,
        disabled: spec.disabled,
        meta: ViewMeta::default(),
    })
}

/// A stream view. The entity columns that Feast 0.67 repeats among its features are no features: they are left out, by
/// name.
///
/// # Errors
/// `Data` when a source, field, duration or time in it cannot be understood.
pub fn stream_feature_view_from_proto(view: core::StreamFeatureView) -> Result<FeatureView> {
    let spec = view.spec.unwrap_or_default();
    let name = spec.name.clone();
    let convert = || {
        let meta = meta_from_proto(view.meta.unwrap_or_default())?;
        Ok(FeatureView { meta, ..stream_spec_from_proto(spec)? })
    };
    convert().map_err(|error: Error| error.context(format_args!("stream feature view \"{name}\"")))
}

fn stream_spec_from_proto(spec: core::StreamFeatureViewSpec) -> Result<FeatureView> {
    #[expect(deprecated, reason = "the field that Feast 0.67 still reads")]
    let legacy_function = spec.user_defined_function.map(|function| function.encode_to_vec());
    let kind = ViewKind::Stream {
        mode: spec.mode,
        transformation: spec.feature_transformation.and_then(transformation_from_proto),
        legacy_function,
        aggregations: aggregations_from_proto(spec.aggregations)?,
        timestamp_field: spec.timestamp_field,
        enable_tiling: spec.enable_tiling,
        tiling_hop_size: spec.tiling_hop_size.map(duration_from_proto).transpose()?,
    };
    let entity_columns = fields_from_proto(spec.entity_columns)?;
    let mut features = fields_from_proto(spec.features)?;
    features.retain(|feature| entity_columns.iter().all(|column| column.name != feature.name));
    Ok(FeatureView {
        name: spec.name,
        kind,
        entities: spec.entities,
        entity_columns,
        features,
        ttl: spec.ttl.map(duration_from_proto).transpose()?,
        batch_source: spec.batch_source.map(data_source_from_proto).transpose()?,
        stream_source: spec.stream_source.map(data_source_from_proto).transpose()?,
        online: spec.online,
        offline: false,
        description: spec.description,
        tags: spec.tags,
        owner: spec.owner,
        org: spec.org,
        enable_validation: spec.enable_validation,
        version: spec.version,
        disabled: spec.disabled,
        meta: ViewMeta::default(),
    })
}

/// A label view. Its one source is the stream source if labels are pushed, else the batch source.
///
/// # Errors
/// `Data` when a source, field, duration or time in it cannot be understood.
pub fn label_view_from_proto(view: core::LabelView) -> Result<FeatureView> {
    let spec = view.spec.unwrap_or_default();
    let name = spec.name.clone();
    let convert = || {
        let meta = view.meta.unwrap_or_default();
        let meta = ViewMeta {
            created: meta.created_timestamp.map(timestamp_from_proto).transpose()?,
            updated: meta.last_updated_timestamp.map(timestamp_from_proto).transpose()?,
            ..ViewMeta::default()
        };
        Ok(FeatureView { meta, ..label_spec_from_proto(spec)? })
    };
    convert().map_err(|error: Error| error.context(format_args!("label view \"{name}\"")))
}

fn label_spec_from_proto(spec: core::LabelViewSpec) -> Result<FeatureView> {
    let source = spec.source.map(data_source_from_proto).transpose()?;
    let (batch_source, stream_source) = match source {
        Some(source) if is_stream(&source) => {
            (source.batch_source.as_deref().cloned(), Some(source))
        }
        source => (source, None),
    };
    #[expect(deprecated, reason = "kept as stored")]
    let retain_history = spec.retain_history;
    let kind = ViewKind::Label {
        labeler_field: spec.labeler_field,
        conflict_policy: spec.conflict_policy,
        retain_history,
        reference_feature_view: spec.reference_feature_view,
    };
    Ok(FeatureView {
        kind,
        entities: spec.entities,
        entity_columns: fields_from_proto(spec.entity_columns)?,
        features: fields_from_proto(spec.features)?,
        ttl: spec.ttl.map(duration_from_proto).transpose()?,
        batch_source,
        stream_source,
        online: spec.online,
        description: spec.description,
        tags: spec.tags,
        owner: spec.owner,
        ..FeatureView::new(spec.name)
    })
}

fn is_stream(source: &DataSource) -> bool {
    matches!(source.kind, SourceKind::Push | SourceKind::Kafka { .. } | SourceKind::Kinesis { .. })
}

fn meta_from_proto(meta: core::FeatureViewMeta) -> Result<ViewMeta> {
    let intervals = meta.materialization_intervals.into_iter().map(interval_from_proto);
    Ok(ViewMeta {
        created: meta.created_timestamp.map(timestamp_from_proto).transpose()?,
        updated: meta.last_updated_timestamp.map(timestamp_from_proto).transpose()?,
        materialization_intervals: intervals.collect::<Result<_>>()?,
        current_version_number: meta.current_version_number,
        version_id: meta.version_id,
        state: ViewState::from_number(meta.state),
    })
}
