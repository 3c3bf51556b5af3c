//! `feast.serving.GetOnlineFeaturesResponse` written straight from stored bytes.
//!
//! A stored value is already the encoded message that the answer carries; decoding it only to encode it again took most
//! of the time of a large answer.

use larder_core::{FieldStatus, Timestamp};

use super::message::{put_bytes, put_tag, put_varint, varint_len};
use super::timestamp;

const METADATA: u32 = 1;
const RESULTS: u32 = 2;
const VALUES: u32 = 1;
const STATUSES: u32 = 2;
const EVENT_TIMESTAMPS: u32 = 3;

/// An answer in the making: the metadata, then one vector per name.
#[derive(Debug, Default)]
pub struct OnlineResponseWriter {
    out: Vec<u8>,
}

impl OnlineResponseWriter {
    /// An answer with these columns and, where asked for, the versions of the views behind them.
    pub fn new<'a>(
        names: impl Iterator<Item = &'a str>,
        view_versions: impl Iterator<Item = (&'a str, i32)>,
    ) -> Self {
        let mut list = Vec::new();
        for name in names {
            put_bytes(1, name.as_bytes(), &mut list);
        }
        let mut metadata = Vec::with_capacity(list.len() + 8);
        put_bytes(1, &list, &mut metadata);
        let mut view = Vec::new();
        for (name, version) in view_versions {
            view.clear();
            if !name.is_empty() {
                put_bytes(1, name.as_bytes(), &mut view);
            }
            if version != 0 {
                put_tag(2, 0, &mut view);
                put_varint(i64::from(version).cast_unsigned(), &mut view);
            }
            put_bytes(2, &view, &mut metadata);
        }
        let mut out = Vec::with_capacity(metadata.len() + 8);
        put_bytes(METADATA, &metadata, &mut out);
        Self { out }
    }

    /// Makes room for so many more bytes.
    pub fn reserve(&mut self, bytes: usize) {
        self.out.reserve(bytes);
    }

    /// Appends a column: encoded values (empty for null), a status for each, and [`event_timestamps`] for each.
    pub fn vector<'v>(
        &mut self,
        values: impl Iterator<Item = &'v [u8]> + Clone,
        statuses: impl ExactSizeIterator<Item = FieldStatus>,
        event_timestamps: &[u8],
    ) {
        let delimited = |length: usize| 1 + varint_len(length as u64) + length;
        let values_len: usize = values.clone().map(|value| delimited(value.len())).sum();
        let statuses_len = if statuses.len() == 0 { 0 } else { delimited(statuses.len()) };
        let length = values_len + statuses_len + event_timestamps.len();
        self.out.reserve(length + 8);
        put_tag(RESULTS, 2, &mut self.out);
        put_varint(length as u64, &mut self.out);
        for value in values {
            put_bytes(VALUES, value, &mut self.out);
        }
        if statuses.len() > 0 {
            put_tag(STATUSES, 2, &mut self.out);
            put_varint(statuses.len() as u64, &mut self.out);
            self.out.extend(statuses.map(|status| status as u8)); // one byte each: all are below 128
        }
        self.out.extend_from_slice(event_timestamps);
    }

    /// The encoded message.
    pub fn finish(self) -> Vec<u8> {
        self.out
    }
}

/// The event timestamps of a column as fields of its vector; columns of one view share them.
pub fn event_timestamps(times: impl Iterator<Item = Timestamp>) -> Vec<u8> {
    let mut out = Vec::new();
    let mut message = Vec::with_capacity(16);
    for time in times {
        message.clear();
        timestamp::encode(time, &mut message);
        put_bytes(EVENT_TIMESTAMPS, &message, &mut out);
    }
    out
}
