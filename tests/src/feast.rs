//! Real Feast 0.67 in its virtual environment.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::{Fs, Outcome};

/// The Feast that judges.
#[derive(Debug, Clone)]
pub struct Feast {
    python: PathBuf,
}

impl Feast {
    /// The environment that `cargo xtask test` prepared, or that an earlier run left.
    ///
    /// # Panics
    /// When there is none: a suite with Feast never passes without Feast.
    pub fn get() -> Self {
        let python = std::env::var_os("FS_TEST_FEAST_PYTHON").map_or_else(installed, PathBuf::from);
        assert!(python.is_file(), "real Feast is missing: run `cargo xtask services up`");
        Self { python }
    }

    /// Its interpreter, which has pandas and pyarrow.
    pub fn python(&self) -> &Path {
        &self.python
    }

    /// Runs `tests/python/NAME` and parses the JSON that it prints.
    ///
    /// # Panics
    /// When the script fails or prints something else.
    #[track_caller]
    pub fn script(&self, name: &str, arguments: &[&str]) -> Value {
        let text = self.run_script(name, arguments).expect_success();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text}"))
    }

    /// Runs `tests/python/NAME`.
    pub fn run_script(&self, name: &str, arguments: &[&str]) -> Outcome {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python").join(name);
        Outcome::of(prepare(Command::new(&self.python).arg(script).args(arguments)))
    }

    /// `feast ARGUMENTS`, ready to start in a repository.
    pub fn command(&self, repository: &Path, arguments: &[&str]) -> Command {
        let program = self.python.with_file_name("feast");
        let mut command = Command::new(program);
        prepare(command.args(arguments).current_dir(repository));
        command
    }

    /// Runs `feast ARGUMENTS` in a repository, which must succeed, and returns standard output.
    #[track_caller]
    pub fn ok(&self, repository: &Path, arguments: &[&str]) -> String {
        Outcome::of(&mut self.command(repository, arguments)).expect_success()
    }
}

/// Feast's SQLite store writes local time: only with UTC it writes what it means.
fn prepare(command: &mut Command) -> &mut Command {
    command
        .env("TZ", "UTC")
        .env("PYTHONWARNINGS", "ignore")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("FEAST_USAGE", "False")
}

/// Where `cargo xtask services up` puts it.
fn installed() -> PathBuf {
    let binary = Fs::binary();
    let target = binary.parent().and_then(Path::parent).expect("binaries stand in target/*");
    target.join("services").join("feast-venv").join("bin").join("python")
}
