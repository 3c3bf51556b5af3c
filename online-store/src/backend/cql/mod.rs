//! `cassandra` and `scylladb`: Feast's tables on either. Layers, from the outside: `connection` (a session made when it
//! is needed, prepared statements), `client` (what happens on it), `layout` and `bound_insert` (statements and
//! their parameters).

mod bound_insert;
mod client;
mod config;
mod connection;
mod error;
mod layout;

use std::sync::Arc;

use async_trait::async_trait;
use futures::future::join_all;
use larder_core::{Error, Result};
use scylla::statement::unprepared::Statement;
use tokio::sync::Semaphore;

pub use self::config::{CqlConfig, CqlConsistency, CqlCredentials, CqlFlavour, WriteTimestamp};
use self::connection::{Connected, Connection};
use self::error::Fault;
use self::layout::{InsertUsing, Statements, create_keyspace};
use crate::{
    GuardScope, OnlineStore, PoolUse, ReadRows, ViewRead, ViewTable, WriteGuard, WriteRows,
    WriteSummary,
};

/// The CQL online store: Feast's tables on Cassandra or `ScyllaDB`, which Feast may read and write at the same time.
///
/// Feast keeps whole milliseconds of event times. A row is one partition and is written as one mutation, so readers see
/// all of it or nothing; rows of different keys are read and written independently of each other. A row's time is the
/// latest of its features, as far as they are stored. How far the event-time guard reaches depends on
/// [`WriteTimestamp`]. Clones share the session.
#[derive(Debug, Clone)]
pub struct CqlStore(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    connection: Connection,
    reads: Semaphore,
    writes: Semaphore,
}

impl CqlStore {
    /// A store on the cluster of `config`, which is connected to by the first call that needs it.
    ///
    /// The connection lives on that call's runtime, which must live as long as the store is used.
    ///
    /// # Errors
    /// `Invalid` when no host is given.
    pub fn new(config: CqlConfig) -> Result<Self> {
        if config.hosts.is_empty() {
            return Err(Error::invalid("the online store has no hosts")
                .with_hint("set online_store.hosts, for instance [\"127.0.0.1\"]"));
        }
        let (reads, writes) = permits(&config);
        Ok(Self(Arc::new(Shared {
            reads: Semaphore::new(reads),
            writes: Semaphore::new(writes),
            connection: Connection::new(config),
        })))
    }

    fn config(&self) -> &CqlConfig {
        self.0.connection.config()
    }

    fn error(&self, fault: Fault, table: &ViewTable) -> Error {
        fault.into_error(self.config(), Some(table))
    }

    async fn change_schema(&self, connected: &Connected, text: String) -> Result<(), Fault> {
        let statement = Connected::schema_statement(text);
        connected.session.query_unpaged(statement, ()).await?;
        Ok(())
    }

    async fn make(&self, connected: &Connected, create: &[ViewTable]) -> Result<()> {
        let config = self.config();
        if config.flavour == CqlFlavour::ScyllaDb && !create.is_empty() {
            let keyspace = create_keyspace(&config.keyspace);
            let made = self.change_schema(connected, keyspace).await;
            made.map_err(|fault| fault.into_error(config, None))?;
        }
        for table in create {
            let text = Statements::new(config, table)?.create();
            let made = self.change_schema(connected, text).await;
            made.map_err(|fault| {
                let error = fault.into_error(config, None);
                error.context(format_args!("the table for {table} cannot be made"))
            })?;
        }
        Ok(())
    }

    async fn remove(&self, connected: &Connected, delete: &[ViewTable]) -> Result<()> {
        for table in delete {
            let statements = Statements::new(self.config(), table)?;
            match self.change_schema(connected, statements.drop()).await {
                Err(fault) if !fault.is_missing_keyspace() => return Err(self.error(fault, table)),
                _ => {}
            }
            connected.forget(statements_of(&statements));
        }
        Ok(())
    }
}

/// Statements at once: reads, and writes.
fn permits(config: &CqlConfig) -> (usize, usize) {
    let within = |wanted: usize| wanted.clamp(1, Semaphore::MAX_PERMITS);
    (within(config.read_concurrency), within(config.write_concurrency))
}

/// Every statement that is prepared for a table.
fn statements_of(statements: &Statements) -> Vec<String> {
    let mut texts = vec![statements.select()];
    for ttl in [false, true] {
        for timestamp in [false, true] {
            texts.push(statements.insert(InsertUsing { ttl, timestamp }));
        }
    }
    texts
}

#[async_trait]
impl OnlineStore for CqlStore {
    fn name(&self) -> &'static str {
        self.config().flavour.name()
    }

    fn guard_scope(&self) -> GuardScope {
        match self.config().write_timestamp {
            WriteTimestamp::WallClock => GuardScope::Call,
            WriteTimestamp::EventTime => GuardScope::Value,
        }
    }

    /// Statements; how many connections the driver has to each node is its own affair.
    fn pool(&self) -> Option<PoolUse> {
        let (reads, writes) = permits(self.config());
        let reads = PoolUse::of(&self.0.reads, reads);
        let writes = PoolUse::of(&self.0.writes, writes);
        let limit = reads.limit.zip(writes.limit).map(|(reads, writes)| reads + writes);
        Some(PoolUse { connections: None, calls: reads.calls + writes.calls, limit })
    }

    async fn read(&self, table: &ViewTable, keys: &[&[u8]]) -> Result<ReadRows> {
        if keys.is_empty() {
            return Ok(ReadRows::with_capacity(0, table.features().len()));
        }
        let connected = self.0.connection.get().await?;
        let read = client::read(&connected, self.config(), &self.0.reads, table, keys).await;
        read.map_err(|fault| self.error(fault, table))
    }

    async fn read_views(&self, reads: &[ViewRead<'_>]) -> Vec<Result<ReadRows>> {
        join_all((0..reads.len()).map(|at| self.read(reads[at].table, reads[at].keys))).await
    }

    async fn write(
        &self,
        table: &ViewTable,
        rows: &WriteRows,
        guard: WriteGuard,
    ) -> Result<WriteSummary> {
        rows.check(table)?;
        if rows.is_empty() {
            return Ok(WriteSummary::default());
        }
        let connected = self.0.connection.get().await?;
        let turns = &self.0.writes;
        let written = client::write(&connected, self.config(), turns, table, rows, guard).await;
        written.map_err(|fault| self.error(fault, table))
    }

    async fn update(&self, create: &[ViewTable], delete: &[ViewTable]) -> Result<()> {
        if create.is_empty() && delete.is_empty() {
            return Ok(());
        }
        let connected = self.0.connection.get().await?;
        self.make(&connected, create).await?;
        self.remove(&connected, delete).await
    }

    async fn teardown(&self, tables: &[ViewTable]) -> Result<()> {
        self.update(&[], tables).await
    }

    async fn health(&self) -> Result<()> {
        let connected = self.0.connection.get().await?;
        let mut alive = Statement::new("SELECT key FROM system.local");
        alive.set_is_idempotent(true);
        let asked = connected.session.query_unpaged(alive, ()).await;
        asked.map(drop).map_err(|cause| Fault::from(cause).into_error(self.config(), None))
    }
}
