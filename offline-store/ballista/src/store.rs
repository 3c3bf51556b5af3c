//! The store.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use futures::TryStreamExt;
use larder_core::{DataSource, Error, ErrorKind, Result};
use larder_offline_store::{
    BatchStream, HistoricalRequest, OfflineStore, PullRequest, SaveRequest, SourceFile,
};
use larder_offline_store_datafusion::{DataFusionOfflineStore, OpenRetrieval};

use crate::job::{Cluster, Sent};
use crate::join::PartitionJoin;
use crate::slices::slices;

/// Which cluster joins, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterOptions {
    /// Host and port of the scheduler.
    pub scheduler: String,
    /// Parts of the entity rows, each with keys of its own; every part reads the feature files.
    pub partitions: usize,
    /// Entity rows that are sent at a time; more make a job each, one after the other.
    pub rows_per_job: usize,
}

impl ClusterOptions {
    /// The cluster of this scheduler, with 8 parts and a million entity rows at a time.
    pub fn new(scheduler: impl Into<String>) -> Self {
        Self { scheduler: scheduler.into(), partitions: 8, rows_per_job: 1 << 20 }
    }
}

/// An offline store whose point-in-time joins run on a Ballista cluster.
///
/// Entity rows are read here, and their times and join keys are sent; the executors read the feature files, which must be
/// at the same path on all machines, or in a bucket. Everything else than joins is done here.
#[derive(Debug, Clone)]
pub struct BallistaOfflineStore {
    local: DataFusionOfflineStore,
    cluster: Arc<Cluster>,
}

impl BallistaOfflineStore {
    /// A store that reads with this engine what it reads itself; connects with the first join.
    ///
    /// # Errors
    /// `Invalid` for a scheduler that is not a host and a port, and for numbers that are zero; `Unavailable` when the
    /// folder of the repository has no whole path.
    pub fn new(local: &DataFusionOfflineStore, options: ClusterOptions) -> Result<Self> {
        let root = std::path::absolute(&local.options().repo_root).map_err(|error| {
            Error::new(ErrorKind::Unavailable, "the folder of the repository is not known")
                .with_source(error)
        })?;
        let local = local.rooted(root);
        let cluster = Arc::new(Cluster::new(options, local.clone())?);
        Ok(Self { local, cluster })
    }

    async fn open(&self, request: HistoricalRequest) -> Result<Option<Opened>> {
        let mut views = request.views.clone();
        views.retain(|view| !view.features.is_empty());
        if views.is_empty() {
            return Ok(None);
        }
        let (filter_by_created, options) = (request.filter_by_created, request.options.clone());
        let mut files = Vec::with_capacity(views.len());
        for view in &views {
            let seen = self.local.source_files(&view.source).await;
            files.push(
                seen.map_err(|error| error.context(format!("feature view \"{}\"", view.name)))?,
            );
        }
        let OpenRetrieval { entities, time, schema } = self.local.open_retrieval(request).await?;
        let row_column = row_column(&schema);
        let rows = entities.schema();
        let mut fields = vec![Field::new(&row_column, DataType::UInt64, false)];
        fields.extend(
            schema.fields()[rows.fields().len()..].iter().map(|field| field.as_ref().clone()),
        );
        let join = PartitionJoin {
            repo_root: self.local.options().repo_root.clone(),
            row_column,
            time_column: rows.field(time).name().clone(),
            views,
            files,
            filter_by_created,
            options,
            schema: Arc::new(Schema::new(fields)),
        };
        let sent = Sent::columns(&join, &rows)?;
        Ok(Some(Opened { entities, schema, sent, join: Arc::new(join) }))
    }
}

/// A retrieval that is ready to be sent.
struct Opened {
    entities: BatchStream,
    schema: SchemaRef,
    sent: Sent,
    join: Arc<PartitionJoin>,
}

/// A name that neither an entity column nor a feature has.
fn row_column(schema: &Schema) -> String {
    let mut name = "entity_row".to_owned();
    while schema.field_with_name(&name).is_ok() {
        name.push('_');
    }
    name
}

#[async_trait]
impl OfflineStore for BallistaOfflineStore {
    async fn source_schema(&self, source: &DataSource) -> Result<SchemaRef> {
        self.local.source_schema(source).await
    }

    async fn pull_latest(&self, request: PullRequest) -> Result<BatchStream> {
        self.local.pull_latest(request).await
    }

    async fn pull_all(&self, request: PullRequest) -> Result<BatchStream> {
        self.local.pull_all(request).await
    }

    async fn historical_features(&self, request: HistoricalRequest) -> Result<BatchStream> {
        request.check_output_names()?;
        let names: Vec<_> = request.views.iter().map(|view| view.name.clone()).collect();
        let what = format!("point-in-time join of {}", names.join(", "));
        let Some(opened) = self.open(request.clone()).await? else {
            return self.local.historical_features(request).await;
        };
        let Opened { entities, schema, sent, join } = opened;
        let (cluster, sent, columns) =
            (Arc::clone(&self.cluster), Arc::new(sent), Arc::clone(&schema));
        let answers =
            slices(entities, self.cluster.options().rows_per_job).and_then(move |slice| {
                let (cluster, sent) = (Arc::clone(&cluster), Arc::clone(&sent));
                let (join, schema) = (Arc::clone(&join), Arc::clone(&columns));
                async move { cluster.join(join, &sent, schema, slice).await }
            });
        let answers = answers.try_flatten().map_err(move |error: Error| error.context(&what));
        Ok(BatchStream::new(schema, answers))
    }

    async fn source_files(&self, source: &DataSource) -> Result<Vec<SourceFile>> {
        self.local.source_files(source).await
    }

    async fn explain(&self, request: HistoricalRequest) -> Result<String> {
        let ClusterOptions { scheduler, partitions, .. } = self.cluster.options();
        let local = self.local.explain(request).await?;
        Ok(format!(
            "joined by the Ballista cluster of {scheduler} in {partitions} partitions of the entity rows, each of which reads what follows\n{local}"
        ))
    }

    async fn write(&self, source: &DataSource, batches: Vec<RecordBatch>) -> Result<u64> {
        self.local.write(source, batches).await
    }

    async fn save(&self, request: SaveRequest, rows: BatchStream) -> Result<u64> {
        self.local.save(request, rows).await
    }
}
