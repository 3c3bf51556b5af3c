//! The plan node as bytes.

use std::sync::Arc;

use ballista_core::serde::BallistaPhysicalExtensionCodec;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::physical_plan::ExecutionPlan;
use datafusion_proto::physical_plan::{PhysicalExtensionCodec, PhysicalProtoConverterExtension};
use larder_offline_store_datafusion::DataFusionOfflineStore;

use crate::failure::into_cluster;
use crate::join::PartitionJoin;
use crate::plan::PartitionJoinExec;

/// What the bytes of a join begin with; no message begins with a zero.
const MARK: &[u8] = b"\0larder-join\0";

/// Ballista's codec, and ours for [`PartitionJoinExec`], which gets the engine of the process that reads it.
#[derive(Debug)]
pub struct JoinCodec {
    engine: DataFusionOfflineStore,
    /// Bytes that one partition may hold, where it is joined.
    memory: Option<usize>,
    others: BallistaPhysicalExtensionCodec,
}

impl JoinCodec {
    /// The codec of a process that sends joins, or hands them on.
    pub fn new(engine: DataFusionOfflineStore) -> Self {
        Self { engine, memory: None, others: BallistaPhysicalExtensionCodec::default() }
    }

    /// The codec of a process that runs joins in this engine, so many at a time, which share its memory.
    pub fn of_executor(engine: DataFusionOfflineStore, tasks: usize) -> Self {
        let memory = Some(engine.options().memory_limit / tasks.max(1));
        Self { engine, memory, others: BallistaPhysicalExtensionCodec::default() }
    }
}

impl PhysicalExtensionCodec for JoinCodec {
    fn try_decode(
        &self,
        bytes: &[u8],
        inputs: &[Arc<dyn ExecutionPlan>],
        context: &TaskContext,
        converter: &dyn PhysicalProtoConverterExtension,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Some(message) = bytes.strip_prefix(MARK) else {
            return self.others.try_decode(bytes, inputs, context, converter);
        };
        let mut join = PartitionJoin::decode(message).map_err(into_cluster)?;
        if let Some(memory) = self.memory {
            let limit = join.options.memory_limit.unwrap_or(memory);
            join.options.memory_limit = Some(limit.min(memory));
        }
        let [entities] = inputs else {
            let message = format!("expected one input, not {}", inputs.len());
            return Err(DataFusionError::Internal(message));
        };
        let entities = Arc::clone(entities);
        Ok(Arc::new(PartitionJoinExec::new(entities, Arc::new(join), self.engine.clone())?))
    }

    fn try_encode(
        &self,
        node: Arc<dyn ExecutionPlan>,
        bytes: &mut Vec<u8>,
        converter: &dyn PhysicalProtoConverterExtension,
    ) -> Result<()> {
        let Some(join) = node.downcast_ref::<PartitionJoinExec>() else {
            return self.others.try_encode(node, bytes, converter);
        };
        bytes.extend_from_slice(MARK);
        bytes.extend(join.join().encode().map_err(into_cluster)?);
        Ok(())
    }
}
