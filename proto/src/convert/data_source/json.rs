//! Data sources as protobuf's JSON, which Feast's `str(data_source)` is.

use larder_core::{DataSource, Error, Result};
use prost_reflect::{DeserializeOptions, DynamicMessage};

use super::data_source_from_proto;
use crate::descriptors;
use crate::feast::core;

/// Reads a `feast.core.DataSource` in protobuf's JSON form; keys that are not known are passed over.
///
/// # Errors
/// `Invalid` for a text that is no such message.
pub fn data_source_from_json(text: &str) -> Result<DataSource> {
    const MESSAGE: &str = "feast.core.DataSource";
    let malformed = |error: Box<dyn std::error::Error + Send + Sync>| {
        Error::invalid("the data source is no feast.core.DataSource in JSON").with_source(error)
    };
    let descriptor = descriptors()
        .get_message_by_name(MESSAGE)
        .ok_or_else(|| Error::internal(format!("there is no descriptor of {MESSAGE}")))?;
    let options = DeserializeOptions::new().deny_unknown_fields(false);
    let mut json = serde_json::Deserializer::from_str(text);
    let message = DynamicMessage::deserialize_with_options(descriptor, &mut json, &options);
    let message = message.map_err(|error| malformed(error.into()))?;
    json.end().map_err(|error| malformed(error.into()))?;
    let source: core::DataSource =
        message.transcode_to().map_err(|error| malformed(error.into()))?;
    data_source_from_proto(source).map_err(|error| Error::invalid(error.message()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use larder_core::{ErrorKind, SourceKind};

    #[test]
    fn what_feasts_client_sends_is_read() {
        let text = r#"{
  "type": "BATCH_FILE",
  "timestampField": "event_timestamp",
  "createdTimestampColumn": "created",
  "fileOptions": {"uri": "/data/stats.parquet"},
  "name": "stats_src",
  "meta": {"createdTimestamp": "2026-11-23T14:54:18.538009Z"},
  "aKeyOfALaterFeast": 1
}"#;
        let source = data_source_from_json(text).unwrap();
        assert_eq!((source.name.as_str(), source.class_name()), ("stats_src", "FileSource"));
        assert_eq!(source.created_timestamp_column, "created");
        assert!(
            matches!(source.kind, SourceKind::File { uri, .. } if uri == "/data/stats.parquet")
        );
    }

    #[test]
    fn anything_else_is_refused() {
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        for text in ["", "{", "[]", "{}", r#"{"type": 7.5}"#, r#"{"name": "x"} {}"#, &deep] {
            assert_eq!(
                data_source_from_json(text).unwrap_err().kind(),
                ErrorKind::Invalid,
                "{text:.40}"
            );
        }
    }
}
