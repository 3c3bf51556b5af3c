//! Events that could not be used, kept with the reason until somebody looks at them.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use base64::engine::general_purpose::STANDARD;
use larder_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

use crate::aggregate::bytes::Reader;
use crate::append_file::AppendFile;
use crate::container;
use crate::kafka::TopicLetters;

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
    /// Its bytes as they came, of an Avro container a container with this event alone; empty for rows of Parquet files.
    #[serde(with = "in_base64")]
    pub payload: Vec<u8>,
}

impl DeadLetter {
    /// The bytes of the event itself, without the header of a container.
    pub fn event(&self) -> Cow<'_, [u8]> {
        let of_container = || container::only_event(&self.payload).ok();
        match self.payload.starts_with(&container::MAGIC).then(of_container).flatten() {
            Some((_, event)) => Cow::Owned(event),
            None => Cow::Borrowed(&self.payload),
        }
    }
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

/// Kind of the mark of the dead letters in a checkpoint.
pub(crate) const DEAD_LETTERS: &str = "dead_letters";

/// The dead letters of a job: a file of JSON lines.
///
/// A run that goes on cuts it back to its last commit first. Letters that were replayed stay in the file, before those
/// that count.
#[derive(Debug)]
pub struct DeadLetterFile {
    file: AppendFile,
    /// Where the letters begin that count.
    first: u64,
}

impl DeadLetterFile {
    /// The file at this path, with the folders above it; it is made when it is not there.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be written.
    pub fn open(path: &Path) -> Result<Self> {
        Ok(Self { file: AppendFile::open(path)?, first: 0 })
    }

    /// Goes back to what [`flush`](Self::flush) answered for the last commit; `None` begins anew.
    pub(crate) fn restore(&mut self, mark: Option<&[u8]>) -> Result<()> {
        let (first, length) = Self::range(mark.unwrap_or_default())?;
        self.first = first;
        self.file.cut(length)?;
        self.first = self.first.min(self.file.length());
        Ok(())
    }

    /// From and to which byte of a file the letters are that count, by what [`flush`](Self::flush) answered; none where
    /// they are not in a file.
    pub(crate) fn range(mark: &[u8]) -> Result<(u64, u64)> {
        if mark.is_empty() {
            return Ok((0, 0));
        }
        let mut reader = Reader::new(mark);
        Ok((reader.u64()?, reader.u64()?))
    }

    /// Appends a letter.
    pub(crate) fn push(&mut self, letter: &DeadLetter) -> Result<()> {
        self.file.relieve()?;
        self.file.append(|out| {
            serde_json::to_writer(&mut *out, letter)
                .map_err(|error| Error::internal("a dead letter as JSON").with_source(error))?;
            out.push(b'\n');
            Ok(())
        })
    }

    /// Leaves out all letters so far: each of them is tried again.
    pub(crate) fn begin_replay(&mut self) {
        self.first = self.file.length();
    }

    /// Makes sure that every letter is on the disk; answers what [`restore`](Self::restore) needs.
    pub(crate) fn flush(&mut self) -> Result<Vec<u8>> {
        let length = self.file.sync()?;
        Ok([self.first.to_le_bytes(), length.to_le_bytes()].concat())
    }

    /// The letters of a file from one byte to another; none when it does not exist.
    ///
    /// # Errors
    /// `Data` for a line that is no letter; `Unavailable` when the file cannot be read.
    pub fn read(path: &Path, (first, end): (u64, u64)) -> Result<Vec<DeadLetter>> {
        let opened = File::open(path).and_then(|mut file| {
            file.seek(SeekFrom::Start(first))?;
            Ok(BufReader::new(file.take(end.saturating_sub(first))))
        });
        let file = match opened {
            Ok(file) => file,
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

/// Where the dead letters of a job go.
#[derive(Debug)]
pub enum DeadLetters {
    /// To a file.
    File(DeadLetterFile),
    /// To a file of an instance that shares the partitions with others: it is only appended to, because commits go from one
    /// to the other, and a crash may leave a letter there twice.
    Shared(DeadLetterFile),
    /// To a topic, in the transaction that commits the offsets of the events.
    Topic(TopicLetters),
}

impl From<DeadLetterFile> for DeadLetters {
    fn from(file: DeadLetterFile) -> Self {
        Self::File(file)
    }
}

impl DeadLetters {
    pub(crate) fn restore(&mut self, mark: Option<&[u8]>) -> Result<()> {
        match self {
            Self::File(file) => file.restore(mark),
            // Of a topic, nobody saw what was not committed.
            Self::Shared(_) | Self::Topic(_) => Ok(()),
        }
    }

    pub(crate) fn push(&mut self, letter: &DeadLetter) -> Result<()> {
        match self {
            Self::File(file) | Self::Shared(file) => file.push(letter),
            Self::Topic(topic) => {
                topic.push(letter);
                Ok(())
            }
        }
    }

    /// Gives on what was pushed.
    pub(crate) async fn deliver(&mut self) -> Result<()> {
        match self {
            Self::File(_) | Self::Shared(_) => Ok(()),
            Self::Topic(topic) => topic.deliver().await,
        }
    }

    pub(crate) fn begin_replay(&mut self) {
        if let Self::File(file) = self {
            file.begin_replay();
        }
    }

    pub(crate) fn flush(&mut self) -> Result<Vec<u8>> {
        match self {
            Self::File(file) | Self::Shared(file) => file.flush(),
            Self::Topic(_) => Ok(Vec::new()),
        }
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
        let all = (0, u64::MAX);
        assert_eq!(DeadLetterFile::read(&path, all).unwrap(), []);
        let letter = DeadLetter {
            fault: "undecodable".to_owned(),
            reason: "expected value".to_owned(),
            partition: "a".to_owned(),
            offset: 7,
            payload: vec![0, 255, b'\n'],
        };
        let mut file = DeadLetterFile::open(&path).unwrap();
        file.restore(None).unwrap();
        file.push(&letter).unwrap();
        let mark = file.flush().unwrap();
        let committed = DeadLetterFile::range(&mark).unwrap();
        assert_eq!(DeadLetterFile::read(&path, all).unwrap(), std::slice::from_ref(&letter));
        file.push(&letter).unwrap();
        file.flush().unwrap();
        assert_eq!(DeadLetterFile::read(&path, committed).unwrap(), std::slice::from_ref(&letter));
        let mut file = DeadLetterFile::open(&path).unwrap();
        file.restore(Some(&mark)).unwrap();
        file.begin_replay();
        file.push(&letter).unwrap();
        let replayed = DeadLetterFile::range(&file.flush().unwrap()).unwrap();
        assert_eq!(DeadLetterFile::read(&path, all).unwrap().len(), 2);
        assert_eq!(DeadLetterFile::read(&path, replayed).unwrap(), [letter]);
        std::fs::write(&path, "{}\n").unwrap();
        assert_eq!(DeadLetterFile::read(&path, all).unwrap_err().kind(), ErrorKind::Data);
    }
}
