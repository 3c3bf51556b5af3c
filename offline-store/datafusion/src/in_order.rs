//! Rows that several threads read, and that come in the order of what is read.

use std::collections::VecDeque;
use std::sync::Arc;

use arrow_array::{BooleanArray, RecordBatch};
use arrow_schema::SchemaRef;
use arrow_select::coalesce::BatchCoalescer;
use datafusion::common::runtime::SpawnedTask;
use futures::stream::{Stream, StreamExt as _};
use larder_core::{Error, Result};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use crate::failure::from_arrow;

/// Parts that are read at the same time; their batches come in the order of the parts.
pub(crate) struct InOrder<P> {
    next: Box<dyn FnMut() -> Result<Option<P>> + Send>,
    read: Arc<Read<P>>,
    shape: Shape,
    running: VecDeque<Part>,
}

type Read<P> = dyn Fn(P, &Handle, &mut Outlet) -> Result<()> + Send + Sync;

/// What comes, and how much of it at a time.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    pub(crate) schema: SchemaRef,
    /// Rows per batch, at most.
    pub(crate) batch_rows: usize,
    /// Batches of one part that wait until those before are taken.
    pub(crate) waiting: usize,
    /// Threads.
    pub(crate) workers: usize,
}

/// Where the rows of one part go.
pub(crate) struct Outlet {
    whole: BatchCoalescer,
    batches: mpsc::Sender<Result<RecordBatch>>,
}

/// Rows on their way.
struct Part {
    batches: mpsc::Receiver<Result<RecordBatch>>,
    reader: SpawnedTask<()>,
}

impl<P: Send + 'static> InOrder<P> {
    /// Parts as `next` answers them, each read by a call of `read` on a thread that may block.
    pub(crate) fn new(
        shape: Shape,
        next: impl FnMut() -> Result<Option<P>> + Send + 'static,
        read: impl Fn(P, &Handle, &mut Outlet) -> Result<()> + Send + Sync + 'static,
    ) -> Self {
        Self { next: Box::new(next), read: Arc::new(read), shape, running: VecDeque::new() }
    }

    /// The rows; errors say what was read. When the stream is dropped the threads stop after the batch at hand.
    pub(crate) fn batches(self, what: String) -> impl Stream<Item = Result<RecordBatch>> + Send {
        let read = futures::stream::unfold(Some(self), |reading| async move {
            let mut reading = reading?;
            match reading.batch().await {
                Ok(Some(batch)) => Some((Ok(batch), Some(reading))),
                Ok(None) => None,
                Err(error) => Some((Err(error), None)),
            }
        });
        read.map(move |batch| batch.map_err(|error| error.context(&what)))
    }

    async fn batch(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            while self.running.len() < self.shape.workers.max(1) {
                let Some(part) = (self.next)()? else { break };
                let started = self.start(part);
                self.running.push_back(started);
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

    fn start(&self, part: P) -> Part {
        let Shape { schema, batch_rows, waiting, .. } = &self.shape;
        let (sender, batches) = mpsc::channel(*waiting);
        // What is nearly a batch need not be copied into one.
        let whole = BatchCoalescer::new(SchemaRef::clone(schema), *batch_rows)
            .with_biggest_coalesce_batch_size(Some(batch_rows / 2));
        let mut outlet = Outlet { whole, batches: sender };
        let (read, runtime) = (Arc::clone(&self.read), Handle::current());
        let reader = SpawnedTask::spawn_blocking(move || {
            let read = read(part, &runtime, &mut outlet).and_then(|()| outlet.finish());
            if let Err(error) = read {
                // Nobody hears it when the answer is not wanted any more.
                drop(outlet.batches.blocking_send(Err(error)));
            }
        });
        Part { batches, reader }
    }
}

impl Outlet {
    /// Takes rows, of at most as many as a batch may have; false when nobody wants them any more.
    pub(crate) fn push(&mut self, rows: RecordBatch) -> Result<bool> {
        self.whole.push_batch(rows).map_err(from_arrow)?;
        Ok(self.send())
    }

    /// As [`push`](Self::push), of the rows for which the mask is true.
    pub(crate) fn push_filtered(&mut self, rows: RecordBatch, mask: &BooleanArray) -> Result<bool> {
        self.whole.push_batch_with_filter(rows, mask).map_err(from_arrow)?;
        Ok(self.send())
    }

    fn finish(&mut self) -> Result<()> {
        self.whole.finish_buffered_batch().map_err(from_arrow)?;
        self.send();
        Ok(())
    }

    fn send(&mut self) -> bool {
        while let Some(batch) = self.whole.next_completed_batch() {
            if self.batches.blocking_send(Ok(batch)).is_err() {
                return false;
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::cast::AsArray as _;
    use arrow_array::types::Int64Type;
    use arrow_array::{ArrayRef, Int64Array};
    use futures::TryStreamExt as _;
    use larder_core::ErrorKind;

    fn numbers(numbers: std::ops::Range<i64>) -> RecordBatch {
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(numbers));
        RecordBatch::try_from_iter([("number", numbers)]).unwrap()
    }

    fn shape(workers: usize) -> Shape {
        Shape { schema: numbers(0..1).schema(), batch_rows: 7, waiting: 1, workers }
    }

    #[tokio::test]
    async fn rows_come_in_the_order_of_the_parts_with_any_number_of_workers() {
        for workers in [0, 1, 2, 5] {
            let mut parts = 0..20_i64;
            let read = |part: i64, _: &Handle, outlet: &mut Outlet| {
                // The first parts take longest.
                std::thread::sleep(std::time::Duration::from_millis(20 - part.unsigned_abs()));
                for start in (part * 10..part * 10 + 10).step_by(5) {
                    outlet.push(numbers(start..start + 5))?;
                }
                Ok(())
            };
            let reading = InOrder::new(shape(workers), move || Ok(parts.next()), read);
            let batches: Vec<RecordBatch> =
                reading.batches(String::new()).try_collect().await.unwrap();
            assert!(batches.iter().all(|batch| batch.num_rows() <= 7));
            let values = batches
                .iter()
                .flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec());
            assert!(values.eq(0..200), "{workers}");
        }
    }

    #[tokio::test]
    async fn an_error_ends_the_rows_after_those_before_it() {
        let mut parts = 0..9_i64;
        let read = |part: i64, _: &Handle, outlet: &mut Outlet| {
            outlet.push(numbers(part..part + 1))?;
            if part == 4 { Err(Error::data("the fifth is broken")) } else { Ok(()) }
        };
        let reading = InOrder::new(shape(3), move || Ok(parts.next()), read);
        let read: Vec<_> = reading.batches("numbers".to_owned()).collect().await;
        assert_eq!(read.iter().filter(|batch| batch.is_ok()).count(), 4);
        let error = read.into_iter().next_back().unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Data);
    }
}
