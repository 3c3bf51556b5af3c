//! Bulk look-ups: thousands of rows read and sent chunk by chunk.
//!
//! A task reads chunks ahead of the client, a few at a time, and waits where the client takes none; so a look-up holds a
//! few chunks in memory, however many rows it has and however slow its client is. Chunks have fewer rows where rows are
//! wide, so that all of them together keep within some bytes. No store tells how wide a row is before it is read: the chunk
//! that is the first with wide rows is held as a whole.

mod chunk_writer;
mod pace;
mod read_ahead;
mod stream;

use std::ops::Range;
use std::sync::Arc;

use larder_core::{Compat, Result};

pub(crate) use self::chunk_writer::{ChunkFormat, ChunkWriter};
pub(crate) use self::stream::stream;
use crate::online::{Budget, Limit, OnlineAnswer, OnlineRequest, OnlineService, Planned};

/// Values of a chunk at most, so that wide rows come in smaller chunks.
const CHUNK_VALUES: usize = 50_000;

/// A bulk look-up that was found to make sense.
#[derive(Debug)]
pub(crate) struct Lookup {
    service: OnlineService,
    planned: Planned,
    chunk_rows: usize,
    buffer_bytes: usize,
    budget: Budget,
}

impl OnlineService {
    /// Plans a bulk look-up, with chunks of at most `chunk_rows` rows (0: as many as the server likes).
    ///
    /// Statuses are Larder's also under `compat: feast`, which has no such call.
    ///
    /// # Errors
    /// As [`OnlineService::get_online_features`], against the limit of bulk look-ups.
    pub(crate) fn look_up(
        &self,
        request: &OnlineRequest,
        chunk_rows: usize,
        budget: Budget,
    ) -> Result<Arc<Lookup>> {
        let limit = Limit { what: "rows", setting: "lookup_rows" };
        let mut planned = self.plan(request, limit, self.config().max_lookup_rows)?;
        planned.compat = Compat::Larder;
        let outputs = planned.plan.plan.outputs.len().max(1);
        let most = self.config().lookup_chunk_rows.min(CHUNK_VALUES / outputs).max(1);
        let chunk_rows = if chunk_rows == 0 { most } else { chunk_rows.min(most) };
        let buffer_bytes = self.config().lookup_buffer_bytes;
        Ok(Arc::new(Lookup { service: self.clone(), planned, chunk_rows, buffer_bytes, budget }))
    }
}

impl Lookup {
    /// All rows.
    pub(crate) fn rows(&self) -> usize {
        self.planned.rows
    }

    /// Reads one chunk. A view may be late for each of them by itself.
    async fn read(self: Arc<Self>, rows: Range<usize>) -> Result<OnlineAnswer> {
        let budget = self.budget.again();
        self.service.answer(&self.planned, rows, budget).await
    }
}
