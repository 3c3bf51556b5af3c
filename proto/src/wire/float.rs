//! Floats as Python prints them.

/// Appends `repr(number)` of a finite float: shortest digits, `.0` kept, exponent from 1e16 and below 1e-4.
#[inline]
pub(crate) fn write_finite(number: f64, out: &mut Vec<u8>) {
    let mut buffer = Buffer(zmij::Buffer::new());
    let text = buffer.0.format_finite(number);
    // Both write plain notation in this range.
    if number == 0.0 || (1e-4..1e16).contains(&number.abs()) {
        append(text.as_bytes(), out);
    } else {
        write_very_large_or_small(text, out);
    }
}

/// Room for a text in one line of the processor's cache. A text is read right after it was written, in other pieces: where
/// it crosses a line, as it does by chance otherwise, the reading waits for the writing. `cargo xtask bench redis --layouts
/// packed --rows 100`, JSON: 351 to 465 % of the raw HMGETs without, 469 to 539 % with it.
#[repr(align(32))]
struct Buffer(zmij::Buffer);

/// Appends in Python's notation what was written in another.
#[cold]
fn write_very_large_or_small(text: &str, out: &mut Vec<u8>) {
    let unsigned = text.trim_start_matches('-');
    if unsigned.len() < text.len() {
        out.push(b'-');
    }
    let (digits, exponent) = digits_and_exponent(unsigned);
    if (-4..16).contains(&exponent) {
        write_plain(&digits, exponent, out);
    } else {
        write_scientific(&digits, exponent, out);
    }
}

/// Appends a text of at most 24 bytes. Most floats have 16 digits and more: two copies of fixed length cost a fraction of
/// one whose length has to be looked at.
#[inline]
fn append(text: &[u8], out: &mut Vec<u8>) {
    match (text.first_chunk::<16>(), text.last_chunk::<8>()) {
        (Some(first), Some(last)) if text.len() <= 24 => {
            let end = out.len() + text.len();
            out.extend_from_slice(first);
            out.truncate(end - last.len());
            out.extend_from_slice(last);
        }
        _ => out.extend_from_slice(text),
    }
}

/// Significant digits without leading and trailing zeros, and the exponent of the first one.
fn digits_and_exponent(text: &str) -> (String, i32) {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let exponent: i32 = exponent.parse().expect("exponents are decimal");
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{whole}{fraction}");
    let significant = all.trim_start_matches('0');
    let leading = all.len() - significant.len();
    let shift = i32::try_from(whole.len()).expect("a float has few digits")
        - i32::try_from(leading).expect("a float has few digits");
    (significant.trim_end_matches('0').to_owned(), exponent + shift - 1)
}

fn write_plain(digits: &str, exponent: i32, out: &mut Vec<u8>) {
    if exponent < 0 {
        out.extend_from_slice(b"0.");
        out.extend((1..-exponent).map(|_| b'0'));
        out.extend_from_slice(digits.as_bytes());
        return;
    }
    let whole = exponent.unsigned_abs() as usize + 1;
    if digits.len() <= whole {
        out.extend_from_slice(digits.as_bytes());
        out.extend((digits.len()..whole).map(|_| b'0'));
        out.extend_from_slice(b".0");
    } else {
        out.extend_from_slice(&digits.as_bytes()[..whole]);
        out.push(b'.');
        out.extend_from_slice(&digits.as_bytes()[whole..]);
    }
}

fn write_scientific(digits: &str, exponent: i32, out: &mut Vec<u8>) {
    let (first, rest) = digits.split_at(1);
    out.extend_from_slice(first.as_bytes());
    if !rest.is_empty() {
        out.push(b'.');
        out.extend_from_slice(rest.as_bytes());
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    out.extend_from_slice(format!("e{sign}{:02}", exponent.abs()).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn python(number: f64) -> String {
        let mut out = Vec::new();
        write_finite(number, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn floats_look_as_python_prints_them() {
        for (number, expected) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (3.0, "3.0"),
            (0.1, "0.1"),
            (-1.5, "-1.5"),
            (f64::from(0.1_f32), "0.10000000149011612"),
            (1e15, "1000000000000000.0"),
            (1_234_567_890_123_456.7, "1234567890123456.8"),
            (9_999_999_999_999_998.0, "9999999999999998.0"),
            (1e16, "1e+16"),
            (-1.25e16, "-1.25e+16"),
            (1e300, "1e+300"),
            (1e22, "1e+22"),
            (1e-4, "0.0001"),
            (1.25e-4, "0.000125"),
            (1e-5, "1e-05"),
            (-1.234e-5, "-1.234e-05"),
            (9.999e-5, "9.999e-05"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
        ] {
            assert_eq!(python(number), expected);
        }
    }
}
