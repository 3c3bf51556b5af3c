//! From the driver's errors to kinds.

use std::sync::Arc;

use larder_core::{Error, ErrorKind};
use scylla::errors::{
    ConnectionError, ConnectionPoolError, ConnectionSetupRequestErrorKind as SetupFault, DbError,
    DeserializationError, ExecutionError, MetadataError, NewSessionError, PrepareError,
    RequestAttemptError,
};

use super::layout::create_keyspace;
use super::{CqlConfig, CqlFlavour};
use crate::ViewTable;
use crate::backend::never_made;

/// Why there is no session. It can be told more than once: calls that come soon after fail for the same reason.
#[derive(Debug, Clone)]
pub(super) enum ConnectFault {
    Driver(Arc<NewSessionError>),
    TimedOut,
    NoSuchDataCenter { wanted: String, known: Vec<String> },
}

/// Why a call failed: the driver's reason or ours.
#[derive(Debug)]
pub(super) enum Fault {
    Prepare(Box<PrepareError>),
    Execution(Box<ExecutionError>),
    /// An answer that is not what Feast's tables give.
    Answer(Box<dyn std::error::Error + Send + Sync>),
    Larder(Error),
}

impl From<PrepareError> for Fault {
    fn from(cause: PrepareError) -> Self {
        Self::Prepare(Box::new(cause))
    }
}

impl From<ExecutionError> for Fault {
    fn from(cause: ExecutionError) -> Self {
        Self::Execution(Box::new(cause))
    }
}

impl From<DeserializationError> for Fault {
    fn from(cause: DeserializationError) -> Self {
        Self::Answer(Box::new(cause))
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Larder(error)
    }
}

/// The error for a session that could not be made.
pub(super) fn connect_error(fault: ConnectFault, config: &CqlConfig) -> Error {
    match fault {
        ConnectFault::TimedOut => no_answer(config),
        ConnectFault::NoSuchDataCenter { wanted, known } => Error::invalid(format!(
            "the {} cluster has no data center \"{wanted}\"",
            config.flavour.name()
        ))
        .with_hint(format!("its data centers are: {}", known.join(", "))),
        ConnectFault::Driver(cause) if is_refused_login(&cause) => {
            refused(config).with_source(cause)
        }
        ConnectFault::Driver(cause) => no_answer(config).with_source(cause),
    }
}

fn is_refused_login(cause: &NewSessionError) -> bool {
    let NewSessionError::MetadataError(MetadataError::ConnectionPoolError(pool)) = cause else {
        return false;
    };
    is_login_fault(pool)
}

fn is_login_fault(pool: &ConnectionPoolError) -> bool {
    let ConnectionPoolError::Broken { last_connection_error } = pool else { return false };
    let ConnectionError::ConnectionSetupRequestError(setup) = last_connection_error else {
        return false;
    };
    matches!(
        setup.get_error(),
        SetupFault::MissingAuthentication
            | SetupFault::DbError(DbError::AuthenticationError | DbError::Unauthorized, _)
    )
}

fn place(config: &CqlConfig) -> String {
    format!("{} at {}", config.flavour.name(), config.addresses().join(", "))
}

/// No node answers.
fn no_answer(config: &CqlConfig) -> Error {
    let message = format!("the online store {} does not answer", place(config));
    Error::new(ErrorKind::Unavailable, message)
        .with_hint("check that it runs and that hosts and port are right, then try again")
}

fn refused(config: &CqlConfig) -> Error {
    let message = format!("the online store {} refused the login", place(config));
    Error::new(ErrorKind::PermissionDenied, message)
        .with_hint("check username, password and what the user may do in the keyspace")
}

fn failed(kind: ErrorKind, config: &CqlConfig) -> Error {
    Error::new(kind, format!("the online store {} failed", place(config)))
}

fn late(config: &CqlConfig) -> Error {
    let seconds = config.request_timeout.as_secs_f64();
    let message = format!("the online store {} did not answer in {seconds} s", place(config));
    Error::new(ErrorKind::Deadline, message).with_hint("raise online_store.request_timeout")
}

impl Fault {
    /// The error for a call, about `table` if it was about one.
    pub(super) fn into_error(self, config: &CqlConfig, table: Option<&ViewTable>) -> Error {
        match self {
            Self::Larder(error) => error,
            Self::Prepare(cause) => prepare_error(*cause, config, table),
            Self::Execution(cause) => execution_error(*cause, config, table),
            Self::Answer(cause) => failed(ErrorKind::Data, config)
                .with_source(cause)
                .with_hint("its tables are not those that Feast 0.67 makes"),
        }
    }

    /// Whether the keyspace does not exist.
    pub(super) fn is_missing_keyspace(&self) -> bool {
        let Self::Execution(cause) = self else { return false };
        let ExecutionError::LastAttemptError(attempt) = &**cause else { return false };
        missing(attempt) == Some(Missing::Keyspace)
    }
}

fn prepare_error(cause: PrepareError, config: &CqlConfig, table: Option<&ViewTable>) -> Error {
    let error = match &cause {
        PrepareError::AllAttemptsFailed { first_attempt } => {
            return attempt_error(first_attempt.clone(), config, table);
        }
        PrepareError::ConnectionPoolError(pool) if is_login_fault(pool) => refused(config),
        PrepareError::ConnectionPoolError(_) => no_answer(config),
        _ => failed(ErrorKind::Internal, config),
    };
    error.with_source(cause)
}

fn execution_error(cause: ExecutionError, config: &CqlConfig, table: Option<&ViewTable>) -> Error {
    let error = match cause {
        ExecutionError::LastAttemptError(attempt) => return attempt_error(attempt, config, table),
        ExecutionError::PrepareError(prepare) => return prepare_error(prepare, config, table),
        ExecutionError::RequestTimeout(_) => late(config),
        ExecutionError::ConnectionPoolError(ref pool) if is_login_fault(pool) => refused(config),
        ExecutionError::EmptyPlan
        | ExecutionError::ConnectionPoolError(_)
        | ExecutionError::MetadataError(_) => no_answer(config),
        ExecutionError::SchemaAgreementError(_) => failed(ErrorKind::Unavailable, config)
            .with_hint("its nodes do not agree on the tables yet: try again"),
        _ => failed(ErrorKind::Internal, config),
    };
    error.with_source(cause)
}

fn attempt_error(
    cause: RequestAttemptError,
    config: &CqlConfig,
    table: Option<&ViewTable>,
) -> Error {
    match (missing(&cause), table) {
        (Some(Missing::Keyspace), _) => return no_keyspace(config).with_source(cause),
        (Some(Missing::Table), Some(table)) => return never_made(table),
        _ => {}
    }
    let error = match &cause {
        RequestAttemptError::BrokenConnectionError(_) => no_answer(config),
        RequestAttemptError::UnableToAllocStreamId => failed(ErrorKind::Unavailable, config)
            .with_hint("too many statements at one time: lower read_concurrency"),
        RequestAttemptError::DbError(fault, _) => database_error(fault, config),
        _ => failed(ErrorKind::Internal, config),
    };
    error.with_source(cause)
}

fn database_error(fault: &DbError, config: &CqlConfig) -> Error {
    match fault {
        DbError::ReadTimeout { .. } | DbError::WriteTimeout { .. } => late(config),
        DbError::AuthenticationError | DbError::Unauthorized => refused(config),
        DbError::Unavailable { .. } => failed(ErrorKind::Unavailable, config).with_hint(
            "fewer replicas are up than the consistency level wants: see read_consistency and write_consistency",
        ),
        DbError::Overloaded
        | DbError::RateLimitReached { .. }
        | DbError::IsBootstrapping
        | DbError::ReadFailure { .. }
        | DbError::WriteFailure { .. }
        | DbError::TruncateError
        | DbError::ServerError => failed(ErrorKind::Unavailable, config),
        DbError::Invalid | DbError::ConfigError | DbError::SyntaxError => {
            failed(ErrorKind::Invalid, config)
        }
        _ => failed(ErrorKind::Internal, config),
    }
}

/// What a statement was about and the database does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Missing {
    Keyspace,
    Table,
}

/// CQL has one code for all that is wrong with a statement: only the text tells that a table is missing.
fn missing(cause: &RequestAttemptError) -> Option<Missing> {
    let RequestAttemptError::DbError(DbError::Invalid | DbError::ConfigError, text) = cause else {
        return None;
    };
    let text = text.to_ascii_lowercase();
    let absent = text.contains("does not exist") || text.contains("doesn't exist");
    if text.starts_with("keyspace") && absent {
        Some(Missing::Keyspace)
    } else if text.starts_with("unconfigured table") || (text.starts_with("table") && absent) {
        Some(Missing::Table)
    } else {
        None
    }
}

fn no_keyspace(config: &CqlConfig) -> Error {
    let message =
        format!("the keyspace \"{}\" does not exist in {}", config.keyspace, place(config));
    let hint = match config.flavour {
        CqlFlavour::ScyllaDb => "run `fs apply`".to_owned(),
        CqlFlavour::Cassandra => {
            format!("make it, for instance: {}", create_keyspace(&config.keyspace))
        }
    };
    Error::new(ErrorKind::NotFound, message).with_hint(hint)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn config() -> CqlConfig {
        CqlConfig::new(CqlFlavour::Cassandra, ["node"])
    }

    fn kind_of(fault: DbError, text: &str) -> ErrorKind {
        let table = ViewTable::new("p", "v", ["f"]).unwrap();
        let cause = RequestAttemptError::DbError(fault, text.to_owned());
        Fault::from(ExecutionError::from(cause)).into_error(&config(), Some(&table)).kind()
    }

    #[test]
    fn causes_lead_to_kinds() {
        for (fault, text, kind) in [
            (DbError::Invalid, "table p_v does not exist", ErrorKind::NotFound),
            (DbError::Invalid, "unconfigured table p_v", ErrorKind::NotFound),
            (DbError::Invalid, "Keyspace ks does not exist", ErrorKind::NotFound),
            (DbError::ConfigError, "Keyspace 'ks' doesn't exist", ErrorKind::NotFound),
            (DbError::Invalid, "\"p v\" is not a valid table name", ErrorKind::Invalid),
            (DbError::SyntaxError, "line 1:0", ErrorKind::Invalid),
            (DbError::Overloaded, "", ErrorKind::Unavailable),
            (DbError::IsBootstrapping, "", ErrorKind::Unavailable),
            (DbError::ServerError, "", ErrorKind::Unavailable),
            (DbError::Unauthorized, "", ErrorKind::PermissionDenied),
            (DbError::ProtocolError, "", ErrorKind::Internal),
        ] {
            assert_eq!(kind_of(fault.clone(), text), kind, "{fault:?} {text}");
        }
    }

    #[test]
    fn a_late_answer_is_a_deadline() {
        let late = ExecutionError::RequestTimeout(Duration::from_secs(1));
        assert_eq!(Fault::from(late).into_error(&config(), None).kind(), ErrorKind::Deadline);
    }
}
