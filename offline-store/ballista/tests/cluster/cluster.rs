//! A scheduler and two executors, each a process of its own.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use larder_offline_store::OfflineStore;
use larder_offline_store_ballista::{BallistaOfflineStore, ClusterOptions};
use tempfile::TempDir;

use crate::fixture::engine;

/// Longer than anything here takes on a machine that has other things to do.
pub(crate) const PATIENCE: Duration = Duration::from_mins(3);

/// Processes that end with this value.
pub(crate) struct Cluster {
    scheduler: Child,
    port: u16,
    executors: Vec<Executor>,
}

struct Executor {
    process: Child,
    /// Where it keeps rows on their way.
    folder: TempDir,
}

impl Cluster {
    /// Starts a cluster that takes an executor for dead after so many seconds.
    pub(crate) fn start(timeout: u64) -> Self {
        let timeout = timeout.to_string();
        let mut scheduler = role(&["scheduler", &timeout]).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(scheduler.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.trim().parse().unwrap();
        let executors = (0..2).map(|_| Executor::start(port)).collect();
        Self { scheduler, port, executors }
    }

    /// A store on this cluster for the sources of a folder.
    pub(crate) fn store(
        &self,
        folder: &Path,
        partitions: usize,
        rows_per_job: usize,
    ) -> BallistaOfflineStore {
        let scheduler = format!("127.0.0.1:{}", self.port);
        let options = ClusterOptions { scheduler, partitions, rows_per_job };
        BallistaOfflineStore::new(&engine(folder), options).unwrap()
    }

    /// Whether every executor has had rows to join or to hand on.
    pub(crate) fn all_have_worked(&self) -> bool {
        self.executors.iter().all(|executor| has_files(executor.folder.path()))
    }

    /// Ends an executor as a loss of power does.
    pub(crate) fn kill_one(&mut self) {
        self.executors.remove(0).end();
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.executors.drain(..).for_each(Executor::end);
        self.scheduler.kill().unwrap();
        self.scheduler.wait().unwrap();
    }
}

impl Executor {
    fn start(scheduler: u16) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (scheduler, port) = (scheduler.to_string(), free_port().to_string());
        let process = role(&["executor", &scheduler, &port]).env("TMPDIR", folder.path()).spawn();
        Self { process: process.unwrap(), folder }
    }

    fn end(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

fn role(words: &[&str]) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(words).stdin(Stdio::piped());
    command
}

fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

fn has_files(folder: &Path) -> bool {
    // What an executor removes meanwhile is no file of it.
    let Ok(entries) = std::fs::read_dir(folder) else { return false };
    entries.flatten().any(|entry| {
        let path = entry.path();
        if path.is_dir() { has_files(&path) } else { true }
    })
}

/// The cluster that most tests share, from its first use on.
static SHARED: Mutex<Option<Cluster>> = Mutex::new(None);

pub(crate) fn shared<T>(use_it: impl FnOnce(&Cluster) -> T) -> T {
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    use_it(shared.get_or_insert_with(|| Cluster::start(30)))
}

/// Ends the shared cluster, if it was used.
pub(crate) fn end() {
    drop(SHARED.lock().unwrap_or_else(PoisonError::into_inner).take());
}

/// A store on the shared cluster: three partitions, seven entity rows at a time.
pub(crate) fn store(folder: &Path) -> Arc<dyn OfflineStore> {
    Arc::new(shared(|cluster| cluster.store(folder, 3, 7)))
}
