//! The second pass: the rows that won, in the order of the files.

use std::collections::VecDeque;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_select::coalesce::BatchCoalescer;
use datafusion::common::runtime::SpawnedTask;
use futures::stream::{Stream, StreamExt as _};
use larder_core::{Error, Result};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::Limits;
use super::positions::Positions;
use crate::failure::from_arrow;
use crate::scan::{Chosen, FeatureScan};

/// Batches of one part that wait until those before are taken.
const WAITING: usize = 8;
/// Batches of a part besides them: what is decoded, filtered, put together and taken.
const AT_HAND: usize = 4;
/// Fewest rows of a batch, however wide they are.
const LEAST_ROWS: usize = 64;

/// Winners of consecutive rows of one row group are read by one worker; the parts are answered in their order.
pub(super) struct Reading {
    scan: Arc<FeatureScan>,
    positions: Positions,
    /// The first position of the next part.
    pending: Option<u64>,
    answer: Arc<[usize]>,
    batch_rows: usize,
    workers: usize,
    running: VecDeque<Part>,
}

/// Rows on their way.
struct Part {
    batches: mpsc::Receiver<Result<RecordBatch>>,
    reader: SpawnedTask<()>,
}

impl Reading {
    pub(super) fn new(
        scan: Arc<FeatureScan>,
        positions: Positions,
        answer: Vec<usize>,
        limits: &Limits,
    ) -> Self {
        let workers = limits.workers.max(1);
        // A quarter of the memory is for the rows that are read.
        let batches = 4 * workers * (WAITING + AT_HAND);
        let rows = limits.memory / batches / scan.row_width().max(1);
        let batch_rows = rows.clamp(LEAST_ROWS, limits.batch_rows.max(LEAST_ROWS));
        Self {
            scan,
            positions,
            pending: None,
            answer: answer.into(),
            batch_rows: batch_rows.min(limits.batch_rows),
            workers,
            running: VecDeque::new(),
        }
    }

    /// The rows; errors say what was read.
    pub(super) fn batches(self, what: String) -> impl Stream<Item = Result<RecordBatch>> + Send {
        let read = futures::stream::unfold(Some(self), |reading| async move {
            let mut reading = reading?;
            match reading.next().await {
                Ok(Some(batch)) => Some((Ok(batch), Some(reading))),
                Ok(None) => None,
                Err(error) => Some((Err(error), None)),
            }
        });
        read.map(move |batch| batch.map_err(|error| error.context(&what)))
    }

    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            while self.running.len() < self.workers {
                let Some(chosen) = self.part()? else { break };
                self.running.push_back(self.start(chosen));
            }
            let Some(first) = self.running.front_mut() else { return Ok(None) };
            if let Some(batch) = first.batches.recv().await {
                return batch.map(Some);
            }
            // The sender is gone: at the end, or because the thread came to harm.
            if let Some(done) = self.running.pop_front() {
                let ended = done.reader.join().await;
                ended.map_err(|error| Error::internal("reading ended early").with_source(error))?;
            }
        }
    }

    /// The winners that are read together.
    fn part(&mut self) -> Result<Option<Chosen>> {
        let first = match self.pending.take() {
            Some(first) => Some(first),
            None => self.positions.next()?,
        };
        let Some(first) = first else { return Ok(None) };
        let mut chosen = self.scan.choose(first);
        while let Some(position) = self.positions.next()? {
            if !chosen.add(position) {
                self.pending = Some(position);
                break;
            }
        }
        Ok(Some(chosen))
    }

    fn start(&self, chosen: Chosen) -> Part {
        let (sender, batches) = mpsc::channel(WAITING);
        let (scan, answer) = (Arc::clone(&self.scan), Arc::clone(&self.answer));
        let (rows, runtime) = (self.batch_rows, Handle::current());
        let reader = SpawnedTask::spawn_blocking(move || {
            let read = read(&scan, &chosen, &answer, rows, &runtime, &sender);
            if let Err(error) = read {
                // Nobody hears it when the answer is not wanted any more.
                drop(sender.blocking_send(Err(error)));
            }
        });
        Part { batches, reader }
    }
}

/// Sends the rows of one part, and stops when they are not wanted any more.
fn read(
    scan: &FeatureScan,
    chosen: &Chosen,
    answer: &[usize],
    rows: usize,
    runtime: &Handle,
    sender: &mpsc::Sender<Result<RecordBatch>>,
) -> Result<()> {
    let schema = Arc::new(scan.schema().project(answer).map_err(from_arrow)?);
    let mut whole = BatchCoalescer::new(schema, rows);
    for batch in scan.chosen(chosen, rows, runtime)? {
        let batch = batch?.project(answer).map_err(from_arrow)?;
        whole.push_batch(batch).map_err(from_arrow)?;
        while let Some(batch) = whole.next_completed_batch() {
            if sender.blocking_send(Ok(batch)).is_err() {
                return Ok(());
            }
        }
    }
    whole.finish_buffered_batch().map_err(from_arrow)?;
    while let Some(batch) = whole.next_completed_batch() {
        if sender.blocking_send(Ok(batch)).is_err() {
            return Ok(());
        }
    }
    Ok(())
}
