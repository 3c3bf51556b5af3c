//! `fs get-historical-features`: the point-in-time join, to a file, to a data set or to standard output.

mod dataset;
mod entity_df;
mod entity_frame;
mod records;
mod target;

use clap::Args;
use futures::StreamExt as _;
use larder_core::{Result, Selection};
use larder_dataset::{AsOf, EntityOrigin, Request, Sink};
use larder_offline_store::{BatchStream, HistoricalOptions};
use larder_registry::repo_config::ByteSize;
use larder_serving::{TrainingRequest, explain_training_set, training_set};

use self::entity_df::EntityArguments;
pub(crate) use self::entity_df::rows as entity_rows;
use self::target::{Target, TargetArguments};
use super::dataset::facts::{Facts, selected};
use crate::progress::RowProgress;
use crate::repository::Repository;
use crate::{compose, output, report};

/// Arguments of `fs get-historical-features`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fs get-historical-features --entity-df impressions.parquet --feature-service recommendation_v1 \\
    --output training.parquet
  fs get-historical-features --entity-df impressions.parquet --feature-service recommendation_v1 \\
    --output training/ --partition-by country --memory-limit 1GiB     a folder with a manifest
  fs get-historical-features --entity-df 'SELECT user_id, event_timestamp FROM orders' \\
    -f user_behavior_features:avg_order_value --output orders/ --format arrow
  fs get-historical-features -d '[{\"user_id\": \"u0001\", \"event_timestamp\": \"2026-01-31T12:00:00\"}]' \\
    -f user_behavior_features:avg_order_value
  fs get-historical-features -s 2026-01-01 -e 2026-01-31 -f product_features:price")]
#[expect(clippy::struct_excessive_bools, reason = "the flags of a command line")]
pub(crate) struct Arguments {
    #[command(flatten)]
    entity: EntityArguments,
    /// Features, as view:feature. May be repeated or separated by commas.
    #[arg(short, long, value_name = "VIEW:FEATURE", value_delimiter = ',')]
    #[arg(required_unless_present = "feature_service")]
    features: Vec<String>,
    /// A feature service instead of features.
    #[arg(long, value_name = "NAME", conflicts_with = "features")]
    feature_service: Option<String>,
    #[command(flatten)]
    target: TargetArguments,
    /// Name columns `view__feature`.
    #[arg(long)]
    full_feature_names: bool,
    /// Leave out rows that were created after the entity's time.
    #[arg(long, conflicts_with = "as_served")]
    filter_by_created_timestamp: bool,
    /// What the online store would have served at the entity's time, by the recorded materializations.
    #[arg(long)]
    as_served: bool,
    /// Memory that the join may take; what does not fit goes to disk meanwhile [default: 4GiB].
    #[arg(long, value_name = "SIZE", value_parser = ByteSize::parse)]
    memory_limit: Option<ByteSize>,
    /// Print what would be read and held, and join nothing.
    #[arg(long, conflicts_with = "output")]
    explain: bool,
}

impl Arguments {
    fn request(&self) -> Request {
        let as_of = match (self.as_served, self.filter_by_created_timestamp) {
            (true, _) => AsOf::Served,
            (false, true) => AsOf::CreatedTime,
            (false, false) => AsOf::EventTime,
        };
        Request {
            feature_service: self.feature_service.clone(),
            features: self.features.iter().map(|name| name.trim().to_owned()).collect(),
            full_feature_names: self.full_feature_names,
            as_of,
        }
    }
}

/// A retrieval of entity rows from somewhere.
///
/// # Errors
/// `Invalid` for what is no reference, and for entity rows that are none.
pub(crate) fn training_request(
    request: &Request,
    origin: &EntityOrigin,
    catalog: &larder_core::Catalog,
    memory_limit: Option<usize>,
) -> Result<TrainingRequest> {
    Ok(TrainingRequest {
        selection: selected(request)?,
        full_feature_names: request.full_feature_names,
        entity: entity_rows(origin, catalog)?,
        event_timestamp_column: None,
        filter_by_created: request.as_of == AsOf::CreatedTime,
        options: HistoricalOptions { memory_limit, as_served: request.as_of == AsOf::Served },
    })
}

pub(crate) fn run(repository: &Repository, arguments: &Arguments) -> Result<()> {
    let (asked, origin) = (arguments.request(), arguments.entity.origin()?);
    let config = repository.existing()?;
    let (offline, functions) = (compose::offline_store(config)?, compose::functions(config)?);
    let catalog = repository.catalog()?;
    let limit = arguments.memory_limit.map(ByteSize::addressable);
    let request = training_request(&asked, &origin, &catalog, limit)?;
    compose::block_on(async {
        if arguments.explain {
            let plan =
                explain_training_set(&catalog, offline.as_ref(), request, &functions).await?;
            return output::line(plan.trim_end());
        }
        let target = arguments.target.target(&compose::buckets(config)).await?;
        if let Target::Dataset(place) = target {
            let root = &config.repo_path;
            let facts =
                Facts { catalog: &catalog, offline: offline.as_ref(), functions: &functions, root };
            let path = place.home.to_string();
            let manifest = dataset::write(&facts, asked, origin, request, place).await?;
            let (rows, files) = (manifest.rows, manifest.files.len());
            report::note(format_args!("{rows} rows written to {path}, files: {files}"));
            return Ok(());
        }
        let rows = training_set(&catalog, offline.as_ref(), request, &functions).await?;
        match target {
            Target::File(path, sink) => {
                let written = write(rows, sink).await?;
                report::note(format_args!("{written} rows written to {}", path.display()));
                Ok(())
            }
            Target::Object(object) => {
                let written = write(rows, object.sink()?).await?;
                let uri = object.publish().await?;
                report::note(format_args!("{written} rows written to {uri}"));
                Ok(())
            }
            _ => records::print(rows).await,
        }
    })
}

/// Joins and computes.
///
/// # Errors
/// As [`training_set`].
pub(crate) async fn training_rows(
    repository: &Repository,
    request: TrainingRequest,
) -> Result<BatchStream> {
    let config = repository.existing()?;
    let (offline, functions) = (compose::offline_store(config)?, compose::functions(config)?);
    training_set(&repository.catalog()?, offline.as_ref(), request, &functions).await
}

/// Writes all rows to a file and returns their number.
///
/// # Errors
/// The first of the stream, or of the file; nothing stays in place of the file then.
pub(crate) async fn write(mut rows: BatchStream, mut sink: Sink) -> Result<usize> {
    let progress = RowProgress::new("joined".to_owned());
    let mut written = 0;
    sink.begin(&rows.schema())?;
    while let Some(batch) = rows.next().await {
        let batch = batch?;
        written += batch.num_rows();
        sink.write(&batch)?;
        progress.at(written as u64);
    }
    progress.end();
    sink.finish()?;
    Ok(written)
}

/// Features or a service, as the flags name them.
///
/// # Errors
/// `Invalid` for what is no reference.
pub(crate) fn selection(features: &[String], service: Option<&str>) -> Result<Selection> {
    if let Some(name) = service {
        return Ok(Selection::Service(name.to_owned()));
    }
    let references = features.iter().map(|text| text.trim().parse());
    Ok(Selection::Features(references.collect::<Result<_>>()?))
}
