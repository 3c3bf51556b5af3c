//! Feature views that are stored online: plain, batch, stream and label views.

use std::time::Duration;

use crate::entity::DUMMY_ENTITY;
use crate::{DataSource, Field, Interval, ObjectKind, Tags, Timestamp};

/// A view whose rows are stored per entity.
#[expect(clippy::struct_excessive_bools, reason = "the flags of Feast's spec")]
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureView {
    /// Name.
    pub name: String,
    /// Plain, batch, stream or label view.
    pub kind: ViewKind,
    /// Entity names; `["__dummy"]` for an entityless view, never empty once validated.
    pub entities: Vec<String>,
    /// Join key columns with their types, in entity order.
    pub entity_columns: Vec<Field>,
    /// Features, without the join keys.
    pub features: Vec<Field>,
    /// How long a row may be served; `None` and zero both mean for ever.
    pub ttl: Option<Duration>,
    /// Source of offline reads; `None` for derived views and bare push sources.
    pub batch_source: Option<DataSource>,
    /// Push, Kafka or Kinesis source.
    pub stream_source: Option<DataSource>,
    /// Whether rows are served online.
    pub online: bool,
    /// Whether pushed rows go to the offline store.
    pub offline: bool,
    /// Free text.
    pub description: String,
    /// Tags.
    pub tags: Tags,
    /// Owner.
    pub owner: String,
    /// Organisation.
    pub org: String,
    /// Whether schemas are validated on materialization.
    pub enable_validation: bool,
    /// Version pin as written (`latest`, `v2` ...); empty means latest.
    pub version: String,
    /// Whether reads are refused.
    pub disabled: bool,
    /// What the registry records about the view.
    pub meta: ViewMeta,
}

/// Kind of a stored view, with what only that kind has.
#[derive(Debug, Clone, PartialEq)]
pub enum ViewKind {
    /// `FeatureView`.
    Plain,
    /// `BatchFeatureView`: a feature view with a transformation.
    Batch {
        /// Transformation mode (`python`, `sql`, `spark` ...).
        mode: String,
        /// The transformation, if any.
        transformation: Option<Transformation>,
        /// Views it is derived from, by name.
        source_views: Vec<FeatureView>,
    },
    /// `StreamFeatureView`.
    Stream {
        /// Transformation mode.
        mode: String,
        /// The transformation, if any.
        transformation: Option<Transformation>,
        /// The deprecated field 13 as another client stored it; kept byte for byte, never made.
        legacy_function: Option<Vec<u8>>,
        /// Aggregations.
        aggregations: Vec<Aggregation>,
        /// Event timestamp column of the stream.
        timestamp_field: String,
        /// Whether aggregations are tiled.
        enable_tiling: bool,
        /// Width of a tile.
        tiling_hop_size: Option<Duration>,
    },
    /// `LabelView`.
    Label {
        /// Column that names the labeler; empty when none.
        labeler_field: String,
        /// Number of Feast's `ConflictResolutionPolicy`.
        conflict_policy: i32,
        /// Whether all labels are kept.
        retain_history: bool,
        /// View that the labels are about; empty when none.
        reference_feature_view: String,
    },
}

/// A user-defined function or Substrait plan as the registry stores it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transformation {
    /// Python source text.
    Function {
        /// Function name.
        name: String,
        /// Pickled body as a Python client stored it; empty when Larder registered it.
        body: Vec<u8>,
        /// Source text with decorators and trailing newline.
        body_text: String,
        /// `python`, `pandas` ...; empty inside stream views.
        mode: String,
    },
    /// A Substrait plan.
    Substrait {
        /// Encoded plan.
        plan: Vec<u8>,
        /// Pickled ibis function.
        ibis_function: Vec<u8>,
    },
}

/// One aggregation of a stream or on-demand view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aggregation {
    /// Column aggregated.
    pub column: String,
    /// `sum`, `count`, `max` ...
    pub function: String,
    /// Window.
    pub time_window: Option<Duration>,
    /// Slide; Feast writes the window when none is given.
    pub slide_interval: Option<Duration>,
    /// Output name; empty for the default.
    pub name: String,
}

/// What the registry records about a view; never part of a comparison of definitions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ViewMeta {
    /// First applied.
    pub created: Option<Timestamp>,
    /// Last applied or materialized.
    pub updated: Option<Timestamp>,
    /// Materialized ranges, in the order recorded; may overlap or be reversed.
    pub materialization_intervals: Vec<Interval>,
    /// Version served.
    pub current_version_number: i32,
    /// Version id; Feast's file registry never sets it.
    pub version_id: String,
    /// Life-cycle state.
    pub state: ViewState,
}

impl ViewMeta {
    /// The watermark: the latest end of all intervals.
    pub fn most_recent_end_time(&self) -> Option<Timestamp> {
        self.materialization_intervals.iter().map(|interval| interval.end).max()
    }
}

/// Life-cycle state of a view, with Feast's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[repr(i32)]
pub enum ViewState {
    /// Not tracked: servable.
    #[default]
    Unspecified = 0,
    /// Applied.
    Created = 1,
    /// Offline rows exist.
    Generated = 2,
    /// Being written online.
    Materializing = 3,
    /// Servable.
    AvailableOnline = 4,
}

impl ViewState {
    /// The state with this number; unknown numbers are `Unspecified`.
    pub fn from_number(number: i32) -> Self {
        match number {
            1 => Self::Created,
            2 => Self::Generated,
            3 => Self::Materializing,
            4 => Self::AvailableOnline,
            _ => Self::Unspecified,
        }
    }
}

impl FeatureView {
    /// A plain view with Feast's defaults: online, not offline, no ttl.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            kind: ViewKind::Plain,
            entities: Vec::new(),
            entity_columns: Vec::new(),
            features: Vec::new(),
            ttl: None,
            batch_source: None,
            stream_source: None,
            online: true,
            offline: false,
            description: String::new(),
            tags: Tags::new(),
            owner: String::new(),
            org: String::new(),
            enable_validation: false,
            version: String::new(),
            disabled: false,
            meta: ViewMeta::default(),
        }
    }

    /// The registry kind.
    pub fn object_kind(&self) -> ObjectKind {
        match self.kind {
            ViewKind::Plain | ViewKind::Batch { .. } => ObjectKind::FeatureView,
            ViewKind::Stream { .. } => ObjectKind::StreamFeatureView,
            ViewKind::Label { .. } => ObjectKind::LabelView,
        }
    }

    /// Whether the view has no entity of its own.
    pub fn is_entityless(&self) -> bool {
        self.entities.is_empty() || self.entities == [DUMMY_ENTITY]
    }

    /// Name of the online table: the view's, with `_v<N>` for the current version `N` above 0 when the registry
    /// versions online views.
    pub fn table_name(&self, online_versioning: bool) -> String {
        self.table_name_of(online_versioning, self.meta.current_version_number)
    }

    /// The same for another version of the view.
    pub fn table_name_of(&self, online_versioning: bool, version: i32) -> String {
        if online_versioning && version > 0 {
            format!("{}_v{version}", self.name)
        } else {
            self.name.clone()
        }
    }

    /// The ttl if it limits anything: `None` for both absent and zero.
    pub fn effective_ttl(&self) -> Option<Duration> {
        self.ttl.filter(|ttl| !ttl.is_zero())
    }

    /// The feature of this name.
    pub fn feature(&self, name: &str) -> Option<&Field> {
        self.features.iter().find(|feature| feature.name == name)
    }
}
