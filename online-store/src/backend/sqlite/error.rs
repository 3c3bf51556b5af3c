//! From SQLite's errors to kinds.

use std::path::Path;

use larder_core::{Error, ErrorKind};
use rusqlite::ffi::ErrorCode;

use crate::ViewTable;
use crate::backend::never_made;

/// Why a call failed: SQLite's reason or ours.
#[derive(Debug)]
pub(super) enum Fault {
    Sqlite(rusqlite::Error),
    Larder(Error),
}

impl From<rusqlite::Error> for Fault {
    fn from(cause: rusqlite::Error) -> Self {
        Self::Sqlite(cause)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Larder(error)
    }
}

impl Fault {
    /// Whether another connection holds the file.
    pub(super) fn is_busy(&self) -> bool {
        let Self::Sqlite(cause) = self else { return false };
        matches!(
            cause.sqlite_error_code(),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
        )
    }

    /// The error for a call on the file at `path`, about `table` if it was about one.
    pub(super) fn into_error(self, path: &Path, table: Option<&ViewTable>) -> Error {
        match (self, table) {
            (Self::Larder(error), _) => error,
            (Self::Sqlite(cause), Some(table)) if is_missing_table(&cause) => never_made(table),
            (Self::Sqlite(cause), _) => sqlite_error(cause, path),
        }
    }
}

fn is_missing_table(cause: &rusqlite::Error) -> bool {
    let message = match cause {
        rusqlite::Error::SqliteFailure(_, Some(message)) => message,
        rusqlite::Error::SqlInputError { msg, .. } => msg,
        _ => return false,
    };
    message.starts_with("no such table")
}

fn sqlite_error(cause: rusqlite::Error, path: &Path) -> Error {
    let (kind, hint) = match cause.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => (
            ErrorKind::Unavailable,
            "another process holds the file for longer than busy_timeout: try again",
        ),
        Some(ErrorCode::CannotOpen | ErrorCode::SystemIoFailure) => {
            (ErrorKind::Unavailable, "check that the file and its folder can be read and written")
        }
        Some(ErrorCode::DiskFull) => (ErrorKind::Unavailable, "free some disk space"),
        Some(ErrorCode::PermissionDenied | ErrorCode::ReadOnly) => {
            (ErrorKind::PermissionDenied, "the file and its folder must be writable")
        }
        Some(ErrorCode::TooBig) => (ErrorKind::Invalid, "SQLite keeps at most 1 GB per value"),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => (
            ErrorKind::Data,
            "restore the file, or remove it, run `fs apply` and materialize again",
        ),
        _ => (ErrorKind::Data, "the file's tables are not those that Feast 0.67 makes"),
    };
    let message = format!("the online store \"{}\" failed", path.display());
    Error::new(kind, message).with_source(cause).with_hint(hint)
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    #[test]
    fn causes_lead_to_kinds() {
        let cases = [
            (ffi::SQLITE_BUSY, ErrorKind::Unavailable),
            (ffi::SQLITE_LOCKED, ErrorKind::Unavailable),
            (ffi::SQLITE_FULL, ErrorKind::Unavailable),
            (ffi::SQLITE_CANTOPEN, ErrorKind::Unavailable),
            (ffi::SQLITE_READONLY, ErrorKind::PermissionDenied),
            (ffi::SQLITE_NOTADB, ErrorKind::Data),
            (ffi::SQLITE_CORRUPT, ErrorKind::Data),
            (ffi::SQLITE_TOOBIG, ErrorKind::Invalid),
        ];
        for (code, kind) in cases {
            let cause = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            let error = Fault::from(cause).into_error(Path::new("online.db"), None);
            assert_eq!(error.kind(), kind, "{code}");
        }
    }
}
