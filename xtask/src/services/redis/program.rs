//! The program `redis-server`.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::services::debian;

const NAME: &str = "redis-server";

/// Debian's package of the tools holds the very program; the package `redis-server` adds a link to it and a service
/// that starts by itself, which nobody wants here.
const PACKAGE: &str = "redis-tools";
const INSTALLED: &str = "/usr/bin/redis-check-rdb";

/// The program's path; installs Debian's package when there is none.
pub(super) fn install(folder: &Path) -> Result<PathBuf> {
    if let Some(program) = on_path() {
        return Ok(program);
    }
    let link = folder.join(NAME);
    if !runs(&link) {
        if !Path::new(INSTALLED).try_exists()? {
            debian::install(&[PACKAGE])?;
        }
        make_link(&link)?;
    }
    if !runs(&link) {
        bail!("Debian's {PACKAGE} holds no {NAME}: install one by hand, then run this again");
    }
    Ok(link)
}

fn on_path() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(NAME)).find(|program| runs(program))
}

/// The program looks at the name that it was called by to know what it is.
fn make_link(link: &Path) -> Result<()> {
    if link.is_symlink() {
        std::fs::remove_file(link)?;
    }
    let folder = link.parent().context("the folder of the services has a parent")?;
    std::fs::create_dir_all(folder)?;
    symlink(INSTALLED, link).with_context(|| format!("cannot make {}", link.display()))
}

fn runs(program: &Path) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}
