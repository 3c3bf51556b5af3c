//! Instants written as text.

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime};
use larder_core::{Error, Result, Timestamp};

/// An instant read from text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Instant {
    pub(crate) at: Timestamp,
    /// Seconds east of UTC, `None` when the text has no zone (which counts as UTC).
    pub(crate) offset: Option<i32>,
}

/// Reads an ISO 8601 date or date with time: `T` or a blank between them, any number of fractional
/// digits (those beyond microseconds are cut), with or without zone; without one it is UTC.
///
/// # Errors
/// `Invalid` when the text is nothing of the kind.
pub fn parse_timestamp(text: &str) -> Result<Timestamp> {
    parse_instant(text).map(|instant| instant.at)
}

pub(crate) fn parse_instant(text: &str) -> Result<Instant> {
    let trimmed = text.trim();
    zoned(trimmed).or_else(|| naive(trimmed)).ok_or_else(|| {
        Error::invalid(format!("\"{text}\" is no timestamp"))
            .with_hint("write it as 2024-01-31T12:00:00Z or 2024-01-31 12:00:00+01:00")
    })
}

fn zoned(text: &str) -> Option<Instant> {
    let with_space = text.replacen(' ', "T", 1);
    let parsed: DateTime<FixedOffset> = DateTime::parse_from_rfc3339(&with_space)
        .or_else(|_| DateTime::parse_from_str(&with_space, "%Y-%m-%dT%H:%M:%S%.f%#z"))
        .or_else(|_| DateTime::parse_from_str(&with_space, "%Y-%m-%dT%H:%M%#z"))
        .ok()?;
    let at = Timestamp::from_micros(parsed.timestamp_micros());
    Some(Instant { at, offset: Some(parsed.offset().local_minus_utc()) })
}

fn naive(text: &str) -> Option<Instant> {
    let with_space = text.replacen(' ', "T", 1);
    let parsed = NaiveDateTime::parse_from_str(&with_space, "%Y-%m-%dT%H:%M:%S%.f")
        .or_else(|_| NaiveDateTime::parse_from_str(&with_space, "%Y-%m-%dT%H:%M"))
        .ok()
        .or_else(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0))?;
    Some(Instant { at: Timestamp::from_micros(parsed.and_utc().timestamp_micros()), offset: None })
}

/// The name that Feast gives a fixed offset: `UTC` or `UTC-07:00`.
pub(crate) fn offset_name(seconds: i32) -> String {
    if seconds == 0 {
        return "UTC".to_owned();
    }
    let (sign, size) = (if seconds < 0 { '-' } else { '+' }, seconds.abs());
    format!("UTC{sign}{:02}:{:02}", size / 3_600, size / 60 % 60)
}

#[cfg(test)]
mod tests {
    use larder_core::ErrorKind;

    use super::*;

    #[test]
    fn timestamps_come_in_many_spellings() {
        let noon = 1_706_702_400_000_000;
        for (text, micros) in [
            ("2024-01-31T12:00:00Z", noon),
            ("2024-01-31 12:00:00", noon),
            (" 2024-01-31T12:00 ", noon),
            ("2024-01-31T13:00:00+01:00", noon),
            ("2024-01-31 13:00:00+0100", noon),
            ("2024-01-31T12:00:00.1234567", noon + 123_456),
            ("2024-01-31T12:00:00.5Z", noon + 500_000),
            ("2024-01-31", noon - 43_200_000_000),
            ("1969-12-31T23:59:59.5Z", -500_000),
        ] {
            assert_eq!(parse_timestamp(text).unwrap().micros(), micros, "{text}");
        }
    }

    #[test]
    fn other_text_is_refused() {
        for text in ["", "noon", "2024-13-01", "12:00", "1700000000"] {
            assert_eq!(parse_timestamp(text).unwrap_err().kind(), ErrorKind::Invalid, "{text}");
        }
    }
}
