//! From request columns to stored rows: keys encoded, equal keys read once, one store call per request.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use larder_core::{Compat, Error, Result, RowState, Timestamp, Value};
use larder_online_store::{Cell, OnlineStore, ReadRows, ViewRead};
use larder_proto::wire::check::is_readable;
use larder_proto::wire::entity_key::{EntityKeyLayout, KeyValue};

use super::patience::{self, Budget, read_each};
use super::prepared::{PreparedKeys, PreparedPlan};
use super::vectors::{self, Asked, Vectors};

/// Typed request columns, addressed by name; cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct TypedColumns {
    columns: Vec<(String, Arc<[Value]>)>,
    /// The rows that are looked at; all of them without.
    range: Option<Range<usize>>,
}

impl TypedColumns {
    pub(crate) fn insert(&mut self, name: &str, values: Vec<Value>) {
        self.columns.push((name.to_owned(), values.into()));
    }

    /// These rows of all columns.
    pub(crate) fn rows(&self, range: Range<usize>) -> Self {
        Self { columns: self.columns.clone(), range: Some(range) }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&[Value]> {
        let column = self.columns.iter().position(|(known, _)| known == name)?;
        Some(self.column(column))
    }

    /// A column by its position.
    pub(crate) fn column(&self, column: usize) -> &[Value] {
        let values = &self.columns[column].1;
        self.range.as_ref().map_or(values, |range| &values[range.clone()])
    }

    /// How many columns there are.
    pub(crate) fn len(&self) -> usize {
        self.columns.len()
    }
}

/// What an entity without row gets.
#[derive(Debug, Clone, Copy)]
struct Missing {
    compat: Compat,
    /// Feast 0.67, redis: nulls with status PRESENT.
    is_present: bool,
}

/// Stored rows of one view, with the row of every entity row of the request.
#[derive(Debug)]
pub(crate) struct ViewRows {
    rows: ReadRows,
    states: Vec<RowState>,
    /// Per feature: every row is fresh and has a value of it, as is nearly always so.
    whole: Vec<bool>,
    /// Cells (stored row, feature) whose bytes are no value; nearly always none.
    damaged: Vec<(usize, usize)>,
    /// The view did not answer in time, and partial results were asked for.
    is_late: bool,
    /// Values of expired rows are answered.
    keeps_expired: bool,
    /// Request row to stored row; shared by the views that are read by the same keys.
    row_of: Arc<[u32]>,
}

impl ViewRows {
    fn new(
        rows: ReadRows,
        keys: &UniqueKeys,
        ttl: Option<Duration>,
        now: Timestamp,
        missing: Missing,
    ) -> Self {
        let event = |micros: &Option<i64>| micros.map(Timestamp::from_micros);
        let state = |micros| match RowState::of(event(micros), ttl, now, missing.compat) {
            RowState::Missing if missing.is_present => RowState::Fresh,
            state => state,
        };
        let states: Vec<RowState> = rows.event_timestamps().iter().map(state).collect();
        Self::in_states(rows, states, keys)
    }

    fn in_states(rows: ReadRows, states: Vec<RowState>, keys: &UniqueKeys) -> Self {
        let is_fresh = states.iter().all(|state| *state == RowState::Fresh);
        let (whole, damaged) = look_at_cells(&rows, is_fresh);
        let row_of = Arc::clone(&keys.row_of);
        Self { rows, states, whole, damaged, is_late: false, keeps_expired: false, row_of }
    }

    /// Rows of which Feast 0.67 answers also what has expired: what it reads from the vectors of a service.
    pub(super) fn keeping_expired(
        rows: ReadRows,
        states: Vec<RowState>,
        keys: &UniqueKeys,
    ) -> Self {
        Self { keeps_expired: true, ..Self::in_states(rows, states, keys) }
    }

    /// A view that did not answer: nothing is known about its rows.
    fn late(keys: &UniqueKeys) -> Self {
        let count = keys.spans.len();
        let mut rows = ReadRows::with_capacity(count, 0);
        (0..count).for_each(|_| rows.begin_row(None));
        let states = vec![RowState::Missing; count];
        let row_of = Arc::clone(&keys.row_of);
        let (whole, damaged) = (Vec::new(), Vec::new());
        Self { rows, states, whole, damaged, is_late: true, keeps_expired: false, row_of }
    }

    /// Whether the view did not answer in time.
    pub(crate) fn is_late(&self) -> bool {
        self.is_late
    }

    /// Event timestamp behind a request row, if there is one.
    pub(crate) fn stored_event_timestamp(&self, row: usize) -> Option<i64> {
        self.rows.event_timestamp(self.row_of[row] as usize)
    }

    /// State of the stored row behind a request row.
    pub(crate) fn state(&self, row: usize) -> RowState {
        self.states[self.row_of[row] as usize]
    }

    /// Event timestamp behind a request row; the epoch when there is no row, as Feast answers.
    pub(crate) fn event_timestamp(&self, row: usize) -> Timestamp {
        let micros = self.rows.event_timestamp(self.row_of[row] as usize);
        micros.map_or(Timestamp::EPOCH, Timestamp::from_micros)
    }

    /// Whether every row is fresh and has a value of this feature; nothing else needs to be asked of it then.
    pub(crate) fn is_whole(&self, feature: usize) -> bool {
        self.whole.get(feature).is_some_and(|whole| *whole)
    }

    /// The values of a feature that is whole.
    #[inline]
    pub(crate) fn whole(&self, feature: usize) -> Option<WholeColumn<'_>> {
        let numbers = self.rows.numbers(feature).unwrap_or_default();
        self.is_whole(feature).then(|| WholeColumn {
            rows: &self.rows,
            row_of: &self.row_of,
            feature,
            numbers,
            length: numbers.len() / self.rows.len().max(1),
        })
    }

    /// Encoded value behind a request row; `None` for null, absent, expired and damaged.
    #[inline]
    pub(crate) fn value(&self, row: usize, feature: usize) -> Option<&[u8]> {
        let stored = self.row_of[row] as usize;
        let is_served = match self.states[stored] {
            RowState::Fresh => true,
            RowState::Expired => self.keeps_expired,
            RowState::Missing => false,
        };
        if !self.is_whole(feature) && (!is_served || self.is_damaged(row, feature)) {
            return None;
        }
        match self.rows.cell(stored, feature) {
            Cell::Value(bytes) => Some(bytes),
            Cell::Null | Cell::Missing => None,
        }
    }

    /// Whether the stored bytes behind a request row are no value.
    #[inline]
    pub(crate) fn is_damaged(&self, row: usize, feature: usize) -> bool {
        !self.damaged.is_empty() && self.damaged.contains(&(self.row_of[row] as usize, feature))
    }

    /// Bytes of all values.
    pub(crate) fn bytes(&self) -> usize {
        self.rows.bytes()
    }

    /// How many cells hold bytes that are no value.
    pub(crate) fn damaged(&self) -> usize {
        self.damaged.len()
    }
}

/// The values of a feature that every row has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WholeColumn<'a> {
    rows: &'a ReadRows,
    row_of: &'a [u32],
    feature: usize,
    /// Values of equal length, stored row by stored row; empty where they are none.
    numbers: &'a [u8],
    length: usize,
}

impl<'a> WholeColumn<'a> {
    /// The encoded value behind a request row.
    #[inline]
    pub(crate) fn value(&self, row: usize) -> &'a [u8] {
        let stored = self.row_of[row] as usize;
        if self.length > 0 {
            return &self.numbers[stored * self.length..][..self.length];
        }
        self.rows.cell(stored, self.feature).bytes().unwrap_or_default()
    }
}

/// Which features are whole, and the cells whose bytes are no value: one of them must not spoil a whole answer.
fn look_at_cells(rows: &ReadRows, is_fresh: bool) -> (Vec<bool>, Vec<(usize, usize)>) {
    let mut whole: Vec<bool> = (0..rows.features())
        .map(|feature| is_fresh && (!rows.is_sound(feature) || rows.numbers(feature).is_some()))
        .collect();
    let mut damaged = Vec::new();
    if (0..rows.features()).all(|feature| rows.is_sound(feature)) {
        return (whole, damaged);
    }
    for row in 0..rows.len() {
        for (feature, (cell, whole)) in rows.row(row).zip(&mut whole).enumerate() {
            match cell {
                Cell::Value(bytes) if is_readable(bytes) => {}
                Cell::Value(_) => {
                    *whole = false;
                    damaged.push((row, feature));
                }
                Cell::Null | Cell::Missing => *whole = false,
            }
        }
    }
    (whole, damaged)
}

/// When and how rows are read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReadAt {
    pub(crate) now: Timestamp,
    pub(crate) compat: Compat,
    pub(crate) budget: Budget,
}

/// Encoded keys, each once, in the order of first appearance.
pub(super) struct UniqueKeys {
    arena: Vec<u8>,
    spans: Vec<(usize, usize)>,
    row_of: Arc<[u32]>,
}

impl UniqueKeys {
    fn slices(&self) -> Vec<&[u8]> {
        self.spans.iter().map(|&(start, end)| &self.arena[start..end]).collect()
    }
}

/// Reads the views of a plan for all entity rows: one call to the store, every distinct key once. Of a precomputed
/// service the vectors are read, and the views only if one is missing.
///
/// # Errors
/// `Invalid` for a null or unsupported key value; whatever the store answers. Where partial results are asked for, a
/// view that is late or unavailable is none, unless all are.
pub(crate) async fn read_views(
    store: &dyn OnlineStore,
    plan: &PreparedPlan,
    columns: &TypedColumns,
    rows: usize,
    at: ReadAt,
) -> Result<Vec<ViewRows>> {
    let keys: Vec<UniqueKeys> =
        plan.keys.iter().map(|keys| unique_keys(keys, columns, rows)).collect::<Result<_>>()?;
    let slices: Vec<Vec<&[u8]>> = keys.iter().map(UniqueKeys::slices).collect();
    let reads: Vec<ViewRead<'_>> = plan
        .views
        .iter()
        .map(|view| ViewRead { table: &view.table, keys: &slices[view.keys] })
        .collect();
    let missing = Missing {
        compat: at.compat,
        is_present: at.compat == Compat::Feast && store.name() == "redis",
    };
    let asked = Asked { plan, keys: &keys, slices: &slices };
    let answers = match vectors::read(store, asked, at).await? {
        Vectors::AsFeast(rows) => return Ok(rows),
        Vectors::Rows(rows) => rows.into_iter().map(|rows| Ok(Some(rows))).collect(),
        Vectors::None if at.budget.is_partial() => {
            patience::all_or_late(read_each(store, &reads, at.budget.store_deadline()).await)?
        }
        Vectors::None => {
            store.read_views(&reads).await.into_iter().map(|answer| answer.map(Some)).collect()
        }
    };
    plan.views
        .iter()
        .zip(answers)
        .map(|(view, stored)| {
            let keys = &keys[view.keys];
            let Some(stored) = stored? else { return Ok(ViewRows::late(keys)) };
            let rows = ViewRows::new(stored, keys, view.ttl, at.now, missing);
            if rows.damaged() > 0 {
                tracing::error!(view = %view.table, values = rows.damaged(), "stored values are damaged");
            }
            Ok(rows)
        })
        .collect()
}

fn unique_keys(prepared: &PreparedKeys, columns: &TypedColumns, rows: usize) -> Result<UniqueKeys> {
    if prepared.entityless {
        let mut arena = Vec::new();
        prepared.layout.encode_into(&[Value::String(String::new())], &mut arena)?;
        let spans = vec![(0, arena.len())];
        return Ok(UniqueKeys { arena, spans, row_of: vec![0; rows].into() });
    }
    let known: Option<Vec<&[Value]>> =
        prepared.columns.iter().map(|name| columns.get(name)).collect();
    let Some(columns) = known else {
        // Feast 0.67 looks up a key of the join keys that came, which no row has; neither has a bare prefix.
        let arena = prepared.layout.prefix().to_vec();
        let spans = vec![(0, arena.len())];
        return Ok(UniqueKeys { arena, spans, row_of: vec![0; rows].into() });
    };
    let (arena, spans) = encode_keys(&prepared.layout, &columns, rows)?;
    let (spans, row_of) = distinct(&arena, spans)?;
    Ok(UniqueKeys { arena, spans, row_of: row_of.into() })
}

type Spans = Vec<(usize, usize)>;

/// The key of every row, one after the other.
fn encode_keys(
    layout: &EntityKeyLayout,
    columns: &[&[Value]],
    rows: usize,
) -> Result<(Vec<u8>, Spans)> {
    let mut arena = Vec::with_capacity(rows * 48);
    let mut spans = Vec::with_capacity(rows);
    (0..rows).try_for_each(|row| {
        let start = arena.len();
        layout
            .encode_with(|key| KeyValue::new(&columns[key][row]), &mut arena)
            .map_err(|error| error.context(format_args!("entity row {row}")))?;
        spans.push((start, arena.len()));
        Ok::<_, Error>(())
    })?;
    Ok((arena, spans))
}

/// The spans of different bytes, and which of them stands for each row.
fn distinct(arena: &[u8], spans: Spans) -> Result<(Spans, Vec<u32>)> {
    let mut seen: HashMap<&[u8], u32> = HashMap::with_capacity(spans.len());
    let mut unique = Vec::with_capacity(spans.len());
    let mut row_of = Vec::with_capacity(spans.len());
    for (start, end) in spans {
        let next = u32::try_from(unique.len())
            .map_err(|_| Error::invalid("more entity rows than a request may have"))?;
        let index = *seen.entry(&arena[start..end]).or_insert(next);
        if index == next {
            unique.push((start, end));
        }
        row_of.push(index);
    }
    Ok((unique, row_of))
}
