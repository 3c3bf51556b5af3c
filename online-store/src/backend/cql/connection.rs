//! The session: made by the first call, kept for good, with the statements prepared on it.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use larder_core::{Error, ErrorKind, Result};
use scylla::client::execution_profile::{ExecutionProfile, ExecutionProfileHandle};
use scylla::client::session::Session;
use scylla::client::session_builder::SessionBuilder;
use scylla::errors::PrepareError;
use scylla::policies::load_balancing::DefaultPolicy;
use scylla::policies::timestamp_generator::MonotonicTimestampGenerator;
use scylla::statement::prepared::PreparedStatement;
use scylla::statement::unprepared::Statement;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use super::error::{ConnectFault, connect_error};
use super::{CqlConfig, CqlConsistency};

/// For how long calls fail at once after a failed attempt to connect, so that they do not queue up behind each other.
const PAUSE: Duration = Duration::from_secs(1);

/// Rows, which are features, per page.
const PAGE: i32 = 1_000;

/// How long tables may take to be made, whatever the timeout of other statements.
const SCHEMA_PATIENCE: Duration = Duration::from_mins(1);

/// A cluster that is connected to when it is first needed.
///
/// The driver keeps the session alive from then on: it replaces broken connections, follows nodes that come and go, and
/// prepares statements again where a node forgot them. Its tasks run on the runtime of the first call.
pub(super) struct Connection {
    config: CqlConfig,
    connected: OnceLock<Arc<Connected>>,
    /// Held while connecting; the last failure and when it was.
    failed: Mutex<Option<(Instant, ConnectFault)>>,
}

/// What a statement is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Read,
    Write,
}

/// A session with its prepared statements.
pub(super) struct Connected {
    pub(super) session: Session,
    reads: ExecutionProfileHandle,
    writes: ExecutionProfileHandle,
    prepared: RwLock<HashMap<String, PreparedStatement>>,
}

impl Connection {
    pub(super) fn new(config: CqlConfig) -> Self {
        Self { config, connected: OnceLock::new(), failed: Mutex::new(None) }
    }

    pub(super) fn config(&self) -> &CqlConfig {
        &self.config
    }

    /// The session; connects if there is none yet.
    ///
    /// # Errors
    /// `Unavailable` when no node answers, `PermissionDenied` when the login is refused, `Invalid` for a data center
    /// that the cluster does not have.
    pub(super) async fn get(&self) -> Result<Arc<Connected>> {
        if let Some(connected) = self.connected.get() {
            return Ok(Arc::clone(connected));
        }
        let mut failed = self.failed.lock().await;
        if let Some(connected) = self.connected.get() {
            return Ok(Arc::clone(connected));
        }
        if let Some((at, fault)) = &*failed
            && at.elapsed() < PAUSE
        {
            return Err(connect_error(fault.clone(), &self.config));
        }
        match self.connect().await {
            Ok(connected) => Ok(Arc::clone(self.connected.get_or_init(|| Arc::new(connected)))),
            Err(fault) => {
                *failed = Some((Instant::now(), fault.clone()));
                Err(connect_error(fault, &self.config))
            }
        }
    }

    async fn connect(&self) -> Result<Connected, ConnectFault> {
        let config = &self.config;
        let reads = profile(config, config.read_dc.as_ref(), config.read_consistency);
        let writes = profile(config, config.write_dc.as_ref(), config.write_consistency);
        let mut builder = SessionBuilder::new()
            .known_nodes(config.addresses())
            .keyspaces_to_fetch([config.keyspace.as_str()])
            .fetch_full_schema_metadata(false)
            .connection_timeout(config.request_timeout.min(Duration::from_secs(5)))
            .timestamp_generator(Arc::new(MonotonicTimestampGenerator::new()))
            .default_execution_profile_handle(writes.clone());
        if let Some(credentials) = &config.credentials {
            builder = builder.user(&credentials.username, &credentials.password);
        }
        let session = timeout(config.request_timeout, builder.build())
            .await
            .map_err(|_| ConnectFault::TimedOut)?
            .map_err(|cause| ConnectFault::Driver(Arc::new(cause)))?;
        check_data_centers(&session, config)?;
        Ok(Connected { session, reads, writes, prepared: RwLock::default() })
    }
}

impl Connected {
    /// A statement for rows, prepared once. All of them may be sent twice: reads change nothing, and a write carries
    /// its time.
    pub(super) async fn prepare(
        &self,
        text: &str,
        purpose: Purpose,
    ) -> Result<PreparedStatement, PrepareError> {
        let known = self.prepared.read().unwrap_or_else(PoisonError::into_inner).get(text).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let mut prepared = self.session.prepare(Statement::new(text).with_page_size(PAGE)).await?;
        prepared.set_is_idempotent(true);
        let profile = match purpose {
            Purpose::Read => &self.reads,
            Purpose::Write => &self.writes,
        };
        prepared.set_execution_profile_handle(Some(profile.clone()));
        let mut cache = self.prepared.write().unwrap_or_else(PoisonError::into_inner);
        cache.insert(text.to_owned(), prepared.clone());
        Ok(prepared)
    }

    /// Forgets statements that are no longer needed.
    pub(super) fn forget(&self, texts: impl IntoIterator<Item = String>) {
        let mut cache = self.prepared.write().unwrap_or_else(PoisonError::into_inner);
        for text in texts {
            cache.remove(&text);
        }
    }

    /// A statement that changes the schema, ready to be sent; idempotent by its text.
    pub(super) fn schema_statement(text: String) -> Statement {
        let mut statement = Statement::new(text);
        statement.set_is_idempotent(true);
        statement.set_request_timeout(Some(SCHEMA_PATIENCE));
        statement
    }
}

/// Token-aware routing, inside the data center if one is given.
fn profile(
    config: &CqlConfig,
    data_center: Option<&String>,
    consistency: CqlConsistency,
) -> ExecutionProfileHandle {
    let mut policy = DefaultPolicy::builder().token_aware(true);
    if let Some(data_center) = data_center {
        policy = policy.prefer_datacenter(data_center.clone());
    }
    ExecutionProfile::builder()
        .consistency(consistency.0)
        .request_timeout(Some(config.request_timeout))
        .load_balancing_policy(policy.build())
        .build()
        .into_handle()
}

/// A data center without nodes would leave every request without a target, for a reason that nobody would guess.
fn check_data_centers(session: &Session, config: &CqlConfig) -> Result<(), ConnectFault> {
    let state = session.get_cluster_state();
    let known: Vec<&str> =
        state.get_nodes_info().iter().filter_map(|node| node.datacenter.as_deref()).collect();
    for wanted in config.read_dc.iter().chain(&config.write_dc) {
        if !known.is_empty() && !known.contains(&wanted.as_str()) {
            let mut known: Vec<String> = known.iter().map(|&name| name.to_owned()).collect();
            known.sort();
            known.dedup();
            return Err(ConnectFault::NoSuchDataCenter { wanted: wanted.clone(), known });
        }
    }
    Ok(())
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("config", &self.config).finish_non_exhaustive()
    }
}

/// The error for a lock or semaphore of ours that was closed, which nobody does.
pub(super) fn closed() -> Error {
    Error::new(ErrorKind::Internal, "the CQL store's turnstile is closed")
}
