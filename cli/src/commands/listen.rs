//! `fs listen`: the gRPC feature server alone, under Feast's name.

use clap::Args;
use larder_core::{Error, Result};

use super::serve;
use crate::repository::Repository;

/// Arguments of `fs listen`.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  fs listen -a localhost:50051")]
pub(crate) struct Arguments {
    /// Host and port to listen on.
    #[arg(short, long, value_name = "HOST:PORT", default_value = "localhost:50051")]
    address: String,
    /// Threads; one per core if it is not given.
    #[arg(short = 'w', long = "max_workers", value_name = "N")]
    max_workers: Option<u16>,
    /// Seconds after which a changed registry is noticed at the latest [default: 1].
    #[arg(short, long = "registry_ttl_sec", value_name = "SECONDS")]
    registry_ttl_sec: Option<u64>,
}

/// Serves until a signal; as Feast's `listen`, without TLS flags and without a line per request.
pub(crate) fn run(repository: &Repository, arguments: &Arguments) -> Result<()> {
    let (host, port) = address(&arguments.address)?;
    let workers = arguments.max_workers.map_or(-1, i32::from);
    serve::run(repository, &serve::Arguments::grpc(host, port, workers, arguments.registry_ttl_sec))
}

fn address(text: &str) -> Result<(&str, u16)> {
    let parts = text.rsplit_once(':').filter(|(host, _)| !host.is_empty());
    let parsed = parts.and_then(|(host, port)| Some((host, port.parse().ok()?)));
    let (host, port) = parsed.ok_or_else(|| {
        Error::invalid(format!("\"{text}\" is no address"))
            .with_hint("write it as localhost:50051, an IPv6 address in brackets")
    })?;
    Ok((host.trim_start_matches('[').trim_end_matches(']'), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_host_and_a_port() {
        for (text, host, port) in [
            ("localhost:50051", "localhost", 50051),
            ("[::1]:7", "::1", 7),
            ("0.0.0.0:0", "0.0.0.0", 0),
        ] {
            assert_eq!(address(text).unwrap(), (host, port));
        }
        for text in ["", "localhost", ":50051", "localhost:", "localhost:x", "localhost:70000"] {
            let error = address(text).unwrap_err();
            assert_eq!(error.kind(), larder_core::ErrorKind::Invalid, "{text}");
        }
    }
}
