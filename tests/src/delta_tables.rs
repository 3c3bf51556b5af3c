//! The recorded Delta tables.

use std::fs;
use std::path::Path;

use crate::Repository;

/// The files of a table of `tests/vectors/delta` with their paths there, then its rows as one Parquet file.
///
/// # Panics
/// When there is no such table.
pub fn delta_tables(name: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Repository::workspace().join("tests/vectors/delta");
    let mut files = Vec::new();
    walk(&folder, &folder.join(name), &mut files);
    walk(&folder, &folder.join(format!("{name}.parquet")), &mut files);
    files
}

fn walk(root: &Path, path: &Path, files: &mut Vec<(String, Vec<u8>)>) {
    if path.is_dir() {
        for entry in fs::read_dir(path).expect("a folder can be listed") {
            walk(root, &entry.expect("an entry can be read").path(), files);
        }
        return;
    }
    let relative = path.strip_prefix(root).ok().and_then(Path::to_str);
    let relative = relative.expect("recorded paths are UTF-8").to_owned();
    files.push((relative, fs::read(path).expect("a recorded file can be read")));
}
