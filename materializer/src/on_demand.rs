//! On-demand views with `write_to_online_store`: for which entities, as of when, they are computed.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt::Debug;
use std::sync::Arc;

use arrow_array::{
    ArrayRef, RecordBatch, RecordBatchOptions, TimestampMicrosecondArray, UInt64Array,
    new_null_array,
};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::{ArrowError, Field as ArrowField, Schema, TimeUnit};
use async_trait::async_trait;
use futures::StreamExt as _;
use larder_core::{DUMMY_JOIN_KEY, Error, FeatureView, Field, Interval, JoinKey, Result, ViewPlan};
use larder_offline_store::{BatchStream, Instants, OfflineStore, PullRequest, ceil_ticks};
use larder_proto::wire::entity_key::{EntityKeyLayout, EntityKeyVersion};

use crate::key_column::KeyColumn;

/// Column of the entity rows that holds their times.
pub const EVENT_TIMESTAMP: &str = "event_timestamp";

/// Computes the features of one on-demand view; implemented over the transform engine by whoever composes the program.
#[async_trait]
pub trait OnDemandRows: Debug + Send + Sync {
    /// The stored views that the computation reads, with the entity columns that hold their join keys.
    fn sources(&self) -> &[ViewPlan];

    /// The entity rows again, with the view's features as of each row's [`EVENT_TIMESTAMP`].
    ///
    /// # Errors
    /// As the offline store; `Invalid` for what the function cannot compute.
    async fn compute(&self, offline: &dyn OfflineStore, entity: RecordBatch)
    -> Result<BatchStream>;
}

/// Entity rows, and how many were left out because a join key of the view is null.
#[derive(Debug)]
pub(crate) struct EntityFrame {
    pub(crate) rows: RecordBatch,
    pub(crate) null_keys: u64,
}

/// One row per entity that has a row in any source within the interval, as of its newest one.
///
/// Feast 0.67 takes a row per source and lets the order of a set decide which is stored.
pub(crate) async fn entity_frame(
    view: &FeatureView,
    computation: &dyn OnDemandRows,
    offline: &dyn OfflineStore,
    interval: Interval,
    version: EntityKeyVersion,
) -> Result<EntityFrame> {
    let columns = columns(computation.sources());
    let lacking = view.entity_columns.iter().filter(|key| key.name != DUMMY_JOIN_KEY);
    if let Some(key) =
        lacking.clone().find(|key| columns.iter().all(|column| column.name != key.name))
    {
        return Err(Error::invalid(format!("no source has its join key \"{}\"", key.name))
            .with_hint("write its rows with /write-to-online-store"));
    }
    let mut parts = Vec::new();
    for source in computation.sources() {
        parts.extend(keys_of(source, &columns, offline, interval).await?);
    }
    let schema = schema(&columns);
    let rows = arrow_select::concat::concat_batches(&Arc::new(schema), &parts).map_err(unfit)?;
    newest(view, &rows, version)
}

/// The join keys of all sources under the names that entity rows have.
fn columns(sources: &[ViewPlan]) -> Vec<Field> {
    let mut columns: Vec<Field> = Vec::new();
    for key in sources.iter().flat_map(|source| &source.join_keys) {
        if key.key != DUMMY_JOIN_KEY && columns.iter().all(|known| known.name != key.column) {
            columns.push(Field::new(&key.column, key.value_type));
        }
    }
    columns
}

fn schema(columns: &[Field]) -> Schema {
    let keys = columns
        .iter()
        .map(|column| ArrowField::new(&column.name, column.value_type.arrow_type(), true));
    let time = arrow_schema::DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    Schema::new(keys.chain([ArrowField::new(EVENT_TIMESTAMP, time, false)]).collect::<Vec<_>>())
}

/// Keys and newest times of one source; keys that it does not have are null.
async fn keys_of(
    source: &ViewPlan,
    columns: &[Field],
    offline: &dyn OfflineStore,
    Interval { start, end }: Interval,
) -> Result<Vec<RecordBatch>> {
    let mut request = PullRequest::of_view(&source.view, Some(start), Some(end))?;
    // Without any feature, every column of the source would be read.
    request.features.clone_from(&request.join_keys);
    if request.features.is_empty() {
        request.features.push(request.timestamp_field.clone());
    }
    let (names, time) = (request.join_keys.clone(), request.timestamp_field.clone());
    let mut batches = offline.pull_latest(request).await?;
    let mut parts = Vec::new();
    while let Some(batch) = batches.next().await {
        let batch = batch?;
        let times = Instants::read(column(&batch, &time)?)?;
        let mut arrays = columns
            .iter()
            .map(|wanted| match position(&source.join_keys, &wanted.name) {
                Some(at) => typed(column(&batch, &names[at])?, wanted),
                None => Ok(new_null_array(&wanted.value_type.arrow_type(), batch.num_rows())),
            })
            .collect::<Result<Vec<ArrayRef>>>()?;
        // Rounded up: the row itself must not lie after the time that it is asked for.
        let micros = (0..batch.num_rows())
            .map(|row| ceil_ticks(times.nanos(row).unwrap_or_default(), TimeUnit::Microsecond));
        let micros: TimestampMicrosecondArray = micros.collect::<Vec<i64>>().into();
        arrays.push(Arc::new(micros.with_timezone("UTC")));
        parts.push(RecordBatch::try_new(Arc::new(schema(columns)), arrays).map_err(unfit)?);
    }
    Ok(parts)
}

fn position(keys: &[JoinKey], column: &str) -> Option<usize> {
    keys.iter().filter(|key| key.key != DUMMY_JOIN_KEY).position(|key| key.column == column)
}

fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef> {
    batch
        .column_by_name(name)
        .ok_or_else(|| Error::invalid(format!("the offline store answered no column \"{name}\"")))
}

fn typed(array: &ArrayRef, field: &Field) -> Result<ArrayRef> {
    let safe = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(array, &field.value_type.arrow_type(), &safe).map_err(|error| {
        Error::invalid(format!(
            "join key \"{}\" cannot be read as {}",
            field.name,
            field.value_type.name()
        ))
        .with_source(error)
    })
}

/// Of the rows of one entity of the view the newest.
fn newest(
    view: &FeatureView,
    rows: &RecordBatch,
    version: EntityKeyVersion,
) -> Result<EntityFrame> {
    let fields: Vec<&Field> =
        view.entity_columns.iter().filter(|key| key.name != DUMMY_JOIN_KEY).collect();
    let names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
    let layout = EntityKeyLayout::new(version, &names)?;
    let keys = fields
        .iter()
        .map(|field| KeyColumn::new(field, column(rows, &field.name)?))
        .collect::<Result<Vec<_>>>()?;
    let times = Instants::read(column(rows, EVENT_TIMESTAMP)?)?;
    let mut newest: HashMap<Vec<u8>, usize> = HashMap::new();
    let mut null_keys = 0;
    for row in 0..rows.num_rows() {
        if keys.iter().any(|key| key.value(row).is_none()) {
            null_keys += 1;
            continue;
        }
        let value = |at: usize| Ok(keys[at].value(row).expect("nulls were looked for just before"));
        let mut key = Vec::new();
        layout.encode_with(value, &mut key)?;
        match newest.entry(key) {
            Entry::Vacant(vacant) => drop(vacant.insert(row)),
            Entry::Occupied(mut known) if times.nanos(row) >= times.nanos(*known.get()) => {
                known.insert(row);
            }
            Entry::Occupied(_) => {}
        }
    }
    let mut chosen: Vec<u64> = newest.into_values().map(|row| row as u64).collect();
    chosen.sort_unstable();
    Ok(EntityFrame { rows: taken(rows, chosen)?, null_keys })
}

fn taken(rows: &RecordBatch, chosen: Vec<u64>) -> Result<RecordBatch> {
    let chosen = UInt64Array::from(chosen);
    let columns = rows
        .columns()
        .iter()
        .map(|column| arrow_select::take::take(column, &chosen, None).map_err(unfit))
        .collect::<Result<Vec<_>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(chosen.len()));
    RecordBatch::try_new_with_options(rows.schema(), columns, &options).map_err(unfit)
}

fn unfit(error: ArrowError) -> Error {
    Error::internal("entity rows do not fit together").with_source(error)
}
