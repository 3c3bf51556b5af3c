//! Registries as JSON, without what differs between two runs of Feast itself.

use serde_json::{Map, Value};

/// Fields that carry times, random ids, pickled code or paths of the applying machine.
const FREE: [&str; 9] = [
    "created_timestamp",
    "last_updated_timestamp",
    "last_updated",
    "version_id",
    "body",
    "feature_view_proto",
    "infra",
    "project_metadata",
    "user_defined_function",
];

/// Drops the free fields and sorts every list of named objects by name.
///
/// What is left of two registries of the same repository is equal.
pub fn canonical(value: &Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(canonical_fields(fields)),
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(canonical).collect();
            items.sort_by_key(sort_key);
            Value::Array(items)
        }
        other => other.clone(),
    }
}

fn canonical_fields(fields: &Map<String, Value>) -> Map<String, Value> {
    let mut kept: Vec<(String, Value)> = fields
        .iter()
        .filter(|(name, _)| !FREE.contains(&name.as_str()))
        .map(|(name, value)| (name, value, canonical(value)))
        // A message that held only free fields says nothing; one that was empty does.
        .filter(|(_, before, after)| is_empty(before) || !is_empty(after))
        .map(|(name, _, after)| (name.clone(), after))
        .collect();
    kept.sort_by(|a, b| a.0.cmp(&b.0));
    kept.into_iter().collect()
}

fn is_empty(value: &Value) -> bool {
    value.as_object().is_some_and(Map::is_empty)
}

/// Objects sort by kind, name and version, everything else by its text.
fn sort_key(value: &Value) -> String {
    let names = [
        "/spec/name",
        "/name",
        "/feature_view_name",
        "/feature_view_type",
        "/version_number",
        "/column",
        "/function",
    ];
    let key: Vec<String> =
        names.iter().filter_map(|path| value.pointer(path)).map(Value::to_string).collect();
    if key.is_empty() { value.to_string() } else { key.join(" ") }
}

/// The first place where two documents differ, as `path: left != right`.
pub fn difference(left: &Value, right: &Value) -> Option<String> {
    differ("", left, right)
}

fn differ(path: &str, left: &Value, right: &Value) -> Option<String> {
    match (left, right) {
        (Value::Object(a), Value::Object(b)) => {
            let names: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            names.into_iter().find_map(|name| {
                let (a, b) = (a.get(name), b.get(name));
                let (a, b) = (a.unwrap_or(&Value::Null), b.unwrap_or(&Value::Null));
                differ(&format!("{path}/{name}"), a, b)
            })
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => a
            .iter()
            .zip(b)
            .enumerate()
            .find_map(|(index, (a, b))| differ(&format!("{path}/{index}"), a, b)),
        _ if left == right => None,
        _ => Some(format!("{path}: {left} != {right}")),
    }
}
