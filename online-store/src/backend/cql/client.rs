//! What the CQL store does with a session.

use std::sync::OnceLock;

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use larder_core::Result;
use scylla::response::query_result::QueryRowsResult;
use scylla::response::{PagingState, PagingStateResponse};
use scylla::statement::batch::{Batch, BatchStatement, BatchType};
use scylla::statement::prepared::PreparedStatement;
use scylla::value::CqlTimestamp;
use tokio::sync::Semaphore;

use super::bound_insert::{BoundInsert, CreatedParameter};
use super::connection::{Connected, Purpose, closed};
use super::error::Fault;
use super::layout::{InsertUsing, Statements, cql_timestamp, key_text, micros, seconds_to_live};
use super::{CqlConfig, CqlFlavour, WriteTimestamp};
use crate::backend::merged_rows::{MergedRow, merge};
use crate::{ReadRows, ViewTable, WriteGuard, WriteRows, WriteSummary};

/// Bytes of one write to a partition; a database takes 16 MiB by default.
const MAX_BATCH_BYTES: usize = 4 << 20;

/// Reads one partition per key, some at a time.
pub(super) async fn read(
    connected: &Connected,
    config: &CqlConfig,
    turns: &Semaphore,
    table: &ViewTable,
    keys: &[&[u8]],
) -> Result<ReadRows, Fault> {
    let select = Statements::new(config, table)?.select();
    let select = connected.prepare(&select, Purpose::Read).await?;
    let mut partitions: Vec<Vec<QueryRowsResult>> = Vec::new();
    partitions.resize_with(keys.len(), Vec::new);
    let ask = |at: usize| {
        let select = &select;
        async move {
            let _turn = turns.acquire().await.map_err(|_| closed())?;
            Ok::<_, Fault>((at, partition(connected, select, keys[at]).await?))
        }
    };
    let mut answers =
        stream::iter((0..keys.len()).map(ask)).buffer_unordered(config.read_concurrency.max(1));
    while let Some((at, pages)) = answers.try_next().await? {
        partitions[at] = pages;
    }
    let mut rows = ReadRows::with_capacity(keys.len(), table.features().len());
    for pages in &partitions {
        append(pages, table, &mut rows)?;
    }
    Ok(rows)
}

/// All pages of one partition. No partition has an empty key.
async fn partition(
    connected: &Connected,
    select: &PreparedStatement,
    key: &[u8],
) -> Result<Vec<QueryRowsResult>, Fault> {
    if key.is_empty() {
        return Ok(Vec::new());
    }
    let key = key_text(key)?;
    let mut pages = Vec::with_capacity(1);
    let mut state = PagingState::start();
    loop {
        let page = connected.session.execute_single_page(select, (&key,), state).await;
        let (page, next) = page?;
        pages.push(page.into_rows_result().map_err(|cause| Fault::Answer(Box::new(cause)))?);
        match next {
            PagingStateResponse::HasMorePages { state: more } => state = more,
            PagingStateResponse::NoMorePages => return Ok(pages),
        }
    }
}

/// Appends one key's row; stored features and the table's are both in the order of their names.
fn append(pages: &[QueryRowsResult], table: &ViewTable, rows: &mut ReadRows) -> Result<(), Fault> {
    type Stored<'a> = (&'a str, Option<&'a [u8]>, Option<CqlTimestamp>);
    rows.begin_row(None);
    let mut features = table.by_name().peekable();
    for page in pages {
        let found = page.rows::<Stored<'_>>().map_err(|cause| Fault::Answer(Box::new(cause)))?;
        for row in found {
            let (name, value, event) = row?;
            // Feast 0.67 fails on a row without time; we show 1970.
            rows.raise_event_timestamp(event.map_or(0, micros));
            while features.next_if(|(before, _)| *before < name).is_some() {}
            if let Some((_, feature)) = features.next_if(|(same, _)| *same == name) {
                rows.set(feature, value.unwrap_or_default())?;
            }
        }
    }
    Ok(())
}

/// Writes one row per key, some at a time.
pub(super) async fn write(
    connected: &Connected,
    config: &CqlConfig,
    turns: &Semaphore,
    table: &ViewTable,
    rows: &WriteRows,
    guard: WriteGuard,
) -> Result<WriteSummary, Fault> {
    let by_event =
        guard == WriteGuard::EventTime && config.write_timestamp == WriteTimestamp::EventTime;
    let ttl = table.ttl().filter(|_| config.flavour == CqlFlavour::ScyllaDb).map(seconds_to_live);
    let using = InsertUsing { ttl: ttl.is_some(), timestamp: by_event };
    let insert = Statements::new(config, table)?.insert(using);
    let insert = connected.prepare(&insert, Purpose::Write).await?;
    let writer = Writer {
        connected,
        table,
        rows,
        flavour: config.flavour,
        ttl,
        by_event,
        batches: Batches::new(insert, table.features().len()),
    };
    let (merged, summary) = merge(rows, guard);
    let put = |at: usize| {
        let (writer, row) = (&writer, &merged[at]);
        async move {
            let _turn = turns.acquire().await.map_err(|_| closed())?;
            writer.put(row).await
        }
    };
    stream::iter((0..merged.len()).map(put))
        .buffer_unordered(config.write_concurrency.max(1))
        .try_for_each(|()| std::future::ready(Ok(())))
        .await?;
    Ok(summary)
}

/// One write call.
struct Writer<'a> {
    connected: &'a Connected,
    table: &'a ViewTable,
    rows: &'a WriteRows,
    flavour: CqlFlavour,
    ttl: Option<i32>,
    by_event: bool,
    batches: Batches,
}

impl Writer<'_> {
    /// Writes one row as one mutation of its partition, so that no reader sees half of it; a row of more than
    /// [`MAX_BATCH_BYTES`] takes several.
    async fn put(&self, row: &MergedRow) -> Result<(), Fault> {
        let key = key_text(row.key(self.rows))?;
        let inserts = self.inserts(row, &key);
        for part in parts(&inserts) {
            let batch = self.batches.of(part.len());
            self.connected.session.batch(batch, part).await?;
        }
        Ok(())
    }

    fn inserts<'r>(&'r self, row: &MergedRow, key: &'r str) -> Vec<BoundInsert<'r>> {
        let times = row.times(self.rows);
        let created = match self.flavour {
            CqlFlavour::Cassandra => CreatedParameter::Absent,
            CqlFlavour::ScyllaDb => CreatedParameter::Present(times.created.map(cql_timestamp)),
        };
        let features = self.table.features().iter().enumerate();
        features
            .filter_map(|(at, feature)| {
                Some(BoundInsert {
                    feature: &feature.name,
                    value: row.value(self.rows, at)?,
                    key,
                    event: cql_timestamp(times.event),
                    created,
                    ttl: self.ttl,
                    timestamp: self.by_event.then_some(times.event),
                })
            })
            .collect()
    }
}

/// Consecutive parts of at most [`MAX_BATCH_BYTES`] or one insert.
fn parts<'s, 'a>(
    mut inserts: &'s [BoundInsert<'a>],
) -> impl Iterator<Item = &'s [BoundInsert<'a>]> {
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fitting = inserts.iter().take_while(|insert| {
            bytes += insert.value.len();
            bytes <= MAX_BATCH_BYTES
        });
        let length = fitting.count().max(1).min(inserts.len());
        let (part, rest) = inserts.split_at(length);
        inserts = rest;
        (!part.is_empty()).then_some(part)
    })
}

/// Batches of one statement, by the number of times it occurs: rows of a view mostly carry the same features.
struct Batches {
    insert: PreparedStatement,
    by_length: Vec<OnceLock<Batch>>,
}

impl Batches {
    fn new(insert: PreparedStatement, longest: usize) -> Self {
        let mut by_length = Vec::new();
        by_length.resize_with(longest + 1, OnceLock::new);
        Self { insert, by_length }
    }

    fn of(&self, length: usize) -> &Batch {
        self.by_length[length].get_or_init(|| {
            let statement = BatchStatement::PreparedStatement(self.insert.clone());
            let statements = vec![statement; length];
            let mut batch = Batch::new_with_statements(BatchType::Unlogged, statements);
            batch.set_is_idempotent(true);
            let profile = self.insert.get_execution_profile_handle().cloned();
            batch.set_execution_profile_handle(profile);
            batch
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_rows_are_written_in_parts() {
        let large = vec![0; MAX_BATCH_BYTES / 2];
        let insert = |value| BoundInsert {
            feature: "f",
            value,
            key: "00",
            event: CqlTimestamp(0),
            created: CreatedParameter::Absent,
            ttl: None,
            timestamp: None,
        };
        let huge = vec![0; MAX_BATCH_BYTES + 1];
        let inserts =
            [insert(&large), insert(&large), insert(b"x"), insert(&huge), insert(b""), insert(b"")];
        let lengths: Vec<usize> = parts(&inserts).map(<[_]>::len).collect();
        assert_eq!(lengths, [2, 1, 1, 2]);
        assert_eq!(parts(&[]).count(), 0);
    }
}
