//! One job of the cluster: a slice of entity rows, joined.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, UInt64Array};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use ballista_core::execution_plans::execute_physical_plan;
use ballista_core::extension::SessionConfigExt;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::error::Result as PlanResult;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{Partitioning, PhysicalExpr, PhysicalSortExpr};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::sorts::sort_preserving_merge::SortPreservingMergeExec;
use datafusion::prelude::SessionConfig;
use datafusion_proto::protobuf::PhysicalPlanNode;
use futures::{Stream, StreamExt, TryStreamExt};
use larder_core::{Error, Result};
use larder_offline_store_datafusion::DataFusionOfflineStore;

use crate::answers::Waiting;
use crate::codec::JoinCodec;
use crate::failure::from_cluster;
use crate::join::PartitionJoin;
use crate::plan::PartitionJoinExec;
use crate::reach::reach;
use crate::slices::Slice;
use crate::store::ClusterOptions;

/// Bytes of one message, at most: a plan with its entity rows, or a batch of answers.
pub(crate) const MESSAGE_BYTES: usize = 256 << 20;

/// The columns of the entity rows that executors need.
#[derive(Debug)]
pub(crate) struct Sent {
    /// Positions in the entity rows: the time, then the join keys of all views.
    columns: Vec<usize>,
    /// The number of the row, then those columns.
    schema: SchemaRef,
}

impl Sent {
    /// # Errors
    /// `Internal` when the entity rows lack one of them, which opening the retrieval has ruled out.
    pub(crate) fn columns(join: &PartitionJoin, rows: &Schema) -> Result<Self> {
        let find = |name: &str| {
            let missing = |error| Error::internal("a join key is missing").with_source(error);
            rows.index_of(name).map_err(missing)
        };
        let time = find(&join.time_column)?;
        let keys = join.views.iter().flat_map(|view| &view.join_keys);
        let keys: BTreeSet<usize> =
            keys.map(|key| find(&key.entity_column)).collect::<Result<_>>()?;
        let columns: Vec<usize> =
            std::iter::once(time).chain(keys.into_iter().filter(|key| *key != time)).collect();
        let number = Arc::new(Field::new(&join.row_column, DataType::UInt64, false));
        let fields = columns.iter().map(|&column| Arc::clone(&rows.fields()[column]));
        let schema =
            Arc::new(Schema::new(std::iter::once(number).chain(fields).collect::<Vec<_>>()));
        Ok(Self { columns, schema })
    }

    /// The columns of a slice's rows, which are numbered from 0.
    fn rows(&self, slice: &Slice) -> Result<Vec<RecordBatch>> {
        let mut first = 0;
        let numbered = slice.batches.iter().map(|batch| {
            let end = first + batch.num_rows() as u64;
            let numbers = UInt64Array::from_iter_values(first..end);
            first = end;
            let columns = self.columns.iter().map(|&column| Arc::clone(batch.column(column)));
            let columns = std::iter::once(Arc::new(numbers) as ArrayRef).chain(columns).collect();
            RecordBatch::try_new(Arc::clone(&self.schema), columns).map_err(|error| {
                Error::internal("entity rows of another schema").with_source(error)
            })
        });
        numbered.collect()
    }

    /// What partitions the rows: all join keys, the number of the row where there are none.
    fn hashed(&self) -> Vec<Arc<dyn PhysicalExpr>> {
        let keys = match self.schema.fields().len() {
            0..=2 => 0..1,
            columns => 2..columns,
        };
        let column = |at: usize| Arc::new(Column::new(self.schema.field(at).name(), at)) as _;
        keys.map(column).collect()
    }
}

/// A scheduler and what is sent to it.
#[derive(Debug)]
pub(crate) struct Cluster {
    options: ClusterOptions,
    url: String,
    engine: DataFusionOfflineStore,
    session: String,
}

impl Cluster {
    pub(crate) fn new(options: ClusterOptions, engine: DataFusionOfflineStore) -> Result<Self> {
        let ClusterOptions { scheduler, partitions, rows_per_job } = &options;
        let authority = scheduler.rsplit_once(':').filter(|(host, port)| {
            !host.is_empty()
                && !host.contains('/')
                && port.parse::<u16>().is_ok_and(|port| port != 0)
        });
        if authority.is_none() {
            return Err(Error::invalid(format!("\"{scheduler}\" is no address of a scheduler"))
                .with_hint("give its host and port, for instance localhost:50050"));
        }
        if *partitions == 0 || *rows_per_job == 0 {
            return Err(Error::invalid("a cluster joins in at least one partition and one row"));
        }
        let (url, session) = (format!("http://{scheduler}"), uuid::Uuid::new_v4().to_string());
        Ok(Self { options, url, engine, session })
    }

    pub(crate) fn options(&self) -> &ClusterOptions {
        &self.options
    }

    /// The entity rows of a slice with their features, in their order.
    ///
    /// # Errors
    /// In the stream or before it what an executor answered; `Unavailable` when the cluster did not answer.
    pub(crate) async fn join(
        &self,
        join: Arc<PartitionJoin>,
        sent: &Sent,
        schema: SchemaRef,
        slice: Slice,
    ) -> Result<impl Stream<Item = Result<RecordBatch>> + Send + use<>> {
        let plan = self.plan(join, sent, sent.rows(&slice)?);
        let plan =
            plan.map_err(|error| Error::internal("the join cannot be planned").with_source(error))?;
        reach(&self.options.scheduler).await?;
        let config = self.session_config();
        let of_ballista = config.ballista_config();
        let codec = JoinCodec::new(self.engine.clone());
        let scheduler = self.options.scheduler.clone();
        let answers = execute_physical_plan::<PhysicalPlanNode>(
            self.url.clone(),
            &of_ballista,
            plan,
            &codec,
            self.session.clone(),
            config,
        );
        let answers = answers.await.map_err(|error| from_cluster(&scheduler, &error))?;
        let of_cluster = format!("the Ballista cluster of {scheduler}");
        let answers = answers.map_err(move |error| from_cluster(&scheduler, &error));
        Ok(completed(Waiting::new(schema, slice), answers, of_cluster))
    }

    /// Entity rows by key, each partition joined, and the answers by row.
    fn plan(
        &self,
        join: Arc<PartitionJoin>,
        sent: &Sent,
        rows: Vec<RecordBatch>,
    ) -> PlanResult<Arc<dyn ExecutionPlan>> {
        let rows = MemorySourceConfig::try_new_exec(&[rows], Arc::clone(&sent.schema), None)?;
        let by_key = Partitioning::Hash(sent.hashed(), self.options.partitions);
        let by_key = Arc::new(RepartitionExec::try_new(rows, by_key)?);
        let number = PhysicalSortExpr::new_default(Arc::new(Column::new(&join.row_column, 0)));
        let joined = Arc::new(PartitionJoinExec::new(by_key, join, self.engine.clone())?);
        Ok(Arc::new(SortPreservingMergeExec::new([number].into(), joined)))
    }

    fn session_config(&self) -> SessionConfig {
        SessionConfig::new_with_ballista()
            .with_batch_size(self.engine.options().batch_size)
            .with_target_partitions(self.options.partitions)
            .with_ballista_job_name("point-in-time join")
            .with_ballista_grpc_client_max_message_size(MESSAGE_BYTES)
    }
}

/// The answers beside their entity rows; ends with an error when one is missing.
fn completed(
    waiting: Waiting,
    answers: impl Stream<Item = Result<RecordBatch>> + Send + Unpin + 'static,
    of_cluster: String,
) -> impl Stream<Item = Result<RecordBatch>> + Send {
    let start = (waiting, answers, of_cluster);
    let parts =
        futures::stream::try_unfold(start, |(mut waiting, mut answers, of_cluster)| async move {
            let named = |error: Error| error.context(&of_cluster);
            match answers.try_next().await? {
                Some(answer) => {
                    let complete = waiting.complete(&answer).map_err(named)?;
                    Ok(Some((complete, (waiting, answers, of_cluster))))
                }
                None => waiting.finish().map_err(named).map(|()| None),
            }
        });
    parts.map_ok(|batches| futures::stream::iter(batches.into_iter().map(Ok))).try_flatten().boxed()
}
