//! Where the rows of stream jobs go.

use std::path::Path;
use std::sync::Arc;

use larder_core::{Catalog, Error, Result};
use larder_online_store::OnlineStore;
use larder_registry::RepoConfig;
use larder_stream_features::{
    HistoryFile, JobDefinition, JsonLines, OnlineRows, SchemaDirectory, Sink, WriterSchemas,
};

use super::schema_registry::HttpSchemas;

/// The stores of a run.
#[derive(Debug)]
pub(crate) struct StreamTargets<'a> {
    config: &'a RepoConfig,
    catalog: &'a Catalog,
    /// `None` when rows are not to be served.
    online: Option<Arc<dyn OnlineStore>>,
    /// Folder of the files with all rows of views.
    history: Option<&'a Path>,
}

impl<'a> StreamTargets<'a> {
    /// The repository's online store unless rows are not to go there, and a folder for histories.
    ///
    /// # Errors
    /// As [`super::online_store`].
    pub(crate) fn new(
        config: &'a RepoConfig,
        catalog: &'a Catalog,
        to_online: bool,
        history: Option<&'a Path>,
    ) -> Result<Self> {
        let online = to_online.then(|| super::online_store(config)).transpose()?;
        Ok(Self { config, catalog, online, history })
    }

    /// The sinks of a job.
    ///
    /// # Errors
    /// `Invalid` when its view is not registered or does not fit; `Unavailable` for files that cannot be written.
    pub(crate) fn sinks(&self, job: &JobDefinition) -> Result<Vec<Box<dyn Sink>>> {
        let mut sinks: Vec<Box<dyn Sink>> = Vec::new();
        job.check_view(|name| self.catalog.online_view(name).ok().map(AsRef::as_ref))
            .map_err(hinted)?;
        if let Some(view) = job.view() {
            let view = self.catalog.online_view(view)?;
            if let Some(online) = &self.online {
                let table = view.table_name(self.catalog.online_versioning());
                sinks.push(Box::new(OnlineRows::new(
                    Arc::clone(online),
                    (self.config.project.as_str(), table.as_str()),
                    view,
                    job.row(),
                    super::entity_key_version(self.config),
                    super::write_guard(self.config),
                )?));
            }
            if let Some(folder) = self.history {
                let file = folder.join(format!("{}.parquet", job.name()));
                sinks.push(Box::new(HistoryFile::new(&file, view, job.row())));
            }
        }
        if let Some(output) = job.output() {
            let path = self.config.repo_path.join(output);
            sinks.push(Box::new(JsonLines::create(&path, job.row())?));
        }
        Ok(sinks)
    }
}

/// Where the schemas of the writers of a job's Avro events are.
pub(crate) fn writer_schemas(config: &RepoConfig, job: &JobDefinition) -> Arc<dyn WriterSchemas> {
    match job.schema_registry() {
        Some(url) => Arc::new(HttpSchemas::new(url)),
        None => Arc::new(SchemaDirectory::new(config.repo_path.join(job.writer_schemas()))),
    }
}

fn hinted(error: Error) -> Error {
    error.with_hint("run fs apply after a change of the definitions")
}
