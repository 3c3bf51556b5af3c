//! Work that several threads share.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::common::runtime::{JoinSet, SpawnedTask};
use larder_core::{Error, Result};

/// Stops the workers when whoever waits for them goes away.
struct Stop(Arc<AtomicBool>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Does work that may block, on a thread for it.
///
/// # Errors
/// Those of the work.
pub(crate) async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    SpawnedTask::spawn_blocking(work).join().await.map_err(ended)?
}

fn ended(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::internal("a worker ended early").with_source(error)
}

/// Does `tasks` pieces of work on at most `workers` threads that may block; each takes the next piece.
///
/// `begin` makes what a worker keeps from piece to piece, and `end` takes it.
///
/// # Errors
/// The first of the work; the other workers stop after the piece at hand, as they do when the future is dropped.
pub(crate) async fn share<S: 'static>(
    workers: usize,
    tasks: usize,
    begin: impl Fn() -> S + Send + Sync + 'static,
    work: impl Fn(&mut S, usize) -> Result<()> + Send + Sync + 'static,
    end: impl Fn(S) -> Result<()> + Send + Sync + 'static,
) -> Result<()> {
    let (next, stopped) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let _stop = Stop(Arc::clone(&stopped));
    let steps = Arc::new((begin, work, end));
    let mut running = JoinSet::new();
    for _ in 0..workers.clamp(1, tasks.max(1)) {
        let (next, stopped, steps) = (Arc::clone(&next), Arc::clone(&stopped), Arc::clone(&steps));
        running.spawn_blocking(move || {
            let (begin, work, end) = steps.as_ref();
            let mut state = begin();
            while !stopped.load(Ordering::Relaxed) {
                match next.fetch_add(1, Ordering::Relaxed) {
                    task if task < tasks => work(&mut state, task)?,
                    _ => return end(state),
                }
            }
            Ok(())
        });
    }
    while let Some(done) = running.join_next().await {
        done.map_err(ended)??;
    }
    Ok(())
}

/// As [`share`], where a worker keeps nothing: what each piece of work answers, in the order of the pieces.
///
/// # Errors
/// The first of the work.
pub(crate) async fn collect<T: Default + Send + 'static>(
    workers: usize,
    tasks: usize,
    work: impl Fn(usize) -> Result<T> + Send + Sync + 'static,
) -> Result<Vec<T>> {
    let done: Arc<Vec<Mutex<T>>> = Arc::new((0..tasks).map(|_| Mutex::default()).collect());
    let into = Arc::clone(&done);
    let work = move |(): &mut (), task: usize| {
        let answer = work(task)?;
        *into[task].lock().unwrap_or_else(PoisonError::into_inner) = answer;
        Ok(())
    };
    share(workers, tasks, || (), work, |()| Ok(())).await?;
    let take =
        |done: &Mutex<T>| std::mem::take(&mut *done.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(done.iter().map(take).collect())
}

/// What workers shared that are done.
pub(crate) fn alone<T>(shared: Arc<T>) -> Result<T> {
    Arc::into_inner(shared).ok_or_else(|| Error::internal("a worker goes on behind its end"))
}

#[cfg(test)]
mod tests {
    use larder_core::ErrorKind;

    use super::*;

    #[tokio::test]
    async fn every_piece_is_done_once() {
        let done = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&done);
        let keep = |state: &mut Vec<usize>, task| {
            state.push(task);
            Ok(())
        };
        let end = move |state: Vec<usize>| {
            sink.lock().unwrap().extend(state);
            Ok(())
        };
        share(3, 50, Vec::new, keep, end).await.unwrap();
        let mut done = std::mem::take(&mut *done.lock().unwrap());
        done.sort_unstable();
        assert_eq!(done, (0..50).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn answers_are_in_the_order_of_the_pieces() {
        let answers = collect(3, 50, |task| Ok(10 * task)).await.unwrap();
        assert_eq!(answers, (0..50).map(|task| 10 * task).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn the_first_error_is_answered() {
        let fail = |(): &mut (), task| match task {
            7 => Err(Error::data("the seventh is broken")),
            _ => Ok(()),
        };
        let error = share(2, 50, || (), fail, |()| Ok(())).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Data);
    }
}
