//! Durations as people write them.

use std::time::Duration;

use larder_core::Result;

use crate::yaml::{Data, Value};

/// Units with their milliseconds, longest first.
const UNITS: [(&str, u64); 6] = [
    ("ms", 1),
    ("w", 604_800_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
];

/// `7d`, `36h`, `1h30m`, `250ms`, or a number of seconds.
pub(crate) fn duration(value: &Value<'_>) -> Result<Duration> {
    let found = match &value.node().data {
        Data::Int(seconds) => u64::try_from(*seconds).ok().map(Duration::from_secs),
        Data::Text(text) => parse(text),
        _ => None,
    };
    found.ok_or_else(|| {
        value
            .error("expected a duration")
            .with_hint("write for instance 7d, 36h, 1h30m or a number of seconds")
    })
}

/// As [`duration`], of a text with units.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut total = Duration::ZERO;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let count: u64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let &(unit, millis) = UNITS.iter().find(|(unit, _)| rest.starts_with(unit))?;
        rest = rest[unit.len()..].trim_start();
        total = total.checked_add(Duration::from_millis(count.checked_mul(millis)?))?;
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        for (text, seconds) in
            [("7d", 604_800), ("36h", 129_600), ("1h30m", 5_400), ("2w", 1_209_600), ("0s", 0)]
        {
            assert_eq!(parse(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        assert_eq!(parse("250ms"), Some(Duration::from_millis(250)));
        for text in ["", "7", "d", "7x", "-1d", "1.5h", "99999999999999999999d"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
