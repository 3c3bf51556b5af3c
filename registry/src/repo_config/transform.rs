//! The `transform` section of `larder.yaml`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use larder_core::Result;

use super::ByteSize;
use super::reader::Reader;

/// How on-demand views are computed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TransformConfig {
    /// Processes that call functions which do not compile; `None` refuses such functions.
    pub python_workers: Option<PythonWorkersConfig>,
}

/// The `python_workers` section; its presence turns the workers on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PythonWorkersConfig {
    /// Processes.
    pub count: u16,
    /// The interpreter: absolute, or a bare name that is looked up in `PATH`.
    pub python: PathBuf,
    /// Longest time of one call.
    pub timeout: Duration,
    /// What functions may take in one worker.
    pub memory_limit: ByteSize,
    /// Calls that may wait.
    pub queue: u32,
}

impl TransformConfig {
    pub(super) fn read(section: &Reader<'_>, repo_path: &Path) -> Result<Self> {
        let workers = PythonWorkersConfig::read(&section.child("python_workers")?, repo_path)?;
        section.finish()?;
        Ok(Self { python_workers: workers })
    }
}

impl PythonWorkersConfig {
    fn read(section: &Reader<'_>, repo_path: &Path) -> Result<Option<Self>> {
        if section.section().is_none() {
            return Ok(None);
        }
        let python = section.text("python", "python3")?;
        let timeout: u64 = section.number("timeout_ms", 1_000)?;
        let config = Self {
            count: section.number("count", 2)?,
            python: if python.contains('/') { repo_path.join(python) } else { python.into() },
            timeout: Duration::from_millis(timeout),
            memory_limit: section.size("memory_limit", ByteSize(512 << 20))?,
            queue: section.number("queue", 64)?,
        };
        if config.python.as_os_str().is_empty() {
            return Err(section.error("python", "must name an interpreter"));
        }
        let numbers = [
            ("count", u64::from(config.count)),
            ("timeout_ms", timeout),
            ("memory_limit", config.memory_limit.0),
            ("queue", u64::from(config.queue)),
        ];
        if let Some((key, _)) = numbers.into_iter().find(|(_, number)| *number == 0) {
            return Err(section.error(key, "must be greater than 0"));
        }
        section.finish()?;
        Ok(Some(config))
    }
}
