//! On-demand views with `write_to_online_store`: for which entities, as of when, they are computed.

use std::fmt::Debug;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, TimestampMicrosecondArray, new_null_array};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::{ArrowError, Field as ArrowField, Schema, TimeUnit};
use async_trait::async_trait;
use futures::StreamExt as _;
use larder_core::{DUMMY_JOIN_KEY, Error, FeatureView, Field, Interval, JoinKey, Result, ViewPlan};
use larder_offline_store::{BatchStream, Instants, OfflineStore, PullRequest, ceil_ticks};
use larder_proto::wire::entity_key::EntityKeyVersion;

use crate::share::{EntityFrame, Held, Share};

/// Column of the entity rows that holds their times.
pub const EVENT_TIMESTAMP: &str = "event_timestamp";

/// Computes the features of one on-demand view; implemented over the transform engine by whoever composes the program.
#[async_trait]
pub trait OnDemandRows: Debug + Send + Sync {
    /// The stored views that the computation reads, with the entity columns that hold their join keys.
    fn sources(&self) -> &[ViewPlan];

    /// The entity rows again, with the view's features as of each row's [`EVENT_TIMESTAMP`]. The join takes
    /// `memory_limit` bytes at most, `None` for what the offline store allows itself.
    ///
    /// # Errors
    /// As the offline store; `Invalid` for what the function cannot compute.
    async fn compute(
        &self,
        offline: &dyn OfflineStore,
        entity: RecordBatch,
        memory_limit: Option<usize>,
    ) -> Result<BatchStream>;
}

/// Which entities are computed at a time.
#[derive(Debug)]
pub(crate) struct Entities<'a> {
    pub(crate) view: &'a FeatureView,
    pub(crate) computation: &'a dyn OnDemandRows,
    pub(crate) offline: &'a dyn OfflineStore,
    pub(crate) interval: Interval,
    pub(crate) version: EntityKeyVersion,
    /// Bytes that keys, their times and the join may take.
    pub(crate) memory_limit: Option<usize>,
}

impl Entities<'_> {
    /// One row per entity of the share that has a row in any source within the interval, as of its newest one; `None`
    /// where the share is too large for the limit.
    ///
    /// Feast 0.67 takes a row per source and lets the order of a set decide which is stored.
    ///
    /// # Errors
    /// `Invalid` when no source has a join key, or the view has none and a source has; what the offline store answers.
    pub(crate) async fn frame(&self, share: Share) -> Result<Option<EntityFrame>> {
        let columns = columns(self.computation.sources());
        if let Some(key) = columns.first().filter(|_| self.view.is_entityless()) {
            return Err(Error::invalid(format!(
                "it has no entities, but its sources have the join key \"{}\": of all their rows one would be stored",
                key.name
            ))
            .with_hint("give it the entities of its sources: entities=[...]"));
        }
        let lacking = self.view.entity_columns.iter().filter(|key| key.name != DUMMY_JOIN_KEY);
        if let Some(key) =
            lacking.clone().find(|key| columns.iter().all(|column| column.name != key.name))
        {
            return Err(Error::invalid(format!("no source has its join key \"{}\"", key.name))
                .with_hint("write its rows with /write-to-online-store"));
        }
        let mut held = Held::new(self.view, self.version, share, self.memory_limit)?;
        for source in self.computation.sources() {
            if !self.keys_of(source, &columns, &mut held).await? {
                return Ok(None);
            }
        }
        held.newest(&Arc::new(schema(&columns))).map(Some)
    }

    /// Keys and newest times of one source; keys that it does not have are null. False when they are too many.
    async fn keys_of(&self, source: &ViewPlan, columns: &[Field], held: &mut Held) -> Result<bool> {
        let Interval { start, end } = self.interval;
        let mut request = PullRequest::of_view(&source.view, Some(start), Some(end))?;
        request.options.memory_limit = self.memory_limit;
        // Without any feature, every column of the source would be read.
        request.features.clone_from(&request.join_keys);
        if request.features.is_empty() {
            request.features.push(request.timestamp_field.clone());
        }
        let (names, time) = (request.join_keys.clone(), request.timestamp_field.clone());
        let mut batches = self.offline.pull_latest(request).await?;
        while let Some(batch) = batches.next().await {
            let rows = entity_rows(source, columns, &batch?, (&names, &time))?;
            if !held.add(&rows)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
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

/// Rows of a source with the columns that entity rows have.
fn entity_rows(
    source: &ViewPlan,
    columns: &[Field],
    batch: &RecordBatch,
    (names, time): (&[String], &str),
) -> Result<RecordBatch> {
    let times = Instants::read(column(batch, time)?)?;
    let mut arrays = columns
        .iter()
        .map(|wanted| match position(&source.join_keys, &wanted.name) {
            Some(at) => typed(column(batch, &names[at])?, wanted),
            None => Ok(new_null_array(&wanted.value_type.arrow_type(), batch.num_rows())),
        })
        .collect::<Result<Vec<ArrayRef>>>()?;
    // Rounded up: the row itself must not lie after the time that it is asked for.
    let micros = (0..batch.num_rows())
        .map(|row| ceil_ticks(times.nanos(row).unwrap_or_default(), TimeUnit::Microsecond));
    let micros: TimestampMicrosecondArray = micros.collect::<Vec<i64>>().into();
    arrays.push(Arc::new(micros.with_timezone("UTC")));
    RecordBatch::try_new(Arc::new(schema(columns)), arrays).map_err(unfit)
}

fn position(keys: &[JoinKey], column: &str) -> Option<usize> {
    keys.iter().filter(|key| key.key != DUMMY_JOIN_KEY).position(|key| key.column == column)
}

pub(crate) fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef> {
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

pub(crate) fn unfit(error: ArrowError) -> Error {
    Error::internal("entity rows do not fit together").with_source(error)
}
