//! One `fs serve` under the online workload, by protocol, rows and connections.

use std::fmt;
use std::time::Duration;

use anyhow::{Result, ensure};
use bytes::Bytes;
use clap::{Args, ValueEnum};
use larder_proto::feast::serving::{FieldStatus, GetOnlineFeaturesResponse};
use larder_tests::Server;
use prost::Message as _;

use crate::connection::HttpTarget;
use crate::generated::{FEATURES, VIEWS};
use crate::grpc::GrpcTarget;
use crate::load::{Measured, Target, closed_loop, open_loop};
use crate::workload;

/// How features are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Protocol {
    /// HTTP with JSON.
    Http,
    /// gRPC.
    Grpc,
    /// HTTP with an Arrow stream.
    Arrow,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Http => "http",
            Self::Grpc => "grpc",
            Self::Arrow => "arrow",
        })
    }
}

/// What is asked, and for how long.
#[derive(Debug, Args)]
pub(crate) struct Load {
    /// Keys in the store.
    #[arg(long, default_value_t = 10_000)]
    pub(crate) keys: u32,
    /// Entity rows per request.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 10, 100])]
    pub(crate) rows: Vec<usize>,
    /// Connections at once.
    #[arg(long, value_delimiter = ',', default_values_t = [4, 64])]
    pub(crate) connections: Vec<usize>,
    /// Protocols.
    #[arg(long, value_delimiter = ',', default_values = ["http", "grpc"])]
    pub(crate) protocols: Vec<Protocol>,
    /// Seconds per run.
    #[arg(long, default_value_t = 3)]
    pub(crate) seconds: u64,
    /// Runs of each; the median counts.
    #[arg(long, default_value_t = 3)]
    pub(crate) runs: usize,
}

impl Load {
    /// How long one run takes.
    pub(crate) fn duration(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}

/// The media type of an Arrow stream.
const ARROW: &str = "application/vnd.apache.arrow.stream";

/// Prepared requests for some keys in every protocol.
#[derive(Debug)]
pub(crate) struct Requests {
    http: Vec<Vec<u8>>,
    arrow: Vec<Vec<u8>>,
    grpc: Vec<Bytes>,
}

impl Requests {
    /// Requests for the features of these keys.
    pub(crate) fn new(keys: &[Vec<u32>]) -> Self {
        Self {
            http: workload::http(keys, "application/json"),
            arrow: workload::http(keys, ARROW),
            grpc: workload::grpc(keys),
        }
    }

    /// The first request over HTTP.
    pub(crate) fn sample(&self) -> &[u8] {
        &self.http[0]
    }

    /// Checks that a server answers every feature in every protocol.
    pub(crate) fn check(&self, server: &Server) -> Result<()> {
        workload::columns(server, self.sample())?;
        workload::arrow_columns(server, &self.arrow[0])?;
        let answer = self.grpc_target(server)?.call()?;
        let answer = GetOnlineFeaturesResponse::decode(answer)?;
        let statuses = answer.results.iter().flat_map(|column| &column.statuses);
        let present = FieldStatus::Present as i32;
        ensure!(answer.results.len() == VIEWS * FEATURES + 1, "{} columns", answer.results.len());
        ensure!(statuses.into_iter().all(|status| *status == present), "a value is not present");
        Ok(())
    }

    /// Measures a server as fast as it answers.
    pub(crate) fn closed(
        &self,
        server: &Server,
        protocol: Protocol,
        connections: usize,
        duration: Duration,
    ) -> Result<Measured> {
        closed_loop(self.target(server, protocol)?.as_ref(), connections, duration)
    }

    /// Measures a server at a rate.
    pub(crate) fn open(
        &self,
        server: &Server,
        protocol: Protocol,
        connections: usize,
        duration: Duration,
        rate: f64,
    ) -> Result<Measured> {
        open_loop(self.target(server, protocol)?.as_ref(), connections, duration, rate)
    }

    fn target(&self, server: &Server, protocol: Protocol) -> Result<Box<dyn Target + '_>> {
        let http = |requests| Box::new(HttpTarget { port: server.port(), requests });
        Ok(match protocol {
            Protocol::Http => http(self.http.as_slice()),
            Protocol::Arrow => http(self.arrow.as_slice()),
            Protocol::Grpc => Box::new(self.grpc_target(server)?),
        })
    }

    fn grpc_target(&self, server: &Server) -> Result<GrpcTarget> {
        let method = "/feast.serving.ServingService/GetOnlineFeatures";
        GrpcTarget::new(server.grpc_address(), method, &self.grpc)
    }
}
