//! Sizes in bytes, as people write them.

/// Units by their suffix in lower case.
const UNITS: [(&str, u64); 9] = [
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("tib", 1 << 40),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("tb", 1_000_000_000_000),
    ("b", 1),
];

/// A whole or decimal number with an optional unit: `512MiB`, `1.5 GB`, `1048576`.
///
/// # Errors
/// A message for anything else, and for sizes that the machine cannot address.
pub(super) fn parse(text: &str) -> Result<usize, String> {
    let lower = text.trim().to_ascii_lowercase();
    let unit = UNITS.iter().find_map(|(suffix, bytes)| Some((lower.strip_suffix(suffix)?, *bytes)));
    let (number, bytes) = unit.unwrap_or((&lower, 1));
    let wrong = || format!("\"{text}\" is no size: write for instance 512MiB or 2GB");
    let number = number.trim();
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) || fraction.len() > 9 {
        return Err(wrong());
    }
    let whole: u64 = whole.parse().map_err(|_| wrong())?;
    let fraction: u64 = format!("{fraction:0<9}").parse().map_err(|_| wrong())?;
    let part = u128::from(bytes) * u128::from(fraction) / 1_000_000_000;
    let size = u128::from(bytes) * u128::from(whole) + part;
    usize::try_from(size).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_with_and_without_units() {
        for (text, bytes) in [
            ("1048576", 1 << 20),
            ("512MiB", 512 << 20),
            ("1.5 kb", 1_500),
            ("0.5GiB", 1 << 29),
            ("7b", 7),
        ] {
            assert_eq!(parse(text), Ok(bytes), "{text}");
        }
        for text in ["", "MiB", "-1", "1e9", "1.2.3GB", "12 parsecs", "99999999999TiB", ".5GB"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
