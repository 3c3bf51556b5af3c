//! Runs that were answered before they are done: one after the other, awaited at shutdown.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use larder_core::{Error, ErrorKind, Result};
use larder_materializer::Materializer;
use tokio::sync::{mpsc, watch};

use super::{Run, materialize};
use crate::running::stopped;

/// Runs that may wait.
const WAITING: usize = 16;

/// Where runs are handed in; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Jobs {
    queue: mpsc::Sender<Run>,
    taken: Taken,
}

/// How many runs of each view wait or run.
type Taken = Arc<Mutex<BTreeMap<String, usize>>>;

/// What does the runs.
#[derive(Debug)]
pub(crate) struct Worker {
    queue: mpsc::Receiver<Run>,
    taken: Taken,
}

/// A queue and its worker.
pub(crate) fn jobs() -> (Jobs, Worker) {
    let (sender, receiver) = mpsc::channel(WAITING);
    let taken = Taken::default();
    (Jobs { queue: sender, taken: Arc::clone(&taken) }, Worker { queue: receiver, taken })
}

impl Jobs {
    /// Queues a run, unless views of it are taken already: those are answered. `force` queues it all the same.
    ///
    /// # Errors
    /// `Unavailable` when the queue is full or the server stops.
    pub(super) fn take(&self, run: Run, force: bool) -> Result<Vec<String>> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let views = run.views();
        let busy: Vec<String> =
            views.iter().filter(|view| taken.contains_key(*view)).cloned().collect();
        if !busy.is_empty() && !force {
            return Ok(busy);
        }
        self.queue.try_send(run).map_err(|_| {
            let message = format!("{WAITING} materializations wait already");
            Error::new(ErrorKind::Unavailable, message).with_hint("try again when some are done")
        })?;
        for view in views {
            *taken.entry(view).or_default() += 1;
        }
        Ok(Vec::new())
    }
}

impl Worker {
    /// Does the runs until `stop`; one that has begun is finished, those that wait are left.
    pub(crate) async fn run(
        mut self,
        materializer: Option<Arc<Materializer>>,
        mut stop: watch::Receiver<bool>,
    ) {
        loop {
            let run = tokio::select! {
                biased;
                () = stopped(&mut stop) => None,
                run = self.queue.recv() => run,
            };
            let (Some(run), Some(materializer)) = (run, &materializer) else { break };
            let views = run.views();
            match materialize(materializer, &run).await {
                Ok(()) => tracing::info!(views = views.join(","), "materialized"),
                Err(error) => {
                    tracing::error!(views = views.join(","), %error, "materialization failed");
                }
            }
            self.done(&views);
        }
        self.leave();
    }

    fn done(&self, views: &[String]) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        for view in views {
            if let Some(count) = taken.get_mut(view).filter(|count| **count > 1) {
                *count -= 1;
            } else {
                taken.remove(view);
            }
        }
    }

    fn leave(&mut self) {
        while let Ok(run) = self.queue.try_recv() {
            tracing::warn!(views = run.views().join(","), "not materialized: the server stops");
        }
    }
}
