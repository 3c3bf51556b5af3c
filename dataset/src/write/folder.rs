//! A data set being written: files in a folder beside the final place.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use larder_core::{Error, ErrorKind, Result};
use larder_offline_store::{MAX_PARTITIONS, Partitioning};
use ring::digest::{Context, SHA256};
use tempfile::TempDir;

use super::encoders::Encoders;
use super::place::{self, Written as _, above};
use super::rows_file::{self, RowsFile};
use crate::{ColumnDigest, Digests, File, Layout, MANIFEST, Manifest};

/// Rows that all files together hold until their row groups are complete.
const OPEN_ROWS: usize = 2 * 1024 * 1024;

/// The name of a folder's file, without its extension.
pub(crate) const PART: &str = "part-0";

/// A folder of files with a manifest, which appears complete or not at all.
pub struct DatasetWriter {
    path: PathBuf,
    staged: TempDir,
    layout: Layout,
    partitioning: Partitioning,
    digests: Digests,
    open: BTreeMap<String, OpenFile>,
    /// The name of each folder's file, without its extension.
    part: String,
    /// The threads that encode all files.
    encoders: Option<Arc<Encoders>>,
}

struct OpenFile {
    path: String,
    rows: u64,
    writer: RowsFile,
}

/// What a data set has after its last row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The files, in the order of their paths.
    pub files: Vec<File>,
    /// Digests of the columns, in the order of the schema.
    pub columns: Vec<ColumnDigest>,
    /// Rows.
    pub rows: u64,
}

impl DatasetWriter {
    /// Refuses a place that must not be written, before a row is read.
    ///
    /// # Errors
    /// `AlreadyExists` when something is there, unless `overwrite` is set and it is a data set; `Invalid` when it is
    /// something else.
    pub fn check(path: &Path, overwrite: bool) -> Result<()> {
        let is_empty = match fs::read_dir(path) {
            Ok(mut entries) => entries.next().is_none(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => {
                return Err(Error::invalid(format!("{} is no folder", path.display())));
            }
            Err(error) => return Err(place::unwritable(path, error)),
        };
        let is_dataset = path.join(MANIFEST).is_file();
        match (is_empty, is_dataset, overwrite) {
            (true, _, _) | (_, true, true) => Ok(()),
            (_, true, false) => {
                let message = format!("{} holds a data set already", path.display());
                Err(Error::new(ErrorKind::AlreadyExists, message)
                    .with_hint("choose another folder, or replace it with --overwrite"))
            }
            _ => Err(Error::invalid(format!("{} holds more than a data set", path.display()))
                .with_hint("only an empty folder or a data set is written to")),
        }
    }

    /// A data set of this schema, to stand at `path`.
    ///
    /// # Errors
    /// `Unsupported` when the format cannot hold a column; `Invalid` for columns that do not partition; `Unavailable`
    /// when the folder above cannot be written.
    pub fn begin(path: &Path, layout: Layout, schema: &SchemaRef) -> Result<Self> {
        let partitioning = Partitioning::new(schema, &layout.partition_by)?;
        rows_file::check(layout.format, partitioning.schema())?;
        let digests = Digests::new(schema)?;
        let above = above(path);
        fs::create_dir_all(above).at(above)?;
        let staged = place::temporary_folder(above).at(path)?;
        let (path, open, encoders) = (path.to_owned(), BTreeMap::new(), None);
        let part = PART.to_owned();
        Ok(Self { path, staged, layout, partitioning, digests, open, part, encoders })
    }

    /// Names files otherwise; comes before the first row.
    pub(crate) fn named(mut self, part: String) -> Self {
        self.part = part;
        self
    }

    /// Appends rows.
    ///
    /// # Errors
    /// `Invalid` when there are too many partitions; `Unavailable` when the disk does not take the rows.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.digests.add(batch)?;
        for (folder, rows) in self.partitioning.split(batch)? {
            let path = self.path.clone();
            let file = self.file(&folder)?;
            file.rows += rows.num_rows() as u64;
            file.writer.write(&rows).at(&path)?;
        }
        self.let_go()
    }

    fn file(&mut self, folder: &str) -> Result<&mut OpenFile> {
        if !self.open.contains_key(folder) {
            if self.open.len() == MAX_PARTITIONS {
                return Err(self.partitioning.too_many());
            }
            let below = self.staged.path().join(folder);
            fs::create_dir_all(&below).at(&self.path)?;
            let path = format!("{folder}{}.{}", self.part, self.layout.format.name());
            let file = fs::File::create_new(self.staged.path().join(&path)).at(&self.path)?;
            let schema = self.partitioning.schema();
            let (format, encoders) = (self.layout.format, &mut self.encoders);
            let writer = RowsFile::begin(file, format, schema, encoders).at(&self.path)?;
            self.open.insert(folder.to_owned(), OpenFile { path, rows: 0, writer });
        }
        self.open.get_mut(folder).ok_or_else(|| Error::internal("the file is open"))
    }

    /// Completes row groups, the longest first, until few enough rows are held.
    fn let_go(&mut self) -> Result<()> {
        let mut held: usize = self.open.values().map(|file| file.writer.open_rows()).sum();
        while held > OPEN_ROWS {
            let longest = self.open.values_mut().max_by_key(|file| file.writer.open_rows());
            let Some(file) = longest else { break };
            held -= file.writer.open_rows();
            file.writer.flush().at(&self.path)?;
        }
        Ok(())
    }

    /// Ends the rows; nothing is in place yet.
    ///
    /// # Errors
    /// `Unavailable` when the disk does not take them.
    pub fn close(mut self) -> Result<(ClosedDataset, Written)> {
        if self.layout.partition_by.is_empty() {
            // A data set without rows has its columns all the same.
            self.file("")?;
        }
        let Self { path, staged, digests, open, .. } = self;
        let mut files = Vec::with_capacity(open.len());
        for file in open.into_values() {
            file.writer.finish().at(&path)?;
            files.push(described(staged.path(), file.path, file.rows).at(&path)?);
        }
        let rows = files.iter().map(|file: &File| file.rows).sum();
        let written = Written { files, columns: digests.finish(), rows };
        Ok((ClosedDataset { path, staged }, written))
    }
}

impl fmt::Debug for DatasetWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatasetWriter")
            .field("path", &self.path)
            .field("layout", &self.layout)
            .finish_non_exhaustive()
    }
}

/// A data set with all its rows that lacks its manifest and its place.
#[derive(Debug)]
pub struct ClosedDataset {
    path: PathBuf,
    staged: TempDir,
}

impl ClosedDataset {
    /// Where the files are until they are in their place.
    pub(crate) fn folder(&self) -> &Path {
        self.staged.path()
    }

    /// Puts the data set in its place, with its manifest.
    ///
    /// # Errors
    /// As [`DatasetWriter::check`], since somebody may have put something there meanwhile; `Unavailable` when the disk
    /// does not take it.
    pub fn publish(self, manifest: &Manifest, overwrite: bool) -> Result<()> {
        let Self { path, staged } = self;
        let text = manifest.text()?;
        let file = staged.path().join(MANIFEST);
        fs::write(&file, text).and_then(|()| fs::File::open(&file)?.sync_all()).at(&path)?;
        sync_folders(staged.path()).at(&path)?;
        DatasetWriter::check(&path, overwrite)?;
        place::exchange(staged.path(), &path).at(&path)?;
        // What was there before goes with the temporary name.
        drop(staged);
        Ok(())
    }
}

/// A file with its size and hash, safe on disk.
fn described(folder: &Path, path: String, rows: u64) -> std::io::Result<File> {
    let file = fs::File::open(folder.join(&path))?;
    file.sync_all()?;
    let (size, sha256) = hashed(file)?;
    Ok(File { path, size, rows, sha256 })
}

/// Bytes of an open file, and their SHA-256.
pub(crate) fn hashed(mut file: fs::File) -> std::io::Result<(u64, String)> {
    let mut digest = Context::new(&SHA256);
    let (mut buffer, mut size) = (vec![0; 1 << 18], 0);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok((size, hex::encode(digest.finish()))),
            read => {
                digest.update(&buffer[..read]);
                size += read as u64;
            }
        }
    }
}

fn sync_folders(folder: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_folders(&entry.path())?;
        }
    }
    fs::File::open(folder)?.sync_all()
}
