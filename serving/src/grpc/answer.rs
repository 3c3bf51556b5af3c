//! Answers as protobuf messages.

use larder_core::{Error, FieldStatus, Result};
use larder_proto::feast::types::Value as WireValue;
use larder_proto::wire::online_response::{self, OnlineResponseWriter};
use prost::Message as _;

use crate::online::{EventTimestamps, OnlineAnswer};

/// An answer as an encoded `GetOnlineFeaturesResponse`.
pub(super) fn encode(answer: &OnlineAnswer) -> Vec<u8> {
    let names = (0..answer.columns()).map(|column| answer.name(column));
    let mut writer = OnlineResponseWriter::new(names, answer.view_versions().into_iter().flatten());
    /// A double, its status and the time of its row.
    const USUAL_BYTES: usize = 22;
    writer.reserve(answer.columns() * (8 + answer.rows() * USUAL_BYTES));
    let times = EventTimestamps::new(answer, |times| online_response::event_timestamps(times));
    for index in 0..answer.columns() {
        let column = answer.column(index);
        let (values, times) = (column.values(0..answer.rows()), times.of(column));
        if column.is_whole() {
            writer.vector(values, (0..answer.rows()).map(|_| FieldStatus::Present), times);
        } else {
            let statuses = (0..answer.rows()).map(|row| column.status(row, answer.compat()));
            writer.vector(values, statuses, times);
        }
    }
    writer.finish()
}

pub(super) fn values(answer: &OnlineAnswer, column: usize) -> Result<Vec<WireValue>> {
    (0..answer.rows())
        .map(|row| {
            WireValue::decode(answer.cell(column, row).value)
                .map_err(|error| Error::data("a stored value is malformed").with_source(error))
        })
        .collect()
}

pub(super) fn statuses(answer: &OnlineAnswer, column: usize) -> Vec<i32> {
    (0..answer.rows()).map(|row| answer.cell(column, row).status as i32).collect()
}
