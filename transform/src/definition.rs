//! What is compiled: the text of a view's computation and the columns on both sides of it.

use larder_core::{Error, Location, Result, ValueType};

/// Longest text of one computation, in bytes.
pub const MAX_SOURCE_BYTES: usize = 256 * 1024;

/// Deepest nesting of brackets in a text.
const MAX_NESTING: usize = 100;

/// Language of a computation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Feast's `mode="python"`: a dict of columns (or of scalars, if `singleton`) in and out.
    Python,
    /// Feast's `mode="pandas"`: a `DataFrame` in and out.
    Pandas,
    /// One SQL expression per output; the text is a JSON object of output name to expression.
    Sql,
}

/// Where a text comes from, for messages.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Source {
    /// The text.
    pub text: String,
    /// File as the user knows it; empty when unknown.
    pub file: String,
    /// Line of the file in which the text starts, from 1; 0 counts as 1.
    pub first_line: u32,
}

impl Source {
    /// A place in the text as a place in the file; `line` and `column` count from 1.
    pub(crate) fn location(&self, line: usize, column: usize) -> Location {
        let line = u32::try_from(line).unwrap_or(u32::MAX);
        Location {
            file: if self.file.is_empty() { "<function>".to_owned() } else { self.file.clone() },
            line: line.saturating_add(self.first_line.max(1) - 1),
            column: u32::try_from(column).unwrap_or(u32::MAX),
        }
    }

    /// Refuses texts that only an attacker writes, before a recursive parser sees them.
    pub(crate) fn check_limits(&self) -> Result<()> {
        if self.text.len() > MAX_SOURCE_BYTES {
            return Err(Error::invalid(format!(
                "the text is longer than {MAX_SOURCE_BYTES} bytes"
            ))
            .with_location(self.location(1, 0)));
        }
        let mut depth = 0_usize;
        for (number, line) in self.text.lines().enumerate() {
            for letter in line.bytes() {
                match letter {
                    b'(' | b'[' | b'{' => depth += 1,
                    b')' | b']' | b'}' => depth = depth.saturating_sub(1),
                    _ => {}
                }
                if depth > MAX_NESTING {
                    return Err(Error::invalid(format!("brackets nest deeper than {MAX_NESTING}"))
                        .with_location(self.location(number + 1, 0)));
                }
            }
        }
        Ok(())
    }
}

/// A named, typed column.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Column {
    /// Name.
    pub name: String,
    /// Feast's type; [`ValueType::arrow_type`] is the type of its arrays.
    pub value_type: ValueType,
}

impl Column {
    /// A column.
    pub fn new(name: impl Into<String>, value_type: ValueType) -> Self {
        Self { name: name.into(), value_type }
    }
}

/// Everything the compiler needs to know about a view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// Name of the view, for messages.
    pub view: String,
    /// Language of the text.
    pub mode: Mode,
    /// Python only: the function sees one row of scalars and returns scalars.
    pub singleton: bool,
    /// Name of the function in the text; empty means the first one (Feast 0.67 does so too).
    pub function: String,
    /// The text: a function with its decorators, or a JSON object of expressions.
    pub source: Source,
    /// Columns that the computation may read.
    pub inputs: Vec<Column>,
    /// Columns that it must produce, in this order.
    pub outputs: Vec<Column>,
}
