//! One execution of the join.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::SchemaRef;
use datafusion::error::Result as PlanResult;
use datafusion::execution::memory_pool::MemoryReservation;
use datafusion::physical_plan::SendableRecordBatchStream;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use larder_core::Result;

use super::answers::Answers;
use super::by_view::ByView;
use super::exec::ViewJoin;
use super::held::{held, held_by_one, held_per_row};
use super::join::Join;
use super::partitioned::{Cut, Partitioned};
use super::pieces::{chunks, pieces};
use super::scratch::Scratch;
use super::workers::aside;
use crate::failure::{from_arrow, from_datafusion, into_datafusion, is_out_of_memory};
use crate::scan::{SpillWriter, Spilled};

/// What an execution needs.
pub(super) struct Pass {
    pub(super) views: Arc<[Arc<ViewJoin>]>,
    pub(super) schema: SchemaRef,
    pub(super) batch_size: usize,
    pub(super) workers: usize,
    /// Bytes that the session's pool gives.
    pub(super) limit: usize,
    pub(super) reservation: MemoryReservation,
}

/// How entity rows are joined, from the fastest way to the one that holds least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    /// With all views, in memory.
    Together,
    /// With one view after the other, in memory.
    ByView,
    /// Partition by partition.
    ByPartition,
}

/// Bytes that rows on their way to disk may take.
const SPILL_BUFFER: usize = 1 << 20;

type Rows = BoxStream<'static, PlanResult<RecordBatch>>;

impl Pass {
    /// The joined rows; nothing is read before the first of them is asked for.
    pub(super) async fn run(self, mut entities: SendableRecordBatchStream) -> PlanResult<Rows> {
        let (mut batches, mut rows) = (Vec::new(), 0);
        let mut way = Way::Together;
        while way < Way::ByPartition {
            let Some(batch) = entities.try_next().await? else { break };
            rows += batch.num_rows();
            way = way.max(self.way(&batch, rows));
            batches.push(batch);
        }
        // Long keys or texts, or other requests: it may need more than was to be expected.
        if way == Way::Together {
            match self.together(batches.clone()).await {
                Err(error) if is_out_of_memory(&error) => way = self.narrower(),
                done => return done.map_err(into_datafusion),
            }
        }
        if way == Way::ByView {
            match self.by_view(&batches).await {
                Err(error) if is_out_of_memory(&error) => {}
                done => return done.map_err(into_datafusion),
            }
        }
        self.reservation.free();
        self.on_disk(batches, entities).await.map_err(into_datafusion)
    }

    /// What is left when all views at once took too much.
    fn narrower(&self) -> Way {
        if self.views.len() > 1 { Way::ByView } else { Way::ByPartition }
    }

    /// Takes memory for one more batch, and tries which join of all `rows` would get what it needs.
    fn way(&self, batch: &RecordBatch, rows: usize) -> Way {
        if self.reservation.try_grow(batch.get_array_memory_size()).is_err() {
            return Way::ByPartition;
        }
        let fits = |needed: usize| {
            let fits = self.reservation.try_grow(needed).is_ok();
            if fits {
                self.reservation.shrink(needed);
            }
            fits
        };
        if fits(held(&self.views, self.workers, rows)) {
            Way::Together
        } else if fits(held_by_one(&self.views, self.workers, rows)) {
            Way::ByView
        } else {
            Way::ByPartition
        }
    }

    async fn together(&self, batches: Vec<RecordBatch>) -> Result<Rows> {
        let memory = Arc::new(self.reservation.new_empty());
        let join = Join {
            views: Arc::clone(&self.views),
            batches: batches.clone(),
            workers: self.workers,
            scratch: Arc::new(Scratch::of_one(self.reservation.new_empty())),
            memory: Arc::clone(&memory),
        };
        let answers = join.run().await?;
        let held = (self.reservation.split(self.reservation.size()), memory);
        let output = Output { schema: Arc::clone(&self.schema), answers, _held: held };
        let output = Arc::new(output);
        let rows = pieces(&batches, self.batch_size).into_iter().map(move |(first, batch)| {
            let output = Arc::clone(&output);
            aside(move || output.rows(first, &batch))
        });
        let rows = futures::stream::iter(rows).buffered(2 * self.workers);
        Ok(rows.map_err(into_datafusion).boxed())
    }

    async fn by_view(&self, batches: &[RecordBatch]) -> Result<Rows> {
        let (views, workers, memory) = (&self.views, self.workers, &self.reservation);
        let join = ByView { views, batches, workers, memory };
        let answers = Arc::new(join.run().await?);
        let schema = Arc::clone(&self.schema);
        let held = self.reservation.split(self.reservation.size());
        let chunks = chunks(batches, answers.rows, self.batch_size).into_iter().enumerate();
        let chunks = chunks.map(move |(chunk, pieces)| {
            let _held = &held;
            let (answers, schema) = (Arc::clone(&answers), Arc::clone(&schema));
            aside(move || answered(&schema, &answers.columns(chunk)?, &pieces))
        });
        let rows = futures::stream::iter(chunks)
            .buffered(workers)
            .map_ok(|pieces| futures::stream::iter(pieces.into_iter().map(Ok)));
        Ok(rows.try_flatten().map_err(into_datafusion).boxed())
    }

    async fn on_disk(
        self,
        batches: Vec<RecordBatch>,
        rest: SendableRecordBatchStream,
    ) -> Result<Rows> {
        let entities = Arc::new(spill(batches, rest).await?);
        let per_row = held_per_row(&self.views, self.workers);
        let join = Partitioned {
            views: Arc::clone(&self.views),
            cut: Cut::new(entities.row_count(), per_row, self.limit),
            entities: Arc::clone(&entities),
            workers: self.workers,
        };
        let mut answers = join.run().await?;
        let schema = self.schema;
        let rows = entities.rows(entities.columns(), self.batch_size)?.map(move |batch| {
            let batch = batch.map_err(from_arrow)?;
            let mut columns = batch.columns().to_vec();
            for answers in &mut answers {
                columns.extend(answers.next(batch.num_rows())?);
            }
            assemble(&schema, columns)
        });
        Ok(futures::stream::iter(rows.map(|rows| rows.map_err(into_datafusion))).boxed())
    }
}

/// Puts all entity rows on disk, in their order.
async fn spill(batches: Vec<RecordBatch>, mut rest: SendableRecordBatchStream) -> Result<Spilled> {
    let mut writer = SpillWriter::new(&rest.schema(), SPILL_BUFFER)?;
    batches.into_iter().try_for_each(|batch| writer.write(&batch))?;
    while let Some(batch) = rest.try_next().await.map_err(from_datafusion)? {
        writer.write(&batch)?;
    }
    writer.finish()
}

/// Pieces of one chunk of the entity side, each with its part of the chunk's features.
fn answered(
    schema: &SchemaRef,
    features: &[ArrayRef],
    pieces: &[RecordBatch],
) -> Result<Vec<RecordBatch>> {
    let mut first = 0;
    let answered = pieces.iter().map(|piece| {
        let mut columns = piece.columns().to_vec();
        columns.extend(features.iter().map(|column| column.slice(first, piece.num_rows())));
        first += piece.num_rows();
        assemble(schema, columns)
    });
    answered.collect()
}

fn assemble(schema: &SchemaRef, columns: Vec<ArrayRef>) -> Result<RecordBatch> {
    RecordBatch::try_new(Arc::clone(schema), columns).map_err(from_arrow)
}

/// The answers to all entity rows.
struct Output {
    schema: SchemaRef,
    answers: Vec<Answers>,
    /// The memory of entity rows and answers stays accounted for until the last row is out.
    _held: (MemoryReservation, Arc<MemoryReservation>),
}

impl Output {
    /// The output for a piece of the entity side that starts at row `first`.
    fn rows(&self, first: usize, entities: &RecordBatch) -> Result<RecordBatch> {
        let mut columns = entities.columns().to_vec();
        for answers in &self.answers {
            columns.extend(answers.columns(first, entities.num_rows())?);
        }
        assemble(&self.schema, columns)
    }
}
