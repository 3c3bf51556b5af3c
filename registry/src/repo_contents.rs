//! Everything that one apply is about: the definitions of a repository, sorted into kinds and complete.

use std::collections::{BTreeMap, HashMap};

use larder_core::{
    DataSource, Entity, Error, ErrorKind, FeatureService, FeatureView, Location, ObjectKind,
    OnDemandFeatureView, OnDemandSource, Permission, Project, Result, Subject,
};

use crate::definitions::{Definitions, Located, Object};
use crate::repo_config::RepoConfig;

/// The objects of one repository, each list in name order.
#[derive(Debug, Clone, Default)]
pub struct RepoContents {
    /// The project.
    pub project: Project,
    /// Whether the repository defines the project itself (else it is made from the configuration).
    pub project_is_defined: bool,
    /// Entities, `__dummy` among them.
    pub entities: Vec<Located<Entity>>,
    /// Top-level data sources, those that only a view names among them.
    pub data_sources: Vec<Located<DataSource>>,
    /// Plain, batch, stream and label views.
    pub feature_views: Vec<Located<FeatureView>>,
    /// On-demand views.
    pub on_demand_feature_views: Vec<Located<OnDemandFeatureView>>,
    /// Feature services.
    pub feature_services: Vec<Located<FeatureService>>,
    /// Permissions.
    pub permissions: Vec<Located<Permission>>,
    /// What looks wrong but is no error.
    pub warnings: Vec<String>,
    /// Where the functions of on-demand views start, by view; see [`Definitions::functions`].
    pub functions: BTreeMap<String, Location>,
}

impl RepoContents {
    /// Sorts definitions into kinds, adds what Feast adds (the project, `__dummy`, the sources inside views) and
    /// refuses two objects of one name.
    ///
    /// # Errors
    /// `AlreadyExists` for a name used twice (view and source names ignore case, views share one name space);
    /// `Invalid` for several projects or one that is not the configured one.
    pub fn collect(definitions: Definitions, config: &RepoConfig) -> Result<Self> {
        let mut contents = Self { functions: definitions.functions, ..Self::default() };
        contents.warnings.extend(definitions.warnings.iter().map(ToString::to_string));
        let mut projects = Vec::new();
        for Located { value, location } in definitions.objects {
            match value {
                Object::Project(value) => projects.push(Located { value, location }),
                Object::Entity(value) => contents.entities.push(Located { value, location }),
                Object::DataSource(value) => {
                    contents.data_sources.push(Located { value, location });
                }
                Object::FeatureView(value) => {
                    contents.feature_views.push(Located { value, location });
                }
                Object::OnDemandFeatureView(value) => {
                    contents.on_demand_feature_views.push(Located { value, location });
                }
                Object::FeatureService(value) => {
                    contents.feature_services.push(Located { value, location });
                }
                Object::Permission(value) => contents.permissions.push(Located { value, location }),
            }
        }
        contents.set_project(projects, config)?;
        contents.add_nested_sources()?;
        contents.check_names()?;
        let location = Location { file: "feature_store.yaml".to_owned(), line: 1, column: 0 };
        contents.entities.push(Located { value: Entity::dummy(), location });
        contents.sort();
        Ok(contents)
    }

    fn set_project(&mut self, projects: Vec<Located<Project>>, config: &RepoConfig) -> Result<()> {
        let mut projects = projects.into_iter();
        let first = projects.next();
        if let Some(second) = projects.next() {
            return Err(Error::invalid("multiple projects found in the repository")
                .with_hint("keep one project per repository")
                .with_location(second.location));
        }
        match first {
            Some(project) if project.value.name != config.project => Err(Error::invalid(format!(
                "project object \"{}\" does not match the project \"{}\" of the configuration",
                project.value.name, config.project
            ))
            .with_location(project.location)),
            Some(project) => {
                self.project = project.value;
                self.project_is_defined = true;
                Ok(())
            }
            None => {
                self.project.name.clone_from(&config.project);
                self.project.description.clone_from(&config.project_description);
                Ok(())
            }
        }
    }

    /// The sources inside views and push or stream sources are data sources of the project too.
    fn add_nested_sources(&mut self) -> Result<()> {
        let declared = std::mem::take(&mut self.data_sources);
        let mut sources = SourceSet::default();
        for source in declared {
            sources.add(source.value, &source.location, true)?;
        }
        for view in &self.feature_views {
            for source in
                [&view.value.batch_source, &view.value.stream_source].into_iter().flatten()
            {
                sources.add(source.clone(), &view.location, false)?;
            }
        }
        for view in &self.on_demand_feature_views {
            for (_, source) in &view.value.sources {
                if let OnDemandSource::Request(source) = source {
                    sources.add(source.clone(), &view.location, false)?;
                }
            }
        }
        self.data_sources = sources.sources;
        Ok(())
    }

    fn check_names(&self) -> Result<()> {
        let mut views = Names::default();
        for view in &self.feature_views {
            views.claim(
                &view.value.name.to_lowercase(),
                view.value.object_kind(),
                &view.location,
            )?;
        }
        for view in &self.on_demand_feature_views {
            let kind = ObjectKind::OnDemandFeatureView;
            views.claim(&view.value.name.to_lowercase(), kind, &view.location)?;
        }
        let mut entities = Names::default();
        for entity in &self.entities {
            entities.claim(&entity.value.name, ObjectKind::Entity, &entity.location)?;
        }
        let mut services = Names::default();
        for service in &self.feature_services {
            services.claim(&service.value.name, ObjectKind::FeatureService, &service.location)?;
        }
        let mut permissions = Names::default();
        for permission in &self.permissions {
            permissions.claim(
                &permission.value.name,
                ObjectKind::Permission,
                &permission.location,
            )?;
        }
        Ok(())
    }

    fn sort(&mut self) {
        self.entities.sort_by(|a, b| a.value.name.cmp(&b.value.name));
        self.data_sources.sort_by(|a, b| a.value.name.cmp(&b.value.name));
        self.feature_views.sort_by(|a, b| a.value.name.cmp(&b.value.name));
        self.on_demand_feature_views.sort_by(|a, b| a.value.name.cmp(&b.value.name));
        self.feature_services.sort_by(|a, b| a.value.name.cmp(&b.value.name));
        self.permissions.sort_by(|a, b| a.value.name.cmp(&b.value.name));
    }

    /// Entities by name.
    pub(crate) fn entities_by_name(&self) -> BTreeMap<&str, &Entity> {
        self.entities.iter().map(|entity| (entity.value.name.as_str(), &entity.value)).collect()
    }
}

/// Names in use, with the place of their first use.
#[derive(Default)]
struct Names(HashMap<String, (ObjectKind, Location)>);

impl Names {
    fn claim(&mut self, name: &str, kind: ObjectKind, location: &Location) -> Result<()> {
        match self.0.insert(name.to_owned(), (kind, location.clone())) {
            None => Ok(()),
            Some((other, first)) => {
                Err(taken(kind, name, &format!("{} at {first}", other.label()), location))
            }
        }
    }
}

fn taken(kind: ObjectKind, name: &str, by: &str, location: &Location) -> Error {
    let message = format!("the name of {} \"{name}\" is already used by the {by}", kind.label());
    Error::new(ErrorKind::AlreadyExists, message)
        .with_subject(Subject { kind, name: name.to_owned(), project: String::new() })
        .with_location(location.clone())
}

/// Data sources by name. One source may be met many times (inside views); two different ones may not share a name.
#[derive(Default)]
struct SourceSet {
    sources: Vec<Located<DataSource>>,
    by_name: HashMap<String, usize>,
}

impl SourceSet {
    fn add(&mut self, source: DataSource, location: &Location, declared: bool) -> Result<()> {
        if let Some(batch) = &source.batch_source {
            self.add((**batch).clone(), location, false)?;
        }
        if source.name.is_empty() {
            // Feast 0.67 cannot list a source without a name, so it is kept inside its view only.
            return Ok(());
        }
        match self.by_name.get(&source.name.to_lowercase()) {
            Some(&index) if self.sources[index].value == source => {
                if declared {
                    self.sources[index].location = location.clone();
                }
                Ok(())
            }
            Some(&index) => {
                let by = format!("different data source at {}", self.sources[index].location);
                Err(taken(ObjectKind::DataSource, &source.name, &by, location))
            }
            None => {
                self.by_name.insert(source.name.to_lowercase(), self.sources.len());
                self.sources.push(Located { value: source, location: location.clone() });
                Ok(())
            }
        }
    }
}
