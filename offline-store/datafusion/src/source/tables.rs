//! The sources of one request.

use std::sync::Arc;

use larder_core::{DataSource, Result};

use super::SourceTable;
use crate::engine::DataFusionOfflineStore;

/// Sources that a request has opened, each once: all that it asks of a source is of one version.
#[derive(Debug, Default)]
pub(crate) struct Tables(Vec<(DataSource, Arc<SourceTable>)>);

impl Tables {
    /// The source as the request sees it.
    pub(crate) async fn open(
        &mut self,
        engine: &DataFusionOfflineStore,
        source: &DataSource,
    ) -> Result<Arc<SourceTable>> {
        let source = source.offline().unwrap_or(source);
        if let Some((_, table)) = self.0.iter().find(|(known, _)| known == source) {
            return Ok(Arc::clone(table));
        }
        let table = Arc::new(SourceTable::open(engine, source).await?);
        self.0.push((source.clone(), Arc::clone(&table)));
        Ok(table)
    }
}
