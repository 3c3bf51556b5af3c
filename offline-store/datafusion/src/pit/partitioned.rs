//! The join of entity rows that do not fit in memory.
//!
//! Entity rows go to disk in their order. View by view, keys and times of the entity rows and all columns of the feature
//! rows within reach are partitioned by the hash of the key; rows of one key meet in one partition, where the usual
//! join answers them. Partitions keep the order of the entity rows, so that their answers are put together again by row
//! number. Where a single key has more entity rows than fit, its partition is joined in several turns.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, UInt32Array, UInt64Array};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use datafusion::common::runtime::SpawnedTask;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryPool, UnboundedMemoryPool};
use hashbrown::DefaultHashBuilder;
use larder_core::{Error, Result};
use std::hash::BuildHasher;
use tokio::runtime::Handle;

use super::KeyEncoder;
use super::exec::ViewJoin;
use super::join::Join;
use super::merged::Merged;
use crate::failure::from_arrow;
use crate::scan::{SpillWriter, Spilled};

/// Each partition is a file that is open while rows are distributed.
const MOST_PARTITIONS: usize = 64;
/// The least rows that are joined at a time, however low the limit.
const LEAST_ROWS: usize = 1024;
/// The least bytes that a file collects before it writes.
const LEAST_BUFFER: usize = 64 << 10;
/// Rows that are read back at a time.
const BATCH_ROWS: usize = 8192;

/// How a join is cut so that it stays within a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cut {
    /// Partitions of each side.
    pub(crate) partitions: usize,
    /// Entity rows joined at a time.
    rows: usize,
    /// Bytes that each file collects.
    buffer: usize,
}

impl Cut {
    /// For this many entity rows, each of which takes `per_row` bytes while it is joined.
    pub(crate) fn new(rows: usize, per_row: usize, limit: usize) -> Self {
        let half = (limit / 2).max(1);
        let partitions = (rows.saturating_mul(per_row) / half + 1).clamp(2, MOST_PARTITIONS);
        let buffer = (half / (2 * partitions)).max(LEAST_BUFFER);
        Self { partitions, rows: (half / per_row.max(1)).max(LEAST_ROWS), buffer }
    }
}

/// A join on disk.
pub(super) struct Partitioned {
    pub(super) views: Arc<[Arc<ViewJoin>]>,
    pub(super) entities: Arc<Spilled>,
    pub(super) workers: usize,
    pub(super) cut: Cut,
}

impl Partitioned {
    /// Per view the answers to all entity rows, in their order.
    pub(super) async fn run(self) -> Result<Vec<Merged>> {
        let mut answers = Vec::with_capacity(self.views.len());
        for view in 0..self.views.len() {
            let (entities, features) = self.distribute(view).await?;
            let mut parts = Vec::with_capacity(entities.len());
            for (entities, features) in entities.iter().zip(&features) {
                parts.push(self.join_partition(view, entities, features).await?);
            }
            answers.push(Merged::new(&parts)?);
        }
        Ok(answers)
    }

    /// Puts both sides of a view on disk by the hash of their keys.
    async fn distribute(&self, view: usize) -> Result<(Vec<Spilled>, Vec<Spilled>)> {
        let (views, entities) = (Arc::clone(&self.views), Arc::clone(&self.entities));
        let (cut, runtime) = (self.cut, Handle::current());
        let task = SpawnedTask::spawn_blocking(move || {
            let join = &views[view];
            let by = Partitioner::new(join, cut)?;
            Ok((by.entities(join, &entities, cut)?, by.features(join, cut, &runtime)?))
        });
        let done = task.join().await;
        done.map_err(|error| Error::internal("a worker ended early").with_source(error))?
    }

    /// The answers to the entity rows of one partition: their row numbers, then the features.
    async fn join_partition(
        &self,
        view: usize,
        entities: &Spilled,
        features: &Spilled,
    ) -> Result<Spilled> {
        let join = &self.views[view];
        let mut fields = vec![row_field()];
        fields.extend(join.scan.features.fields().iter().map(|field| field.as_ref().clone()));
        let schema: SchemaRef = Arc::new(Schema::new(fields));
        let mut writer = SpillWriter::new(&schema, self.cut.buffer)?;
        let mut rows = entities.rows(entities.columns(), self.cut.rows.min(BATCH_ROWS))?;
        loop {
            let (mut batches, mut count) = (Vec::new(), 0);
            while count < self.cut.rows {
                let Some(batch) = rows.next().transpose().map_err(from_arrow)? else { break };
                count += batch.num_rows();
                batches.push(batch);
            }
            if count == 0 {
                return writer.finish();
            }
            self.join_rows(join.over(features.scan(join.scan.deciding.fields().len())), batches)
                .await?
                .into_iter()
                .try_for_each(|columns| {
                    let answered = RecordBatch::try_new(Arc::clone(&schema), columns);
                    writer.write(&answered.map_err(from_arrow)?)
                })?;
        }
    }

    /// Row numbers and features, batch by batch.
    async fn join_rows(
        &self,
        join: ViewJoin,
        batches: Vec<RecordBatch>,
    ) -> Result<Vec<Vec<ArrayRef>>> {
        let pool: Arc<dyn MemoryPool> = Arc::new(UnboundedMemoryPool::default());
        let rows = Join {
            views: std::iter::once(Arc::new(join)).collect(),
            batches: batches.clone(),
            workers: self.workers,
            memory: Arc::new(MemoryConsumer::new("partition").register(&pool)),
        };
        let (answers, mut first) = (rows.run().await?, 0);
        let mut joined = Vec::with_capacity(batches.len());
        for batch in &batches {
            let mut columns = vec![ArrayRef::clone(batch.column(0))];
            for answers in &answers {
                columns.extend(answers.columns(first, batch.num_rows())?);
            }
            first += batch.num_rows();
            joined.push(columns);
        }
        Ok(joined)
    }
}

/// The column that tells which entity row it is.
fn row_field() -> Field {
    Field::new("row", DataType::UInt64, false)
}

/// Which partition a key belongs to.
struct Partitioner {
    encoder: KeyEncoder,
    hasher: DefaultHashBuilder,
    partitions: usize,
}

impl Partitioner {
    fn new(join: &ViewJoin, cut: Cut) -> Result<Self> {
        let types: Vec<DataType> = join.by.keys.iter().map(|(_, key)| key.clone()).collect();
        let partitions = if types.is_empty() { 1 } else { cut.partitions };
        let encoder = KeyEncoder::new(types).map_err(from_arrow)?;
        Ok(Self { encoder, hasher: DefaultHashBuilder::default(), partitions })
    }

    /// Per row the partition of its key, `None` without a key.
    fn of(&self, keys: &[ArrayRef], rows: usize) -> Result<Vec<Option<usize>>> {
        let encoded = self.encoder.encode(keys).map_err(from_arrow)?;
        let partitions = self.partitions as u64;
        let of = |row: usize| {
            let hash = self.hasher.hash_one(encoded.bytes(row)) % partitions;
            (!encoded.has_null(row)).then(|| usize::try_from(hash).unwrap_or(0))
        };
        Ok((0..rows).map(of).collect())
    }

    /// Row numbers, keys and times of the entity rows. Rows without a key go to the first partition: they are to be
    /// answered too.
    fn entities(&self, join: &ViewJoin, entities: &Spilled, cut: Cut) -> Result<Vec<Spilled>> {
        let mut wanted: Vec<usize> = join.by.keys.iter().map(|(column, _)| *column).collect();
        wanted.push(join.by.time);
        let mut distinct = wanted.clone();
        distinct.sort_unstable();
        distinct.dedup();
        let place = |column: &usize| distinct.binary_search(column).unwrap_or_default();
        let places: Vec<usize> = wanted.iter().map(place).collect();
        let mut parts = None;
        let mut first = 0_u64;
        for batch in entities.rows(distinct.iter().copied(), BATCH_ROWS)? {
            let batch = batch.map_err(from_arrow)?;
            let numbers = UInt64Array::from_iter_values(first..first + batch.num_rows() as u64);
            first += batch.num_rows() as u64;
            let mut columns: Vec<ArrayRef> = vec![Arc::new(numbers)];
            columns.extend(places.iter().map(|&place| ArrayRef::clone(batch.column(place))));
            let fields = columns[1..].iter().enumerate().map(|(at, column)| {
                Field::new(format!("column {at}"), column.data_type().clone(), true)
            });
            let fields = std::iter::once(row_field()).chain(fields).collect::<Vec<_>>();
            let rows = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns);
            let rows = rows.map_err(from_arrow)?;
            let keys = &rows.columns()[1..=join.by.keys.len()];
            let of =
                self.of(keys, rows.num_rows())?.into_iter().map(|part| Some(part.unwrap_or(0)));
            let parts = match &mut parts {
                Some(parts) => parts,
                None => parts.insert(self.files(&rows.schema(), cut)?),
            };
            distribute(&rows, of, parts)?;
        }
        parts.unwrap_or_default().into_iter().map(SpillWriter::finish).collect()
    }

    /// All columns of the feature rows with a key, in file order.
    fn features(&self, join: &ViewJoin, cut: Cut, runtime: &Handle) -> Result<Vec<Spilled>> {
        let mut parts = self.files(&join.scan.schema(), cut)?;
        for piece in 0..join.scan.pieces() {
            for rows in join.scan.whole(piece, runtime)? {
                let rows = rows?;
                let of = self.of(&rows.columns()[..join.by.keys.len()], rows.num_rows())?;
                distribute(&rows, of.into_iter(), &mut parts)?;
            }
        }
        parts.into_iter().map(SpillWriter::finish).collect()
    }

    fn files(&self, schema: &SchemaRef, cut: Cut) -> Result<Vec<SpillWriter>> {
        (0..self.partitions).map(|_| SpillWriter::new(schema, cut.buffer)).collect()
    }
}

/// Writes each row to its partition.
fn distribute(
    rows: &RecordBatch,
    of: impl Iterator<Item = Option<usize>>,
    parts: &mut [SpillWriter],
) -> Result<()> {
    let mut chosen: Vec<Vec<u32>> = vec![Vec::new(); parts.len()];
    for (row, part) in (0_u32..).zip(of) {
        if let Some(part) = part {
            chosen[part].push(row);
        }
    }
    for (chosen, part) in chosen.into_iter().zip(parts).filter(|(chosen, _)| !chosen.is_empty()) {
        let chosen = UInt32Array::from(chosen);
        let rows = arrow_select::take::take_record_batch(rows, &chosen).map_err(from_arrow)?;
        part.write(&rows)?;
    }
    Ok(())
}
