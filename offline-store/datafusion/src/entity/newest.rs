//! The newest row per key as a plan node.

use std::fmt;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result as PlanResult};
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, Distribution, ExecutionPlan, InputDistributionRequirements,
    PlanProperties, SendableRecordBatchStream,
};
use futures::{StreamExt, TryStreamExt};
use larder_core::{Error, Result};
use larder_offline_store::Instants;

use crate::failure::{from_arrow, into_datafusion};
use crate::pit::{KeyEncoder, KeyTable, Winners, common_key_type};

/// Keeps per key the row with the greatest event time, then created time, then the last; rows without an event time
/// are dropped. Null keys equal each other. Keys come in the order in which they are first met.
#[derive(Debug)]
pub(crate) struct LatestExec {
    input: Arc<dyn ExecutionPlan>,
    columns: LatestColumns,
    properties: Arc<PlanProperties>,
}

/// Positions in the input.
#[derive(Debug, Clone)]
pub(crate) struct LatestColumns {
    /// Key columns; without any, all rows share one key.
    pub(crate) keys: Vec<usize>,
    /// Event time column.
    pub(crate) event: usize,
    /// Created time column.
    pub(crate) created: Option<usize>,
}

impl LatestExec {
    pub(crate) fn new(input: Arc<dyn ExecutionPlan>, columns: LatestColumns) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(input.schema()),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Final,
            Boundedness::Bounded,
        );
        Self { input, columns, properties: Arc::new(properties) }
    }
}

impl DisplayAs for LatestExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LatestExec: keys={:?}", self.columns.keys)
    }
}

impl ExecutionPlan for LatestExec {
    fn name(&self) -> &'static str {
        "LatestExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn input_distribution_requirements(&self) -> InputDistributionRequirements {
        InputDistributionRequirements::new(vec![Distribution::SinglePartition])
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
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
        let [input] = <[_; 1]>::try_from(children).map_err(|children| {
            DataFusionError::Internal(format!("expected one input, not {}", children.len()))
        })?;
        Ok(Arc::new(Self::new(input, self.columns.clone())))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> PlanResult<SendableRecordBatchStream> {
        let input = self.input.execute(partition, Arc::clone(&context))?;
        let pass = Pass {
            columns: self.columns.clone(),
            schema: self.schema(),
            batch_size: context.session_config().batch_size(),
            reservation: MemoryConsumer::new("LatestExec").register(context.memory_pool()),
        };
        let batches = futures::stream::once(pass.run(input)).try_flatten();
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), batches)))
    }
}

struct Pass {
    columns: LatestColumns,
    schema: SchemaRef,
    batch_size: usize,
    reservation: MemoryReservation,
}

impl Pass {
    async fn run(
        self,
        mut input: SendableRecordBatchStream,
    ) -> PlanResult<futures::stream::BoxStream<'static, PlanResult<RecordBatch>>> {
        let encoder = self.encoder().map_err(into_datafusion)?;
        let mut keys = KeyTable::default();
        let wanted = (0..self.schema.fields().len()).collect();
        let mut winners = Winners::new(Arc::clone(&self.schema), wanted, 0);
        while let Some(batch) = input.try_next().await? {
            self.offer(&encoder, &mut keys, &mut winners, &batch).map_err(into_datafusion)?;
            winners.settle(&batch)?;
            self.reservation.try_resize(keys.memory() + winners.memory())?;
        }
        let rows = winners.finish()?;
        let (size, held) = (self.batch_size, self.reservation);
        let starts = (0..rows.num_rows()).step_by(size);
        let pieces = starts.map(move |start| {
            // The rows stay accounted for until the last piece is out.
            let _held = &held;
            Ok(rows.slice(start, size.min(rows.num_rows() - start)))
        });
        Ok(futures::stream::iter(pieces).boxed())
    }

    fn encoder(&self) -> Result<KeyEncoder> {
        let key_type = |&column: &usize| {
            let field = self.schema.field(column);
            let data_type = field.data_type();
            common_key_type(data_type, data_type).ok_or_else(|| {
                Error::invalid(format!("join key \"{}\" cannot be {data_type}", field.name()))
            })
        };
        let types = self.columns.keys.iter().map(key_type).collect::<Result<_>>()?;
        KeyEncoder::new(types).map_err(from_arrow)
    }

    fn offer(
        &self,
        encoder: &KeyEncoder,
        keys: &mut KeyTable,
        winners: &mut Winners,
        batch: &RecordBatch,
    ) -> Result<()> {
        let columns: Vec<ArrayRef> =
            self.columns.keys.iter().map(|&key| ArrayRef::clone(batch.column(key))).collect();
        let encoded = encoder.encode(&columns).map_err(from_arrow)?;
        let events = Instants::read(batch.column(self.columns.event))?.ticks;
        let created = self.columns.created.map(|column| Instants::read(batch.column(column)));
        let created = created.transpose()?.map(|instants| instants.ticks);
        for (row, event) in (0_u32..).zip(&events) {
            let Some(event) = event else { continue };
            let local = row as usize;
            let slot = keys.insert(encoded.bytes(local)).ok_or_else(|| {
                Error::invalid("the source has more distinct join keys than one read takes")
                    .with_hint("read a shorter interval")
            })?;
            winners.grow(keys.len());
            let created = created.as_ref().filter(|ticks| ticks.is_valid(local));
            winners.offer(slot as usize, event, created.map(|ticks| ticks.value(local)), row);
        }
        Ok(())
    }
}
