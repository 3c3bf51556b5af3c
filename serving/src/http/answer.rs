//! The JSON of an answer, written straight from the stored bytes (Feast 0.67, `/get-online-features`).

use std::ops::Range;

use larder_core::{FieldStatus, Result, Timestamp};
use larder_proto::wire::{json, timestamp};

use crate::online::{AnswerColumn, EventTimestamps, OnlineAnswer};

/// `{"results":[{"values":..,"statuses":..,"event_timestamps":..}],"metadata":{"feature_names":[..]}}`, compact.
pub(super) fn to_json(answer: &OnlineAnswer) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(64 + answer.columns() * (32 + answer.rows() * 56));
    let times = EventTimestamps::new(answer, event_timestamps);
    let all_present = all_present(answer.rows());
    out.extend_from_slice(b"{\"results\":[");
    for index in 0..answer.columns() {
        separate(&mut out, index);
        write_column(answer, answer.column(index), (&times, &all_present), &mut out)?;
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
    (times, all_present): (&EventTimestamps<'_>, &[u8]),
    out: &mut Vec<u8>,
) -> Result<()> {
    out.extend_from_slice(b"{\"values\":[");
    for (row, value) in column.values(0..answer.rows()).enumerate() {
        separate(out, row);
        json::write_value(value, out)?;
    }
    out.extend_from_slice(b"],\"statuses\":[");
    if column.is_whole() {
        out.extend_from_slice(all_present);
    } else {
        for row in 0..answer.rows() {
            separate(out, row);
            out.extend_from_slice(quoted(column.status(row, answer.compat())));
        }
    }
    out.extend_from_slice(b"],\"event_timestamps\":[");
    out.extend_from_slice(times.of(column));
    out.extend_from_slice(b"]}");
    Ok(())
}

/// The statuses of a column whose rows are all present.
fn all_present(rows: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(rows * 10);
    for row in 0..rows {
        separate(&mut out, row);
        out.extend_from_slice(quoted(FieldStatus::Present));
    }
    out
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

/// The items of `event_timestamps`. Rows of one batch often share theirs: a text is written anew only when it changes.
fn event_timestamps(times: &mut dyn ExactSizeIterator<Item = Timestamp>) -> Vec<u8> {
    let mut out = Vec::with_capacity(times.len() * 30);
    let mut last = None;
    for (row, time) in times.enumerate() {
        separate(&mut out, row);
        let start = out.len();
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
