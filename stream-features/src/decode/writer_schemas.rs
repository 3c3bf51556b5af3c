//! Where the schemas of writers come from.

use std::fmt::Debug;
use std::path::PathBuf;

use larder_core::{Error, ErrorKind, Result};

/// A schema registry, as far as a reader needs one.
pub trait WriterSchemas: Debug + Send + Sync {
    /// The Avro schema, as JSON, that a writer registered under this id.
    ///
    /// # Errors
    /// `NotFound` for an id that is not registered; `Unavailable` when the registry does not answer.
    fn schema(&self, id: u32) -> Result<String>;
}

/// A folder of `<id>.avsc` files, for those without a registry.
#[derive(Debug, Clone)]
pub struct SchemaDirectory {
    folder: PathBuf,
}

impl SchemaDirectory {
    /// The registry of the files in this folder, which are read when they are first asked for.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }
}

impl WriterSchemas for SchemaDirectory {
    fn schema(&self, id: u32) -> Result<String> {
        let path = self.folder.join(format!("{id}.avsc"));
        std::fs::read_to_string(&path).map_err(|error| {
            let kind = match error.kind() {
                std::io::ErrorKind::NotFound => ErrorKind::NotFound,
                _ => ErrorKind::Unavailable,
            };
            Error::new(kind, format!("schema {id} cannot be read from {}", path.display()))
                .with_source(error)
        })
    }
}
