//! The plan node of the point-in-time join.

use std::borrow::Cow;
use std::fmt;
use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

use arrow_schema::{DataType, Field, FieldRef, Schema, SchemaRef, TimeUnit};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result as PlanResult};
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryLimit};
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, Distribution, ExecutionPlan, InputDistributionRequirements,
    PlanProperties, SendableRecordBatchStream,
};
use futures::TryStreamExt;
use larder_core::{Error, Result};
use larder_offline_store::{Instants, Served, ceil_ticks, floor_ticks, nanos};

use super::candidates::NO_TIME;
use super::common_key_type;
use super::index::IndexBy;
use super::pass::Pass;
use crate::scan::FeatureScan;

/// One view of a join: its files, and how their rows meet the entity rows.
#[derive(Debug)]
pub(crate) struct ViewJoin {
    /// Name of the projection, for messages.
    pub(crate) name: String,
    /// Columns of the entity side.
    pub(super) by: IndexBy,
    /// Whether the deciding columns end with a created time.
    pub(super) has_created: bool,
    created_unit: TimeUnit,
    visible: Visible,
    /// How far to look back, both ends included; `None` for no limit.
    pub(crate) ttl: Option<Duration>,
    /// Names of the features in the output.
    outputs: Vec<String>,
    pub(crate) scan: FeatureScan,
}

/// From when on a feature row can answer.
#[derive(Debug, Clone)]
pub(crate) enum Visible {
    /// From its event time on.
    FromEvent,
    /// From its created time on, when the source has one; a row without is invisible.
    FromCreated,
    /// From the time on at which the online store had it.
    WhenServed(Served),
}

/// How a view meets the entity rows; see [`ViewJoin`].
#[derive(Debug)]
pub(crate) struct ViewColumns {
    pub(crate) name: String,
    /// Entity columns of the join keys, in the order in which the scan has them.
    pub(crate) keys: Vec<usize>,
    /// Whether the scan has a created time.
    pub(crate) has_created: bool,
    pub(crate) visible: Visible,
    pub(crate) ttl: Option<Duration>,
    pub(crate) outputs: Vec<String>,
}

impl ViewJoin {
    /// Joins the rows of a scan to entity rows of this schema, whose time column is `time`.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](larder_core::ErrorKind::Invalid) when keys can never be equal by their types, or a time
    /// column holds no times.
    pub(crate) fn new(
        entities: &Schema,
        time: usize,
        columns: ViewColumns,
        scan: FeatureScan,
    ) -> Result<Self> {
        let ViewColumns { name, keys, has_created, visible, ttl, outputs } = columns;
        let deciding = &scan.deciding;
        let typed = keys.iter().zip(deciding.fields());
        let typed = typed
            .map(|(&key, field)| Ok((key, key_type(entities.field(key), field)?)))
            .collect::<Result<_>>()?;
        time_unit(entities.field(time))?;
        let created = has_created.then(|| time_unit(deciding.field(keys.len() + 1))).transpose()?;
        let by = IndexBy {
            keys: typed,
            time,
            event_unit: time_unit(deciding.field(keys.len()))?,
            visible_unit: match visible {
                Visible::FromEvent => None,
                Visible::FromCreated => created,
                Visible::WhenServed(_) => Some(TimeUnit::Microsecond),
            },
        };
        let created_unit = created.unwrap_or(TimeUnit::Microsecond);
        Ok(Self { name, by, has_created, created_unit, visible, ttl, outputs, scan })
    }

    /// The same join with other feature files, and entity rows of a number, the keys and the time.
    pub(super) fn over(&self, scan: FeatureScan) -> Self {
        let keys = self.by.keys.iter().zip(1..).map(|((_, key), column)| (column, key.clone()));
        Self {
            name: self.name.clone(),
            by: IndexBy {
                keys: keys.collect(),
                time: self.by.keys.len() + 1,
                event_unit: self.by.event_unit,
                visible_unit: self.by.visible_unit,
            },
            has_created: self.has_created,
            created_unit: self.created_unit,
            visible: self.visible.clone(),
            ttl: self.ttl,
            outputs: self.outputs.clone(),
            scan,
        }
    }

    /// From when on rows can answer, [`NO_TIME`] for never; `None` when that is their event time.
    pub(super) fn visible_ticks<'a>(
        &self,
        events: &[i64],
        created: Option<&'a [i64]>,
    ) -> Option<Cow<'a, [i64]>> {
        let micros = |tick, unit| {
            let instant = nanos(tick, unit);
            (
                floor_ticks(instant, TimeUnit::Microsecond),
                ceil_ticks(instant, TimeUnit::Microsecond),
            )
        };
        match &self.visible {
            Visible::FromEvent => None,
            Visible::FromCreated => created.map(Cow::Borrowed),
            Visible::WhenServed(served) => {
                let since = |(row, &event): (usize, &i64)| {
                    let created = created.map(|created| created[row]);
                    let created = created.filter(|created| *created != NO_TIME);
                    let created = created.map(|created| micros(created, self.created_unit).1);
                    served.since(micros(event, self.by.event_unit), created).unwrap_or(NO_TIME)
                };
                Some(events.iter().enumerate().map(since).collect())
            }
        }
    }

    /// The ttl in ticks of the event time, rounded up.
    pub(super) fn reach(&self) -> i64 {
        let length = |ttl: Duration| i128::try_from(ttl.as_nanos()).unwrap_or(i128::MAX);
        self.ttl.map_or(i64::MAX, |ttl| ceil_ticks(length(ttl), self.by.event_unit))
    }
}

/// The point-in-time join of entity rows with the files of several views.
///
/// The output has the columns of the entity side as they are, every row once and in order, followed by the features of
/// each view, null where no feature row answers. Among feature rows that are equal in key, event time and created time
/// the last in file order answers. Memory, all of it accounted to the session's pool: the entity rows, an index of them,
/// 24 bytes per entity row and view, up to 64 MiB per worker, 1.5 bits per feature row, and the features of the winners.
/// Where the pool does not give as much, views are joined one after the other and their answers put on disk for the time
/// of the execution, and where that is too much too, both sides are partitioned by key and put on disk.
#[derive(Debug)]
pub struct PitJoinExec {
    entities: Arc<dyn ExecutionPlan>,
    views: Arc<[Arc<ViewJoin>]>,
    properties: Arc<PlanProperties>,
}

impl PitJoinExec {
    /// Joins entity rows, which come as one partition, with views made for their schema.
    pub(crate) fn new(entities: Arc<dyn ExecutionPlan>, views: Arc<[Arc<ViewJoin>]>) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(output_schema(&entities.schema(), &views)),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Final,
            Boundedness::Bounded,
        );
        Self { entities, views, properties: Arc::new(properties) }
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

fn output_schema(entities: &Schema, views: &[Arc<ViewJoin>]) -> SchemaRef {
    let mut fields: Vec<FieldRef> = entities.fields().iter().cloned().collect();
    for view in views {
        let features = view.scan.features.fields().iter().zip(&view.outputs);
        fields.extend(features.map(|(field, output)| {
            FieldRef::new(Field::new(output, field.data_type().clone(), true))
        }));
    }
    Arc::new(Schema::new(fields))
}

impl DisplayAs for PitJoinExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.views.iter().map(|view| view.name.as_str()).collect();
        write!(f, "PitJoinExec: views=[{}]", names.join(", "))
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
        InputDistributionRequirements::new(vec![Distribution::SinglePartition])
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
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
        Ok(Arc::new(Self::new(entities, Arc::clone(&self.views))))
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
        let pass = Pass {
            views: Arc::clone(&self.views),
            schema: self.schema(),
            batch_size: context.session_config().batch_size(),
            workers: std::thread::available_parallelism().map_or(1, NonZero::get),
            limit: match context.memory_pool().memory_limit() {
                MemoryLimit::Finite(limit) => limit,
                MemoryLimit::Infinite | MemoryLimit::Unknown => usize::MAX,
            },
            reservation: MemoryConsumer::new("PitJoinExec").register(context.memory_pool()),
        };
        let batches = futures::stream::once(pass.run(entities)).try_flatten();
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), batches)))
    }
}
