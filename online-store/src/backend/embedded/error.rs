//! From LMDB's errors to kinds.

use std::path::Path;

use heed::MdbError;
use larder_core::{Error, ErrorKind};

/// Why a transaction failed: LMDB's reason, some of which the environment handles, or ours.
#[derive(Debug)]
pub(super) enum Fault {
    Lmdb(heed::Error),
    Larder(Error),
}

/// What can be done about a fault without the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Remedy {
    /// The map is full: map more.
    Grow,
    /// Another process has grown the file: map what it has.
    Follow,
    /// Every reader slot is taken: free those of dead processes.
    FreeReaders,
}

impl Fault {
    pub(super) fn remedy(&self) -> Option<Remedy> {
        match self {
            Self::Lmdb(heed::Error::Mdb(MdbError::MapFull)) => Some(Remedy::Grow),
            Self::Lmdb(heed::Error::Mdb(MdbError::MapResized)) => Some(Remedy::Follow),
            Self::Lmdb(heed::Error::Mdb(MdbError::ReadersFull)) => Some(Remedy::FreeReaders),
            _ => None,
        }
    }

    pub(super) fn into_error(self, path: &Path) -> Error {
        match self {
            Self::Larder(error) => error,
            Self::Lmdb(cause) => lmdb_error(cause, path),
        }
    }
}

impl From<heed::Error> for Fault {
    fn from(cause: heed::Error) -> Self {
        Self::Lmdb(cause)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Larder(error)
    }
}

/// The error for a failure of LMDB in the store at `path`.
pub(super) fn lmdb_error(cause: heed::Error, path: &Path) -> Error {
    let (kind, hint) = match &cause {
        heed::Error::Mdb(
            MdbError::Corrupted
            | MdbError::PageNotFound
            | MdbError::Invalid
            | MdbError::VersionMismatch
            | MdbError::Incompatible,
        ) => (
            ErrorKind::Data,
            "the folder holds no intact online store: restore it, or remove it and materialize again",
        ),
        heed::Error::Mdb(MdbError::ReadersFull) => {
            (ErrorKind::Unavailable, "too many reads at one time: raise max_readers")
        }
        heed::Error::Mdb(_) | heed::Error::Encoding(_) | heed::Error::Decoding(_) => {
            (ErrorKind::Internal, "")
        }
        heed::Error::EnvAlreadyOpened => {
            (ErrorKind::Unavailable, "another part of this process is opening or closing the store")
        }
        heed::Error::Io(io) => return io_error(io, path).with_source(cause),
    };
    let error = Error::new(kind, failed(path)).with_source(cause);
    if hint.is_empty() { error } else { error.with_hint(hint) }
}

/// The error for a failing file system, without its source.
pub(super) fn io_error(cause: &std::io::Error, path: &Path) -> Error {
    use std::io::ErrorKind as Io;
    match cause.kind() {
        Io::PermissionDenied | Io::ReadOnlyFilesystem => {
            Error::new(ErrorKind::PermissionDenied, failed(path))
                .with_hint("the store's folder must be writable, also for reading")
        }
        Io::StorageFull | Io::QuotaExceeded => {
            Error::new(ErrorKind::Unavailable, failed(path)).with_hint("free some disk space")
        }
        Io::NotADirectory | Io::AlreadyExists => {
            Error::invalid(failed(path)).with_hint("the path of the online store must be a folder")
        }
        Io::OutOfMemory => Error::new(ErrorKind::Unavailable, failed(path))
            .with_hint("the address space of the process is limited: lower map_size"),
        _ => Error::new(ErrorKind::Unavailable, failed(path)),
    }
}

fn failed(path: &Path) -> String {
    format!("the embedded online store in \"{}\" failed", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_lead_to_kinds() {
        let io = |kind: std::io::ErrorKind| heed::Error::Io(kind.into());
        let cases = [
            (heed::Error::Mdb(MdbError::Corrupted), ErrorKind::Data),
            (heed::Error::Mdb(MdbError::ReadersFull), ErrorKind::Unavailable),
            (heed::Error::Mdb(MdbError::BadTxn), ErrorKind::Internal),
            (heed::Error::EnvAlreadyOpened, ErrorKind::Unavailable),
            (io(std::io::ErrorKind::PermissionDenied), ErrorKind::PermissionDenied),
            (io(std::io::ErrorKind::StorageFull), ErrorKind::Unavailable),
            (io(std::io::ErrorKind::NotADirectory), ErrorKind::Invalid),
        ];
        for (cause, kind) in cases {
            assert_eq!(lmdb_error(cause, Path::new("store")).kind(), kind);
        }
    }
}
