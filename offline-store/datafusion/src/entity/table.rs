//! Entity rows with their time column found and their times in UTC.

use std::sync::Arc;

use arrow_array::{Array as _, ArrayRef, RecordBatch};
use arrow_schema::{Schema, SchemaRef};
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use larder_core::{Error, Result};
use larder_object_storage::ObjectUri;
use larder_offline_store::{EntityRows, Instants, nanos};

use super::text::TextFormat;
use super::{file, query, time, window};
use crate::engine::DataFusionOfflineStore;
use crate::failure::from_datafusion;
use crate::historical::OpenView;
use crate::source::Tables;

/// The left side of the join.
#[derive(Debug)]
pub(crate) struct EntityTable {
    pub(crate) schema: SchemaRef,
    /// The rows as one partition.
    pub(crate) rows: Arc<dyn ExecutionPlan>,
    /// Position of the event time column.
    pub(crate) time: usize,
    pub(crate) extent: Extent,
}

/// How many entity rows there are, and between which times.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Extent {
    pub(crate) rows: usize,
    /// Bytes in memory, about where the rows are in a file.
    pub(crate) bytes: usize,
    /// The least and the greatest event time in UTC nanoseconds, `None` without any.
    pub(crate) instants: Option<(i128, i128)>,
}

impl Extent {
    /// Adds rows with these event times.
    pub(super) fn add_times(&mut self, times: &ArrayRef) -> Result<()> {
        self.rows += times.len();
        let times = Instants::read(times)?;
        let ticks = || times.ticks.iter().flatten();
        if let (Some(least), Some(greatest)) = (ticks().min(), ticks().max()) {
            let (least, greatest) = (nanos(least, times.unit), nanos(greatest, times.unit));
            let (first, last) = self.instants.unwrap_or((least, greatest));
            self.instants = Some((first.min(least), last.max(greatest)));
        }
        Ok(())
    }
}

impl EntityTable {
    /// Opens entity rows; `time` names the event time column if the caller knows it, and `limit` is what the join may hold.
    pub(crate) async fn load(
        engine: &DataFusionOfflineStore,
        rows: EntityRows,
        time: Option<&str>,
        limit: usize,
        views: &[OpenView],
        opened: &mut Tables,
    ) -> Result<Self> {
        match rows {
            EntityRows::Batches { schema, batches } => Self::of_batches(&schema, batches, time),
            EntityRows::File(path) => match TextFormat::of_name(&path) {
                Some(_) if ObjectUri::is_one(&path.to_string_lossy()) => {
                    let shown = path.display();
                    Err(Error::unsupported(format!("{shown} cannot be read as text"))
                        .with_hint("entity rows in a bucket are read as Parquet"))
                }
                Some(format) => format.read(engine, path, views, time, limit).await,
                None => file::open(engine, &path, time, limit).await,
            },
            EntityRows::Query { sql, tables } => {
                query::rows(engine, &sql, &tables, opened, time, limit).await
            }
            EntityRows::Window { start, end } => window::keys(engine, views, start, end).await,
        }
    }

    /// Rows at hand.
    pub(super) fn of_batches(
        schema: &Schema,
        batches: Vec<RecordBatch>,
        time: Option<&str>,
    ) -> Result<Self> {
        let time = time::find_column(schema, time)?;
        let utc = Arc::new(time::utc_schema(schema, time)?);
        let batches = batches.into_iter().map(|batch| time::in_utc(&batch, &utc));
        let batches = batches.collect::<Result<_>>()?;
        Self::of_utc(utc, batches, time)
    }

    /// Rows at hand whose times are in UTC.
    pub(super) fn of_utc(
        schema: SchemaRef,
        batches: Vec<RecordBatch>,
        time: usize,
    ) -> Result<Self> {
        let mut extent = Extent::default();
        for batch in &batches {
            extent.add_times(batch.column(time))?;
            extent.bytes += batch.get_array_memory_size();
        }
        let rows = MemorySourceConfig::try_new_exec(&[batches], Arc::clone(&schema), None);
        Ok(Self { schema, rows: rows.map_err(from_datafusion)?, time, extent })
    }

    /// Rows that are read as they are needed, with times in UTC.
    pub(super) fn read_when_needed(
        rows: Arc<dyn PartitionStream>,
        time: usize,
        extent: Extent,
    ) -> Result<Self> {
        let schema = SchemaRef::clone(rows.schema());
        let rows =
            StreamingTableExec::try_new(Arc::clone(&schema), vec![rows], None, [], false, None);
        Ok(Self { schema, rows: Arc::new(rows.map_err(from_datafusion)?), time, extent })
    }

    /// The position of a join key column.
    pub(crate) fn column(&self, name: &str, view: &str) -> Result<usize> {
        self.schema.index_of(name).map_err(|_| {
            let fields = self.schema.fields().iter();
            let names: Vec<_> = fields.map(|field| field.name().as_str()).collect();
            Error::invalid(format!(
                "the entity rows lack column \"{name}\", a join key of feature view \"{view}\""
            ))
            .with_hint(format!("their columns are {}", names.join(", ")))
        })
    }
}
