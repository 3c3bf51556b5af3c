//! `fs init`: a new feature repository with data to try it on.

use std::path::{Path, PathBuf};

use clap::Args;
use larder_core::{Clock as _, Error, ErrorKind, Result, Timestamp};

use crate::clock::SystemClock;
use crate::{generate, output};

/// Arguments of `fs init`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fs init rides && cd rides/feature_repo && fs apply
  fs init -m empty")]
pub(crate) struct Arguments {
    /// Folder to make; its name becomes the project's.
    #[arg(value_name = "PROJECT_DIRECTORY", default_value = "my_feature_project")]
    directory: PathBuf,
    /// Only the configuration, without definitions and data.
    #[arg(short, long)]
    minimal: bool,
    /// Template; only Feast's `local` is known.
    #[arg(short, long, default_value = "local", value_parser = ["local"])]
    template: String,
    /// Folder of the repository itself, instead of `PROJECT_DIRECTORY/feature_repo`.
    #[arg(long, value_name = "DIR")]
    repo_path: Option<PathBuf>,
}

const DEFINITIONS: &str = include_str!("init/definitions.py");
const CONFIGURATION: &str = include_str!("init/feature_store.yaml");
const SEED: u64 = 11;

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let project = project_name(&arguments.directory)?;
    let folder = match &arguments.repo_path {
        Some(path) => path.clone(),
        None => arguments.directory.join("feature_repo"),
    };
    refuse_existing(&folder)?;
    write(&folder.join("feature_store.yaml"), &CONFIGURATION.replace("{project}", &project))?;
    write(&folder.join(".gitignore"), "/data/\n__pycache__/\n")?;
    if !arguments.minimal {
        write(&folder.join("definitions.py"), DEFINITIONS)?;
        let file = folder.join("data").join("driver_stats.parquet");
        generate::driver_stats(&file, SEED, start_of_hour(SystemClock.now()))?;
    }
    output::line(format!("\nCreating a new feature repository in {}.\n", folder.display()))?;
    output::line(format!("Next: cd {} && fs apply", folder.display()))
}

fn start_of_hour(time: Timestamp) -> Timestamp {
    Timestamp::from_seconds(time.seconds() - time.seconds().rem_euclid(3_600))
}

/// Feast's rule for project names: word characters, not starting with an underscore.
fn project_name(directory: &Path) -> Result<String> {
    let name = directory.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    if !name.is_empty() && !name.starts_with('_') && name.chars().all(is_word) {
        return Ok(name.to_owned());
    }
    Err(Error::invalid(format!("\"{name}\" cannot be a project name"))
        .with_hint("use letters, digits and underscores, starting with a letter or digit"))
}

fn refuse_existing(folder: &Path) -> Result<()> {
    match folder.join("feature_store.yaml").try_exists() {
        Ok(false) => Ok(()),
        Ok(true) => Err(Error::new(
            ErrorKind::AlreadyExists,
            format!("{} holds a feature repository already", folder.display()),
        )),
        Err(error) => Err(unwritable(folder).with_source(error)),
    }
}

fn write(path: &Path, text: &str) -> Result<()> {
    path.parent()
        .map_or(Ok(()), std::fs::create_dir_all)
        .and_then(|()| std::fs::write(path, text))
        .map_err(|error| unwritable(path).with_source(error))
}

fn unwritable(path: &Path) -> Error {
    Error::new(ErrorKind::Unavailable, format!("cannot write {}", path.display()))
}
