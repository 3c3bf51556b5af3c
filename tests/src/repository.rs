//! Feature repositories in fresh folders.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::{Feast, Fs};

/// A feature repository that disappears with the test.
#[derive(Debug)]
pub struct Repository {
    folder: TempDir,
    below: PathBuf,
}

impl Repository {
    /// An empty folder.
    ///
    /// # Panics
    /// When no temporary folder can be made.
    pub fn empty() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder"), below: PathBuf::new() }
    }

    /// A repository with these files (path, text).
    pub fn with(files: &[(&str, &str)]) -> Self {
        let repository = Self::empty();
        for (path, text) in files {
            repository.write(path, text);
        }
        repository
    }

    /// A copy of a folder of this workspace, such as `feature_repo`.
    pub fn copy_of(folder: &str) -> Self {
        let repository = Self::empty();
        copy(&Self::workspace().join(folder), &repository.path());
        repository
    }

    /// The e-commerce repository with a store section of the caller and generated input files.
    ///
    /// `online_store` is YAML, e.g. `online_store: {type: sqlite, path: data/online.db}`.
    pub fn shop(feast: &Feast, online_store: &str) -> Self {
        let repository = Self::copy_of("feature_repo");
        feast.script("shop_data.py", &[&repository.file("data")]);
        let settings = repository.read("feature_store.yaml");
        repository.write("feature_store.yaml", format!("{settings}\n{online_store}\n"));
        repository
    }

    /// The same files, with a folder of theirs as the repository.
    pub fn subfolder(self, below: &str) -> Self {
        Self { below: self.below.join(below), folder: self.folder }
    }

    /// Its folder.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join(&self.below)
    }

    /// The path of a file in it, as text.
    ///
    /// # Panics
    /// When the temporary folder's path is not UTF-8.
    pub fn file(&self, name: &str) -> String {
        let path = self.path().join(name);
        path.to_str().expect("temporary paths are UTF-8").to_owned()
    }

    /// `fs` in this folder.
    pub fn fs(&self) -> Fs {
        Fs::in_repository(&self.path())
    }

    /// Writes a file, with its folders.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path().join(name);
        let folder = path.parent().expect("a file in a repository has a folder");
        fs::create_dir_all(folder).expect("folders can be made");
        fs::write(&path, text).expect("the file can be written");
    }

    /// Reads a text file.
    ///
    /// # Panics
    /// When it cannot be read.
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path().join(name)).expect("the file can be read")
    }

    /// Every file below the folder with its bytes, sorted by path: to see that nothing changed.
    pub fn contents(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files = Vec::new();
        collect(&self.path(), &mut files);
        files.sort();
        files
    }

    /// The root of this workspace.
    ///
    /// # Panics
    /// Never: this crate's folder has a parent.
    pub fn workspace() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ has a parent").to_path_buf()
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("folders can be made");
    for entry in fs::read_dir(from).unwrap_or_else(|error| panic!("{}: {error}", from.display())) {
        let entry = entry.expect("the folder can be listed");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("entries have a type").is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("files can be copied");
        }
    }
}

fn collect(folder: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in fs::read_dir(folder).expect("the folder can be listed") {
        let path = entry.expect("the folder can be listed").path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            let bytes = fs::read(&path).expect("files can be read");
            files.push((path, bytes));
        }
    }
}
