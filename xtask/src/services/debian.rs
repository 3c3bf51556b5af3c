//! Debian packages, installed only when a program that the tests need is missing.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::workspace::succeed_quietly;

/// What librdkafka is built with: commands that run where it is there, with its package.
const BUILD_TOOLS: [(&[&str], &str); 4] = [
    (&["cc", "--version"], "gcc"),
    (&["make", "--version"], "make"),
    (&["pkg-config", "--version"], "pkg-config"),
    (&["pkg-config", "--exists", "openssl"], "libssl-dev"),
];

/// Installs what the build of `fs` needs besides cargo, as far as it is missing. xtask itself needs none of it.
pub(crate) fn require_build_tools() -> Result<()> {
    let runs = |words: &[&str]| {
        let output = Command::new(words[0]).args(&words[1..]).output();
        output.is_ok_and(|output| output.status.success())
    };
    let missing = BUILD_TOOLS.iter().filter(|(words, _)| !runs(words));
    let missing: Vec<&str> = missing.map(|(_, package)| *package).collect();
    if missing.is_empty() { Ok(()) } else { install(&missing) }
}

/// Installs packages with apt, as root or through sudo.
pub(crate) fn install(packages: &[&str]) -> Result<()> {
    println!("    apt-get install {}", packages.join(" "));
    succeed_quietly(apt()?.arg("update"))?;
    succeed_quietly(apt()?.args(["install", "--yes", "--no-install-recommends"]).args(packages))
        .with_context(|| format!("install {} by hand, then run this again", packages.join(" ")))
}

fn apt() -> Result<Command> {
    if !Path::new("/usr/bin/apt-get").try_exists()? {
        bail!("this is not a Debian system: apt-get is missing");
    }
    let mut command = if is_root()? {
        Command::new("apt-get")
    } else {
        let mut sudo = Command::new("sudo");
        sudo.args(["--non-interactive", "apt-get"]);
        sudo
    };
    command.env("DEBIAN_FRONTEND", "noninteractive");
    Ok(command)
}

fn is_root() -> Result<bool> {
    let output = Command::new("id").arg("-u").output().context("cannot run id")?;
    Ok(output.stdout.trim_ascii() == b"0")
}
