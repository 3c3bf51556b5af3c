//! The text files of the tree, without build output.

use std::path::Path;

use anyhow::{Context as _, Result};

/// Folders that hold no source of ours.
const SKIPPED: [&str; 5] = [".git", "target", ".venv", "__pycache__", "node_modules"];

/// Larger files are data, not text to check.
const LARGEST: u64 = 4 << 20;

/// One text file.
#[derive(Debug, Clone)]
pub(crate) struct File {
    /// Path from the root, with `/`.
    pub(crate) path: String,
    /// Its text.
    pub(crate) text: String,
}

impl File {
    /// The file name.
    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// Whether it is Rust.
    pub(crate) fn is_rust(&self) -> bool {
        Path::new(&self.path).extension().is_some_and(|extension| extension == "rs")
    }

    /// Whether a generator wrote it.
    pub(crate) fn is_generated(&self) -> bool {
        self.path.split('/').any(|folder| folder == "generated")
    }

    /// Whether it is recorded test data: bytes of others, kept as they came.
    pub(crate) fn is_recorded(&self) -> bool {
        self.path.starts_with("tests/vectors/")
    }
}

/// All text files below the root, sorted by path.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    files: Vec<File>,
}

impl Tree {
    /// Reads every UTF-8 file of moderate size.
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let mut files = Vec::new();
        collect(root, "", &mut files)?;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Self { files })
    }

    /// A tree made of (path, text) pairs.
    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let files = files
            .iter()
            .map(|(path, text)| File { path: (*path).to_owned(), text: (*text).to_owned() })
            .collect();
        Self { files }
    }

    /// The files.
    pub(crate) fn files(&self) -> &[File] {
        &self.files
    }

    /// The Rust files that people wrote.
    pub(crate) fn rust(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.is_rust() && !file.is_generated())
    }
}

fn collect(folder: &Path, prefix: &str, files: &mut Vec<File>) -> Result<()> {
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        let kind = entry.file_type()?;
        if kind.is_dir() && !SKIPPED.contains(&name.as_str()) {
            collect(&entry.path(), &format!("{path}/"), files)?;
        } else if kind.is_file() && entry.metadata()?.len() <= LARGEST {
            // What is not UTF-8 is no source text.
            if let Ok(text) = String::from_utf8(std::fs::read(entry.path())?) {
                files.push(File { path, text });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn build_output_and_binary_files_are_left_out() {
        let root = tempfile::tempdir().unwrap();
        for folder in ["target", "core/src"] {
            std::fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        std::fs::write(root.path().join("target/x.rs"), "x").unwrap();
        std::fs::write(root.path().join("core/src/lib.rs"), "x").unwrap();
        std::fs::write(root.path().join("data.bin"), [0xff, 0xfe]).unwrap();
        let tree = Tree::read(root.path()).unwrap();
        let paths: Vec<&str> = tree.files().iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, ["core/src/lib.rs"]);
    }
}
