//! Stored views as domain objects.

use larder_core::{FeatureView, Result, ViewKind, ViewMeta};

use super::label::POLICIES;
use super::schema::mode;
use super::transformation;
use crate::python::eval::record::Object;
use crate::python::eval::value::Value;
use crate::python::feast::field::{fields, tags};
use crate::python::feast::formats;
use crate::python::feast::sources::optional_source;

/// The domain view.
///
/// # Errors
/// [`larder_core::ErrorKind::Invalid`] for what the registry cannot hold.
pub(in crate::python::feast) fn feature_view(view: &Object) -> Result<FeatureView> {
    let names = view.items("entities");
    Ok(FeatureView {
        name: view.name(),
        kind: kind(view)?,
        entities: names.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        entity_columns: fields(view, "entity_columns")?,
        features: fields(view, "features")?,
        ttl: formats::duration(view, "ttl")?,
        batch_source: optional_source(&view.get("batch_source"))?,
        stream_source: optional_source(&view.get("stream_source"))?,
        online: view.get("online").truth(),
        offline: view.get("offline").truth(),
        description: view.text("description"),
        tags: tags(view),
        owner: view.text("owner"),
        org: view.text("org"),
        enable_validation: view.get("enable_validation").truth(),
        version: view.text("version"),
        disabled: view.attribute("enabled").is_some_and(|enabled| !enabled.truth()),
        meta: ViewMeta::default(),
    })
}

fn kind(view: &Object) -> Result<ViewKind> {
    let source_views = view.objects("source_views");
    Ok(match view.spec.name {
        "StreamFeatureView" => ViewKind::Stream {
            mode: mode(view),
            // Feast 0.67 leaves the mode inside a stream view's function empty.
            transformation: transformation::domain(view, ""),
            legacy_function: None,
            aggregations: formats::aggregations(view)?,
            timestamp_field: view.text("timestamp_field"),
            enable_tiling: view.get("enable_tiling").truth(),
            tiling_hop_size: formats::duration(view, "tiling_hop_size")?,
        },
        "LabelView" => ViewKind::Label {
            labeler_field: view.text("labeler_field"),
            conflict_policy: policy(&view.get("conflict_policy")),
            retain_history: false,
            reference_feature_view: view.text("reference_feature_view"),
        },
        // A plain view has neither mode nor source views; one that declares them is kept as what
        // Feast's message for both holds.
        "FeatureView" if source_views.is_empty() && mode(view).is_empty() => ViewKind::Plain,
        _ => ViewKind::Batch {
            mode: mode(view),
            transformation: transformation::domain(view, &mode(view)),
            source_views: source_views
                .iter()
                .map(|source| feature_view(source))
                .collect::<Result<_>>()?,
        },
    })
}

fn policy(value: &Value) -> i32 {
    let Value::Member(member) = value else { return 0 };
    let position = POLICIES.iter().position(|(name, _)| *name == &*member.name);
    position.and_then(|position| i32::try_from(position).ok()).unwrap_or(0)
}
