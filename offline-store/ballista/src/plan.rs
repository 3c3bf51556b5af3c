//! The plan node.

use std::fmt;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;
use arrow_array::{RecordBatch, UInt32Array};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result as PlanResult};
use datafusion::execution::TaskContext;
use datafusion::physical_expr::expressions::col;
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr, PhysicalSortExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, Partitioning,
    PlanProperties, SendableRecordBatchStream,
};
use futures::{Stream, StreamExt, TryStreamExt};
use larder_core::{Error, Result};
use larder_offline_store_datafusion::DataFusionOfflineStore;

use crate::failure::into_cluster;
use crate::join::PartitionJoin;

/// Joins each partition of the entity rows on its own.
///
/// The input has the number of each row, its time and its join keys. The output has as many partitions, each with the
/// numbers of its rows, ascending, and their features.
#[derive(Debug)]
pub struct PartitionJoinExec {
    entities: Arc<dyn ExecutionPlan>,
    join: Arc<PartitionJoin>,
    engine: DataFusionOfflineStore,
    properties: Arc<PlanProperties>,
}

impl PartitionJoinExec {
    /// A join that runs in an engine of this process; sends nothing.
    ///
    /// # Errors
    /// `Internal` when the join's columns lack the number of the row.
    pub fn new(
        entities: Arc<dyn ExecutionPlan>,
        join: Arc<PartitionJoin>,
        engine: DataFusionOfflineStore,
    ) -> PlanResult<Self> {
        let by_row = PhysicalSortExpr::new_default(col(&join.row_column, &join.schema)?);
        let schema = Arc::clone(&join.schema);
        let partitions = entities.output_partitioning().partition_count();
        let properties = PlanProperties::new(
            EquivalenceProperties::new_with_orderings(schema, [[by_row]]),
            Partitioning::UnknownPartitioning(partitions),
            EmissionType::Final,
            Boundedness::Bounded,
        );
        Ok(Self { entities, join, engine, properties: Arc::new(properties) })
    }

    /// What is joined.
    pub fn join(&self) -> &PartitionJoin {
        &self.join
    }
}

impl DisplayAs for PartitionJoinExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.join.views.iter().map(|view| view.name.as_str()).collect();
        write!(f, "PartitionJoinExec: views=[{}]", names.join(", "))
    }
}

impl ExecutionPlan for PartitionJoinExec {
    fn name(&self) -> &'static str {
        "PartitionJoinExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.entities]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> PlanResult<TreeNodeRecursion>,
    ) -> PlanResult<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> PlanResult<Arc<dyn ExecutionPlan>> {
        let [entities] = <[_; 1]>::try_from(children).map_err(|children| {
            DataFusionError::Internal(format!("expected one input, not {}", children.len()))
        })?;
        Ok(Arc::new(Self::new(entities, Arc::clone(&self.join), self.engine.clone())?))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> PlanResult<SendableRecordBatchStream> {
        let entities = self.entities.execute(partition, context)?;
        let answers = answers(Arc::clone(&self.join), self.engine.clone(), entities);
        let answers = futures::stream::once(answers).try_flatten();
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), answers)))
    }
}

async fn answers(
    join: Arc<PartitionJoin>,
    engine: DataFusionOfflineStore,
    entities: SendableRecordBatchStream,
) -> PlanResult<impl Stream<Item = PlanResult<RecordBatch>>> {
    let schema = entities.schema();
    let batches: Vec<RecordBatch> = entities.try_collect().await?;
    let rows = arrow_select::concat::concat_batches(&schema, &batches)?;
    if rows.num_rows() == 0 {
        return Ok(futures::stream::empty().left_stream());
    }
    let rows = in_order(&join.row_column, rows).map_err(into_cluster)?;
    let answers = join.run(&engine, rows).await.map_err(into_cluster)?;
    let answers = answers.map(move |batch| batch.and_then(|batch| join.columns(&batch)));
    Ok(answers.map_err(into_cluster).right_stream())
}

/// The rows by ascending number: an exchange may have mixed them.
fn in_order(column: &str, rows: RecordBatch) -> Result<RecordBatch> {
    let numbers =
        rows.column_by_name(column).and_then(|column| column.as_primitive_opt::<UInt64Type>());
    let numbers = numbers.ok_or_else(|| Error::internal("entity rows came without numbers"))?;
    let numbers = numbers.values();
    if numbers.is_sorted() {
        return Ok(rows);
    }
    let mut order: Vec<u32> = (0..).take(numbers.len()).collect();
    order.sort_unstable_by_key(|&row| numbers[row as usize]);
    arrow_select::take::take_record_batch(&rows, &UInt32Array::from(order))
        .map_err(|error| Error::internal("entity rows cannot be put in order").with_source(error))
}
