//! Registry objects in protobuf's JSON form: camelCase keys in the order of the field numbers.

use larder_core::{Error, Result};
use larder_proto::descriptors;
use larder_proto::wire::registry_file::{RegistryFile, RegistryList, StoredObject};
use prost_reflect::DynamicMessage;
use serde_json::{Map, Value};

/// The name of the message that a list holds.
fn message_name(list: RegistryList) -> &'static str {
    match list {
        RegistryList::Entities => "feast.core.Entity",
        RegistryList::FeatureViews => "feast.core.FeatureView",
        RegistryList::FeatureServices => "feast.core.FeatureService",
        RegistryList::OnDemandFeatureViews => "feast.core.OnDemandFeatureView",
        RegistryList::SavedDatasets => "feast.core.SavedDataset",
        RegistryList::DataSources => "feast.core.DataSource",
        RegistryList::ValidationReferences => "feast.core.ValidationReference",
        RegistryList::StreamFeatureViews => "feast.core.StreamFeatureView",
        RegistryList::ProjectMetadata => "feast.core.ProjectMetadata",
        RegistryList::Permissions => "feast.core.Permission",
        RegistryList::Projects => "feast.core.Project",
        RegistryList::LabelViews => "feast.core.LabelView",
    }
}

/// One object without its project, which Feast's Python objects do not hold either.
///
/// # Errors
/// `Data` when the stored bytes are no such message.
pub(crate) fn object(list: RegistryList, stored: &StoredObject) -> Result<Value> {
    let mut value = message(message_name(list), stored.bytes())
        .map_err(|error| error.context(format_args!("the registry entry \"{}\"", stored.name())))?;
    for holder in ["/spec", ""] {
        let without_project = |map: &mut Map<String, Value>| map.shift_remove("project");
        if list != RegistryList::ProjectMetadata {
            value.pointer_mut(holder).and_then(Value::as_object_mut).and_then(without_project);
        }
    }
    Ok(value)
}

/// All objects of a project, sorted by name.
///
/// # Errors
/// As [`object`].
pub(crate) fn objects(
    file: &RegistryFile,
    list: RegistryList,
    project: &str,
) -> Result<Vec<(String, Value)>> {
    let owner = if list == RegistryList::Projects { "" } else { project };
    let mut all = file
        .objects_of(list, owner)
        .map(|stored| Ok((stored.name().to_owned(), object(list, stored)?)))
        .collect::<Result<Vec<_>>>()?;
    all.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(all)
}

/// A message of this full name.
///
/// # Errors
/// `Data` when the bytes are no such message.
pub(crate) fn message(name: &str, bytes: &[u8]) -> Result<Value> {
    let descriptor =
        descriptors().get_message_by_name(name).expect("every registry message has a descriptor");
    DynamicMessage::decode(descriptor, bytes)
        .map_err(|error| Error::data(format!("not a {name}")).with_source(error))
        .and_then(|message| {
            serde_json::to_value(message).map_err(|error| {
                Error::data(format!("a {name} without JSON form")).with_source(error)
            })
        })
}

/// The text at a JSON pointer; empty when there is none.
pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The list at a JSON pointer; empty when there is none.
pub(crate) fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
