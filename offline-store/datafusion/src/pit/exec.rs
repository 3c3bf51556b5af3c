//! The plan node of the point-in-time join.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arrow_array::{Array, Int64Array, RecordBatch, UInt32Array};
use arrow_schema::{DataType, Field, FieldRef, Schema, SchemaRef, TimeUnit};
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

use super::index::{EntityIndex, IndexColumns, NO_SLOT, oldest_ticks};
use super::winners::Answers;
use super::{KeyEncoder, Winners, common_key_type};
use crate::failure::{from_arrow, into_datafusion};

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

fn time_unit(field: &Field) -> Result<TimeUnit> {
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

fn feature_fields(right: &Schema, join: &PitJoin) -> Vec<FieldRef> {
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

/// One execution of the join.
struct Pass {
    join: Arc<PitJoin>,
    key_types: Vec<DataType>,
    schema: SchemaRef,
    event_unit: TimeUnit,
    batch_size: usize,
    reservation: MemoryReservation,
}

impl Pass {
    async fn run(
        self,
        mut entities: SendableRecordBatchStream,
        features: SendableRecordBatchStream,
    ) -> PlanResult<futures::stream::BoxStream<'static, PlanResult<RecordBatch>>> {
        let mut batches = Vec::new();
        while let Some(batch) = entities.try_next().await? {
            self.reservation.try_grow(batch.get_array_memory_size())?;
            batches.push(batch);
        }
        let (index, answers) = self.scan(&batches, features).await?;
        let output = Output { pass: self, index, answers };
        let first_rows = batches.iter().scan(0, |next, batch| {
            let first = *next;
            *next += batch.num_rows();
            Some(first)
        });
        let slices: Vec<_> = first_rows
            .zip(&batches)
            .flat_map(|(first, batch)| slices(first, batch, output.pass.batch_size))
            .collect();
        let rows = slices.into_iter().map(move |(first, batch)| output.rows(first, &batch));
        Ok(futures::stream::iter(rows).boxed())
    }

    /// Indexes the entity rows and passes over the feature rows.
    async fn scan(
        &self,
        batches: &[RecordBatch],
        mut features: SendableRecordBatchStream,
    ) -> PlanResult<(EntityIndex, Answers)> {
        let join = &self.join;
        let schema = features.schema();
        let index = self.index(batches, &schema).map_err(into_datafusion)?;
        let fixed = self.reservation.size() + index.memory();
        let wanted = join.features.iter().map(|(column, _)| *column).collect();
        let outputs = Arc::new(Schema::new(feature_fields(&schema, join)));
        let mut winners = Winners::new(outputs, wanted, index.slots());
        while let Some(batch) = features.try_next().await? {
            self.offer(&index, &mut winners, &batch).map_err(into_datafusion)?;
            winners.settle(&batch)?;
            self.reservation.try_resize(fixed + winners.memory())?;
        }
        let mut answers = winners.finish()?;
        answers.carry_forward(index.runs());
        Ok((index, answers))
    }

    fn index(&self, batches: &[RecordBatch], features: &Schema) -> Result<EntityIndex> {
        let encoder = KeyEncoder::new(self.key_types.clone()).map_err(from_arrow)?;
        let keys: Vec<usize> = self.join.keys.iter().map(|(entity, _)| *entity).collect();
        let created = self.join.created_time.filter(|_| self.join.filter_by_created);
        let columns = IndexColumns {
            keys: &keys,
            time: self.join.entity_time,
            event_unit: self.event_unit,
            created_unit: created.map(|column| time_unit(features.field(column))).transpose()?,
        };
        EntityIndex::build(encoder, batches, &columns)
    }

    fn offer(&self, index: &EntityIndex, winners: &mut Winners, batch: &RecordBatch) -> Result<()> {
        let columns: Vec<usize> = self.join.keys.iter().map(|(_, feature)| *feature).collect();
        let keys = index.encode(batch, &columns)?;
        let events = Instants::read(batch.column(self.join.event_time))?.ticks;
        let created = self.join.created_time.map(|column| Instants::read(batch.column(column)));
        let created = created.transpose()?.map(|instants| instants.ticks);
        for (row, event) in (0_u32..).zip(&events) {
            let local = row as usize;
            let Some(event) = event.filter(|_| !keys.has_null(local)) else { continue };
            let created = created.as_ref().and_then(|ticks| value(ticks, local));
            if let Some(slot) = index.first_slot(keys.bytes(local), event, created) {
                winners.offer(slot, event, created, row);
            }
        }
        Ok(())
    }
}

fn value(ticks: &Int64Array, row: usize) -> Option<i64> {
    ticks.is_valid(row).then(|| ticks.value(row))
}

/// Cuts a batch into pieces of at most `size` rows, each with the position of its first row among all rows.
fn slices(first: usize, batch: &RecordBatch, size: usize) -> Vec<(usize, RecordBatch)> {
    let starts = (0..batch.num_rows()).step_by(size);
    let piece = |start: usize| batch.slice(start, size.min(batch.num_rows() - start));
    starts.map(|start| (first + start, piece(start))).collect()
}

/// The entity rows with their answers.
struct Output {
    pass: Pass,
    index: EntityIndex,
    answers: Answers,
}

impl Output {
    /// The output for a piece of the entity side that starts at row `first`.
    fn rows(&self, first: usize, entities: &RecordBatch) -> PlanResult<RecordBatch> {
        let Pass { join, event_unit, schema, .. } = &self.pass;
        let times = entities.column(join.entity_time);
        let oldest = oldest_ticks(times, join.ttl, *event_unit).map_err(into_datafusion)?;
        let answer = |(row, oldest): (usize, i64)| match self.index.slot_of_row(row) {
            NO_SLOT => None,
            slot => self.answers.row(slot as usize, oldest),
        };
        let rows: UInt32Array = (first..).zip(oldest).map(answer).collect();
        let mut columns = entities.columns().to_vec();
        for column in 0..join.features.len() {
            columns.push(self.answers.take(column, &rows)?);
        }
        Ok(RecordBatch::try_new(Arc::clone(schema), columns)?)
    }
}
