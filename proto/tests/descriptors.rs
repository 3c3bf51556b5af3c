//! The committed descriptors are those of Feast 0.67, judged by a dump of the installed package.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use prost::Message as _;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto,
    FileDescriptorSet,
};
use serde_json::{Map, Value, json};

const DUMP: &str = include_str!("feast-0.67.0.descriptors.json");

/// Our descriptors in the shape of the dump.
#[derive(Default)]
struct Described {
    files: Map<String, Value>,
    messages: Map<String, Value>,
    enums: Map<String, Value>,
    services: Map<String, Value>,
}

fn join(scope: &str, name: &str) -> String {
    if scope.is_empty() { name.to_owned() } else { format!("{scope}.{name}") }
}

fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort();
    names
}

fn type_name(field: &FieldDescriptorProto) -> &str {
    field.type_name().trim_start_matches('.')
}

fn scalar(field: &FieldDescriptorProto) -> String {
    let name = Type::try_from(field.r#type.unwrap()).unwrap().as_str_name();
    name.trim_start_matches("TYPE_").to_lowercase()
}

fn label(field: &FieldDescriptorProto) -> String {
    let name = Label::try_from(field.label.unwrap()).unwrap().as_str_name();
    name.trim_start_matches("LABEL_").to_lowercase()
}

fn is_map_entry(message: &DescriptorProto) -> bool {
    message.options.as_ref().is_some_and(prost_types::MessageOptions::map_entry)
}

fn map_entries(message: &DescriptorProto, scope: &str) -> BTreeMap<String, Value> {
    let entries = message.nested_type.iter().filter(|nested| is_map_entry(nested));
    entries
        .map(|entry| {
            let value = &entry.field[1];
            let target = if type_name(value).is_empty() {
                scalar(value)
            } else {
                type_name(value).to_owned()
            };
            (join(scope, entry.name()), json!({"key": scalar(&entry.field[0]), "value": target}))
        })
        .collect()
}

fn field_record(
    field: &FieldDescriptorProto,
    message: &DescriptorProto,
    maps: &BTreeMap<String, Value>,
) -> Value {
    let mut record = json!({
        "number": field.number(),
        "type": scalar(field),
        "label": label(field),
    });
    if !type_name(field).is_empty() {
        record["type_name"] = json!(type_name(field));
        if let Some(map) = maps.get(type_name(field)) {
            record["map"] = map.clone();
        }
    }
    if field.proto3_optional() {
        record["optional"] = json!(true);
    } else if let Some(index) = field.oneof_index {
        record["oneof"] = json!(message.oneof_decl[usize::try_from(index).unwrap()].name());
    }
    if field.options.as_ref().is_some_and(prost_types::FieldOptions::deprecated) {
        record["deprecated"] = json!(true);
    }
    record
}

impl Described {
    fn add_file(&mut self, file: &FileDescriptorProto) {
        let record = json!({
            "package": file.package(),
            "syntax": file.syntax(),
            "imports": sorted(file.dependency.clone()),
        });
        self.files.insert(file.name().to_owned(), record);
        for message in &file.message_type {
            self.add_message(message, file.package(), file.name());
        }
        for item in &file.enum_type {
            self.add_enum(item, file.package(), file.name());
        }
        for service in &file.service {
            let mut methods = Map::new();
            for method in &service.method {
                let record = json!({
                    "request": method.input_type().trim_start_matches('.'),
                    "response": method.output_type().trim_start_matches('.'),
                    "client_streaming": method.client_streaming(),
                    "server_streaming": method.server_streaming(),
                });
                methods.insert(method.name().to_owned(), record);
            }
            let record = json!({"file": file.name(), "methods": methods});
            self.services.insert(join(file.package(), service.name()), record);
        }
    }

    fn add_enum(&mut self, item: &EnumDescriptorProto, scope: &str, file: &str) {
        let values: Map<_, _> =
            item.value.iter().map(|v| (v.name().to_owned(), json!(v.number()))).collect();
        self.enums.insert(join(scope, item.name()), json!({"file": file, "values": values}));
    }

    fn add_message(&mut self, message: &DescriptorProto, scope: &str, file: &str) {
        let full = join(scope, message.name());
        let maps = map_entries(message, &full);
        let mut fields = Map::new();
        let mut oneofs: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for field in &message.field {
            let record = field_record(field, message, &maps);
            if let Some(oneof) = record.get("oneof").and_then(Value::as_str) {
                oneofs.entry(oneof.to_owned()).or_default().push(field.name().to_owned());
            }
            fields.insert(field.name().to_owned(), record);
        }
        let oneofs: Map<_, _> =
            oneofs.into_iter().map(|(name, members)| (name, json!(sorted(members)))).collect();
        let options = message.options.as_ref();
        let ranges: Vec<_> =
            message.reserved_range.iter().map(|r| json!([r.start(), r.end()])).collect();
        let record = json!({
            "file": file,
            "fields": fields,
            "oneofs": oneofs,
            "map_entry": is_map_entry(message),
            "deprecated": options.is_some_and(prost_types::MessageOptions::deprecated),
            "reserved_numbers": ranges,
            "reserved_names": sorted(message.reserved_name.clone()),
        });
        self.messages.insert(full.clone(), record);
        for nested in &message.nested_type {
            self.add_message(nested, &full, file);
        }
        for item in &message.enum_type {
            self.add_enum(item, &full, file);
        }
    }
}

/// Python's descriptors leave `json_name` empty (the default spelling), ours spell it out.
fn without_json_names(mut record: Value) -> Value {
    if let Some(fields) = record.get_mut("fields").and_then(Value::as_object_mut) {
        for field in fields.values_mut().filter_map(Value::as_object_mut) {
            assert_eq!(field.remove("json_name"), Some(json!("")));
        }
    }
    record
}

fn compare(section: &str, ours: &Map<String, Value>) {
    let dump: Value = serde_json::from_str(DUMP).unwrap();
    let theirs = dump[section].as_object().unwrap();
    let names = |map: &Map<String, Value>| sorted(map.keys().cloned().collect());
    assert_eq!(names(ours), names(theirs), "{section}");
    for (name, theirs) in theirs {
        assert_eq!(ours[name], without_json_names(theirs.clone()), "{section} {name}");
    }
}

fn feast() -> Described {
    let set = FileDescriptorSet::decode(larder_proto::descriptor_set()).unwrap();
    let mut described = Described::default();
    for file in set.file.iter().filter(|file| file.name().starts_with("feast/")) {
        described.add_file(file);
    }
    described
}

#[test]
fn files_have_feasts_packages_and_imports() {
    compare("files", &feast().files);
}

#[test]
fn messages_have_feasts_fields_types_labels_and_oneofs() {
    compare("messages", &feast().messages);
}

#[test]
fn enums_have_feasts_names_and_numbers() {
    compare("enums", &feast().enums);
}

#[test]
fn services_have_feasts_methods() {
    compare("services", &feast().services);
}

#[test]
fn the_descriptor_pool_knows_every_message_of_every_package() {
    let pool = larder_proto::descriptors();
    for name in [
        "feast.core.Registry",
        "feast.registry.AnyFeatureView",
        "feast.types.Value",
        "grpc.connector.OnlineReadRequest",
        "PushRequest",
        "larder.lookup.v1.BatchGetRequest",
        "larder.recommendation.v1.GetInteractionFeaturesRequest",
        "google.protobuf.Timestamp",
    ] {
        assert!(pool.get_message_by_name(name).is_some(), "{name}");
    }
}
