//! The join of entity rows that fit in memory with the features of one view, but not of all.
//!
//! Views are joined one after the other, and the answers of each are put on disk chunk by chunk of the entity rows. All
//! workers write, each a file of its own, and all read: while one did both, a third of the processors' time was lost
//! (5 M x 50 M rows, `cargo xtask bench pit --sizes c`).

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::{ArrayRef, RecordBatch};
use datafusion::execution::memory_pool::MemoryReservation;
use larder_core::{Error, Result};

use super::answers::Answers;
use super::exec::ViewJoin;
use super::held::width;
use super::join::Join;
use super::scratch::Scratch;
use super::workers::{aside, share};
use crate::failure::from_arrow;
use crate::scan::{SpillWriter, Spilled};

/// The most entity rows whose answers are written and read at a time.
const MOST_ROWS: usize = 32 << 10;
/// The least of them, however many features there are.
const LEAST_ROWS: usize = 1 << 10;
/// Bytes of such answers: every worker has some in memory.
const CHUNK: usize = 8 << 20;

/// A join of one view after the other.
pub(super) struct ByView<'a> {
    pub(super) views: &'a [Arc<ViewJoin>],
    pub(super) batches: &'a [RecordBatch],
    pub(super) workers: usize,
    pub(super) memory: &'a MemoryReservation,
}

impl ByView<'_> {
    /// The answers of all views to all entity rows.
    pub(super) async fn run(self) -> Result<InChunks> {
        let rows = self.batches.iter().map(RecordBatch::num_rows).sum();
        let chunk = (CHUNK / width(self.views).max(1)).clamp(LEAST_ROWS, MOST_ROWS);
        let scratch = Arc::new(Scratch::of_many(self.memory.new_empty()));
        let mut views = Vec::with_capacity(self.views.len());
        for view in self.views {
            scratch.keep_only(&view.by);
            let memory = Arc::new(self.memory.new_empty());
            let join = Join {
                views: std::iter::once(Arc::clone(view)).collect(),
                batches: self.batches.to_vec(),
                workers: self.workers,
                scratch: Arc::clone(&scratch),
                memory: Arc::clone(&memory),
            };
            let answers = join.run().await?;
            views.push(spill(Arc::clone(view), answers, (rows, chunk), self.workers).await?);
            drop(memory);
        }
        Ok(InChunks { rows: chunk, views })
    }
}

/// What a worker writes.
#[derive(Default)]
struct Writing {
    file: Option<SpillWriter>,
    /// Chunks in the order of their row groups.
    chunks: Vec<usize>,
}

/// Chunks with the place of each.
type Written = Mutex<Vec<(usize, Place)>>;

/// Puts the answers of a view on disk: per chunk where they are.
async fn spill(
    view: Arc<ViewJoin>,
    answers: Vec<Answers>,
    (rows, chunk_rows): (usize, usize),
    workers: usize,
) -> Result<Vec<Place>> {
    let written: Arc<Written> = Arc::default();
    let into = Arc::clone(&written);
    let answers = Arc::new(answers);
    let at_hand = Arc::clone(&answers);
    let write = move |writing: &mut Writing, chunk: usize| {
        let first = chunk * chunk_rows;
        let rows = first..rows.min(first + chunk_rows);
        writing.chunks.push(chunk);
        writing.write(&view, &at_hand, rows)
    };
    let end = move |writing: Writing| {
        let places = writing.finish()?;
        into.lock().unwrap_or_else(PoisonError::into_inner).extend(places);
        Ok(())
    };
    share(workers, rows.div_ceil(chunk_rows), Writing::default, write, end).await?;
    // To give so much memory back takes a while.
    aside(move || {
        drop(answers);
        Ok(())
    })
    .await?;
    let mut written = std::mem::take(&mut *written.lock().unwrap_or_else(PoisonError::into_inner));
    written.sort_unstable_by_key(|(chunk, _)| *chunk);
    Ok(written.into_iter().map(|(_, place)| place).collect())
}

impl Writing {
    fn write(&mut self, view: &ViewJoin, answers: &[Answers], rows: Range<usize>) -> Result<()> {
        let schema = &view.scan.features;
        let mut columns = Vec::with_capacity(schema.fields().len());
        for answers in answers {
            columns.extend(answers.columns(rows.start, rows.len())?);
        }
        let answered = RecordBatch::try_new(Arc::clone(schema), columns).map_err(from_arrow)?;
        let file = match &mut self.file {
            Some(file) => file,
            // Every chunk is a row group of its own.
            None => self.file.insert(SpillWriter::new(schema, 0)?),
        };
        file.write(&answered)
    }

    fn finish(self) -> Result<Vec<(usize, Place)>> {
        let Some(file) = self.file else { return Ok(Vec::new()) };
        let file = Arc::new(file.finish()?);
        let place = |(group, chunk)| (chunk, Place { file: Arc::clone(&file), group });
        Ok(self.chunks.into_iter().enumerate().map(place).collect())
    }
}

/// Where the answers of one view to a chunk of entity rows are.
#[derive(Debug)]
struct Place {
    file: Arc<Spilled>,
    group: usize,
}

/// Answers on disk in chunks of so many entity rows, the last one being shorter.
#[derive(Debug)]
pub(super) struct InChunks {
    pub(super) rows: usize,
    /// Per view its chunks.
    views: Vec<Vec<Place>>,
}

impl InChunks {
    /// The feature columns of all views in one chunk; blocks.
    pub(super) fn columns(&self, chunk: usize) -> Result<Vec<ArrayRef>> {
        let mut columns = Vec::new();
        for places in &self.views {
            let Place { file, group } = places.get(chunk).ok_or_else(lost)?;
            columns.extend_from_slice(file.group(*group)?.columns());
        }
        Ok(columns)
    }
}

fn lost() -> Error {
    Error::internal("answers were lost on their way through the disk")
}
