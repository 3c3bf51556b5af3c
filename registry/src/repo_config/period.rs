//! Lengths of time as people write them.

use std::fmt;
use std::time::Duration;

use larder_core::{Error, Result};

use crate::yaml_definitions::duration;

/// A length of time; written as a number of seconds or with units (`1h`, `1h30m`, `250ms`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Period(pub Duration);

impl Period {
    /// Reads `90`, `1h`, `1h30m`.
    ///
    /// # Errors
    /// `Invalid` for anything else.
    pub fn parse(text: &str) -> Result<Self> {
        let seconds = || text.trim().parse().ok().map(Duration::from_secs);
        duration::parse(text).or_else(seconds).map(Self).ok_or_else(|| {
            Error::invalid(format!("\"{text}\" is no length of time"))
                .with_hint("write for instance 1h, 1h30m or a number of seconds")
        })
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.as_secs(), self.0.subsec_millis()) {
            (seconds, 0) => write!(f, "{seconds}s"),
            _ => write!(f, "{}ms", self.0.as_millis()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_read_and_shown() {
        for (text, millis, shown) in [
            ("1h30m", 5_400_000, "5400s"),
            ("250ms", 250, "250ms"),
            ("7", 7_000, "7s"),
            ("0", 0, "0s"),
        ] {
            let period = Period::parse(text).unwrap();
            assert_eq!(
                (period.0.as_millis(), period.to_string().as_str()),
                (millis, shown),
                "{text}"
            );
        }
        for text in ["", "-1", "1.5h", "h", "1y"] {
            assert!(Period::parse(text).is_err(), "{text}");
        }
    }
}
