//! Places in the file system, and new contents for them.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use larder_core::{Error, ErrorKind, Result};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use tempfile::{NamedTempFile, TempDir};

/// Names of files and folders that are not complete begin with this.
const TEMPORARY: &str = ".fs-";

/// The folder that holds a path.
pub(super) fn above(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// A new file; temporary files are for their owner only, but this one will be a file like any other.
pub(super) fn temporary_file(folder: &Path) -> io::Result<NamedTempFile> {
    let as_umask_allows = Permissions::from_mode(0o666);
    tempfile::Builder::new().prefix(TEMPORARY).permissions(as_umask_allows).tempfile_in(folder)
}

/// A new folder beside others, which is gone with the value.
pub(super) fn temporary_folder(folder: &Path) -> io::Result<TempDir> {
    let as_umask_allows = Permissions::from_mode(0o777);
    tempfile::Builder::new().prefix(TEMPORARY).permissions(as_umask_allows).tempdir_in(folder)
}

/// Gives the folder `new` the name `place`; what had it before has the name `new` then.
pub(super) fn exchange(new: &Path, place: &Path) -> io::Result<()> {
    match renameat_with(CWD, new, CWD, place, RenameFlags::EXCHANGE) {
        Ok(()) => {}
        Err(rustix::io::Errno::NOENT) => fs::rename(new, place)?,
        Err(error) => return Err(error.into()),
    }
    File::open(above(place))?.sync_all()
}

/// The error for a place that cannot be written.
pub(crate) fn unwritable(
    path: &Path,
    error: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> Error {
    Error::new(ErrorKind::Unavailable, format!("cannot write {}", path.display()))
        .with_source(error)
}

/// Result with [`unwritable`].
pub(super) trait Written<T> {
    fn at(self, path: &Path) -> Result<T>;
}

impl<T, E: Into<Box<dyn std::error::Error + Send + Sync>>> Written<T> for Result<T, E> {
    fn at(self, path: &Path) -> Result<T> {
        self.map_err(|error| unwritable(path, error))
    }
}
