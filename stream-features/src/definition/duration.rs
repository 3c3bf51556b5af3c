//! Durations as definitions write them.

use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// Units with their microseconds, longest names first.
const UNITS: [(&str, i64); 6] = [
    ("ms", 1_000),
    ("w", 604_800_000_000),
    ("d", 86_400_000_000),
    ("h", 3_600_000_000),
    ("m", 60_000_000),
    ("s", 1_000_000),
];

/// Microseconds of `7d`, `36h`, `1h30m`, `250ms`, or of a number of seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Micros(pub(crate) i64);

impl Micros {
    fn parse(text: &str) -> Option<Self> {
        let mut rest = text.trim();
        let mut total = 0_i64;
        if rest.is_empty() {
            return None;
        }
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit())?;
            let count: i64 = rest[..digits].parse().ok()?;
            rest = &rest[digits..];
            let &(unit, micros) = UNITS.iter().find(|(unit, _)| rest.starts_with(unit))?;
            rest = rest[unit.len()..].trim_start();
            total = total.checked_add(count.checked_mul(micros)?)?;
        }
        Some(Self(total))
    }
}

impl<'de> Deserialize<'de> for Micros {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Written;
        impl Visitor<'_> for Written {
            type Value = Micros;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a duration, for instance 7d, 36h, 1h30m, 250ms or a number of seconds")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Micros, E> {
                let seconds = || text.parse().ok().and_then(|n: i64| n.checked_mul(1_000_000));
                let found =
                    Micros::parse(text).or_else(|| seconds().filter(|n| *n >= 0).map(Micros));
                found.ok_or_else(|| E::custom(format_args!("\"{text}\" is no duration: write for instance 7d, 36h, 1h30m, 250ms or a number of seconds")))
            }

            fn visit_u64<E: Error>(self, seconds: u64) -> Result<Micros, E> {
                self.visit_str(&seconds.to_string())
            }

            fn visit_i64<E: Error>(self, seconds: i64) -> Result<Micros, E> {
                self.visit_str(&seconds.to_string())
            }
        }
        deserializer.deserialize_any(Written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        for (text, micros) in [("5m", 300_000_000), ("1h30m", 5_400_000_000), ("250ms", 250_000)] {
            assert_eq!(Micros::parse(text), Some(Micros(micros)), "{text}");
        }
        for text in ["", "d", "7x", "-1d", "1.5h", "99999999999999w"] {
            assert_eq!(Micros::parse(text), None, "{text}");
        }
    }
}
