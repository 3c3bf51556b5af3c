//! From what the client says to kinds.

use std::time::Duration;

use larder_core::{Error, ErrorKind};
use redis::{ErrorKind as Cause, RedisError, ServerErrorKind};

/// Why a call failed.
#[derive(Debug, Clone)]
pub(super) enum Fault {
    /// Redis or the way to it.
    Redis(RedisError),
    /// No connection within this time.
    ConnectTimeout(Duration),
    /// No answer within this time.
    ResponseTimeout(Duration),
    /// No turn within this time.
    Busy(Duration),
    /// Nodes of a cluster that sent us to one another so often.
    Redirected(u32),
}

impl From<RedisError> for Fault {
    fn from(cause: RedisError) -> Self {
        Self::Redis(cause)
    }
}

impl Fault {
    /// The code of an answer that is an error, for instance `NOSCRIPT`.
    pub(super) fn code(&self) -> Option<&str> {
        match self {
            Self::Redis(cause) => cause.code(),
            _ => None,
        }
    }

    /// What follows the code.
    pub(super) fn detail(&self) -> Option<&str> {
        match self {
            Self::Redis(cause) => cause.detail(),
            _ => None,
        }
    }

    /// Whether the server cannot be reached.
    pub(super) fn is_away(&self) -> bool {
        match self {
            Self::Redis(cause) => cause.kind() == Cause::Io,
            Self::ConnectTimeout(_) => true,
            _ => false,
        }
    }

    /// Whether a node of a cluster names another one.
    pub(super) fn is_redirection(&self) -> bool {
        use ServerErrorKind::{Ask, Moved};
        let Self::Redis(cause) = self else { return false };
        matches!(cause.kind(), Cause::Server(Ask | Moved))
    }

    /// Whether the connection went before the answer came, so that another may bring it.
    pub(super) fn is_lost_connection(&self) -> bool {
        matches!(self, Self::Redis(cause) if cause.is_connection_dropped() && !cause.is_connection_refusal())
    }
}

/// Who failed, in words: the address without the password, and the password to keep out of everything said.
#[derive(Debug)]
pub(super) struct Server {
    name: String,
    secret: Option<Secret>,
}

struct Secret(String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

impl Server {
    pub(super) fn new(name: String, secret: Option<String>) -> Self {
        Self { name, secret: secret.filter(|secret| !secret.is_empty()).map(Secret) }
    }

    /// The error to show.
    pub(super) fn error(&self, fault: &Fault) -> Error {
        let name = &self.name;
        let millis = |time: &Duration| time.as_millis();
        match fault {
            Fault::Redis(cause) => self.redis_error(cause),
            Fault::ConnectTimeout(time) => unavailable(format!(
                "{name} cannot be connected to within {} ms",
                millis(time)
            ))
            .with_hint(
                "is it running? socket_connect_timeout in connection_string gives it more time",
            ),
            Fault::ResponseTimeout(time) => Error::new(
                ErrorKind::Deadline,
                format!("{name} did not answer within {} ms", millis(time)),
            )
            .with_hint("is it overloaded? socket_timeout in connection_string gives it more time"),
            Fault::Busy(time) => unavailable(format!(
                "{name} has too many requests to answer: no turn within {} ms",
                millis(time)
            )),
            Fault::Redirected(times) => unavailable(format!(
                "{name}: its nodes sent a command to one another {times} times"
            ))
            .with_hint("they do not agree who has its slot: compare their CLUSTER NODES"),
        }
    }

    fn redis_error(&self, cause: &RedisError) -> Error {
        let said = self.without_secret(&cause.to_string());
        let (kind, hint) = verdict(cause, &said);
        let error = Error::new(kind, format!("{} failed: {said}", self.name));
        if hint.is_empty() { error } else { error.with_hint(hint) }
    }

    /// Redis repeats what it does not understand, which may be a password.
    fn without_secret(&self, text: &str) -> String {
        match &self.secret {
            Some(Secret(secret)) => text.replace(secret, "***"),
            None => text.to_owned(),
        }
    }
}

fn unavailable(message: String) -> Error {
    Error::new(ErrorKind::Unavailable, message)
}

const CREDENTIALS_HINT: &str = "set username and password in online_store.connection_string";

/// What the caller can do about it: a kind and a hint, which may be empty.
fn verdict(cause: &RedisError, said: &str) -> (ErrorKind, &'static str) {
    match cause.kind() {
        Cause::Server(kind) => server_verdict(kind, said),
        Cause::Extension => code_verdict(cause.code().unwrap_or_default()),
        Cause::AuthenticationFailed => (ErrorKind::PermissionDenied, CREDENTIALS_HINT),
        Cause::MasterNameNotFoundBySentinel => (
            ErrorKind::Invalid,
            "online_store.sentinel_master must be the name that the sentinels know",
        ),
        Cause::InvalidClientConfig => (ErrorKind::Invalid, "check online_store.connection_string"),
        Cause::Parse => (
            ErrorKind::Unavailable,
            "does Redis listen at this address, and does it speak TLS? then add ssl=true to connection_string",
        ),
        Cause::Client if said.contains("ertificate") => (
            ErrorKind::Unavailable,
            "ssl_ca_certs in connection_string names the authority to trust",
        ),
        Cause::Client | Cause::UnexpectedReturnType => (ErrorKind::Internal, ""),
        _ if said.contains("ertificate") => (
            ErrorKind::Unavailable,
            "ssl_ca_certs in connection_string names the authority to trust",
        ),
        _ => (ErrorKind::Unavailable, "is Redis running at this address?"),
    }
}

fn server_verdict(kind: ServerErrorKind, said: &str) -> (ErrorKind, &'static str) {
    match kind {
        ServerErrorKind::BusyLoading => {
            (ErrorKind::Unavailable, "Redis is reading its data from disk")
        }
        ServerErrorKind::ClusterDown | ServerErrorKind::MasterDown | ServerErrorKind::TryAgain => {
            (ErrorKind::Unavailable, "the cluster is not complete")
        }
        ServerErrorKind::ReadOnly => {
            (ErrorKind::Unavailable, "this is a replica: connect to the master")
        }
        ServerErrorKind::NoPerm => (
            ErrorKind::PermissionDenied,
            "the user needs hmget, hset, expire, scan and evalsha on the project's keys, and cluster slots and asking in a cluster",
        ),
        // In a cluster they are followed.
        ServerErrorKind::Ask | ServerErrorKind::Moved => (
            ErrorKind::Invalid,
            "this Redis is a cluster: set online_store.redis_type to redis_cluster",
        ),
        ServerErrorKind::ResponseError if said.contains("cluster support disabled") => {
            (ErrorKind::Invalid, "this Redis is no cluster: set online_store.redis_type to redis")
        }
        ServerErrorKind::ResponseError if said.contains("SELECT") || said.contains("DB index") => (
            ErrorKind::Invalid,
            "this Redis has no such database: set db in connection_string to 0",
        ),
        ServerErrorKind::ResponseError if said.contains("AUTH") => {
            (ErrorKind::PermissionDenied, CREDENTIALS_HINT)
        }
        _ => (ErrorKind::Internal, ""),
    }
}

fn code_verdict(code: &str) -> (ErrorKind, &'static str) {
    match code {
        "NOAUTH" | "WRONGPASS" => (ErrorKind::PermissionDenied, CREDENTIALS_HINT),
        "WRONGTYPE" => (
            ErrorKind::Data,
            "something else uses a key of this project: delete the key, or use another db",
        ),
        "OOM" => (ErrorKind::Unavailable, "Redis is full: raise maxmemory"),
        "MISCONF" | "NOREPLICAS" => {
            (ErrorKind::Unavailable, "Redis refuses writes until its operator acts")
        }
        "UNBLOCKED" | "BUSY" => (ErrorKind::Unavailable, "Redis is busy with a script"),
        _ => (ErrorKind::Internal, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(line: &str) -> Fault {
        let value = redis::parse_redis_value(format!("-{line}\r\n").as_bytes()).unwrap();
        Fault::Redis(value.extract_error().unwrap_err())
    }

    fn server() -> Server {
        Server::new("redis at localhost:6379".to_owned(), Some("hunter2".to_owned()))
    }

    #[test]
    fn answers_lead_to_kinds() {
        for (line, kind) in [
            ("LOADING Redis is loading the dataset in memory", ErrorKind::Unavailable),
            ("CLUSTERDOWN The cluster is down", ErrorKind::Unavailable),
            ("READONLY You can't write against a read only replica.", ErrorKind::Unavailable),
            ("OOM command not allowed when used memory > 'maxmemory'.", ErrorKind::Unavailable),
            ("NOAUTH Authentication required.", ErrorKind::PermissionDenied),
            ("WRONGPASS invalid username-password pair", ErrorKind::PermissionDenied),
            (
                "NOPERM this user has no permissions to run the 'evalsha' command",
                ErrorKind::PermissionDenied,
            ),
            ("WRONGTYPE Operation against a key holding the wrong kind of value", ErrorKind::Data),
            ("MOVED 3999 127.0.0.1:6381", ErrorKind::Invalid),
            ("ASK 3999 127.0.0.1:6381", ErrorKind::Invalid),
            ("ERR This instance has cluster support disabled", ErrorKind::Invalid),
            ("ERR DB index is out of range", ErrorKind::Invalid),
            ("ERR unknown command 'HGETALL'", ErrorKind::Internal),
        ] {
            assert_eq!(server().error(&said(line)).kind(), kind, "{line}");
        }
    }

    #[test]
    fn silence_and_refusal_lead_to_kinds() {
        let second = Duration::from_secs(1);
        let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        for (fault, kind) in [
            (Fault::ConnectTimeout(second), ErrorKind::Unavailable),
            (Fault::ResponseTimeout(second), ErrorKind::Deadline),
            (Fault::Busy(second), ErrorKind::Unavailable),
            (Fault::Redirected(9), ErrorKind::Unavailable),
            (Fault::Redis(refused.into()), ErrorKind::Unavailable),
        ] {
            let error = server().error(&fault);
            assert_eq!(error.kind(), kind);
            assert!(error.message().contains("localhost:6379"), "{error}");
        }
    }

    #[test]
    fn a_password_that_redis_repeats_is_not_repeated() {
        let line = "ERR unknown command 'AUTH', with args beginning with: 'hunter2'";
        let error = server().error(&said(line));
        assert!(!format!("{error:?} {error}").contains("hunter2"), "{error:?}");
        assert!(!format!("{:?}", server()).contains("hunter2"));
    }

    #[test]
    fn only_a_connection_that_was_there_can_be_lost() {
        let io = |kind: std::io::ErrorKind| Fault::Redis(std::io::Error::from(kind).into());
        assert!(io(std::io::ErrorKind::BrokenPipe).is_lost_connection());
        assert!(!io(std::io::ErrorKind::ConnectionRefused).is_lost_connection());
        assert!(!Fault::ResponseTimeout(Duration::ZERO).is_lost_connection());
    }
}
