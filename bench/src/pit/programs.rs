//! The programs that join, each as a child process.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use clap::ValueEnum;
use larder_tests::{Feast, Fs, Outcome};

use super::data::{Data, FEATURES, TTL_DAYS, VIEWS};
use crate::child::Usage;

/// A program that joins, or merely reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(super) enum Program {
    /// `fs get-historical-features`.
    #[value(skip)]
    Fs,
    /// DuckDB's ASOF join.
    #[value(name = "duckdb")]
    DuckDb,
    /// Polars' `join_asof`.
    Polars,
    /// Feast with its default store, Dask.
    FeastDask,
    /// Feast with its DuckDB store.
    FeastDuckdb,
    /// Decoding of the columns needed.
    #[value(skip)]
    Floor,
}

impl Program {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Fs => "fs",
            Self::DuckDb => "DuckDB ASOF",
            Self::Polars => "Polars",
            Self::FeastDask => "Feast, Dask",
            Self::FeastDuckdb => "Feast, DuckDB",
            Self::Floor => "decoding only",
        }
    }

    /// Whether it is Feast, which loses rows.
    pub(super) fn is_feast(self) -> bool {
        matches!(self, Self::FeastDask | Self::FeastDuckdb)
    }
}

/// Programs with a repository over the generated files.
#[derive(Debug)]
pub(super) struct Programs {
    folder: PathBuf,
    repository: PathBuf,
    /// `--memory-limit` of `fs`.
    limit: Option<String>,
}

impl Programs {
    /// Defines and applies views over the files; `limit` is what `fs` may hold.
    pub(super) fn prepare(data: &Data, limit: Option<&str>) -> Result<Self> {
        let folder = data.path().to_path_buf();
        let limit = limit.map(str::to_owned);
        let programs = Self { repository: folder.join("repo"), folder, limit };
        std::fs::create_dir_all(&programs.repository)?;
        programs.configure("file")?;
        std::fs::write(programs.repository.join("views.py"), programs.definitions()?)?;
        Fs::in_repository(&programs.repository).ok(&["apply"]);
        Ok(programs)
    }

    fn configure(&self, store: &str) -> Result<()> {
        let text = format!(
            "project: bench\nprovider: local\nregistry: registry.db\n\
             online_store: {{type: sqlite, path: online.db}}\n\
             offline_store: {{type: {store}}}\nentity_key_serialization_version: 3\n"
        );
        std::fs::write(self.repository.join("feature_store.yaml"), text).context("no settings")
    }

    fn definitions(&self) -> Result<String> {
        let mut text = "from datetime import timedelta\n\
            from feast import Entity, FeatureService, FeatureView, Field, FileSource, ValueType\n\
            from feast.types import Float64\n\
            key = Entity(name=\"key\", join_keys=[\"key\"], value_type=ValueType.INT64)\n"
            .to_owned();
        for view in 0..VIEWS {
            let path = Data::view(&self.folder, view);
            writeln!(
                text,
                "source_{view} = FileSource(name=\"source_{view}\", path=\"{}\", \
                 timestamp_field=\"event_timestamp\", created_timestamp_column=\"created\")\n\
                 view_{view} = FeatureView(name=\"view_{view}\", entities=[key], \
                 ttl=timedelta(days={TTL_DAYS}), source=source_{view}, \
                 schema=[Field(name=f\"v{view}_f{{i}}\", dtype=Float64) for i in range({FEATURES})])",
                path.display()
            )?;
        }
        let views: Vec<String> = (0..VIEWS).map(|view| format!("view_{view}")).collect();
        let views = views.join(", ");
        writeln!(text, "training = FeatureService(name=\"training\", features=[{views}])")?;
        Ok(text)
    }

    /// Runs a program to its end.
    pub(super) fn run(&self, program: Program) -> Result<Usage> {
        let output = self.output(program);
        match program {
            Program::Fs => {
                let entities = path_text(&self.folder.join("entities.parquet"))?;
                let output = path_text(&output)?;
                let arguments = ["get-historical-features", "--feature-service", "training"];
                let files = ["--entity-df", &entities, "--output", &output];
                let fs = Fs::in_repository(&self.repository);
                let mut command = fs.command(&[&arguments[..], &files].concat());
                if let Some(limit) = &self.limit {
                    command.args(["--memory-limit", limit]);
                }
                // What does not fit goes to disk beside the files.
                command.env("TMPDIR", &self.folder);
                Usage::of(command.stderr(std::process::Stdio::null()))
            }
            Program::Floor => {
                let binary = std::env::current_exe()?;
                Usage::of(Command::new(binary).arg("pit-floor").arg(&self.folder))
            }
            Program::DuckDb => Usage::of(&mut self.script(&peers_python()?, "duckdb", &output)),
            Program::Polars => Usage::of(&mut self.script(&peers_python()?, "polars", &output)),
            Program::FeastDask | Program::FeastDuckdb => {
                self.configure(if program == Program::FeastDask { "file" } else { "duckdb" })?;
                let usage = Usage::of(&mut self.script(Feast::get().python(), "feast", &output));
                self.configure("file")?;
                usage
            }
        }
    }

    /// Checks that a program wrote the answers of `fs`; Feast may lack some, which are counted.
    pub(super) fn compare(&self, program: Program) -> Result<()> {
        let mut command = Command::new(peers_python()?);
        let how = if program.is_feast() { "lost" } else { "compare" };
        command.arg(script()).arg(how).arg(&self.folder);
        command.args([VIEWS.to_string(), FEATURES.to_string()]);
        command.arg(self.output(Program::Fs)).arg(self.output(program));
        let text = Outcome::of(&mut command).expect_success();
        println!("    {} beside {}: {}", Program::Fs.name(), program.name(), text.trim());
        Ok(())
    }

    fn output(&self, program: Program) -> PathBuf {
        self.repository.join(format!("{program:?}.parquet"))
    }

    fn script(&self, python: &Path, peer: &str, output: &Path) -> Command {
        let mut command = Command::new(python);
        command.arg(script()).arg(peer).arg(&self.folder);
        command.args([VIEWS.to_string(), FEATURES.to_string(), TTL_DAYS.to_string()]).arg(output);
        command.env("PYTHONWARNINGS", "ignore").env("PYTHONDONTWRITEBYTECODE", "1");
        command
    }
}

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/python/bench_pit.py")
}

fn peers_python() -> Result<PathBuf> {
    let python = std::env::var_os("FS_BENCH_PEERS_PYTHON");
    Ok(python.context("run this as `cargo xtask bench pit`")?.into())
}

fn path_text(path: &Path) -> Result<String> {
    Ok(path.to_str().context("the path of the data is not UTF-8")?.to_owned())
}
