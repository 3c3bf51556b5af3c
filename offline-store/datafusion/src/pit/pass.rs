//! One pass over the feature rows.

use std::sync::Arc;

use arrow_array::{Array, Int64Array, RecordBatch, UInt32Array};
use arrow_schema::{DataType, Schema, SchemaRef, TimeUnit};
use datafusion::error::Result as PlanResult;
use datafusion::execution::memory_pool::MemoryReservation;
use datafusion::physical_plan::SendableRecordBatchStream;
use futures::{StreamExt, TryStreamExt};
use larder_core::Result;
use larder_offline_store::Instants;

use super::exec::{PitJoin, feature_fields, time_unit};
use super::index::{EntityIndex, IndexColumns, NO_SLOT, oldest_ticks};
use super::winners::Answers;
use super::{KeyEncoder, Winners};
use crate::failure::{from_arrow, into_datafusion};

/// One execution of the join.
pub(super) struct Pass {
    pub(super) join: Arc<PitJoin>,
    pub(super) key_types: Vec<DataType>,
    pub(super) schema: SchemaRef,
    pub(super) event_unit: TimeUnit,
    pub(super) batch_size: usize,
    pub(super) reservation: MemoryReservation,
}

impl Pass {
    /// The joined rows; nothing is read before the first of them is asked for.
    pub(super) async fn run(
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
