//! Fields, types and tags.

use larder_core::{Field, Result, Tags, ValueType};

use crate::yaml::{Data, Section, Value, did_you_mean};

/// `tags: {name: value}`.
pub(super) fn tags(section: &Section<'_>) -> Result<Tags> {
    Ok(section.read("tags", Value::text_map)?.unwrap_or_default())
}

/// A schema: a list of `{name, dtype, ...}`, or a map of names to types.
pub(super) fn schema(section: &Section<'_>, key: &'static str) -> Result<Option<Vec<Field>>> {
    section.read(key, |value| match &value.node().data {
        Data::Map(entries) => entries
            .iter()
            .map(|entry| {
                let path = format!("{}.{}", value.path(), entry.key);
                let dtype = value_type(&Value::new(path, &entry.value))?;
                Ok(Field::new(entry.key.clone(), dtype))
            })
            .collect(),
        _ => value.list()?.iter().map(field).collect(),
    })
}

fn field(value: &Value<'_>) -> Result<Field> {
    let section = value.section()?;
    let field = Field {
        name: section.require("name")?.text()?,
        value_type: value_type(&section.require("dtype")?)?,
        description: section.text_or_empty("description")?,
        tags: tags(&section)?,
        vector_index: section.read("vector_index", Value::boolean)?.unwrap_or_default(),
        vector_search_metric: section.text_or_empty("vector_search_metric")?,
        vector_length: section.read("vector_length", Value::number)?.unwrap_or_default(),
    };
    section.finish()?;
    Ok(field)
}

/// A type: `Int64`, `Array(String)`, `Set(Int64)` as in `feast.types`, or `INT64`, `STRING_LIST` as in `ValueType`.
pub(super) fn value_type(value: &Value<'_>) -> Result<ValueType> {
    let text = value.text()?;
    parse_type(&text).ok_or_else(|| {
        let error = value.error(format!("\"{text}\" is no feature type"));
        match did_you_mean(&text, TYPE_NAMES.iter().map(|(name, _)| *name)) {
            Some(known) => error.with_hint(format!("did you mean \"{known}\"?")),
            None => {
                error.with_hint("write for instance Int64, Float32, String, Bool, Array(String)")
            }
        }
    })
}

/// The class names of `feast.types`.
const TYPE_NAMES: [(&str, ValueType); 17] = [
    ("Int32", ValueType::Int32),
    ("Int64", ValueType::Int64),
    ("Float32", ValueType::Float),
    ("Float64", ValueType::Double),
    ("String", ValueType::String),
    ("Bytes", ValueType::Bytes),
    ("Bool", ValueType::Bool),
    ("UnixTimestamp", ValueType::UnixTimestamp),
    ("Map", ValueType::Map),
    ("Json", ValueType::Json),
    ("Uuid", ValueType::Uuid),
    ("TimeUuid", ValueType::TimeUuid),
    ("Decimal", ValueType::Decimal),
    ("ScalarMap", ValueType::ScalarMap),
    ("ZonedTimestamp", ValueType::ZonedTimestamp),
    ("PdfBytes", ValueType::PdfBytes),
    ("ImageBytes", ValueType::ImageBytes),
];

fn parse_type(text: &str) -> Option<ValueType> {
    let text = text.trim();
    let inner = |prefix: &str| text.strip_prefix(prefix)?.strip_suffix(')').and_then(parse_type);
    if let Some(&(_, value_type)) = TYPE_NAMES.iter().find(|(name, _)| *name == text) {
        return Some(value_type);
    }
    if text.starts_with("Array(") {
        return inner("Array(")?.list_of();
    }
    if text.starts_with("Set(") {
        return inner("Set(")?.set_of();
    }
    ValueType::from_name(text).filter(|value_type| {
        !matches!(
            value_type,
            ValueType::Unknown | ValueType::Null | ValueType::Struct | ValueType::StructList
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_written_as_in_feast() {
        for (text, expected) in [
            ("Int64", Some(ValueType::Int64)),
            ("INT64", Some(ValueType::Int64)),
            ("Array(String)", Some(ValueType::StringList)),
            ("STRING_LIST", Some(ValueType::StringList)),
            ("Set(Int32)", Some(ValueType::Int32Set)),
            ("Array(Array(String))", None),
            ("Int46", None),
            ("UNKNOWN", None),
        ] {
            assert_eq!(parse_type(text), expected, "{text}");
        }
    }
}
