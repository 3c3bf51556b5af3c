//! Replacing a file in one step.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Suffix of files that are not yet the real one.
const UNFINISHED: &str = ".unfinished";

/// The folder that holds the file; `.` for a bare name.
pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

/// Makes `bytes` the content of `path`: whole or not at all, and on disk when this returns.
///
/// Call it under the lock: what a writer left behind when it was killed is removed first.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let target = real_path(path)?;
    let folder = folder_of(&target);
    let prefix = format!(".{}.", target.file_name().unwrap_or_default().to_string_lossy());
    remove_leftovers(folder, &prefix)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).suffix(UNFINISHED);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(bytes)?;
    if let Ok(existing) = fs::metadata(&target) {
        file.as_file().set_permissions(existing.permissions())?;
    }
    file.as_file().sync_all()?;
    file.persist(&target)?;
    // The rename itself is only durable once the folder is.
    File::open(folder)?.sync_all()
}

/// Where a link leads, so that the link itself survives.
fn real_path(path: &Path) -> io::Result<PathBuf> {
    match fs::canonicalize(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(path.to_owned()),
        result => result,
    }
}

fn remove_leftovers(folder: &Path, prefix: &str) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with(prefix) && name.ends_with(UNFINISHED) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
