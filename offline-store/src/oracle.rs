//! What the reads of an offline store mean, in the plainest form: nested loops over rows in memory.
//!
//! It is the judge of every engine in tests. It is quadratic and must stay so: no index, no sorting, no early exit.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch, UInt64Array};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::{ArrowError, Field, Schema};
use larder_core::{Error, Result};

use crate::{HistoricalView, Instants, PullRequest, nanos, source_name};

/// Instants of a column in UTC nanoseconds.
type Times = Vec<Option<i128>>;

/// From when on a feature row can answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visibility {
    /// From its event time on.
    ByEvent,
    /// From its created time on too, where the source has one.
    ByCreated,
    /// From its materialization on.
    AsServed,
}

/// The point-in-time join of entity rows with views whose source rows are at hand (columns under their source names).
///
/// The answer has the entity columns as they are, then the features in request order.
///
/// # Errors
/// [`ErrorKind::Invalid`](larder_core::ErrorKind::Invalid) when a column is missing or is no time.
pub fn point_in_time_join(
    entity: &RecordBatch,
    event_timestamp: &str,
    views: &[(HistoricalView, RecordBatch)],
    visibility: Visibility,
) -> Result<RecordBatch> {
    let entity_times = times(entity, event_timestamp)?;
    let mut fields: Vec<_> = entity.schema().fields().iter().cloned().collect();
    let mut columns = entity.columns().to_vec();
    for (view, rows) in views {
        let winners = winners(entity, &entity_times, view, rows, visibility)?;
        for feature in &view.features {
            let values = column(rows, source_name(&view.source, &feature.name))?;
            fields.push(Arc::new(Field::new(&feature.output, values.data_type().clone(), true)));
            columns.push(arrow_select::take::take(values, &winners, None).map_err(broken)?);
        }
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).map_err(broken)
}

/// Per entity row the source row that answers it, null for none.
fn winners(
    entity: &RecordBatch,
    entity_times: &Times,
    view: &HistoricalView,
    rows: &RecordBatch,
    visibility: Visibility,
) -> Result<UInt64Array> {
    let names = view.join_keys.iter().map(|key| key.entity_column.as_str());
    let wanted = keys(entity, names)?;
    let names = view.join_keys.iter().map(|key| source_name(&view.source, &key.view_column));
    let present = keys(rows, names)?;
    let feature_times = times(rows, source_name(&view.source, &view.source.timestamp_field))?;
    let created = created_times(rows, &view.source.created_timestamp_column, |name| {
        source_name(&view.source, name)
    })?;
    let has_created = !view.source.created_timestamp_column.is_empty();
    let ttl = view.effective_ttl().map(|ttl| i128::try_from(ttl.as_nanos()).unwrap_or(i128::MAX));
    let is_candidate = |entity_row: usize, row: usize| {
        let (Some(now), Some(then)) = (entity_times[entity_row], feature_times[row]) else {
            return false;
        };
        let same = wanted[entity_row].iter().zip(&present[row]).all(|(a, b)| a.is_some() && a == b);
        let fresh = ttl.is_none_or(|ttl| then >= now.saturating_sub(ttl));
        let visible = match visibility {
            Visibility::ByEvent => true,
            Visibility::ByCreated => !has_created || created[row].is_some_and(|c| c <= now),
            // Some run had ended by now, covered the row, and found it there.
            Visibility::AsServed => view.materialized.iter().any(|run| {
                let [start, end] = [run.start, run.end].map(|at| nanos(at.micros(), MICROS));
                let there = created[row].is_none_or(|created| created <= end);
                end <= now && start <= then && then <= end && there
            }),
        };
        same && then <= now && fresh && visible
    };
    Ok((0..entity.num_rows())
        .map(|entity_row| {
            (0..rows.num_rows())
                .filter(|&row| is_candidate(entity_row, row))
                .max_by(|&a, &b| rank(a, b, &feature_times, &created))
                .map(|row| row as u64)
        })
        .collect())
}

/// Rows of a pull that survive: per key the greatest (event time, created time, position), in source order.
///
/// The answer has the columns of the source that the request names, without the dummy join key.
///
/// # Errors
/// [`ErrorKind::Invalid`](larder_core::ErrorKind::Invalid) when a column is missing or is no time.
pub fn latest(request: &PullRequest, rows: &RecordBatch) -> Result<RecordBatch> {
    let event_times = times(rows, &request.timestamp_field)?;
    let created_column = request.created_timestamp_column.as_deref().unwrap_or_default();
    let created = created_times(rows, created_column, |name| name)?;
    let keys = keys(rows, request.join_keys.iter().map(String::as_str))?;
    let inside = |row: usize| match event_times[row] {
        Some(time) => {
            request.start.is_none_or(|start| time >= nanos(start.micros(), MICROS))
                && request.end.is_none_or(|end| time <= nanos(end.micros(), MICROS))
        }
        None => false,
    };
    let beaten = |row: usize| {
        (0..rows.num_rows()).any(|other| {
            inside(other)
                && keys[other] == keys[row]
                && rank(other, row, &event_times, &created).is_gt()
        })
    };
    let kept: UInt64Array = (0..rows.num_rows())
        .filter(|&row| inside(row) && !beaten(row))
        .map(|row| Some(row as u64))
        .collect();
    let mut columns: Vec<(String, ArrayRef)> = Vec::new();
    for name in request.join_keys.iter().chain(&request.features) {
        columns.push((name.clone(), ArrayRef::clone(column(rows, name)?)));
    }
    for name in [&request.timestamp_field].into_iter().chain(&request.created_timestamp_column) {
        columns.push((name.clone(), ArrayRef::clone(column(rows, name)?)));
    }
    let all = RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, values)| (name, values, true)),
    );
    all.and_then(|all| arrow_select::take::take_record_batch(&all, &kept)).map_err(broken)
}

const MICROS: arrow_schema::TimeUnit = arrow_schema::TimeUnit::Microsecond;

/// Orders two rows by event time, created time (null first) and position.
fn rank(a: usize, b: usize, times: &Times, created: &Times) -> Ordering {
    times[a].cmp(&times[b]).then(created[a].cmp(&created[b])).then(a.cmp(&b))
}

fn column<'a>(rows: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef> {
    rows.column_by_name(name).ok_or_else(|| Error::invalid(format!("no column \"{name}\"")))
}

fn times(rows: &RecordBatch, name: &str) -> Result<Times> {
    let instants = Instants::read(column(rows, name)?)?;
    Ok((0..rows.num_rows()).map(|row| instants.nanos(row)).collect())
}

fn created_times<'a>(
    rows: &RecordBatch,
    name: &'a str,
    unmapped: impl Fn(&'a str) -> &'a str,
) -> Result<Times> {
    if name.is_empty() { Ok(vec![None; rows.num_rows()]) } else { times(rows, unmapped(name)) }
}

/// The key of each row as texts, so that one value is one text whatever the width of its type.
fn keys<'a>(
    rows: &RecordBatch,
    names: impl Iterator<Item = &'a str>,
) -> Result<Vec<Vec<Option<String>>>> {
    let mut keys = vec![Vec::new(); rows.num_rows()];
    for name in names {
        let values = column(rows, name)?;
        let instants = Instants::read(values).ok();
        let formatter =
            ArrayFormatter::try_new(values, &FormatOptions::default()).map_err(broken)?;
        for (row, key) in keys.iter_mut().enumerate() {
            let text = || match &instants {
                Some(instants) => format!("{:?}", instants.nanos(row)),
                None => formatter.value(row).to_string(),
            };
            key.push(values.is_valid(row).then(text));
        }
    }
    Ok(keys)
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
fn broken(error: ArrowError) -> Error {
    Error::internal(format!("oracle: {error}"))
}
