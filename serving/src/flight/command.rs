//! The commands of Feast 0.67's remote offline store: JSON objects in Flight descriptors.

use larder_core::{Error, FeatureRef, Result, Timestamp};
use larder_proto::convert::parse_timestamp;
use serde_json::{Map, Value};

/// Longer commands than this are refused; ten thousand names fit.
const MAX_COMMAND_BYTES: usize = 4 << 20;

/// What a client wants. Keys that are not known are passed over.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Command {
    Read(Read),
    Write(Write),
}

/// Answered with a table.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Read {
    Historical(Historical),
    PullLatest(Pull),
    PullAll(Pull),
    /// Protobuf JSON of the data source.
    ColumnNamesAndTypes(String),
}

/// Answered when it is done.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Write {
    /// Rows for the batch source of a feature view.
    OfflineWriteBatch {
        view: String,
    },
    /// Served features for the logs of a feature service.
    LoggedFeatures {
        service: String,
    },
    Persist(Persist),
    /// Protobuf JSON of the data source.
    ValidateDataSource(String),
}

/// `get_historical_features`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Historical {
    pub(super) project: String,
    /// Views with their alias, if a projection of that name is meant.
    pub(super) views: Vec<(String, Option<String>)>,
    pub(super) features: Vec<FeatureRef>,
    pub(super) full_feature_names: bool,
    pub(super) start: Option<Timestamp>,
    pub(super) end: Option<Timestamp>,
    /// Whether the entity rows are given as SQL, for a warehouse.
    pub(super) is_sql: bool,
}

/// `pull_latest_from_table_or_query` and `pull_all_from_table_or_query`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pull {
    pub(super) source: String,
    pub(super) join_keys: Vec<String>,
    pub(super) features: Vec<String>,
    pub(super) timestamp_field: String,
    pub(super) created_timestamp_column: Option<String>,
    pub(super) start: Option<Timestamp>,
    pub(super) end: Option<Timestamp>,
}

/// `persist`: what a read answers, saved under a data source.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Persist {
    pub(super) read: Read,
    pub(super) source: String,
    pub(super) allow_overwrite: bool,
}

impl Command {
    /// Reads a command.
    ///
    /// # Errors
    /// `Invalid` naming the key that is missing or of another type; `Unsupported` for an unknown `api`.
    pub(super) fn parse(text: &[u8]) -> Result<Self> {
        if text.len() > MAX_COMMAND_BYTES {
            return Err(Error::invalid(format!(
                "the command has {} bytes, at most {MAX_COMMAND_BYTES} are read",
                text.len()
            )));
        }
        let keys: Map<String, Value> = serde_json::from_slice(text).map_err(|error| {
            Error::invalid(format!("the command is no JSON object: {error}")).with_source(error)
        })?;
        let keys = Keys(&keys);
        let api = keys.text("api")?;
        Ok(match api {
            "offline_write_batch" => {
                let mut views = keys.texts("feature_view_names")?;
                let one = views.pop().filter(|_| views.is_empty());
                let view = one.ok_or_else(|| Keys::wrong("feature_view_names", "one name"))?;
                Self::Write(Write::OfflineWriteBatch { view })
            }
            "write_logged_features" => Self::Write(Write::LoggedFeatures {
                service: keys.text("feature_service_name")?.to_owned(),
            }),
            "persist" => Self::Write(Write::Persist(Persist {
                read: Read::parse(keys.text("retrieve_func")?, &keys)?,
                source: keys.text("data_source_name")?.to_owned(),
                allow_overwrite: keys.boolean("allow_overwrite")?,
            })),
            "validate_data_source" => {
                Self::Write(Write::ValidateDataSource(keys.text("data_source_proto")?.to_owned()))
            }
            _ => Self::Read(Read::parse(api, &keys)?),
        })
    }

    /// Feast's name of it.
    pub(super) fn api(&self) -> &'static str {
        match self {
            Self::Read(read) => read.api(),
            Self::Write(write) => write.api(),
        }
    }
}

impl Read {
    fn parse(api: &str, keys: &Keys<'_>) -> Result<Self> {
        Ok(match api {
            "get_historical_features" => Self::Historical(Historical::parse(keys)?),
            "pull_latest_from_table_or_query" => Self::PullLatest(Pull::parse(keys)?),
            "pull_all_from_table_or_query" => Self::PullAll(Pull::parse(keys)?),
            "get_table_column_names_and_types_from_data_source" => {
                Self::ColumnNamesAndTypes(keys.text("data_source_proto")?.to_owned())
            }
            other => {
                let shown: String = other.chars().take(60).collect();
                return Err(unknown(&shown));
            }
        })
    }

    pub(super) fn api(&self) -> &'static str {
        match self {
            Self::Historical(_) => "get_historical_features",
            Self::PullLatest(_) => "pull_latest_from_table_or_query",
            Self::PullAll(_) => "pull_all_from_table_or_query",
            Self::ColumnNamesAndTypes(_) => "get_table_column_names_and_types_from_data_source",
        }
    }
}

impl Write {
    pub(super) fn api(&self) -> &'static str {
        match self {
            Self::OfflineWriteBatch { .. } => "offline_write_batch",
            Self::LoggedFeatures { .. } => "write_logged_features",
            Self::Persist(_) => "persist",
            Self::ValidateDataSource(_) => "validate_data_source",
        }
    }
}

/// The error for a command that is none, or none where it was sent; Feast 0.67's words.
pub(super) fn unknown(api: &str) -> Error {
    Error::unsupported(format!("Unknown read API: {api}"))
}

impl Historical {
    fn parse(keys: &Keys<'_>) -> Result<Self> {
        let views = keys.texts("feature_view_names")?;
        let aliases = keys.list("name_aliases")?;
        if aliases.len() != views.len() {
            return Err(Keys::wrong("name_aliases", "as long as feature_view_names"));
        }
        let aliases = aliases.iter().map(|alias| match alias {
            Value::Null => Ok(None),
            Value::String(alias) => Ok(Some(alias.clone()).filter(|alias| !alias.is_empty())),
            _ => Err(Keys::wrong("name_aliases", "a list of texts and nulls")),
        });
        let aliases = aliases.collect::<Result<Vec<_>>>()?;
        let features = keys.texts("feature_refs")?;
        Ok(Self {
            project: keys.text("project")?.to_owned(),
            views: views.into_iter().zip(aliases).collect(),
            features: features.iter().map(|text| text.parse()).collect::<Result<_>>()?,
            full_feature_names: keys.boolean("full_feature_names")?,
            start: keys.time("start_date")?,
            end: keys.time("end_date")?,
            is_sql: keys.optional("entity_df_sql").is_some(),
        })
    }
}

impl Pull {
    fn parse(keys: &Keys<'_>) -> Result<Self> {
        let created = keys.optional("created_timestamp_column");
        let created = created.map(|_| keys.text("created_timestamp_column")).transpose()?;
        Ok(Self {
            source: keys.text("data_source_name")?.to_owned(),
            join_keys: keys.texts("join_key_columns")?,
            features: keys.texts("feature_name_columns")?,
            timestamp_field: keys.text("timestamp_field")?.to_owned(),
            // Empty is the protobuf's default for none.
            created_timestamp_column: created.filter(|name| !name.is_empty()).map(str::to_owned),
            start: keys.time("start_date")?,
            end: keys.time("end_date")?,
        })
    }
}

/// The object, with errors that name the key.
struct Keys<'a>(&'a Map<String, Value>);

impl<'a> Keys<'a> {
    /// `None` for null and for nothing at all.
    fn optional(&self, key: &str) -> Option<&'a Value> {
        self.0.get(key).filter(|value| !value.is_null())
    }

    fn required(&self, key: &str) -> Result<&'a Value> {
        self.optional(key).ok_or_else(|| Error::invalid(format!("the command lacks \"{key}\"")))
    }

    fn wrong(key: &str, wanted: &str) -> Error {
        Error::invalid(format!("\"{key}\" of the command must be {wanted}"))
    }

    fn text(&self, key: &str) -> Result<&'a str> {
        self.required(key)?.as_str().ok_or_else(|| Self::wrong(key, "a text"))
    }

    fn boolean(&self, key: &str) -> Result<bool> {
        self.required(key)?.as_bool().ok_or_else(|| Self::wrong(key, "true or false"))
    }

    fn list(&self, key: &str) -> Result<&'a [Value]> {
        let list = self.required(key)?.as_array().ok_or_else(|| Self::wrong(key, "a list"))?;
        Ok(list)
    }

    fn texts(&self, key: &str) -> Result<Vec<String>> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let texts = self.list(key)?.iter().map(text).collect::<Option<_>>();
        texts.ok_or_else(|| Self::wrong(key, "a list of texts"))
    }

    /// A time as Python's `isoformat` writes it; without a zone it is UTC.
    fn time(&self, key: &str) -> Result<Option<Timestamp>> {
        if self.optional(key).is_none() {
            return Ok(None);
        }
        let parsed = parse_timestamp(self.text(key)?);
        parsed.map(Some).map_err(|error| error.context(format_args!("\"{key}\" of the command")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use larder_core::ErrorKind;

    fn parse(text: &str) -> Result<Command> {
        Command::parse(text.as_bytes())
    }

    #[test]
    fn a_retrieval_is_read_as_feasts_client_writes_it() {
        let text = r#"{"command_id": "1", "api": "get_historical_features",
            "feature_view_names": ["stats", "stats"], "feature_refs": ["st2:rate", "stats:trips"],
            "project": "p", "full_feature_names": true, "name_aliases": ["st2", null],
            "end_date": "2026-11-23T14:54:26.601702"}"#;
        let Command::Read(Read::Historical(command)) = parse(text).unwrap() else { panic!() };
        let views = [("stats", Some("st2")), ("stats", None)];
        let views = views.map(|(view, alias)| (view.to_owned(), alias.map(str::to_owned)));
        assert_eq!(command.views, views);
        assert_eq!(command.features[1], FeatureRef::new("stats", "trips"));
        assert_eq!(command.end, Some(Timestamp::from_micros(1_795_445_666_601_702)));
        assert!(command.full_feature_names && !command.is_sql && command.start.is_none());
    }

    #[test]
    fn a_pull_has_no_created_column_when_it_is_null_or_empty() {
        for created in ["null", "\"\""] {
            let text = format!(
                r#"{{"api": "pull_all_from_table_or_query", "data_source_name": "s",
                "join_key_columns": [], "feature_name_columns": ["rate"], "timestamp_field": "t",
                "created_timestamp_column": {created}, "start_date": null, "end_date": null}}"#
            );
            let Command::Read(Read::PullAll(pull)) = parse(&text).unwrap() else { panic!() };
            assert_eq!((pull.created_timestamp_column, pull.start), (None, None));
        }
    }

    #[test]
    fn what_is_no_command_is_refused() {
        let bare = |api: &str| format!(r#"{{"api": "{api}"}}"#);
        for (text, kind) in [
            ("{".to_owned(), ErrorKind::Invalid),
            ("[]".to_owned(), ErrorKind::Invalid),
            ("{}".to_owned(), ErrorKind::Invalid),
            (r#"{"api": 7}"#.to_owned(), ErrorKind::Invalid),
            (bare("zzz"), ErrorKind::Unsupported),
            (bare("get_historical_features"), ErrorKind::Invalid),
            (bare("persist"), ErrorKind::Invalid),
            (
                r#"{"api": "offline_write_batch", "feature_view_names": ["a", "b"]}"#.to_owned(),
                ErrorKind::Invalid,
            ),
            (
                r#"{"api": "persist", "retrieve_func": "persist"}"#.to_owned(),
                ErrorKind::Unsupported,
            ),
            (" ".repeat(MAX_COMMAND_BYTES + 1), ErrorKind::Invalid),
            (format!("{}{}", r#"{"a":"#.repeat(100_000), "}".repeat(100_000)), ErrorKind::Invalid),
        ] {
            assert_eq!(parse(&text).unwrap_err().kind(), kind, "{text:.60}");
        }
    }
}
