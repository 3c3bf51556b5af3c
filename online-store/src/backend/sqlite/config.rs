//! Settings of the SQLite store.

use std::path::PathBuf;
use std::time::Duration;

/// Where Feast's SQLite file lies and how to use it; plain data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqliteConfig {
    /// The file (Feast: `path`, by default `data/online.db` in the repository); made by the first `update`.
    pub path: PathBuf,
    /// How long to wait for another process that holds the file.
    pub busy_timeout: Duration,
    /// Whether the first write turns the file's journal into a write-ahead log, so that readers never wait for
    /// writers. Feast reads and writes such a file as any other; a network file system does not allow it.
    pub write_ahead_log: bool,
    /// Bytes of the file that reads see through mapped memory instead of copies, 0 for none; SQLite maps at most 2 GiB.
    ///
    /// As with any mapped file, a program that cuts the file short while it is served ends the server: replace the
    /// file, as Feast's teardown does.
    pub map_size: u64,
    /// Whether tables get and keep the numeric column `value_num` (Feast: `enable_openai_compatible_store`).
    pub value_num: bool,
}

impl SqliteConfig {
    /// The store in this file: 10 seconds of patience, write-ahead log, mapped reads, no `value_num`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            busy_timeout: Duration::from_secs(10),
            write_ahead_log: true,
            map_size: 2 << 30,
            value_num: false,
        }
    }
}
