//! What a feature repository defines, whether it was written in Python or in YAML.

use std::collections::BTreeMap;
use std::fmt;

use larder_core::{
    DataSource, Entity, FeatureService, FeatureView, Location, ObjectKind, OnDemandFeatureView,
    Permission, Project,
};

/// A value and where in the repository it is defined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// Where it is defined.
    pub location: Location,
}

/// One defined object.
///
/// Two things cannot be known before the whole repository has been read, and are left to inference:
/// features chosen from a view without a declared schema have the type `Unknown`, and a projection made
/// from a text reference (`"view:feature"`) has no source and at most that one feature, of type `Unknown`.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "objects are few and soon taken apart")]
pub enum Object {
    /// A project.
    Project(Project),
    /// An entity.
    Entity(Entity),
    /// A data source.
    DataSource(DataSource),
    /// A plain, batch, stream or label view.
    FeatureView(FeatureView),
    /// An on-demand view.
    OnDemandFeatureView(OnDemandFeatureView),
    /// A feature service.
    FeatureService(FeatureService),
    /// A permission.
    Permission(Permission),
}

impl Object {
    /// The registry kind.
    pub fn kind(&self) -> ObjectKind {
        match self {
            Self::Project(_) => ObjectKind::Project,
            Self::Entity(_) => ObjectKind::Entity,
            Self::DataSource(_) => ObjectKind::DataSource,
            Self::FeatureView(view) => view.object_kind(),
            Self::OnDemandFeatureView(_) => ObjectKind::OnDemandFeatureView,
            Self::FeatureService(_) => ObjectKind::FeatureService,
            Self::Permission(_) => ObjectKind::Permission,
        }
    }

    /// The name.
    pub fn name(&self) -> &str {
        match self {
            Self::Project(object) => &object.name,
            Self::Entity(object) => &object.name,
            Self::DataSource(object) => &object.name,
            Self::FeatureView(object) => &object.name,
            Self::OnDemandFeatureView(object) => &object.name,
            Self::FeatureService(object) => &object.name,
            Self::Permission(object) => &object.name,
        }
    }
}

/// Something that works but should be changed: an old spelling, a function that other Feast clients cannot run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// What, in one line.
    pub message: String,
    /// Where, if it has a place.
    pub location: Option<Location>,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.location {
            Some(location) => write!(f, "{location}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

/// Everything that a repository defines, in the order in which Feast collects it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Definitions {
    /// The objects.
    pub objects: Vec<Located<Object>>,
    /// The warnings.
    pub warnings: Vec<Warning>,
    /// The line on which the text of an on-demand view's function starts, by the name of the view. A view whose text
    /// stands in no file of its own is not here.
    pub functions: BTreeMap<String, Location>,
}
