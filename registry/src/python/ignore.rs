//! Which files of a repository are loaded: `.feastignore` and Feast's own exceptions.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use larder_core::{Error, Result};

use super::source::{SourceFiles, is_python};

/// Ignored by Feast whatever `.feastignore` says.
const ALWAYS_IGNORED: [&str; 6] = [
    ".git",
    ".feastignore",
    ".venv",
    "**/.ipynb_checkpoints",
    "**/.pytest_cache",
    "**/__pycache__",
];

/// Name of the file that lists what to ignore, in the repository's root only.
pub const IGNORE_FILE: &str = ".feastignore";

/// What a repository asks to be left out.
#[derive(Debug)]
pub struct IgnoreRules {
    set: GlobSet,
}

impl IgnoreRules {
    /// Reads `.feastignore` of the repository, if it has one.
    ///
    /// One path or glob (`*`, `**`) per line, relative to the root; `#` starts a comment; a folder
    /// stands for everything below it.
    ///
    /// # Errors
    /// [`larder_core::ErrorKind::Invalid`] for a pattern that cannot be understood.
    pub fn read(files: &dyn SourceFiles, listing: &[String]) -> Result<Self> {
        let mut patterns: Vec<String> = ALWAYS_IGNORED.map(str::to_owned).to_vec();
        if listing.iter().any(|path| path == IGNORE_FILE) {
            let text = String::from_utf8_lossy(&files.read(IGNORE_FILE)?).into_owned();
            patterns.extend(text.lines().filter_map(pattern));
        }
        Self::new(&patterns)
    }

    fn new(patterns: &[String]) -> Result<Self> {
        let mut builder = GlobSetBuilder::new();
        for pattern in patterns {
            for glob in [pattern.clone(), format!("{pattern}/**")] {
                let glob = GlobBuilder::new(&glob).literal_separator(true).build();
                builder.add(glob.map_err(|error| bad_pattern(pattern, error))?);
            }
        }
        let set = builder.build().map_err(|error| bad_pattern("", error))?;
        Ok(Self { set })
    }

    /// Whether the file is left out.
    pub fn ignores(&self, path: &str) -> bool {
        self.set.is_match(path)
    }
}

fn pattern(line: &str) -> Option<String> {
    let line = line.split('#').next().unwrap_or_default().trim();
    let line = line.trim_start_matches("./").trim_end_matches('/');
    (!line.is_empty()).then(|| line.to_owned())
}

fn bad_pattern(pattern: &str, error: globset::Error) -> Error {
    Error::invalid(format!("{IGNORE_FILE}: the pattern \"{pattern}\" cannot be understood"))
        .with_source(error)
}

/// The Python files that Feast would import, in its order: sorted by path, without `__init__.py`.
///
/// Feast sorts `Path` objects, which compares part by part.
///
/// # Errors
/// What listing the repository or reading `.feastignore` returns.
pub fn repository_files(files: &dyn SourceFiles) -> Result<Vec<String>> {
    let listing = files.list()?;
    let rules = IgnoreRules::read(files, &listing)?;
    let mut selected: Vec<String> = listing
        .into_iter()
        .filter(|path| {
            let name = path.rsplit('/').next().unwrap_or(path);
            is_python(name) && name != "__init__.py" && !rules.ignores(path)
        })
        .collect();
    selected.sort_by(|left, right| left.split('/').cmp(right.split('/')));
    Ok(selected)
}

#[cfg(test)]
mod tests {
    use super::super::source::MemoryFiles;
    use super::*;

    fn selected(ignore: &str, paths: &[&str]) -> Vec<String> {
        let files = paths.iter().fold(MemoryFiles::new("/r"), |files, path| files.with(*path, ""));
        repository_files(&files.with(IGNORE_FILE, ignore)).unwrap()
    }

    #[test]
    fn ignored_files_and_folders_are_left_out() {
        let paths =
            ["a.py", "sub/b.py", "sub/deep/c.py", "scratch/broken.py", "x_test.py", "note.txt"];
        let table: &[(&str, &[&str])] = &[
            ("", &["a.py", "scratch/broken.py", "sub/b.py", "sub/deep/c.py", "x_test.py"]),
            ("scratch\n", &["a.py", "sub/b.py", "sub/deep/c.py", "x_test.py"]),
            ("scratch/ # half done\n*_test.py", &["a.py", "sub/b.py", "sub/deep/c.py"]),
            ("# a.py\nsub/**", &["a.py", "scratch/broken.py", "x_test.py"]),
            ("**/c.py", &["a.py", "scratch/broken.py", "sub/b.py", "x_test.py"]),
            ("*.py", &["scratch/broken.py", "sub/b.py", "sub/deep/c.py"]),
        ];
        for (ignore, expected) in table {
            assert_eq!(selected(ignore, &paths), *expected, "{ignore:?}");
        }
    }

    #[test]
    fn environments_caches_and_package_files_are_never_definitions() {
        let paths =
            ["__init__.py", "p/__init__.py", ".venv/lib/a.py", "p/__pycache__/m.py", "p/m.py"];
        assert_eq!(selected("", &paths), ["p/m.py"]);
    }
}
