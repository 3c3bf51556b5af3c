//! Reads of one data source.

use larder_core::{Catalog, DataSource, Error, ErrorKind, ObjectKind, Result, SourceKind};
use larder_offline_store::{BatchStream, PullOptions, PullRequest};

use super::OfflineServer;
use super::command::Pull;
use super::historical::python_set;
use crate::feast_words::FeastWords;

/// Whether of each key the newest row is wanted, or every row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rows {
    Latest,
    All,
}

impl OfflineServer {
    /// Rows of a registered data source within the closed interval; a missing end is open. Feast 0.67's server fails
    /// without both.
    ///
    /// # Errors
    /// `NotFound` for a source that nobody applied; `Invalid` for too many columns, and in Feast's class for a source
    /// without a join key; otherwise as the offline store.
    pub(super) async fn pull(
        &self,
        catalog: &Catalog,
        command: &Pull,
        rows: Rows,
    ) -> Result<BatchStream> {
        let named = command.join_keys.len() + command.features.len();
        if named > self.config.max_columns {
            return Err(Error::invalid(format!(
                "{named} columns are asked for, at most {} are read",
                self.config.max_columns
            )));
        }
        let source = registered(catalog, &command.source)?;
        let request = PullRequest {
            source: source.clone(),
            join_keys: command.join_keys.clone(),
            features: command.features.clone(),
            timestamp_field: command.timestamp_field.clone(),
            created_timestamp_column: command.created_timestamp_column.clone(),
            start: command.start,
            end: command.end,
            options: PullOptions::default(),
        };
        let answer = match rows {
            Rows::Latest => self.offline.pull_latest(request).await,
            Rows::All => self.offline.pull_all(request).await,
        };
        match answer {
            Err(error) if error.kind() == ErrorKind::Invalid => {
                Err(self.in_feasts_class(error, source, command).await)
            }
            answer => answer,
        }
    }

    /// The error of a read, which has a class in Feast where a join key is missing.
    async fn in_feasts_class(&self, error: Error, source: &DataSource, command: &Pull) -> Error {
        let Ok(schema) = self.offline.source_schema(source).await else { return error };
        let keys: Vec<&str> = command.join_keys.iter().map(String::as_str).collect();
        let is_missing = |key: &&str| schema.field_with_name(key).is_err();
        let missing: Vec<&str> = keys.iter().copied().filter(is_missing).collect();
        if missing.is_empty() {
            return error;
        }
        let words = FeastWords {
            text: format!(
                "The DataFrame from {} being materialized must have at least {} columns present, but these were \
                 missing: {} ",
                path(source),
                python_set(&keys),
                python_set(&missing)
            ),
            class: Some("FeastJoinKeysDuringMaterialization"),
        };
        error.with_source(words)
    }
}

/// A data source of the project.
///
/// # Errors
/// `NotFound`.
pub(super) fn registered<'a>(catalog: &'a Catalog, name: &str) -> Result<&'a DataSource> {
    let source = catalog.data_sources().get(name);
    let project = || catalog.project().name.as_str();
    source
        .map(AsRef::as_ref)
        .ok_or_else(|| Error::not_found(ObjectKind::DataSource, name, project()))
}

fn path(source: &DataSource) -> &str {
    match source.offline().map(|source| &source.kind) {
        Some(SourceKind::File { uri, .. }) => uri,
        _ => &source.name,
    }
}
