//! Entity rows in memory, with their time column found and their times in UTC.

use std::path::Path;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{Schema, SchemaRef};
use larder_core::{DataSource, Error, Result, SourceKind};
use larder_offline_store::{EntityRows, Instants};

use super::text::TextFormat;
use super::{query, time, window};
use crate::engine::DataFusionOfflineStore;
use crate::failure::from_arrow;
use crate::historical::OpenView;
use crate::source::{Location, SourceTable, TimeBounds};

/// The left side of the join.
#[derive(Debug)]
pub(crate) struct EntityTable {
    pub(crate) schema: SchemaRef,
    pub(crate) batches: Vec<RecordBatch>,
    /// Position of the event time column.
    pub(crate) time: usize,
}

impl EntityTable {
    /// Brings entity rows into memory; `time` names the event time column if the caller knows it.
    pub(crate) async fn load(
        engine: &DataFusionOfflineStore,
        rows: EntityRows,
        time: Option<&str>,
        views: &[OpenView],
    ) -> Result<Self> {
        match rows {
            EntityRows::Batches { schema, batches } => Self::of_batches(&schema, batches, time),
            EntityRows::File(path) => {
                let (schema, batches) = match TextFormat::of_name(&path) {
                    Some(format) => format.read(&path, views)?,
                    None => read_parquet(engine, &path).await?,
                };
                Self::of_batches(&schema, batches, time)
            }
            EntityRows::Query { sql, tables } => {
                let (schema, batches) = query::rows(engine, &sql, &tables).await?;
                Self::of_batches(&schema, batches, time)
            }
            EntityRows::Window { start, end } => window::keys(engine, views, start, end).await,
        }
    }

    fn of_batches(schema: &Schema, batches: Vec<RecordBatch>, time: Option<&str>) -> Result<Self> {
        let time = time::find_column(schema, time)?;
        let utc = Arc::new(time::utc_schema(schema, time)?);
        let batches = batches.into_iter().map(|batch| {
            let columns = batch.columns().iter().zip(utc.fields());
            let columns = columns.map(|(column, field)| time::to_utc(column, field));
            let columns = columns.collect::<Result<_>>()?;
            RecordBatch::try_new(Arc::clone(&utc), columns).map_err(from_arrow)
        });
        Ok(Self { batches: batches.collect::<Result<_>>()?, schema: utc, time })
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

    /// The least and the greatest event time in UTC nanoseconds, `None` without any.
    pub(crate) fn instants(&self) -> Result<Option<(i128, i128)>> {
        let mut range: Option<(i128, i128)> = None;
        for batch in &self.batches {
            let times = Instants::read(batch.column(self.time))?;
            for instant in (0..batch.num_rows()).filter_map(|row| times.nanos(row)) {
                let (first, last) = range.unwrap_or((instant, instant));
                range = Some((first.min(instant), last.max(instant)));
            }
        }
        Ok(range)
    }
}

async fn read_parquet(
    engine: &DataFusionOfflineStore,
    path: &Path,
) -> Result<(SchemaRef, Vec<RecordBatch>)> {
    let shown = path.display().to_string();
    let location = Location::local(path, &shown)?;
    let uri = shown.clone();
    let kind = SourceKind::File { uri, format: None, s3_endpoint_override: String::new() };
    let source = DataSource::new("entity rows", kind);
    let table = SourceTable::open_at(engine, &source, location).await?;
    let schema = table.schema();
    if schema.fields().is_empty() {
        return Err(Error::invalid(format!("{shown} has no columns")));
    }
    let columns: Vec<usize> = (0..schema.fields().len()).collect();
    let scan = table.scan(&columns, 0, TimeBounds::default())?;
    let rows = engine.run(&scan, format!("entity rows in {shown}"))?;
    Ok((rows.schema(), rows.collect().await?))
}
