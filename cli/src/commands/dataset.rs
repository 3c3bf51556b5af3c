//! `fs dataset`: whether a training set could be made again, and how two differ.

mod diff;
pub(crate) mod facts;
mod home;
mod verify;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use larder_core::Result;

use crate::output::OutputFormat;
use crate::repository::Repository;

/// What to do with data sets that `fs get-historical-features --output FOLDER/` wrote.
#[derive(Debug, Subcommand)]
pub(crate) enum DatasetCommand {
    /// Say whether a data set could be made again exactly as it is.
    Verify(VerifyArguments),
    /// Show how two data sets differ, feature by feature.
    Diff(DiffArguments),
}

/// Arguments of `fs dataset verify`.
#[derive(Debug, Args)]
#[command(
    after_help = "Compared are the files of the data set by their hashes, the definitions of its features, the
files of their sources by size and etag (of a local file its time and size), and the entity rows.
Exits with 0 when nothing differs, with 1 otherwise.

Examples:
  fs dataset verify training/
  fs dataset verify training/ --rebuild       join again and compare the values; writes nothing"
)]
pub(crate) struct VerifyArguments {
    /// Folder of the data set, here or in a bucket (s3://).
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    /// Join again, too, and compare what comes out column by column.
    #[arg(long)]
    rebuild: bool,
}

/// Arguments of `fs dataset diff`.
#[derive(Debug, Args)]
#[command(
    after_help = "Columns are compared by their hashes. Where both data sets have the same entity rows in the same
places, the rows that differ are counted, too (not in CSV).
Exits with 0 whether or not they differ, unless --exit-code is given.

Examples:
  fs dataset diff january/ february/
  fs dataset diff january/ february/ --output-format json --exit-code"
)]
pub(crate) struct DiffArguments {
    /// Folder of one data set.
    #[arg(value_name = "A")]
    first: PathBuf,
    /// Folder of the other.
    #[arg(value_name = "B")]
    second: PathBuf,
    /// Exit with 1 when they differ.
    #[arg(long)]
    exit_code: bool,
}

pub(crate) fn run(
    repository: &Repository,
    command: &DatasetCommand,
    format: OutputFormat,
) -> Result<()> {
    match command {
        DatasetCommand::Verify(arguments) => verify::run(repository, arguments, format),
        DatasetCommand::Diff(arguments) => diff::run(repository, arguments, format),
    }
}
