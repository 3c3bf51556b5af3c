//! Records as files of one folder.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use larder_core::{Error, ErrorKind, Result};

use super::{Checkpoint, Checkpoints};

/// Records in a folder, which is made with the first and goes with the last of them.
#[derive(Debug, Clone)]
pub struct FolderCheckpoints {
    folder: PathBuf,
}

impl FolderCheckpoints {
    /// Records in this folder; touches nothing.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    fn path(&self, project: &str, table: &str) -> PathBuf {
        self.folder.join(format!("{}.{}.json", escaped(project), escaped(table)))
    }

    fn failed(&self, error: io::Error) -> Error {
        let message = format!("cannot keep records of runs in {}", self.folder.display());
        Error::new(ErrorKind::Unavailable, message)
            .with_hint("materialization.state in larder.yaml names another folder")
            .with_source(error)
    }
}

/// A name in which nothing has a meaning for file systems.
fn escaped(name: &str) -> String {
    let mut escaped = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-' {
            escaped.push(char::from(byte));
        } else {
            write!(escaped, "%{byte:02x}").expect("writing to a string never fails");
        }
    }
    escaped
}

impl Checkpoints for FolderCheckpoints {
    fn load(&self, project: &str, table: &str) -> Result<Option<Checkpoint>> {
        let path = self.path(project, table);
        match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.failed(error)),
            Ok(bytes) => {
                let record = Checkpoint::decode(&bytes);
                if record.is_none() {
                    tracing::warn!(path = %path.display(), "a damaged record: the run begins anew");
                }
                Ok(record)
            }
        }
    }

    fn save(&self, project: &str, table: &str, checkpoint: &Checkpoint) -> Result<()> {
        let path = self.path(project, table);
        replace(&self.folder, &path, &checkpoint.encode()).map_err(|error| self.failed(error))
    }

    fn remove(&self, project: &str, table: &str) -> Result<()> {
        match fs::remove_file(self.path(project, table)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(self.failed(error)),
            _ => {
                // Records of other views keep the folder.
                drop(fs::remove_dir(&self.folder));
                Ok(())
            }
        }
    }
}

fn replace(folder: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let unfinished = path.with_extension("unfinished");
    let mut file = File::create(&unfinished)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&unfinished, path)?;
    // The rename itself is only durable once the folder is.
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use larder_core::{Interval, Timestamp};

    use super::*;

    #[test]
    fn a_record_is_kept_per_project_and_table_and_nothing_is_left_behind() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("runs");
        let records = FolderCheckpoints::new(&folder);
        let interval = Interval { start: Timestamp::EPOCH, end: Timestamp::EPOCH };
        let record = |text: &str| Checkpoint::begin(text.to_owned(), interval);
        assert_eq!(records.load("shop", "a/b").unwrap(), None);
        for (table, text) in [("a/b", "first"), ("a", "other"), ("a/b", "second")] {
            records.save("shop", table, &record(text)).unwrap();
        }
        assert_eq!(records.load("shop", "a/b").unwrap(), Some(record("second")));
        assert_eq!(records.load("shop", "a").unwrap(), Some(record("other")));
        assert_eq!(records.load("other", "a").unwrap(), None);
        for table in ["a/b", "a", "a"] {
            records.remove("shop", table).unwrap();
        }
        assert!(!folder.try_exists().unwrap());
    }

    #[test]
    fn a_damaged_record_is_none() {
        let home = tempfile::tempdir().unwrap();
        let records = FolderCheckpoints::new(home.path());
        fs::write(home.path().join("shop.a.json"), b"{\"rows\"").unwrap();
        assert_eq!(records.load("shop", "a").unwrap(), None);
    }
}
