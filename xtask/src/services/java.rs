//! The Java that Cassandra, Kafka and Flink run on, and Maven, which brings their jars.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use super::debian;

/// The version that Cassandra 5.0, Kafka 3.9 and Flink 1.20 support and Debian has.
const VERSION: &str = "17";

/// A Java virtual machine of the right version; installs Debian's if there is none.
pub(super) fn find() -> Result<PathBuf> {
    if let Some(java) = installed() {
        return Ok(java);
    }
    debian::install(&[&format!("openjdk-{VERSION}-jre-headless")])?;
    match installed() {
        Some(java) => Ok(java),
        None => bail!("Cassandra, Kafka and Flink need Java {VERSION}"),
    }
}

/// Installs Debian's Maven if there is none.
pub(super) fn require_maven() -> Result<()> {
    if runs(Command::new("mvn").arg("--version")).is_none() {
        debian::install(&["maven"])?;
    }
    Ok(())
}

/// Installs Debian's compiler if there is none.
pub(super) fn require_compiler() -> Result<()> {
    if runs(Command::new("javac").arg("-version")).is_none() {
        debian::install(&[&format!("openjdk-{VERSION}-jdk-headless")])?;
    }
    Ok(())
}

fn installed() -> Option<PathBuf> {
    let debian = std::fs::read_dir("/usr/lib/jvm").into_iter().flatten().flatten();
    let debian = debian.map(|folder| folder.path().join("bin/java"));
    std::iter::once(PathBuf::from("java")).chain(debian).find(|java| is_right(java))
}

fn is_right(java: &Path) -> bool {
    runs(Command::new(java).arg("-version")).is_some_and(|text| major(&text) == Some(VERSION))
}

/// The major version in what `java -version` prints: `openjdk version "17.0.15" 2025-04-15`.
fn major(text: &str) -> Option<&str> {
    let version = text.split('"').nth(1)?;
    version.split('.').next()
}

/// What a command prints on both outputs, `None` when it cannot run.
fn runs(command: &mut Command) -> Option<String> {
    let output = command.output().ok().filter(|output| output.status.success())?;
    let text = [output.stdout, output.stderr].concat();
    Some(String::from_utf8_lossy(&text).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_stands_in_quotes() {
        for (text, expected) in [
            ("openjdk version \"17.0.15\" 2025-04-15\nOpenJDK ..", Some("17")),
            ("java version \"1.8.0_402\"", Some("1")),
            ("openjdk version \"21\" 2023-09-19", Some("21")),
            ("not java", None),
        ] {
            assert_eq!(major(text), expected);
        }
    }
}
