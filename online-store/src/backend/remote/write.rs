//! Writing: the newest row of every key, in requests of bounded size.

use larder_core::{Error, Result, ValueType};
use larder_proto::wire::value::value_case;

use super::client::Client;
use super::layout::{KeyColumns, Written, write_body};
use crate::backend::merged_rows::{MergedRow, merge};
use crate::{ViewTable, WriteGuard, WriteRows, WriteSummary};

/// Bytes of the rows of one request, unless a single row has more: servers limit the length of a body.
const BYTES_PER_REQUEST: usize = 2 << 20;

/// Writes rows; one per key is sent, so that it does not matter what the server does with several.
pub(super) async fn write(
    client: &Client,
    rows_per_request: usize,
    table: &ViewTable,
    rows: &WriteRows,
    guard: WriteGuard,
) -> Result<WriteSummary> {
    let (merged, summary) = merge(rows, guard);
    check(table, rows, &merged)?;
    let mean = (rows.bytes() / rows.len().max(1)).max(1);
    let step = rows_per_request.min(BYTES_PER_REQUEST / mean).max(1);
    for part in merged.chunks(step) {
        let keys = KeyColumns::decode(part.iter().map(|row| row.key(rows)))?;
        let written: Vec<_> = part.iter().map(|row| written(rows, row)).collect();
        let body = write_body(table, &keys, &written)?;
        let answer = client.post("/write-to-online-store", body).await;
        answer.map_err(|fault| client.error(&fault).context(format_args!("{table}")))?;
    }
    Ok(summary)
}

/// Refuses what the protocol cannot say, before anything is sent.
fn check(table: &ViewTable, rows: &WriteRows, merged: &[MergedRow]) -> Result<()> {
    for row in merged {
        for (at, feature) in table.features().iter().enumerate() {
            let name = &feature.name;
            let (message, hint) = match row.value(rows, at).map(value_case).transpose()? {
                None => (
                    format!("a row of {table} leaves feature \"{name}\" out"),
                    "a remote online store takes whole rows only",
                ),
                Some(Some(ValueType::ScalarMap)) => (
                    format!("feature \"{name}\" of {table} is a map whose keys are no text"),
                    "a feature server speaks JSON, which cannot say it and would store a null",
                ),
                _ => continue,
            };
            return Err(Error::unsupported(message).with_hint(hint));
        }
    }
    Ok(())
}

fn written<'r>(rows: &'r WriteRows, row: &MergedRow) -> Written<'r> {
    let times = row.times(rows);
    let value = |feature: usize| row.value(rows, feature).unwrap_or_default();
    Written {
        event: times.event,
        created: times.created,
        values: (0..rows.features()).map(value).collect(),
    }
}
