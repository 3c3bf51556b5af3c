//! Avro object container files: a header with the schema of the writer, then blocks of values, compressed or not.
//!
//! Values are found without being understood: a [`Shape`] knows how long each is, so that an event of a file is the bytes
//! of one value, as the event of a message is, and what cannot be used is a dead letter here as there.

mod file;
mod header;
mod input;
mod shape;

use std::path::Path;

use larder_core::Result;

pub(crate) use file::ContainerFile;
use header::BlockHead;
pub(crate) use header::{Header, MAGIC};
use input::Input;
pub(crate) use shape::Shape;

/// Longest schema, and longest block, compressed and not.
const MOST_BYTES: usize = 16 << 20;

/// Bytes of the schemas and codecs are bounded once per process, for values in memory too; whoever was first has set the
/// same.
pub(crate) fn limit_allocations() {
    apache_avro::util::max_allocation_bytes(MOST_BYTES);
}

/// Whether a file begins as a container does.
pub(crate) fn is_container(path: &Path) -> std::io::Result<bool> {
    use std::io::Read as _;
    let mut first = Vec::with_capacity(MAGIC.len());
    std::fs::File::open(path)?.take(MAGIC.len() as u64).read_to_end(&mut first)?;
    Ok(first == MAGIC)
}

/// The schema and the bytes of the event of a container that holds one.
///
/// # Errors
/// `Data` for bytes that are no container, or one with another number of events.
pub(crate) fn only_event(container: &[u8]) -> Result<(String, Vec<u8>)> {
    let mut input = Input::new(container);
    let header = Header::read(&mut input)?;
    let mut event = None;
    while let Some(head) = BlockHead::next(&mut input)? {
        let begin = input.at;
        let bytes = header.block(&mut input, head)?;
        match (head.events, &event) {
            (0, _) => {}
            (1, None) => event = Some(bytes),
            _ => return Err(input::damaged(begin, "a message is a container with one event")),
        }
    }
    let event = event.ok_or_else(|| input::damaged(input.at, "there is no event"))?;
    Ok((header.schema, event))
}

#[cfg(test)]
mod tests;
