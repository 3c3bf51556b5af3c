//! Where training rows go.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use larder_core::{Error, Result};
use larder_dataset::{DatasetWriter, FileFormat, Layout, Sink};

/// Flags that say where rows go.
#[derive(Debug, Args)]
pub(crate) struct TargetArguments {
    /// File (.parquet, .csv, .arrow), or a folder for a data set with a manifest; without it JSON is printed.
    #[arg(long, value_name = "FILE|FOLDER")]
    output: Option<PathBuf>,
    /// Format of the files in a folder [default: parquet].
    #[arg(long, value_enum, requires = "output")]
    format: Option<Format>,
    /// Columns whose values become names of folders, as Hive has them.
    #[arg(long, value_name = "COLUMN", value_delimiter = ',', requires = "output")]
    partition_by: Vec<String>,
    /// Replace the data set that is in the folder.
    #[arg(long, requires = "output")]
    overwrite: bool,
}

/// Formats of files, as flags name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Parquet,
    Csv,
    Arrow,
}

impl From<Format> for FileFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Parquet => Self::Parquet,
            Format::Csv => Self::Csv,
            Format::Arrow => Self::Arrow,
        }
    }
}

/// Where rows go.
#[derive(Debug)]
pub(super) enum Target {
    /// To standard output.
    Print,
    /// To one file.
    File(PathBuf, Sink),
    /// To a folder with a manifest.
    Dataset(Place),
}

/// A folder for a data set.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) path: PathBuf,
    pub(super) layout: Layout,
    pub(super) overwrite: bool,
}

impl TargetArguments {
    /// The target, which may be written.
    ///
    /// # Errors
    /// `Invalid` for flags that do not go together, otherwise as [`DatasetWriter::check`] and [`Sink::create`].
    pub(super) fn target(&self) -> Result<Target> {
        let Some(path) = &self.output else { return Ok(Target::Print) };
        let named = FileFormat::of_name(path).filter(|_| !is_folder(path));
        let wanted = self.format.map(FileFormat::from);
        let Some(named) = named else {
            let format = wanted.unwrap_or(FileFormat::Parquet);
            let layout = Layout { format, partition_by: self.partition_by.clone() };
            DatasetWriter::check(path, self.overwrite)?;
            let (path, overwrite) = (path.clone(), self.overwrite);
            return Ok(Target::Dataset(Place { path, layout, overwrite }));
        };
        let of_a_folder =
            [("--partition-by", !self.partition_by.is_empty()), ("--overwrite", self.overwrite)];
        if let Some((flag, _)) = of_a_folder.into_iter().find(|(_, given)| *given) {
            return Err(Error::invalid(format!(
                "{flag} is for folders, and {} is a file",
                path.display()
            ))
            .with_hint("end the name of a folder with a slash"));
        }
        if wanted.is_some_and(|wanted| wanted != named) {
            let (path, format) = (path.display(), named.name());
            return Err(Error::invalid(format!("by its name {path} is a file of {format}"))
                .with_hint("leave --format out, or end the name of a folder with a slash"));
        }
        Ok(Target::File(path.clone(), Sink::create(path)?))
    }
}

/// Whether a path is written as that of a folder, or is one.
fn is_folder(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().ends_with(b"/") || path.is_dir()
}
