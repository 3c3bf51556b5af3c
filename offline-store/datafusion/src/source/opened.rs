//! A local file that is read in the version that was opened.

use std::fmt;
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use object_store::path::Path as ObjectPath;
use object_store::{
    Attributes, CopyOptions, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

/// Another store with one of its files held open.
///
/// A writer replaces a file by another under the same name. The local store opens the name at every read, so that a
/// reader would put the footer of one version and the pages of the next together.
pub(super) struct OpenedFile {
    inner: Arc<dyn ObjectStore>,
    file: Arc<File>,
    meta: ObjectMeta,
}

impl OpenedFile {
    /// Opens the file at `path`, which the inner store calls `location`.
    pub(super) fn open(
        inner: Arc<dyn ObjectStore>,
        path: &Path,
        location: ObjectPath,
    ) -> std::io::Result<Self> {
        let file = File::open(path)?;
        let status = file.metadata()?;
        let meta = ObjectMeta {
            location,
            last_modified: status.modified()?.into(),
            size: status.len(),
            e_tag: None,
            version: None,
        };
        Ok(Self { inner, file: Arc::new(file), meta })
    }

    /// The file's size and time.
    pub(super) fn meta(&self) -> &ObjectMeta {
        &self.meta
    }

    /// The open file.
    pub(super) fn file(&self) -> Arc<File> {
        Arc::clone(&self.file)
    }

    async fn read(&self, ranges: Vec<Range<u64>>) -> Result<Vec<bytes::Bytes>> {
        let file = Arc::clone(&self.file);
        let read = move || ranges.into_iter().map(|range| read_range(&file, range)).collect();
        let read: std::io::Result<_> = tokio::task::spawn_blocking(read).await?;
        read.map_err(broken)
    }
}

fn broken(source: impl std::error::Error + Send + Sync + 'static) -> object_store::Error {
    object_store::Error::Generic { store: "opened file", source: Box::new(source) }
}

/// The bytes of a range; an error where the file ends before it.
fn read_range(file: &File, range: Range<u64>) -> std::io::Result<bytes::Bytes> {
    let length = usize::try_from(range.end.saturating_sub(range.start));
    let mut bytes = vec![0; length.map_err(std::io::Error::other)?];
    file.read_exact_at(&mut bytes, range.start)?;
    Ok(bytes.into())
}

#[async_trait]
impl ObjectStore for OpenedFile {
    async fn put_opts(
        &self,
        location: &ObjectPath,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        self.inner.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &ObjectPath,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &ObjectPath, options: GetOptions) -> Result<GetResult> {
        if *location != self.meta.location {
            return self.inner.get_opts(location, options).await;
        }
        options.check_preconditions(&self.meta)?;
        let range = match &options.range {
            Some(range) => range.as_range(self.meta.size).map_err(broken)?,
            None => 0..self.meta.size,
        };
        let wanted = if options.head { 0..0 } else { range.clone() };
        let read = self.read(vec![wanted]).await?;
        let payload = stream::iter(read.into_iter().map(Ok)).boxed();
        Ok(GetResult {
            payload: GetResultPayload::Stream(payload),
            meta: self.meta.clone(),
            range,
            attributes: Attributes::new(),
        })
    }

    async fn get_ranges(
        &self,
        location: &ObjectPath,
        ranges: &[Range<u64>],
    ) -> Result<Vec<bytes::Bytes>> {
        if *location == self.meta.location {
            self.read(ranges.to_vec()).await
        } else {
            self.inner.get_ranges(location, ranges).await
        }
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<ObjectPath>>,
    ) -> BoxStream<'static, Result<ObjectPath>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&ObjectPath>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&ObjectPath>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(
        &self,
        from: &ObjectPath,
        to: &ObjectPath,
        options: CopyOptions,
    ) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

impl fmt::Debug for OpenedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenedFile").field("meta", &self.meta).finish_non_exhaustive()
    }
}

impl fmt::Display for OpenedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, with {} held open", self.inner, self.meta.location)
    }
}

#[cfg(test)]
mod tests {
    use object_store::ObjectStoreExt as _;
    use object_store::local::LocalFileSystem;

    use super::*;

    #[tokio::test]
    async fn a_file_is_read_in_the_version_that_was_opened() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stats.parquet");
        std::fs::write(&path, b"first version").unwrap();
        let location = ObjectPath::from_absolute_path(&path).unwrap();
        let local: Arc<dyn ObjectStore> = Arc::new(LocalFileSystem::new());
        let opened = OpenedFile::open(Arc::clone(&local), &path, location.clone()).unwrap();

        let next = folder.path().join("next");
        std::fs::write(&next, b"the second, longer version").unwrap();
        std::fs::rename(&next, &path).unwrap();

        assert_eq!(opened.head(&location).await.unwrap().size, 13);
        assert_eq!(opened.get_range(&location, 0..5).await.unwrap(), "first");
        let two = opened.get_ranges(&location, &[6..13, 0..2]).await.unwrap();
        assert_eq!(two, ["version", "fi"]);
        assert_eq!(opened.get(&location).await.unwrap().bytes().await.unwrap(), "first version");
        assert_eq!(local.head(&location).await.unwrap().size, 26);
        assert!(opened.get_ranges(&location, &[0..1, 10..14]).await.is_err());
    }
}
