//! Python processes for on-demand functions that do not compile.

use std::sync::Arc;

use larder_core::Result;
use larder_registry::RepoConfig;
use larder_transform_workers::{PythonWorkers, WorkerSettings};

/// The pool, if the configuration turns it on; its processes start when they are needed.
///
/// # Errors
/// As [`PythonWorkers::new`].
pub(crate) fn python_workers(config: &RepoConfig) -> Result<Option<Arc<PythonWorkers>>> {
    let Some(workers) = &config.transform.python_workers else { return Ok(None) };
    let settings = WorkerSettings {
        count: workers.count.into(),
        python: workers.python.clone(),
        timeout: workers.timeout,
        memory_limit: workers.memory_limit.0,
        queue: workers.queue as usize,
    };
    Ok(Some(Arc::new(PythonWorkers::new(settings)?)))
}
