//! Where a repository's files and environment variables come from. The evaluator does no other IO.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use larder_core::{Error, ErrorKind, Location, Result};
use ruff_python_ast::{Suite, token::TokenKind};
use ruff_python_parser::{Mode, ParseOptions, Parsed, parse_unchecked};
use ruff_source_file::LineIndex;
use ruff_text_size::{Ranged, TextRange, TextSize};

/// Read access to the files of one feature repository.
///
/// Paths are relative to the repository with `/` between parts and without a leading `./`.
pub trait SourceFiles {
    /// Absolute path of the repository, with `/` between parts and none at the end; Python's `__file__` starts with it.
    fn root(&self) -> &str;

    /// Every file of the repository, in any order. Folders that Feast never looks into may be left out.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] when the repository cannot be listed.
    fn list(&self) -> Result<Vec<String>>;

    /// The bytes of one file that [`SourceFiles::list`] named.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is no such file, [`ErrorKind::Unavailable`] when it cannot be read.
    fn read(&self, path: &str) -> Result<Vec<u8>>;
}

/// Environment variables as the repository sees them.
pub trait Environment {
    /// The value of a variable, `None` when it is not set.
    fn variable(&self, name: &str) -> Option<String>;
}

impl Environment for BTreeMap<String, String> {
    fn variable(&self, name: &str) -> Option<String> {
        self.get(name).cloned()
    }
}

/// A repository held in memory, for tests and for repositories that come over the wire.
#[derive(Debug, Clone, Default)]
pub struct MemoryFiles {
    root: String,
    files: BTreeMap<String, Vec<u8>>,
}

impl MemoryFiles {
    /// An empty repository that believes to be at `root`.
    pub fn new(root: impl Into<String>) -> Self {
        Self { root: root.into(), files: BTreeMap::new() }
    }

    /// Adds or replaces a file.
    pub fn with(mut self, path: impl Into<String>, content: impl Into<Vec<u8>>) -> Self {
        self.files.insert(path.into(), content.into());
        self
    }
}

impl SourceFiles for MemoryFiles {
    fn root(&self) -> &str {
        &self.root
    }

    fn list(&self) -> Result<Vec<String>> {
        Ok(self.files.keys().cloned().collect())
    }

    fn read(&self, path: &str) -> Result<Vec<u8>> {
        self.files.get(path).cloned().ok_or_else(|| missing(path))
    }
}

/// A repository in a folder.
#[derive(Debug, Clone)]
pub struct DirectoryFiles {
    folder: PathBuf,
    root: String,
}

/// Folders that never hold definitions; Feast ignores them too, after having walked them.
const SKIPPED_FOLDERS: [&str; 5] =
    [".git", ".venv", "__pycache__", ".pytest_cache", ".ipynb_checkpoints"];

impl DirectoryFiles {
    /// The repository in `folder`.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when the folder does not exist.
    pub fn open(folder: &Path) -> Result<Self> {
        let folder = folder.canonicalize().map_err(|error| {
            Error::new(
                ErrorKind::NotFound,
                format!("feature repository \"{}\" cannot be opened", folder.display()),
            )
            .with_source(error)
        })?;
        let root = folder.to_string_lossy().replace('\\', "/");
        Ok(Self { folder, root })
    }
}

impl SourceFiles for DirectoryFiles {
    fn root(&self) -> &str {
        &self.root
    }

    fn list(&self) -> Result<Vec<String>> {
        let mut files = Vec::new();
        let walk = walkdir::WalkDir::new(&self.folder).into_iter().filter_entry(|entry| {
            !(entry.file_type().is_dir()
                && SKIPPED_FOLDERS.iter().any(|name| entry.file_name() == *name))
        });
        for entry in walk {
            let entry = entry.map_err(|error| {
                Error::new(ErrorKind::Unavailable, "the feature repository cannot be listed")
                    .with_source(error)
            })?;
            let relative = entry.path().strip_prefix(&self.folder).ok();
            if let Some(relative) = relative.filter(|_| !entry.file_type().is_dir()) {
                files.push(relative.to_string_lossy().replace('\\', "/"));
            }
        }
        Ok(files)
    }

    fn read(&self, path: &str) -> Result<Vec<u8>> {
        std::fs::read(self.folder.join(path)).map_err(|error| {
            Error::new(ErrorKind::Unavailable, format!("file \"{path}\" cannot be read"))
                .with_source(error)
        })
    }
}

fn missing(path: &str) -> Error {
    Error::new(ErrorKind::NotFound, format!("file \"{path}\" does not exist"))
}

/// Whether a file name is one of a Python file. Python, like Feast, minds the case.
#[expect(clippy::case_sensitive_file_extension_comparisons, reason = "as Feast's glob")]
pub(super) fn is_python(path: &str) -> bool {
    path.ends_with(".py")
}

/// One Python file, parsed.
pub(crate) struct Source {
    /// Path relative to the repository.
    pub(crate) path: String,
    /// Text with `\n` line ends and without byte order mark, as Python sees it.
    pub(crate) text: String,
    /// Line of the file on which the text starts, from 1; 0 for a text that is the whole file.
    start: u32,
    index: LineIndex,
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Source {
    /// Takes over the bytes of a file.
    pub(crate) fn new(path: &str, bytes: Vec<u8>) -> Result<Self> {
        let text = String::from_utf8(bytes).map_err(|error| {
            Error::invalid(format!("file \"{path}\" is not UTF-8 text")).with_source(error)
        })?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let index = LineIndex::from_source_text(&text);
        Ok(Self { path: path.to_owned(), index, text, start: 0 })
    }

    /// Python text that stands inside another file, whose first line is this place.
    pub(crate) fn inside(place: &Location, text: &str) -> Self {
        let (path, text) = (place.file.clone(), text.to_owned());
        Self { path, index: LineIndex::from_source_text(&text), text, start: place.line }
    }

    /// The place of an offset, line and column from 1. The column inside a part of a file is not known.
    pub(crate) fn location(&self, offset: TextSize) -> Location {
        let place = self.index.line_column(offset, &self.text);
        let line = u32::try_from(place.line.get()).unwrap_or(u32::MAX);
        let column = u32::try_from(place.column.get()).unwrap_or(u32::MAX);
        let (line, column) = match self.start {
            0 => (line, column),
            start => (line.saturating_add(start - 1), 0),
        };
        Location { file: self.path.clone(), line, column }
    }

    /// Line of an offset, from 0.
    pub(crate) fn line(&self, offset: TextSize) -> usize {
        self.index.line_index(offset).to_zero_indexed()
    }

    /// The text of a range.
    pub(crate) fn slice(&self, range: TextRange) -> &str {
        &self.text[range]
    }
}

/// How deep expressions may nest; Python itself gives up at about 100 parentheses.
const MAX_NESTING: usize = 400;

/// Parses a file.
///
/// # Errors
/// [`ErrorKind::Invalid`] with the place of the first syntax error, or of an expression nested too deeply.
pub(crate) fn parse(source: &Source) -> Result<Suite> {
    let parsed = parse_unchecked(&source.text, ParseOptions::from(Mode::Module));
    if let Some(offset) = nested_too_deeply(&parsed) {
        drop_deep(parsed);
        return Err(Error::unsupported("the code is nested too deeply")
            .with_hint("split the expression into several statements")
            .with_location(source.location(offset)));
    }
    if let Some(error) = parsed.errors().first() {
        return Err(Error::invalid(format!("syntax error: {}", error.error))
            .with_location(source.location(error.location.start())));
    }
    Ok(parsed.try_into_module().map(Parsed::into_suite).unwrap_or_default())
}

/// Frees a syntax tree that may be too deep for the present stack: dropping it recurses.
fn drop_deep<T>(parsed: Parsed<T>) {
    let room = parsed.tokens().len().saturating_mul(1024).clamp(1 << 20, 1 << 31);
    stacker::grow(room, move || drop(parsed));
}

/// Offset of the first token at which an upper bound of the syntax tree's depth passes the limit.
///
/// Every operator may add a level until the next comma or line end in the same bracket, and every
/// open bracket or block adds one.
fn nested_too_deeply<T>(parsed: &Parsed<T>) -> Option<TextSize> {
    let mut levels: Vec<usize> = vec![0];
    let mut depth = 0;
    for token in parsed.tokens() {
        match token.kind() {
            TokenKind::Lpar | TokenKind::Lsqb | TokenKind::Lbrace | TokenKind::Indent => {
                if let Some(level) = levels.last_mut() {
                    *level += 1;
                }
                levels.push(0);
                depth += 1;
            }
            TokenKind::Rpar | TokenKind::Rsqb | TokenKind::Rbrace | TokenKind::Dedent => {
                if levels.len() > 1 {
                    depth -= levels.pop().unwrap_or(0);
                }
            }
            TokenKind::Comma | TokenKind::Newline | TokenKind::Semi => {
                if let Some(level) = levels.last_mut() {
                    depth -= std::mem::take(level);
                }
            }
            kind if adds_no_depth(kind) => {}
            _ => {
                if let Some(level) = levels.last_mut() {
                    *level += 1;
                }
                depth += 1;
            }
        }
        if depth > MAX_NESTING {
            return Some(token.start());
        }
    }
    None
}

fn adds_no_depth(kind: TokenKind) -> bool {
    matches!(
        kind,
        TokenKind::Name
            | TokenKind::Int
            | TokenKind::Float
            | TokenKind::Complex
            | TokenKind::String
            | TokenKind::FStringStart
            | TokenKind::FStringMiddle
            | TokenKind::FStringEnd
            | TokenKind::Comment
            | TokenKind::NonLogicalNewline
            | TokenKind::EndOfFile
            | TokenKind::Equal
    )
}
