//! Sizes as people write them.

use std::fmt;

use larder_core::{Error, Result};

/// A number of bytes; written as a number or with a unit (`64MiB`, `10 GB`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);

const UNITS: [(&str, u64); 8] = [
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("tib", 1 << 40),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("tb", 1_000_000_000_000),
];

impl ByteSize {
    /// The number of bytes, or all that the machine can address.
    pub fn addressable(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }

    /// Reads `4096`, `64MiB`, `10 GB`.
    ///
    /// # Errors
    /// `Invalid` for anything else.
    pub fn parse(text: &str) -> Result<Self> {
        let lower = text.trim().to_ascii_lowercase();
        let (digits, factor) = UNITS
            .iter()
            .find_map(|&(unit, factor)| Some((lower.strip_suffix(unit)?, factor)))
            .unwrap_or_else(|| (lower.trim_end_matches('b'), 1));
        digits
            .trim()
            .parse::<u64>()
            .ok()
            .and_then(|count| count.checked_mul(factor))
            .map(Self)
            .ok_or_else(|| {
                Error::invalid(format!("\"{text}\" is no size"))
                    .with_hint("write for instance 64MiB")
            })
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fits =
            |factor: u64| self.0.is_multiple_of(factor) && (1..10_000).contains(&(self.0 / factor));
        let unit = UNITS[..4].iter().rev().find(|&&(_, factor)| fits(factor));
        match unit {
            Some(&(unit, factor)) => {
                write!(f, "{}{}iB", self.0 / factor, unit[..1].to_uppercase())
            }
            None => write!(f, "{}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_shown() {
        for (text, bytes, shown) in [
            ("4096", 4096, "4KiB"),
            ("64MiB", 64 << 20, "64MiB"),
            ("10 GB", 10_000_000_000, "10000000000"),
            ("1gib", 1 << 30, "1GiB"),
        ] {
            let size = ByteSize::parse(text).unwrap();
            assert_eq!((size.0, size.to_string().as_str()), (bytes, shown), "{text}");
        }
        for text in ["", "MiB", "-1", "1.5GiB", "99999999TiB", "x"] {
            assert!(ByteSize::parse(text).is_err(), "{text}");
        }
    }
}
