//! The entity rows that the command line gives, and what a manifest says of them.

use std::path::PathBuf;

use clap::Args;
use larder_core::{Catalog, Clock as _, Error, Result};
use larder_dataset::EntityOrigin;
use larder_offline_store::EntityRows;

use super::entity_frame;
use crate::clock::SystemClock;
use crate::commands::dataset::facts::{self, Facts};
use crate::times;

/// Flags that give entity rows; `-e` is the end date, as in Feast.
#[derive(Debug, Args)]
pub(crate) struct EntityArguments {
    /// File of entity rows (Parquet, .csv, .jsonl), or a SELECT over the repository's sources.
    #[arg(long, value_name = "FILE|SQL", group = "entity_rows")]
    entity_df: Option<String>,
    /// Entity rows as a JSON list of objects, each with an `event_timestamp`.
    #[arg(short, long, value_name = "JSON", group = "entity_rows")]
    dataframe: Option<String>,
    /// Instead of entity rows: every key seen since this time.
    #[arg(short, long, value_name = "TIME", conflicts_with = "entity_rows")]
    start_date: Option<String>,
    /// Instead of entity rows: every key seen until this time [default: now].
    #[arg(short, long, value_name = "TIME", conflicts_with = "entity_rows")]
    end_date: Option<String>,
}

impl EntityArguments {
    /// Where the rows come from, without what is known of their files.
    ///
    /// # Errors
    /// `Invalid` without any flag, and for a time that is none.
    pub(super) fn origin(&self) -> Result<EntityOrigin> {
        if let Some(text) = &self.entity_df {
            return Ok(if is_query(text) {
                EntityOrigin::Query { sql: text.clone(), sources: Vec::new() }
            } else {
                EntityOrigin::File(facts::unknown_file(text))
            });
        }
        if let Some(json) = &self.dataframe {
            return Ok(EntityOrigin::Json(json.clone()));
        }
        if self.start_date.is_none() && self.end_date.is_none() {
            return Err(Error::invalid("no entity rows").with_hint(
                "give --entity-df FILE|SQL, --dataframe JSON, or --start-date and --end-date",
            ));
        }
        let start = self.start_date.as_deref().map(times::parse).transpose()?;
        let end = self.end_date.as_deref().map(times::parse).transpose()?;
        let end = end.unwrap_or_else(|| SystemClock.now());
        Ok(EntityOrigin::Window { start: start.map(times::iso), end: times::iso(end) })
    }
}

/// The rows of an origin; paths are relative to the working directory.
///
/// # Errors
/// `Invalid` for JSON or times that are none.
pub(crate) fn rows(origin: &EntityOrigin, catalog: &Catalog) -> Result<EntityRows> {
    Ok(match origin {
        EntityOrigin::File(file) => EntityRows::File(PathBuf::from(&file.path)),
        EntityOrigin::Json(json) => entity_frame::parse(json)?,
        EntityOrigin::Window { start, end } => EntityRows::Window {
            start: start.as_deref().map(times::parse).transpose()?,
            end: times::parse(end)?,
        },
        EntityOrigin::Query { sql, .. } => {
            let tables = catalog.data_sources().values();
            let tables = tables.map(|source| source.as_ref().clone()).collect();
            EntityRows::Query { sql: sql.clone(), tables }
        }
    })
}

/// The origin with what is known of its files now.
///
/// # Errors
/// `NotFound` for a file that is not there, otherwise as reading the sources.
pub(super) async fn described(origin: &EntityOrigin, facts: &Facts<'_>) -> Result<EntityOrigin> {
    Ok(match origin {
        EntityOrigin::File(file) => EntityOrigin::File(facts.entity_file(&file.path).await?),
        EntityOrigin::Query { sql, .. } => {
            let sources = facts.sources(&facts.mentioned(sql)).await?;
            EntityOrigin::Query { sql: sql.clone(), sources }
        }
        other => other.clone(),
    })
}

/// Whether the text is a statement that reads, and no path.
fn is_query(text: &str) -> bool {
    let first = text.split_whitespace().next().unwrap_or_default();
    let reads = ["select", "with"].iter().any(|word| first.eq_ignore_ascii_case(word));
    reads && text.trim().contains(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use super::is_query;

    #[test]
    fn statements_are_told_from_paths() {
        for query in ["SELECT * FROM orders", " select 1", "with a as (select 1)\nselect * from a"]
        {
            assert!(is_query(query), "{query}");
        }
        for path in ["orders.parquet", "select", "selected orders.parquet", "a b.csv"] {
            assert!(!is_query(path), "{path}");
        }
    }
}
