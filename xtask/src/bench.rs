//! `cargo xtask bench NAME`: builds `fs` and the load generator optimised and runs one comparison.

use std::process::Command;

use anyhow::{Result, bail};

use crate::services::{self, Started};
use crate::workspace::{Workspace, step, succeed};

/// A comparison that `larder-bench` knows.
struct Benchmark {
    name: &'static str,
    what: &'static str,
    services: &'static [&'static str],
}

const BENCHMARKS: [Benchmark; 13] = [
    Benchmark {
        name: "apply",
        what: "`fs apply` of 1 000 generated feature views beside `feast apply`",
        services: &["feast"],
    },
    Benchmark {
        name: "startup",
        what: "start of `fs serve` to its first answer",
        services: &["feast"],
    },
    Benchmark {
        name: "online",
        what: "get_online_features at 1, 10 and 100 rows on SQLite beside `feast serve`",
        services: &["feast"],
    },
    Benchmark {
        name: "redis",
        what: "get_online_features on Redis as a share of what Redis itself answers",
        services: &["feast", "redis"],
    },
    Benchmark {
        name: "embedded",
        what: "get_online_features on the embedded store over HTTP and gRPC",
        services: &["feast"],
    },
    Benchmark {
        name: "transform",
        what: "on-demand functions compiled beside Feast's classes running the same text",
        services: &["feast"],
    },
    Benchmark {
        name: "write",
        what: "materialize into Redis and Cassandra as a share of what they take",
        services: &["cassandra", "feast", "redis"],
    },
    Benchmark {
        name: "interactions",
        what: "GetInteractionFeatures on Redis, 1 user x 100 candidates, at 200 requests/s",
        services: &["redis"],
    },
    Benchmark {
        name: "materialize",
        what: "materialize 10 M rows into nothing and into the embedded store; beside Feast on SQLite",
        services: &["feast"],
    },
    Benchmark {
        name: "memory",
        what: "memory of fs serve under load for ten minutes",
        services: &["feast"],
    },
    Benchmark {
        name: "pit",
        what: "`fs get-historical-features` beside DuckDB and Polars, and the time merely to decode the columns",
        services: &["feast", "peers"],
    },
    Benchmark {
        name: "stream",
        what: "stream jobs over files, and over Kafka at a rate, beside Apache Flink over the same events",
        services: &["flink", "kafka", "redis"],
    },
    Benchmark {
        name: ALLOCATIONS,
        what: "allocations per request of a server with a counting allocator",
        services: &[],
    },
];

/// The one that needs the server in its own process.
const ALLOCATIONS: &str = "allocations";

/// The profile that benchmarks are built with, which is also its folder below `target`.
const PROFILE: &str = "release-lite";

/// Runs the comparison `name` and passes `arguments` on to it.
pub(crate) fn run(workspace: &Workspace, name: Option<&str>, arguments: &[String]) -> Result<()> {
    let Some(name) = name else {
        for Benchmark { name, what, .. } in BENCHMARKS {
            println!("{name:<12} {what}");
        }
        return Ok(());
    };
    let Some(benchmark) = BENCHMARKS.iter().find(|benchmark| benchmark.name == name) else {
        bail!("there is no benchmark \"{name}\"; `cargo xtask bench` lists them");
    };
    if name == ALLOCATIONS {
        // It counts and measures no time: nothing has to be built anew for it.
        let mut bench = workspace.cargo("bench");
        return succeed(bench.args(["--workspace", "--profile", "dev", "--bench", name]));
    }
    let names: Vec<String> = benchmark.services.iter().map(|&name| name.to_owned()).collect();
    let services = Started::new(services::named(workspace, &names)?)?;
    step("optimised build", || build(workspace))?;
    let mut bench = Command::new(workspace.binary(PROFILE, "larder-bench"));
    bench.arg(name).args(arguments).current_dir(workspace.root()).envs(services.ready()?);
    // A broker under load, not one of a test.
    bench.env("FS_KAFKA_JVM", "-Xms1g -Xmx1g -XX:+UseG1GC");
    succeed(bench.env("FS_TEST_BINARY", workspace.binary(PROFILE, "fs")))
}

fn build(workspace: &Workspace) -> Result<()> {
    let mut command = workspace.cargo("build");
    // The same selection as everywhere: another would unify features differently and compile DataFusion again.
    command.args(["--profile", PROFILE, "--workspace"]);
    succeed(command.args(["--bin", "fs", "--bin", "larder-bench"]))
}
