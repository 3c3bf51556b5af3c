//! Entity rows from a query over sources.

use std::sync::Arc;

use arrow_schema::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::error::{DataFusionError, Result as PlanResult};
use datafusion::execution::context::SQLOptions;
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::SessionContext;
use futures::TryStreamExt as _;
use larder_core::{DataSource, Error, ErrorKind, Result};

use super::gathered::Gathered;
use super::table::EntityTable;
use crate::engine::DataFusionOfflineStore;
use crate::failure::{from_datafusion, into_datafusion};
use crate::source::{SourceTable, Tables, TimeBounds};

/// The least memory of a query: it cannot sort with less than a few batches.
const LEAST_MEMORY: usize = 32 << 20;
/// The part of its memory that a query keeps for merging what it sorted on disk, and the most of it.
const MERGING: (usize, usize) = (8, 10 << 20);

/// Runs one statement that reads; every source is a table under its name. `time` names the event time column if the
/// caller knows it, and `limit` is what the join may hold.
///
/// # Errors
/// `NotFound` for a table that is no source, `Invalid` for anything but one query that can be planned, and for one that
/// needs more memory than there is and cannot use the disk instead.
pub(super) async fn rows(
    engine: &DataFusionOfflineStore,
    sql: &str,
    sources: &[DataSource],
    opened: &mut Tables,
    time: Option<&str>,
    limit: usize,
) -> Result<EntityTable> {
    let session = session(engine, limit)?;
    let pool = Arc::clone(&session.runtime_env().memory_pool);
    for name in tables(&session, sql)? {
        let source = sources.iter().find(|source| source.name == name).ok_or_else(|| {
            let known: Vec<_> = sources.iter().map(|source| source.name.as_str()).collect();
            Error::new(
                ErrorKind::NotFound,
                format!("the entity query reads \"{name}\", which is no source"),
            )
            .with_hint(format!("the sources are {}; quote names with capitals", known.join(", ")))
        })?;
        let table = Arc::new(QueriedSource(opened.open(engine, source).await?));
        session.register_table(quoted(&name), table).map_err(refused)?;
    }
    let reading =
        SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    let frame = session.sql_with_options(sql, reading).await.map_err(refused)?;
    let mut rows = Gathered::new(frame.schema().as_arrow(), time, limit, &pool)?;
    let failed = |error| from_datafusion(error).context("the entity query");
    let mut batches = frame.execute_stream().await.map_err(failed)?;
    while let Some(batch) = batches.try_next().await.map_err(failed)? {
        rows.add(&batch)?;
    }
    rows.finish()
}

/// A session of its own: names of one request are nothing to another.
fn session(engine: &DataFusionOfflineStore, limit: usize) -> Result<SessionContext> {
    let memory = limit.max(LEAST_MEMORY);
    let mut config = engine.context().copied_config();
    let (part, most) = MERGING;
    config.options_mut().execution.sort_spill_reservation_bytes = (memory / part).min(most);
    Ok(SessionContext::new_with_config_rt(config, engine.runtime_within(memory)?))
}

/// The names of the tables that a statement reads.
pub(crate) fn tables(session: &SessionContext, sql: &str) -> Result<Vec<String>> {
    let state = session.state();
    let dialect = state.config_options().sql_parser.dialect;
    let statement = state.sql_to_statement(sql, &dialect).map_err(refused)?;
    let references = state.resolve_table_references(&statement).map_err(refused)?;
    Ok(references.iter().map(|reference| reference.table().to_owned()).collect())
}

fn quoted(name: &str) -> datafusion::common::TableReference {
    datafusion::common::TableReference::bare(name)
}

fn refused(error: DataFusionError) -> Error {
    Error::invalid("the entity query cannot be run")
        .with_source(error)
        .with_hint("write one SELECT over the repository's sources")
}

/// A source as a table.
#[derive(Debug)]
struct QueriedSource(Arc<SourceTable>);

#[async_trait]
impl TableProvider for QueriedSource {
    fn schema(&self) -> SchemaRef {
        self.0.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _: &dyn Session,
        projection: Option<&Vec<usize>>,
        _: &[Expr],
        _: Option<usize>,
    ) -> PlanResult<Arc<dyn ExecutionPlan>> {
        let all = || (0..self.0.schema().fields().len()).collect();
        let columns = projection.cloned().unwrap_or_else(all);
        self.0.scan(&columns, 0, TimeBounds::default()).map_err(into_datafusion)
    }
}
