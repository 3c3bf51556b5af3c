//! Reads of one source for materialization.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use futures::TryStreamExt;
use larder_core::{DUMMY_JOIN_KEY, Result, Timestamp};
use larder_offline_store::{BatchStream, Instants, PullRequest, nanos};

use crate::all::All;
use crate::engine::DataFusionOfflineStore;
use crate::failure::from_arrow;
use crate::latest::{Latest, LatestColumns, Limits};
use crate::scan::{FeatureScan, ScanColumns};
use crate::source::{SourceTable, TimeBounds};

/// See [`OfflineStore::pull_latest`](larder_offline_store::OfflineStore::pull_latest).
pub(crate) async fn latest(
    engine: &DataFusionOfflineStore,
    request: &PullRequest,
) -> Result<BatchStream> {
    let table = SourceTable::open(engine, &request.source).await?;
    let columns = PullColumns::of(&table, request)?;
    let bounds = bounds(request);
    let (wanted, latest, answer) = columns.for_latest(&table);
    let scan = FeatureScan::plan(&table, &wanted, Some(bounds)).await?;
    let unit = Instants::unit_of(table.schema().field(columns.event).data_type());
    let options = engine.options();
    let memory = request.options.memory_limit.unwrap_or(usize::MAX).min(options.memory_limit);
    let latest = Latest {
        ticks: bounds.ticks(unit.unwrap_or(TimeUnit::Nanosecond)),
        columns: latest,
        answer,
        skip: request.options.skip,
        limits: Limits {
            pool: Arc::clone(&engine.context().runtime_env().memory_pool),
            memory,
            batch_rows: options.batch_size,
            workers: Limits::workers(),
        },
        scan,
    };
    let rows = latest.run(of_source(request)).await?;
    Ok(if request.join_keys.is_empty() { with_dummy_key(rows) } else { rows })
}

/// See [`OfflineStore::pull_all`](larder_offline_store::OfflineStore::pull_all).
pub(crate) async fn all(
    engine: &DataFusionOfflineStore,
    request: &PullRequest,
) -> Result<BatchStream> {
    let table = SourceTable::open(engine, &request.source).await?;
    let columns = PullColumns::of(&table, request)?;
    let rows = if let Some(all) = by_pieces(engine, &table, &columns, bounds(request)).await? {
        all.run(of_source(request))
    } else {
        let event = columns.columns.iter().position(|&column| column == columns.event);
        let scan = table.scan(&columns.columns, event.unwrap_or_default(), bounds(request))?;
        engine.run(&scan, of_source(request))?
    };
    Ok(if request.join_keys.is_empty() { with_dummy_key(rows) } else { rows })
}

/// A read that several threads share, `None` where the event time of a file stands outside of it: a scan that is planned
/// by times leaves such files out.
async fn by_pieces(
    engine: &DataFusionOfflineStore,
    table: &SourceTable,
    columns: &PullColumns,
    bounds: TimeBounds,
) -> Result<Option<All>> {
    if columns.event >= table.stored_columns() {
        return Ok(None);
    }
    let (wanted, latest, answer) = columns.for_latest(table);
    let scan = FeatureScan::plan(table, &wanted, Some(bounds)).await?;
    let is_bounded = bounds != TimeBounds::default();
    if !is_bounded && scan.pruning.rows.kept < scan.pruning.rows.of {
        return Ok(None);
    }
    let schema = table.schema();
    let unit = Instants::unit_of(schema.field(columns.event).data_type());
    let ticks = bounds.ticks(unit.unwrap_or(TimeUnit::Nanosecond));
    Ok(Some(All {
        scan,
        within: is_bounded.then_some((latest.event, ticks)),
        answer,
        schema: Arc::new(schema.project(&columns.columns).map_err(from_arrow)?),
        batch_rows: engine.options().batch_size,
        workers: Limits::workers(),
    }))
}

fn of_source(request: &PullRequest) -> String {
    format!("source \"{}\"", request.source.name)
}

fn bounds(request: &PullRequest) -> TimeBounds {
    TimeBounds { first: request.start.map(instant), last: request.end.map(instant) }
}

/// Columns of a request by their positions in the table.
struct PullColumns {
    /// Those of the answer, each once.
    columns: Vec<usize>,
    keys: Vec<usize>,
    event: usize,
    created: Option<usize>,
}

impl PullColumns {
    fn of(table: &SourceTable, request: &PullRequest) -> Result<Self> {
        let named = |names: &[String], purpose| {
            names.iter().map(|name| table.column(name, purpose)).collect::<Result<Vec<usize>>>()
        };
        let keys = named(&request.join_keys, "which is a join key")?;
        let mut features = named(&request.features, "which is a feature")?;
        let event = table.column(&request.timestamp_field, EVENT_TIME)?;
        let event = table.check_time(event, EVENT_TIME)?;
        let created = request.created_timestamp_column.as_deref().filter(|name| !name.is_empty());
        let created = created.map(|name| {
            let column = table.column(name, CREATED_TIME)?;
            table.check_time(column, CREATED_TIME)
        });
        let created = created.transpose()?;
        if request.features.is_empty() {
            let decides = |column: &usize| *column == event || Some(*column) == created;
            let all = 0..table.schema().fields().len();
            features.extend(all.filter(|column| !decides(column)));
        }
        let all = keys.iter().chain(&features).copied().chain([event]).chain(created);
        Ok(Self { columns: once(all), keys, event, created })
    }

    /// The columns of a scan, those that decide first; where they are in it, and where the answer's are.
    fn for_latest(&self, table: &SourceTable) -> (ScanColumns, LatestColumns, Vec<usize>) {
        let deciding = once(self.keys.iter().copied().chain([self.event]).chain(self.created));
        let features = self.columns.iter().filter(|column| !deciding.contains(column));
        let features: Vec<usize> = features.copied().collect();
        let place = |wanted: usize| {
            let all = deciding.iter().chain(&features);
            all.copied().position(|column| column == wanted).unwrap_or_default()
        };
        let latest = LatestColumns {
            keys: self.keys.iter().map(|&key| place(key)).collect(),
            event: place(self.event),
            created: self.created.map(place),
        };
        let answer = self.columns.iter().map(|&column| place(column)).collect();
        let schema = table.schema();
        let typed = |&column: &usize| (column, schema.field(column).data_type().clone());
        let features = features.iter().map(typed).collect();
        (ScanColumns { event: latest.event, deciding, features }, latest, answer)
    }
}

/// Each column where it first appears.
fn once(columns: impl Iterator<Item = usize>) -> Vec<usize> {
    let mut known = Vec::new();
    for column in columns {
        if !known.contains(&column) {
            known.push(column);
        }
    }
    known
}

/// What event time columns are for, in messages.
pub(crate) const EVENT_TIME: &str = "which is the event timestamp";
/// What created time columns are for, in messages.
pub(crate) const CREATED_TIME: &str = "which is the created timestamp";

fn instant(timestamp: Timestamp) -> i128 {
    nanos(timestamp.micros(), TimeUnit::Microsecond)
}

/// Feast 0.67, dask: rows of a view without entities carry the key under which they are stored online.
fn with_dummy_key(rows: BatchStream) -> BatchStream {
    let mut fields = vec![Arc::new(Field::new(DUMMY_JOIN_KEY, DataType::Utf8, true))];
    fields.extend(rows.schema().fields().iter().cloned());
    let schema = Arc::new(Schema::new(fields));
    let (keyed, count) = (Arc::clone(&schema), rows.rows());
    let batches = rows.and_then(move |batch| {
        let key: ArrayRef = Arc::new(StringArray::from(vec![""; batch.num_rows()]));
        let columns = std::iter::once(key).chain(batch.columns().iter().cloned()).collect();
        let batch = RecordBatch::try_new(Arc::clone(&keyed), columns).map_err(from_arrow);
        std::future::ready(batch)
    });
    let answer = BatchStream::new(schema, batches);
    count.into_iter().fold(answer, BatchStream::with_rows)
}
