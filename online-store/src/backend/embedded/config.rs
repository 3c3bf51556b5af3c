//! Settings of the embedded store.

use std::path::PathBuf;

/// Where the embedded store lives and how large it may get; plain data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbeddedConfig {
    /// Folder of the store; made, with its parents, when it does not exist.
    pub path: PathBuf,
    /// Address space reserved at first, in bytes. It costs no memory or disk, and doubles by itself when full.
    pub map_size: u64,
    /// Size at which writes are refused, in bytes.
    pub max_map_size: u64,
    /// Reads at one time, over all processes. The process that opens the folder first decides.
    pub max_readers: u32,
}

impl EmbeddedConfig {
    /// A store in this folder: 4 GiB reserved, at most 1 TiB, at most 2 048 reads at one time.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), map_size: 4 << 30, max_map_size: 1 << 40, max_readers: 2048 }
    }
}
