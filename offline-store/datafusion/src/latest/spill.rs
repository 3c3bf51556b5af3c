//! What does not fit in memory, in a file without a name that goes with its handle.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::FileExt as _;
use std::sync::{Arc, Mutex, PoisonError};

use larder_core::{Error, ErrorKind, Result};

use super::shard::Newest;

/// Bytes that go to the disk at once.
const BUFFER: usize = 64 << 10;

/// A file that several writers append segments to; it is made with the first of them.
#[derive(Debug, Default)]
pub(super) struct SpillFile(Mutex<Option<Opened>>);

#[derive(Debug)]
struct Opened {
    file: Arc<File>,
    end: u64,
}

/// Consecutive bytes of a file.
#[derive(Debug, Clone)]
pub(super) struct Segment {
    file: Arc<File>,
    at: u64,
    length: u64,
}

impl SpillFile {
    /// Puts keys with their newest rows on disk.
    pub(super) fn keys<'a>(
        &self,
        entries: impl Iterator<Item = (&'a [u8], Newest)> + Clone,
    ) -> Result<Segment> {
        let length = entries.clone().map(|(key, _)| (size_of::<u32>() + key.len()) as u64 + TIMES);
        let segment = self.room(length.sum())?;
        segment.write(|out| {
            for (key, newest) in entries {
                let length = u32::try_from(key.len()).map_err(io::Error::other)?;
                out.write_all(&length.to_le_bytes())?;
                out.write_all(key)?;
                out.write_all(&newest.event.to_le_bytes())?;
                out.write_all(&newest.created.to_le_bytes())?;
                out.write_all(&newest.position.to_le_bytes())?;
            }
            Ok(())
        })?;
        Ok(segment)
    }

    /// Puts positions on disk.
    pub(super) fn positions(&self, positions: &[u64]) -> Result<Segment> {
        let segment = self.room(size_of_val(positions) as u64)?;
        segment.write(|out| {
            positions.iter().try_for_each(|position| out.write_all(&position.to_le_bytes()))
        })?;
        Ok(segment)
    }

    /// The next bytes of the file, which nobody else writes to.
    fn room(&self, length: u64) -> Result<Segment> {
        let mut opened = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let opened = match &mut *opened {
            Some(opened) => opened,
            none => {
                let file = Arc::new(tempfile::tempfile().map_err(no_room)?);
                none.insert(Opened { file, end: 0 })
            }
        };
        let at = opened.end;
        opened.end += length;
        Ok(Segment { file: Arc::clone(&opened.file), at, length })
    }
}

/// Bytes of the two times and the position of an entry.
const TIMES: u64 = size_of::<Newest>() as u64;

impl Segment {
    fn write(&self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
        let place = Place { segment: self, at: 0 };
        let mut out = BufWriter::with_capacity(BUFFER, place);
        write(&mut out).and_then(|()| out.flush()).map_err(no_room)
    }

    /// How many positions the segment holds.
    pub(super) fn count(&self) -> u64 {
        self.length / size_of::<u64>() as u64
    }

    /// Gives each key with its newest row.
    pub(super) fn each_key(&self, mut each: impl FnMut(&[u8], Newest) -> Result<()>) -> Result<()> {
        let mut bytes = BufReader::with_capacity(BUFFER, Place { segment: self, at: 0 });
        let (mut left, mut key) = (self.length, Vec::new());
        while left > 0 {
            let newest = read_entry(&mut bytes, &mut key).map_err(lost)?;
            left = left.saturating_sub((size_of::<u32>() + key.len()) as u64 + TIMES);
            each(&key, newest)?;
        }
        Ok(())
    }

    /// The positions in the segment from the one at `index` on, as many as `into` has room for.
    pub(super) fn read_positions(&self, index: u64, into: &mut [u64]) -> Result<usize> {
        let left = usize::try_from(self.count().saturating_sub(index)).unwrap_or(usize::MAX);
        let count = left.min(into.len());
        let mut bytes = vec![0; count * size_of::<u64>()];
        let at = self.at + index * size_of::<u64>() as u64;
        self.file.read_exact_at(&mut bytes, at).map_err(lost)?;
        for (into, bytes) in into.iter_mut().zip(bytes.chunks_exact(size_of::<u64>())) {
            *into = u64::from_le_bytes(bytes.try_into().unwrap_or_default());
        }
        Ok(count)
    }
}

fn read_entry(bytes: &mut impl Read, key: &mut Vec<u8>) -> io::Result<Newest> {
    let mut length = [0; size_of::<u32>()];
    bytes.read_exact(&mut length)?;
    key.resize(u32::from_le_bytes(length) as usize, 0);
    bytes.read_exact(key)?;
    let mut word = || {
        let mut word = [0; size_of::<u64>()];
        bytes.read_exact(&mut word).map(|()| word)
    };
    let (event, created) = (i64::from_le_bytes(word()?), i64::from_le_bytes(word()?));
    Ok(Newest { event, created, position: u64::from_le_bytes(word()?) })
}

/// A place in a segment that is read or written on from.
struct Place<'a> {
    segment: &'a Segment,
    at: u64,
}

impl Write for Place<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.segment.file.write_at(bytes, self.segment.at + self.at)?;
        self.at += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Place<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.segment.length - self.at).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(left);
        let read = self.segment.file.read_at(&mut buffer[..wanted], self.segment.at + self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

fn no_room(error: io::Error) -> Error {
    Error::new(ErrorKind::Unavailable, "cannot put keys on disk for the time of the request")
        .with_hint(
            "make room in the folder for temporary files (TMPDIR), or raise the memory limit",
        )
        .with_source(error)
}

fn lost(error: io::Error) -> Error {
    Error::internal("keys that were put on disk cannot be read back").with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_several_segments_hold_is_read_back() {
        let spill = SpillFile::default();
        let entry = |position: u64| Newest { event: -3, created: i64::MIN, position };
        let first = spill.keys([(&b"a"[..], entry(1)), (b"", entry(2))].into_iter()).unwrap();
        let numbers = spill.positions(&[7, 8, u64::MAX]).unwrap();
        let second = spill.keys(std::iter::once((&b"long key"[..], entry(3)))).unwrap();
        let mut found = Vec::new();
        for segment in [first, second] {
            segment
                .each_key(|key, newest| {
                    found.push((key.to_vec(), newest));
                    Ok(())
                })
                .unwrap();
        }
        let expected = [(&b"a"[..], 1), (b"", 2), (b"long key", 3)];
        assert_eq!(found, expected.map(|(key, position)| (key.to_vec(), entry(position))));
        let mut some = [0; 2];
        assert_eq!(numbers.read_positions(1, &mut some).unwrap(), 2);
        assert_eq!(some, [8, u64::MAX]);
        assert_eq!(numbers.read_positions(3, &mut some).unwrap(), 0);
    }
}
