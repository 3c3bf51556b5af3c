//! The JSON of an answer, written straight from the stored bytes (Feast 0.67, `/get-online-features`).

use larder_core::{FieldStatus, Result};
use larder_proto::wire::{json, timestamp};

use crate::online::OnlineAnswer;

/// `{"results":[{"values":..,"statuses":..,"event_timestamps":..}],"metadata":{"feature_names":[..]}}`, compact.
pub(super) fn to_json(answer: &OnlineAnswer) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(64 + answer.columns() * (32 + answer.rows() * 48));
    out.extend_from_slice(b"{\"results\":[");
    for column in 0..answer.columns() {
        separate(&mut out, column);
        write_column(answer, column, &mut out)?;
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

fn write_column(answer: &OnlineAnswer, column: usize, out: &mut Vec<u8>) -> Result<()> {
    out.extend_from_slice(b"{\"values\":[");
    for row in 0..answer.rows() {
        separate(out, row);
        json::write_value(answer.cell(column, row).value, out)?;
    }
    out.extend_from_slice(b"],\"statuses\":[");
    for row in 0..answer.rows() {
        separate(out, row);
        out.push(b'"');
        out.extend_from_slice(FieldStatus::name(answer.cell(column, row).status).as_bytes());
        out.push(b'"');
    }
    out.extend_from_slice(b"],\"event_timestamps\":[");
    for row in 0..answer.rows() {
        separate(out, row);
        out.push(b'"');
        timestamp::write_rfc3339(answer.cell(column, row).event_timestamp, out);
        out.push(b'"');
    }
    out.extend_from_slice(b"]}");
    Ok(())
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
