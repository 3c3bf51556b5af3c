//! From a selection to a plan.

use std::sync::Arc;

use super::group::{Group, group_refs, output_name, projection_groups, reject_collisions};
use super::{
    InputSource, JoinKey, OnDemandInput, OnDemandPlan, OutputColumn, OutputSource, Plane,
    RetrievalPlan, Selection, ViewPlan,
};
use crate::{
    Catalog, DUMMY_JOIN_KEY, Error, FeatureView, Field, ObjectKind, OnDemandFeatureView,
    OnDemandSource, Projection, Result, Subject, ValueType,
};

impl RetrievalPlan {
    /// Resolves a selection against a catalog, for one of the planes.
    ///
    /// # Errors
    /// - `NotFound` for an unknown view, feature or service;
    /// - `Invalid` for two outputs of one name, no feature at all, or a versioned reference while online
    ///   versioning is off.
    pub fn resolve(
        catalog: &Catalog,
        selection: &Selection,
        full_feature_names: bool,
        plane: Plane,
    ) -> Result<Self> {
        let groups = match selection {
            Selection::Features(refs) => group_refs(catalog, refs)?,
            Selection::Service(name) => {
                projection_groups(&catalog.feature_service(name)?.projections)
            }
        };
        Self::of_groups(catalog, groups, full_feature_names, plane)
    }

    /// Resolves projections as a feature service would hold them: aliases, join key maps and the features wanted.
    ///
    /// # Errors
    /// As [`RetrievalPlan::resolve`].
    pub fn resolve_projections(
        catalog: &Catalog,
        projections: &[Projection],
        full_feature_names: bool,
        plane: Plane,
    ) -> Result<Self> {
        Self::of_groups(catalog, projection_groups(projections), full_feature_names, plane)
    }

    fn of_groups(
        catalog: &Catalog,
        groups: Vec<Group>,
        full_feature_names: bool,
        plane: Plane,
    ) -> Result<Self> {
        if groups.iter().all(|group| group.features.is_empty()) {
            return Err(Error::invalid("no feature was asked for")
                .with_hint("give features or a feature service"));
        }
        reject_collisions(&groups, full_feature_names)?;
        let mut plan = Self {
            project: catalog.project().name.clone(),
            views: Vec::new(),
            on_demand: Vec::new(),
            request_columns: Vec::new(),
            outputs: Vec::new(),
        };
        let (stored, computed): (Vec<_>, Vec<_>) =
            groups.into_iter().partition(|group| is_stored(catalog, &group.projection.view, plane));
        for group in &stored {
            plan.add_stored(catalog, group, full_feature_names)?;
        }
        for group in &computed {
            plan.add_computed(catalog, group, full_feature_names)?;
        }
        Ok(plan)
    }

    fn add_stored(&mut self, catalog: &Catalog, group: &Group, full: bool) -> Result<()> {
        let view = self.view_plan(catalog, &group.projection)?;
        for name in &group.features {
            let feature = self.feature_of(catalog, view, name)?;
            let field = &self.views[view].features[feature];
            self.outputs.push(OutputColumn {
                name: output_name(&group.projection, name, full),
                value_type: field.value_type,
                source: OutputSource::Stored { view, feature },
            });
        }
        Ok(())
    }

    fn add_computed(&mut self, catalog: &Catalog, group: &Group, full: bool) -> Result<()> {
        let name = &group.projection.view;
        let view = catalog.on_demand_feature_views().get(name).map(Arc::clone);
        let view = view.ok_or_else(|| catalog.missing(ObjectKind::FeatureView, name))?;
        let inputs = self.on_demand_inputs(catalog, &view)?;
        let index = self.on_demand.len();
        for name in &group.features {
            let feature = view
                .features
                .iter()
                .position(|field| field.name == *name)
                .ok_or_else(|| unknown_feature(catalog, &view.name, name, &view.features))?;
            self.outputs.push(OutputColumn {
                name: output_name(&group.projection, name, full),
                value_type: view.features[feature].value_type,
                source: OutputSource::Computed { view: index, feature },
            });
        }
        let name = group.projection.name_to_use().to_owned();
        self.on_demand.push(OnDemandPlan { view, name, inputs });
        Ok(())
    }

    fn on_demand_inputs(
        &mut self,
        catalog: &Catalog,
        view: &OnDemandFeatureView,
    ) -> Result<Vec<OnDemandInput>> {
        let mut inputs = Vec::new();
        for (_, source) in &view.sources {
            match source {
                OnDemandSource::Projection(projection) => {
                    self.projection_inputs(catalog, projection, &mut inputs)?;
                }
                OnDemandSource::Request(_) => {}
            }
        }
        for field in view.request_fields() {
            let index = self.request_column(field);
            inputs.push(OnDemandInput {
                name: field.name.clone(),
                full_name: None,
                value_type: field.value_type,
                source: InputSource::Request(index),
            });
        }
        Ok(inputs)
    }

    fn projection_inputs(
        &mut self,
        catalog: &Catalog,
        projection: &Projection,
        inputs: &mut Vec<OnDemandInput>,
    ) -> Result<()> {
        let view = self.view_plan(catalog, projection)?;
        for field in &projection.features {
            let feature = self.feature_of(catalog, view, &field.name)?;
            inputs.push(OnDemandInput {
                name: field.name.clone(),
                full_name: Some(format!("{}__{}", projection.name_to_use(), field.name)),
                value_type: field.value_type,
                source: InputSource::Feature { view, feature },
            });
        }
        for (key, join_key) in self.views[view].join_keys.iter().enumerate() {
            if join_key.key != DUMMY_JOIN_KEY
                && inputs.iter().all(|input| input.name != join_key.column)
            {
                inputs.push(OnDemandInput {
                    name: join_key.column.clone(),
                    full_name: None,
                    value_type: join_key.value_type,
                    source: InputSource::JoinKey { view, key },
                });
            }
        }
        Ok(())
    }

    fn request_column(&mut self, field: &Field) -> usize {
        if let Some(index) = self.request_columns.iter().position(|known| known.name == field.name)
        {
            return index;
        }
        self.request_columns.push(field.clone());
        self.request_columns.len() - 1
    }

    /// Index of the plan for this projection; a projection with the same name and keys shares it.
    fn view_plan(&mut self, catalog: &Catalog, projection: &Projection) -> Result<usize> {
        let view = catalog.online_view(&projection.view)?;
        let join_keys = join_keys(catalog, view, projection);
        let table = table_name(catalog, view, projection)?;
        let name = projection.name_to_use();
        let known = self.views.iter().position(|plan| {
            plan.name == name && plan.table == table && plan.join_keys == join_keys
        });
        Ok(known.unwrap_or_else(|| {
            let view = Arc::clone(view);
            self.views.push(ViewPlan {
                view,
                name: name.to_owned(),
                table,
                join_keys,
                features: Vec::new(),
            });
            self.views.len() - 1
        }))
    }

    fn feature_of(&mut self, catalog: &Catalog, view: usize, name: &str) -> Result<usize> {
        let plan = &mut self.views[view];
        if let Some(index) = plan.features.iter().position(|field| field.name == name) {
            return Ok(index);
        }
        let field = plan
            .view
            .feature(name)
            .ok_or_else(|| unknown_feature(catalog, &plan.view.name, name, &plan.view.features))?
            .clone();
        plan.features.push(field);
        Ok(plan.features.len() - 1)
    }
}

fn is_stored(catalog: &Catalog, view: &str, plane: Plane) -> bool {
    match plane {
        Plane::Online => catalog.online_view(view).is_ok(),
        Plane::Offline => catalog.feature_views().contains_key(view),
    }
}

fn join_keys(catalog: &Catalog, view: &FeatureView, projection: &Projection) -> Vec<JoinKey> {
    let key = |name: &str, value_type| JoinKey {
        key: name.to_owned(),
        column: projection.join_key_map.get(name).map_or(name, String::as_str).to_owned(),
        value_type,
    };
    if view.is_entityless() {
        return vec![key(DUMMY_JOIN_KEY, ValueType::String)];
    }
    if !view.entity_columns.is_empty() {
        return view
            .entity_columns
            .iter()
            .map(|column| key(&column.name, column.value_type))
            .collect();
    }
    view.entities
        .iter()
        .map(|entity| match catalog.entities().get(entity) {
            Some(entity) => key(&entity.join_key, entity.value_type),
            None => key(entity, ValueType::Unknown),
        })
        .collect()
}

fn table_name(catalog: &Catalog, view: &FeatureView, projection: &Projection) -> Result<String> {
    if !catalog.online_versioning() {
        return Ok(view.name.clone());
    }
    let current = view.meta.current_version_number;
    let version = projection.version_tag.unwrap_or(current);
    if version > current {
        return Err(catalog.missing(ObjectKind::FeatureView, &format!("{}@v{version}", view.name)));
    }
    Ok(view.table_name_of(true, version))
}

fn unknown_feature(catalog: &Catalog, view: &str, feature: &str, known: &[Field]) -> Error {
    let names: Vec<_> = known.iter().map(|field| field.name.as_str()).collect();
    Error::new(
        crate::ErrorKind::NotFound,
        format!("feature view \"{view}\" has no feature \"{feature}\""),
    )
    .with_subject(Subject {
        kind: ObjectKind::Feature,
        name: format!("{view}:{feature}"),
        project: catalog.project().name.clone(),
    })
    .with_hint(format!("it has {}", names.join(", ")))
}
