//! Files as partitions.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use larder_core::{Error, ErrorKind, Result};

use super::{EventSource, Polled, RawEvents, Readers};
use crate::container::{ContainerFile, is_container};

/// Room for reading ahead, per file.
const BUFFER: usize = 256 << 10;

/// Longest event: longer ones end the run, because what follows cannot be found.
const MAX_EVENT: u64 = 16 << 20;

/// How events follow each other in a file that is no Avro container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// One per line; blank lines are none.
    Lines,
    /// Each after its length in four bytes, big-endian.
    Lengths,
}

#[derive(Debug)]
struct Partition {
    path: PathBuf,
    /// Opened when it is first read.
    reader: Option<Reader>,
    /// Where the next event begins, in bytes: the offset of an event is that of its first byte. In an Avro container, its
    /// number.
    next: u64,
    ended: bool,
}

#[derive(Debug)]
enum Reader {
    Frames(BufReader<File>),
    Container(Box<ContainerFile>),
}

/// Reads the files of a folder, or one file, side by side: a batch of each in turn. Every file is a partition, and all
/// are this reader's. Avro containers are known by their first bytes; others are framed.
///
/// The batches of a file depend on where it was started alone, so that a reader who goes on at the end of a batch, with
/// the partition whose turn it was, sees the batches that the first one would have seen.
#[derive(Debug)]
pub struct FileSource {
    framing: Framing,
    names: Vec<String>,
    partitions: Vec<Partition>,
    /// Started partitions, the next one first; `None` before they are assigned.
    turns: Option<VecDeque<usize>>,
}

impl FileSource {
    /// The file at this path, or the files of the folder there in order of their names; hidden ones are left out.
    ///
    /// # Errors
    /// `NotFound` when nothing is there or the folder is empty; `Unavailable` when it cannot be listed.
    pub fn open(path: &Path, framing: Framing) -> Result<Self> {
        let paths = files(path)?;
        if paths.is_empty() {
            return Err(Error::new(
                ErrorKind::NotFound,
                format!("no file with events is in {}", path.display()),
            ));
        }
        let names = paths.iter().map(|path| path.display().to_string()).collect();
        let partition = |path| Partition { path, reader: None, next: 0, ended: false };
        let partitions = paths.into_iter().map(partition).collect();
        Ok(Self { framing, names, partitions, turns: None })
    }

    /// Names files below this folder by their path from there, so that the folder may be moved.
    #[must_use]
    pub fn named_below(mut self, folder: &Path) -> Self {
        name_below(&mut self.names, folder);
        self
    }
}

/// Takes the folder away from the names of files below it.
pub(super) fn name_below(names: &mut [String], folder: &Path) {
    for name in names {
        if let Ok(below) = Path::new(name.as_str()).strip_prefix(folder) {
            *name = below.display().to_string();
        }
    }
}

/// The files below a path.
pub(super) fn files(path: &Path) -> Result<Vec<PathBuf>> {
    let failed = |error: std::io::Error| {
        let kind = match error.kind() {
            std::io::ErrorKind::NotFound => ErrorKind::NotFound,
            _ => ErrorKind::Unavailable,
        };
        Error::new(kind, format!("events cannot be read from {}", path.display()))
            .with_source(error)
    };
    if !path.metadata().map_err(failed)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
        if !is_hidden && entry.path().metadata().map_err(failed)?.is_file() {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

impl Partition {
    /// Reads up to so many events; none at the end.
    fn read(&mut self, framing: Framing, most: usize, events: &mut RawEvents) -> Result<()> {
        let reader = match &mut self.reader {
            Some(reader) => reader,
            none => none.insert(open(&self.path, self.next)?),
        };
        let is_at_end = match reader {
            Reader::Frames(reader) => read_frames(reader, framing, most, &mut self.next, events)
                .map_err(|error| broken(&self.path, self.next, error))?,
            Reader::Container(file) => {
                let is_at_end = file.read(most, events).map_err(|error| of(&self.path, error))?;
                self.next = file.next_event();
                is_at_end
            }
        };
        self.ended = is_at_end;
        if is_at_end && events.is_empty() {
            self.reader = None;
        }
        events.next_offset = self.next;
        Ok(())
    }
}

/// Reads up to so many events and moves `next` behind them; answers whether the file has ended.
fn read_frames(
    reader: &mut BufReader<File>,
    framing: Framing,
    most: usize,
    next: &mut u64,
    events: &mut RawEvents,
) -> std::io::Result<bool> {
    let mut event = Vec::new();
    while events.len() < most {
        event.clear();
        let read = match framing {
            Framing::Lines => read_line(reader, &mut event),
            Framing::Lengths => read_frame(reader, &mut event),
        };
        let read = read?;
        if read == 0 {
            return Ok(true);
        }
        if framing == Framing::Lengths || !event.trim_ascii().is_empty() {
            events.push(&event, *next);
        }
        *next += read;
    }
    Ok(false)
}

fn open(path: &Path, at: u64) -> Result<Reader> {
    let failed = |error| broken(path, at, error);
    if is_container(path).map_err(failed)? {
        let (file, events) = ContainerFile::open(path, at).map_err(|error| of(path, error))?;
        return if events < at { Err(cut(path, events, at)) } else { Ok(Reader::Container(file)) };
    }
    let opened = File::open(path).and_then(|mut file| file.seek(SeekFrom::Start(at)).map(|_| file));
    let file = opened.map_err(failed)?;
    Ok(Reader::Frames(BufReader::with_capacity(BUFFER, file)))
}

/// How many bytes of a file of events are behind the event at which reading goes on; `None` when that cannot be said.
///
/// Of an Avro container whole blocks are counted.
pub fn unread_bytes(path: &Path, next_offset: u64) -> Option<u64> {
    let length = path.metadata().ok()?.len();
    let read = if is_container(path).ok()? {
        ContainerFile::open(path, next_offset).ok()?.0.begin()
    } else {
        next_offset
    };
    Some(length.saturating_sub(read))
}

/// An error about what is in a file.
fn of(path: &Path, error: Error) -> Error {
    error.context(path.display())
}

fn broken(path: &Path, at: u64, error: std::io::Error) -> Error {
    let kind = match error.kind() {
        std::io::ErrorKind::InvalidData | std::io::ErrorKind::UnexpectedEof => ErrorKind::Data,
        _ => ErrorKind::Unavailable,
    };
    Error::new(kind, format!("{} cannot be read on from byte {at}", path.display()))
        .with_source(error)
}

/// Reads a line without its end; answers how many bytes it took, 0 at the end of the file.
fn read_line(reader: &mut BufReader<File>, line: &mut Vec<u8>) -> std::io::Result<u64> {
    let read = reader.by_ref().take(MAX_EVENT).read_until(b'\n', line)? as u64;
    if line.last() == Some(&b'\n') {
        line.pop();
    } else if read == MAX_EVENT {
        return Err(too_long());
    }
    Ok(read)
}

/// Reads a length and as many bytes; answers how many bytes both took, 0 at the end of the file.
fn read_frame(reader: &mut BufReader<File>, frame: &mut Vec<u8>) -> std::io::Result<u64> {
    if reader.fill_buf()?.is_empty() {
        return Ok(0);
    }
    let mut length = [0; 4];
    reader.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length);
    if u64::from(length) > MAX_EVENT {
        return Err(too_long());
    }
    frame.resize(length as usize, 0);
    reader.read_exact(frame)?;
    Ok(4 + u64::from(length))
}

fn too_long() -> std::io::Error {
    let message = format!("an event is longer than {MAX_EVENT} bytes");
    std::io::Error::new(std::io::ErrorKind::InvalidData, message)
}

#[async_trait]
impl EventSource for FileSource {
    fn partitions(&self) -> &[String] {
        &self.names
    }

    async fn poll(&mut self, most: usize, events: &mut RawEvents) -> Result<Polled> {
        let Some(turns) = &mut self.turns else {
            self.turns = Some(VecDeque::new());
            return Ok(Polled::Assigned(Readers::All, (0..self.names.len()).collect()));
        };
        for _ in 0..turns.len() {
            let Some(turn) = turns.pop_front() else { break };
            turns.push_back(turn);
            let partition = &mut self.partitions[turn];
            if partition.ended {
                continue;
            }
            events.partition = turn;
            partition.read(self.framing, most, events)?;
            if !events.is_empty() {
                // The end, if it was seen, is told when its turn comes again.
                partition.ended = false;
                return Ok(Polled::Events);
            }
            partition.ended = true;
            return Ok(Polled::Ended(turn));
        }
        Ok(Polled::Finished)
    }

    async fn start(&mut self, partition: usize, next_offset: Option<u64>) -> Result<()> {
        let next = next_offset.unwrap_or(0);
        let file = &mut self.partitions[partition];
        let failed = |error| broken(&file.path, next, error);
        let length = file.path.metadata().map_err(failed)?.len();
        // The events of a container may be more than its bytes.
        if next > length && !is_container(&file.path).map_err(failed)? {
            return Err(cut(&file.path, length, next));
        }
        (file.reader, file.next, file.ended) = (None, next, false);
        let turns = self.turns.get_or_insert_default();
        turns.retain(|started| *started != partition);
        turns.push_back(partition);
        Ok(())
    }

    async fn release(&mut self, _: Readers, _: &[usize]) -> Result<()> {
        Ok(())
    }
}

/// A file that was read further than it goes now.
pub(super) fn cut(path: &Path, now: u64, read: u64) -> Error {
    let message = format!("{} was read to {read} and now ends at {now}", path.display());
    Error::new(ErrorKind::NotFound, message)
        .with_hint("files of events may grow; to begin anew with other ones, use --reset")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All events with partition and offset, `most` at a time.
    async fn all(source: &mut FileSource, most: usize) -> Vec<(usize, u64, Vec<u8>)> {
        let (mut found, mut ended) = (Vec::new(), Vec::new());
        loop {
            let mut events = RawEvents::default();
            match source.poll(most, &mut events).await.unwrap() {
                Polled::Events => {
                    let at =
                        |i: usize| (events.partition, events.offset(i), events.event(i).to_vec());
                    found.extend((0..events.len()).map(at));
                }
                Polled::Ended(partition) => ended.push(partition),
                Polled::Assigned(_, partitions) => {
                    for partition in partitions {
                        source.start(partition, None).await.unwrap();
                    }
                }
                Polled::Nothing | Polled::Revoked(..) => {}
                Polled::Finished => break,
            }
        }
        ended.sort_unstable();
        assert_eq!(ended, (0..source.partitions().len()).collect::<Vec<_>>());
        found
    }

    #[tokio::test]
    async fn files_of_a_folder_are_partitions_read_in_turn() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("b.jsonl"), "3\n\n4").unwrap();
        std::fs::write(folder.path().join("a.jsonl"), "1\r\n2\n").unwrap();
        std::fs::write(folder.path().join(".hidden"), "5\n").unwrap();
        let mut source = FileSource::open(folder.path(), Framing::Lines).unwrap();
        let found = all(&mut source, 1).await;
        let expected = [(0, 0, "1\r"), (1, 0, "3"), (0, 3, "2"), (1, 3, "4")];
        let expected = expected.map(|(partition, at, text)| (partition, at, text.into()));
        assert_eq!(found, expected);
    }

    #[tokio::test]
    async fn reading_goes_on_at_an_offset_with_the_partition_started_first() {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [("a", "1\n2\n"), ("b", "3\n4\n")] {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let mut source =
            FileSource::open(folder.path(), Framing::Lines).unwrap().named_below(folder.path());
        assert_eq!(source.partitions(), ["a", "b"]);
        source.start(1, Some(0)).await.unwrap();
        source.start(0, Some(2)).await.unwrap();
        let found = all(&mut source, 1).await;
        let expected = [(1, 0, "3"), (0, 2, "2"), (1, 2, "4")];
        assert_eq!(found, expected.map(|(partition, at, text)| (partition, at, text.into())));
        assert_eq!(source.start(0, Some(5)).await.unwrap_err().kind(), ErrorKind::NotFound);
    }

    #[tokio::test]
    async fn frames_have_the_offsets_of_their_lengths() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), [&[0, 0, 0, 1, 7][..], &[0, 0, 0, 2, 8, 9]].concat()).unwrap();
        let mut source = FileSource::open(file.path(), Framing::Lengths).unwrap();
        assert_eq!(all(&mut source, 9).await, [(0, 0, vec![7]), (0, 5, vec![8, 9])]);
    }

    #[tokio::test]
    async fn a_file_that_was_cut_is_named_with_the_place() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), [0, 0, 0, 9, 1]).unwrap();
        let mut source = FileSource::open(file.path(), Framing::Lengths).unwrap();
        source.start(0, None).await.unwrap();
        let error = source.poll(9, &mut RawEvents::default()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Data);
        let nothing = FileSource::open(&file.path().join("none"), Framing::Lines).unwrap_err();
        assert!(matches!(nothing.kind(), ErrorKind::NotFound | ErrorKind::Unavailable));
    }
}
