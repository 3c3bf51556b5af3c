//! The scheduler process.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ballista_core::config::TaskSchedulingPolicy;
use ballista_scheduler::cluster::BallistaCluster;
use ballista_scheduler::config::SchedulerConfig;
use ballista_scheduler::scheduler_process::{create_scheduler, start_grpc_service_with_listener};
use ballista_scheduler::scheduler_server::SchedulerServer;
use datafusion_proto::protobuf::{LogicalPlanNode, PhysicalPlanNode};
use larder_core::{Error, ErrorKind, Result};
use larder_offline_store_datafusion::DataFusionOfflineStore;
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};

use crate::codec::JoinCodec;
use crate::job::MESSAGE_BYTES;

/// Busy executors of Ballista 55 give word every five seconds.
const SHORTEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Settings of a scheduler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchedulerOptions {
    /// After how long without a word an executor is taken for dead, and its work is given to others; and for how long jobs
    /// wait for an executor where there is none; at least 10 s.
    pub executor_timeout: Duration,
}

/// Serves as scheduler until the listener fails; holds jobs and executors in memory.
///
/// # Errors
/// `Invalid` for a timeout that is too short; `Unavailable` when it cannot start or its listener fails.
pub async fn run_scheduler(
    listener: TcpListener,
    options: &SchedulerOptions,
    engine: DataFusionOfflineStore,
) -> Result<()> {
    if options.executor_timeout < SHORTEST_TIMEOUT {
        let message = "the timeout of executors is too short to hear from those that are busy";
        return Err(Error::invalid(message).with_hint("make it 10 s or longer"));
    }
    let address = listener.local_addr().map_err(failed)?;
    let config = config(address, options, engine);
    let cluster = BallistaCluster::new_from_config(&config).await.map_err(failed)?;
    let scheduler = create_scheduler(cluster, Arc::new(config)).await.map_err(failed)?;
    let idle = end_idle_jobs(scheduler.clone(), options.executor_timeout);
    tokio::select! {
        served = start_grpc_service_with_listener(listener, scheduler) => served.map_err(failed),
        never = idle => match never {},
    }
}

/// Cancels jobs that have been without any executor for so long: Ballista 55 lets a job wait for its first one for ever.
async fn end_idle_jobs(
    scheduler: SchedulerServer<LogicalPlanNode, PhysicalPlanNode>,
    patience: Duration,
) -> Infallible {
    let mut idle = HashMap::new();
    loop {
        sleep(patience / 8).await;
        let state = &scheduler.state;
        let executors = state.executor_manager.get_executors_state().await;
        if executors.is_ok_and(|executors| !executors.is_empty()) {
            idle.clear();
            continue;
        }
        let jobs = state.task_manager.get_running_job_cache();
        idle.retain(|job, _| jobs.contains_key(job));
        for job in jobs.keys() {
            let since = idle.entry(job.clone()).or_insert_with(Instant::now);
            // Where it cannot be cancelled, it is the next time.
            if since.elapsed() >= patience && scheduler.cancel_job(job.clone()).await.is_ok() {
                idle.remove(job);
            }
        }
    }
}

fn config(
    address: SocketAddr,
    options: &SchedulerOptions,
    engine: DataFusionOfflineStore,
) -> SchedulerConfig {
    let timeout = options.executor_timeout.as_secs();
    let message_bytes = u32::try_from(MESSAGE_BYTES).unwrap_or(u32::MAX);
    SchedulerConfig {
        external_host: address.ip().to_string(),
        bind_host: address.ip().to_string(),
        bind_port: address.port(),
        // Executors ask for work: they need one port, and none when the scheduler is not reached from there.
        scheduling_policy: TaskSchedulingPolicy::PullStaged,
        executor_timeout_seconds: timeout,
        expire_dead_executor_interval_seconds: timeout.div_ceil(4),
        no_executors_grace_period_seconds: timeout,
        grpc_server_max_decoding_message_size: message_bytes,
        grpc_server_max_encoding_message_size: message_bytes,
        grpc_client_max_message_size: message_bytes,
        override_physical_codec: Some(Arc::new(JoinCodec::new(engine))),
        ..SchedulerConfig::default()
    }
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Unavailable, "the scheduler cannot serve").with_source(error)
}
