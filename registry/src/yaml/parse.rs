//! Text to tree.

use larder_core::{Error, Location, Result};

use super::node::{Node, RawNode};

/// The tree of a file with one document; `None` when it is empty. `file` is its name in errors.
///
/// # Errors
/// `Invalid` with the line for anything that is not YAML, and for a second document.
pub(crate) fn parse_document(file: &str, text: &str) -> Result<Option<Node>> {
    let mut documents = parse_documents(file, text)?;
    if documents.len() > 1 {
        return Err(Error::invalid("expected one YAML document, found several")
            .with_location(Location { file: file.to_owned(), line: 1, column: 0 }));
    }
    Ok(documents.pop())
}

/// The trees of a file with any number of documents, empty ones left out.
///
/// # Errors
/// `Invalid` with the line for anything that is not YAML.
pub(crate) fn parse_documents(file: &str, text: &str) -> Result<Vec<Node>> {
    // `yes`, `n` ... stay text: the reader of a boolean accepts YAML 1.1's words, the reader of a name wants text.
    let options = serde_saphyr::options! { strict_booleans: true, with_snippet: false };
    let raw: Vec<RawNode> = serde_saphyr::from_multiple_with_options(text, options)
        .map_err(|error| syntax_error(file, &error))?;
    Ok(raw.into_iter().map(|node| node.into_node(file)).collect())
}

fn syntax_error(file: &str, error: &serde_saphyr::Error) -> Error {
    let message = error.without_snippet().to_string();
    let first_line = message.lines().next().unwrap_or_default().trim_end_matches('.');
    let result = Error::invalid(format!("not valid YAML: {first_line}"));
    match error.location() {
        Some(place) => result.with_location(Location {
            file: file.to_owned(),
            line: u32::try_from(place.line()).unwrap_or(u32::MAX),
            column: u32::try_from(place.column()).unwrap_or(u32::MAX),
        }),
        None => result.with_location(Location { file: file.to_owned(), line: 1, column: 0 }),
    }
}
