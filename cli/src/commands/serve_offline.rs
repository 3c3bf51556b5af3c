//! `fs serve-offline`: Feast's remote offline store over Arrow Flight.

use std::path::PathBuf;

use clap::{ArgAction, Args};
use larder_core::Result;
use larder_registry::repo_config::Flag;
use larder_serving::{Addresses, Listeners, ServerConfig, serve_offline};

use super::serve::surroundings::Surroundings;
use super::serve::{file_of, open_files, resolve, runtime};
use crate::repository::Repository;
use crate::{compose, report};

/// Arguments of `fs serve-offline`; `-h` is the host, as in Feast.
#[derive(Debug, Args)]
#[command(
    disable_help_flag = true,
    after_help = "Examples:
  fs serve-offline
  FS_OFFLINE_TOKEN=... fs serve-offline -h 0.0.0.0 --key key.pem --cert cert.pem

feature_store.yaml of a client:
  offline_store: {type: remote, host: localhost, port: 8815}"
)]
pub(crate) struct Arguments {
    /// Print help.
    #[arg(long, action = ArgAction::Help)]
    help: Option<bool>,
    /// Address to listen on [default: 127.0.0.1].
    #[arg(short, long)]
    host: Option<String>,
    /// Port; 0 takes a free one [default: 8815].
    #[arg(short, long)]
    port: Option<u16>,
    /// PEM file of the private key: speak TLS and nothing else.
    #[arg(short, long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// PEM file of the certificate chain, the server's own first.
    #[arg(short, long, value_name = "FILE")]
    cert: Option<PathBuf>,
    /// Threads; -1 for one per core.
    #[arg(short, long, default_value_t = -1, allow_negative_numbers = true)]
    workers: i32,
    /// Serve metrics in Prometheus' format, on a port of their own.
    #[arg(short, long)]
    metrics: bool,
    /// Port of the metrics, which it turns on; 0 takes a free one [default: 8000].
    #[arg(long, value_name = "PORT")]
    metrics_port: Option<u16>,
    /// Do not log a line per call.
    #[arg(long)]
    pub(crate) no_access_log: bool,
}

pub(crate) fn run(repository: &Repository, arguments: &Arguments) -> Result<()> {
    let repository = repository.with_flags(flags(arguments)?);
    runtime(arguments.workers)?.block_on(serve_until_signal(&repository, arguments))
}

fn flags(arguments: &Arguments) -> Result<Vec<Flag>> {
    let mut flags = Vec::new();
    let mut add = |name, path: &'static [&'static str], value: Option<String>| {
        flags.extend(value.map(|value| Flag { name, path, value }));
    };
    add("--host", &["serving", "host"], arguments.host.clone());
    let port = arguments.port.map(|port| port.to_string());
    add("--port", &["serving", "offline_port"], port);
    if arguments.metrics || arguments.metrics_port.is_some() {
        add("--metrics", &["serving", "metrics"], Some("true".to_owned()));
    }
    let metrics_port = arguments.metrics_port.map(|port| port.to_string());
    add("--metrics-port", &["serving", "metrics_port"], metrics_port);
    add("--key", &["serving", "tls", "key"], file_of(arguments.key.as_deref())?);
    add("--cert", &["serving", "tls", "cert"], file_of(arguments.cert.as_deref())?);
    Ok(flags)
}

async fn serve_until_signal(repository: &Repository, arguments: &Arguments) -> Result<()> {
    let around = Surroundings::prepare(repository).await?;
    let config = around.config;
    let serving = &config.serving;
    let tls = compose::server_tls(config)?;
    let (server, source) = compose::offline_server(config, around.functions())?;
    let metrics = config.serves_metrics().then_some(serving.metrics_port);
    let addresses = Addresses {
        grpc: Some(resolve(&serving.host, serving.offline_port)?),
        metrics: metrics.map(|port| resolve(&serving.host, port)).transpose()?,
        ..Addresses::default()
    };
    let with = if tls.is_some() { " with TLS" } else { "" };
    let listeners = Listeners::bind(addresses).await?.with_tls(tls);
    if let Some(address) = listeners.grpc() {
        report::note(format_args!("serving the offline store on {address}{with}"));
        if !address.ip().is_loopback() && serving.offline.token.is_none() {
            report::note("everybody who reaches this address can read and write: no token is set");
        }
    }
    if let Some(address) = listeners.metrics() {
        report::note(format_args!("serving metrics on http://{address}/metrics"));
    }
    let settings = open_files::within_limit(ServerConfig {
        access_log: !arguments.no_access_log,
        ..compose::offline_listener(config)
    });
    let serve = |stopped| serve_offline(server, settings, listeners, source, stopped);
    around.until_stopped("calls", serve).await
}
