//! `fs cluster`: the processes of a Ballista cluster that joins for `offline_store: {type: ballista}`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZero;
use std::time::Duration;

use clap::{Args, Subcommand};
use larder_core::{Error, Result};
use larder_registry::repo_config::{ByteSize, host_and_port};

use super::serve::runtime;
use crate::compose::cluster::{self, Executing, Scheduling};
use crate::repository::Repository;
use crate::stop_signal::StopSignal;

/// The processes of a cluster.
#[derive(Debug, Subcommand)]
pub(crate) enum ClusterCommand {
    /// Give work to executors.
    Scheduler(SchedulerArguments),
    /// Join for a scheduler.
    Executor(ExecutorArguments),
}

/// Arguments of `fs cluster scheduler`.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  fs cluster scheduler --host 10.0.0.1

feature_store.yaml of a client:
  offline_store: {type: ballista, scheduler: \"10.0.0.1:50050\"}")]
pub(crate) struct SchedulerArguments {
    /// Address to listen on.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,
    /// Port; 0 takes a free one.
    #[arg(short, long, default_value_t = 50050)]
    port: u16,
    /// Seconds without a word after which an executor is taken for dead and its work given to others; joins wait as long
    /// for a first executor. At least 10: busy executors give word every 5 seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    #[arg(value_parser = clap::value_parser!(u32).range(10..))]
    executor_timeout: u32,
}

/// Arguments of `fs cluster executor`.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  fs -c feature_repo cluster executor --scheduler 10.0.0.1:50050 --host 0.0.0.0 --advertise 10.0.0.2")]
pub(crate) struct ExecutorArguments {
    /// Host and port of the scheduler.
    #[arg(long, value_name = "HOST:PORT", default_value = "localhost:50050")]
    scheduler: String,
    /// Address to listen on.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,
    /// Port, for other executors and for clients; each executor of a machine needs its own.
    #[arg(short, long, default_value_t = 50051)]
    port: u16,
    /// Host by which others reach this machine [default: the address].
    #[arg(long, value_name = "HOST")]
    advertise: Option<String>,
    /// Partitions that are joined at the same time; each uses all processors [default: 1].
    #[arg(long, value_name = "N", default_value = "1", hide_default_value = true)]
    tasks: NonZero<u16>,
    /// Memory that the joins may take together; what does not fit goes to disk meanwhile [default: 4GiB].
    #[arg(long, value_name = "SIZE", value_parser = ByteSize::parse)]
    memory_limit: Option<ByteSize>,
}

pub(crate) fn run(repository: &Repository, command: ClusterCommand) -> Result<()> {
    let config = repository.config()?;
    match command {
        ClusterCommand::Scheduler(arguments) => runtime(-1)?.block_on(async {
            let stop = StopSignal::catch()?;
            let scheduling = Scheduling {
                address: SocketAddr::new(arguments.host, arguments.port),
                executor_timeout: Duration::from_secs(arguments.executor_timeout.into()),
            };
            tokio::select! {
                ended = cluster::schedule(config, scheduling) => ended,
                () = stop.received() => Ok(()),
            }
        }),
        ClusterCommand::Executor(arguments) => {
            let executing = arguments.executing()?;
            runtime(-1)?.block_on(cluster::execute(config, executing))
        }
    }
}

impl ExecutorArguments {
    fn executing(self) -> Result<Executing> {
        let (host, port) = host_and_port(&self.scheduler).ok_or_else(|| {
            Error::invalid(format!("--scheduler {} is no host and port", self.scheduler))
                .with_hint("for instance --scheduler 10.0.0.1:50050")
        })?;
        Ok(Executing {
            scheduler: (host.to_owned(), port),
            host: self.host,
            port: self.port,
            advertised_host: self.advertise,
            tasks: usize::from(self.tasks.get()),
            memory_limit: self.memory_limit.map(ByteSize::addressable),
        })
    }
}
