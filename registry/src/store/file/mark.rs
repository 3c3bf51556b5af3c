//! Has the registry changed?

use std::fs;
use std::io;
use std::path::Path;
use std::time::SystemTime;

/// What the file system or object store says about a registry; equal marks mean an unchanged one.
///
/// A writer that replaces the file makes a new inode; real Feast rewrites in place, which changes time or length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ChangeMark {
    modified: Option<SystemTime>,
    length: u64,
    inode: u64,
}

impl ChangeMark {
    /// The mark of an object: of its etag and its size.
    pub(in crate::store) fn of_object(etag: u64, size: u64) -> Self {
        Self { modified: None, length: size, inode: etag }
    }

    /// The mark of a file; a missing one has a mark of its own.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let metadata = match fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(error),
        };
        #[cfg(unix)]
        let inode = std::os::unix::fs::MetadataExt::ino(&metadata);
        #[cfg(not(unix))]
        let inode = 0;
        Ok(Self { modified: Some(metadata.modified()?), length: metadata.len(), inode })
    }
}
