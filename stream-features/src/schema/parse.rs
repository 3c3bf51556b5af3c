//! Avro schemas as event types.

use std::collections::HashMap;

use apache_avro::Schema;
use apache_avro::schema::{Name, RecordField, RecordSchema};
use larder_core::{Error, Result};
use serde_json::Value as Json;

use super::event_type::{Default, EventType, FieldType, Kind, TimeUnit};
use crate::scalar::ScalarType;

/// How deep types may nest; a type that holds itself nests without end.
const MAX_DEPTH: usize = 32;

impl EventType {
    /// The event type that an Avro schema declares.
    ///
    /// # Errors
    /// `Invalid` for text that is no schema of a record; `Unsupported` for types that events cannot have here.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let schema = Schema::parse_str(text)
            .map_err(|error| Error::invalid("not an Avro schema").with_source(error))?;
        let Schema::Record(record) = &schema else {
            return Err(Error::invalid("the schema of an event is that of a record"));
        };
        let mut named = HashMap::new();
        let fields = record_fields(record, "", 0, &mut named)?;
        Ok(Self::new(schema, fields))
    }
}

fn record_fields(
    record: &RecordSchema,
    path: &str,
    depth: usize,
    named: &mut HashMap<Name, Schema>,
) -> Result<Vec<FieldType>> {
    named.insert(record.name.clone(), Schema::Record(record.clone()));
    let field = |field: &RecordField| {
        let path =
            if path.is_empty() { field.name.clone() } else { format!("{path}.{}", field.name) };
        let mut made = value_type(&field.schema, &field.name, path, depth + 1, named)?;
        if field.default.as_ref().and_then(Json::as_array).is_some_and(|items| !items.is_empty()) {
            let message = format!("field \"{}\": a default with elements", made.path);
            return Err(Error::unsupported(message).with_hint("a list's default is empty or null"));
        }
        made.default = default(&made, field.default.as_ref());
        Ok(made)
    };
    record.fields.iter().map(field).collect()
}

fn value_type(
    schema: &Schema,
    name: &str,
    path: String,
    depth: usize,
    named: &mut HashMap<Name, Schema>,
) -> Result<FieldType> {
    if depth > MAX_DEPTH {
        return Err(Error::unsupported(format!("field \"{path}\": types nest without end")));
    }
    let (schema, nullable) = without_null(schema, &path)?;
    let kind = kind(&schema, &path, depth, named)?;
    let default = if nullable { Default::Null } else { Default::Required };
    Ok(FieldType { name: name.to_owned(), path, kind, nullable, default, column: None })
}

/// The one type of a union besides null.
fn without_null(schema: &Schema, path: &str) -> Result<(Schema, bool)> {
    let Schema::Union(union) = schema else { return Ok((schema.clone(), false)) };
    let others: Vec<_> = union.variants().iter().filter(|one| **one != Schema::Null).collect();
    match others[..] {
        [one] => Ok((one.clone(), others.len() < union.variants().len())),
        _ => Err(Error::unsupported(format!("field \"{path}\": a union of several types"))
            .with_hint("an event's field is of one type, or of one type and null")),
    }
}

fn kind(
    schema: &Schema,
    path: &str,
    depth: usize,
    named: &mut HashMap<Name, Schema>,
) -> Result<Kind> {
    let items = |schema: &Schema, named: &mut HashMap<Name, Schema>| {
        value_type(schema, "", format!("{path}[]"), depth + 1, named).map(Box::new)
    };
    Ok(match schema {
        Schema::Boolean => Kind::Scalar(ScalarType::Bool, None),
        Schema::Int | Schema::Long | Schema::Date | Schema::TimeMillis | Schema::TimeMicros => {
            Kind::Scalar(ScalarType::Int, None)
        }
        Schema::TimestampMillis => Kind::Scalar(ScalarType::Int, Some(TimeUnit::Millis)),
        Schema::TimestampMicros => Kind::Scalar(ScalarType::Int, Some(TimeUnit::Micros)),
        Schema::TimestampNanos => Kind::Scalar(ScalarType::Int, Some(TimeUnit::Nanos)),
        Schema::Float | Schema::Double => Kind::Scalar(ScalarType::Double, None),
        Schema::String => Kind::Scalar(ScalarType::Text, None),
        Schema::Enum(symbols) => {
            named.insert(symbols.name.clone(), schema.clone());
            Kind::Symbols(symbols.symbols.clone())
        }
        Schema::Record(record) => Kind::Record(record_fields(record, path, depth, named)?),
        Schema::Map(map) => Kind::Map { values: items(&map.types, named)?, wanted: Vec::new() },
        Schema::Array(array) => Kind::List { items: items(&array.items, named)?, wanted: None },
        Schema::Ref { name } => match named.get(name).cloned() {
            Some(schema) => kind(&schema, path, depth + 1, named)?,
            None => {
                return Err(Error::invalid(format!("field \"{path}\": no type is named {name}")));
            }
        },
        other => {
            let hint = "use boolean, int, long, float, double, string, enum, record, map, array or a timestamp";
            return Err(Error::unsupported(format!(
                "field \"{path}\": the type {other:?} cannot be used"
            ))
            .with_hint(hint));
        }
    })
}

fn default(field: &FieldType, declared: Option<&Json>) -> Default {
    match (declared, &field.kind) {
        (None, _) => field.default.clone(),
        (Some(Json::Bool(truth)), Kind::Scalar(ScalarType::Bool, _)) => Default::Bool(*truth),
        (Some(Json::Number(number)), Kind::Scalar(ScalarType::Int, _)) => {
            number.as_i64().map_or(Default::Null, Default::Int)
        }
        (Some(Json::Number(number)), Kind::Scalar(ScalarType::Double, _)) => {
            number.as_f64().map_or(Default::Null, Default::Double)
        }
        (Some(Json::String(text)), Kind::Scalar(ScalarType::Text, _) | Kind::Symbols(_)) => {
            Default::Text(text.clone())
        }
        (Some(Json::Array(items)), Kind::List { .. }) if items.is_empty() => Default::Empty,
        (Some(Json::Object(entries)), Kind::Map { .. }) if entries.is_empty() => Default::Empty,
        // The parser has checked that the default is of the type: a map, a record, null.
        (Some(_), _) => Default::Null,
    }
}

#[cfg(test)]
mod tests {
    use larder_core::ErrorKind;

    use super::*;

    const EVENT: &str = r#"{"type": "record", "name": "Event", "fields": [
        {"name": "id", "type": "string"},
        {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["a", "b"]}},
        {"name": "again", "type": ["null", "Kind"], "default": null},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "properties", "type": {"type": "map", "values": "string"}},
        {"name": "items", "type": {"type": "array", "items": "long"}},
        {"name": "context", "type": {"type": "record", "name": "Context", "fields": [
            {"name": "ip", "type": ["null", "string"]}, {"name": "port", "type": "int", "default": 80}]}}]}"#;

    #[test]
    fn wanted_fields_get_columns_in_the_order_of_the_asking() {
        let mut event = EventType::parse(EVENT).unwrap();
        let column = |event: &mut EventType, path: &[&str]| {
            event.want(path).map(|slot| (slot.column, slot.value_type))
        };
        assert_eq!(column(&mut event, &["context", "ip"]).unwrap(), (0, ScalarType::Text));
        assert_eq!(column(&mut event, &["properties", "x"]).unwrap(), (1, ScalarType::Text));
        assert_eq!(column(&mut event, &["again"]).unwrap(), (2, ScalarType::Text));
        assert_eq!(column(&mut event, &["properties", "x"]).unwrap(), (1, ScalarType::Text));
        assert_eq!(event.want(&["at"]).unwrap().unit, Some(TimeUnit::Millis));
        assert_eq!(event.columns().len(), 4);
        for (path, kind) in [
            (&["nope"][..], ErrorKind::Invalid),
            (&["context"], ErrorKind::Invalid),
            (&["properties"], ErrorKind::Invalid),
            (&["id", "x"], ErrorKind::Invalid),
            (&["items"], ErrorKind::Invalid),
        ] {
            assert_eq!(event.want(path).unwrap_err().kind(), kind, "{path:?}");
        }
    }

    #[test]
    fn what_is_no_schema_of_an_event_is_refused() {
        let recursive =
            r#"{"type": "record", "name": "R", "fields": [{"name": "r", "type": ["null", "R"]}]}"#;
        for (text, kind) in [
            ("{", ErrorKind::Invalid),
            ("\"string\"", ErrorKind::Invalid),
            (recursive, ErrorKind::Unsupported),
        ] {
            assert_eq!(EventType::parse(text).unwrap_err().kind(), kind, "{text}");
        }
    }
}
