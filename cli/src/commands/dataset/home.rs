//! Where a data set is read.

use std::path::{Path, PathBuf};

use larder_core::Result;
use larder_dataset::RemoteDataset;
use larder_object_storage::{Buckets, ObjectUri, S3Settings};
use tempfile::TempDir;

use crate::compose;
use crate::repository::Repository;

/// A data set as a local folder: itself, or a copy of what a bucket holds, for the time of a command.
#[derive(Debug)]
pub(super) enum Home {
    Folder(PathBuf),
    Copy(TempDir),
}

impl Home {
    /// The data set at a path or `s3://` URI.
    ///
    /// # Errors
    /// As [`RemoteDataset::fetch`].
    pub(super) fn of(repository: &Repository, place: &Path) -> Result<Self> {
        let text = place.to_string_lossy();
        if !ObjectUri::is_one(&text) {
            return Ok(Self::Folder(place.to_owned()));
        }
        let uri = ObjectUri::parse(&text)?;
        let buckets = match repository.existing() {
            Ok(config) => compose::buckets(config),
            // Two data sets can be compared anywhere.
            Err(_) => Buckets::new(S3Settings::default()),
        };
        let dataset = RemoteDataset::new(buckets.get(&uri.bucket, None)?, &uri);
        compose::block_on(dataset.fetch()).map(Self::Copy)
    }

    /// The folder.
    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Folder(path) => path,
            Self::Copy(folder) => folder.path(),
        }
    }
}
