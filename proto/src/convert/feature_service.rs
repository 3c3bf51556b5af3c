//! Feature services and projections.

use larder_core::{Error, FeatureService, LoggingConfig, LoggingDestination, Projection, Result};

use super::data_source::{SourcePlace, data_source_from_proto, data_source_to_proto};
use super::field::{fields_from_proto, fields_to_proto};
use super::time::{timestamp_from_proto, timestamp_to_proto};
use crate::feast::core::{self, logging_config as logging, logging_config::Destination};

/// A feature service.
///
/// # Errors
/// `Data` when a source, field or time in it cannot be understood.
pub fn feature_service_from_proto(service: core::FeatureService) -> Result<FeatureService> {
    let spec = service.spec.unwrap_or_default();
    let meta = service.meta.unwrap_or_default();
    let name = spec.name.clone();
    let convert = || {
        let projections = spec.features.into_iter().map(projection_from_proto);
        Ok(FeatureService {
            name: spec.name,
            projections: projections.collect::<Result<_>>()?,
            tags: spec.tags,
            description: spec.description,
            owner: spec.owner,
            logging: spec.logging_config.and_then(logging_from_proto),
            precompute_online: spec.precompute_online,
            created: meta.created_timestamp.map(timestamp_from_proto).transpose()?,
            updated: meta.last_updated_timestamp.map(timestamp_from_proto).transpose()?,
        })
    };
    convert().map_err(|error: Error| error.context(format_args!("feature service \"{name}\"")))
}

/// The message of a feature service with its times.
///
/// # Errors
/// `Invalid` when stored bytes inside a source (Spark table format) are broken.
pub fn feature_service_to_proto(
    service: &FeatureService,
    project: &str,
) -> Result<core::FeatureService> {
    let features = service.projections.iter().map(projection_to_proto);
    let spec = core::FeatureServiceSpec {
        name: service.name.clone(),
        project: project.to_owned(),
        features: features.collect::<Result<_>>()?,
        tags: service.tags.clone(),
        description: service.description.clone(),
        owner: service.owner.clone(),
        logging_config: service.logging.as_ref().map(logging_to_proto),
        precompute_online: service.precompute_online,
    };
    let meta = core::FeatureServiceMeta {
        created_timestamp: service.created.map(timestamp_to_proto),
        last_updated_timestamp: service.updated.map(timestamp_to_proto),
    };
    Ok(core::FeatureService { spec: Some(spec), meta: Some(meta) })
}

/// A projection. Its stream source, which Feast never writes, is left out.
///
/// # Errors
/// `Data` when a source or field in it cannot be understood.
pub fn projection_from_proto(projection: core::FeatureViewProjection) -> Result<Projection> {
    Ok(Projection {
        view: projection.feature_view_name,
        alias: projection.feature_view_name_alias,
        features: fields_from_proto(projection.feature_columns)?,
        join_key_map: projection.join_key_map,
        version_tag: projection.version_tag,
        timestamp_field: projection.timestamp_field,
        date_partition_column: projection.date_partition_column,
        created_timestamp_column: projection.created_timestamp_column,
        batch_source: projection
            .batch_source
            .map(data_source_from_proto)
            .transpose()?
            .map(Box::new),
        view_type: projection.view_type,
    })
}

/// The message of a projection.
///
/// # Errors
/// `Invalid` when stored bytes inside the source (Spark table format) are broken.
pub fn projection_to_proto(projection: &Projection) -> Result<core::FeatureViewProjection> {
    let source = projection.batch_source.as_deref();
    Ok(core::FeatureViewProjection {
        feature_view_name: projection.view.clone(),
        feature_columns: fields_to_proto(&projection.features),
        feature_view_name_alias: projection.alias.clone(),
        join_key_map: projection.join_key_map.clone(),
        timestamp_field: projection.timestamp_field.clone(),
        date_partition_column: projection.date_partition_column.clone(),
        created_timestamp_column: projection.created_timestamp_column.clone(),
        batch_source: source
            .map(|source| data_source_to_proto(source, SourcePlace::Nested))
            .transpose()?,
        stream_source: None,
        version_tag: projection.version_tag,
        view_type: projection.view_type.clone(),
    })
}

/// `None` when there is no destination: Feast itself cannot load such a configuration.
fn logging_from_proto(config: core::LoggingConfig) -> Option<LoggingConfig> {
    let destination = match config.destination? {
        Destination::FileDestination(file) => LoggingDestination::File {
            path: file.path,
            s3_endpoint_override: file.s3_endpoint_override,
            partition_by: file.partition_by,
        },
        Destination::BigqueryDestination(table) => LoggingDestination::BigQuery(table.table_ref),
        Destination::RedshiftDestination(table) => LoggingDestination::Redshift(table.table_name),
        Destination::SnowflakeDestination(table) => LoggingDestination::Snowflake(table.table_name),
        Destination::AthenaDestination(table) => LoggingDestination::Athena(table.table_name),
        Destination::CouchbaseColumnarDestination(couchbase) => LoggingDestination::Couchbase {
            database: couchbase.database,
            scope: couchbase.scope,
            collection: couchbase.collection,
        },
        Destination::CustomDestination(custom) => {
            LoggingDestination::Custom { kind: custom.kind, config: custom.config }
        }
    };
    Some(LoggingConfig { sample_rate: config.sample_rate, destination })
}

fn logging_to_proto(config: &LoggingConfig) -> core::LoggingConfig {
    let destination = match &config.destination {
        LoggingDestination::File { path, s3_endpoint_override, partition_by } => {
            Destination::FileDestination(logging::FileDestination {
                path: path.clone(),
                s3_endpoint_override: s3_endpoint_override.clone(),
                partition_by: partition_by.clone(),
            })
        }
        LoggingDestination::BigQuery(table) => {
            let table_ref = table.clone();
            Destination::BigqueryDestination(logging::BigQueryDestination { table_ref })
        }
        LoggingDestination::Redshift(table) => {
            let table_name = table.clone();
            Destination::RedshiftDestination(logging::RedshiftDestination { table_name })
        }
        LoggingDestination::Snowflake(table) => {
            let table_name = table.clone();
            Destination::SnowflakeDestination(logging::SnowflakeDestination { table_name })
        }
        LoggingDestination::Athena(table) => {
            let table_name = table.clone();
            Destination::AthenaDestination(logging::AthenaDestination { table_name })
        }
        LoggingDestination::Couchbase { database, scope, collection } => {
            Destination::CouchbaseColumnarDestination(logging::CouchbaseColumnarDestination {
                database: database.clone(),
                scope: scope.clone(),
                collection: collection.clone(),
            })
        }
        LoggingDestination::Custom { kind, config } => {
            Destination::CustomDestination(logging::CustomDestination {
                kind: kind.clone(),
                config: config.clone(),
            })
        }
    };
    core::LoggingConfig { sample_rate: config.sample_rate, destination: Some(destination) }
}
