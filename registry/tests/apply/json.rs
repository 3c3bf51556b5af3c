//! Registries as JSON without what varies from run to run.

use larder_proto::descriptors;
use larder_proto::wire::registry_file::RegistryFile;
use prost_reflect::{DynamicMessage, SerializeOptions};
use serde_json::{Map, Value};

/// Fields whose values differ between any two runs of real Feast.
const FREE: [&str; 6] = [
    "created_timestamp",
    "last_updated_timestamp",
    "last_updated",
    "version_id",
    "body",
    "feature_view_proto",
];

/// A message as JSON with the names of the proto files.
pub(crate) fn message(name: &str, bytes: &[u8]) -> Value {
    let descriptor = descriptors().get_message_by_name(name).unwrap();
    let message = DynamicMessage::decode(descriptor, bytes).unwrap();
    let options =
        SerializeOptions::new().use_proto_field_name(true).stringify_64_bit_integers(false);
    message.serialize_with_options(serde_json::value::Serializer, &options).unwrap()
}

/// A registry as JSON: version records decoded, lists in name order, free fields left out.
pub(crate) fn registry(file: &RegistryFile) -> Value {
    let mut value = message("feast.core.Registry", &file.to_bytes());
    let records = file.version_records().unwrap();
    let decoded = value
        .pointer_mut("/feature_view_version_history/records")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten();
    for (json, record) in decoded.zip(&records) {
        let name = match record.feature_view_type.as_str() {
            "stream_feature_view" => "feast.core.StreamFeatureView",
            "on_demand_feature_view" => "feast.core.OnDemandFeatureView",
            "label_view" => "feast.core.LabelView",
            _ => "feast.core.FeatureView",
        };
        json["snapshot"] = message(name, &record.feature_view_proto);
    }
    clean(&mut value);
    value
}

/// Leaves out what varies, and what specs call free: empty meta, the old stream function. Lists are sorted: Feast stores
/// the features of a stream view in hash order.
fn clean(value: &mut Value) {
    match value {
        Value::Object(map) => clean_map(map),
        Value::Array(items) => {
            items.iter_mut().for_each(clean);
            items.sort_by_key(sort_key);
        }
        _ => {}
    }
}

fn clean_map(map: &mut Map<String, Value>) {
    map.retain(|key, _| !FREE.contains(&key.as_str()));
    if map.contains_key("stream_source") {
        // The deprecated function of a stream view, which only Python can pickle.
        map.remove("user_defined_function");
    }
    if let Some(Value::Object(table)) = map.get_mut("sqlite_table") {
        table.remove("path");
    }
    map.values_mut().for_each(clean);
    if map.get("meta").and_then(Value::as_object).is_some_and(Map::is_empty) {
        map.remove("meta");
    }
}

fn sort_key(value: &Value) -> String {
    let named = ["name", "feature_view_name"]
        .iter()
        .find_map(|key| value.get(key).or_else(|| value["spec"].get(key)));
    let table = value.pointer("/sqlite_table/name");
    let number = value.get("version_number").map(ToString::to_string).unwrap_or_default();
    match named.or(table) {
        Some(name) => format!(
            "{name} {number} {}",
            value.get("feature_view_name_alias").unwrap_or(&Value::Null)
        ),
        None => value.to_string(),
    }
}

/// Asserts that two registries hold the same, naming the first path at which they differ.
pub(crate) fn assert_same(ours: &Value, theirs: &Value) {
    if let Some(difference) = difference("", ours, theirs) {
        panic!("{difference}");
    }
}

fn difference(path: &str, ours: &Value, theirs: &Value) -> Option<String> {
    match (ours, theirs) {
        (Value::Object(left), Value::Object(right)) => {
            let keys: std::collections::BTreeSet<&String> =
                left.keys().chain(right.keys()).collect();
            keys.into_iter().find_map(|key| {
                let (left, right) = (left.get(key), right.get(key));
                difference(
                    &format!("{path}/{key}"),
                    left.unwrap_or(&Value::Null),
                    right.unwrap_or(&Value::Null),
                )
            })
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            left.iter().zip(right).enumerate().find_map(|(index, (left, right))| {
                difference(&format!("{path}/{index}"), left, right)
            })
        }
        _ if ours == theirs => None,
        _ => Some(format!("{path}: ours {ours:#}, Feast's {theirs:#}")),
    }
}
