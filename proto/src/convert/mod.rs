//! Between the domain of `larder-core` and Feast's messages, both ways and without loss.
//!
//! What the domain does not hold, and conversion therefore drops: the times of entities, projects,
//! permissions and data sources (see [`Times`]), nanoseconds below a microsecond, a data source
//! class other than the usual one of its kind, and fields that Feast 0.67 never writes.

mod cast;
mod cell;
mod data_source;
mod decode_column;
mod encode_column;
mod feature_service;
mod feature_view;
mod field;
mod instant;
mod json;
mod on_demand_feature_view;
mod permission;
mod time;
mod times;
mod transformation;
mod value;

pub use cast::cast_value;
pub use data_source::{
    SourcePlace, data_source_from_json, data_source_from_proto, data_source_to_proto,
};
pub use decode_column::decode_column;
pub use encode_column::{EncodedColumn, encode_column};
pub use feature_service::{
    feature_service_from_proto, feature_service_to_proto, projection_from_proto,
    projection_to_proto,
};
pub use feature_view::{
    FeatureViewMessage, feature_view_from_proto, feature_view_from_stored, feature_view_to_proto,
    label_view_from_proto, stream_feature_view_from_proto,
};
pub use field::{
    entity_from_proto, entity_to_proto, field_from_proto, field_to_proto, project_from_proto,
    project_to_proto,
};
pub use instant::parse_timestamp;
pub use json::{infer_column_type, infer_value, value_from_json};
pub use on_demand_feature_view::{
    on_demand_feature_view_from_proto, on_demand_feature_view_to_proto,
};
pub use permission::{permission_from_proto, permission_to_proto};
pub use time::{interval_from_proto, interval_to_proto, timestamp_from_proto, timestamp_to_proto};
pub use times::{Stamped, Times};
pub use value::{decode_value, encode_value, value_from_proto, value_to_proto};
