//! Files that grow by what is committed.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use larder_core::{Error, ErrorKind, Result};

/// Bytes that are kept in memory before they are written.
const BUFFER: usize = 256 << 10;

/// A file that is appended to, and cut back to what was committed when a run goes on.
///
/// Bytes are written at places of their own, so that a write that failed may be done again.
#[derive(Debug)]
pub(crate) struct AppendFile {
    path: PathBuf,
    file: File,
    /// Bytes that were written.
    written: u64,
    is_synced: bool,
    buffer: Vec<u8>,
}

impl AppendFile {
    /// The file at this path, with the folders above it; it is made when it is not there.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be written.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let made = path.parent().map_or(Ok(()), std::fs::create_dir_all);
        let open =
            || File::options().read(true).write(true).create(true).truncate(false).open(path);
        let opened = made.and_then(|()| open()).and_then(|file| Ok((file.metadata()?.len(), file)));
        let (written, file) = opened.map_err(|error| failed(path, error))?;
        Ok(Self { path: path.to_owned(), file, written, is_synced: true, buffer: Vec::new() })
    }

    /// Cuts the file back to this length. One that is empty now, because it was moved away, begins anew.
    ///
    /// # Errors
    /// `Data` when it is shorter; `Unavailable` when it cannot be written.
    pub(crate) fn cut(&mut self, length: u64) -> Result<()> {
        self.buffer.clear();
        let found = self.file.metadata().map_err(|error| failed(&self.path, error))?.len();
        if found == 0 {
            self.written = 0;
            return Ok(());
        }
        if found < length {
            let message = format!(
                "{} has {found} bytes, of which {length} were committed",
                self.path.display()
            );
            let hint = "move it away and the run begins a new one, or begin anew with --reset";
            return Err(Error::data(message).with_hint(hint));
        }
        self.file.set_len(length).map_err(|error| failed(&self.path, error))?;
        self.written = length;
        Ok(())
    }

    /// Appends what `put` puts.
    ///
    /// # Errors
    /// What `put` answers, without a trace; `Unavailable` when the file cannot be written, with nothing lost.
    pub(crate) fn append(&mut self, put: impl FnOnce(&mut Vec<u8>) -> Result<()>) -> Result<()> {
        let before = self.buffer.len();
        if let Err(error) = put(&mut self.buffer) {
            self.buffer.truncate(before);
            return Err(error);
        }
        Ok(())
    }

    /// Writes what was appended once there is much of it.
    ///
    /// # Errors
    /// `Unavailable` when the file cannot be written, with nothing lost.
    pub(crate) fn relieve(&mut self) -> Result<()> {
        if self.buffer.len() < BUFFER { Ok(()) } else { self.write() }
    }

    fn write(&mut self) -> Result<()> {
        self.file
            .write_all_at(&self.buffer, self.written)
            .map_err(|error| failed(&self.path, error))?;
        self.written += self.buffer.len() as u64;
        self.is_synced = false;
        self.buffer.clear();
        Ok(())
    }

    /// Bytes that were appended, whether or not they are written.
    pub(crate) fn length(&self) -> u64 {
        self.written + self.buffer.len() as u64
    }

    /// Makes sure that everything is on the disk; answers the length.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be written, with nothing lost.
    pub(crate) fn sync(&mut self) -> Result<u64> {
        if !self.buffer.is_empty() {
            self.write()?;
        }
        if !self.is_synced {
            self.file.sync_data().map_err(|error| failed(&self.path, error))?;
            self.is_synced = true;
        }
        Ok(self.written)
    }
}

fn failed(path: &Path, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Unavailable, format!("{} cannot be written", path.display()))
        .with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(file: &mut AppendFile, text: &str) {
        file.append(|out| {
            out.extend_from_slice(text.as_bytes());
            Ok(())
        })
        .unwrap();
    }

    #[test]
    fn what_was_not_committed_is_taken_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("of/a/job.jsonl");
        let mut file = AppendFile::open(&path).unwrap();
        file.cut(0).unwrap();
        put(&mut file, "kept\n");
        let committed = file.sync().unwrap();
        put(&mut file, "lost\n");
        file.sync().unwrap();
        let mut file = AppendFile::open(&path).unwrap();
        file.cut(committed).unwrap();
        put(&mut file, "again\n");
        assert_eq!((file.sync().unwrap(), file.length()), (11, 11));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "kept\nagain\n");
        assert_eq!(file.cut(12).unwrap_err().kind(), ErrorKind::Data);
        std::fs::remove_file(&path).unwrap();
        let mut file = AppendFile::open(&path).unwrap();
        file.cut(committed).unwrap();
        assert_eq!(file.length(), 0);
    }
}
