//! `fs serve`: HTTP and gRPC feature servers in one process.

pub(super) mod open_files;
pub(super) mod surroundings;

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::{Path, PathBuf};

use clap::{ArgAction, Args, ValueEnum};
use larder_core::{Error, ErrorKind, Result};
use larder_registry::repo_config::Flag;
use larder_serving::{Addresses, Listeners, ServerConfig, serve};

use self::surroundings::Surroundings;
use crate::repository::Repository;
use crate::{compose, report};

/// Arguments of `fs serve`; `-h` is the host, as in Feast.
#[derive(Debug, Default, Args)]
#[command(
    disable_help_flag = true,
    after_help = "Examples:
  fs serve
  fs serve -h 0.0.0.0 -p 8080 --grpc-port 8081
  curl localhost:6566/get-online-features -H 'Content-Type: application/json' \\
    -d '{\"feature_service\": \"user_profile\", \"entities\": {\"user_id\": [\"u0001\"]}}'"
)]
pub(crate) struct Arguments {
    /// Print help.
    #[arg(long, action = ArgAction::Help)]
    help: Option<bool>,
    /// Address to listen on [default: 127.0.0.1].
    #[arg(short, long)]
    host: Option<String>,
    /// Port of the HTTP server, or of the gRPC server with `--type grpc`; 0 takes a free one [default: 6566].
    #[arg(short, long)]
    port: Option<u16>,
    /// Port of the gRPC server; 0 takes a free one [default: 6567].
    #[arg(long)]
    grpc_port: Option<u16>,
    /// Serve only this protocol; without it both are served.
    #[arg(short = 't', long = "type", value_enum, ignore_case = true)]
    protocol: Option<Protocol>,
    /// Threads; -1 for one per core.
    #[arg(short, long, default_value_t = -1, allow_negative_numbers = true)]
    workers: i32,
    /// Seconds after which a changed registry is noticed at the latest [default: 1].
    #[arg(short = 'r', long = "registry_ttl_sec", value_name = "SECONDS")]
    registry_ttl_sec: Option<u64>,
    /// PEM file of the private key: speak TLS, HTTP and gRPC, and nothing else.
    #[arg(short, long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// PEM file of the certificate chain, the server's own first.
    #[arg(short, long, value_name = "FILE")]
    cert: Option<PathBuf>,
    /// Serve metrics in Prometheus' format, on a port of their own.
    #[arg(short, long)]
    metrics: bool,
    /// Port of the metrics, which it turns on; 0 takes a free one [default: 8000].
    #[arg(long, value_name = "PORT")]
    metrics_port: Option<u16>,
    /// Do not log a line per request.
    #[arg(long)]
    pub(crate) no_access_log: bool,
    /// Most connections at once; more wait to be accepted [default: 16384].
    #[arg(long, value_name = "N")]
    worker_connections: Option<u32>,
    /// Seconds that an HTTP connection may be without a complete request head [default: 30].
    #[arg(long, value_name = "SECONDS")]
    keep_alive_timeout: Option<u64>,
    #[command(flatten)]
    ignored: IgnoredArguments,
}

/// Flags of Feast's Python server that have no counterpart here; accepted so that scripts keep working.
#[derive(Debug, Default, Args)]
struct IgnoredArguments {
    /// No effect: workers are not restarted.
    #[arg(long, value_name = "N")]
    max_requests: Option<u32>,
    /// No effect.
    #[arg(long, value_name = "N")]
    max_requests_jitter: Option<u32>,
}

/// What is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Protocol {
    /// JSON over HTTP.
    Http,
    /// gRPC.
    Grpc,
}

impl Arguments {
    /// Those of a gRPC server alone.
    pub(super) fn grpc(host: &str, port: u16, workers: i32, registry_ttl_sec: Option<u64>) -> Self {
        Self {
            host: Some(host.to_owned()),
            port: Some(port),
            protocol: Some(Protocol::Grpc),
            workers,
            registry_ttl_sec,
            no_access_log: true,
            ..Self::default()
        }
    }
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
    let only_grpc = arguments.protocol == Some(Protocol::Grpc);
    let (http, grpc) = if only_grpc {
        (None, arguments.port.or(arguments.grpc_port))
    } else {
        (arguments.port, arguments.grpc_port)
    };
    add("--host", &["serving", "host"], arguments.host.clone());
    add("--port", &["serving", "http_port"], http.map(|port| port.to_string()));
    let grpc_flag = if only_grpc { "--port" } else { "--grpc-port" };
    add(grpc_flag, &["serving", "grpc_port"], grpc.map(|port| port.to_string()));
    let ttl = arguments.registry_ttl_sec.map(|seconds| seconds.saturating_mul(1_000).to_string());
    add("--registry_ttl_sec", &["serving", "registry_check_ms"], ttl);
    if arguments.metrics || arguments.metrics_port.is_some() {
        add("--metrics", &["serving", "metrics"], Some("true".to_owned()));
    }
    let metrics_port = arguments.metrics_port.map(|port| port.to_string());
    add("--metrics-port", &["serving", "metrics_port"], metrics_port);
    let connections = arguments.worker_connections.map(|count| count.to_string());
    add("--worker-connections", &["serving", "limits", "connections"], connections);
    let keep_alive = arguments.keep_alive_timeout.map(|s| s.saturating_mul(1_000).to_string());
    add("--keep-alive-timeout", &["serving", "limits", "keep_alive_ms"], keep_alive);
    add("--key", &["serving", "tls", "key"], file_of(arguments.key.as_deref())?);
    add("--cert", &["serving", "tls", "cert"], file_of(arguments.cert.as_deref())?);
    Ok(flags)
}

/// A file named on the command line stands where the command was started, whatever the repository is.
pub(super) fn file_of(path: Option<&Path>) -> Result<Option<String>> {
    let absolute = |path: &Path| {
        let path = std::path::absolute(path).map_err(|error| {
            Error::invalid(format!("{} is no path", path.display())).with_source(error)
        })?;
        path.into_os_string()
            .into_string()
            .map_err(|path| Error::invalid(format!("{} is not Unicode", path.display())))
    };
    path.map(absolute).transpose()
}

pub(super) fn runtime(workers: i32) -> Result<tokio::runtime::Runtime> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    match usize::try_from(workers) {
        Ok(0) => return Err(Error::invalid("--workers must be at least 1, or -1")),
        Ok(threads) => builder.worker_threads(threads),
        Err(_) => &mut builder,
    };
    builder
        .enable_all()
        .build()
        .map_err(|error| Error::internal("cannot start an event loop").with_source(error))
}

async fn serve_until_signal(repository: &Repository, arguments: &Arguments) -> Result<()> {
    let around = Surroundings::prepare(repository).await?;
    let config = around.config;
    let serving = &config.serving;
    let http = (arguments.protocol != Some(Protocol::Grpc)).then_some(serving.http_port);
    let grpc = (arguments.protocol != Some(Protocol::Http)).then_some(serving.grpc_port);
    let address = |port: Option<u16>| port.map(|port| resolve(&serving.host, port)).transpose();
    let tls = compose::server_tls(config)?;
    let (server, source) = compose::feature_server(config, around.functions())?;
    let (scheme, with) = if tls.is_some() { ("https", " with TLS") } else { ("http", "") };
    let metrics = config.serves_metrics().then_some(serving.metrics_port);
    let addresses =
        Addresses { http: address(http)?, grpc: address(grpc)?, metrics: address(metrics)? };
    let listeners = Listeners::bind(addresses).await?.with_tls(tls);
    if let Some(address) = listeners.http() {
        report::note(format_args!("serving features over HTTP on {scheme}://{address}"));
    }
    if let Some(address) = listeners.grpc() {
        report::note(format_args!("serving features over gRPC on {address}{with}"));
    }
    if let Some(address) = listeners.metrics() {
        report::note(format_args!("serving metrics on http://{address}/metrics"));
    }
    let settings = open_files::within_limit(ServerConfig {
        lanes: usize::try_from(arguments.workers).unwrap_or_else(|_| ServerConfig::default().lanes),
        access_log: !arguments.no_access_log,
        ..compose::server_config(config)
    });
    let serve = |stopped| serve(server, settings, listeners, source, stopped);
    around.until_stopped("requests", serve).await
}

/// The address of a host name or IP address.
pub(super) fn resolve(host: &str, port: u16) -> Result<SocketAddr> {
    let unknown =
        || Error::new(ErrorKind::Unavailable, format!("the host \"{host}\" has no address"));
    let mut addresses =
        (host, port).to_socket_addrs().map_err(|error| unknown().with_source(error))?;
    addresses.next().ok_or_else(unknown)
}
