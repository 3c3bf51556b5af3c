//! Feature services and view projections.

use std::collections::BTreeMap;

use crate::{DataSource, Field, Tags, Timestamp};

/// A view as one service or on-demand view uses it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Projection {
    /// Name of the view.
    pub view: String,
    /// Name given by `with_name`; empty when none.
    pub alias: String,
    /// Features used, in order; empty until inferred when the view has no declared schema.
    pub features: Vec<Field>,
    /// View join key to request column, from `with_join_key_map`.
    pub join_key_map: BTreeMap<String, String>,
    /// Version asked for.
    pub version_tag: Option<i32>,
    /// What Feast stores here is the created timestamp column (an upstream slip); never used for joins.
    pub timestamp_field: String,
    /// Date partition column of the source.
    pub date_partition_column: String,
    /// Created timestamp column of the source.
    pub created_timestamp_column: String,
    /// Batch source of the view.
    pub batch_source: Option<Box<DataSource>>,
    /// `featureView` always, also for on-demand views (Feast 0.67).
    pub view_type: String,
}

impl Projection {
    /// The name by which references and full feature names know it.
    pub fn name_to_use(&self) -> &str {
        if self.alias.is_empty() { &self.view } else { &self.alias }
    }
}

/// A named list of projections: the inputs of one model.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FeatureService {
    /// Name.
    pub name: String,
    /// Projections in order.
    pub projections: Vec<Projection>,
    /// Tags.
    pub tags: Tags,
    /// Free text.
    pub description: String,
    /// Owner.
    pub owner: String,
    /// Logging of served features.
    pub logging: Option<LoggingConfig>,
    /// Whether rows are precomputed.
    pub precompute_online: bool,
    /// First applied.
    pub created: Option<Timestamp>,
    /// Last applied.
    pub updated: Option<Timestamp>,
}

/// Where and how often served features are logged.
#[derive(Debug, Clone, PartialEq)]
pub struct LoggingConfig {
    /// Share of requests logged, 0 to 1.
    pub sample_rate: f32,
    /// Destination.
    pub destination: LoggingDestination,
}

/// Destination of feature logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoggingDestination {
    /// Files.
    File {
        /// Folder.
        path: String,
        /// S3 endpoint; empty when none.
        s3_endpoint_override: String,
        /// Partition columns.
        partition_by: Vec<String>,
    },
    /// `BigQuery` table.
    BigQuery(String),
    /// Redshift table.
    Redshift(String),
    /// Snowflake table.
    Snowflake(String),
    /// Athena table.
    Athena(String),
    /// Couchbase columnar collection.
    Couchbase {
        /// Database.
        database: String,
        /// Scope.
        scope: String,
        /// Collection.
        collection: String,
    },
    /// A destination class of the user's.
    Custom {
        /// Kind.
        kind: String,
        /// Options.
        config: BTreeMap<String, String>,
    },
}
