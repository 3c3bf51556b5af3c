//! How long a request may take, and what is answered when a view takes longer.

use std::time::Duration;

use futures::future::join_all;
use larder_core::{Error, ErrorKind, Result};
use larder_online_store::{OnlineStore, ReadRows, ViewRead};
use tokio::time::{Instant, timeout_at};

/// The time of one request; without limit by default.
#[derive(Debug, Clone, Copy, Default)]
pub struct Budget {
    deadline: Option<Instant>,
    store_deadline: Option<Instant>,
    is_partial: bool,
}

/// Share of the time that is for the stored rows.
const STORE_SHARE: f64 = 0.9;

/// Longest time for the stored rows of one part of a request.
const PART: Duration = Duration::from_secs(10);

impl Budget {
    /// This much time from now on.
    ///
    /// With `is_partial`, views that have not answered after nine tenths of it are left out of the answer; the last tenth is
    /// for computing and writing it.
    pub fn starting_now(time: Duration, is_partial: bool) -> Self {
        let now = Instant::now();
        let deadline = now.checked_add(time);
        let store_deadline = now.checked_add(time.mul_f64(STORE_SHARE));
        Self { deadline, store_deadline, is_partial }
    }

    /// For the next part of a request that is answered in parts: its stored rows have their share of the time that is left.
    pub(crate) fn again(self) -> Self {
        let now = Instant::now();
        let share = |deadline: Instant| {
            let left = deadline.saturating_duration_since(now).min(PART);
            now + left.mul_f64(STORE_SHARE)
        };
        Self { store_deadline: self.deadline.map(share), ..self }
    }

    /// When the answer has to be there.
    pub(crate) fn deadline(self) -> Option<Instant> {
        self.deadline
    }

    /// When the stored rows have to be there.
    pub(super) fn store_deadline(self) -> Option<Instant> {
        self.store_deadline
    }

    /// Whether views may be left out.
    pub(crate) fn is_partial(self) -> bool {
        self.is_partial
    }
}

/// Reads every view by a call of its own, all at once, so that a slow one holds no other up.
pub(super) async fn read_each(
    store: &dyn OnlineStore,
    reads: &[ViewRead<'_>],
    deadline: Option<Instant>,
) -> Vec<Result<ReadRows>> {
    let calls = reads.iter().map(|read| async move {
        let call = store.read(read.table, read.keys);
        match deadline {
            None => call.await,
            Some(deadline) => timeout_at(deadline, call).await.unwrap_or_else(|_| Err(late())),
        }
    });
    join_all(calls).await
}

fn late() -> Error {
    Error::new(ErrorKind::Deadline, "no view was read in time")
        .with_hint("allow more time, or ask for fewer rows")
}

/// Answers with the views left out that are late or cannot be reached.
///
/// # Errors
/// The first of these when there is no other view.
pub(super) fn all_or_late(answers: Vec<Result<ReadRows>>) -> Result<Vec<Result<Option<ReadRows>>>> {
    let is_late = |answer: &Result<ReadRows>| {
        let kind = answer.as_ref().err().map(Error::kind);
        matches!(kind, Some(ErrorKind::Deadline | ErrorKind::Unavailable))
    };
    if !answers.is_empty() && answers.iter().all(is_late) {
        return answers.into_iter().map(|answer| answer.map(|rows| Ok(Some(rows)))).collect();
    }
    let some = answers
        .into_iter()
        .map(|answer| if is_late(&answer) { Ok(None) } else { answer.map(Some) });
    Ok(some.collect())
}
