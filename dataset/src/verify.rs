//! Whether a data set is what its manifest says, and could be made again.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use larder_core::{Error, Result};
use serde::Serialize;

use crate::compare::{Change, definition_changes};
use crate::write::hashed;
use crate::{Definitions, EntityOrigin, File, MANIFEST, Manifest, Source, SourceFile};

/// What the names of a manifest mean now, or why they mean nothing any more.
#[derive(Debug)]
pub struct Kept {
    /// The definitions of the same request.
    pub definitions: Result<Definitions>,
    /// Per source of the manifest its files.
    pub sources: BTreeMap<String, Result<Vec<SourceFile>>>,
    /// The file of the entity rows, where they came from one.
    pub entity_file: Option<Result<SourceFile>>,
}

/// Something that is not what the manifest says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What it is about: `file`, `definition`, `source`, `entity_rows` or `column`.
    pub about: &'static str,
    /// The file, view or source.
    pub name: String,
    /// What is wrong.
    pub problem: String,
}

impl Finding {
    /// A column that came out otherwise when it was made again.
    pub fn of_rebuild(column: &str) -> Self {
        Self::new("column", column, "has other values when it is made again")
    }

    fn new(about: &'static str, name: &str, problem: impl Into<String>) -> Self {
        Self { about, name: name.to_owned(), problem: problem.into() }
    }
}

/// Compares a data set with its manifest, and the manifest with what there is now.
///
/// Without findings the same request gives the same data set.
///
/// # Errors
/// `Unavailable` when the folder cannot be read.
pub fn findings(folder: &Path, manifest: &Manifest, now: &Kept) -> Result<Vec<Finding>> {
    let mut found = files(folder, manifest)?;
    found.extend(definitions(manifest, now));
    for source in &manifest.sources {
        source_findings(source, now, &mut found);
    }
    match &manifest.entity_rows.from {
        EntityOrigin::File(file) => entity_file(file, now, &mut found),
        EntityOrigin::Query { sources, .. } => {
            for source in sources {
                source_findings(source, now, &mut found);
            }
        }
        EntityOrigin::Json(_) | EntityOrigin::Window { .. } => {}
    }
    Ok(found)
}

fn files(folder: &Path, manifest: &Manifest) -> Result<Vec<Finding>> {
    let mut found = Vec::new();
    for file in &manifest.files {
        match fs::File::open(folder.join(&file.path)).and_then(hashed) {
            Ok(now) => found.extend(file_problem(file, &now)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                found.push(Finding::new("file", &file.path, "is missing"));
            }
            Err(error) => return Err(unreadable(&folder.join(&file.path), error)),
        }
    }
    let mut there = Vec::new();
    list(folder, "", &mut there).map_err(|error| unreadable(folder, error))?;
    let known = |path: &String| path == MANIFEST || manifest.files.iter().any(|f| f.path == *path);
    let unknown = there.iter().filter(|path| !known(path));
    found.extend(unknown.map(|path| Finding::new("file", path, "is not of the data set")));
    Ok(found)
}

fn file_problem(file: &File, (size, sha256): &(u64, String)) -> Option<Finding> {
    let problem = if file.size != *size {
        format!("has {size} bytes and had {}", file.size)
    } else if file.sha256 != *sha256 {
        "has other bytes".to_owned()
    } else {
        return None;
    };
    Some(Finding::new("file", &file.path, problem))
}

fn list(folder: &Path, prefix: &str, found: &mut Vec<String>) -> std::io::Result<()> {
    let mut entries = fs::read_dir(folder)?.collect::<std::io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            list(&entry.path(), &format!("{path}/"), found)?;
        } else {
            found.push(path);
        }
    }
    Ok(())
}

fn definitions(manifest: &Manifest, now: &Kept) -> Vec<Finding> {
    match &now.definitions {
        Err(error) => vec![Finding::new("definition", &manifest.project, error.to_string())],
        Ok(now) => definition_changes(&manifest.definitions, now)
            .into_iter()
            .map(|(view, changes)| Finding::new("definition", &view, Change::list(&changes)))
            .collect(),
    }
}

fn source_findings(source: &Source, now: &Kept, found: &mut Vec<Finding>) {
    let problem = match now.sources.get(&source.name) {
        None => Some("is gone".to_owned()),
        Some(Err(error)) => Some(error.to_string()),
        Some(Ok(files)) => file_changes(&source.files, files),
    };
    found.extend(problem.map(|problem| Finding::new("source", &source.name, problem)));
}

fn entity_file(file: &SourceFile, now: &Kept, found: &mut Vec<Finding>) {
    let problem = match &now.entity_file {
        None => None,
        Some(Err(error)) => Some(error.to_string()),
        Some(Ok(now)) => file_changes(std::slice::from_ref(file), std::slice::from_ref(now)),
    };
    found.extend(problem.map(|problem| Finding::new("entity_rows", &file.path, problem)));
}

/// What became of files, in words; `None` when they are the same.
pub(crate) fn file_changes(then: &[SourceFile], now: &[SourceFile]) -> Option<String> {
    let by_path = |files: &[SourceFile]| -> BTreeMap<String, SourceFile> {
        files.iter().map(|file| (file.path.clone(), file.clone())).collect()
    };
    let (then, now) = (by_path(then), by_path(now));
    let mut words = Vec::new();
    for (path, file) in &then {
        match now.get(path) {
            None => words.push(format!("{path} is gone")),
            Some(other) if other.size != file.size => {
                words.push(format!("{path} has {} bytes and had {}", other.size, file.size));
            }
            Some(other) if other.etag != file.etag => {
                words.push(format!(
                    "{path} was written anew ({} and was {})",
                    other.etag, file.etag
                ));
            }
            Some(_) => {}
        }
    }
    words
        .extend(now.keys().filter(|p| !then.contains_key(*p)).map(|path| format!("{path} is new")));
    let more = words.len().saturating_sub(SHOWN);
    words.truncate(SHOWN);
    if more > 0 {
        words.push(format!("and {more} more files"));
    }
    (!words.is_empty()).then(|| words.join(", "))
}

/// Files that are named.
const SHOWN: usize = 3;

fn unreadable(path: &Path, error: std::io::Error) -> Error {
    Error::new(larder_core::ErrorKind::Unavailable, format!("cannot read {}", path.display()))
        .with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, size: u64, etag: &str) -> SourceFile {
        SourceFile { path: path.to_owned(), size, etag: etag.to_owned() }
    }

    #[test]
    fn files_that_come_go_grow_or_are_written_anew_are_told_apart() {
        let then = [file("a", 1, "x"), file("b", 1, "x"), file("c", 1, "x"), file("d", 1, "x")];
        let now = [file("a", 1, "x"), file("b", 2, "y"), file("c", 1, "y")];
        let words = file_changes(&then, &now).unwrap();
        assert_eq!(words, "b has 2 bytes and had 1, c was written anew (y and was x), d is gone");
        assert_eq!(file_changes(&then, &then), None);
        assert_eq!(file_changes(&[], &now[..1]).unwrap(), "a is new");
    }
}
