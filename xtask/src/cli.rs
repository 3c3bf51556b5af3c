//! The command line of `cargo xtask`.

use anyhow::Result;
use clap::{Parser, ValueEnum};

use crate::workspace::Workspace;
use crate::{bench, ci, demo, services, soak, test, tidy};

/// The project's build, test and demo commands.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", about)]
pub(crate) enum Command {
    /// Build `fs` and run the whole main job on generated data.
    Demo {
        /// Leave the servers running and print the calls to try.
        #[arg(long)]
        keep: bool,
    },
    /// Install what the tests need, run all of them, stop what was started.
    Test {
        /// Run only tests whose name contains one of these.
        filter: Vec<String>,
    },
    /// Prepare or inspect the real services that the tests use.
    Services {
        /// What to do.
        #[arg(value_enum)]
        action: ServicesAction,
        /// Only these: `cassandra`, `kafka`, `s3`, `redis`, `feast`.
        names: Vec<String>,
    },
    /// Run a benchmark with its peers in the same run; without a name, list them.
    Bench {
        /// Its name.
        name: Option<String>,
        /// Passed on to the benchmark.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Generate the protobuf code of `proto/`.
    Codegen {
        /// Change nothing; fail if the committed code is out of date.
        #[arg(long)]
        check: bool,
    },
    /// Check the rules of the source tree that the compiler does not know.
    Tidy,
    /// Everything that CI checks: format, lints, tidy, generated code, tests.
    Ci,
    /// The long tests: crash loops and concurrent writers.
    Soak {
        /// A few rounds only.
        #[arg(long)]
        short: bool,
    },
}

/// What to do with the services.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum ServicesAction {
    /// Install and start.
    Up,
    /// Stop what `up` started.
    Down,
    /// Say what is there.
    Status,
}

/// Runs one command in the workspace that this binary was built from.
pub(crate) fn run(command: Command) -> Result<()> {
    let workspace = Workspace::discover()?;
    match command {
        Command::Demo { keep } => demo::run(&workspace, keep),
        Command::Test { filter } => test::run(&workspace, &filter),
        Command::Services { action, names } => services::run(&workspace, action, &names),
        Command::Bench { name, arguments } => bench::run(&workspace, name.as_deref(), &arguments),
        Command::Codegen { check } => codegen(&workspace, check),
        Command::Tidy => tidy::run(&workspace),
        Command::Ci => ci::run(&workspace),
        Command::Soak { short } => soak::run(&workspace, short),
    }
}

/// Generates in this process.
#[cfg(feature = "codegen")]
pub(crate) fn codegen(_workspace: &Workspace, check: bool) -> Result<()> {
    crate::codegen::run(check)
}

/// Starts the build of xtask that contains the protobuf compiler.
#[cfg(not(feature = "codegen"))]
pub(crate) fn codegen(workspace: &Workspace, check: bool) -> Result<()> {
    let mut command = workspace.cargo("run");
    command.args(["--quiet", "--package", "xtask", "--features", "codegen", "--", "codegen"]);
    if check {
        command.arg("--check");
    }
    crate::workspace::succeed(&mut command)
}
