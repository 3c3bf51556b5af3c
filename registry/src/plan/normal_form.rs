//! When two definitions are the same, and when they differ in what is versioned.

use larder_core::{
    Aggregation, FeatureService, FeatureView, Field, OnDemandFeatureView, Permission,
    Transformation, ViewKind, ViewMeta,
};

use crate::definitions::Object;

/// A definition without what does not count: times and other meta data, pickled function bodies, order of lists
/// that are sets in Python, spellings of "latest".
#[derive(Debug, PartialEq)]
pub(crate) struct Comparable(Object);

impl Comparable {
    /// The comparable form of a definition.
    pub(crate) fn new(object: &Object) -> Self {
        let mut object = without_opaque(object);
        match &mut object {
            Object::FeatureView(view) => sort_view(view),
            Object::OnDemandFeatureView(view) => sort_on_demand(view),
            Object::FeatureService(service) => sort_service(service),
            Object::Permission(permission) => sort_permission(permission),
            Object::Project(_) | Object::DataSource(_) | Object::Entity(_) => {}
        }
        Self(object)
    }
}

/// A definition without meta data and opaque bytes, in its own order (where it has one).
pub(super) fn without_opaque(object: &Object) -> Object {
    let mut object = object.clone();
    match &mut object {
        Object::FeatureView(view) => strip_view(view),
        Object::OnDemandFeatureView(view) => {
            view.meta = ViewMeta::default();
            normalize_version(&mut view.version);
            strip_body(&mut view.transformation);
        }
        Object::FeatureService(service) => {
            service.created = None;
            service.updated = None;
        }
        _ => {}
    }
    object
}

fn strip_view(view: &mut FeatureView) {
    view.meta = ViewMeta::default();
    normalize_version(&mut view.version);
    match &mut view.kind {
        ViewKind::Stream { transformation, legacy_function, .. } => {
            *legacy_function = None;
            strip_body(transformation);
            // Feast 0.67 stores the features of a stream view in random order, so they have none of their own.
            by_name(&mut view.features);
        }
        ViewKind::Batch { transformation, source_views, .. } => {
            strip_body(transformation);
            source_views.iter_mut().for_each(strip_view);
        }
        ViewKind::Plain | ViewKind::Label { .. } => {}
    }
}

fn strip_body(transformation: &mut Option<Transformation>) {
    if let Some(Transformation::Function { body, .. }) = transformation {
        body.clear();
    }
}

/// `latest` and nothing are the same, `version2` and `V2` are `v2`.
fn normalize_version(version: &mut String) {
    let lower = version.to_lowercase();
    *version = match lower.strip_prefix("version").or_else(|| lower.strip_prefix('v')) {
        Some(number) => format!("v{number}"),
        None => "latest".to_owned(),
    };
}

fn by_name(fields: &mut [Field]) {
    fields.sort_by(|a, b| a.name.cmp(&b.name));
}

fn sort_view(view: &mut FeatureView) {
    view.entities.sort();
    by_name(&mut view.features);
    by_name(&mut view.entity_columns);
    if let ViewKind::Batch { source_views, .. } = &mut view.kind {
        source_views.iter_mut().for_each(sort_view);
    }
}

fn sort_on_demand(view: &mut OnDemandFeatureView) {
    view.entities.sort();
    by_name(&mut view.features);
    by_name(&mut view.entity_columns);
    view.sources.sort_by(|a, b| a.0.cmp(&b.0));
}

fn sort_service(service: &mut FeatureService) {
    service.projections.sort_by(|a, b| (&a.view, &a.alias).cmp(&(&b.view, &b.alias)));
}

fn sort_permission(permission: &mut Permission) {
    permission.types.sort_unstable();
    permission.actions.sort_unstable();
}

/// Whether a view changed in a way that makes a new version.
///
/// Feast 0.67 counts features, entities, entity columns and source views; of stream views also function text,
/// aggregations, timestamp field and mode; of on-demand views function, mode, sources, entity columns and
/// aggregations; of label views the labels only. Of batch views Feast forgets the function and then drops its
/// change: here it counts.
pub(crate) fn schema_changed(old: &Object, new: &Object) -> bool {
    match (Comparable::new(old).0, Comparable::new(new).0) {
        (Object::FeatureView(old), Object::FeatureView(new)) => stored_view_changed(&old, &new),
        (Object::OnDemandFeatureView(old), Object::OnDemandFeatureView(new)) => {
            on_demand_changed(&old, &new)
        }
        _ => true,
    }
}

fn stored_view_changed(old: &FeatureView, new: &FeatureView) -> bool {
    if old.features != new.features {
        return true;
    }
    if let (ViewKind::Label { .. }, ViewKind::Label { .. }) = (&old.kind, &new.kind) {
        return false;
    }
    old.entities != new.entities
        || old.entity_columns != new.entity_columns
        || computation(&old.kind) != computation(&new.kind)
}

type Computation<'a> =
    (&'a str, Option<&'a Transformation>, &'a [Aggregation], &'a str, &'a [FeatureView]);

fn computation(kind: &ViewKind) -> Computation<'_> {
    match kind {
        ViewKind::Plain | ViewKind::Label { .. } => ("", None, &[], "", &[]),
        ViewKind::Batch { mode, transformation, source_views } => {
            (mode, transformation.as_ref(), &[], "", source_views)
        }
        ViewKind::Stream { mode, transformation, aggregations, timestamp_field, .. } => {
            (mode, transformation.as_ref(), aggregations, timestamp_field, &[])
        }
    }
}

fn on_demand_changed(old: &OnDemandFeatureView, new: &OnDemandFeatureView) -> bool {
    old.features != new.features
        || old.transformation != new.transformation
        || old.mode != new.mode
        || old.entity_columns != new.entity_columns
        || old.aggregations != new.aggregations
        || old.sources != new.sources
}
