//! The executor process.

use std::net::{IpAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ballista_core::config::TaskSchedulingPolicy;
use ballista_executor::executor_process::{ExecutorProcessConfig, start_executor_process};
use ballista_executor::executor_server::TERMINATING;
use larder_core::{Error, ErrorKind, Result};
use larder_offline_store_datafusion::DataFusionOfflineStore;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::timeout;

use crate::codec::JoinCodec;
use crate::job::MESSAGE_BYTES;
use crate::reach::reach_within;

/// How long an executor waits for a scheduler that does not answer yet.
const PATIENCE: Duration = Duration::from_secs(30);

/// Settings of an executor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecutorOptions {
    /// Host and port of the scheduler.
    pub scheduler: (String, u16),
    /// Address to listen on, for other executors and clients that fetch answers.
    pub host: IpAddr,
    /// Port to listen on, which must be free.
    pub port: u16,
    /// Host under which this machine is known to others; `None` for the address, or for the one that the scheduler sees
    /// where that is the unspecified one.
    pub advertised_host: Option<String>,
    /// Partitions that are joined at the same time; each may hold its share of the engine's memory.
    pub tasks: usize,
}

/// Works for a scheduler until this process gets SIGINT or SIGTERM; what is at work then is finished.
///
/// Rows on their way between executors are put into a folder of its own below the folder for temporary files, for an
/// hour. When the scheduler goes away, it is asked for work until it is there again.
///
/// # Errors
/// `Unavailable` when nothing listens at the scheduler's address for half a minute, or the port is taken.
pub async fn run_executor(options: &ExecutorOptions, engine: DataFusionOfflineStore) -> Result<()> {
    // Ballista 55 asks for its scheduler without end, and ends without an error when its port is taken.
    check_port(options)?;
    let (scheduler_host, scheduler_port) = options.scheduler.clone();
    reach_within(&format!("{scheduler_host}:{scheduler_port}"), PATIENCE).await?;
    let folder = tempfile::Builder::new().prefix("larder-executor").tempdir().map_err(failed)?;
    let message_bytes = u32::try_from(MESSAGE_BYTES).unwrap_or(u32::MAX);
    let memory = engine.options().memory_limit;
    let own_host = (!options.host.is_unspecified()).then(|| in_url(options.host));
    let config = ExecutorProcessConfig {
        bind_host: in_url(options.host),
        external_host: options.advertised_host.clone().or(own_host),
        port: options.port,
        scheduler_host,
        scheduler_port,
        scheduler_connect_timeout_seconds: 0,
        vcores: options.tasks,
        task_scheduling_policy: TaskSchedulingPolicy::PullStaged,
        work_dir: Some(folder.path().to_string_lossy().into_owned()),
        job_data_ttl_seconds: 60 * 60,
        job_data_clean_up_interval_seconds: 60,
        grpc_max_decoding_message_size: message_bytes,
        grpc_max_encoding_message_size: message_bytes,
        memory_pool_size: Some(memory as u64),
        override_physical_codec: Some(Arc::new(JoinCodec::of_executor(engine, options.tasks))),
        ..ExecutorProcessConfig::default()
    };
    work_until_told(Arc::new(config)).await
}

async fn work_until_told(config: Arc<ExecutorProcessConfig>) -> Result<()> {
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut working = Box::pin(start_executor_process(config));
    tokio::select! {
        biased;
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        ended = &mut working => {
            ended.map_err(failed)?;
            let message = "the executor stopped because a service of its own did";
            return Err(Error::new(ErrorKind::Unavailable, message));
        }
    }
    // Ballista catches these signals itself, but misses those that come while it starts; then nothing is at work.
    match timeout(Duration::from_secs(1), &mut working).await {
        Ok(ended) => ended.map_err(failed),
        Err(_) if TERMINATING.load(Ordering::Acquire) => working.await.map_err(failed),
        Err(_) => Ok(()),
    }
}

fn check_port(options: &ExecutorOptions) -> Result<()> {
    let (host, port) = (in_url(options.host), options.port);
    if port == 0 {
        return Err(Error::invalid("an executor needs a port that others know, not 0"));
    }
    let bound = TcpListener::bind((options.host, port));
    bound.map(drop).map_err(|error| {
        Error::new(ErrorKind::Unavailable, format!("the executor cannot listen on {host}:{port}"))
            .with_source(error)
            .with_hint("give each executor of a machine a port of its own")
    })
}

/// The address as it stands before a port.
fn in_url(host: IpAddr) -> String {
    match host {
        IpAddr::V4(host) => host.to_string(),
        IpAddr::V6(host) => format!("[{host}]"),
    }
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Unavailable, "the executor cannot work").with_source(error)
}
