//! Rows added to the folders of their partitions.
//!
//! Several files cannot appear in one step. They are made in a hidden folder, under names that no reader takes. The folder's new
//! name is the step: from then on the write is there, and whoever comes next finishes the moves that its writer did not get to.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::RecordBatch;
use larder_core::Result;
use larder_offline_store::{MAX_PARTITIONS, Partitioning};
use tempfile::TempDir;
use uuid::Uuid;

use super::parquet_file::{ParquetFile, TEMPORARY, broken, folder_of, sync_folder};

/// How the name of a folder ends whose files are on their way to their places.
const MOVING: &str = ".moving";

/// What the name of a file ends with, beyond that of its place, while it is in such a folder: Dask looks into hidden folders too,
/// and takes what is called Parquet there.
const ON_ITS_WAY: &str = "part";

/// Files of one write, one in each folder.
pub(super) struct PartitionFiles<'a> {
    target: &'a Path,
    partitioning: Partitioning,
    staged: TempDir,
    files: BTreeMap<String, ParquetFile>,
    /// The name of each of the files.
    name: String,
}

impl<'a> PartitionFiles<'a> {
    /// No file yet, for the folders below `target`, which is there.
    pub(super) fn begin(target: &'a Path, partitioning: Partitioning) -> Result<Self> {
        let staged = tempfile::Builder::new()
            .prefix(TEMPORARY)
            .suffix(".tmp")
            .permissions(Permissions::from_mode(0o777))
            .tempdir_in(target)
            .map_err(|error| broken(target, error))?;
        let name = format!("{}-0.parquet.{ON_ITS_WAY}", Uuid::new_v4().simple());
        Ok(Self { target, partitioning, staged, files: BTreeMap::new(), name })
    }

    pub(super) fn write(&mut self, rows: &RecordBatch) -> Result<()> {
        for (folder, rows) in self.partitioning.split(rows)? {
            self.file(folder)?.write(&rows)?;
        }
        Ok(())
    }

    fn file(&mut self, folder: String) -> Result<&mut ParquetFile> {
        use std::collections::btree_map::Entry;
        let count = self.files.len();
        match self.files.entry(folder) {
            Entry::Occupied(file) => Ok(file.into_mut()),
            Entry::Vacant(_) if count == MAX_PARTITIONS => Err(self.partitioning.too_many()),
            Entry::Vacant(free) => {
                let below = self.staged.path().join(free.key());
                fs::create_dir_all(&below).map_err(|error| broken(&below, error))?;
                let schema = Arc::clone(self.partitioning.schema());
                Ok(free.insert(ParquetFile::beside(&below.join(&self.name), schema)?))
            }
        }
    }

    /// Makes all files durable, then visible.
    pub(super) fn publish(self) -> Result<()> {
        let Self { target, staged, files, .. } = self;
        files.into_values().try_for_each(ParquetFile::publish)?;
        sync_tree(staged.path())?;
        let moving = target.join(format!("{TEMPORARY}{}{MOVING}", Uuid::new_v4().simple()));
        fs::rename(staged.path(), &moving).map_err(|error| broken(&moving, error))?;
        // The name that would be removed is gone.
        let _gone = staged.keep();
        sync_folder(target)?;
        move_files(&moving, target)
    }
}

/// Finishes what writers began that were killed, or are at it.
pub(super) fn finish_moves(target: &Path) -> Result<()> {
    for entry in fs::read_dir(target).map_err(|error| broken(target, error))? {
        let name = entry.map_err(|error| broken(target, error))?.file_name();
        let text = name.to_string_lossy();
        if text.starts_with(TEMPORARY) && text.ends_with(MOVING) {
            move_files(&target.join(&name), target)?;
        }
    }
    Ok(())
}

/// Moves files to their places; others may do the same at the same time.
fn move_files(moving: &Path, target: &Path) -> Result<()> {
    for file in files_below(moving, Path::new(""))? {
        let (from, to) = (moving.join(&file), target.join(place(&file)));
        fs::create_dir_all(folder_of(&to)).map_err(|error| broken(&to, error))?;
        match fs::rename(&from, &to) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::NotFound && is_there(&to)? => {}
            Err(error) => return Err(broken(&to, error)),
        }
        // Each folder may be new, and a name is durable only when its folder is.
        for folder in file.ancestors().skip(1) {
            sync_folder(&target.join(folder))?;
        }
    }
    remove_folders(moving)
}

/// Where a file belongs that was on its way.
fn place(file: &Path) -> PathBuf {
    let is_on_its_way = file.extension().is_some_and(|end| end == ON_ITS_WAY);
    if is_on_its_way { file.with_extension("") } else { file.to_path_buf() }
}

fn is_there(path: &Path) -> Result<bool> {
    path.try_exists().map_err(|error| broken(path, error))
}

/// The files in a folder and the folders in it, by their paths below `root`; none where it is gone.
fn files_below(root: &Path, folder: &Path) -> Result<Vec<PathBuf>> {
    let path = root.join(folder);
    let entries = match fs::read_dir(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|error| broken(&path, error))?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| broken(&path, error))?;
        let below = folder.join(entry.file_name());
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => files.extend(files_below(root, &below)?),
            Ok(_) => files.push(below),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(broken(&path, error)),
        }
    }
    Ok(files)
}

/// Removes a folder and the folders in it, which hold no file any more.
fn remove_folders(folder: &Path) -> Result<()> {
    let removed = match fs::read_dir(folder) {
        Ok(entries) => {
            for entry in entries {
                remove_folders(&entry.map_err(|error| broken(folder, error))?.path())?;
            }
            fs::remove_dir(folder)
        }
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed.map_err(|error| broken(folder, error)),
    }
}

fn sync_tree(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder).map_err(|error| broken(folder, error))? {
        let entry = entry.map_err(|error| broken(folder, error))?;
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            sync_tree(&entry.path())?;
        }
    }
    sync_folder(folder)
}

#[cfg(test)]
mod tests {
    use arrow_array::{ArrayRef, Int64Array};

    use super::*;

    fn rows(numbers: std::ops::Range<i64>) -> RecordBatch {
        let days: ArrayRef = Arc::new(Int64Array::from_iter_values(numbers.clone().map(|n| n % 3)));
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(numbers));
        RecordBatch::try_from_iter([("day", days), ("number", numbers)]).unwrap()
    }

    fn begun(target: &Path) -> PartitionFiles<'_> {
        let by = Partitioning::new(&rows(0..1).schema(), &["day".to_owned()]).unwrap();
        let mut files = PartitionFiles::begin(target, by).unwrap();
        files.write(&rows(0..4)).unwrap();
        files.write(&rows(4..9)).unwrap();
        files
    }

    fn folders(target: &Path) -> Vec<String> {
        let files = files_below(target, Path::new("")).unwrap().into_iter();
        let folder = |file: PathBuf| file.parent().unwrap().display().to_string();
        let mut folders: Vec<String> = files.map(folder).collect();
        folders.sort();
        folders
    }

    #[test]
    fn files_appear_in_the_folders_of_their_values_and_nothing_else_is_left() {
        let target = tempfile::tempdir().unwrap();
        let files = begun(target.path());
        let before = files_below(target.path(), Path::new("")).unwrap();
        assert!(!before.is_empty());
        assert!(before.iter().all(|file| file.extension().is_none_or(|end| end != "parquet")));
        files.publish().unwrap();
        assert_eq!(folders(target.path()), ["day=0", "day=1", "day=2"]);
        drop(begun(target.path()));
        assert_eq!(folders(target.path()).len(), 3, "what is not published is not there");
        assert_eq!(fs::read_dir(target.path()).unwrap().count(), 3);
    }

    #[test]
    fn a_write_that_was_killed_amid_its_moves_is_finished_by_the_next() {
        let target = tempfile::tempdir().unwrap();
        begun(target.path()).publish().unwrap();
        // As after a kill: named, and one of three files is in its place.
        let moving = target.path().join(format!("{TEMPORARY}x{MOVING}"));
        for day in 1..3 {
            let folder = moving.join(format!("day={day}"));
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("other.parquet.part"), "").unwrap();
        }
        fs::write(target.path().join("day=0/other.parquet"), "").unwrap();
        finish_moves(target.path()).unwrap();
        assert_eq!(folders(target.path()), ["day=0", "day=0", "day=1", "day=1", "day=2", "day=2"]);
        let files = files_below(target.path(), Path::new("")).unwrap();
        assert!(files.iter().all(|file| file.extension().is_some_and(|end| end == "parquet")));
        assert!(!is_there(&moving).unwrap());
    }

    #[test]
    fn writers_at_the_same_time_finish_each_others_moves_and_lose_nothing() {
        let target = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..5 {
                        finish_moves(target.path()).unwrap();
                        begun(target.path()).publish().unwrap();
                    }
                });
            }
        });
        assert_eq!(folders(target.path()).len(), 8 * 5 * 3);
        assert_eq!(fs::read_dir(target.path()).unwrap().count(), 3);
    }
}
