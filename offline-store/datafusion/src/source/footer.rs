//! The end of a Parquet file, checked before the reader trusts it.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::sync::Arc;

use larder_core::{Error, Result};
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt as _};

/// The footer's length (u32, little-endian) and the magic bytes.
const TAIL: u64 = 8;
/// The magic bytes at the start, and the tail.
const SHORTEST: u64 = 4 + TAIL;

/// Whether the file can hold the footer that its last bytes announce.
///
/// parquet 59.3 subtracts the announced length from the file's without a check: garbage that ends like a
/// Parquet file makes it panic (debug) or read far outside of the file.
///
/// # Errors
/// [`ErrorKind::Data`](larder_core::ErrorKind::Data) when it cannot; `Unavailable` when the file cannot be read.
pub(super) async fn check(store: &Arc<dyn ObjectStore>, file: &ObjectMeta) -> Result<()> {
    check_size(file.size)?;
    let tail =
        store.get_range(&file.location, file.size - TAIL..file.size).await.map_err(|error| {
            Error::new(larder_core::ErrorKind::Unavailable, "cannot read its end")
                .with_source(error)
        })?;
    check_tail(&tail, file.size)
}

/// As [`check`], for an open file, which is left at its start.
///
/// # Errors
/// As [`check`].
pub(crate) fn check_file(file: &mut File) -> Result<()> {
    let unread = |error: std::io::Error| {
        Error::new(larder_core::ErrorKind::Unavailable, "cannot read its end").with_source(error)
    };
    let size = file.metadata().map_err(unread)?.len();
    check_size(size)?;
    let mut tail = Vec::new();
    file.seek(SeekFrom::Start(size - TAIL)).map_err(unread)?;
    file.take(TAIL).read_to_end(&mut tail).map_err(unread)?;
    file.rewind().map_err(unread)?;
    check_tail(&tail, size)
}

/// Whether a file of this size can be one.
///
/// # Errors
/// `Data` when it cannot.
pub(crate) fn check_size(size: u64) -> Result<()> {
    if size < SHORTEST {
        return Err(Error::data(format!("{size} bytes are too few")));
    }
    Ok(())
}

/// As [`check`], for the last bytes of a file of this size.
///
/// # Errors
/// `Data` when the file cannot hold the footer.
pub(crate) fn check_end(end: &[u8], size: u64) -> Result<()> {
    let tail = usize::try_from(TAIL).unwrap_or(end.len());
    check_tail(&end[end.len().saturating_sub(tail)..], size)
}

fn check_tail(tail: &[u8], size: u64) -> Result<()> {
    let Some((length, magic)) = tail.split_first_chunk::<4>() else {
        return Err(Error::data("its end is missing"));
    };
    if magic != b"PAR1" {
        return Err(Error::data("it does not end as a Parquet file"));
    }
    let length = u64::from(u32::from_le_bytes(*length));
    if length + SHORTEST > size {
        return Err(Error::data(format!("its footer of {length} bytes is longer than the file")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use larder_core::ErrorKind;

    use super::*;

    #[test]
    fn a_footer_longer_than_its_file_is_refused() {
        for (tail, size, accepted) in [
            (&b"\x10\0\0\0PAR1"[..], 28, true),
            (b"\x10\0\0\0PAR1", 27, false),
            (b"quetPAR1", 29, false),
            (b"\x10\0\0\0PAR2", 1000, false),
            (b"AR1", 1000, false),
        ] {
            let checked = check_tail(tail, size).map_err(|error| error.kind());
            assert_eq!(
                checked,
                if accepted { Ok(()) } else { Err(ErrorKind::Data) },
                "{tail:?} of {size}"
            );
        }
    }
}
