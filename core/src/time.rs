//! Instants and the clock.

use std::fmt;
use std::time::Duration;

/// An instant in UTC microseconds since 1970 (Feast's online resolution); negative before 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// 1970-01-01T00:00:00Z, which Feast answers for "no row".
    pub const EPOCH: Self = Self(0);

    /// From UTC microseconds.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// From UTC seconds, saturating at the ends of the range.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000))
    }

    /// UTC microseconds.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Whole UTC seconds, rounded down.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// Microseconds within the second, 0 to 999 999.
    #[expect(clippy::cast_possible_truncation, reason = "below one million")]
    pub const fn subsecond_micros(self) -> u32 {
        self.0.rem_euclid(1_000_000) as u32
    }

    /// This instant less `duration`, saturating.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
    }

    /// This instant plus `duration`, saturating.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
    }
}

/// Half-open or closed is the caller's contract; materialization intervals are closed in Feast.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Interval {
    /// First instant.
    pub start: Timestamp,
    /// Last instant; may lie before `start` in registries that real Feast wrote.
    pub end: Timestamp,
}

/// Where "now" comes from; injected, so that tests hold time still.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The present instant.
    fn now(&self) -> Timestamp;
}

/// A clock that stands still.
#[derive(Debug, Clone, Copy)]
pub struct FixedClock(pub Timestamp);

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        self.0
    }
}
