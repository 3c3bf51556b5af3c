//! The store: options, session and the trait.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use async_trait::async_trait;
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::GreedyMemoryPool;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::{SessionConfig, SessionContext};
use futures::TryStreamExt;
use larder_core::{DataSource, Error, Result};
use larder_object_storage::{Buckets, S3Settings};
use larder_offline_store::{
    BatchStream, HistoricalRequest, OfflineStore, PullRequest, SaveRequest, SourceFile,
};
use object_store::ObjectStore;

use crate::failure::from_datafusion;
use crate::historical::OpenRetrieval;
use crate::source::SourceTable;

/// Settings of the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineOptions {
    /// Folder that relative source paths start from: the feature repository.
    pub repo_root: PathBuf,
    /// Bytes that all running joins together may hold.
    pub memory_limit: usize,
    /// Rows per batch of an answer, at most.
    pub batch_size: usize,
    /// How S3-compatible storage is reached.
    pub object_storage: S3Settings,
}

impl EngineOptions {
    /// The defaults for a feature repository: 4 GiB and 8192 rows.
    pub fn new(repo_root: impl Into<PathBuf>) -> Self {
        Self {
            repo_root: repo_root.into(),
            memory_limit: 4 << 30,
            batch_size: 8192,
            object_storage: S3Settings::default(),
        }
    }
}

/// An offline store over Parquet files.
#[derive(Clone)]
pub struct DataFusionOfflineStore {
    context: SessionContext,
    buckets: Arc<Buckets>,
    options: Arc<EngineOptions>,
}

impl DataFusionOfflineStore {
    /// An engine with these settings; touches no file.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](larder_core::ErrorKind::Invalid) for a batch size of zero.
    pub fn new(options: EngineOptions) -> Result<Self> {
        if options.batch_size == 0 {
            return Err(Error::invalid("the batch size of the offline engine must not be zero"));
        }
        // One partition: file order decides between rows that are equal in both times.
        let config = SessionConfig::new()
            .with_target_partitions(1)
            .with_batch_size(options.batch_size)
            .with_information_schema(false);
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(GreedyMemoryPool::new(options.memory_limit)))
            .build_arc()
            .map_err(from_datafusion)?;
        let context = SessionContext::new_with_config_rt(config, runtime);
        let buckets = Arc::new(Buckets::new(options.object_storage.clone()));
        Ok(Self { context, buckets, options: Arc::new(options) })
    }

    /// Reads and writes a bucket (`s3://NAME/...` without an endpoint of its own) through a client of the caller's.
    pub fn register_bucket(&self, name: &str, client: Arc<dyn ObjectStore>) {
        self.buckets.register(name, client);
    }

    /// The same engine, with its memory and its clients, for sources whose relative paths start from another folder.
    #[must_use]
    pub fn rooted(&self, repo_root: impl Into<PathBuf>) -> Self {
        let options =
            EngineOptions { repo_root: repo_root.into(), ..self.options.as_ref().clone() };
        Self { options: Arc::new(options), ..self.clone() }
    }

    /// Opens what a retrieval reads, and joins nothing.
    ///
    /// # Errors
    /// As [`OfflineStore::historical_features`]: everything that can be known before feature rows are read.
    pub async fn open_retrieval(&self, request: HistoricalRequest) -> Result<OpenRetrieval> {
        crate::historical::open(self, request).await
    }

    pub(crate) fn buckets(&self) -> &Buckets {
        &self.buckets
    }

    pub(crate) fn context(&self) -> &SessionContext {
        &self.context
    }

    /// The settings.
    pub fn options(&self) -> &EngineOptions {
        &self.options
    }

    /// Runs a plan of one partition; errors while reading say what was read.
    pub(crate) fn run(&self, plan: &Arc<dyn ExecutionPlan>, what: String) -> Result<BatchStream> {
        run_in(self.context.task_ctx(), plan, what)
    }

    /// As [`run`](Self::run), with at most this much memory.
    pub(crate) fn run_within(
        &self,
        limit: usize,
        plan: &Arc<dyn ExecutionPlan>,
        what: String,
    ) -> Result<BatchStream> {
        let runtime = self.runtime_within(limit)?;
        let task = TaskContext::from(&self.context.state()).with_runtime(runtime);
        run_in(Arc::new(task), plan, what)
    }

    /// What plans run in: with the memory of all requests, or with this much of their own where it is less.
    pub(crate) fn runtime_within(&self, limit: usize) -> Result<Arc<RuntimeEnv>> {
        if limit >= self.options.memory_limit {
            return Ok(self.context.runtime_env());
        }
        let pool = Arc::new(GreedyMemoryPool::new(limit));
        RuntimeEnvBuilder::from_runtime_env(&self.context.runtime_env())
            .with_memory_pool(pool)
            .build_arc()
            .map_err(from_datafusion)
    }
}

fn run_in(
    task: Arc<TaskContext>,
    plan: &Arc<dyn ExecutionPlan>,
    what: String,
) -> Result<BatchStream> {
    let batches = plan.execute(0, task).map_err(from_datafusion)?;
    let batches = batches.map_err(move |error| from_datafusion(error).context(&what));
    Ok(BatchStream::new(plan.schema(), batches))
}

impl fmt::Debug for DataFusionOfflineStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataFusionOfflineStore")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl OfflineStore for DataFusionOfflineStore {
    async fn source_schema(&self, source: &DataSource) -> Result<SchemaRef> {
        Ok(SourceTable::open(self, source).await?.schema())
    }

    async fn pull_latest(&self, request: PullRequest) -> Result<BatchStream> {
        crate::pull::latest(self, &request).await
    }

    async fn pull_all(&self, request: PullRequest) -> Result<BatchStream> {
        crate::pull::all(self, &request).await
    }

    async fn historical_features(&self, request: HistoricalRequest) -> Result<BatchStream> {
        crate::historical::join(self, request).await
    }

    async fn source_files(&self, source: &DataSource) -> Result<Vec<SourceFile>> {
        Ok(SourceTable::open(self, source).await?.described(&self.options.repo_root))
    }

    async fn explain(&self, request: HistoricalRequest) -> Result<String> {
        crate::historical::explain(self, request).await
    }

    async fn write(&self, source: &DataSource, batches: Vec<RecordBatch>) -> Result<u64> {
        crate::write::append(self, source, batches).await
    }

    async fn save(&self, request: SaveRequest, rows: BatchStream) -> Result<u64> {
        crate::write::save(self, &request, rows).await
    }
}
