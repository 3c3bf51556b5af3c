//! The record itself.

use larder_core::{Interval, Timestamp};
use serde_json::{Value, json};

/// Keys kept as witnesses, at most.
const WITNESSES: usize = 32;

/// How far a run has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Stands for the definition and the files.
    pub fingerprint: String,
    /// First event time of the interval that is recorded at the end.
    pub start: Timestamp,
    /// Last event time, included.
    pub end: Timestamp,
    /// Rows of the answer that are durable in the online store.
    pub rows: u64,
    /// Keys of some of them, the last among them.
    pub witnesses: Vec<Vec<u8>>,
}

impl Checkpoint {
    /// The record of a run that has written nothing.
    pub(crate) fn begin(fingerprint: String, interval: Interval) -> Self {
        let Interval { start, end } = interval;
        Self { fingerprint, start, end, rows: 0, witnesses: Vec::new() }
    }

    /// Keeps a key as the last witness; when there are many, every other one of those before goes.
    pub(crate) fn witness(&mut self, key: &[u8]) {
        if self.witnesses.len() >= WITNESSES {
            let mut keep = false;
            self.witnesses.retain(|_| {
                keep = !keep;
                keep
            });
        }
        self.witnesses.push(key.to_vec());
    }

    /// The record as JSON.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let json = json!({
            "fingerprint": self.fingerprint,
            "start_micros": self.start.micros(),
            "end_micros": self.end.micros(),
            "rows": self.rows,
            "witnesses": self.witnesses,
        });
        json.to_string().into_bytes()
    }

    /// A record that was written by [`encode`](Self::encode); `None` for anything else.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let json: Value = serde_json::from_slice(bytes).ok()?;
        let time = |name: &str| json[name].as_i64().map(Timestamp::from_micros);
        let byte = |value: &Value| u8::try_from(value.as_u64()?).ok();
        let key = |value: &Value| value.as_array()?.iter().map(byte).collect::<Option<_>>();
        Some(Self {
            fingerprint: json["fingerprint"].as_str()?.to_owned(),
            start: time("start_micros")?,
            end: time("end_micros")?,
            rows: json["rows"].as_u64()?,
            witnesses: json["witnesses"].as_array()?.iter().map(key).collect::<Option<_>>()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Checkpoint {
        let interval =
            Interval { start: Timestamp::from_seconds(-5), end: Timestamp::from_micros(7) };
        Checkpoint::begin("abc".to_owned(), interval)
    }

    #[test]
    fn a_record_is_read_back_and_anything_else_is_none() {
        let mut record = record();
        record.rows = u64::MAX;
        record.witness(&[0, 255]);
        let bytes = record.encode();
        assert_eq!(Checkpoint::decode(&bytes), Some(record));
        for damaged in [&bytes[..bytes.len() - 1], b"", b"{}", b"[1]"] {
            assert_eq!(Checkpoint::decode(damaged), None);
        }
    }

    #[test]
    fn witnesses_stay_few_and_hold_an_early_key_and_the_last() {
        let mut record = record();
        for key in 0..1_000_u32 {
            record.witness(&key.to_be_bytes());
            assert!(record.witnesses.len() <= WITNESSES);
        }
        assert_eq!(record.witnesses[0], 0_u32.to_be_bytes());
        assert_eq!(record.witnesses.last().unwrap()[..], 999_u32.to_be_bytes());
    }
}
