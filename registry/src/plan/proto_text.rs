//! Protobuf text as Python prints it.

use prost_reflect::{DynamicMessage, EnumDescriptor, FieldDescriptor, Kind, MapKey, Value};

/// `str(message)` in Python: fields in the order of their numbers, two blanks per level, one field a line.
pub(super) fn message_text(message: &DynamicMessage) -> String {
    let mut text = String::new();
    write_message(&mut text, message, 0);
    text
}

fn write_message(text: &mut String, message: &DynamicMessage, indent: usize) {
    for (field, value) in message.fields() {
        match value {
            Value::List(items) => {
                for item in items {
                    write_field(text, &field, item, indent);
                }
            }
            Value::Map(entries) => write_map(text, &field, entries, indent),
            value => write_field(text, &field, value, indent),
        }
    }
}

fn write_field(text: &mut String, field: &FieldDescriptor, value: &Value, indent: usize) {
    write_named(text, field.name(), &field.kind(), value, indent);
}

fn write_named(text: &mut String, name: &str, kind: &Kind, value: &Value, indent: usize) {
    pad(text, indent);
    text.push_str(name);
    if let Value::Message(message) = value {
        text.push_str(" {\n");
        write_message(text, message, indent + 2);
        pad(text, indent);
        text.push_str("}\n");
    } else {
        text.push_str(": ");
        text.push_str(&scalar(kind, value));
        text.push('\n');
    }
}

fn write_map(
    text: &mut String,
    field: &FieldDescriptor,
    entries: &std::collections::HashMap<MapKey, Value>,
    indent: usize,
) {
    let Kind::Message(entry) = field.kind() else { return };
    let value_kind = entry.map_entry_value_field().kind();
    for (key, value) in sorted(entries) {
        pad(text, indent);
        text.push_str(field.name());
        text.push_str(" {\n");
        pad(text, indent + 2);
        text.push_str("key: ");
        text.push_str(&quoted(&map_key(key)));
        text.push('\n');
        write_named(text, "value", &value_kind, value, indent + 2);
        pad(text, indent);
        text.push_str("}\n");
    }
}

fn pad(text: &mut String, indent: usize) {
    text.extend(std::iter::repeat_n(' ', indent));
}

fn sorted(entries: &std::collections::HashMap<MapKey, Value>) -> Vec<(&MapKey, &Value)> {
    let mut entries: Vec<_> = entries.iter().collect();
    entries.sort_by_key(|(key, _)| map_key(key));
    entries
}

fn map_key(key: &MapKey) -> String {
    match key {
        MapKey::String(text) => text.clone(),
        MapKey::Bool(value) => value.to_string(),
        MapKey::I32(value) => value.to_string(),
        MapKey::I64(value) => value.to_string(),
        MapKey::U32(value) => value.to_string(),
        MapKey::U64(value) => value.to_string(),
    }
}

fn scalar(kind: &Kind, value: &Value) -> String {
    match (kind, value) {
        (Kind::Enum(names), Value::EnumNumber(number)) => enum_name(names, *number),
        (_, Value::String(text)) => quoted(text),
        (_, Value::Bytes(bytes)) => quoted_bytes(bytes),
        (_, Value::Bool(value)) => value.to_string(),
        (_, value) => number(value),
    }
}

fn enum_name(names: &EnumDescriptor, number: i32) -> String {
    names.get_value(number).map_or_else(|| number.to_string(), |value| value.name().to_owned())
}

fn number(value: &Value) -> String {
    match value {
        Value::I32(value) | Value::EnumNumber(value) => value.to_string(),
        Value::I64(value) => value.to_string(),
        Value::U32(value) => value.to_string(),
        Value::U64(value) => value.to_string(),
        Value::F32(value) => value.to_string(),
        Value::F64(value) => value.to_string(),
        _ => String::new(),
    }
}

fn quoted(text: &str) -> String {
    quoted_bytes(text.as_bytes())
}

/// Bytes outside printable ASCII as octal escapes.
fn quoted_bytes(bytes: &[u8]) -> String {
    let mut text = String::from("\"");
    for &byte in bytes {
        match byte {
            b'\n' => text.push_str("\\n"),
            b'\r' => text.push_str("\\r"),
            b'\t' => text.push_str("\\t"),
            b'"' => text.push_str("\\\""),
            b'\'' => text.push_str("\\'"),
            b'\\' => text.push_str("\\\\"),
            0x20..=0x7e => text.push(char::from(byte)),
            _ => {
                let octal = format!("\\{byte:03o}");
                text.push_str(&octal);
            }
        }
    }
    text.push('"');
    text
}

/// `str(value)` in Python of a field's value: what Feast prints on either side of `->`.
pub(super) fn value_text(field: &FieldDescriptor, value: &Value) -> String {
    match value {
        Value::Message(message) => message_text(message),
        Value::List(items) => {
            let items: Vec<_> = items.iter().map(element).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Map(entries) => {
            let entries: Vec<_> = sorted(entries)
                .into_iter()
                .map(|(key, value)| format!("'{}': {}", map_key(key), element(value)))
                .collect();
            format!("{{{}}}", entries.join(", "))
        }
        Value::String(text) => text.clone(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Bytes(bytes) => format!("b{}", quoted_bytes(bytes)),
        // Python shows an enum field as its number.
        value => {
            debug_assert!(!field.is_list(), "lists are handled above");
            number(value)
        }
    }
}

fn element(value: &Value) -> String {
    match value {
        Value::Message(message) => message_text(message),
        Value::String(text) => format!("'{text}'"),
        Value::Bool(value) => if *value { "True" } else { "False" }.to_owned(),
        Value::Bytes(bytes) => format!("b{}", quoted_bytes(bytes)),
        value => number(value),
    }
}
