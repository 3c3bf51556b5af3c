//! The offline engine, started when it is first needed: servers and `apply` mostly never do.

use std::path::PathBuf;
use std::sync::OnceLock;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use async_trait::async_trait;
use larder_core::{DataSource, Result};
use larder_object_storage::S3Settings;
use larder_offline_store::{
    BatchStream, HistoricalRequest, OfflineStore, PullRequest, SaveRequest, SourceFile,
};
use larder_offline_store_datafusion::{DataFusionOfflineStore, EngineOptions};

/// An offline store over the files of one repository.
#[derive(Debug)]
pub(crate) struct LazyOfflineStore {
    repo_path: PathBuf,
    storage: S3Settings,
    engine: OnceLock<DataFusionOfflineStore>,
}

impl LazyOfflineStore {
    /// A store whose relative paths start from this folder.
    pub(crate) fn new(repo_path: PathBuf, storage: S3Settings) -> Self {
        Self { repo_path, storage, engine: OnceLock::new() }
    }

    fn engine(&self) -> Result<&DataFusionOfflineStore> {
        if let Some(engine) = self.engine.get() {
            return Ok(engine);
        }
        let object_storage = self.storage.clone();
        let options = EngineOptions { object_storage, ..EngineOptions::new(&self.repo_path) };
        let engine = DataFusionOfflineStore::new(options)?;
        // Two first calls at once make two engines, of which one is kept: both are the same.
        Ok(self.engine.get_or_init(|| engine))
    }
}

#[async_trait]
impl OfflineStore for LazyOfflineStore {
    async fn source_schema(&self, source: &DataSource) -> Result<SchemaRef> {
        self.engine()?.source_schema(source).await
    }

    async fn pull_latest(&self, request: PullRequest) -> Result<BatchStream> {
        self.engine()?.pull_latest(request).await
    }

    async fn pull_all(&self, request: PullRequest) -> Result<BatchStream> {
        self.engine()?.pull_all(request).await
    }

    async fn historical_features(&self, request: HistoricalRequest) -> Result<BatchStream> {
        self.engine()?.historical_features(request).await
    }

    async fn source_files(&self, source: &DataSource) -> Result<Vec<SourceFile>> {
        self.engine()?.source_files(source).await
    }

    async fn explain(&self, request: HistoricalRequest) -> Result<String> {
        self.engine()?.explain(request).await
    }

    async fn write(&self, source: &DataSource, batches: Vec<RecordBatch>) -> Result<u64> {
        self.engine()?.write(source, batches).await
    }

    async fn save(&self, request: SaveRequest, rows: BatchStream) -> Result<u64> {
        self.engine()?.save(request, rows).await
    }
}
