//! Times as users write them.

use chrono::{DateTime, NaiveDate, NaiveDateTime, SecondsFormat};
use larder_core::{Error, Result, Timestamp};

const LOCAL_FORMATS: [&str; 4] =
    ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"];

/// ISO 8601: a date, or date and time, with or without a zone; without one it is UTC (as in Feast 0.67).
///
/// # Errors
/// `Invalid` for anything else.
pub(crate) fn parse(text: &str) -> Result<Timestamp> {
    let text = text.trim();
    zoned(text)
        .or_else(|| local(text))
        .or_else(|| midnight(text))
        .map(Timestamp::from_micros)
        .ok_or_else(|| {
            Error::invalid(format!("\"{text}\" is not a time"))
                .with_hint("write it in ISO 8601, for instance 2026-01-31T12:00:00")
        })
}

fn zoned(text: &str) -> Option<i64> {
    let parsed = DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f%#z"))
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%#z"));
    parsed.ok().map(|time| time.timestamp_micros())
}

fn local(text: &str) -> Option<i64> {
    let parse = |format: &&str| NaiveDateTime::parse_from_str(text, format).ok();
    LOCAL_FORMATS.iter().find_map(parse).map(|time| time.and_utc().timestamp_micros())
}

fn midnight(text: &str) -> Option<i64> {
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    Some(date.and_hms_opt(0, 0, 0)?.and_utc().timestamp_micros())
}

/// As Python prints an aware time: `2026-01-01 00:00:00+00:00`, with six digits when there are fractions.
pub(crate) fn python(time: Timestamp) -> String {
    let Some(utc) = DateTime::from_timestamp_micros(time.micros()) else {
        return format!("{} us", time.micros());
    };
    let format =
        if time.subsecond_micros() == 0 { "%Y-%m-%d %H:%M:%S" } else { "%Y-%m-%d %H:%M:%S%.6f" };
    format!("{}+00:00", utc.format(format))
}

/// RFC 3339 in UTC with as many digits as needed.
pub(crate) fn iso(time: Timestamp) -> String {
    DateTime::from_timestamp_micros(time.micros()).map_or_else(
        || format!("{} us", time.micros()),
        |utc| utc.to_rfc3339_opts(SecondsFormat::AutoSi, true),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use larder_core::ErrorKind;

    #[test]
    fn every_usual_spelling_is_read_as_utc_unless_it_says_otherwise() {
        for (text, expected) in [
            ("2026-01-01", "2026-01-01T00:00:00Z"),
            ("2026-01-01T06:00", "2026-01-01T06:00:00Z"),
            ("2026-01-01 06:00:01", "2026-01-01T06:00:01Z"),
            ("2026-01-01T06:00:01.5", "2026-01-01T06:00:01.500Z"),
            ("2026-01-01T06:00:00Z", "2026-01-01T06:00:00Z"),
            ("2026-01-01T06:00:00+02:00", "2026-01-01T04:00:00Z"),
            ("2026-01-01 06:00:00+0200", "2026-01-01T04:00:00Z"),
        ] {
            assert_eq!(iso(parse(text).unwrap()), expected, "{text}");
        }
        for text in ["", "now", "2026-13-01", "2026-01-01T25:00:00"] {
            assert_eq!(parse(text).unwrap_err().kind(), ErrorKind::Invalid, "{text}");
        }
    }

    #[test]
    fn times_print_as_python_prints_them() {
        assert_eq!(python(parse("2026-01-02T06:00:00").unwrap()), "2026-01-02 06:00:00+00:00");
        assert_eq!(
            python(parse("2026-01-02T06:00:00.5").unwrap()),
            "2026-01-02 06:00:00.500000+00:00"
        );
    }
}
