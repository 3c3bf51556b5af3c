//! Stored views: plain, batch, stream and label views.

use larder_core::{
    DataSource, Error, FeatureView, Result, SourceKind, ViewKind, ViewMeta, ViewState,
};
use prost::Message as _;

use super::data_source::{SourcePlace, data_source_from_proto, data_source_to_proto};
use super::field::{fields_from_proto, fields_to_proto};
use super::time::{
    duration_from_proto, duration_to_proto, interval_from_proto, interval_to_proto,
    timestamp_from_proto, timestamp_to_proto,
};
use super::transformation::{
    aggregations_from_proto, aggregations_to_proto, transformation_from_proto,
    transformation_to_proto,
};
use crate::feast::core;

/// The message of a stored view, by kind.
#[derive(Debug, Clone, PartialEq)]
pub enum FeatureViewMessage {
    /// A plain or batch view.
    Plain(core::FeatureView),
    /// A stream view.
    Stream(core::StreamFeatureView),
    /// A label view.
    Label(core::LabelView),
}

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

/// A stream view. Features keep the entity columns that Feast stores among them.
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

/// The message of a stored view with its meta data; sources carry no times.
///
/// What a kind of view cannot store (`offline` of a stream view, versions of a label view ...) is
/// left out.
///
/// # Errors
/// `Invalid` when stored bytes inside the view (Spark table format, old stream function) are broken.
pub fn feature_view_to_proto(view: &FeatureView, project: &str) -> Result<FeatureViewMessage> {
    Ok(match &view.kind {
        ViewKind::Plain | ViewKind::Batch { .. } => FeatureViewMessage::Plain(core::FeatureView {
            spec: Some(spec_to_proto(view, project)?),
            meta: Some(meta_to_proto(&view.meta)),
        }),
        ViewKind::Stream { .. } => FeatureViewMessage::Stream(core::StreamFeatureView {
            spec: Some(stream_spec_to_proto(view, project)?),
            meta: Some(meta_to_proto(&view.meta)),
        }),
        ViewKind::Label { .. } => FeatureViewMessage::Label(core::LabelView {
            spec: Some(label_spec_to_proto(view, project)?),
            meta: Some(core::LabelViewMeta {
                created_timestamp: view.meta.created.map(timestamp_to_proto),
                last_updated_timestamp: view.meta.updated.map(timestamp_to_proto),
            }),
        }),
    })
}

fn source_to_proto(source: Option<&DataSource>) -> Result<Option<core::DataSource>> {
    source.map(|source| data_source_to_proto(source, SourcePlace::View)).transpose()
}

fn spec_to_proto(view: &FeatureView, project: &str) -> Result<core::FeatureViewSpec> {
    let (mode, transformation, source_views) = match &view.kind {
        ViewKind::Batch { mode, transformation, source_views } => {
            (mode.clone(), transformation.as_ref(), source_views.as_slice())
        }
        _ => (String::new(), None, &[][..]),
    };
    // Feast leaves the project of views inside a view empty.
    let source_views = source_views.iter().map(|view| spec_to_proto(view, ""));
    Ok(core::FeatureViewSpec {
        name: view.name.clone(),
        project: project.to_owned(),
        entities: view.entities.clone(),
        features: fields_to_proto(&view.features),
        tags: view.tags.clone(),
        ttl: view.ttl.map(duration_to_proto),
        batch_source: source_to_proto(view.batch_source.as_ref())?,
        online: view.online,
        stream_source: source_to_proto(view.stream_source.as_ref())?,
        description: view.description.clone(),
        owner: view.owner.clone(),
        entity_columns: fields_to_proto(&view.entity_columns),
        offline: view.offline,
        source_views: source_views.collect::<Result<_>>()?,
        feature_transformation: transformation.map(transformation_to_proto),
        mode,
        enable_validation: view.enable_validation,
        version: view.version.clone(),
        org: view.org.clone(),
        disabled: view.disabled,
    })
}

fn stream_spec_to_proto(view: &FeatureView, project: &str) -> Result<core::StreamFeatureViewSpec> {
    let ViewKind::Stream {
        mode,
        transformation,
        legacy_function,
        aggregations,
        timestamp_field,
        enable_tiling,
        tiling_hop_size,
    } = &view.kind
    else {
        unreachable!("called for stream views only")
    };
    #[expect(deprecated, reason = "the field that Feast 0.67 still reads")]
    Ok(core::StreamFeatureViewSpec {
        name: view.name.clone(),
        project: project.to_owned(),
        entities: view.entities.clone(),
        features: fields_to_proto(&view.features),
        entity_columns: fields_to_proto(&view.entity_columns),
        description: view.description.clone(),
        tags: view.tags.clone(),
        owner: view.owner.clone(),
        ttl: view.ttl.map(duration_to_proto),
        batch_source: source_to_proto(view.batch_source.as_ref())?,
        stream_source: source_to_proto(view.stream_source.as_ref())?,
        online: view.online,
        user_defined_function: legacy_function
            .as_deref()
            .map(legacy_function_to_proto)
            .transpose()?,
        mode: mode.clone(),
        aggregations: aggregations_to_proto(aggregations),
        timestamp_field: timestamp_field.clone(),
        feature_transformation: transformation.as_ref().map(transformation_to_proto),
        enable_tiling: *enable_tiling,
        tiling_hop_size: tiling_hop_size.map(duration_to_proto),
        enable_validation: view.enable_validation,
        version: view.version.clone(),
        org: view.org.clone(),
        disabled: view.disabled,
    })
}

fn legacy_function_to_proto(bytes: &[u8]) -> Result<core::UserDefinedFunction> {
    core::UserDefinedFunction::decode(bytes).map_err(|error| {
        Error::invalid("the stored function of a stream view cannot be decoded").with_source(error)
    })
}

fn label_spec_to_proto(view: &FeatureView, project: &str) -> Result<core::LabelViewSpec> {
    let ViewKind::Label { labeler_field, conflict_policy, retain_history, reference_feature_view } =
        &view.kind
    else {
        unreachable!("called for label views only")
    };
    #[expect(deprecated, reason = "kept as stored")]
    Ok(core::LabelViewSpec {
        name: view.name.clone(),
        project: project.to_owned(),
        entities: view.entities.clone(),
        features: fields_to_proto(&view.features),
        tags: view.tags.clone(),
        ttl: view.ttl.map(duration_to_proto),
        source: source_to_proto(view.stream_source.as_ref().or(view.batch_source.as_ref()))?,
        online: view.online,
        description: view.description.clone(),
        owner: view.owner.clone(),
        entity_columns: fields_to_proto(&view.entity_columns),
        labeler_field: labeler_field.clone(),
        conflict_policy: *conflict_policy,
        retain_history: *retain_history,
        reference_feature_view: reference_feature_view.clone(),
    })
}

fn meta_to_proto(meta: &ViewMeta) -> core::FeatureViewMeta {
    core::FeatureViewMeta {
        created_timestamp: meta.created.map(timestamp_to_proto),
        last_updated_timestamp: meta.updated.map(timestamp_to_proto),
        materialization_intervals: meta
            .materialization_intervals
            .iter()
            .copied()
            .map(interval_to_proto)
            .collect(),
        current_version_number: meta.current_version_number,
        version_id: meta.version_id.clone(),
        state: meta.state as i32,
    }
}
