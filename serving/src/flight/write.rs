//! Commands that write: rows, logs, saved datasets.

use larder_core::{Catalog, DataSource, Error, LoggingDestination, ObjectKind, Result, SourceKind};
use larder_offline_store::{SaveMode, SaveRequest};

use super::OfflineServer;
use super::command::{Persist, Write};
use super::pull::registered;
use super::table::Table;

impl OfflineServer {
    /// Does what a command says and returns how many rows it wrote.
    ///
    /// # Errors
    /// `NotFound` for objects that the project does not have; otherwise as the offline store.
    pub(super) async fn write(
        &self,
        catalog: &Catalog,
        command: &Write,
        table: Table,
    ) -> Result<u64> {
        match command {
            Write::OfflineWriteBatch { view } => self.write_batch(catalog, view, table).await,
            Write::LoggedFeatures { service } => self.write_logs(catalog, service, table).await,
            Write::Persist(persist) => self.persist(catalog, persist, table).await,
            Write::ValidateDataSource(json) => {
                self.validate_data_source(catalog, json).await.map(|()| 0)
            }
        }
    }

    /// Appends rows to the batch source of a view.
    async fn write_batch(&self, catalog: &Catalog, view: &str, table: Table) -> Result<u64> {
        let project = catalog.project().name.as_str();
        let missing = || Error::not_found(ObjectKind::FeatureView, view, project);
        let view = catalog.feature_views().get(view).ok_or_else(missing)?;
        let source = view.batch_source.as_ref().and_then(DataSource::offline).ok_or_else(|| {
            Error::invalid(format!(
                "feature view \"{}\" has no batch source to write to",
                view.name
            ))
        })?;
        let table = table.plain()?;
        if table.batches.is_empty() {
            return Ok(0);
        }
        self.offline.write(source, table.batches).await
    }

    /// Puts logged features into a new file of the service's log folder, or of each folder of a partition.
    async fn write_logs(&self, catalog: &Catalog, service: &str, table: Table) -> Result<u64> {
        let service = catalog.feature_service(service)?;
        let logging = service.logging.as_ref().ok_or_else(|| {
            Error::invalid(format!("feature service \"{}\" has no logging config", service.name))
        })?;
        let request = logs(&service.name, &logging.destination)?;
        self.offline.save(request, table.plain()?.into_stream()).await
    }

    /// Saves what a read answers under a data source; not over the rows of a view.
    async fn persist(&self, catalog: &Catalog, persist: &Persist, table: Table) -> Result<u64> {
        let rows = self.read(catalog, &persist.read, table).await?;
        let target = registered(catalog, &persist.source)?.clone();
        let target = target.offline().cloned().unwrap_or(target);
        if let Some(view) = reader_of(catalog, &target) {
            return Err(Error::invalid(format!(
                "data source \"{}\" holds the rows of feature view \"{view}\"",
                persist.source
            ))
            .with_hint("save to a path of its own, applied as a data source of that name"));
        }
        let mode = if persist.allow_overwrite { SaveMode::Replace } else { SaveMode::New };
        self.offline.save(SaveRequest::new(target, mode), rows).await
    }
}

fn logs(service: &str, destination: &LoggingDestination) -> Result<SaveRequest> {
    match destination {
        LoggingDestination::File { path, s3_endpoint_override, partition_by } => {
            let kind = SourceKind::File {
                uri: path.clone(),
                format: None,
                s3_endpoint_override: s3_endpoint_override.clone(),
            };
            let target = DataSource::new(format!("logs of {service}"), kind);
            let partition_by = partition_by.clone();
            Ok(SaveRequest { target, mode: SaveMode::Add, partition_by })
        }
        _ => Err(Error::unsupported(format!(
            "feature service \"{service}\" logs to a warehouse, which Larder cannot write"
        ))
        .with_hint("FileLoggingDestination can be written")),
    }
}

/// A view whose batch source has the same path.
fn reader_of<'a>(catalog: &'a Catalog, target: &DataSource) -> Option<&'a str> {
    let path = |source: &DataSource| match &source.kind {
        SourceKind::File { uri, .. } => Some(uri.trim_end_matches('/').to_owned()),
        _ => None,
    };
    let wanted = path(target)?;
    let mut views = catalog.feature_views().values();
    let reads = |source: &DataSource| path(source).is_some_and(|path| path == wanted);
    let found = views
        .find(|view| view.batch_source.as_ref().and_then(DataSource::offline).is_some_and(reads));
    found.map(|view| view.name.as_str())
}
