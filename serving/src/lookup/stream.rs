//! The task behind a look-up, and the stream that owns it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures::Stream;
use larder_core::{Error, ErrorKind, Result};
use larder_proto::larder::lookup::v1::BatchGetResponse;
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::timeout_at;
use tracing::Instrument as _;

use super::chunk_writer::runs;
use super::read_ahead::ReadAhead;
use super::{ChunkWriter, Lookup};
use crate::metrics::{Stage, Stages};

/// Chunks in order, then how it ended. Dropped, it ends the task.
#[derive(Debug)]
pub(crate) struct LookupStream {
    chunks: mpsc::Receiver<BatchGetResponse>,
    task: Option<Owned<Result<()>>>,
}

/// Starts to read.
pub(crate) fn stream(lookup: Arc<Lookup>, writer: ChunkWriter) -> LookupStream {
    let (sender, chunks) = mpsc::channel(1);
    let task = async move {
        let deadline = lookup.budget.deadline();
        let producing = produce(lookup, writer, sender);
        match deadline {
            None => producing.await,
            Some(deadline) => timeout_at(deadline, producing).await.unwrap_or_else(|_| Err(late())),
        }
    };
    let task = Owned::spawn(task.in_current_span());
    LookupStream { chunks, task: Some(task) }
}

fn late() -> Error {
    Error::new(ErrorKind::Deadline, "the rows were not read and taken in time")
        .with_hint("ask for fewer rows, or raise serving.limits.lookup_timeout_ms")
}

async fn produce(
    lookup: Arc<Lookup>,
    mut writer: ChunkWriter,
    chunks: mpsc::Sender<BatchGetResponse>,
) -> Result<()> {
    let mut chunks_read = ReadAhead::new(Arc::clone(&lookup));
    while let Some((first, answer)) = chunks_read.next().await? {
        for rows in runs(&answer) {
            let metrics = lookup.service.metrics().map(Arc::as_ref);
            let encoding = Stages::start(metrics, Stage::Encode);
            let message = writer.write(first, &answer, rows)?;
            encoding.end();
            if chunks.send(message).await.is_err() {
                return Ok(());
            }
        }
    }
    if let Some(end) = writer.finish(lookup.rows())? {
        // A client that is gone needs no end.
        chunks.send(end).await.ok();
    }
    Ok(())
}

pub(super) fn broken(error: JoinError) -> Error {
    Error::internal("a task of a look-up failed").with_source(error)
}

impl Stream for LookupStream {
    type Item = Result<BatchGetResponse>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(chunk) = ready!(self.chunks.poll_recv(cx)) {
            return Poll::Ready(Some(Ok(chunk)));
        }
        let Some(task) = &mut self.task else { return Poll::Ready(None) };
        let ended = ready!(Pin::new(task).poll(cx)).map_err(broken);
        self.task = None;
        Poll::Ready(ended.and_then(|result| result).err().map(Err))
    }
}

/// A task that ends with its owner.
#[derive(Debug)]
pub(super) struct Owned<T>(JoinHandle<T>);

impl<T: Send + 'static> Owned<T> {
    pub(super) fn spawn(task: impl Future<Output = T> + Send + 'static) -> Self {
        Self(tokio::spawn(task))
    }
}

impl<T> Future for Owned<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx)
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
