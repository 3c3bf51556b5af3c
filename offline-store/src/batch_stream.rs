//! Answers as streams of Arrow batches.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt, TryStreamExt};
use larder_core::Result;

/// Record batches of one schema, which is known before the first of them.
///
/// There may be no batch at all and there may be empty ones; after an error the stream ends.
pub struct BatchStream {
    schema: SchemaRef,
    batches: BoxStream<'static, Result<RecordBatch>>,
    rows: Option<u64>,
}

impl BatchStream {
    /// A stream of batches that all have this schema.
    pub fn new(
        schema: SchemaRef,
        batches: impl Stream<Item = Result<RecordBatch>> + Send + 'static,
    ) -> Self {
        Self { schema, batches: batches.boxed(), rows: None }
    }

    /// The same stream, known to have so many rows in all.
    #[must_use]
    pub fn with_rows(self, rows: u64) -> Self {
        Self { rows: Some(rows), ..self }
    }

    /// How many rows the stream had before any was taken, where that is known before they are read.
    pub fn rows(&self) -> Option<u64> {
        self.rows
    }

    /// A stream of batches at hand.
    pub fn from_batches(schema: SchemaRef, batches: Vec<RecordBatch>) -> Self {
        Self::new(schema, futures::stream::iter(batches.into_iter().map(Ok)))
    }

    /// The schema of every batch.
    pub fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }

    /// All batches, for answers that are known to fit in memory.
    ///
    /// # Errors
    /// The first error of the stream.
    pub async fn collect(self) -> Result<Vec<RecordBatch>> {
        self.batches.try_collect().await
    }
}

impl Stream for BatchStream {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.batches.poll_next_unpin(context)
    }
}

impl fmt::Debug for BatchStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchStream").field("schema", &self.schema).finish_non_exhaustive()
    }
}
