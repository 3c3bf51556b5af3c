//! Events that could not be used, kept with the reason until somebody looks at them.

use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use base64::engine::general_purpose::STANDARD;
use larder_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

/// An event that could not be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// What is wrong with it: `undecodable`, `schema_violation`, `failed_expression` or `too_late`.
    pub fault: String,
    /// Why, in words.
    pub reason: String,
    /// The partition that it came from.
    pub partition: String,
    /// Its offset there.
    pub offset: u64,
    /// Its bytes as they came; empty for rows of Parquet files.
    #[serde(with = "in_base64")]
    pub payload: Vec<u8>,
}

mod in_base64 {
    use base64::Engine as _;

    use super::STANDARD;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        STANDARD.decode(String::deserialize(from)?).map_err(D::Error::custom)
    }
}

/// The dead letters of one run of a job: a file of JSON lines.
#[derive(Debug)]
pub struct DeadLetterFile {
    path: PathBuf,
    writer: BufWriter<File>,
    count: u64,
}

impl DeadLetterFile {
    /// Begins the file anew, with the folders above it.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be written.
    pub fn create(path: &Path) -> Result<Self> {
        let made = path.parent().map_or(Ok(()), std::fs::create_dir_all);
        let file = made.and_then(|()| File::create(path)).map_err(|error| failed(path, error))?;
        Ok(Self { path: path.to_owned(), writer: BufWriter::new(file), count: 0 })
    }

    /// Appends a letter.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub fn push(&mut self, letter: &DeadLetter) -> Result<()> {
        self.count += 1;
        serde_json::to_writer(&mut self.writer, letter)
            .map_err(std::io::Error::from)
            .and_then(|()| self.writer.write_all(b"\n"))
            .map_err(|error| failed(&self.path, error))
    }

    /// How many letters it has.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Makes sure that every letter is on the disk.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub fn finish(&mut self) -> Result<()> {
        let flushed = self.writer.flush().and_then(|()| self.writer.get_ref().sync_all());
        flushed.map_err(|error| failed(&self.path, error))
    }

    /// The letters of a file; none when it does not exist.
    ///
    /// # Errors
    /// `Data` for a line that is no letter; `Unavailable` when the file cannot be read.
    pub fn read(path: &Path) -> Result<Vec<DeadLetter>> {
        let file = match File::open(path) {
            Ok(file) => BufReader::new(file),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(path, error)),
        };
        let mut letters = Vec::new();
        for (number, line) in file.lines().enumerate() {
            let line = line.map_err(|error| failed(path, error))?;
            letters.push(serde_json::from_str(&line).map_err(|error| {
                let place = format!("{}:{}", path.display(), number + 1);
                Error::data(format!("{place}: not a dead letter")).with_source(error)
            })?);
        }
        Ok(letters)
    }
}

fn failed(path: &Path, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Unavailable, format!("dead letters in {}", path.display()))
        .with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_come_back_with_their_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("job/dead-letters.jsonl");
        assert_eq!(DeadLetterFile::read(&path).unwrap(), []);
        let letter = DeadLetter {
            fault: "undecodable".to_owned(),
            reason: "expected value".to_owned(),
            partition: "a".to_owned(),
            offset: 7,
            payload: vec![0, 255, b'\n'],
        };
        let mut file = DeadLetterFile::create(&path).unwrap();
        file.push(&letter).unwrap();
        file.finish().unwrap();
        assert_eq!(DeadLetterFile::read(&path).unwrap(), [letter]);
        std::fs::write(&path, "{}\n").unwrap();
        assert_eq!(DeadLetterFile::read(&path).unwrap_err().kind(), ErrorKind::Data);
    }
}
