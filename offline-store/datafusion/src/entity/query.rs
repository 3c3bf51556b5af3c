//! Entity rows from a query over sources.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::error::{DataFusionError, Result as PlanResult};
use datafusion::execution::context::SQLOptions;
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::SessionContext;
use larder_core::{DataSource, Error, ErrorKind, Result};

use crate::engine::DataFusionOfflineStore;
use crate::failure::{from_datafusion, into_datafusion};
use crate::source::{SourceTable, Tables, TimeBounds};

/// Runs one statement that reads; every source is a table under its name.
///
/// # Errors
/// `NotFound` for a table that is no source, `Invalid` for anything but one query that can be planned.
pub(super) async fn rows(
    engine: &DataFusionOfflineStore,
    sql: &str,
    sources: &[DataSource],
    opened: &mut Tables,
) -> Result<(SchemaRef, Vec<RecordBatch>)> {
    let context = engine.context();
    // A session of its own: names of one request are nothing to another. Memory and object stores are shared.
    let session =
        SessionContext::new_with_config_rt(context.copied_config(), context.runtime_env());
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
    let schema: &Schema = frame.schema().as_arrow();
    let schema = Arc::new(schema.clone());
    let batches = frame.collect().await;
    Ok((schema, batches.map_err(|error| from_datafusion(error).context("the entity query"))?))
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
