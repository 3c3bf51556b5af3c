//! Instants and durations.

use std::time::Duration;

use larder_core::{Error, Interval, Result, Timestamp};

use crate::feast::core::MaterializationInterval;
use crate::wire::timestamp::from_parts;

/// The instant of a message; nanoseconds are rounded down to microseconds.
///
/// # Errors
/// `Data` beyond the range of microseconds (290 000 years).
pub fn timestamp_from_proto(at: prost_types::Timestamp) -> Result<Timestamp> {
    from_parts(at.seconds, i64::from(at.nanos))
}

/// The message of an instant.
pub fn timestamp_to_proto(at: Timestamp) -> prost_types::Timestamp {
    let nanos = (at.subsecond_micros() * 1_000).cast_signed();
    prost_types::Timestamp { seconds: at.seconds(), nanos }
}

/// A duration message.
///
/// # Errors
/// `Data` for a negative duration.
pub(crate) fn duration_from_proto(duration: prost_types::Duration) -> Result<Duration> {
    Duration::try_from(duration).map_err(|error| {
        Error::data("a ttl or window in the registry is negative").with_source(error)
    })
}

/// The message of a duration; longer than the message can hold is the longest that it can.
pub(crate) fn duration_to_proto(duration: Duration) -> prost_types::Duration {
    prost_types::Duration {
        seconds: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        nanos: duration.subsec_nanos().cast_signed(),
    }
}

/// A materialized range; an absent end is 1970.
///
/// # Errors
/// `Data` beyond the range of microseconds.
pub fn interval_from_proto(interval: MaterializationInterval) -> Result<Interval> {
    Ok(Interval {
        start: timestamp_from_proto(interval.start_time.unwrap_or_default())?,
        end: timestamp_from_proto(interval.end_time.unwrap_or_default())?,
    })
}

/// The message of a materialized range.
pub fn interval_to_proto(interval: Interval) -> MaterializationInterval {
    MaterializationInterval {
        start_time: Some(timestamp_to_proto(interval.start)),
        end_time: Some(timestamp_to_proto(interval.end)),
    }
}
