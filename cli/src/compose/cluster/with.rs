//! The store and the processes of a program with Ballista.

use std::sync::Arc;

use larder_core::{Error, ErrorKind, Result};
use larder_offline_store::OfflineStore;
use larder_offline_store_ballista::{
    BallistaOfflineStore, ClusterOptions, ExecutorOptions, SchedulerOptions, run_executor,
    run_scheduler,
};
use larder_offline_store_datafusion::{DataFusionOfflineStore, EngineOptions};
use larder_registry::RepoConfig;
use tokio::net::TcpListener;

use super::{Executing, Scheduling, records};
use crate::report;

/// The store whose joins run on the cluster of a scheduler.
///
/// # Errors
/// As [`BallistaOfflineStore::new`].
pub(crate) fn store(
    config: &RepoConfig,
    scheduler: &str,
    partitions: u16,
) -> Result<Arc<dyn OfflineStore>> {
    let options =
        ClusterOptions { partitions: partitions.into(), ..ClusterOptions::new(scheduler) };
    Ok(Arc::new(BallistaOfflineStore::new(&engine(config, None)?, options)?))
}

/// Serves as scheduler.
///
/// # Errors
/// `Unavailable` when the address is taken; otherwise as [`run_scheduler`].
pub(crate) async fn schedule(config: &RepoConfig, scheduling: Scheduling) -> Result<()> {
    records::forward();
    let Scheduling { address, executor_timeout } = scheduling;
    let engine = engine(config, None)?;
    let listener = TcpListener::bind(address).await.map_err(|error| {
        Error::new(ErrorKind::Unavailable, format!("cannot listen on {address}")).with_source(error)
    })?;
    let address = listener.local_addr().unwrap_or(address);
    report::note(format_args!("scheduler of joins on {address}"));
    run_scheduler(listener, &SchedulerOptions { executor_timeout }, engine).await
}

/// Joins for a scheduler.
///
/// # Errors
/// As [`run_executor`].
pub(crate) async fn execute(config: &RepoConfig, executing: Executing) -> Result<()> {
    records::forward();
    let Executing { scheduler, host, port, advertised_host, tasks, memory_limit } = executing;
    let engine = engine(config, memory_limit)?;
    let (to, at) = &scheduler;
    report::note(format_args!("executor of the scheduler {to}:{at}, on {host}:{port}"));
    let options = ExecutorOptions { scheduler, host, port, advertised_host, tasks };
    run_executor(&options, engine).await
}

fn engine(config: &RepoConfig, memory_limit: Option<usize>) -> Result<DataFusionOfflineStore> {
    let defaults = EngineOptions::new(&config.repo_path);
    DataFusionOfflineStore::new(EngineOptions {
        memory_limit: memory_limit.unwrap_or(defaults.memory_limit),
        object_storage: config.offline_store.object_storage(),
        ..defaults
    })
}
