//! Settings of the remote store.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// Where a feature server is and how to speak to it; plain data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteConfig {
    /// Address of the server, for instance `http://localhost:6566` (Feast: `path`).
    pub url: String,
    /// File of the authorities to trust (Feast: `cert`); the system's when there is none.
    pub authorities: Option<PathBuf>,
    /// What every request says who is asking with.
    pub token: Option<RemoteToken>,
    /// Requests in flight and connections kept open (Feast: `connection_pool_size`); more requests wait for their turn.
    pub connections: usize,
    /// How long an idle connection is kept; `None` for ever (Feast: `connection_idle_timeout`, 0).
    pub idle_timeout: Option<Duration>,
    /// How often a request is sent again that could not be answered (Feast: `connection_retries`).
    pub retries: u32,
    /// How long making a connection may take.
    pub connect_timeout: Duration,
    /// How long a request may take, all its attempts included.
    pub request_timeout: Duration,
    /// Keys or rows of one request; the limits of the server must allow them.
    pub rows_per_request: usize,
    /// Longest answer that is taken, in bytes.
    pub max_answer_bytes: usize,
}

impl RemoteConfig {
    /// The server at this address: Feast's connections and retries, 1 second to connect and 10 to answer.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            authorities: None,
            token: None,
            connections: 50,
            idle_timeout: Some(Duration::from_mins(5)),
            retries: 3,
            connect_timeout: Duration::from_secs(1),
            request_timeout: Duration::from_secs(10),
            rows_per_request: 1_000,
            max_answer_bytes: 256 << 20,
        }
    }
}

/// A bearer token. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub enum RemoteToken {
    /// The token itself.
    Text(String),
    /// A file that holds it and may be replaced at any time, as Kubernetes does: it is read for every request.
    File(PathBuf),
}

impl fmt::Debug for RemoteToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => f.write_str("***"),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
        }
    }
}
