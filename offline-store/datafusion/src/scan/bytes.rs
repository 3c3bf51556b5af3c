//! The bytes of one file of a scan.

use std::fs::File;
use std::io::{BufReader, Read};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, mpsc};

use bytes::Bytes;
use larder_core::{Error, ErrorKind, Result};
use object_store::ObjectMeta;
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};
use rustix::buffer::spare_capacity;
use tokio::runtime::Handle;

use crate::source::RemoteFile;

/// Enough for the header of a page.
const HEADER: usize = 512;

/// Where the bytes of a file come from.
#[derive(Debug, Clone)]
pub(super) enum FileBytes {
    /// A local file, read page by page as it is decoded.
    Local {
        path: PathBuf,
        meta: ObjectMeta,
        /// The file in the version that is read, when it may be replaced.
        held: Option<Arc<File>>,
    },
    /// An object, whose ranges are fetched before they are decoded.
    Remote(RemoteFile),
}

impl FileBytes {
    /// The file's name, for messages.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Local { meta, .. } => meta.location.as_ref(),
            Self::Remote(file) => file.object().key().as_ref(),
        }
    }

    /// Opens the file for reading `ranges` of it; blocks while remote ranges are fetched.
    ///
    /// # Errors
    /// `NotFound`, `PermissionDenied` or `Unavailable`, the last also when the file is not the one that was listed.
    pub(super) fn open(
        &self,
        runtime: &Handle,
        ranges: impl FnOnce() -> Vec<Range<u64>>,
    ) -> Result<Chunks> {
        match self {
            Self::Local { held: Some(file), meta, .. } => {
                Ok(Chunks::Local { file: Arc::clone(file), size: meta.size })
            }
            Self::Local { path, meta, held: None } => {
                let file = File::open(path).map_err(|error| self.unreadable(error))?;
                let now = file.metadata().map_err(|error| self.unreadable(error))?;
                if now.len() != meta.size {
                    return Err(Error::new(
                        ErrorKind::Unavailable,
                        format!("{} was replaced while it was read", self.name()),
                    )
                    .with_hint("ask again"));
                }
                Ok(Chunks::Local { file: Arc::new(file), size: meta.size })
            }
            Self::Remote(file) => {
                let ranges = ranges();
                let parts = fetch(file, &ranges, runtime)?;
                let starts = ranges.iter().map(|range| range.start);
                let size = file.object().meta().size;
                Ok(Chunks::Fetched { parts: starts.zip(parts).collect(), size })
            }
        }
    }

    fn unreadable(&self, error: std::io::Error) -> Error {
        let kind = match error.kind() {
            std::io::ErrorKind::NotFound => ErrorKind::NotFound,
            std::io::ErrorKind::PermissionDenied => ErrorKind::PermissionDenied,
            _ => ErrorKind::Unavailable,
        };
        Error::new(kind, format!("cannot read {}", self.name())).with_source(error)
    }
}

/// The bytes of these ranges; blocks.
///
/// The runtime fetches them, and not this thread on its behalf: a runtime that shuts down drops what it was to do, but a
/// thread that polls its timers then panics.
fn fetch(file: &RemoteFile, ranges: &[Range<u64>], runtime: &Handle) -> Result<Vec<Bytes>> {
    if let Some(held) = file.held(ranges) {
        return held;
    }
    let (sender, fetched) = mpsc::sync_channel(1);
    let (fetching, ranges) = (file.clone(), ranges.to_vec());
    runtime.spawn(async move { drop(sender.send(fetching.ranges(&ranges).await)) });
    fetched.recv().unwrap_or_else(|_| {
        let key = file.object().key();
        Err(Error::new(ErrorKind::Unavailable, format!("the program ended while {key} was read")))
    })
}

/// A file as Parquet's reader sees it; readers do not share a position.
#[derive(Debug)]
pub(super) enum Chunks {
    Local {
        file: Arc<File>,
        size: u64,
    },
    Fetched {
        /// Offset and bytes of each range.
        parts: Vec<(u64, Bytes)>,
        size: u64,
    },
}

impl Length for Chunks {
    fn len(&self) -> u64 {
        let (Self::Local { size, .. } | Self::Fetched { size, .. }) = self;
        *size
    }
}

impl ChunkReader for Chunks {
    type T = BufReader<Part>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        let part = match self {
            Self::Local { file, .. } => Part::Local { file: Arc::clone(file), at: start },
            Self::Fetched { parts, .. } => Part::Fetched(fetched(parts, start)?),
        };
        Ok(BufReader::with_capacity(HEADER, part))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let cut = || ParquetError::EOF(format!("the file ends within {length} bytes at {start}"));
        match self {
            Self::Local { file, .. } => {
                let mut bytes = Vec::with_capacity(length);
                while bytes.len() < length {
                    let at = start + bytes.len() as u64;
                    match rustix::io::pread(file, spare_capacity(&mut bytes), at) {
                        Ok(0) => return Err(cut()),
                        Ok(_) | Err(rustix::io::Errno::INTR) => {}
                        Err(error) => return Err(ParquetError::External(Box::new(error))),
                    }
                }
                bytes.truncate(length);
                Ok(bytes.into())
            }
            Self::Fetched { parts, .. } => {
                let tail = fetched(parts, start)?;
                if tail.len() < length { Err(cut()) } else { Ok(tail.slice(..length)) }
            }
        }
    }
}

/// The rest of the fetched range that holds this offset.
fn fetched(parts: &[(u64, Bytes)], start: u64) -> Result<Bytes, ParquetError> {
    let within =
        |(first, bytes): &&(u64, Bytes)| (*first..*first + bytes.len() as u64).contains(&start);
    let (first, bytes) = parts
        .iter()
        .find(within)
        .ok_or_else(|| ParquetError::EOF(format!("the bytes at {start} were not fetched")))?;
    let skipped = usize::try_from(start - first);
    Ok(bytes.slice(skipped.map_err(|error| ParquetError::External(Box::new(error)))?..))
}

/// What is read of a file from some offset on.
#[derive(Debug)]
pub(super) enum Part {
    Local { file: Arc<File>, at: u64 },
    Fetched(Bytes),
}

impl Read for Part {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Self::Local { file, at } => {
                let read = std::os::unix::fs::FileExt::read_at(file.as_ref(), buffer, *at)?;
                *at += read as u64;
                Ok(read)
            }
            Self::Fetched(bytes) => {
                let read = buffer.len().min(bytes.len());
                buffer[..read].copy_from_slice(&bytes.split_to(read));
                Ok(read)
            }
        }
    }
}
