//! The kinds of object that a registry holds.

/// Kind of a registry object, in the order in which Feast lists them in a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ObjectKind {
    /// `Project`.
    Project,
    /// `DataSource`.
    DataSource,
    /// `Entity`.
    Entity,
    /// `FeatureView` and `BatchFeatureView`.
    FeatureView,
    /// `OnDemandFeatureView`.
    OnDemandFeatureView,
    /// `StreamFeatureView`.
    StreamFeatureView,
    /// `LabelView`.
    LabelView,
    /// `FeatureService`.
    FeatureService,
    /// `Permission`.
    Permission,
    /// `SavedDataset`.
    SavedDataset,
    /// `ValidationReference`.
    ValidationReference,
    /// A push source looked up by name in a push request.
    PushSource,
    /// A feature of a view.
    Feature,
    /// A request column that an on-demand view needs.
    RequestData,
}

impl ObjectKind {
    /// The words for it in messages, as Feast's CLI prints them ("on demand feature view").
    pub fn label(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::DataSource => "data source",
            Self::Entity => "entity",
            Self::FeatureView => "feature view",
            Self::OnDemandFeatureView => "on demand feature view",
            Self::StreamFeatureView => "stream feature view",
            Self::LabelView => "label view",
            Self::FeatureService => "feature service",
            Self::Permission => "permission",
            Self::SavedDataset => "saved dataset",
            Self::ValidationReference => "validation reference",
            Self::PushSource => "push source",
            Self::Feature => "feature",
            Self::RequestData => "request column",
        }
    }
}
