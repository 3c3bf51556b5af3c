//! `fs get-historical-features`: the point-in-time join, to a file or to standard output.

mod entity_frame;
mod parquet_file;
mod records;
mod sink;

use std::path::PathBuf;

use clap::Args;
use futures::StreamExt as _;
use larder_core::{Clock as _, Error, Result, Selection};
use larder_offline_store::{BatchStream, EntityRows, HistoricalOptions};
use larder_registry::repo_config::ByteSize;
use larder_serving::{TrainingRequest, explain_training_set, training_set};

pub(crate) use self::sink::Sink;
use crate::clock::SystemClock;
use crate::repository::Repository;
use crate::{compose, output, report, times};

/// Arguments of `fs get-historical-features`; `-e` is the end date, as in Feast.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fs get-historical-features --entity-df impressions.parquet --feature-service recommendation_v1 \\
    --output training.parquet
  fs get-historical-features -d '[{\"user_id\": \"u0001\", \"event_timestamp\": \"2026-01-31T12:00:00\"}]' \\
    -f user_behavior_features:avg_order_value
  fs get-historical-features -s '2026-01-01 00:00:00' -e '2026-01-31 00:00:00' -f product_features:price")]
#[expect(clippy::struct_excessive_bools, reason = "the flags of a command line")]
pub(crate) struct Arguments {
    /// Parquet or CSV file of entity rows.
    #[arg(long, value_name = "FILE", group = "entity_rows")]
    entity_df: Option<PathBuf>,
    /// Entity rows as a JSON list of objects, each with an `event_timestamp`.
    #[arg(short, long, value_name = "JSON", group = "entity_rows")]
    dataframe: Option<String>,
    /// Instead of entity rows: every key seen since this time.
    #[arg(short, long, value_name = "TIME", conflicts_with = "entity_rows")]
    start_date: Option<String>,
    /// Instead of entity rows: every key seen until this time [default: now].
    #[arg(short, long, value_name = "TIME", conflicts_with = "entity_rows")]
    end_date: Option<String>,
    /// Features, as view:feature. May be repeated or separated by commas.
    #[arg(short, long, value_name = "VIEW:FEATURE", value_delimiter = ',')]
    #[arg(required_unless_present = "feature_service")]
    features: Vec<String>,
    /// A feature service instead of features.
    #[arg(long, value_name = "NAME", conflicts_with = "features")]
    feature_service: Option<String>,
    /// Parquet or CSV file to write; without it JSON is printed.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
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

pub(crate) fn run(repository: &Repository, arguments: &Arguments) -> Result<()> {
    let request = TrainingRequest {
        selection: selection(&arguments.features, arguments.feature_service.as_deref())?,
        full_feature_names: arguments.full_feature_names,
        entity: entity_rows(arguments)?,
        event_timestamp_column: None,
        filter_by_created: arguments.filter_by_created_timestamp,
        options: HistoricalOptions {
            memory_limit: arguments.memory_limit.map(ByteSize::addressable),
            as_served: arguments.as_served,
        },
    };
    compose::block_on(async {
        if arguments.explain {
            let plan = explained(repository, request).await?;
            return output::line(plan.trim_end());
        }
        let rows = training_rows(repository, request).await?;
        match &arguments.output {
            None => records::print(rows).await,
            Some(path) => {
                let written = write(rows, Sink::create(path)?).await?;
                report::note(format_args!("{written} rows written to {}", path.display()));
                Ok(())
            }
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

/// What the join would read and hold.
async fn explained(repository: &Repository, request: TrainingRequest) -> Result<String> {
    let config = repository.existing()?;
    let (offline, functions) = (compose::offline_store(config)?, compose::functions(config)?);
    explain_training_set(&repository.catalog()?, offline.as_ref(), request, &functions).await
}

/// Writes all rows to a file and returns their number.
///
/// # Errors
/// The first of the stream, or of the file; nothing stays in place of the file then.
pub(crate) async fn write(mut rows: BatchStream, mut sink: Sink) -> Result<usize> {
    let mut written = 0;
    sink.begin(&rows.schema())?;
    while let Some(batch) = rows.next().await {
        let batch = batch?;
        written += batch.num_rows();
        sink.write(&batch)?;
    }
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

fn entity_rows(arguments: &Arguments) -> Result<EntityRows> {
    if let Some(path) = &arguments.entity_df {
        return Ok(EntityRows::File(path.clone()));
    }
    if let Some(json) = &arguments.dataframe {
        return entity_frame::parse(json);
    }
    if arguments.start_date.is_none() && arguments.end_date.is_none() {
        return Err(Error::invalid("no entity rows")
            .with_hint("give --entity-df FILE, --dataframe JSON, or --start-date and --end-date"));
    }
    let start = arguments.start_date.as_deref().map(times::parse).transpose()?;
    let end = arguments.end_date.as_deref().map(times::parse).transpose()?;
    Ok(EntityRows::Window { start, end: end.unwrap_or_else(|| SystemClock.now()) })
}
