//! Every connection is an open file: the process takes as many as it may have.

use larder_serving::ServerConfig;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::report;

/// Files that are open beside connections: stores, registry, logs, listeners.
const OTHER_FILES: usize = 256;

/// The configuration with as many connections as the system allows open files.
pub(crate) fn within_limit(config: ServerConfig) -> ServerConfig {
    let files = raised().saturating_sub(OTHER_FILES).max(1);
    if config.max_connections <= files {
        return config;
    }
    report::warning(format_args!(
        "the system allows {files} connections, not {} (ulimit -n)",
        config.max_connections
    ));
    ServerConfig { max_connections: files, ..config }
}

/// Raises the soft limit of open files to the hard one, and tells it.
fn raised() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let wanted = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let raised = match setrlimit(Resource::Nofile, wanted) {
        Ok(()) => limit.maximum,
        // What there was is still there.
        Err(_) => limit.current,
    };
    raised.map_or(usize::MAX, |files| usize::try_from(files).unwrap_or(usize::MAX))
}
