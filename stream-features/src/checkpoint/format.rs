//! Bytes of a checkpoint file.
//!
//! ```text
//! "LRDRCKPT"  version u16  scope u8  number u64  previous u64  written i64  turn text
//! sections: u32, each: job text, layout u64, marks (u32, each kind text and bytes), keys u64, watermark i64, state bytes
//! xxh3 of everything before, u64
//! ```
//! Little-endian; texts and bytes after their length as u32.

use larder_core::{Error, Result};
use xxhash_rust::xxh3::xxh3_64;

use crate::aggregate::bytes::{Reader, put_bytes, put_i64, put_len, put_u64};

const MAGIC: &[u8; 8] = b"LRDRCKPT";
const VERSION: u16 = 1;

/// Room for what is beside the states.
const BESIDE_STATES: usize = 1 << 10;

/// How much of the state a file has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// All of it.
    Full,
    /// What changed since the checkpoint before.
    Delta,
}

/// What a job keeps of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Section {
    pub(crate) job: String,
    /// Which definitions can read the state.
    pub(crate) layout: u64,
    /// How far the job's outputs were written, by their kinds.
    pub(crate) marks: Vec<(String, Vec<u8>)>,
    /// Keys that state is kept of.
    pub(crate) keys: u64,
    /// How far event time has come, UTC microseconds.
    pub(crate) watermark: i64,
    pub(crate) state: Vec<u8>,
}

/// The state of a task, or what changed of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StateFile {
    pub(crate) scope: Scope,
    pub(crate) number: u64,
    /// The checkpoint that a delta adds to.
    pub(crate) previous: u64,
    /// When it was written, UTC microseconds.
    pub(crate) written: i64,
    /// Name of the partition that was read last.
    pub(crate) turn: String,
    pub(crate) sections: Vec<Section>,
}

impl StateFile {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let states: usize = self.sections.iter().map(|section| section.state.len()).sum();
        // States of many keys are not to be copied again while the file grows.
        let mut out = Vec::with_capacity(states + BESIDE_STATES);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.push(u8::from(self.scope == Scope::Delta));
        put_u64(self.number, &mut out);
        put_u64(self.previous, &mut out);
        put_i64(self.written, &mut out);
        put_bytes(self.turn.as_bytes(), &mut out);
        put_len(self.sections.len(), &mut out);
        for section in &self.sections {
            put_bytes(section.job.as_bytes(), &mut out);
            put_u64(section.layout, &mut out);
            put_len(section.marks.len(), &mut out);
            for (kind, mark) in &section.marks {
                put_bytes(kind.as_bytes(), &mut out);
                put_bytes(mark, &mut out);
            }
            put_u64(section.keys, &mut out);
            put_i64(section.watermark, &mut out);
            put_bytes(&section.state, &mut out);
        }
        put_u64(xxh3_64(&out), &mut out);
        out
    }

    /// The file of these bytes.
    ///
    /// # Errors
    /// `Data` for bytes that are no such file, of another version, or changed since they were written.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes);
        if reader.take(MAGIC.len())? != MAGIC {
            return Err(Error::data("it does not begin as one"));
        }
        let version = u16::from_le_bytes([reader.byte()?, reader.byte()?]);
        if version != VERSION {
            return Err(Error::data(format!("it has version {version}, known is {VERSION}")));
        }
        let whole = bytes.len().checked_sub(8).map(|end| bytes.split_at(end));
        let Some((content, sum)) = whole else { return Err(Error::data("it is cut")) };
        if xxh3_64(content).to_le_bytes() != *sum {
            return Err(Error::data("its checksum is another"));
        }
        let mut reader = Reader::new(&content[MAGIC.len() + 2..]);
        let scope = if reader.byte()? == 0 { Scope::Full } else { Scope::Delta };
        let (number, previous) = (reader.u64()?, reader.u64()?);
        let written = reader.i64()?;
        let turn = reader.text()?.to_owned();
        let sections = reader.len(4)?;
        let sections =
            (0..sections).map(|_| Section::decode(&mut reader)).collect::<Result<_>>()?;
        reader.finish()?;
        Ok(Self { scope, number, previous, written, turn, sections })
    }
}

impl Section {
    fn decode(reader: &mut Reader<'_>) -> Result<Self> {
        let (job, layout) = (reader.text()?.to_owned(), reader.u64()?);
        let marks = reader.len(8)?;
        let mut mark = || Ok((reader.text()?.to_owned(), reader.bytes()?.to_vec()));
        let marks = (0..marks).map(|_| mark()).collect::<Result<_>>()?;
        let (keys, watermark) = (reader.u64()?, reader.i64()?);
        Ok(Self { job, layout, marks, keys, watermark, state: reader.bytes()?.to_vec() })
    }
}

#[cfg(test)]
mod tests {
    use larder_core::ErrorKind;
    use proptest::prelude::*;

    use super::*;

    fn file(state: &[u8]) -> StateFile {
        let section = |job: &str| Section {
            job: job.to_owned(),
            layout: 9,
            marks: vec![("output".to_owned(), vec![1, 2, 3])],
            keys: 3,
            watermark: -5,
            state: state.to_vec(),
        };
        StateFile {
            scope: Scope::Delta,
            number: 8,
            previous: 7,
            written: 6,
            turn: "a.jsonl".to_owned(),
            sections: vec![section("a"), section("b")],
        }
    }

    #[test]
    fn version_1_has_this_layout() {
        let mut written = file(&[9]);
        written.sections.truncate(1);
        let words = |numbers: &[u64]| -> Vec<u8> {
            numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
        };
        let head = [b"LRDRCKPT".as_slice(), &[1, 0, 1], &words(&[8, 7, 6])].concat();
        let turn = b"\x07\0\0\0a.jsonl".as_slice();
        let section = [b"\x01\0\0\0\x01\0\0\0a".as_slice(), &words(&[9])].concat();
        let marks = b"\x01\0\0\0\x06\0\0\0output\x03\0\0\0\x01\x02\x03".as_slice();
        let state = [words(&[3, u64::MAX - 4]).as_slice(), b"\x01\0\0\0\x09".as_slice()].concat();
        let bytes = written.encode();
        let (content, _) = bytes.split_at(bytes.len() - 8);
        assert_eq!(content, [head.as_slice(), turn, &section, marks, &state].concat());
    }

    proptest! {
        #[test]
        fn a_file_comes_back_and_one_that_was_damaged_is_refused(
            state in prop::collection::vec(any::<u8>(), 0..50),
            at in any::<prop::sample::Index>(),
            flip in 1_u8..=255,
        ) {
            let file = file(&state);
            let bytes = file.encode();
            prop_assert_eq!(StateFile::decode(&bytes).unwrap(), file);
            let at = at.index(bytes.len());
            let cut = StateFile::decode(&bytes[..at]).unwrap_err();
            prop_assert_eq!(cut.kind(), ErrorKind::Data);
            let mut flipped = bytes;
            flipped[at] ^= flip;
            prop_assert_eq!(StateFile::decode(&flipped).unwrap_err().kind(), ErrorKind::Data);
        }
    }
}
