//! The bytes of messages between the stages.
//!
//! ```text
//! version u8  layout u64  partitions of the source u32
//! entries, each after its tag:
//!   0 origin of the events that follow: partition of the source, offset
//!   1 event: time and offset, less those of the event before, else 0 and those of the origin; key bytes; inputs
//!   2 mark: partition of the source, flags u8 (1 has an event time, 2 idle), time if it has one
//! ```
//! Little-endian. Numbers without a width are varints, those with a sign in zigzag; bytes stand after their length. An
//! input is its tag and its value: 0 null, 1 false, 2 true, 3 integer, 4 double, 5 text.

use larder_core::{Error, Result};

use super::{Mark, Origin};
use crate::aggregate::bytes::Reader;
use crate::operator::Event;
use crate::scalar::Scalar;

const VERSION: u8 = 1;
const HEAD: usize = 13;

const ORIGIN: u8 = 0;
const EVENT: u8 = 1;
const MARK: u8 = 2;

const HAS_TIME: u8 = 1;
const IS_IDLE: u8 = 2;

/// A block that is being filled. Emptying it keeps its room.
#[derive(Debug)]
pub(crate) struct Block {
    bytes: Vec<u8>,
    at: Option<Origin>,
    time: i64,
}

impl Block {
    /// An empty block of a job's layout, whose source has so many partitions.
    pub(crate) fn new(layout: u64, sources: usize) -> Self {
        let mut bytes = vec![VERSION];
        bytes.extend(layout.to_le_bytes());
        bytes.extend(u32::try_from(sources).unwrap_or(u32::MAX).to_le_bytes());
        Self { bytes, at: None, time: 0 }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.len() == HEAD
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.truncate(HEAD);
        (self.at, self.time) = (None, 0);
    }

    /// Appends an event; answers its size in bytes.
    pub(crate) fn event(&mut self, origin: Origin, event: Event<'_>) -> usize {
        let out = &mut self.bytes;
        let before = out.len();
        let known =
            self.at.filter(|at| at.partition == origin.partition && at.offset <= origin.offset);
        let at = known.unwrap_or_else(|| {
            self.time = 0;
            out.push(ORIGIN);
            put_varint(origin.partition as u64, out);
            put_varint(origin.offset, out);
            origin
        });
        out.push(EVENT);
        put_signed(event.time.wrapping_sub(self.time), out);
        put_varint(origin.offset - at.offset, out);
        put_varint(event.key.len() as u64, out);
        out.extend_from_slice(event.key);
        event.inputs.iter().for_each(|input| put_input(*input, out));
        (self.at, self.time) = (Some(origin), event.time);
        self.bytes.len() - before
    }

    /// Takes the event back that was appended last.
    pub(crate) fn take_back(&mut self, size: usize) {
        self.bytes.truncate(self.bytes.len() - size);
        // What the next event stands behind is not known any more.
        self.at = None;
    }

    pub(crate) fn mark(&mut self, partition: usize, mark: Mark) {
        let out = &mut self.bytes;
        out.push(MARK);
        put_varint(partition as u64, out);
        let has_time = if mark.latest.is_some() { HAS_TIME } else { 0 };
        out.push(has_time | if mark.is_idle { IS_IDLE } else { 0 });
        if let Some(latest) = mark.latest {
            put_signed(latest, out);
        }
    }
}

/// What stands in a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry<'a> {
    /// An event; its inputs are in the buffer that was lent.
    Event { origin: Origin, time: i64, key: &'a [u8] },
    /// How far the first stage has come in a partition of the source.
    Mark(usize, Mark),
}

/// The entries of a block.
#[derive(Debug)]
pub(crate) struct Blocks<'a> {
    reader: Reader<'a>,
    sources: usize,
    at: Origin,
    time: i64,
}

impl<'a> Blocks<'a> {
    /// Begins to read a block.
    ///
    /// # Errors
    /// `Data` for bytes that are no block; `Invalid` for one of another layout.
    pub(crate) fn open(bytes: &'a [u8], layout: u64) -> Result<Self> {
        let mut reader = Reader::new(bytes);
        match reader.byte()? {
            VERSION => {}
            other => {
                let message = format!("it has version {other}, known is {VERSION}");
                return Err(Error::data(message));
            }
        }
        if reader.u64()? != layout {
            return Err(Error::invalid("its events are of another definition")
                .with_hint("take the change back, or begin anew with --reset"));
        }
        let sources = u32::from_le_bytes(reader.take(4)?.try_into().unwrap_or_default()) as usize;
        Ok(Self { reader, sources, at: Origin { partition: 0, offset: 0 }, time: 0 })
    }

    /// Partitions that the source had.
    pub(crate) fn sources(&self) -> usize {
        self.sources
    }

    /// The next entry, `None` at the end. An event has so many inputs, which take the place of those in the buffer.
    ///
    /// # Errors
    /// `Data` for bytes that are no entry.
    pub(crate) fn next(
        &mut self,
        inputs: &mut Vec<Scalar<'a>>,
        width: usize,
    ) -> Result<Option<Entry<'a>>> {
        while !self.reader.is_empty() {
            match self.reader.byte()? {
                ORIGIN => {
                    let partition = self.partition()?;
                    self.at = Origin { partition, offset: varint(&mut self.reader)? };
                    self.time = 0;
                }
                EVENT => return self.event(inputs, width).map(Some),
                MARK => {
                    let (partition, flags) = (self.partition()?, self.reader.byte()?);
                    let has_time = flags & HAS_TIME != 0;
                    let latest = has_time.then(|| signed(&mut self.reader)).transpose()?;
                    let mark = Mark { latest, is_idle: flags & IS_IDLE != 0 };
                    return Ok(Some(Entry::Mark(partition, mark)));
                }
                other => return Err(Error::data(format!("{other} is no tag of an entry"))),
            }
        }
        Ok(None)
    }

    fn event(&mut self, inputs: &mut Vec<Scalar<'a>>, width: usize) -> Result<Entry<'a>> {
        let reader = &mut self.reader;
        self.time = self.time.wrapping_add(signed(reader)?);
        self.at.offset = self.at.offset.wrapping_add(varint(reader)?);
        let key = taken(reader)?;
        inputs.clear();
        for _ in 0..width {
            inputs.push(input(reader)?);
        }
        Ok(Entry::Event { origin: self.at, time: self.time, key })
    }

    fn partition(&mut self) -> Result<usize> {
        let partition = varint(&mut self.reader)?;
        let known = usize::try_from(partition).ok().filter(|at| *at < self.sources);
        known.ok_or_else(|| Error::data(format!("the source has no partition {partition}")))
    }
}

fn put_varint(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

fn varint(reader: &mut Reader<'_>) -> Result<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = reader.byte()?;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(number);
        }
    }
    Err(Error::data("a number is longer than 64 bits"))
}

fn put_signed(number: i64, out: &mut Vec<u8>) {
    put_varint(((number << 1) ^ (number >> 63)).cast_unsigned(), out);
}

fn signed(reader: &mut Reader<'_>) -> Result<i64> {
    let number = varint(reader)?;
    Ok((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
}

fn taken<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8]> {
    let len = varint(reader)?;
    reader.take(usize::try_from(len).unwrap_or(usize::MAX))
}

fn put_input(value: Scalar<'_>, out: &mut Vec<u8>) {
    match value {
        Scalar::Null => out.push(0),
        Scalar::Bool(truth) => out.push(1 + u8::from(truth)),
        Scalar::Int(number) => {
            out.push(3);
            put_signed(number, out);
        }
        Scalar::Double(number) => {
            out.push(4);
            out.extend(number.to_bits().to_le_bytes());
        }
        Scalar::Text(text) => {
            out.push(5);
            put_varint(text.len() as u64, out);
            out.extend_from_slice(text.as_bytes());
        }
    }
}

fn input<'a>(reader: &mut Reader<'a>) -> Result<Scalar<'a>> {
    Ok(match reader.byte()? {
        0 => Scalar::Null,
        1 => Scalar::Bool(false),
        2 => Scalar::Bool(true),
        3 => Scalar::Int(signed(reader)?),
        4 => Scalar::Double(reader.f64()?),
        5 => {
            Scalar::Text(std::str::from_utf8(taken(reader)?).map_err(|error| {
                Error::data("a text of an event is not UTF-8").with_source(error)
            })?)
        }
        other => return Err(Error::data(format!("{other} is no type of a value"))),
    })
}

#[cfg(test)]
mod tests {
    use larder_core::ErrorKind;
    use proptest::prelude::*;

    use super::*;

    /// Partition, offset, time, key, and what the inputs are made of.
    type Made = (usize, u64, i64, Vec<u8>, i64, f64, String);

    fn made() -> impl Strategy<Value = Made> {
        (
            0_usize..3,
            any::<u64>(),
            any::<i64>(),
            any::<Vec<u8>>(),
            any::<i64>(),
            any::<f64>(),
            any::<String>(),
        )
    }

    fn inputs(made: &Made) -> [Scalar<'_>; 6] {
        let (.., number, double, text) = made;
        [
            Scalar::Null,
            Scalar::Bool(number % 2 == 0),
            Scalar::Int(*number),
            Scalar::Double(*double),
            Scalar::Text(text),
            Scalar::Bool(number % 2 != 0),
        ]
    }

    fn filled(events: &[Made], marks: &[Mark]) -> Block {
        let mut block = Block::new(7, 3);
        for made in events {
            let (partition, offset, time, key, ..) = made;
            let origin = Origin { partition: *partition, offset: *offset };
            let event = Event { time: *time, key, inputs: &inputs(made) };
            block.event(origin, event);
        }
        marks.iter().enumerate().for_each(|(at, mark)| block.mark(at % 3, *mark));
        block
    }

    #[test]
    fn version_1_has_this_layout() {
        let mut block = Block::new(7, 3);
        assert!(block.is_empty());
        let at = |offset| Origin { partition: 2, offset };
        let event =
            |time| Event { time, key: b"k", inputs: &[Scalar::Int(-1), Scalar::Text("é")] };
        block.event(at(300), event(5));
        block.event(at(301), event(4));
        block.mark(2, Mark { latest: Some(5), is_idle: false });
        block.mark(0, Mark { latest: None, is_idle: true });
        let head = [1, 7, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0].as_slice();
        let value = [1, b'k', 3, 1, 5, 2, 0xc3, 0xa9].as_slice();
        let events = [&[0, 2, 0xac, 2, 1, 10, 0], value, &[1, 1, 1], value].concat();
        let marks = [2, 2, 1, 10, 2, 0, 2].as_slice();
        assert_eq!(block.bytes(), [head, &events, marks].concat());
        block.clear();
        assert!(block.is_empty());
    }

    proptest! {
        #[test]
        fn entries_come_back_in_order(
            events in prop::collection::vec(made(), 0..20),
            marks in prop::collection::vec((any::<Option<i64>>(), any::<bool>()), 0..6),
        ) {
            let mark = |(latest, is_idle)| Mark { latest, is_idle };
            let marks: Vec<Mark> = marks.into_iter().map(mark).collect();
            let block = filled(&events, &marks);
            let mut blocks = Blocks::open(block.bytes(), 7).unwrap();
            prop_assert_eq!(blocks.sources(), 3);
            let mut found = Vec::new();
            for made in &events {
                let (partition, offset, time, key, ..) = made;
                let entry = blocks.next(&mut found, 6).unwrap();
                let origin = Origin { partition: *partition, offset: *offset };
                prop_assert_eq!(entry, Some(Entry::Event { origin, time: *time, key }));
                prop_assert_eq!(format!("{found:?}"), format!("{:?}", inputs(made)));
            }
            for (at, mark) in marks.iter().enumerate() {
                prop_assert_eq!(blocks.next(&mut found, 6).unwrap(), Some(Entry::Mark(at % 3, *mark)));
            }
            prop_assert_eq!(blocks.next(&mut found, 6).unwrap(), None);
        }

        #[test]
        fn what_is_cut_or_damaged_never_panics(
            events in prop::collection::vec(made(), 1..5),
            at in any::<prop::sample::Index>(),
            flip in any::<u8>(),
        ) {
            let mut bytes = filled(&events, &[]).bytes().to_vec();
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
            for bytes in [&bytes[..], &bytes[..at]] {
                let Ok(mut blocks) = Blocks::open(bytes, 7) else { continue };
                let mut found = Vec::new();
                while let Ok(Some(_)) = blocks.next(&mut found, 6) {}
            }
        }
    }

    #[test]
    fn an_event_that_was_taken_back_leaves_no_trace() {
        let event = |time| Event { time, key: b"k", inputs: &[] };
        let mut block = Block::new(7, 1);
        let at = |offset| Origin { partition: 0, offset };
        block.event(at(1), event(10));
        let size = block.event(at(2), event(20));
        block.take_back(size);
        block.event(at(3), event(30));
        let mut blocks = Blocks::open(block.bytes(), 7).unwrap();
        let mut times = Vec::new();
        while let Some(Entry::Event { origin, time, .. }) = blocks.next(&mut Vec::new(), 0).unwrap()
        {
            times.push((origin.offset, time));
        }
        assert_eq!(times, [(1, 10), (3, 30)]);
    }

    #[test]
    fn a_block_of_another_definition_is_refused() {
        let block = Block::new(7, 1);
        assert_eq!(Blocks::open(block.bytes(), 8).unwrap_err().kind(), ErrorKind::Invalid);
        assert_eq!(Blocks::open(&[9], 7).unwrap_err().kind(), ErrorKind::Data);
    }
}
