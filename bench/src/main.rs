//! Compares `fs` with Feast in the same run on the same machine: `cargo xtask bench NAME`.
//!
//! Absolute figures of different hours mean nothing; the ratio within one run does. Every figure is
//! the median of several runs that alternate between the two programs.
#![expect(clippy::print_stdout, reason = "a command line tool that reports on stdout")]

mod apply;
mod child;
mod connection;
mod embedded;
mod generated;
mod grpc;
mod interactions;
mod load;
mod materialize;
mod memory;
mod online;
mod pit;
mod raw_cassandra;
mod raw_redis;
mod redis;
mod served;
mod startup;
mod stream;
mod summary;
mod transform;
mod workload;
mod write;

use clap::Parser;

/// One comparison.
#[derive(Debug, Parser)]
#[command(name = "larder-bench", about = "Comparisons with Feast in the same run.")]
enum Bench {
    /// `apply` of generated feature views.
    Apply(apply::Options),
    /// Start of the server to its first answer.
    Startup(startup::Options),
    /// Online features over HTTP on one SQLite file.
    Online(online::Options),
    /// Online features on Redis as a share of what Redis itself answers.
    Redis(redis::Options),
    /// Online features on the embedded store.
    Embedded(embedded::Options),
    /// On-demand functions compiled, beside pandas and Python.
    Transform(transform::Options),
    /// `materialize` into Redis and Cassandra as a share of what they take.
    Write(write::Options),
    /// Interaction features on Redis, at a rate.
    Interactions(interactions::Options),
    /// Materialization of one large file into nothing and into the embedded store.
    Materialize(materialize::Options),
    /// Materializes a file into nothing.
    #[command(hide = true)]
    MaterializeNullSink(materialize::NullSinkOptions),
    /// The memory of a server under load for long.
    Memory(memory::Options),
    /// The point-in-time join beside DuckDB and Polars.
    Pit(pit::Options),
    /// Decodes the columns of the point-in-time join and does nothing with them.
    #[command(hide = true)]
    PitFloor(pit::FloorOptions),
    /// Stream jobs over files and over a broker, beside Apache Flink.
    Stream(stream::Options),
    /// Runs stream jobs and sums their rows.
    #[command(hide = true)]
    StreamEngine(stream::EngineOptions),
    /// Runs stream jobs over a topic as it is and sums their rows.
    #[command(hide = true)]
    StreamTopic(stream::TopicOptions),
    /// Puts events into a topic at a rate.
    #[command(hide = true)]
    StreamLoad(stream::LoadOptions),
}

fn main() -> anyhow::Result<()> {
    match Bench::parse() {
        Bench::Apply(options) => {
            apply::run(&options);
            Ok(())
        }
        Bench::Startup(options) => startup::run(&options),
        Bench::Online(options) => online::run(&options),
        Bench::Redis(options) => redis::run(&options),
        Bench::Embedded(options) => embedded::run(&options),
        Bench::Transform(options) => transform::run(&options),
        Bench::Write(options) => write::run(&options),
        Bench::Interactions(options) => interactions::run(&options),
        Bench::Materialize(options) => materialize::run(&options),
        Bench::MaterializeNullSink(options) => materialize::null_sink(&options),
        Bench::Memory(options) => memory::run(&options),
        Bench::Pit(options) => pit::run(&options),
        Bench::PitFloor(options) => pit::floor(&options),
        Bench::Stream(options) => stream::run(&options),
        Bench::StreamEngine(options) => stream::engine(&options),
        Bench::StreamTopic(options) => stream::topic_engine(&options),
        Bench::StreamLoad(options) => stream::load(&options),
    }
}
