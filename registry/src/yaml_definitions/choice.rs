//! Formats and destinations: a word that chooses a class, with the class's parameters under it.

use std::rc::Rc;

use larder_core::Result;

use super::builder::{Builder, place};
use crate::python::{ClassSpec, Kind, Value, Variables, class};
use crate::yaml::{Data, Value as Yaml, did_you_mean};

/// A word with the module and the name of its class.
type Choice = (&'static str, &'static str, &'static str);

const FILE_FORMATS: [Choice; 2] = [
    ("parquet", "feast.data_format", "ParquetFormat"),
    ("delta", "feast.data_format", "DeltaFormat"),
];

const STREAM_FORMATS: [Choice; 3] =
    [("json", "", "JsonFormat"), ("avro", "", "AvroFormat"), ("proto", "", "ProtoFormat")];

const TABLE_FORMATS: [Choice; 4] = [
    ("iceberg", "feast.table_format", "IcebergFormat"),
    ("delta", "feast.table_format", "DeltaFormat"),
    ("hudi", "feast.table_format", "HudiFormat"),
    ("lance", "feast.table_format", "LanceFormat"),
];

const LANCE: [Choice; 1] = [("lance", "feast.table_format", "LanceFormat")];

const DESTINATIONS: [Choice; 6] = [
    ("file", "", "FileLoggingDestination"),
    ("bigquery", "", "BigQueryLoggingDestination"),
    ("redshift", "", "RedshiftLoggingDestination"),
    ("snowflake", "", "SnowflakeLoggingDestination"),
    ("athena", "", "AthenaLoggingDestination"),
    ("couchbase", "", "CouchbaseColumnarLoggingDestination"),
];

/// The words that choose a descendant of this class.
pub(super) fn of(class: &str) -> Option<&'static [Choice]> {
    Some(match class {
        "FileFormat" => &FILE_FORMATS,
        "StreamFormat" => &STREAM_FORMATS,
        "TableFormat" => &TABLE_FORMATS,
        "LanceFormat" => &LANCE,
        "LoggingDestination" => &DESTINATIONS,
        _ => return None,
    })
}

impl Builder<'_> {
    /// `word`, `{word: TEXT}` for a class with one parameter, or `{word: {parameter: ...}}`.
    pub(super) fn choose(&mut self, choices: &[Choice], value: &Yaml<'_>) -> Result<Value> {
        let words = || choices.iter().map(|(word, _, _)| *word).collect::<Vec<_>>().join(", ");
        let (word, inner) = match &value.node().data {
            Data::Map(entries) => match entries.as_slice() {
                [entry] => (entry.key.as_str(), Some(&entry.value)),
                _ => return Err(value.error(format!("expected exactly one of {}", words()))),
            },
            Data::Text(word) => (word.as_str(), None),
            _ => return Err(value.error(format!("expected one of {}", words()))),
        };
        let Some(class) = choices
            .iter()
            .find(|(known, _, _)| *known == word)
            .and_then(|(_, module, name)| class(module, name))
        else {
            let error = value.error(format!("\"{word}\" is not one of {}", words()));
            return Err(match did_you_mean(word, choices.iter().map(|(word, _, _)| *word)) {
                Some(near) => error.with_hint(format!("did you mean \"{near}\"?")),
                None => error,
            });
        };
        let inner = inner.map(|node| Yaml::new(format!("{}.{word}", value.path()), node));
        self.chosen(class, value, inner).map(Value::Object)
    }

    fn chosen(
        &mut self,
        class: &'static ClassSpec,
        value: &Yaml<'_>,
        inner: Option<Yaml<'_>>,
    ) -> Result<Rc<crate::python::Object>> {
        let location = place(value)?;
        let mut arguments = Variables::new();
        if let Some(inner) = inner {
            match (&inner.node().data, class.parameters) {
                (Data::Map(_), _) => {
                    return self.construct(class, &inner.section()?, &location);
                }
                (Data::Null, _) => {}
                (_, [only]) if matches!(only.kind, Kind::Text) => {
                    arguments.insert(Rc::from(only.name), Value::text(inner.text()?));
                }
                _ => return Err(inner.error("expected a map of its parameters")),
            }
        }
        self.constructors.construct(class, arguments, &location)
    }
}
