//! Data sources that a client describes: are they usable, and what columns do they have?

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray};
use larder_core::{Catalog, DataSource, Error, ErrorKind, Result, SourceKind};
use larder_offline_store::{BatchStream, Instants};
use larder_proto::convert::data_source_from_json;

use super::OfflineServer;
use super::type_name::type_name;
use crate::feast_words::FeastWords;

impl OfflineServer {
    /// Names and types of a source's columns, as pyarrow calls the types.
    ///
    /// # Errors
    /// `PermissionDenied` for files beyond the reach of the repository; otherwise as the offline store.
    pub(super) async fn column_names_and_types(
        &self,
        catalog: &Catalog,
        json: &str,
    ) -> Result<BatchStream> {
        let source = self.described(catalog, json)?;
        let schema = self.offline.source_schema(&source).await?;
        let names = schema.fields().iter().map(|field| Some(field.name().as_str()));
        let types = schema.fields().iter().map(|field| Some(type_name(field.data_type())));
        let (names, types) = (names.collect::<StringArray>(), types.collect::<StringArray>());
        let columns =
            [("name", Arc::new(names) as ArrayRef, true), ("type", Arc::new(types), true)];
        let batch = RecordBatch::try_from_iter_with_nullable(columns)
            .map_err(|error| Error::internal("columns do not fit").with_source(error))?;
        Ok(BatchStream::from_batches(batch.schema(), vec![batch]))
    }

    /// Whether a source can be read. One whose files are not there yet passes: it may be applied before its first row.
    ///
    /// # Errors
    /// As [`Self::column_names_and_types`]; `Invalid` when a timestamp column is missing or is no time. Feast 0.67 looks
    /// at nothing for file sources.
    pub(super) async fn validate_data_source(&self, catalog: &Catalog, json: &str) -> Result<()> {
        let source = self.described(catalog, json)?;
        let schema = match self.offline.source_schema(&source).await {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            schema => schema?,
        };
        let batch = source.offline().unwrap_or(&source);
        for column in [&batch.timestamp_field, &batch.created_timestamp_column] {
            if column.is_empty() {
                continue;
            }
            let found = schema.field_with_name(column).ok();
            let is_time = found.is_some_and(|field| Instants::unit_of(field.data_type()).is_some());
            if !is_time {
                let why = found.map_or_else(
                    || "does not exist".to_owned(),
                    |field| format!("is {} and no timestamp", type_name(field.data_type())),
                );
                return Err(Error::invalid(format!(
                    "column \"{column}\" of data source \"{}\" {why}",
                    source.name
                )));
            }
        }
        Ok(())
    }

    /// The source that a client describes, if it may be looked at: whoever can call this server could try any path of
    /// its machine otherwise.
    fn described(&self, catalog: &Catalog, json: &str) -> Result<DataSource> {
        let source = data_source_from_json(json)?;
        let Some(SourceKind::File { uri, .. }) = source.offline().map(|source| &source.kind) else {
            return Ok(source);
        };
        let known = known_paths(catalog).any(|known| known == uri);
        if known || is_remote(uri) || is_below(&self.config.repo_root, uri) {
            return Ok(source);
        }
        let words = FeastWords {
            text: format!(
                "Permission error:\ndata source {} is outside of the repository",
                source.name
            ),
            class: Some("FeastPermissionError"),
        };
        let message =
            format!("{uri} is outside of the repository and of no registered data source");
        Err(Error::new(ErrorKind::PermissionDenied, message).with_source(words))
    }
}

/// Paths of all file sources that somebody applied.
fn known_paths(catalog: &Catalog) -> impl Iterator<Item = &String> {
    let of_views = catalog.feature_views().values().filter_map(|view| view.batch_source.as_ref());
    let all = catalog.data_sources().values().map(AsRef::as_ref).chain(of_views);
    all.filter_map(|source| match source.offline().map(|source| &source.kind) {
        Some(SourceKind::File { uri, .. }) => Some(uri),
        _ => None,
    })
}

/// An object store, which asks for credentials itself.
fn is_remote(uri: &str) -> bool {
    uri.split_once("://").is_some_and(|(scheme, _)| scheme != "file")
}

/// Whether a path lies below the repository, whatever `..` it has in it.
fn is_below(root: &Path, uri: &str) -> bool {
    let path = uri.strip_prefix("file://").unwrap_or(uri);
    plain(&root.join(path))
        .is_some_and(|path| plain(root).is_some_and(|root| path.starts_with(root)))
}

/// The path without `.` and `..`; `None` for one that leaves the root.
fn plain(path: &Path) -> Option<PathBuf> {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                if !plain.pop() {
                    return None;
                }
            }
            other => plain.push(other),
        }
    }
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_below_the_repository_are_looked_at() {
        let root = Path::new("/srv/./repo");
        for (uri, expected) in [
            ("data/stats.parquet", true),
            ("/srv/repo/data", true),
            ("file:///srv/repo/data", true),
            ("data/../stats.parquet", true),
            ("../secrets", false),
            ("data/../../secrets", false),
            ("/srv/repository", false),
            ("/etc/passwd", false),
            ("/srv/repo/../../etc", false),
            ("/../../../..", false),
        ] {
            assert_eq!(is_below(root, uri), expected, "{uri}");
        }
        assert!(is_remote("s3://lake/stats") && !is_remote("file:///etc") && !is_remote("x:y"));
    }
}
