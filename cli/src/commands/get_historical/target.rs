//! Where training rows go.

use std::fmt;
use std::path::{Path, PathBuf};

use arrow_schema::SchemaRef;
use clap::{Args, ValueEnum};
use larder_core::{Error, ErrorKind, Result};
use larder_dataset::{
    ClosedDataset, DatasetWriter, FileFormat, Layout, Manifest, RemoteDataset, Sink,
};
use larder_object_storage::{Bucket, Buckets, Condition, ObjectUri, upload_file};
use tempfile::TempDir;

/// Flags that say where rows go.
#[derive(Debug, Args)]
pub(crate) struct TargetArguments {
    /// File (.parquet, .csv, .arrow), or a folder for a data set with a manifest, here or in a bucket (s3://);
    /// without it JSON is printed.
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
    /// To one object.
    Object(Box<ObjectTarget>),
    /// To a folder with a manifest.
    Dataset(Place),
}

/// An object: its file is written on the local disk first.
#[derive(Debug)]
pub(super) struct ObjectTarget {
    bucket: Bucket,
    uri: ObjectUri,
    staged: TempDir,
    name: String,
}

impl ObjectTarget {
    fn new(bucket: Bucket, uri: ObjectUri) -> Result<Self> {
        let staged = TempDir::new().map_err(|error| {
            Error::new(ErrorKind::Unavailable, "there is no room for temporary files")
                .with_hint("make room in the folder for temporary files (TMPDIR)")
                .with_source(error)
        })?;
        let name = uri.key.filename().unwrap_or_default().to_owned();
        Ok(Self { bucket, uri, staged, name })
    }

    /// Where the file is written.
    ///
    /// # Errors
    /// As [`Sink::create`].
    pub(super) fn sink(&self) -> Result<Sink> {
        Sink::create(&self.staged.path().join(&self.name))
    }

    /// Sends the file; answers where it is.
    ///
    /// # Errors
    /// What the store answers.
    pub(super) async fn publish(self) -> Result<ObjectUri> {
        let file = self.staged.path().join(&self.name);
        upload_file(&self.bucket, &file, self.uri.key.clone(), Condition::Any).await?;
        Ok(self.uri)
    }
}

/// A folder for a data set.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) home: Home,
    pub(super) layout: Layout,
    pub(super) overwrite: bool,
}

/// Where a data set will stand.
#[derive(Debug)]
pub(super) enum Home {
    Folder(PathBuf),
    Bucket(RemoteDataset),
}

impl Home {
    /// Starts the files of a data set.
    ///
    /// # Errors
    /// As [`DatasetWriter::begin`].
    pub(super) fn begin(&self, layout: Layout, schema: &SchemaRef) -> Result<DatasetWriter> {
        match self {
            Self::Folder(path) => DatasetWriter::begin(path, layout, schema),
            Self::Bucket(dataset) => dataset.begin(layout, schema),
        }
    }

    /// Puts a data set in its place.
    ///
    /// # Errors
    /// As [`ClosedDataset::publish`] and [`RemoteDataset::publish`].
    pub(super) async fn publish(
        &self,
        closed: ClosedDataset,
        manifest: &Manifest,
        overwrite: bool,
    ) -> Result<()> {
        match self {
            Self::Folder(_) => closed.publish(manifest, overwrite),
            Self::Bucket(dataset) => dataset.publish(closed, manifest, overwrite).await,
        }
    }
}

impl fmt::Display for Home {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => path.display().fmt(f),
            Self::Bucket(dataset) => f.write_str(dataset.uri()),
        }
    }
}

impl TargetArguments {
    /// The target, which may be written.
    ///
    /// # Errors
    /// `Invalid` for flags that do not go together, otherwise as [`DatasetWriter::check`], [`RemoteDataset::check`] and
    /// [`Sink::create`].
    pub(super) async fn target(&self, buckets: &Buckets) -> Result<Target> {
        let Some(path) = &self.output else { return Ok(Target::Print) };
        let text = path.to_string_lossy();
        let uri = ObjectUri::is_one(&text).then(|| ObjectUri::parse(&text)).transpose()?;
        let named = FileFormat::of_name(path).filter(|_| !is_folder(path));
        let Some(named) = named else {
            let format = self.format.map_or(FileFormat::Parquet, FileFormat::from);
            let layout = Layout { format, partition_by: self.partition_by.clone() };
            let home = match uri {
                None => Home::Folder(path.clone()),
                Some(uri) => {
                    Home::Bucket(RemoteDataset::new(buckets.get(&uri.bucket, None)?, &uri))
                }
            };
            match &home {
                Home::Folder(path) => DatasetWriter::check(path, self.overwrite)?,
                Home::Bucket(dataset) => dataset.check(self.overwrite).await?,
            }
            return Ok(Target::Dataset(Place { home, layout, overwrite: self.overwrite }));
        };
        self.check_file(path, named)?;
        match uri {
            None => Ok(Target::File(path.clone(), Sink::create(path)?)),
            Some(uri) => {
                let bucket = buckets.get(&uri.bucket, None)?;
                Ok(Target::Object(Box::new(ObjectTarget::new(bucket, uri)?)))
            }
        }
    }

    /// Refuses flags that are not for a file of this format.
    fn check_file(&self, path: &Path, named: FileFormat) -> Result<()> {
        let wanted = self.format.map(FileFormat::from);
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
        Ok(())
    }
}

/// Whether a path is written as that of a folder, or is one.
fn is_folder(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().ends_with(b"/") || path.is_dir()
}
