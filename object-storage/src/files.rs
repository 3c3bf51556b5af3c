//! Whole files to and from objects.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path as LocalPath;

use larder_core::{Error, ErrorKind, Result};
use object_store::path::Path;

use crate::{Bucket, Condition, StoredObject};

/// Bytes that are on their way at a time.
const PIECE: u64 = 8 << 20;

/// Copies a local file to a key; whether the condition held.
///
/// # Errors
/// `Unavailable` when the file cannot be read, otherwise as [`from_store`](crate::from_store).
pub async fn upload_file(
    bucket: &Bucket,
    path: &LocalPath,
    key: Path,
    condition: Condition,
) -> Result<bool> {
    let file = File::open(path).map_err(|error| broken("read", path, error))?;
    let mut upload = bucket.upload(key);
    loop {
        let mut piece = Vec::new();
        (&file).take(PIECE).read_to_end(&mut piece).map_err(|error| broken("read", path, error))?;
        if piece.is_empty() {
            return upload.finish(condition).await;
        }
        if let Err(error) = upload.write(&piece).await {
            upload.give_up().await;
            return Err(error);
        }
    }
}

/// Copies an object to a new local file.
///
/// # Errors
/// `Unavailable` when the file cannot be written, otherwise as [`StoredObject::ranges`].
pub async fn fetch_file(object: &StoredObject, path: &LocalPath) -> Result<()> {
    let unwritable = |error| broken("write", path, error);
    let mut file = File::create_new(path).map_err(unwritable)?;
    let size = object.meta().size;
    let mut at = 0;
    while at < size {
        let end = size.min(at + PIECE);
        file.write_all(&object.range(at..end).await?).map_err(unwritable)?;
        at = end;
    }
    Ok(())
}

fn broken(verb: &str, path: &LocalPath, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Unavailable, format!("cannot {verb} {}", path.display()))
        .with_source(error)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use object_store::memory::InMemory;

    use super::*;

    #[tokio::test]
    async fn a_file_goes_there_and_back() {
        let folder = tempfile::tempdir().unwrap();
        let (there, back) = (folder.path().join("there"), folder.path().join("back"));
        let bytes: Vec<u8> = (0..=250).cycle().take(20 << 20).collect();
        std::fs::write(&there, &bytes).unwrap();
        let bucket = Bucket::new("lake", Arc::new(InMemory::new()));
        let key = Path::from("a/k");
        assert!(upload_file(&bucket, &there, key.clone(), Condition::Absent).await.unwrap());
        assert!(!upload_file(&bucket, &there, key.clone(), Condition::Absent).await.unwrap());
        let object = bucket.find(&key).await.unwrap().unwrap();
        fetch_file(&object, &back).await.unwrap();
        assert!(std::fs::read(&back).unwrap() == bytes);
    }
}
