//! Containers on the disk, event by event.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

use larder_core::{Error, ErrorKind, Result};

use super::header::BlockHead;
use super::input::damaged;
use super::{Header, Input, Shape};
use crate::source::RawEvents;

/// Room for reading ahead.
const BUFFER: usize = 256 << 10;

/// A container that is read. The number of an event is how many are before it in the file.
#[derive(Debug)]
pub(crate) struct ContainerFile {
    input: Input<BufReader<File>>,
    header: Arc<Header>,
    shape: Shape,
    block: Block,
    next: u64,
}

/// The events of a block.
#[derive(Debug, Default)]
struct Block {
    /// Its first byte in the file.
    begin: u64,
    bytes: Vec<u8>,
    /// Bytes of the events that were read.
    read: usize,
    /// Events that were not read.
    left: u64,
}

impl ContainerFile {
    /// The container at this path, to be read from this event on, or from its end; with the number of the event that is.
    ///
    /// Blocks before are passed over as they are.
    ///
    /// # Errors
    /// `Data` for one that is damaged, `Unsupported` for an unknown codec, `Unavailable` when it cannot be read.
    pub(crate) fn open(path: &Path, event: u64) -> Result<(Box<Self>, u64)> {
        let file = File::open(path).map_err(|error| {
            Error::new(ErrorKind::Unavailable, "cannot be opened").with_source(error)
        })?;
        let mut input = Input::new(BufReader::with_capacity(BUFFER, file));
        let header = Header::read(&mut input)?;
        let shape = Shape::parse(&header.schema)?;
        let header = Arc::new(header);
        let mut file = Self { input, header, shape, block: Block::default(), next: 0 };
        file.pass_to(event)?;
        let next = file.next;
        Ok((Box::new(file), next))
    }

    fn pass_to(&mut self, event: u64) -> Result<()> {
        while self.next < event {
            let begin = self.input.at;
            let Some(head) = BlockHead::next(&mut self.input)? else { break };
            if self.next.saturating_add(head.events) <= event {
                self.header.pass(&mut self.input, head)?;
                self.next += head.events;
                continue;
            }
            let bytes = self.header.block(&mut self.input, head)?;
            self.block = Block { begin, bytes, read: 0, left: head.events };
            while self.next < event {
                self.block.next(&self.shape)?;
                self.next += 1;
            }
        }
        Ok(())
    }

    /// Reads up to so many events; answers whether the file has ended.
    pub(crate) fn read(&mut self, most: usize, events: &mut RawEvents) -> Result<bool> {
        events.set_container(Arc::clone(&self.header));
        while events.len() < most {
            if self.block.left == 0 {
                self.block.end()?;
                let begin = self.input.at;
                let Some(head) = BlockHead::next(&mut self.input)? else { return Ok(true) };
                let bytes = self.header.block(&mut self.input, head)?;
                self.block = Block { begin, bytes, read: 0, left: head.events };
                continue;
            }
            events.push(self.block.next(&self.shape)?, self.next);
            self.next += 1;
        }
        Ok(false)
    }

    /// The number of the event that comes next.
    pub(crate) fn next_event(&self) -> u64 {
        self.next
    }

    /// The first byte of the block that the next event is in, or the end of the file.
    pub(crate) fn begin(&self) -> u64 {
        if self.block.left > 0 { self.block.begin } else { self.input.at }
    }
}

impl Block {
    /// The bytes of the next event.
    fn next(&mut self, shape: &Shape) -> Result<&[u8]> {
        let rest = &self.bytes[self.read..];
        let len = shape.len(rest).map_err(|reason| self.damaged(&reason))?;
        // An event without bytes could be there any number of times.
        if len == 0 {
            return Err(self.damaged("an event has no bytes"));
        }
        self.read += len;
        self.left -= 1;
        Ok(&rest[..len])
    }

    /// Makes sure that nothing is left.
    fn end(&self) -> Result<()> {
        match self.bytes.len() - self.read {
            0 => Ok(()),
            more => Err(self.damaged(&format!("{more} bytes follow its last event"))),
        }
    }

    fn damaged(&self, why: &str) -> Error {
        damaged(self.begin, format_args!("byte {} of the block there: {why}", self.read))
    }
}
