//! Bytes of a file, counted.

use std::fmt::Display;
use std::io::{BufRead, ErrorKind as IoKind, Read as _, Seek};

use larder_core::{Error, ErrorKind, Result};

const HINT: &str = "the file is damaged or still being written; what was committed stays, and a run goes on from there";

/// What is read, and how far.
#[derive(Debug)]
pub(super) struct Input<R> {
    from: R,
    /// Bytes that were read.
    pub(super) at: u64,
}

impl<R: BufRead> Input<R> {
    pub(super) fn new(from: R) -> Self {
        Self { from, at: 0 }
    }

    pub(super) fn is_at_end(&mut self) -> Result<bool> {
        let at = self.at;
        Ok(self.from.fill_buf().map_err(|error| failed(at, error))?.is_empty())
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        self.from.read_exact(&mut bytes).map_err(|error| failed(self.at, error))?;
        self.at += N as u64;
        Ok(bytes)
    }

    /// So many bytes; no more room is taken than there are.
    pub(super) fn bytes(&mut self, len: usize) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let read = self.from.by_ref().take(len as u64).read_to_end(&mut bytes);
        match read {
            Ok(read) if read == len => {
                self.at += read as u64;
                Ok(bytes)
            }
            Ok(_) => Err(failed(self.at, IoKind::UnexpectedEof.into())),
            Err(error) => Err(failed(self.at, error)),
        }
    }

    /// A whole number: seven bits a byte, the lowest first, then zigzag.
    pub(super) fn long(&mut self) -> Result<i64> {
        let begin = self.at;
        let mut bits = 0_u64;
        for shift in (0..64).step_by(7) {
            let [byte] = self.array()?;
            bits |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok((bits >> 1).cast_signed() ^ -(bits & 1).cast_signed());
            }
        }
        Err(damaged(begin, "a whole number is longer than ten bytes"))
    }

    /// A number of bytes that follow.
    pub(super) fn len(&mut self, most: usize) -> Result<usize> {
        let begin = self.at;
        let len = self.long()?;
        match usize::try_from(len) {
            Ok(len) if len <= most => Ok(len),
            Ok(_) => Err(damaged(begin, format_args!("{len} bytes follow, {most} are the most"))
                .with_hint("write smaller blocks")),
            Err(_) => Err(damaged(begin, format_args!("{len} is no number of bytes"))),
        }
    }
}

impl<R: BufRead + Seek> Input<R> {
    /// Passes over so many bytes, which may be more than there are.
    pub(super) fn pass(&mut self, len: usize) -> Result<()> {
        let passed = self.from.seek_relative(i64::try_from(len).unwrap_or(i64::MAX));
        passed.map_err(|error| failed(self.at, error))?;
        self.at += len as u64;
        Ok(())
    }
}

/// What cannot be understood.
pub(super) fn damaged(at: u64, why: impl Display) -> Error {
    Error::data(format!("the Avro container cannot be read on from byte {at}: {why}"))
        .with_hint(HINT)
}

fn failed(at: u64, error: std::io::Error) -> Error {
    if error.kind() == IoKind::UnexpectedEof {
        return damaged(at, "it ends too early");
    }
    let message = format!("the Avro container cannot be read on from byte {at}");
    Error::new(ErrorKind::Unavailable, message).with_source(error)
}
