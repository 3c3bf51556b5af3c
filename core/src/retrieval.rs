//! From feature references to a retrieval plan: which features of which views, computed how, named how.
//!
//! Online and offline retrieval share the plan, so both answer the same columns.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::{
    Catalog, DUMMY_JOIN_KEY, Error, FeatureRef, FeatureView, Field, ObjectKind,
    OnDemandFeatureView, OnDemandSource, Projection, Result, Subject, ValueType, ViewState,
};

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Selection {
    /// These references, in this order.
    Features(Vec<FeatureRef>),
    /// A feature service by name.
    Service(String),
}

/// A resolved selection. Indexes refer to the vectors of the same plan.
#[derive(Debug, Clone)]
pub struct RetrievalPlan {
    /// Project.
    pub project: String,
    /// Stored views to read, in order of first appearance; inputs of on-demand views included.
    pub views: Vec<ViewPlan>,
    /// On-demand views to compute.
    pub on_demand: Vec<OnDemandPlan>,
    /// Columns that must come with the request.
    pub request_columns: Vec<Field>,
    /// Answered columns: stored features grouped by view, then computed features.
    pub outputs: Vec<OutputColumn>,
}

/// Features of one stored view.
#[derive(Debug, Clone)]
pub struct ViewPlan {
    /// The view.
    pub view: Arc<FeatureView>,
    /// Projection name: the alias if there is one.
    pub name: String,
    /// Name of the online table: the view's name, with `_v<N>` when online versioning is on and N > 0.
    pub table: String,
    /// Join keys in the view's order.
    pub join_keys: Vec<JoinKey>,
    /// Features to read, requested ones first.
    pub features: Vec<Field>,
}

/// One join key of a view as a request addresses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinKey {
    /// Name in the view and in the stored entity key.
    pub key: String,
    /// Column of the request; differs from `key` under a join key map.
    pub column: String,
    /// Type.
    pub value_type: ValueType,
}

/// One on-demand view to compute.
#[derive(Debug, Clone)]
pub struct OnDemandPlan {
    /// The view.
    pub view: Arc<OnDemandFeatureView>,
    /// Projection name.
    pub name: String,
    /// What the function may read.
    pub inputs: Vec<OnDemandInput>,
}

/// One column that an on-demand function may read.
#[derive(Debug, Clone, PartialEq)]
pub struct OnDemandInput {
    /// Bare name.
    pub name: String,
    /// `view__feature` for features, which functions may use as well.
    pub full_name: Option<String>,
    /// Type.
    pub value_type: ValueType,
    /// Where the values are.
    pub source: InputSource,
}

/// Where an on-demand input comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputSource {
    /// Feature of `views[view].features[feature]`.
    Feature {
        /// Index into [`RetrievalPlan::views`].
        view: usize,
        /// Index into [`ViewPlan::features`].
        feature: usize,
    },
    /// `request_columns[index]`.
    Request(usize),
    /// `views[view].join_keys[key]`.
    JoinKey {
        /// Index into [`RetrievalPlan::views`].
        view: usize,
        /// Index into [`ViewPlan::join_keys`].
        key: usize,
    },
}

/// One answered column.
#[derive(Debug, Clone, PartialEq)]
pub struct OutputColumn {
    /// Answered name.
    pub name: String,
    /// Type.
    pub value_type: ValueType,
    /// Where the values are.
    pub source: OutputSource,
}

/// Where an answered column comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputSource {
    /// Feature of `views[view].features[feature]`.
    Stored {
        /// Index into [`RetrievalPlan::views`].
        view: usize,
        /// Index into [`ViewPlan::features`].
        feature: usize,
    },
    /// Feature of `on_demand[view].view.features[feature]`.
    Computed {
        /// Index into [`RetrievalPlan::on_demand`].
        view: usize,
        /// Index into the view's features.
        feature: usize,
    },
}

/// Groups the references of one view while keeping the order of first appearance.
struct Group {
    projection: Projection,
    features: Vec<String>,
}

impl RetrievalPlan {
    /// Resolves a selection against a catalog.
    ///
    /// # Errors
    /// - `NotFound` for an unknown view, feature or service;
    /// - `Invalid` for two outputs of one name, no feature at all, or a versioned reference while online
    ///   versioning is off.
    pub fn resolve(
        catalog: &Catalog,
        selection: &Selection,
        full_feature_names: bool,
    ) -> Result<Self> {
        let groups = match selection {
            Selection::Features(refs) => group_refs(catalog, refs)?,
            Selection::Service(name) => service_groups(catalog, name)?,
        };
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
        let (computed, stored): (Vec<_>, Vec<_>) = groups.into_iter().partition(|group| {
            catalog.on_demand_feature_views().contains_key(&group.projection.view)
        });
        for group in &stored {
            plan.add_stored(catalog, group, full_feature_names)?;
        }
        for group in &computed {
            plan.add_computed(catalog, group, full_feature_names)?;
        }
        Ok(plan)
    }

    /// Refuses views that may not be read online.
    ///
    /// # Errors
    /// `Invalid` for a disabled view, and, unless `while_materializing`, for one in any state but
    /// unspecified and available online (Feast 0.67 refuses those by default).
    pub fn check_servable(&self, while_materializing: bool) -> Result<()> {
        for plan in &self.views {
            let view = &plan.view;
            if view.disabled {
                return Err(Error::invalid(format!("feature view \"{}\" is disabled", view.name))
                    .with_hint(format!("fs feature-views enable {}", view.name)));
            }
            let servable = while_materializing
                || matches!(view.meta.state, ViewState::Unspecified | ViewState::AvailableOnline);
            if !servable {
                return Err(Error::invalid(format!(
                    "feature view \"{}\" is not available online: its state is {:?}",
                    view.name, view.meta.state
                )));
            }
        }
        for plan in &self.on_demand {
            if plan.view.disabled {
                return Err(Error::invalid(format!(
                    "on demand feature view \"{}\" is disabled",
                    plan.view.name
                )));
            }
        }
        Ok(())
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
        let view = Arc::clone(&catalog.on_demand_feature_views()[&group.projection.view]);
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
        let view = catalog.feature_view(&projection.view)?;
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

fn group_refs(catalog: &Catalog, refs: &[FeatureRef]) -> Result<Vec<Group>> {
    let mut groups: Vec<Group> = Vec::new();
    for reference in refs {
        if reference.version.is_some() && !catalog.online_versioning() {
            return Err(Error::invalid(format!(
                "\"{reference}\" names a version, but versioned reads are off"
            ))
            .with_hint("set registry.enable_online_feature_view_versioning: true"));
        }
        let known = catalog.feature_views().contains_key(&reference.view)
            || catalog.on_demand_feature_views().contains_key(&reference.view);
        if !known {
            return Err(catalog.missing(ObjectKind::FeatureView, &reference.view));
        }
        let same = |group: &&mut Group| {
            group.projection.view == reference.view
                && group.projection.version_tag == reference.version
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.features.push(reference.feature.clone()),
            None => groups.push(Group {
                projection: Projection {
                    view: reference.view.clone(),
                    alias: reference
                        .version
                        .map_or_else(String::new, |n| format!("{}@v{n}", reference.view)),
                    version_tag: reference.version,
                    ..Projection::default()
                },
                features: vec![reference.feature.clone()],
            }),
        }
    }
    Ok(groups)
}

fn service_groups(catalog: &Catalog, name: &str) -> Result<Vec<Group>> {
    let service = catalog.feature_service(name)?;
    Ok(service
        .projections
        .iter()
        .map(|projection| Group {
            projection: projection.clone(),
            features: projection.features.iter().map(|field| field.name.clone()).collect(),
        })
        .collect())
}

/// Feast 0.67: bare names must be unique; with full names only identical references collide.
fn reject_collisions(groups: &[Group], full: bool) -> Result<()> {
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    for group in groups {
        let view = group.projection.name_to_use();
        for feature in &group.features {
            let name = output_name(&group.projection, feature, full);
            if let Some(other) = seen.insert(name, view) {
                let subject = Subject {
                    kind: ObjectKind::Feature,
                    name: feature.clone(),
                    project: String::new(),
                };
                return Err(Error::new(
                    crate::ErrorKind::AlreadyExists,
                    format!(
                        "feature \"{feature}\" is asked for twice, from \"{other}\" and \"{view}\""
                    ),
                )
                .with_subject(subject)
                .with_hint(
                    "ask for full feature names, or give one view another name with with_name()",
                ));
            }
        }
    }
    Ok(())
}

fn output_name(projection: &Projection, feature: &str, full: bool) -> String {
    if full { format!("{}__{feature}", projection.name_to_use()) } else { feature.to_owned() }
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
