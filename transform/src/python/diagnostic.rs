//! Errors that point at a place in the user's text.

use larder_core::{Error, Result};
use ruff_python_ast::Mod;
use ruff_python_parser::{ParseOptions, Parsed, parse_unchecked};
use ruff_source_file::LineIndex;
use ruff_text_size::{TextRange, TextSize};

use crate::definition::Source;

/// A text with its lines counted. Text that is indented as a whole is moved to the left.
#[derive(Debug)]
pub(crate) struct Script {
    source: Source,
    text: String,
    lines: LineIndex,
    indent: usize,
}

impl Script {
    pub(crate) fn new(source: &Source) -> Result<Self> {
        source.check_limits()?;
        let text = source.text.replace("\r\n", "\n");
        let margin = text
            .lines()
            .find(|line| !line.trim().is_empty())
            .map_or(0, |line| line.len() - line.trim_start_matches([' ', '\t']).len());
        let text = if margin == 0 { text } else { dedent(&text, margin) };
        let lines = LineIndex::from_source_text(&text);
        Ok(Self { source: source.clone(), text, lines, indent: margin })
    }

    /// Parses the text as a module.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](larder_core::ErrorKind::Invalid) at the first syntax error.
    pub(crate) fn parse(&self) -> Result<Parsed<Mod>> {
        let parsed =
            parse_unchecked(&self.text, ParseOptions::from(ruff_python_parser::Mode::Module));
        match parsed.errors().first() {
            None => Ok(parsed),
            Some(error) => Err(self.at(
                error.location.start(),
                Error::invalid(format!("syntax error: {}", error.error)),
            )),
        }
    }

    fn at(&self, offset: TextSize, error: Error) -> Error {
        let place = self.lines.line_column(offset, &self.text);
        error
            .with_location(self.source.location(place.line.get(), place.column.get() + self.indent))
    }

    /// Valid Python that the compiler does not know.
    pub(crate) fn unsupported(
        &self,
        at: TextRange,
        construct: impl std::fmt::Display,
        hint: &str,
    ) -> Error {
        let error = Error::unsupported(format!("{construct} cannot be compiled")).with_hint(hint);
        self.at(at.start(), error)
    }

    /// Python that raises whatever the row holds, or that contradicts the view's definition.
    pub(crate) fn wrong(&self, at: TextRange, message: impl Into<String>) -> Error {
        self.at(at.start(), Error::invalid(message))
    }
}

fn dedent(text: &str, margin: usize) -> String {
    let strip = |line: &str| {
        let blank = line.len() - line.trim_start_matches([' ', '\t']).len();
        line[blank.min(margin)..].to_owned()
    };
    let mut text: String = text.lines().map(strip).collect::<Vec<_>>().join("\n");
    text.push('\n');
    text
}
