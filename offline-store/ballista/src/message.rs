//! The join as a message, which client, scheduler and executors exchange.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arrow_schema::Schema;
use datafusion_proto::protobuf;
use larder_core::{
    DataSource, Error, FileFormat, Interval, Result, SourceKind, Timestamp, ValueType,
};
use larder_offline_store::{
    HistoricalFeature, HistoricalOptions, HistoricalView, JoinKey, SourceFile,
};
use prost::Message;

use crate::join::PartitionJoin;

/// Raised when a program of the version before would understand a message otherwise.
const VERSION: u32 = 1;

#[derive(Clone, PartialEq, Message)]
struct JoinMessage {
    #[prost(uint32, tag = "1")]
    version: u32,
    #[prost(string, tag = "2")]
    repo_root: String,
    #[prost(string, tag = "3")]
    row_column: String,
    #[prost(string, tag = "4")]
    time_column: String,
    #[prost(message, repeated, tag = "5")]
    views: Vec<ViewMessage>,
    #[prost(bool, tag = "6")]
    filter_by_created: bool,
    #[prost(bool, tag = "7")]
    as_served: bool,
    #[prost(uint64, optional, tag = "8")]
    memory_limit: Option<u64>,
    #[prost(message, optional, tag = "9")]
    schema: Option<protobuf::Schema>,
}

#[derive(Clone, PartialEq, Message)]
struct ViewMessage {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, optional, tag = "2")]
    source: Option<SourceMessage>,
    #[prost(message, repeated, tag = "3")]
    join_keys: Vec<KeyMessage>,
    #[prost(message, repeated, tag = "4")]
    features: Vec<FeatureMessage>,
    #[prost(message, optional, tag = "5")]
    ttl: Option<TtlMessage>,
    #[prost(message, repeated, tag = "6")]
    materialized: Vec<IntervalMessage>,
    #[prost(message, repeated, tag = "7")]
    files: Vec<FileMessage>,
}

/// Files, the only sources that the engine reads.
#[derive(Clone, PartialEq, Message)]
struct SourceMessage {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    uri: String,
    #[prost(string, tag = "3")]
    s3_endpoint_override: String,
    #[prost(string, tag = "4")]
    timestamp_field: String,
    #[prost(string, tag = "5")]
    created_timestamp_column: String,
    #[prost(btree_map = "string, string", tag = "6")]
    field_mapping: BTreeMap<String, String>,
    /// Whether the files are those of a Delta table.
    #[prost(bool, tag = "7")]
    is_delta: bool,
}

#[derive(Clone, PartialEq, Message)]
struct KeyMessage {
    #[prost(string, tag = "1")]
    view_column: String,
    #[prost(string, tag = "2")]
    entity_column: String,
}

#[derive(Clone, PartialEq, Message)]
struct FeatureMessage {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    output: String,
    #[prost(int32, tag = "3")]
    value_type: i32,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct TtlMessage {
    #[prost(uint64, tag = "1")]
    seconds: u64,
    #[prost(uint32, tag = "2")]
    nanos: u32,
}

/// Microseconds since 1970.
#[derive(Clone, Copy, PartialEq, Message)]
struct IntervalMessage {
    #[prost(sint64, tag = "1")]
    start: i64,
    #[prost(sint64, tag = "2")]
    end: i64,
}

#[derive(Clone, PartialEq, Message)]
struct FileMessage {
    #[prost(string, tag = "1")]
    path: String,
    #[prost(uint64, tag = "2")]
    size: u64,
    #[prost(string, tag = "3")]
    etag: String,
}

impl PartitionJoin {
    /// The message of the join.
    ///
    /// # Errors
    /// `Unsupported` for a repository folder whose path is not text, and for columns that have no message.
    pub fn encode(&self) -> Result<Vec<u8>> {
        let root = self.repo_root.to_str().ok_or_else(|| {
            let shown = self.repo_root.display();
            Error::unsupported(format!("the path of {shown} is not UTF-8 and cannot be sent"))
        })?;
        let schema = protobuf::Schema::try_from(self.schema.as_ref()).map_err(|error| {
            Error::unsupported("the features have columns that cannot be sent").with_source(error)
        })?;
        let views = self.views.iter().zip(&self.files);
        let message = JoinMessage {
            version: VERSION,
            repo_root: root.to_owned(),
            row_column: self.row_column.clone(),
            time_column: self.time_column.clone(),
            views: views.map(|(view, files)| view_message(view, files)).collect::<Result<_>>()?,
            filter_by_created: self.filter_by_created,
            as_served: self.options.as_served,
            memory_limit: self.options.memory_limit.map(|limit| limit as u64),
            schema: Some(schema),
        };
        Ok(message.encode_to_vec())
    }

    /// The join of a message.
    ///
    /// # Errors
    /// `Unsupported` for a message of another version; `Data` for bytes that are no such message.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let message = JoinMessage::decode(bytes)
            .map_err(|error| Error::data("the plan of a join is damaged").with_source(error))?;
        if message.version != VERSION {
            let version = message.version;
            return Err(Error::unsupported(format!(
                "the plan of a join has version {version}, this program knows {VERSION}"
            ))
            .with_hint("run the same version of fs as client, scheduler and executors"));
        }
        let schema = message.schema.ok_or_else(|| incomplete("its columns"))?;
        let schema = Schema::try_from(&schema)
            .map_err(|error| Error::data("the plan of a join is damaged").with_source(error))?;
        let views: Vec<(HistoricalView, Vec<SourceFile>)> =
            message.views.into_iter().map(view).collect::<Result<_>>()?;
        let (views, files) = views.into_iter().unzip();
        let limit = |limit| usize::try_from(limit).unwrap_or(usize::MAX);
        Ok(Self {
            repo_root: PathBuf::from(message.repo_root),
            row_column: message.row_column,
            time_column: message.time_column,
            views,
            files,
            filter_by_created: message.filter_by_created,
            options: HistoricalOptions {
                memory_limit: message.memory_limit.map(limit),
                as_served: message.as_served,
            },
            schema: Arc::new(schema),
        })
    }
}

fn incomplete(what: &str) -> Error {
    Error::data(format!("the plan of a join lacks {what}"))
}

fn view_message(view: &HistoricalView, files: &[SourceFile]) -> Result<ViewMessage> {
    let key = |key: &JoinKey| KeyMessage {
        view_column: key.view_column.clone(),
        entity_column: key.entity_column.clone(),
    };
    let feature = |feature: &HistoricalFeature| FeatureMessage {
        name: feature.name.clone(),
        output: feature.output.clone(),
        value_type: feature.value_type as i32,
    };
    let interval = |interval: &Interval| IntervalMessage {
        start: interval.start.micros(),
        end: interval.end.micros(),
    };
    let file = |file: &SourceFile| FileMessage {
        path: file.path.clone(),
        size: file.size,
        etag: file.etag.clone(),
    };
    Ok(ViewMessage {
        name: view.name.clone(),
        source: Some(source_message(view.source.offline().unwrap_or(&view.source))?),
        join_keys: view.join_keys.iter().map(key).collect(),
        features: view.features.iter().map(feature).collect(),
        ttl: view.ttl.map(|ttl| TtlMessage { seconds: ttl.as_secs(), nanos: ttl.subsec_nanos() }),
        materialized: view.materialized.iter().map(interval).collect(),
        files: files.iter().map(file).collect(),
    })
}

fn source_message(source: &DataSource) -> Result<SourceMessage> {
    let SourceKind::File { uri, format, s3_endpoint_override } = &source.kind else {
        return Err(Error::unsupported(format!("source \"{}\" has no files", source.name)));
    };
    Ok(SourceMessage {
        name: source.name.clone(),
        uri: uri.clone(),
        s3_endpoint_override: s3_endpoint_override.clone(),
        timestamp_field: source.timestamp_field.clone(),
        created_timestamp_column: source.created_timestamp_column.clone(),
        field_mapping: source.field_mapping.clone(),
        is_delta: matches!(format, Some(FileFormat::Delta { .. })),
    })
}

/// The source of Parquet files or of a Delta table, of which executors need no properties.
fn source(message: SourceMessage) -> DataSource {
    let (checkpoint_location, properties) = (String::new(), BTreeMap::new());
    let format = message.is_delta.then_some(FileFormat::Delta { checkpoint_location, properties });
    let SourceMessage { name, uri, s3_endpoint_override, .. } = message;
    let mut source = DataSource::new(name, SourceKind::File { uri, format, s3_endpoint_override });
    source.timestamp_field = message.timestamp_field;
    source.created_timestamp_column = message.created_timestamp_column;
    source.field_mapping = message.field_mapping;
    source
}

fn view(message: ViewMessage) -> Result<(HistoricalView, Vec<SourceFile>)> {
    let key = |key: KeyMessage| JoinKey {
        view_column: key.view_column,
        entity_column: key.entity_column,
    };
    let feature = |feature: FeatureMessage| {
        Ok(HistoricalFeature {
            name: feature.name,
            output: feature.output,
            value_type: ValueType::from_number(feature.value_type)
                .ok_or_else(|| incomplete("a known type of a feature"))?,
        })
    };
    let interval = |interval: IntervalMessage| Interval {
        start: Timestamp::from_micros(interval.start),
        end: Timestamp::from_micros(interval.end),
    };
    let file = |file: FileMessage| SourceFile { path: file.path, size: file.size, etag: file.etag };
    let from = message.source.ok_or_else(|| incomplete("the source of a view"))?;
    let view = HistoricalView {
        name: message.name,
        source: source(from),
        join_keys: message.join_keys.into_iter().map(key).collect(),
        features: message.features.into_iter().map(feature).collect::<Result<_>>()?,
        ttl: message.ttl.map(|ttl| Duration::new(ttl.seconds, ttl.nanos)),
        materialized: message.materialized.into_iter().map(interval).collect(),
    };
    Ok((view, message.files.into_iter().map(file).collect()))
}
