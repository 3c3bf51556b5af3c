//! The parts that the offline server serves from.

use std::sync::Arc;

use larder_core::{Catalog, Clock, Result};
use larder_offline_store::{BatchStream, OfflineStore};

use super::OfflineConfig;
use super::command::Read;
use super::pull::Rows;
use super::table::Table;
use crate::SharedCatalog;
use crate::metrics::Metrics;
use crate::on_demand::Functions;

/// Catalog and offline store behind one handle; cheap to clone.
#[derive(Debug, Clone)]
pub struct OfflineServer {
    pub(super) config: Arc<OfflineConfig>,
    pub(super) catalog: SharedCatalog,
    pub(super) offline: Arc<dyn OfflineStore>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) functions: Functions,
    pub(super) metrics: Option<Arc<Metrics>>,
}

impl OfflineServer {
    /// A server over these parts.
    pub fn new(
        config: OfflineConfig,
        catalog: SharedCatalog,
        offline: Arc<dyn OfflineStore>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let config = Arc::new(config);
        Self { config, catalog, offline, clock, functions: None, metrics: None }
    }

    /// The same server, counting what it does.
    pub fn with_metrics(self, metrics: Arc<Metrics>) -> Self {
        Self { metrics: Some(metrics), ..self }
    }

    /// The same server, which has on-demand functions called that do not compile.
    pub fn with_functions(self, functions: Functions) -> Self {
        Self { functions, ..self }
    }

    /// Answers a read.
    ///
    /// # Errors
    /// As the commands.
    pub(super) async fn read(
        &self,
        catalog: &Catalog,
        command: &Read,
        table: Table,
    ) -> Result<BatchStream> {
        match command {
            Read::Historical(command) => self.historical(catalog, command, table).await,
            Read::PullLatest(command) => self.pull(catalog, command, Rows::Latest).await,
            Read::PullAll(command) => self.pull(catalog, command, Rows::All).await,
            Read::ColumnNamesAndTypes(json) => self.column_names_and_types(catalog, json).await,
        }
    }
}
