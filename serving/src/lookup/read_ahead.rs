//! Chunks that are read while others are sent.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use larder_core::Result;
use tracing::Instrument as _;

use super::Lookup;
use super::pace::{AHEAD, Pace};
use super::stream::{Owned, broken};
use crate::online::OnlineAnswer;

/// The chunks of a look-up, in order.
#[derive(Debug)]
pub(super) struct ReadAhead {
    lookup: Arc<Lookup>,
    pace: Pace,
    /// The first row that nobody reads yet.
    next: usize,
    /// Tasks, because a read must go on while the client takes nothing: nobody looks at the stream then.
    reads: VecDeque<(Range<usize>, Owned<Result<OnlineAnswer>>)>,
}

impl ReadAhead {
    pub(super) fn new(lookup: Arc<Lookup>) -> Self {
        let pace = Pace::new(lookup.chunk_rows, lookup.buffer_bytes);
        Self { lookup, pace, next: 0, reads: VecDeque::new() }
    }

    /// The next chunk and its first row, while those after it are being read; `None` after the last.
    pub(super) async fn next(&mut self) -> Result<Option<(usize, OnlineAnswer)>> {
        self.start();
        let Some((rows, read)) = self.reads.pop_front() else { return Ok(None) };
        let answer = read.await.map_err(broken)??;
        self.pace.saw(rows.len(), answer.held_bytes());
        let reading = self.next - rows.end;
        if self.pace.is_exceeded_by(reading) {
            // Rows are wider than they were: these are read anew, fewer at a time.
            self.reads.clear();
            self.next = rows.end;
        }
        self.start();
        Ok(Some((rows.start, answer)))
    }

    /// Has as many chunks read as may be.
    fn start(&mut self) {
        let all = self.lookup.rows();
        while self.next < all && self.reads.len() < AHEAD {
            let rows = self.next..all.min(self.next + self.pace.rows());
            self.next = rows.end;
            let read = Arc::clone(&self.lookup).read(rows.clone()).in_current_span();
            self.reads.push_back((rows, Owned::spawn(read)));
        }
    }
}
