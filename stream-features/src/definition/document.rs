//! The YAML form of a job. Keys that are not here are refused, with the place.

use serde::Deserialize;
use serde_saphyr::Spanned;

use super::duration::Micros;
use super::named::Named;
use crate::decode::EventFormat;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Document {
    pub(crate) job: Spanned<String>,
    /// For people.
    #[serde(default, rename = "description")]
    pub(crate) _description: String,
    pub(crate) source: Source,
    #[serde(default)]
    pub(crate) watermark: Watermark,
    /// `<list> as <name>`: every element of the list is an event of its own.
    pub(crate) explode: Option<Spanned<String>>,
    /// Only events for which this is true are the job's.
    pub(crate) filter: Option<Spanned<String>>,
    /// Names for expressions; one may use those before it.
    #[serde(default)]
    pub(crate) derive: Named,
    /// Columns of the key with their expressions.
    pub(crate) key: Named,
    #[serde(default)]
    pub(crate) aggregate: Vec<Spanned<Aggregate>>,
    pub(crate) emit: Option<EmitOption>,
    pub(crate) session: Option<Spanned<Session>>,
    pub(crate) rules: Option<Spanned<Rules>>,
    pub(crate) view: Option<Spanned<String>>,
    pub(crate) output: Option<Spanned<Output>>,
    pub(crate) dead_letters: Option<Spanned<Topic>>,
    /// Whether events go by their keys to a topic in between, so that instances can share the job.
    pub(crate) repartition: Option<Spanned<Repartition>>,
    /// Whether the rows of the view are also kept in files for training.
    #[serde(default)]
    pub(crate) log: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Source {
    /// An `.avsc` file, relative to the repository.
    pub(crate) schema: Spanned<String>,
    #[serde(default)]
    pub(crate) format: Format,
    pub(crate) path: Option<String>,
    pub(crate) topic: Option<Spanned<String>>,
    /// Brokers of the topic, where they are not those of the configuration.
    #[serde(skip)]
    pub(crate) servers: Option<String>,
    /// The field with the event time.
    pub(crate) timestamp: Spanned<String>,
    /// Expressions that the source is keyed by: events that agree in them are in one partition.
    pub(crate) partition_key: Option<Spanned<Vec<Spanned<String>>>>,
    pub(crate) writer_schemas: Option<String>,
    /// URL of a schema registry, in place of the folder.
    pub(crate) schema_registry: Option<String>,
}

/// Where rows go: a file, or a topic where the events come from one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(crate) enum Output {
    Path(String),
    Places(Places),
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Places {
    pub(crate) path: Option<String>,
    pub(crate) topic: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Topic {
    pub(crate) topic: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Repartition {
    pub(crate) partitions: i32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    #[default]
    Json,
    Avro,
}

impl From<Format> for EventFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Json => Self::Json,
            Format::Avro => Self::Avro,
        }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Watermark {
    pub(crate) delay: Micros,
    pub(crate) idle: Micros,
    pub(crate) allowed_lateness: Micros,
}

impl Default for Watermark {
    fn default() -> Self {
        Self { delay: Micros(5_000_000), idle: Micros(60_000_000), allowed_lateness: Micros(0) }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Aggregate {
    pub(crate) function: Spanned<String>,
    /// A field, derived column or expression; none for `count` and `any`.
    pub(crate) column: Option<Spanned<String>>,
    /// What a value weighs, for `top_<k>`: how often it occurs when left out.
    pub(crate) by: Option<Spanned<String>>,
    /// Longest silence inside a session, for `session_length`.
    pub(crate) gap: Option<Spanned<Micros>>,
    /// Only events for which this is true count.
    #[serde(rename = "where")]
    pub(crate) condition: Option<Spanned<String>>,
    /// Feast's `time_window`.
    pub(crate) window: Option<Spanned<Micros>>,
    /// Feast's `slide_interval`: the window itself when left out.
    pub(crate) slide: Option<Spanned<Micros>>,
    /// Name of the feature; Feast's default when left out.
    #[serde(rename = "as")]
    pub(crate) name: Option<Spanned<String>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EmitOption {
    WindowClose,
    EachEvent,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Session {
    pub(crate) gap: Spanned<Micros>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rules {
    /// The expression that names an event in its alert.
    pub(crate) event_id: Spanned<String>,
    /// How long a key without events is remembered; without it state would grow for ever.
    pub(crate) ttl: Option<Spanned<Micros>>,
    #[serde(default = "anomaly")]
    pub(crate) alert_type: String,
    pub(crate) alerts: Vec<Spanned<Alert>>,
}

fn anomaly() -> String {
    "ANOMALY_DETECTION".to_owned()
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Alert {
    pub(crate) reason: String,
    #[serde(default = "high")]
    pub(crate) severity: String,
    /// The rule is about events for which this is true.
    #[serde(rename = "where")]
    pub(crate) condition: Option<Spanned<String>>,
    pub(crate) soon_after_previous: Option<Micros>,
    pub(crate) above_mean: Option<AboveMean>,
    pub(crate) unseen: Option<Unseen>,
}

fn high() -> String {
    "HIGH".to_owned()
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AboveMean {
    pub(crate) column: Spanned<String>,
    pub(crate) times: f64,
    #[serde(default = "one")]
    pub(crate) at_least: u64,
}

fn one() -> u64 {
    1
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Unseen {
    pub(crate) column: Spanned<String>,
    pub(crate) within: Micros,
}
