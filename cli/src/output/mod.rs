//! How results look: plain tables, YAML descriptions, JSON.

mod describe;
mod table;
mod tree;

pub(crate) use describe::yaml;
pub(crate) use table::{Cell, Table};
pub(crate) use tree::Tree;

use std::io::Write as _;

use clap::ValueEnum;
use larder_core::{Error, ErrorKind, Result};
use serde_json::Value;

/// How a table is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum OutputFormat {
    /// Columns padded with blanks, as Feast prints them.
    #[default]
    Table,
    /// A JSON array of objects, or one object.
    Json,
}

/// Writes one line to standard output; a reader that went away (`fs ... | head`) ends the output quietly.
///
/// # Errors
/// `Unavailable` when standard output cannot be written for another reason.
pub(crate) fn line(text: impl AsRef<str>) -> Result<()> {
    match writeln!(anstream::stdout().lock(), "{}", text.as_ref()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::new(ErrorKind::Unavailable, "cannot write to standard output")
                .with_source(error))
        }
        _ => Ok(()),
    }
}

/// Prints JSON with this indent; Feast uses 4 for features and 2 for dumps.
///
/// # Errors
/// As [`line`].
pub(crate) fn json(value: &Value, indent: usize) -> Result<()> {
    line(json_text(value, indent))
}

fn json_text(value: &Value, indent: usize) -> String {
    let blanks = " ".repeat(indent);
    let formatter = serde_json::ser::PrettyFormatter::with_indent(blanks.as_bytes());
    let mut bytes = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, formatter);
    serde::Serialize::serialize(value, &mut serializer).expect("a JSON value can be written");
    String::from_utf8(bytes).expect("JSON is UTF-8")
}

/// Prints a table as text or JSON.
///
/// # Errors
/// As [`line`].
pub(crate) fn table(table: &Table, format: OutputFormat) -> Result<()> {
    match format {
        OutputFormat::Table => line(table.to_text()),
        OutputFormat::Json => json(&table.to_json(), 2),
    }
}

/// Prints one object as YAML, followed by a blank line as Feast does, or as JSON.
///
/// # Errors
/// As [`line`].
pub(crate) fn object(value: &Value, format: OutputFormat) -> Result<()> {
    match format {
        OutputFormat::Table => line(yaml(value)),
        OutputFormat::Json => json(value, 2),
    }
}
