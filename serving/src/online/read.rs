//! From request columns to stored rows: keys encoded, equal keys read once, one store call per view.

use std::collections::HashMap;

use larder_core::{Compat, Error, Result, RowState, Timestamp, Value};
use larder_online_store::{Cell, OnlineStore, ReadRows};
use larder_proto::wire::entity_key::KeyValue;

use super::prepared::PreparedView;

/// Typed request columns, addressed by name.
#[derive(Debug, Default)]
pub(crate) struct TypedColumns {
    columns: Vec<(String, Vec<Value>)>,
}

impl TypedColumns {
    pub(crate) fn insert(&mut self, name: &str, values: Vec<Value>) {
        self.columns.push((name.to_owned(), values));
    }

    pub(crate) fn get(&self, name: &str) -> Option<&[Value]> {
        self.columns.iter().find(|(known, _)| known == name).map(|(_, values)| values.as_slice())
    }
}

/// Stored rows of one view, with the row of every entity row of the request.
#[derive(Debug)]
pub(crate) struct ViewRows {
    rows: ReadRows,
    states: Vec<RowState>,
    /// Request row to stored row.
    row_of: Vec<u32>,
}

impl ViewRows {
    /// State of the stored row behind a request row.
    pub(crate) fn state(&self, row: usize) -> RowState {
        self.states[self.row_of[row] as usize]
    }

    /// Event timestamp behind a request row; the epoch when there is no row, as Feast answers.
    pub(crate) fn event_timestamp(&self, row: usize) -> Timestamp {
        let micros = self.rows.event_timestamp(self.row_of[row] as usize);
        micros.map_or(Timestamp::EPOCH, Timestamp::from_micros)
    }

    /// Encoded value behind a request row; `None` for null, absent and expired.
    pub(crate) fn value(&self, row: usize, feature: usize) -> Option<&[u8]> {
        let stored = self.row_of[row] as usize;
        if self.states[stored] != RowState::Fresh {
            return None;
        }
        match self.rows.cell(stored, feature) {
            Cell::Value(bytes) => Some(bytes),
            Cell::Null | Cell::Missing => None,
        }
    }
}

/// Encoded keys, each once, in the order of first appearance.
struct UniqueKeys {
    arena: Vec<u8>,
    spans: Vec<(usize, usize)>,
    row_of: Vec<u32>,
}

/// Reads one view for all entity rows.
///
/// # Errors
/// `Invalid` for a null or unsupported key value; whatever the store answers.
pub(crate) async fn read_view(
    store: &dyn OnlineStore,
    view: &PreparedView,
    key_columns: &[&[Value]],
    rows: usize,
    now: Timestamp,
    compat: Compat,
) -> Result<ViewRows> {
    let keys = unique_keys(view, key_columns, rows)?;
    let slices: Vec<&[u8]> =
        keys.spans.iter().map(|&(start, end)| &keys.arena[start..end]).collect();
    let stored = store.read(&view.table, &slices).await?;
    let states = (0..slices.len())
        .map(|row| {
            RowState::of(
                stored.event_timestamp(row).map(Timestamp::from_micros),
                view.ttl,
                now,
                compat,
            )
        })
        .collect();
    Ok(ViewRows { rows: stored, states, row_of: keys.row_of })
}

fn unique_keys(view: &PreparedView, columns: &[&[Value]], rows: usize) -> Result<UniqueKeys> {
    let mut keys =
        UniqueKeys { arena: Vec::with_capacity(rows * 48), spans: Vec::new(), row_of: Vec::new() };
    if view.entityless {
        view.keys.encode_into(&[Value::String(String::new())], &mut keys.arena)?;
        keys.spans.push((0, keys.arena.len()));
        keys.row_of = vec![0; rows];
        return Ok(keys);
    }
    let mut seen: HashMap<Vec<u8>, u32> = HashMap::with_capacity(rows);
    let mut bytes = Vec::with_capacity(48);
    let mut encode = |row: usize| -> Result<()> {
        bytes.clear();
        view.keys
            .encode_with(|key| KeyValue::new(&columns[key][row]), &mut bytes)
            .map_err(|error| error.context(format_args!("entity row {row}")))?;
        if let Some(&index) = seen.get(bytes.as_slice()) {
            keys.row_of.push(index);
            return Ok(());
        }
        let index = u32::try_from(keys.spans.len())
            .map_err(|_| Error::invalid("more entity rows than a request may have"))?;
        let start = keys.arena.len();
        keys.arena.extend_from_slice(&bytes);
        keys.spans.push((start, keys.arena.len()));
        keys.row_of.push(index);
        seen.insert(bytes.clone(), index);
        Ok(())
    };
    (0..rows).try_for_each(&mut encode)?;
    Ok(keys)
}
