//! The newest version of a table.

use std::path::Path as LocalPath;
use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_schema::{FieldRef, SchemaRef};
use delta_kernel::scan::state::ScanFile;
use delta_kernel::scan::{Scan, StatsOptions};
use delta_kernel::{Engine, KernelResult, Snapshot};
use delta_kernel_default_engine::DefaultEngineBuilder;
use futures::future::TryFutureExt as _;
use larder_core::{Error, Result};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore};
use tokio::runtime::Handle;
use url::Url;

use crate::columns::{Columns, Naming};
use crate::failure::from_kernel;
use crate::runtime::OnRuntime;

/// Commits and checkpoints that are read ahead.
const READ_AHEAD: std::num::NonZero<usize> = std::num::NonZero::new(16).expect("it is no zero");

/// The folder that holds the log.
#[derive(Debug, Clone)]
pub struct TableRoot {
    url: Url,
    /// As messages show it.
    shown: String,
}

/// One version of a table.
#[derive(Debug)]
pub struct TableVersion {
    /// Its number.
    pub version: u64,
    /// The columns that stand in the files, in the order of the log and with its types, all nullable.
    pub columns: SchemaRef,
    /// How the files call these columns.
    pub names: Vec<String>,
    /// The columns that stand in the log alone.
    pub partitions: Vec<FieldRef>,
    /// The files, in the order of their paths.
    pub files: Vec<LiveFile>,
}

/// A file of a version. Writers of Delta tables never change a file that has been committed.
#[derive(Debug)]
pub struct LiveFile {
    /// Path, size and time as the log has them.
    pub meta: ObjectMeta,
    /// One row for each partition column.
    pub partitions: Vec<ArrayRef>,
    /// The rows that are deleted, by their numbers in the file, ascending.
    pub deleted: Vec<u64>,
}

impl TableRoot {
    /// A folder of the local file system, by its whole path.
    ///
    /// # Errors
    /// `Invalid` for a relative path.
    pub fn local(folder: &LocalPath, shown: &str) -> Result<Self> {
        let url = Url::from_directory_path(folder);
        let url = url.map_err(|()| Error::invalid(format!("\"{shown}\" is no usable path")))?;
        Ok(Self { url, shown: shown.to_owned() })
    }

    /// A prefix of a bucket.
    ///
    /// # Errors
    /// `Invalid` for a name that no bucket can have.
    pub fn in_bucket(bucket: &str, prefix: &Path, shown: &str) -> Result<Self> {
        let unusable = || Error::invalid(format!("\"{shown}\" is no usable path"));
        let url = Url::parse(&format!("s3://{bucket}/"));
        let mut url = url.map_err(|error| unusable().with_source(error))?;
        let folders = prefix.as_ref().split('/').filter(|folder| !folder.is_empty());
        url.path_segments_mut().map_err(|()| unusable())?.clear().extend(folders).push("");
        Ok(Self { url, shown: shown.to_owned() })
    }

    /// Where a file is that the log names, which may be by a whole URL.
    fn file(&self, named: &str) -> Result<Path> {
        let unusable = || Error::data(format!("the Delta log of {} names \"{named}\"", self.shown));
        let url = self.url.join(named).map_err(|error| unusable().with_source(error))?;
        if !url.as_str().starts_with(self.url.as_str()) {
            let what = format!("{} has files outside of its folder: {named}", self.shown);
            return Err(Error::unsupported(what).with_hint("a deep clone of the table can be read"));
        }
        Path::from_url_path(url.path()).map_err(|error| unusable().with_source(error))
    }
}

impl TableVersion {
    /// Reads the log, and which rows are deleted.
    ///
    /// # Errors
    /// `NotFound` without a log; `Unsupported` for a table that needs more of its readers, by the name of what it needs;
    /// `Data` for a log that is damaged; otherwise as [`from_store`](larder_object_storage::from_store).
    pub async fn newest(client: Arc<dyn ObjectStore>, root: &TableRoot) -> Result<Self> {
        let (root, runtime) = (root.clone(), Handle::current());
        let read = tokio::task::spawn_blocking(move || read(client, &root, runtime));
        read.map_err(|error| Error::internal("reading a Delta log ended early").with_source(error))
            .await?
    }
}

fn read(client: Arc<dyn ObjectStore>, root: &TableRoot, runtime: Handle) -> Result<TableVersion> {
    let engine = DefaultEngineBuilder::new(client)
        .with_task_executor(Arc::new(OnRuntime(runtime)))
        .with_buffer_size(READ_AHEAD)
        .build();
    let unread = |error| from_kernel(&root.shown, error);
    let snapshot = Snapshot::builder_for(&root.url).build(&engine).map_err(unread)?;
    let naming = Naming::of(snapshot.table_properties().column_mapping_mode, &root.shown)?;
    let version = snapshot.version();
    let scan = snapshot.scan_builder().with_stats(StatsOptions::none()).build().map_err(unread)?;
    Columns::check(&scan, naming, &root.shown)?;
    let columns = Columns::of(&scan, naming).map_err(unread)?;
    let found = found(&scan, &engine).map_err(unread)?;
    let files = found.into_iter().map(|file| live_file(&engine, root, &columns, &file));
    let mut files = files.collect::<Result<Vec<_>>>()?;
    files.sort_by(|a, b| a.meta.location.cmp(&b.meta.location));
    let partitions = columns.partitions().map_err(unread)?;
    let (columns, names) = (columns.stored, columns.names);
    Ok(TableVersion { version, columns, names, partitions, files })
}

/// The files of a version.
fn found(scan: &Scan, engine: &dyn Engine) -> KernelResult<Vec<ScanFile>> {
    let mut files = Vec::new();
    for part in scan.scan_metadata(engine)? {
        files = part?.visit_scan_files(files, Vec::push)?;
    }
    Ok(files)
}

fn live_file(
    engine: &dyn Engine,
    root: &TableRoot,
    columns: &Columns,
    file: &ScanFile,
) -> Result<LiveFile> {
    let unread = |error| from_kernel(&root.shown, error);
    let location = root.file(&file.path)?;
    let size = u64::try_from(file.size);
    let size = size.map_err(|_| Error::data(format!("{location} has less than no bytes")))?;
    let written = std::time::Duration::from_millis(file.modification_time.try_into().unwrap_or(0));
    let meta = ObjectMeta {
        location,
        last_modified: (std::time::UNIX_EPOCH + written).into(),
        size,
        e_tag: None,
        version: None,
    };
    let partitions = columns.values(file).map_err(unread)?;
    let deleted = file.dv_info.get_row_indexes(engine, &root.url).map_err(unread)?;
    Ok(LiveFile { meta, partitions, deleted: deleted.unwrap_or_default() })
}
