//! The `fs` binary under test.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::Outcome;

/// `fs`, run in one repository.
#[derive(Debug, Clone)]
pub struct Fs {
    repository: PathBuf,
}

impl Fs {
    /// Runs commands in this repository.
    pub fn in_repository(repository: &Path) -> Self {
        Self { repository: repository.to_path_buf() }
    }

    /// The binary that was built together with this test, or the one that `FS_TEST_BINARY` names.
    ///
    /// # Panics
    /// When it is not there; `cargo test --workspace` builds it.
    pub fn binary() -> PathBuf {
        if let Some(binary) = std::env::var_os("FS_TEST_BINARY") {
            return PathBuf::from(binary);
        }
        let test = std::env::current_exe().expect("a running test has a path");
        let folder = test.parent().and_then(Path::parent).expect("tests run from target/*/deps");
        let binary = folder.join("fs");
        assert!(binary.is_file(), "no fs binary: run `cargo build --workspace --bin fs` first");
        binary
    }

    /// A command with these arguments, ready to start.
    ///
    /// It sees none of the `FS_*` variables of the test run.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(Self::binary());
        command.args(arguments).current_dir(&self.repository);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("FS_") {
                command.env_remove(name);
            }
        }
        command
    }

    /// Runs to the end.
    pub fn run(&self, arguments: &[&str]) -> Outcome {
        Outcome::of(&mut self.command(arguments))
    }

    /// Runs to the end, which must be a good one, and returns standard output.
    #[track_caller]
    pub fn ok(&self, arguments: &[&str]) -> String {
        self.run(arguments).expect_success()
    }

    /// Runs a command that prints JSON.
    ///
    /// # Panics
    /// When it fails or prints something else.
    #[track_caller]
    pub fn json(&self, arguments: &[&str]) -> Value {
        let text = self.ok(arguments);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text}"))
    }
}
