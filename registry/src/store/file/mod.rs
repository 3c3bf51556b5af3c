//! A registry in a local file, read and written by real Feast too.

mod commit;
mod lock;
mod mark;

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use larder_core::{Clock, Error, ErrorKind, Result};
use larder_proto::wire::registry_file::RegistryFile;
use uuid::Uuid;

use super::{MAX_BYTES, Outcome, RegistryStore, parse};
pub use mark::ChangeMark;

/// The file backend.
///
/// Writers hold a lock on `<file>.lock` beside it while they read, change and write; the file itself is replaced by
/// rename, so that readers (real Feast among them) always see one whole state. Real Feast takes no lock: its own
/// writes may still overwrite ours, as they overwrite each other's.
#[derive(Debug)]
pub struct FileRegistryStore {
    path: PathBuf,
    clock: Arc<dyn Clock>,
}

impl FileRegistryStore {
    /// The registry in this file, which need not exist; writes are stamped with the time of `clock`.
    pub fn new(path: impl Into<PathBuf>, clock: Arc<dyn Clock>) -> Self {
        Self { path: path.into(), clock }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn read(&self) -> Result<Option<RegistryFile>> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.io_error("open", error)),
        };
        let mut bytes = Vec::new();
        file.take(MAX_BYTES + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| self.io_error("read", error))?;
        if bytes.len() as u64 > MAX_BYTES {
            return Err(Error::data(format!(
                "the registry {} is larger than {MAX_BYTES} bytes",
                self.location()
            )));
        }
        parse(&bytes, &self.location()).map(Some)
    }

    fn io_error(&self, verb: &str, error: io::Error) -> Error {
        Error::new(
            ErrorKind::Unavailable,
            format!("cannot {verb} the registry {}", self.location()),
        )
        .with_source(error)
    }
}

impl RegistryStore for FileRegistryStore {
    fn location(&self) -> String {
        self.path.display().to_string()
    }

    fn load(&self) -> Result<Option<RegistryFile>> {
        self.read()
    }

    fn update(
        &self,
        change: &mut dyn FnMut(&mut RegistryFile) -> Result<Outcome>,
    ) -> Result<RegistryFile> {
        let folder = commit::folder_of(&self.path);
        fs::create_dir_all(folder).map_err(|error| self.io_error("create the folder of", error))?;
        let _lock = lock::acquire(&self.path).map_err(|error| error.context(self.location()))?;
        let mut file = self.read()?.unwrap_or_else(RegistryFile::new);
        if change(&mut file)? == Outcome::Changed {
            file.stamp(Uuid::new_v4().to_string(), self.clock.now());
            commit::replace(&self.path, &file.to_bytes())
                .map_err(|error| self.io_error("write", error))?;
        }
        Ok(file)
    }

    fn change_mark(&self) -> Result<ChangeMark> {
        ChangeMark::of(&self.path).map_err(|error| self.io_error("look at", error))
    }
}
