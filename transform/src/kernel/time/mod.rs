//! Instants and durations, in microseconds. An instant without zone is its wall clock.

mod format;
mod instant;
mod parse;
mod part;

use std::sync::Arc;

use arrow_array::{ArrayRef, DurationMicrosecondArray, TimestampMicrosecondArray};
use arrow_schema::{DataType, TimeUnit};
use chrono::{DateTime, NaiveDateTime, Offset, TimeZone};
use chrono_tz::Tz;

pub(crate) use format::{TimeFormat, TimeText};
pub(crate) use instant::{
    DurationMath, DurationOp, FromEpoch, Localize, MakeInstant, ShiftInstant, Spread, ToSeconds,
    Truncate,
};
pub(crate) use parse::{ParseInstant, TimeSyntax};
pub(crate) use part::{DurationPart, Part, PartOfDuration, PartOfInstant};

/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;

/// Where the wall clock of an instant hangs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Clock {
    /// No zone: the instant is the wall clock.
    Naive,
    Zone(Tz),
}

impl Clock {
    /// The wall clock of an instant.
    pub(crate) fn wall(self, micros: i64) -> Option<NaiveDateTime> {
        let utc = DateTime::from_timestamp_micros(micros)?;
        Some(match self {
            Self::Naive => utc.naive_utc(),
            Self::Zone(zone) => utc.with_timezone(&zone).naive_local(),
        })
    }

    /// Offset from UTC in seconds at an instant.
    fn offset(self, micros: i64) -> Option<i32> {
        let utc = DateTime::from_timestamp_micros(micros)?;
        Some(match self {
            Self::Naive => 0,
            Self::Zone(zone) => {
                zone.offset_from_utc_datetime(&utc.naive_utc()).fix().local_minus_utc()
            }
        })
    }

    /// The instant of a wall clock; null in the hours that a clock leaves out or repeats.
    fn instant(self, wall: NaiveDateTime) -> Option<i64> {
        match self {
            Self::Naive => Some(wall.and_utc().timestamp_micros()),
            Self::Zone(zone) => Some(zone.from_local_datetime(&wall).single()?.timestamp_micros()),
        }
    }
}

/// Type of the arrays that hold instants.
pub(crate) fn instant_type() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// Type of the arrays that hold durations.
pub(crate) fn duration_type() -> DataType {
    DataType::Duration(TimeUnit::Microsecond)
}

fn instants(values: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    Arc::new(values.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
}

fn durations(values: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    Arc::new(values.collect::<DurationMicrosecondArray>())
}
