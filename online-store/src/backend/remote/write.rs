//! Writing: the newest row of every key, in requests of bounded size.

use larder_core::{Error, Result};

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
    let mean = (rows.bytes() / rows.len().max(1)).max(1);
    let step = rows_per_request.min(BYTES_PER_REQUEST / mean).max(1);
    for part in merged.chunks(step) {
        let keys = KeyColumns::decode(part.iter().map(|row| row.key(rows)))?;
        let written: Vec<_> =
            part.iter().map(|row| written(table, rows, row)).collect::<Result<_>>()?;
        let body = write_body(table, &keys, &written)?;
        let answer = client.post("/write-to-online-store", body).await;
        answer.map_err(|fault| client.error(&fault).context(format_args!("{table}")))?;
    }
    Ok(summary)
}

fn written<'r>(table: &ViewTable, rows: &'r WriteRows, row: &MergedRow) -> Result<Written<'r>> {
    let value = |feature: usize| {
        row.value(rows, feature).ok_or_else(|| {
            let name = &table.features()[feature].name;
            Error::unsupported(format!("a row of {table} leaves feature \"{name}\" out"))
                .with_hint("a remote online store takes whole rows only")
        })
    };
    let times = row.times(rows);
    Ok(Written {
        event: times.event,
        created: times.created,
        values: (0..rows.features()).map(value).collect::<Result<_>>()?,
    })
}
