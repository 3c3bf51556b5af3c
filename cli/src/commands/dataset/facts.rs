//! What a manifest records of a repository: the meaning of names, and files as they are now.

use std::collections::BTreeMap;
use std::path::Path;

use larder_core::{
    Catalog, DataSource, Error, ErrorKind, Result, Selection, SourceKind, Timestamp,
};
use larder_dataset::{
    AsOf, ColumnOrigin, Definitions, EntityOrigin, Manifest, Request, Source, SourceFile,
};
use larder_object_storage::ObjectUri;
use larder_offline_store::{HistoricalView, OfflineStore};
use larder_serving::{Functions, training_plan};

use crate::commands::get_historical::selection;

/// A repository as a manifest sees it.
pub(crate) struct Facts<'a> {
    pub(crate) catalog: &'a Catalog,
    pub(crate) offline: &'a dyn OfflineStore,
    pub(crate) functions: &'a Functions,
    /// Paths below it are recorded relative to it.
    pub(crate) root: &'a Path,
}

/// What a request means now.
pub(crate) struct Meaning {
    pub(crate) definitions: Definitions,
    /// Sources of the views, each once.
    pub(crate) sources: Vec<DataSource>,
    /// Per feature of the answer its view.
    origins: BTreeMap<String, String>,
}

impl Facts<'_> {
    /// What a request means.
    ///
    /// # Errors
    /// As [`training_plan`].
    pub(crate) fn meaning(&self, request: &Request) -> Result<Meaning> {
        let (full, functions) = (request.full_feature_names, self.functions);
        let (plan, views) = training_plan(self.catalog, &selected(request)?, full, functions)?;
        let stored = views.iter().flat_map(|view| {
            view.features.iter().map(|feature| (feature.output.clone(), view.name.clone()))
        });
        let mut origins: BTreeMap<String, String> = stored.collect();
        for output in &plan.outputs {
            if let larder_core::OutputSource::Computed { view, .. } = output.source {
                origins.insert(output.name.clone(), plan.on_demand[view].name.clone());
            }
        }
        let definitions = Definitions::of(&plan, &views, request.as_of == AsOf::Served);
        Ok(Meaning { definitions, sources: distinct(&views), origins })
    }

    /// Sources with their files as they are now.
    ///
    /// # Errors
    /// As [`OfflineStore::source_files`].
    pub(crate) async fn sources(&self, sources: &[DataSource]) -> Result<Vec<Source>> {
        let mut known = Vec::with_capacity(sources.len());
        for source in sources {
            let files = self.offline.source_files(source).await?;
            let files = files.into_iter().map(SourceFile::from).collect();
            known.push(Source { name: source.name.clone(), files });
        }
        Ok(known)
    }

    /// The sources of the repository whose names a query mentions.
    pub(crate) fn mentioned(&self, sql: &str) -> Vec<DataSource> {
        let sql = sql.to_lowercase();
        let sources = self.catalog.data_sources().values();
        let mentioned = sources.filter(|source| sql.contains(&source.name.to_lowercase()));
        mentioned.map(|source| source.as_ref().clone()).collect()
    }

    /// The file of entity rows as it is now; a local path is relative to the working directory.
    ///
    /// # Errors
    /// `NotFound`, `PermissionDenied` or `Unavailable`; `Invalid` for more than one object.
    pub(crate) async fn entity_file(&self, path: &str) -> Result<SourceFile> {
        if !ObjectUri::is_one(path) {
            return self.file(Path::new(path));
        }
        let (uri, s3_endpoint_override) = (path.to_owned(), String::new());
        let kind = SourceKind::File { uri, format: None, s3_endpoint_override };
        let found = self.offline.source_files(&DataSource::new("entity rows", kind)).await?;
        match <[_; 1]>::try_from(found) {
            Ok([file]) => Ok(file.into()),
            Err(found) => {
                let count = found.len();
                Err(Error::invalid(format!("the entity rows at {path} are {count} objects"))
                    .with_hint("name one Parquet file"))
            }
        }
    }

    /// A local file as it is now; below the repository its path is relative to that.
    ///
    /// # Errors
    /// `NotFound`, `PermissionDenied` or `Unavailable`.
    fn file(&self, path: &Path) -> Result<SourceFile> {
        let unread = |error| unreadable(path, error);
        let found = std::fs::canonicalize(path).map_err(unread)?;
        let metadata = std::fs::metadata(&found).map_err(unread)?;
        let written = metadata.modified().map_err(unread)?;
        let since = written.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let written = Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX));
        let size = metadata.len();
        let root = std::fs::canonicalize(self.root).unwrap_or_else(|_| self.root.to_owned());
        let shown = found.strip_prefix(&root).unwrap_or(&found).display().to_string();
        let etag = larder_offline_store::SourceFile::local_etag(written, size);
        Ok(SourceFile { path: shown, size, etag })
    }
}

impl Meaning {
    /// Where a column of the answer comes from.
    pub(crate) fn origin(&self, column: &str) -> ColumnOrigin {
        self.origins
            .get(column)
            .map_or(ColumnOrigin::Entity, |view| ColumnOrigin::View(view.clone()))
    }
}

/// The selection that a manifest names.
///
/// # Errors
/// `Invalid` for what is no reference.
pub(crate) fn selected(request: &Request) -> Result<Selection> {
    selection(&request.features, request.feature_service.as_deref())
}

/// The sources that entity rows come from, by a manifest.
pub(crate) fn queried(manifest: &Manifest) -> &[Source] {
    match &manifest.entity_rows.from {
        EntityOrigin::Query { sources, .. } => sources,
        _ => &[],
    }
}

/// The path of a manifest's file of entity rows from the working directory.
pub(crate) fn from_root(root: &Path, path: &str) -> String {
    if ObjectUri::is_one(path) { path.to_owned() } else { root.join(path).display().to_string() }
}

/// A file of which nothing but its path is known.
pub(crate) fn unknown_file(path: &str) -> SourceFile {
    SourceFile { path: path.to_owned(), size: 0, etag: String::new() }
}

fn distinct(views: &[HistoricalView]) -> Vec<DataSource> {
    let by_name = views.iter().map(|view| (view.source.name.clone(), view.source.clone()));
    by_name.collect::<BTreeMap<_, _>>().into_values().collect()
}

fn unreadable(path: &Path, error: std::io::Error) -> Error {
    let kind = match error.kind() {
        std::io::ErrorKind::NotFound => ErrorKind::NotFound,
        std::io::ErrorKind::PermissionDenied => ErrorKind::PermissionDenied,
        _ => ErrorKind::Unavailable,
    };
    Error::new(kind, format!("cannot read the entity rows in {}", path.display()))
        .with_source(error)
}
