//! The domain of Larder: values, entities, views, catalogs and retrieval plans. No IO, no clock, no wire format.

mod catalog;
mod data_source;
mod entity;
mod error;
mod feature_ref;
mod feature_service;
mod feature_view;
mod field;
mod object_kind;
mod on_demand_feature_view;
mod project;
mod retrieval;
mod status;
mod time;
mod value;
mod value_type;

pub use catalog::{Catalog, CatalogParts};
pub use data_source::{DataSource, FileFormat, SourceKind, StreamFormat, Warehouse};
pub use entity::{DUMMY_ENTITY, DUMMY_JOIN_KEY, Entity};
pub use error::{Error, ErrorKind, Location, Result, Subject};
pub use feature_ref::FeatureRef;
pub use feature_service::{FeatureService, LoggingConfig, LoggingDestination, Projection};
pub use feature_view::{Aggregation, FeatureView, Transformation, ViewKind, ViewMeta, ViewState};
pub use field::{Field, Tags};
pub use object_kind::ObjectKind;
pub use on_demand_feature_view::{OnDemandFeatureView, OnDemandSource, SQL_TAG};
pub use project::{Permission, Policy, Project};
pub use retrieval::{
    InputSource, JoinKey, OnDemandInput, OnDemandPlan, OutputColumn, OutputSource, Plane,
    RetrievalPlan, Selection, ViewPlan,
};
pub use status::{Compat, FieldStatus, RowState};
pub use time::{Clock, FixedClock, Interval, Timestamp};
pub use value::Value;
pub use value_type::ValueType;
