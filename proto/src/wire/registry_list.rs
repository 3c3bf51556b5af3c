//! The lists of a registry file and where their objects keep name and project.

use larder_core::{ObjectKind, Result};

use super::message::{Fields, find_bytes, with_bytes};

/// A list of objects inside `feast.core.Registry`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u32)]
pub enum RegistryList {
    /// Entities.
    Entities = 1,
    /// Plain and batch feature views.
    FeatureViews = 6,
    /// Feature services.
    FeatureServices = 7,
    /// On-demand feature views.
    OnDemandFeatureViews = 8,
    /// Saved datasets.
    SavedDatasets = 11,
    /// Data sources.
    DataSources = 12,
    /// Validation references.
    ValidationReferences = 13,
    /// Stream feature views.
    StreamFeatureViews = 14,
    /// Deprecated companions of projects; their name is the project's.
    ProjectMetadata = 15,
    /// Permissions.
    Permissions = 16,
    /// Projects; they belong to no project themselves.
    Projects = 17,
    /// Label views.
    LabelViews = 19,
}

/// Field numbers of name and project inside an object.
struct Paths {
    /// Message that holds both; `None` for the object itself.
    spec: Option<u32>,
    name: u32,
    /// `None` for objects without project.
    project: Option<u32>,
}

impl RegistryList {
    /// Every list, in the order in which a registry file holds them.
    pub const ALL: [Self; 12] = [
        Self::Entities,
        Self::FeatureViews,
        Self::FeatureServices,
        Self::OnDemandFeatureViews,
        Self::SavedDatasets,
        Self::DataSources,
        Self::ValidationReferences,
        Self::StreamFeatureViews,
        Self::ProjectMetadata,
        Self::Permissions,
        Self::Projects,
        Self::LabelViews,
    ];

    /// Field number inside `feast.core.Registry`.
    pub fn number(self) -> u32 {
        self as u32
    }

    pub(crate) fn from_number(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|list| list.number() == number)
    }

    /// The list that holds objects of this kind, `None` for kinds that are no registry objects.
    pub fn of(kind: ObjectKind) -> Option<Self> {
        Some(match kind {
            ObjectKind::Project => Self::Projects,
            ObjectKind::DataSource | ObjectKind::PushSource => Self::DataSources,
            ObjectKind::Entity => Self::Entities,
            ObjectKind::FeatureView => Self::FeatureViews,
            ObjectKind::OnDemandFeatureView => Self::OnDemandFeatureViews,
            ObjectKind::StreamFeatureView => Self::StreamFeatureViews,
            ObjectKind::LabelView => Self::LabelViews,
            ObjectKind::FeatureService => Self::FeatureServices,
            ObjectKind::Permission => Self::Permissions,
            ObjectKind::SavedDataset => Self::SavedDatasets,
            ObjectKind::ValidationReference => Self::ValidationReferences,
            ObjectKind::Feature | ObjectKind::RequestData => return None,
        })
    }

    fn paths(self) -> Paths {
        let (spec, name, project) = match self {
            Self::Entities => (Some(1), 1, Some(9)),
            Self::DataSources => (None, 20, Some(21)),
            Self::ValidationReferences => (None, 1, Some(3)),
            Self::ProjectMetadata => (None, 1, None),
            Self::Projects => (Some(1), 1, None),
            Self::FeatureViews
            | Self::FeatureServices
            | Self::OnDemandFeatureViews
            | Self::SavedDatasets
            | Self::StreamFeatureViews
            | Self::Permissions
            | Self::LabelViews => (Some(1), 1, Some(2)),
        };
        Paths { spec, name, project }
    }

    /// Name and project of an encoded object of this list; absent texts are empty.
    pub(crate) fn name_and_project(self, object: &[u8]) -> Result<(String, String)> {
        let paths = self.paths();
        let holder = match paths.spec {
            Some(spec) => find_bytes(object, spec)?.unwrap_or_default(),
            None => object,
        };
        let (mut name, mut project) = ("", "");
        for field in Fields::new(holder) {
            let field = field?;
            if field.number == paths.name {
                name = field.content.text()?;
            } else if Some(field.number) == paths.project {
                project = field.content.text()?;
            }
        }
        Ok((name.to_owned(), project.to_owned()))
    }

    /// The encoded object with its project replaced; every other byte stays. Unchanged in lists whose
    /// objects have no project.
    ///
    /// Objects that a Feast client sends carry no project: the request says which.
    ///
    /// # Errors
    /// `Data` when the bytes are malformed.
    pub fn with_project(self, object: &[u8], project: &str) -> Result<Vec<u8>> {
        let paths = self.paths();
        let Some(number) = paths.project else {
            return Ok(object.to_vec());
        };
        // An empty text is not written, as everywhere in proto3.
        let project = (!project.is_empty()).then_some(project.as_bytes());
        match paths.spec {
            None => with_bytes(object, number, project),
            Some(spec) => {
                let inner = find_bytes(object, spec)?.unwrap_or_default();
                with_bytes(object, spec, Some(&with_bytes(inner, number, project)?))
            }
        }
    }
}
