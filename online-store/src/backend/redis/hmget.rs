//! Pipelines of HMGET, and the fields in their answers.

use std::io::Write as _;

use larder_core::Result;
use redis::{Cmd, Value};

use super::client::{Answer, answer};
use super::error::Fault;
use super::layout::row_key;
use super::look_up::RawAnswers;
use super::reply::{Fields, unexpected};

/// The fields that every HMGET of some asks for, and the project whose rows have them.
#[derive(Debug)]
pub(super) struct Asks<'r> {
    project: &'r str,
    count: usize,
    /// The fields, as they are sent.
    fields: Vec<u8>,
}

impl<'r> Asks<'r> {
    /// Asks for nothing yet.
    pub(super) fn of(project: &'r str) -> Self {
        Self { project, count: 0, fields: Vec::with_capacity(1024) }
    }

    pub(super) fn add(&mut self, field: &[u8]) {
        put_bulk(&[field], &mut self.fields);
        self.count += 1;
    }

    /// As [`add`](Self::add), for the field of a feature: most are.
    pub(super) fn add_feature(&mut self, [a, b, c, d]: [u8; 4]) {
        self.fields.extend_from_slice(&[b'$', b'4', b'\r', b'\n', a, b, c, d, b'\r', b'\n']);
        self.count += 1;
    }

    /// How many fields there are.
    pub(super) fn fields(&self) -> usize {
        self.count
    }

    fn to_command(&self, entity_key: &[u8]) -> Cmd {
        let key = row_key(entity_key, self.project);
        let mut command = Cmd::with_capacity(self.count + 2, key.len() + self.fields.len());
        command.arg("HMGET").arg(key);
        // They are bulk strings, as the fields of an answer are.
        let mut fields = Fields::within(&self.fields);
        while let Ok(Some(field)) = fields.next() {
            command.arg(field);
        }
        command
    }
}

/// Appends a string of these parts as it is sent.
fn put_bulk(parts: &[&[u8]], out: &mut Vec<u8>) {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    out.push(b'$');
    match u8::try_from(length) {
        Ok(length @ ..=9) => out.push(b'0' + length),
        Ok(length @ ..=99) => out.extend([b'0' + length / 10, b'0' + length % 10]),
        _ => write!(out, "{length}").expect("memory takes everything"),
    }
    out.extend_from_slice(b"\r\n");
    for part in parts {
        out.extend_from_slice(part);
    }
    out.extend_from_slice(b"\r\n");
}

/// Look-ups that are sent together: what is asked, and of which entity.
#[derive(Debug, Default)]
pub(super) struct HmgetPipeline<'r>(Vec<(&'r Asks<'r>, &'r [u8])>);

impl<'r> HmgetPipeline<'r> {
    pub(super) fn push(&mut self, asks: &'r Asks<'r>, entity_key: &'r [u8]) {
        self.0.push((asks, entity_key));
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The bytes to send.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let length = |(asks, key): &(&Asks<'_>, &[u8])| {
            asks.fields.len() + asks.project.len() + key.len() + 40
        };
        let mut out = Vec::with_capacity(self.0.iter().map(length).sum());
        for (asks, entity_key) in &self.0 {
            write!(out, "*{}", asks.count + 2).expect("memory takes everything");
            out.extend_from_slice(b"\r\n$5\r\nHMGET\r\n");
            put_bulk(&[entity_key, asks.project.as_bytes()], &mut out);
            out.extend_from_slice(&asks.fields);
        }
        out
    }

    /// The same as commands of the client library.
    pub(super) fn to_commands(&self) -> Vec<Cmd> {
        (0..self.len()).map(|at| self.to_command(at)).collect()
    }

    /// One of them as a command of the client library.
    pub(super) fn to_command(&self, at: usize) -> Cmd {
        let (asks, entity_key) = self.0[at];
        asks.to_command(entity_key)
    }

    /// The key that one of them asks for.
    pub(super) fn row_key(&self, at: usize) -> Vec<u8> {
        let (asks, entity_key) = self.0[at];
        row_key(entity_key, asks.project)
    }

    /// Some of them.
    pub(super) fn pick(&self, some: impl Iterator<Item = usize>) -> Self {
        Self(some.map(|at| self.0[at]).collect())
    }
}

/// The answers to a pipeline.
#[derive(Debug)]
pub(super) enum Answers {
    /// As they came; to look-ups only.
    Raw(RawAnswers),
    /// From the client library.
    Values(Vec<Answer>),
    /// From several servers.
    Dealt {
        parts: Vec<Answers>,
        /// Where each of them is.
        places: Vec<Place>,
    },
}

/// The place of an answer that came with others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Place {
    pub(super) part: usize,
    /// Its place in this part.
    pub(super) at: usize,
}

/// One answer that is no error.
#[derive(Debug, Clone, Copy)]
pub(super) enum Found<'a> {
    Raw(&'a [u8]),
    Value(&'a Value),
}

impl Answers {
    /// As many failures as there were look-ups.
    pub(super) fn failed(fault: &Fault, count: usize) -> Self {
        Self::Values((0..count).map(|_| Err(fault.clone())).collect())
    }

    /// Answers that lie at these places of several parts.
    pub(super) fn dealt(mut parts: Vec<Self>, places: Vec<Place>) -> Self {
        match parts.len() {
            1 => parts.remove(0), // one part has them all, in their order
            _ => Self::Dealt { parts, places },
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Raw(answers) => answers.len(),
            Self::Values(answers) => answers.len(),
            Self::Dealt { places, .. } => places.len(),
        }
    }

    fn get(&self, at: usize) -> Result<Found<'_>, Fault> {
        match self {
            Self::Raw(answers) => match answers.get(at) {
                bytes @ [b'-', ..] => Err(error_in(bytes)),
                bytes => Ok(Found::Raw(bytes)),
            },
            Self::Values(answers) => answers[at].as_ref().map(Found::Value).map_err(Fault::clone),
            Self::Dealt { parts, places } => parts[places[at].part].get(places[at].at),
        }
    }

    /// The fault in one of them.
    pub(super) fn fault(&self, at: usize) -> Option<Fault> {
        self.get(at).err()
    }

    /// Answer by answer.
    pub(super) fn iter(&self) -> impl Iterator<Item = Result<Found<'_>, Fault>> {
        (0..self.len()).map(|at| self.get(at))
    }

    /// The answers to commands.
    pub(super) fn into_values(self) -> Vec<Answer> {
        match self {
            Self::Raw(answers) => {
                let parsed = |at| redis::parse_redis_value(answers.get(at)).map_err(Fault::Redis);
                (0..answers.len()).map(|at| parsed(at).and_then(answer)).collect()
            }
            Self::Values(answers) => answers,
            Self::Dealt { parts, places } => {
                let mut parts: Vec<Vec<Answer>> =
                    parts.into_iter().map(Self::into_values).collect();
                let take = |Place { part, at }: Place| {
                    std::mem::replace(&mut parts[part][at], Ok(Value::Nil))
                };
                places.into_iter().map(take).collect()
            }
        }
    }
}

/// The fault in an answer that is an error.
fn error_in(bytes: &[u8]) -> Fault {
    match redis::parse_redis_value(bytes).map_err(Fault::Redis).and_then(answer) {
        Err(fault) => fault,
        Ok(_) => Fault::Redis(std::io::Error::from(std::io::ErrorKind::InvalidData).into()),
    }
}

impl<'a> Found<'a> {
    /// Puts so many fields into `fields`, `None` where one is not set.
    ///
    /// # Errors
    /// `Internal` when the answer holds something else.
    pub(super) fn fields(self, count: usize, fields: &mut Vec<Option<&'a [u8]>>) -> Result<()> {
        fields.clear();
        match self {
            Self::Raw(bytes) => {
                let mut reader = Fields::of(bytes)?;
                for _ in 0..count {
                    fields.push(reader.next()?);
                }
                Ok(())
            }
            Self::Value(Value::Array(values)) if values.len() == count => {
                fields.extend(values.iter().map(|value| match value {
                    Value::BulkString(bytes) => Some(bytes.as_slice()),
                    _ => None,
                }));
                Ok(())
            }
            Self::Value(_) => Err(unexpected()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_a_pipeline_are_the_same_bytes() {
        let (mut one, mut other) = (Asks::of("shop"), Asks::of(""));
        for field in [&b"\xff\x00\r\n"[..], b"_ts:users", b"", &[b'f'; 99], &[b'f'; 100]] {
            one.add(field);
        }
        other.add(b"");
        other.add_feature(*b"\x00\r\n\xff");
        let mut pipeline = HmgetPipeline::default();
        for key in [&b"key"[..], b"", &[b'k'; 300]] {
            pipeline.push(&one, key);
            pipeline.push(&other, key);
        }
        let commands = pipeline.to_commands();
        assert_eq!(commands.len(), pipeline.len());
        let packed: Vec<u8> = commands.iter().flat_map(Cmd::get_packed_command).collect();
        assert_eq!(pipeline.to_bytes(), packed);
    }

    #[test]
    fn an_answer_that_is_an_error_is_a_fault_with_its_code() {
        let fault = error_in(b"-LOADING Redis is loading the dataset in memory\r\n");
        assert!(format!("{fault:?}").contains("loading"), "{fault:?}");
        assert_eq!(error_in(b"-NOPE no\r\n").code(), Some("NOPE"));
    }

    #[test]
    fn answers_of_several_servers_are_in_the_order_of_their_questions() {
        let value = |number| Ok(Value::Int(number));
        let fault = error_in(b"-NOPE no\r\n");
        let dealt = || {
            let parts = vec![Answers::Values(vec![value(0), value(2)]), Answers::failed(&fault, 1)];
            let places = [(0, 0), (1, 0), (0, 1)].map(|(part, at)| Place { part, at });
            Answers::dealt(parts, places.to_vec())
        };
        let codes: Vec<Option<bool>> = dealt()
            .iter()
            .map(|found| found.err().map(|fault| fault.code() == Some("NOPE")))
            .collect();
        assert_eq!(codes, [None, Some(true), None]);
        let values = dealt().into_values();
        assert!(matches!(values.as_slice(), [Ok(Value::Int(0)), Err(_), Ok(Value::Int(2))]));
    }
}
