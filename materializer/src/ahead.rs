//! Batches are read and encoded on a thread of their own while the one before is written.

use arrow_array::RecordBatch;
use futures::StreamExt as _;
use larder_core::{Error, Result};
use larder_offline_store::BatchStream;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::rows::{EncodedRows, RowEncoder};

/// Encoded batches that wait to be written: with the one that is being encoded and the one that is being written, three
/// are in memory.
const WAITING: usize = 1;

/// Rows of one view, encoded in the order in which they were read.
///
/// Dropped before its end, it stops reading after the batch at hand.
pub(crate) struct EncodedBatches {
    encoded: mpsc::Receiver<Result<EncodedRows>>,
    thread: Option<JoinHandle<()>>,
}

impl EncodedBatches {
    /// Starts to read; a batch has at most `rows` rows.
    pub(crate) fn start(batches: BatchStream, encoder: RowEncoder, rows: usize) -> Self {
        let (sender, encoded) = mpsc::channel(WAITING);
        let runtime = Handle::current();
        let read = move || runtime.block_on(encode_all(batches, &encoder, rows.max(1), &sender));
        Self { encoded, thread: Some(tokio::task::spawn_blocking(read)) }
    }

    /// The next batch; `None` after the last one.
    ///
    /// # Errors
    /// Those of the offline store and of [`RowEncoder::encode`]; nothing comes after one.
    pub(crate) async fn next(&mut self) -> Option<Result<EncodedRows>> {
        if let Some(encoded) = self.encoded.recv().await {
            return Some(encoded);
        }
        // The sender is gone: at the end, or because the thread came to harm.
        let ended = self.thread.take()?.await;
        ended.err().map(|error| Err(Error::internal("reading ended early").with_source(error)))
    }
}

async fn encode_all(
    mut batches: BatchStream,
    encoder: &RowEncoder,
    rows: usize,
    sender: &mpsc::Sender<Result<EncodedRows>>,
) {
    while let Some(batch) = batches.next().await {
        let pieces: Vec<Result<RecordBatch>> = match batch {
            Ok(batch) => pieces(&batch, rows).map(Ok).collect(),
            Err(error) => vec![Err(error)],
        };
        for piece in pieces {
            let encoded = piece.and_then(|piece| encoder.encode(&piece));
            let failed = encoded.is_err();
            if sender.send(encoded).await.is_err() || failed {
                return;
            }
        }
    }
}

fn pieces(batch: &RecordBatch, rows: usize) -> impl Iterator<Item = RecordBatch> {
    (0..batch.num_rows())
        .step_by(rows)
        .map(move |start| batch.slice(start, rows.min(batch.num_rows() - start)))
}
