//! Calls that wait for a worker: first in, first out, never more than the bound.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A bounded queue between callers and worker threads.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    waiting: Mutex<VecDeque<T>>,
    changed: Condvar,
    /// For those who wait for the end alone.
    ended: Condvar,
    closed: AtomicBool,
    bound: usize,
}

/// What a worker thread gets.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next<T> {
    /// Something to do.
    Job(T),
    /// Nothing came in the given time.
    Nothing,
    /// Nothing will come any more.
    Closed,
}

impl<T> Queue<T> {
    /// An empty queue of at most `bound` jobs.
    pub(crate) fn new(bound: usize) -> Self {
        Self {
            waiting: Mutex::default(),
            changed: Condvar::new(),
            ended: Condvar::new(),
            closed: AtomicBool::new(false),
            bound,
        }
    }

    /// Adds a job; gives it back when the queue is full or closed.
    pub(crate) fn push(&self, job: T) -> Result<(), T> {
        let mut waiting = self.lock();
        if waiting.len() >= self.bound || self.closed().load(Ordering::Relaxed) {
            return Err(job);
        }
        waiting.push_back(job);
        drop(waiting);
        self.changed.notify_one();
        Ok(())
    }

    /// The next job, if one comes in this time.
    pub(crate) fn next(&self, patience: Duration) -> Next<T> {
        let (mut waiting, _) = self
            .changed
            .wait_timeout_while(self.lock(), patience, |waiting| {
                waiting.is_empty() && !self.closed.load(Ordering::Relaxed)
            })
            .unwrap_or_else(PoisonError::into_inner);
        if self.closed.load(Ordering::Relaxed) {
            return Next::Closed;
        }
        waiting.pop_front().map_or(Next::Nothing, Next::Job)
    }

    /// Lets time pass, unless the queue is closed meanwhile.
    pub(crate) fn pause(&self, time: Duration) {
        let paused = self
            .ended
            .wait_timeout_while(self.lock(), time, |_| !self.closed.load(Ordering::Relaxed));
        drop(paused);
    }

    /// Ends the queue; what waits in it is dropped.
    pub(crate) fn close(&self) {
        let mut waiting = self.lock();
        self.closed.store(true, Ordering::Relaxed);
        waiting.clear();
        drop(waiting);
        self.changed.notify_all();
        self.ended.notify_all();
    }

    /// Whether it was closed, for those who must not block until then.
    pub(crate) fn closed(&self) -> &AtomicBool {
        &self.closed
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<T>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_millis(5);

    #[test]
    fn jobs_come_in_order_and_no_more_than_the_bound_wait() {
        let queue = Queue::new(2);
        assert_eq!((queue.push(1), queue.push(2), queue.push(3)), (Ok(()), Ok(()), Err(3)));
        assert_eq!(queue.next(SHORT), Next::Job(1));
        assert_eq!(queue.push(3), Ok(()));
        assert_eq!((queue.next(SHORT), queue.next(SHORT)), (Next::Job(2), Next::Job(3)));
        assert_eq!(queue.next(SHORT), Next::Nothing);
    }

    #[test]
    fn a_closed_queue_wakes_everyone_and_takes_nothing() {
        let queue = Queue::new(2);
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| queue.next(Duration::from_mins(1)));
            let pausing = scope.spawn(|| queue.pause(Duration::from_mins(1)));
            queue.close();
            assert_eq!(waiting.join().unwrap(), Next::<i32>::Closed);
            pausing.join().unwrap();
        });
        assert_eq!(queue.push(1), Err(1));
    }
}
