//! Stored views to messages.

use larder_core::{DataSource, Error, FeatureView, Field, Result, ViewKind, ViewMeta};
use prost::Message as _;

use super::FeatureViewMessage;
use crate::convert::data_source::{SourcePlace, data_source_to_proto};
use crate::convert::field::fields_to_proto;
use crate::convert::time::{duration_to_proto, interval_to_proto, timestamp_to_proto};
use crate::convert::transformation::{aggregations_to_proto, transformation_to_proto};
use crate::feast::core;

/// The message of a stored view with its meta data; sources carry no times.
///
/// What a kind of view cannot store (`offline` of a stream view, versions of a label view ...) is
/// left out. The features of a stream view hold its entity columns too, as Feast stores them.
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
    // Feast 0.67 stores the whole schema here (in hash order), the join keys among it.
    let schema: Vec<Field> = view.entity_columns.iter().chain(&view.features).cloned().collect();
    #[expect(deprecated, reason = "the field that Feast 0.67 still reads")]
    Ok(core::StreamFeatureViewSpec {
        name: view.name.clone(),
        project: project.to_owned(),
        entities: view.entities.clone(),
        features: fields_to_proto(&schema),
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
