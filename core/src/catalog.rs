//! An immutable snapshot of one project's definitions.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::{
    DataSource, Entity, Error, FeatureService, FeatureView, ObjectKind, OnDemandFeatureView,
    Project, Result, SourceKind, ValueType,
};

/// Definitions of one project, in any order; the input of [`Catalog::new`].
#[derive(Debug, Clone, Default)]
pub struct CatalogParts {
    /// The project.
    pub project: Project,
    /// Identifies the registry state that this was read from (its `version_id`).
    pub version: String,
    /// Entities.
    pub entities: Vec<Entity>,
    /// Top-level data sources.
    pub data_sources: Vec<DataSource>,
    /// Plain, batch, stream and label views.
    pub feature_views: Vec<FeatureView>,
    /// On-demand views.
    pub on_demand_feature_views: Vec<OnDemandFeatureView>,
    /// Feature services.
    pub feature_services: Vec<FeatureService>,
    /// `registry.enable_online_feature_view_versioning`.
    pub online_versioning: bool,
}

/// One project's definitions by name. Never changes; servers swap whole catalogs.
#[derive(Debug)]
pub struct Catalog {
    project: Project,
    version: String,
    online_versioning: bool,
    entities: BTreeMap<String, Arc<Entity>>,
    join_keys: BTreeMap<String, ValueType>,
    data_sources: BTreeMap<String, Arc<DataSource>>,
    feature_views: BTreeMap<String, Arc<FeatureView>>,
    on_demand_feature_views: BTreeMap<String, Arc<OnDemandFeatureView>>,
    /// On-demand views with `write_to_online_store`, as the online store keeps them.
    stored_on_demand_views: BTreeMap<String, Arc<FeatureView>>,
    feature_services: BTreeMap<String, Arc<FeatureService>>,
}

impl Catalog {
    /// Indexes the definitions; of two objects with one name the later wins, as in a registry file.
    pub fn new(parts: CatalogParts) -> Self {
        let mut join_keys: BTreeMap<String, ValueType> = parts
            .entities
            .iter()
            .map(|entity| (entity.join_key.clone(), entity.value_type))
            .collect();
        // Inference leaves the entity's own type unset, the views carry the inferred one.
        for column in parts.feature_views.iter().flat_map(|view| &view.entity_columns) {
            let known = join_keys.entry(column.name.clone()).or_default();
            if *known == ValueType::Unknown {
                *known = column.value_type;
            }
        }
        let stored = parts.on_demand_feature_views.iter().filter_map(OnDemandFeatureView::stored);
        Self {
            stored_on_demand_views: index(stored.collect(), |view| &view.name),
            project: parts.project,
            version: parts.version,
            online_versioning: parts.online_versioning,
            join_keys,
            entities: index(parts.entities, |entity| &entity.name),
            data_sources: index(parts.data_sources, |source| &source.name),
            feature_views: index(parts.feature_views, |view| &view.name),
            on_demand_feature_views: index(parts.on_demand_feature_views, |view| &view.name),
            feature_services: index(parts.feature_services, |service| &service.name),
        }
    }

    /// The project.
    pub fn project(&self) -> &Project {
        &self.project
    }

    /// The registry version this snapshot was read from.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Whether online tables carry the view's version number.
    pub fn online_versioning(&self) -> bool {
        self.online_versioning
    }

    /// Entities by name.
    pub fn entities(&self) -> &BTreeMap<String, Arc<Entity>> {
        &self.entities
    }

    /// Join keys of the project with their types, declared or inferred.
    pub fn join_keys(&self) -> &BTreeMap<String, ValueType> {
        &self.join_keys
    }

    /// Top-level data sources by name.
    pub fn data_sources(&self) -> &BTreeMap<String, Arc<DataSource>> {
        &self.data_sources
    }

    /// Stored views by name: plain, batch, stream and label views.
    pub fn feature_views(&self) -> &BTreeMap<String, Arc<FeatureView>> {
        &self.feature_views
    }

    /// On-demand views by name.
    pub fn on_demand_feature_views(&self) -> &BTreeMap<String, Arc<OnDemandFeatureView>> {
        &self.on_demand_feature_views
    }

    /// Every view that has rows in the online store: the stored views, then on-demand views with
    /// `write_to_online_store` in the form of [`OnDemandFeatureView::stored`].
    pub fn online_views(&self) -> impl Iterator<Item = &Arc<FeatureView>> {
        let computed_on_write = self.stored_on_demand_views.values();
        self.feature_views.values().chain(computed_on_write)
    }

    /// One of [`Catalog::online_views`].
    ///
    /// # Errors
    /// [`crate::ErrorKind::NotFound`].
    pub fn online_view(&self, name: &str) -> Result<&Arc<FeatureView>> {
        let computed_on_write = || self.stored_on_demand_views.get(name);
        self.feature_views
            .get(name)
            .or_else(computed_on_write)
            .ok_or_else(|| self.missing(ObjectKind::FeatureView, name))
    }

    /// Feature services by name.
    pub fn feature_services(&self) -> &BTreeMap<String, Arc<FeatureService>> {
        &self.feature_services
    }

    /// The stored view of this name.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NotFound`].
    pub fn feature_view(&self, name: &str) -> Result<&Arc<FeatureView>> {
        self.feature_views.get(name).ok_or_else(|| self.missing(ObjectKind::FeatureView, name))
    }

    /// The feature service of this name.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NotFound`].
    pub fn feature_service(&self, name: &str) -> Result<&Arc<FeatureService>> {
        self.feature_services
            .get(name)
            .ok_or_else(|| self.missing(ObjectKind::FeatureService, name))
    }

    /// Stored views whose stream source is the push source of this name.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NotFound`] when no view has that source.
    pub fn push_targets(&self, push_source: &str) -> Result<Vec<&Arc<FeatureView>>> {
        let targets: Vec<_> = self
            .feature_views
            .values()
            .filter(|view| {
                view.stream_source.as_ref().is_some_and(|source| {
                    matches!(source.kind, SourceKind::Push) && source.name == push_source
                })
            })
            .collect();
        if targets.is_empty() {
            return Err(self.missing(ObjectKind::PushSource, push_source));
        }
        Ok(targets)
    }

    /// The not-found error for this project.
    pub(crate) fn missing(&self, kind: ObjectKind, name: &str) -> Error {
        Error::not_found(kind, name, &self.project.name)
    }
}

fn index<T>(objects: Vec<T>, name: impl Fn(&T) -> &String) -> BTreeMap<String, Arc<T>> {
    objects.into_iter().map(|object| (name(&object).clone(), Arc::new(object))).collect()
}
