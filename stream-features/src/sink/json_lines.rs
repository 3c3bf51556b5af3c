//! Rows as JSON lines.

use std::path::Path;

use async_trait::async_trait;
use larder_core::{Error, Result};

use super::{Covered, RowDocument, Sink};
use crate::append_file::AppendFile;
use crate::definition::RowSchema;
use crate::operator::OutputRow;

/// A file with a [document](RowDocument) per row. A run that goes on cuts the file back to its last commit first.
#[derive(Debug)]
pub struct JsonLines {
    file: AppendFile,
    document: RowDocument,
}

impl JsonLines {
    /// The file at this path, with the folders above it; it is made when it is not there.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be written.
    pub fn open(path: &Path, row: &RowSchema) -> Result<Self> {
        Ok(Self { file: AppendFile::open(path)?, document: RowDocument::new(row) })
    }
}

#[async_trait]
impl Sink for JsonLines {
    fn kind(&self) -> &'static str {
        "output"
    }

    async fn restore(&mut self, mark: Option<&[u8]>) -> Result<()> {
        self.file.cut(read_length(mark)?)
    }

    async fn write(&mut self, rows: &[OutputRow]) -> Result<()> {
        let objects =
            rows.iter().map(|row| self.document.object(row)).collect::<Result<Vec<_>>>()?;
        // Before anything is appended: rows that are given again are not there twice.
        self.file.relieve()?;
        self.file.append(|out| {
            for object in &objects {
                serde_json::to_writer(&mut *out, object)
                    .map_err(|error| Error::internal("a row as JSON").with_source(error))?;
                out.push(b'\n');
            }
            Ok(())
        })
    }

    async fn flush(&mut self, _: Covered) -> Result<Vec<u8>> {
        self.file.sync().map(|length| length.to_le_bytes().to_vec())
    }

    async fn finish(&mut self) -> Result<()> {
        self.file.sync().map(drop)
    }
}

/// The length that a mark says; 0 without one.
fn read_length(mark: Option<&[u8]>) -> Result<u64> {
    let Some(mark) = mark else { return Ok(0) };
    let length = mark.try_into().map_err(|_| Error::data("the mark of an output is a length"))?;
    Ok(u64::from_le_bytes(length))
}
