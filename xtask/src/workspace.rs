//! The workspace on disk, and the commands that run in it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

/// Where the sources are and where cargo puts what it builds.
#[derive(Debug, Clone)]
pub(crate) struct Workspace {
    root: PathBuf,
    target: PathBuf,
}

impl Workspace {
    /// The workspace that xtask itself belongs to.
    pub(crate) fn discover() -> Result<Self> {
        let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = manifest.parent().context("xtask has no parent folder")?.to_path_buf();
        let target = match std::env::var_os("CARGO_TARGET_DIR") {
            Some(folder) => root.join(folder),
            None => root.join("target"),
        };
        Ok(Self { root, target })
    }

    /// A workspace at a given root, with its `target` folder inside.
    #[cfg(test)]
    pub(crate) fn at(root: &Path) -> Self {
        Self { root: root.to_path_buf(), target: root.join("target") }
    }

    /// The folder of the root manifest.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Where services keep their programs and data.
    pub(crate) fn services(&self) -> PathBuf {
        self.target.join("services")
    }

    /// A binary of this workspace after `cargo build` with this profile folder.
    pub(crate) fn binary(&self, profile_folder: &str, name: &str) -> PathBuf {
        self.target.join(profile_folder).join(name)
    }

    /// `cargo SUBCOMMAND`, run at the root by the cargo that started xtask.
    pub(crate) fn cargo(&self, subcommand: &str) -> Command {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsStr::new("cargo").to_os_string());
        let mut command = Command::new(cargo);
        command.arg(subcommand).current_dir(&self.root);
        // What cargo tells xtask about xtask must not reach the crates that it builds.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("CARGO_PKG_") {
                command.env_remove(name);
            }
        }
        command.env_remove("CARGO_MANIFEST_DIR").env_remove("CARGO_MANIFEST_PATH");
        command
    }

    /// `cargo SUBCOMMAND` for the whole workspace as it is tested.
    ///
    /// Ballista is on for all of it. It brings all of DataFusion's features, and a second build of what depends on
    /// DataFusion would take longer than everything else; the lints compile `fs` as users build it.
    pub(crate) fn cargo_tested(&self, subcommand: &str) -> Command {
        let mut command = self.cargo(subcommand);
        command.args(["--workspace", "--features", "ballista"]);
        command
    }
}

/// Runs a command to its end and fails unless it exits with 0.
pub(crate) fn succeed(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start {}", describe(command)))?;
    if !status.success() {
        bail!("{} failed: {status}", describe(command));
    }
    Ok(())
}

/// Runs a command quietly; its output is shown only when it fails.
pub(crate) fn succeed_quietly(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("cannot start {}", describe(command)))?;
    if !output.status.success() {
        print!("{}", String::from_utf8_lossy(&output.stdout));
        print!("{}", String::from_utf8_lossy(&output.stderr));
        bail!("{} failed: {}", describe(command), output.status);
    }
    Ok(())
}

/// Runs one step under a heading and says how long it took.
pub(crate) fn step<T>(name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    println!("==> {name}");
    let start = Instant::now();
    let result = work().with_context(|| format!("step \"{name}\" failed"))?;
    println!("    {name}: {}", seconds(start.elapsed()));
    Ok(result)
}

/// A duration for people: one digit after the point below a minute, then minutes and seconds.
pub(crate) fn seconds(duration: Duration) -> String {
    let whole = duration.as_secs();
    if whole < 60 {
        format!("{:.1} s", duration.as_secs_f64())
    } else {
        format!("{} min {:02} s", whole / 60, whole % 60)
    }
}

fn describe(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default();
    let mut words = vec![program.to_string_lossy().into_owned()];
    words.extend(command.get_args().take(6).map(|word| word.to_string_lossy().into_owned()));
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_given_in_minutes_from_one_minute_on() {
        assert_eq!(seconds(Duration::from_millis(1_540)), "1.5 s");
        assert_eq!(seconds(Duration::from_secs(125)), "2 min 05 s");
    }

    #[test]
    fn a_command_that_exits_with_an_error_is_an_error() {
        assert!(succeed_quietly(&mut Command::new("true")).is_ok());
        assert!(succeed_quietly(&mut Command::new("false")).is_err());
    }
}
