//! The join of entity rows that do not fit in memory.
//!
//! Entity rows go to disk in their order. View by view, keys and times of the entity rows and all columns of the feature
//! rows within reach are partitioned by the hash of the key; rows of one key meet in one partition, where the usual
//! join answers them. Partitions keep the order of the entity rows, so that their answers are put together again by row
//! number. Feature rows are what takes longest to write: every worker has a section of them and files of its own, which
//! keeps their order, and with it the winner of a tie (`docs/benchmarks.md`). Where a single key has more entity rows
//! than fit, its partition is joined in several turns.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::{ArrayRef, RecordBatch, UInt32Array, UInt64Array};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryPool, UnboundedMemoryPool};
use hashbrown::DefaultHashBuilder;
use larder_core::Result;
use std::hash::BuildHasher;
use tokio::runtime::Handle;

use super::KeyEncoder;
use super::exec::ViewJoin;
use super::join::Join;
use super::merged::Merged;
use super::scratch::Scratch;
use super::workers::{aside, share};
use crate::failure::from_arrow;
use crate::scan::{SpillWriter, Spilled};

/// Each partition is a file that is open while rows are distributed.
const MOST_PARTITIONS: usize = 64;
/// The most such files of all workers that distribute feature rows.
const MOST_FILES: usize = 256;
/// The least rows that are joined at a time, however low the limit.
const LEAST_ROWS: usize = 1024;
/// The least bytes that a file collects before it writes.
const LEAST_BUFFER: usize = 16 << 10;
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

    /// How many workers may distribute feature rows at the same time, and bytes that each of their files collects.
    ///
    /// Entity rows are on disk by then, so that feature rows may use what those had.
    fn sections(self, workers: usize) -> (usize, usize) {
        let buffer = 2 * self.buffer;
        let sections = workers.min(MOST_FILES / self.partitions).min(buffer / LEAST_BUFFER);
        let sections = sections.max(1);
        (sections, buffer / sections)
    }
}

/// The number of a section of the feature rows, and its file of every partition.
type Section = (usize, Vec<Spilled>);

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

    /// Puts both sides of a view on disk by the hash of their keys: per partition a file of entity rows, and files of
    /// feature rows.
    async fn distribute(&self, view: usize) -> Result<(Vec<Spilled>, Vec<Vec<Spilled>>)> {
        let (join, cut) = (Arc::clone(&self.views[view]), self.cut);
        let by = Arc::new(Partitioner::new(&join, cut)?);
        let (of, view, rows) = (Arc::clone(&by), Arc::clone(&join), Arc::clone(&self.entities));
        let entities = aside(move || of.entities(&view, &rows, cut)).await?;
        Ok((entities, self.distribute_features(by, join).await?))
    }

    /// Per partition its feature rows: files whose rows follow each other as the pieces do.
    ///
    /// Each worker has a section of the pieces, and files of its own.
    async fn distribute_features(
        &self,
        by: Arc<Partitioner>,
        join: Arc<ViewJoin>,
    ) -> Result<Vec<Vec<Spilled>>> {
        let (partitions, pieces) = (by.partitions, join.scan.pieces());
        let (sections, buffer) = self.cut.sections(self.workers);
        let (sections, runtime) = (sections.min(pieces.max(1)), Handle::current());
        let parts: Arc<Mutex<Vec<Section>>> = Arc::default();
        let into = Arc::clone(&parts);
        let work = move |(): &mut (), section: usize| {
            let pieces = section * pieces / sections..(section + 1) * pieces / sections;
            let files = by.features(&join, pieces, buffer, &runtime)?;
            into.lock().unwrap_or_else(PoisonError::into_inner).push((section, files));
            Ok(())
        };
        share(sections, sections, || (), work, |()| Ok(())).await?;
        let mut parts = std::mem::take(&mut *parts.lock().unwrap_or_else(PoisonError::into_inner));
        parts.sort_unstable_by_key(|(section, _)| *section);
        let mut by_partition: Vec<Vec<Spilled>> = (0..partitions).map(|_| Vec::new()).collect();
        for (_, files) in parts {
            by_partition.iter_mut().zip(files).for_each(|(files, file)| files.push(file));
        }
        Ok(by_partition)
    }

    /// The answers to the entity rows of one partition: their row numbers, then the features.
    async fn join_partition(
        &self,
        view: usize,
        entities: &Spilled,
        features: &[Spilled],
    ) -> Result<Spilled> {
        let join = &self.views[view];
        let (all, deciding) = (join.scan.schema(), join.scan.deciding.fields().len());
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
            self.join_rows(join.over(Spilled::scan(features, &all, deciding)), batches)
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
        let memory = MemoryConsumer::new("partition").register(&pool);
        let rows = Join {
            views: std::iter::once(Arc::new(join)).collect(),
            batches: batches.clone(),
            workers: self.workers,
            scratch: Arc::new(Scratch::of_one(memory.new_empty())),
            memory: Arc::new(memory),
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
                None => parts.insert(self.files(&rows.schema(), cut.buffer)?),
            };
            distribute(&rows, of, parts)?;
        }
        parts.unwrap_or_default().into_iter().map(SpillWriter::finish).collect()
    }

    /// All columns of the feature rows of some pieces that have a key, in file order.
    fn features(
        &self,
        join: &ViewJoin,
        pieces: Range<usize>,
        buffer: usize,
        runtime: &Handle,
    ) -> Result<Vec<Spilled>> {
        let mut parts = self.files(&join.scan.schema(), buffer)?;
        for piece in pieces {
            for rows in join.scan.whole(piece, runtime)? {
                let rows = rows?;
                let of = self.of(&rows.columns()[..join.by.keys.len()], rows.num_rows())?;
                distribute(&rows, of.into_iter(), &mut parts)?;
            }
        }
        parts.into_iter().map(SpillWriter::finish).collect()
    }

    fn files(&self, schema: &SchemaRef, buffer: usize) -> Result<Vec<SpillWriter>> {
        (0..self.partitions).map(|_| SpillWriter::new(schema, buffer)).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_workers_together_stay_within_half_of_the_limit_and_open_few_files() {
        for (rows, limit, workers) in
            [(1 << 20, 64 << 20, 2), (50 << 20, 1 << 30, 64), (1 << 20, 8 << 20, 16), (12, 1, 4)]
        {
            let cut = Cut::new(rows, 150, limit);
            let (sections, buffer) = cut.sections(workers);
            assert!((1..=workers).contains(&sections));
            let files = sections * cut.partitions;
            assert!(files <= MOST_FILES, "{files} files");
            let least = 2 * LEAST_BUFFER * cut.partitions;
            assert!(files * buffer <= least.max(limit / 2), "{files} files of {buffer} bytes");
        }
        assert_eq!(Cut::new(1 << 20, 150, 64 << 20).sections(2).0, 2);
    }
}
