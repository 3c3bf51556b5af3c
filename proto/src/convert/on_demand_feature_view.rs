//! On-demand feature views.

use larder_core::{
    Error, OnDemandFeatureView, OnDemandSource, Projection, Result, Transformation, ViewMeta,
    ViewState,
};

use super::data_source::{SourcePlace, data_source_from_proto, data_source_to_proto};
use super::feature_service::{projection_from_proto, projection_to_proto};
use super::field::{fields_from_proto, fields_to_proto};
use super::time::{timestamp_from_proto, timestamp_to_proto};
use super::transformation::{
    aggregations_from_proto, aggregations_to_proto, transformation_from_proto,
    transformation_to_proto,
};
use crate::feast::core::{self, on_demand_source::Source};

/// An on-demand view. A source stored as a whole view (old clients) becomes a projection of all its
/// features; a function in the deprecated field counts if there is no other.
///
/// # Errors
/// `Data` when a source, field, duration or time in it cannot be understood.
pub fn on_demand_feature_view_from_proto(
    view: core::OnDemandFeatureView,
) -> Result<OnDemandFeatureView> {
    let spec = view.spec.unwrap_or_default();
    let name = spec.name.clone();
    let convert = || {
        let meta = meta_from_proto(view.meta.unwrap_or_default())?;
        Ok(OnDemandFeatureView { meta, ..spec_from_proto(spec)? })
    };
    convert()
        .map_err(|error: Error| error.context(format_args!("on demand feature view \"{name}\"")))
}

fn spec_from_proto(spec: core::OnDemandFeatureViewSpec) -> Result<OnDemandFeatureView> {
    let mut sources = Vec::with_capacity(spec.sources.len());
    for (name, source) in spec.sources {
        if let Some(source) = source.source {
            sources.push((name, source_from_proto(source)?));
        }
    }
    #[expect(deprecated, reason = "views of old clients have their function here")]
    let legacy_function = spec.user_defined_function;
    let transformation = spec
        .feature_transformation
        .and_then(transformation_from_proto)
        .or_else(|| legacy_function.map(legacy_function_from_proto));
    Ok(OnDemandFeatureView {
        name: spec.name,
        features: fields_from_proto(spec.features)?,
        sources,
        transformation,
        mode: spec.mode,
        singleton: spec.singleton,
        write_to_online_store: spec.write_to_online_store,
        entities: spec.entities,
        entity_columns: fields_from_proto(spec.entity_columns)?,
        aggregations: aggregations_from_proto(spec.aggregations)?,
        description: spec.description,
        tags: spec.tags,
        owner: spec.owner,
        org: spec.org,
        version: spec.version,
        disabled: spec.disabled,
        meta: ViewMeta::default(),
    })
}

fn legacy_function_from_proto(function: core::UserDefinedFunction) -> Transformation {
    Transformation::Function {
        name: function.name,
        body: function.body,
        body_text: function.body_text,
        mode: String::new(),
    }
}

fn source_from_proto(source: Source) -> Result<OnDemandSource> {
    Ok(match source {
        Source::RequestDataSource(source) => {
            OnDemandSource::Request(data_source_from_proto(source)?)
        }
        Source::FeatureViewProjection(projection) => {
            OnDemandSource::Projection(projection_from_proto(projection)?)
        }
        Source::FeatureView(view) => {
            let spec = view.spec.unwrap_or_default();
            let batch_source = spec.batch_source.map(data_source_from_proto).transpose()?;
            OnDemandSource::Projection(Projection {
                view: spec.name,
                features: fields_from_proto(spec.features)?,
                batch_source: batch_source.map(Box::new),
                ..Projection::default()
            })
        }
    })
}

fn meta_from_proto(meta: core::OnDemandFeatureViewMeta) -> Result<ViewMeta> {
    Ok(ViewMeta {
        created: meta.created_timestamp.map(timestamp_from_proto).transpose()?,
        updated: meta.last_updated_timestamp.map(timestamp_from_proto).transpose()?,
        materialization_intervals: Vec::new(),
        current_version_number: meta.current_version_number,
        version_id: meta.version_id,
        state: ViewState::from_number(meta.state),
    })
}

/// The message of an on-demand view with its meta data.
///
/// # Errors
/// `Invalid` when stored bytes inside a source (Spark table format) are broken.
pub fn on_demand_feature_view_to_proto(
    view: &OnDemandFeatureView,
    project: &str,
) -> Result<core::OnDemandFeatureView> {
    let mut spec = core::OnDemandFeatureViewSpec {
        name: view.name.clone(),
        project: project.to_owned(),
        features: fields_to_proto(&view.features),
        description: view.description.clone(),
        tags: view.tags.clone(),
        owner: view.owner.clone(),
        feature_transformation: view.transformation.as_ref().map(transformation_to_proto),
        mode: view.mode.clone(),
        write_to_online_store: view.write_to_online_store,
        entities: view.entities.clone(),
        entity_columns: fields_to_proto(&view.entity_columns),
        singleton: view.singleton,
        aggregations: aggregations_to_proto(&view.aggregations),
        version: view.version.clone(),
        org: view.org.clone(),
        disabled: view.disabled,
        ..Default::default()
    };
    for (name, source) in &view.sources {
        let source = core::OnDemandSource { source: Some(source_to_proto(source)?) };
        spec.sources.insert(name.clone(), source);
    }
    let meta = core::OnDemandFeatureViewMeta {
        created_timestamp: view.meta.created.map(timestamp_to_proto),
        last_updated_timestamp: view.meta.updated.map(timestamp_to_proto),
        current_version_number: view.meta.current_version_number,
        version_id: view.meta.version_id.clone(),
        state: view.meta.state as i32,
    };
    Ok(core::OnDemandFeatureView { spec: Some(spec), meta: Some(meta) })
}

fn source_to_proto(source: &OnDemandSource) -> Result<Source> {
    Ok(match source {
        OnDemandSource::Request(source) => {
            Source::RequestDataSource(data_source_to_proto(source, SourcePlace::Nested)?)
        }
        OnDemandSource::Projection(projection) => {
            Source::FeatureViewProjection(projection_to_proto(projection)?)
        }
    })
}
