//! The header of a container and the frames of its blocks.

use std::io::{BufRead, Seek};

use apache_avro::Codec;
use larder_core::{Error, Result};

use super::input::{Input, damaged};
use super::{MOST_BYTES, limit_allocations};

/// The first bytes of every container.
pub(crate) const MAGIC: [u8; 4] = *b"Obj\x01";

const SCHEMA: &str = "avro.schema";
const CODEC: &str = "avro.codec";

/// What stands at the beginning of a container.
#[derive(Debug)]
pub(crate) struct Header {
    /// The schema of the writer, as JSON.
    pub(crate) schema: String,
    codec: Codec,
    /// What stands behind every block.
    sync: [u8; 16],
}

/// What stands before the bytes of a block.
#[derive(Debug, Clone, Copy)]
pub(super) struct BlockHead {
    pub(super) events: u64,
    /// Bytes as they are in the file.
    len: usize,
}

impl BlockHead {
    /// That of the next block, `None` behind the last.
    pub(super) fn next(input: &mut Input<impl BufRead>) -> Result<Option<Self>> {
        if input.is_at_end()? {
            return Ok(None);
        }
        let begin = input.at;
        let events = input.long()?;
        let events = u64::try_from(events)
            .map_err(|_| damaged(begin, format_args!("{events} is no number of events")))?;
        Ok(Some(Self { events, len: input.len(MOST_BYTES)? }))
    }
}

impl Header {
    pub(super) fn read(input: &mut Input<impl BufRead>) -> Result<Self> {
        if input.array()? != MAGIC {
            return Err(damaged(0, "its first bytes are not those of one"));
        }
        let (mut schema, mut codec) = (None, Codec::Null);
        loop {
            let count = input.long()?;
            if count == 0 {
                break;
            }
            if count < 0 {
                // The size of this part of the map follows, for those who skip it.
                input.long()?;
            }
            for _ in 0..count.unsigned_abs() {
                let key = text(input)?;
                match key.as_str() {
                    SCHEMA => schema = Some(text(input)?),
                    CODEC => codec = known_codec(&text(input)?)?,
                    _ => {
                        let len = input.len(MOST_BYTES)?;
                        input.bytes(len)?;
                    }
                }
            }
        }
        let schema = schema.ok_or_else(|| damaged(0, "its header has no schema"))?;
        Ok(Self { schema, codec, sync: input.array()? })
    }

    /// The bytes of a block as they were before they were compressed.
    pub(super) fn block(
        &self,
        input: &mut Input<impl BufRead>,
        head: BlockHead,
    ) -> Result<Vec<u8>> {
        let begin = input.at;
        let mut bytes = input.bytes(head.len)?;
        self.end_block(input)?;
        limit_allocations();
        let codec = self.codec;
        codec.decompress(&mut bytes).map_err(|error| {
            let codec: &str = codec.into();
            damaged(begin, format_args!("the block cannot be decompressed ({codec}): {error}"))
        })?;
        Ok(bytes)
    }

    /// Passes over a block.
    pub(super) fn pass(
        &self,
        input: &mut Input<impl BufRead + Seek>,
        head: BlockHead,
    ) -> Result<()> {
        input.pass(head.len)?;
        self.end_block(input)
    }

    fn end_block(&self, input: &mut Input<impl BufRead>) -> Result<()> {
        let begin = input.at;
        if input.array()? == self.sync {
            return Ok(());
        }
        Err(damaged(begin, "the block does not end with the marker of the file"))
    }

    /// A container with this event alone.
    pub(crate) fn around(&self, event: &[u8]) -> Vec<u8> {
        let mut container = MAGIC.to_vec();
        put_len(&mut container, 1);
        for text in [SCHEMA, &self.schema] {
            put_len(&mut container, text.len());
            container.extend_from_slice(text.as_bytes());
        }
        put_len(&mut container, 0);
        container.extend_from_slice(&self.sync);
        put_len(&mut container, 1);
        put_len(&mut container, event.len());
        container.extend_from_slice(event);
        container.extend_from_slice(&self.sync);
        container
    }
}

fn text(input: &mut Input<impl BufRead>) -> Result<String> {
    let begin = input.at;
    let len = input.len(MOST_BYTES)?;
    let text = String::from_utf8(input.bytes(len)?);
    text.map_err(|error| damaged(begin, format_args!("its header is no text: {error}")))
}

fn known_codec(name: &str) -> Result<Codec> {
    name.parse().map_err(|_| {
        let message = format!("the blocks of the Avro container are compressed with \"{name}\"");
        Error::unsupported(message).with_hint("write it with null, deflate, snappy or zstandard")
    })
}

/// A whole number that is not negative, as Avro writes it.
fn put_len(to: &mut Vec<u8>, len: usize) {
    let mut bits = (len as u64) << 1;
    while bits >= 0x80 {
        to.push(bits.to_le_bytes()[0] | 0x80);
        bits >>= 7;
    }
    to.push(bits.to_le_bytes()[0]);
}
