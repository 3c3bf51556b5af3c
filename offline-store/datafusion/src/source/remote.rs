//! Files in a bucket: their footers are read once, with their last bytes, and kept.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::ParquetFileReaderFactory;
use datafusion::error::{DataFusionError, Result as PlanResult};
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _};
use larder_core::{Error, Result};
use larder_object_storage::StoredObject;
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::{AsyncFileReader, MetadataFetch};
use parquet::errors::ParquetError;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};

use super::footer;

/// How many footers are read at a time.
const FOOTERS_AT_A_TIME: usize = 16;
/// Bytes at the end of a file that are read at once: most footers and page indexes are shorter.
const END: u64 = 64 << 10;
/// Files of up to this size are read at once and held, in the version that was found.
const SMALL: u64 = 1 << 20;
/// What is kept of all files of a source; what does not fit is read again when it is needed.
const KEPT: usize = 256 << 20;

/// A Parquet file in a bucket, in one version.
#[derive(Debug, Clone)]
pub(crate) struct RemoteFile {
    object: StoredObject,
    /// All of it, when it is small.
    whole: Option<Bytes>,
    footer: Option<Arc<ParquetMetaData>>,
}

impl RemoteFile {
    /// Reads the footer and the page index: one request for most files.
    ///
    /// # Errors
    /// `Data` when there is no footer, otherwise as [`StoredObject::range`].
    pub(super) async fn open(object: StoredObject) -> Result<Self> {
        let size = object.meta().size;
        footer::check_size(size)?;
        let length = if size <= SMALL { size } else { END };
        let end = object.range(size - length..size).await?;
        footer::check_end(&end, size)?;
        let whole = (length == size).then(|| end.clone());
        let hint = usize::try_from(length).ok();
        let footer = ParquetMetaDataReader::new()
            .with_page_index_policy(PageIndexPolicy::Optional)
            .with_prefetch_hint(hint)
            .load_and_finish(End { object: &object, end }, size)
            .await
            .map_err(from_parquet)?;
        Ok(Self { object, whole, footer: Some(Arc::new(footer)) })
    }

    /// Opens files in their order; of those that are too many to be kept only the objects are.
    pub(super) async fn open_all<E>(
        objects: Vec<StoredObject>,
        failed: impl Fn(&StoredObject, Error) -> E,
        mut each: impl FnMut(&StoredObject, &Arc<ParquetMetaData>) -> Result<(), E>,
    ) -> Result<Vec<Self>, E> {
        let mut opened = futures::stream::iter(objects)
            .map(|object| async {
                let file = Self::open(object.clone()).await;
                (object, file)
            })
            .buffered(FOOTERS_AT_A_TIME)
            .boxed();
        let (mut files, mut kept) = (Vec::new(), 0);
        while let Some((object, file)) = opened.next().await {
            let mut file = file.map_err(|error| failed(&object, error))?;
            if let Some(footer) = &file.footer {
                each(&object, footer)?;
                kept += footer.memory_size() + file.whole.as_ref().map_or(0, Bytes::len);
            }
            if kept > KEPT {
                (file.footer, file.whole) = (None, None);
            }
            files.push(file);
        }
        Ok(files)
    }

    /// The object.
    pub(crate) fn object(&self) -> &StoredObject {
        &self.object
    }

    /// The footer with the page index.
    ///
    /// # Errors
    /// As [`open`](Self::open) when it was not kept.
    pub(crate) async fn footer(&self) -> Result<Arc<ParquetMetaData>> {
        if let Some(footer) = &self.footer {
            return Ok(Arc::clone(footer));
        }
        let opened = Self::open(self.object.clone()).await?;
        opened.footer.ok_or_else(|| Error::internal("a file that was opened has a footer"))
    }

    /// Bytes of these ranges.
    ///
    /// # Errors
    /// As [`StoredObject::ranges`].
    pub(crate) async fn ranges(&self, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        match self.held(ranges) {
            Some(held) => held,
            None => self.object.ranges(ranges).await,
        }
    }

    /// As [`ranges`](Self::ranges), when all of the file is here.
    pub(crate) fn held(&self, ranges: &[Range<u64>]) -> Option<Result<Vec<Bytes>>> {
        let whole = self.whole.as_ref()?;
        Some(ranges.iter().map(|range| self.slice(whole, range)).collect())
    }

    fn slice(&self, whole: &Bytes, range: &Range<u64>) -> Result<Bytes> {
        let [start, end] = [range.start, range.end].map(usize::try_from);
        match (start, end) {
            (Ok(start), Ok(end)) if start <= end && end <= whole.len() => {
                Ok(whole.slice(start..end))
            }
            _ => Err(Error::data(format!("{} ends before it should", self.object.key()))),
        }
    }
}

/// Our own error where the format's is only its carrier.
pub(crate) fn from_parquet(error: ParquetError) -> Error {
    match error {
        ParquetError::External(cause) => match cause.downcast::<Error>() {
            Ok(ours) => *ours,
            Err(other) => Error::data("the values cannot be processed").with_source(other),
        },
        other => Error::data("the footer cannot be understood").with_source(other),
    }
}

fn into_parquet(error: Error) -> ParquetError {
    ParquetError::External(Box::new(error))
}

/// The end of a file, of which the last bytes are here.
struct End<'a> {
    object: &'a StoredObject,
    end: Bytes,
}

impl MetadataFetch for End<'_> {
    fn fetch(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, ParquetError>> {
        let first = self.object.meta().size - self.end.len() as u64;
        async move {
            let here = range.start.checked_sub(first).and_then(|start| usize::try_from(start).ok());
            let length =
                usize::try_from(range.end.saturating_sub(range.start)).unwrap_or(usize::MAX);
            match here {
                Some(start) if start.saturating_add(length) <= self.end.len() => {
                    Ok(self.end.slice(start..start + length))
                }
                _ => self.object.range(range).await.map_err(into_parquet),
            }
        }
        .boxed()
    }
}

/// Readers of files whose footers are known, for DataFusion's scan.
#[derive(Debug)]
pub(super) struct RemoteReaders(pub(super) Arc<[RemoteFile]>);

impl ParquetFileReaderFactory for RemoteReaders {
    fn create_reader(
        &self,
        _: usize,
        file: PartitionedFile,
        _: Option<usize>,
        _: &ExecutionPlanMetricsSet,
    ) -> PlanResult<Box<dyn AsyncFileReader + Send>> {
        let key = &file.object_meta.location;
        // Files stand in the order of their keys.
        let found = self.0.binary_search_by(|known| known.object.key().cmp(key));
        let found =
            found.map_err(|_| DataFusionError::Internal(format!("{key} is not of the scan")))?;
        Ok(Box::new(RemoteReader(self.0[found].clone())))
    }
}

struct RemoteReader(RemoteFile);

impl AsyncFileReader for RemoteReader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, ParquetError>> {
        async move {
            let bytes = self.0.ranges(std::slice::from_ref(&range)).await.map_err(into_parquet)?;
            bytes.into_iter().next().ok_or_else(|| ParquetError::EOF("no bytes".to_owned()))
        }
        .boxed()
    }

    fn get_byte_ranges(
        &mut self,
        ranges: Vec<Range<u64>>,
    ) -> BoxFuture<'_, Result<Vec<Bytes>, ParquetError>> {
        async move { self.0.ranges(&ranges).await.map_err(into_parquet) }.boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>, ParquetError>> {
        async move { self.0.footer().await.map_err(into_parquet) }.boxed()
    }
}
