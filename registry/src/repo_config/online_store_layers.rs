//! What stands around any online store: `cache`, `deadline`, `retry` and `log_calls` in its section of `larder.yaml`.

use std::time::Duration;

use larder_core::Result;

use super::ByteSize;
use super::reader::Reader;

/// Layers around the online store; all off unless they are set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OnlineStoreLayers {
    /// Rows kept in memory.
    pub cache: Option<CacheSettings>,
    /// Longest time of a read of rows.
    pub read_deadline: Option<Duration>,
    /// Longest time of a write of rows.
    pub write_deadline: Option<Duration>,
    /// Repetition of calls that failed.
    pub retry: Option<RetrySettings>,
    /// Whether every call is logged, at the level `info`.
    pub log_calls: bool,
}

/// The `cache` section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheSettings {
    /// Most bytes of rows, about.
    pub max_bytes: ByteSize,
    /// Most rows.
    pub max_entries: u64,
    /// How old a row may be.
    pub ttl: Duration,
}

/// The `retry` section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetrySettings {
    /// Attempts in all.
    pub attempts: u32,
    /// Longest pause before the second attempt.
    pub first_pause: Duration,
    /// Longest pause of all.
    pub longest_pause: Duration,
}

impl OnlineStoreLayers {
    /// Reads the layers of an `online_store` section.
    pub(super) fn read(section: &Reader<'_>) -> Result<Self> {
        let deadline = section.child("deadline")?;
        let layers = Self {
            cache: cache(&section.child("cache")?)?,
            read_deadline: positive(&deadline, "read_ms")?,
            write_deadline: positive(&deadline, "write_ms")?,
            retry: retry(&section.child("retry")?)?,
            log_calls: section.boolean("log_calls", false)?,
        };
        deadline.finish()?;
        Ok(layers)
    }
}

fn cache(section: &Reader<'_>) -> Result<Option<CacheSettings>> {
    if section.section().is_none() {
        return Ok(None);
    }
    let Some(ttl) = positive(section, "ttl_ms")? else {
        return Err(section.error("ttl_ms", "is missing: how old a row may be is yours to say"));
    };
    let settings = CacheSettings {
        max_bytes: section.size("max_bytes", ByteSize(64 << 20))?,
        max_entries: section.number("max_entries", 1_000_000)?,
        ttl,
    };
    if settings.max_bytes.0 == 0 || settings.max_entries == 0 {
        return Err(section.error("max_bytes", "and max_entries must be greater than 0"));
    }
    section.finish()?;
    Ok(Some(settings))
}

fn retry(section: &Reader<'_>) -> Result<Option<RetrySettings>> {
    if section.section().is_none() {
        return Ok(None);
    }
    let settings = RetrySettings {
        attempts: section.number("attempts", 3)?,
        first_pause: Duration::from_millis(section.number("first_pause_ms", 50)?),
        longest_pause: Duration::from_millis(section.number("longest_pause_ms", 1_000)?),
    };
    if settings.attempts == 0 {
        return Err(section.error("attempts", "must be greater than 0: 1 never tries again"));
    }
    section.finish()?;
    Ok(Some(settings))
}

/// A number of milliseconds above 0, if one is set.
fn positive(section: &Reader<'_>, key: &'static str) -> Result<Option<Duration>> {
    match section.optional_number::<u64>(key)? {
        Some(0) => Err(section.error(key, "must be greater than 0")),
        millis => Ok(millis.map(Duration::from_millis)),
    }
}
