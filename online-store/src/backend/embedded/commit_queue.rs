//! Group commit: writes that wait for the disk at the same time share one transaction.

use std::sync::{Arc, Mutex, PoisonError};

use larder_core::{Error, Result};
use tokio::sync::{Mutex as Turn, OwnedSemaphorePermit, Semaphore, oneshot};

use super::client::{self, Slice};
use super::environment::Environment;
use crate::backend::interrupted;
use crate::{ViewTable, WriteGuard, WriteRows, WriteSummary};

/// Writes waiting at one time; further callers wait before they queue.
const MAX_WAITING: usize = 1024;
/// Rows and bytes of one transaction, so that writers of other processes wait for tens of milliseconds only.
const MAX_ROWS: usize = 16_384;
const MAX_BYTES: usize = 16 << 20;

/// Writes of one process on their way to the one writer that LMDB admits.
#[derive(Debug)]
pub(super) struct CommitQueue {
    places: Arc<Semaphore>,
    waiting: Mutex<Vec<Job>>,
    turn: Arc<Turn<()>>,
}

#[derive(Debug)]
struct Job {
    table: ViewTable,
    rows: WriteRows,
    guard: WriteGuard,
    answer: oneshot::Sender<Result<WriteSummary>>,
    _place: OwnedSemaphorePermit,
}

impl CommitQueue {
    pub(super) fn new() -> Self {
        Self {
            places: Arc::new(Semaphore::new(MAX_WAITING)),
            waiting: Mutex::default(),
            turn: Arc::default(),
        }
    }

    /// Writes the rows, alone or together with whatever else waits, and answers once they are on disk.
    pub(super) async fn write(
        &self,
        environment: &Arc<Environment>,
        table: ViewTable,
        rows: WriteRows,
        guard: WriteGuard,
    ) -> Result<WriteSummary> {
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(|_| forgotten())?;
        let (answer, mut answered) = oneshot::channel();
        self.waiting().push(Job { table, rows, guard, answer, _place: place });

        let turn = Arc::clone(&self.turn).lock_owned().await;
        if let Ok(result) = answered.try_recv() {
            return result; // whoever had the turn before took this job along
        }
        let jobs = std::mem::take(&mut *self.waiting());
        let environment = Arc::clone(environment);
        let committing = tokio::task::spawn_blocking(move || {
            commit(&environment, jobs);
            drop(turn);
        });
        committing.await.map_err(interrupted)?;
        answered.await.map_err(|_| forgotten())?
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Vec<Job>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn forgotten() -> Error {
    Error::internal("a write of the embedded online store was forgotten")
}

/// Commits the jobs in few transactions and answers each.
fn commit(environment: &Environment, jobs: Vec<Job>) {
    // A caller that has gone away must not be surprised by its write later.
    let jobs: Vec<Job> = jobs.into_iter().filter(|job| !job.answer.is_closed()).collect();
    let mut results: Vec<Result<WriteSummary>> =
        jobs.iter().map(|_| Ok(WriteSummary::default())).collect();
    for transaction in plan(&jobs) {
        run(environment, transaction, &mut results);
    }
    for (job, result) in jobs.into_iter().zip(results) {
        // The caller may be gone by now; its rows are stored all the same.
        drop(job.answer.send(result));
    }
}

/// A job's number and one of its slices.
type Share<'a> = (usize, Slice<'a>);

/// Cuts the jobs into transactions of bounded size, in order.
fn plan(jobs: &[Job]) -> Vec<Vec<Share<'_>>> {
    let mut transactions = Vec::new();
    let (mut open, mut rows, mut bytes) = (Vec::new(), 0, 0);
    for (number, job) in jobs.iter().enumerate() {
        for range in job.rows.chunks(MAX_ROWS, MAX_BYTES) {
            rows += range.len();
            bytes += job.rows.bytes() / job.rows.len().max(1) * range.len();
            let slice = Slice { table: &job.table, rows: &job.rows, range, guard: job.guard };
            open.push((number, slice));
            if rows >= MAX_ROWS || bytes >= MAX_BYTES {
                transactions.push(std::mem::take(&mut open));
                (rows, bytes) = (0, 0);
            }
        }
    }
    transactions.extend((!open.is_empty()).then_some(open));
    transactions
}

/// Runs one transaction; when it fails, its jobs run alone, so that one job's fault stays its own.
fn run(
    environment: &Environment,
    mut shares: Vec<Share<'_>>,
    results: &mut [Result<WriteSummary>],
) {
    shares.retain(|(number, _)| results[*number].is_ok());
    let slices: Vec<Slice<'_>> = shares.iter().map(|(_, slice)| slice.clone()).collect();
    match client::write(environment, &slices) {
        Ok(summaries) => {
            for ((number, _), summary) in shares.iter().zip(summaries) {
                if let Ok(total) = &mut results[*number] {
                    *total += summary;
                }
            }
        }
        Err(error) => match <[Share<'_>; 1]>::try_from(shares) {
            Ok([(number, _)]) => results[number] = Err(error),
            Err(shares) => {
                for share in shares {
                    run(environment, vec![share], results);
                }
            }
        },
    }
}
