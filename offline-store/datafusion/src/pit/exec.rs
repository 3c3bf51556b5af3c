//! The plan node of the point-in-time join.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arrow_schema::{DataType, Field, FieldRef, Schema, SchemaRef, TimeUnit};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result as PlanResult};
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, Distribution, ExecutionPlan, InputDistributionRequirements,
    PlanProperties, SendableRecordBatchStream,
};
use futures::TryStreamExt;
use larder_core::{Error, Result};
use larder_offline_store::Instants;

use super::common_key_type;
use super::pass::Pass;
use crate::failure::into_datafusion;

/// What a [`PitJoinExec`] joins: positions of columns on both sides.
#[derive(Debug, Clone)]
pub struct PitJoin {
    /// Join keys as (entity column, feature column); without any, every feature row is of the one key there is.
    pub keys: Vec<(usize, usize)>,
    /// Time column of the entity side.
    pub entity_time: usize,
    /// Event time column of the feature side.
    pub event_time: usize,
    /// Created time column of the feature side.
    pub created_time: Option<usize>,
    /// Whether feature rows created after the entity's time are invisible; needs `created_time`.
    pub filter_by_created: bool,
    /// How far to look back, both ends included; `None` for no limit.
    pub ttl: Option<Duration>,
    /// Columns of the feature side that are wanted, with their names in the output.
    pub features: Vec<(usize, String)>,
}

/// The point-in-time join of two inputs of one partition each.
///
/// The output has the columns of the entity side as they are, every row once and in order, followed by the wanted
/// feature columns, null where no feature row answers. The feature side may come in any order; among rows that are equal
/// in key, event time and created time the last one answers. Memory: the entity rows, an index of them and at most a
/// small multiple of their number of feature rows, all accounted to the session's memory pool.
#[derive(Debug)]
pub struct PitJoinExec {
    entities: Arc<dyn ExecutionPlan>,
    features: Arc<dyn ExecutionPlan>,
    join: Arc<PitJoin>,
    key_types: Vec<DataType>,
    properties: Arc<PlanProperties>,
}

impl PitJoinExec {
    /// Joins two inputs.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](larder_core::ErrorKind::Invalid) when keys can never be equal by their types, or a time
    /// column holds no times.
    pub fn try_new(
        entities: Arc<dyn ExecutionPlan>,
        features: Arc<dyn ExecutionPlan>,
        join: PitJoin,
    ) -> Result<Self> {
        let (left, right) = (entities.schema(), features.schema());
        let key_types = join.keys.iter().map(|&(l, r)| key_type(left.field(l), right.field(r)));
        let key_types = key_types.collect::<Result<_>>()?;
        time_unit(left.field(join.entity_time))?;
        for column in [Some(join.event_time), join.created_time].into_iter().flatten() {
            time_unit(right.field(column))?;
        }
        let schema = output_schema(&left, &right, &join);
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Final,
            Boundedness::Bounded,
        );
        let (join, properties) = (Arc::new(join), Arc::new(properties));
        Ok(Self { entities, features, join, key_types, properties })
    }
}

fn key_type(entity: &Field, feature: &Field) -> Result<DataType> {
    common_key_type(entity.data_type(), feature.data_type()).ok_or_else(|| {
        Error::invalid(format!(
            "entity column \"{}\" is {} but join key \"{}\" is {}",
            entity.name(),
            entity.data_type(),
            feature.name(),
            feature.data_type()
        ))
        .with_hint("give both sides the same kind of type: integers, text, bytes or times")
    })
}

pub(super) fn time_unit(field: &Field) -> Result<TimeUnit> {
    Instants::unit_of(field.data_type()).ok_or_else(|| {
        let data_type = field.data_type();
        Error::invalid(format!("column \"{}\" is {data_type} and holds no times", field.name()))
    })
}

fn output_schema(left: &Schema, right: &Schema, join: &PitJoin) -> SchemaRef {
    let mut fields: Vec<FieldRef> = left.fields().iter().cloned().collect();
    fields.extend(feature_fields(right, join));
    Arc::new(Schema::new(fields))
}

pub(super) fn feature_fields(right: &Schema, join: &PitJoin) -> Vec<FieldRef> {
    let field = |(column, name): &(usize, String)| {
        FieldRef::new(Field::new(name, right.field(*column).data_type().clone(), true))
    };
    join.features.iter().map(field).collect()
}

impl DisplayAs for PitJoinExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.join.features.iter().map(|(_, name)| name.as_str()).collect();
        write!(f, "PitJoinExec: features=[{}]", names.join(", "))?;
        match self.join.ttl {
            Some(ttl) => write!(f, ", ttl={ttl:?}"),
            None => Ok(()),
        }
    }
}

impl ExecutionPlan for PitJoinExec {
    fn name(&self) -> &'static str {
        "PitJoinExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn input_distribution_requirements(&self) -> InputDistributionRequirements {
        let single = vec![Distribution::SinglePartition, Distribution::SinglePartition];
        InputDistributionRequirements::new(single)
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true, false]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.entities, &self.features]
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
        let [entities, features] = <[_; 2]>::try_from(children).map_err(|children| {
            DataFusionError::Internal(format!("a join has two inputs, not {}", children.len()))
        })?;
        let join = PitJoin::clone(&self.join);
        Ok(Arc::new(Self::try_new(entities, features, join).map_err(into_datafusion)?))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> PlanResult<SendableRecordBatchStream> {
        if partition != 0 {
            let message = format!("a point-in-time join has no partition {partition}");
            return Err(DataFusionError::Internal(message));
        }
        let entities = self.entities.execute(0, Arc::clone(&context))?;
        let features = self.features.execute(0, Arc::clone(&context))?;
        let event_time = features.schema();
        let event_time = event_time.field(self.join.event_time);
        let reservation = MemoryConsumer::new("PitJoinExec").register(context.memory_pool());
        let pass = Pass {
            join: Arc::clone(&self.join),
            key_types: self.key_types.clone(),
            schema: self.schema(),
            event_unit: time_unit(event_time).map_err(into_datafusion)?,
            batch_size: context.session_config().batch_size(),
            reservation,
        };
        let batches = futures::stream::once(pass.run(entities, features)).try_flatten();
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), batches)))
    }
}
