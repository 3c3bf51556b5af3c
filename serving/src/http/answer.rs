//! The JSON of an answer, written straight from the stored bytes (Feast 0.67, `/get-online-features`).

use std::cell::OnceCell;
use std::ops::Range;

use larder_core::{FieldStatus, Result, Timestamp};
use larder_proto::wire::{json, timestamp};

use crate::online::{AnswerColumn, OnlineAnswer};

/// `{"results":[{"values":..,"statuses":..,"event_timestamps":..}],"metadata":{"feature_names":[..]}}`, compact.
pub(super) fn to_json(answer: &OnlineAnswer) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(64 + answer.columns() * (32 + answer.rows() * 56));
    let times = EventTimestamps::new(answer);
    out.extend_from_slice(b"{\"results\":[");
    for index in 0..answer.columns() {
        separate(&mut out, index);
        write_column(answer, answer.column(index), &times, &mut out)?;
    }
    out.extend_from_slice(b"],\"metadata\":{\"feature_names\":[");
    for column in 0..answer.columns() {
        separate(&mut out, column);
        json::write_str(answer.name(column), &mut out);
    }
    out.push(b']');
    write_versions(answer, &mut out);
    out.extend_from_slice(b"}}");
    Ok(out)
}

fn write_column(
    answer: &OnlineAnswer,
    column: AnswerColumn<'_>,
    times: &EventTimestamps<'_>,
    out: &mut Vec<u8>,
) -> Result<()> {
    out.extend_from_slice(b"{\"values\":[");
    for row in 0..answer.rows() {
        separate(out, row);
        json::write_value(column.value(row), out)?;
    }
    out.extend_from_slice(b"],\"statuses\":[");
    for row in 0..answer.rows() {
        separate(out, row);
        out.extend_from_slice(quoted(column.status(row, answer.compat())));
    }
    out.extend_from_slice(b"],\"event_timestamps\":[");
    out.extend_from_slice(times.of(column));
    out.extend_from_slice(b"]}");
    Ok(())
}

/// A status as JSON; one copy instead of three, for every value of an answer.
fn quoted(status: FieldStatus) -> &'static [u8] {
    match status {
        FieldStatus::Invalid => b"\"INVALID\"",
        FieldStatus::Present => b"\"PRESENT\"",
        FieldStatus::NullValue => b"\"NULL_VALUE\"",
        FieldStatus::NotFound => b"\"NOT_FOUND\"",
        FieldStatus::OutsideMaxAge => b"\"OUTSIDE_MAX_AGE\"",
    }
}

/// The items of `event_timestamps`, which all features of a view share: written once, then copied.
struct EventTimestamps<'a> {
    answer: &'a OnlineAnswer,
    views: Vec<OnceCell<Vec<u8>>>,
    epoch: OnceCell<Vec<u8>>,
}

impl<'a> EventTimestamps<'a> {
    fn new(answer: &'a OnlineAnswer) -> Self {
        let views = answer.views().iter().map(|_| OnceCell::new()).collect();
        Self { answer, views, epoch: OnceCell::new() }
    }

    fn of(&self, column: AnswerColumn<'_>) -> &[u8] {
        let text = match column {
            AnswerColumn::Stored { view, .. } => &self.views[view],
            AnswerColumn::Entity(_) | AnswerColumn::Computed(_) => &self.epoch,
        };
        text.get_or_init(|| items(self.answer.rows(), |row| column.event_timestamp(row)))
    }
}

/// Rows of one batch often share their event timestamp: a text is written anew only when it changes.
fn items(rows: usize, at: impl Fn(usize) -> Timestamp) -> Vec<u8> {
    let mut out = Vec::with_capacity(rows * 30);
    let mut last = None;
    for row in 0..rows {
        separate(&mut out, row);
        let (time, start) = (at(row), out.len());
        match &last {
            Some((same, text)) if *same == time => out.extend_from_within(Range::clone(text)),
            _ => {
                out.push(b'"');
                timestamp::write_rfc3339(time, &mut out);
                out.push(b'"');
            }
        }
        last = Some((time, start..out.len()));
    }
    out
}

/// Feast omits version 0, the protobuf default.
fn write_versions(answer: &OnlineAnswer, out: &mut Vec<u8>) {
    let Some(versions) = answer.view_versions() else { return };
    out.extend_from_slice(b",\"feature_view_metadata\":[");
    for (index, (name, version)) in versions.enumerate() {
        separate(out, index);
        out.extend_from_slice(b"{\"name\":");
        json::write_str(name, out);
        if version != 0 {
            out.extend_from_slice(format!(",\"version\":{version}").as_bytes());
        }
        out.push(b'}');
    }
    out.push(b']');
}

fn separate(out: &mut Vec<u8>, index: usize) {
    if index > 0 {
        out.push(b',');
    }
}
