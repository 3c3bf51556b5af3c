//! Event times: as stored in Redis and as written in answers.

use chrono::{DateTime, Datelike as _, Timelike as _, Utc};
use larder_core::{Error, Result, Timestamp};

use super::message::{Fields, put_tag, put_varint};

const NANOS_PER_MICRO: u64 = 1_000;

/// Appends the encoded `google.protobuf.Timestamp`; the epoch is zero bytes.
pub fn encode(at: Timestamp, out: &mut Vec<u8>) {
    if at.seconds() != 0 {
        put_tag(1, 0, out);
        put_varint(at.seconds().cast_unsigned(), out);
    }
    if at.subsecond_micros() != 0 {
        put_tag(2, 0, out);
        put_varint(u64::from(at.subsecond_micros()) * NANOS_PER_MICRO, out);
    }
}

/// Decodes a `google.protobuf.Timestamp`; nanoseconds are rounded down to microseconds.
///
/// # Errors
/// `Data` when the bytes are no timestamp or lie outside the range of microseconds (290 000 years).
pub fn decode(bytes: &[u8]) -> Result<Timestamp> {
    let (mut seconds, mut nanos) = (0, 0);
    for field in Fields::new(bytes) {
        let field = field?;
        match field.number {
            1 => seconds = field.content.varint()?.cast_signed(),
            2 => nanos = field.content.varint()?.cast_signed(),
            _ => {}
        }
    }
    from_parts(seconds, nanos)
}

/// The instant of a `google.protobuf.Timestamp`.
pub(crate) fn from_parts(seconds: i64, nanos: i64) -> Result<Timestamp> {
    let micros = i128::from(seconds) * 1_000_000 + i128::from(nanos.div_euclid(1_000));
    i64::try_from(micros).map(Timestamp::from_micros).map_err(|error| {
        Error::data(format!("timestamp of {seconds} seconds is out of range")).with_source(error)
    })
}

/// Appends RFC 3339 text in UTC with `Z`: no fraction, three or six digits, whichever is exact.
pub fn write_rfc3339(at: Timestamp, out: &mut Vec<u8>) {
    write_seconds(at.seconds(), out);
    let micros = at.subsecond_micros();
    if micros != 0 {
        out.push(b'.');
        if micros.is_multiple_of(1_000) {
            put_digits(micros / 1_000, 3, out);
        } else {
            put_digits(micros, 6, out);
        }
    }
    out.push(b'Z');
}

/// Appends `YYYY-MM-DDTHH:MM:SS` of a number of seconds since 1970 (in any zone).
///
/// Years beyond chrono's calendar (262 000 either way) are shown as its first or last second.
pub(crate) fn write_seconds(seconds: i64, out: &mut Vec<u8>) {
    let outermost = if seconds < 0 { DateTime::<Utc>::MIN_UTC } else { DateTime::<Utc>::MAX_UTC };
    let at = DateTime::from_timestamp(seconds, 0).unwrap_or(outermost);
    match u32::try_from(at.year()) {
        Ok(year @ 0..=9_999) => put_digits(year, 4, out),
        _ => out.extend_from_slice(at.year().to_string().as_bytes()),
    }
    for (separator, number) in [
        (b'-', at.month()),
        (b'-', at.day()),
        (b'T', at.hour()),
        (b':', at.minute()),
        (b':', at.second()),
    ] {
        out.push(separator);
        put_digits(number, 2, out);
    }
}

/// Appends a number with leading zeros; `width` digits must be enough.
fn put_digits(mut number: u32, width: usize, out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + width, b'0');
    for digit in out[start..].iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).expect("a digit");
        number /= 10;
    }
}

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;

    fn rfc3339(micros: i64) -> String {
        let mut out = Vec::new();
        write_rfc3339(Timestamp::from_micros(micros), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_epoch_is_no_bytes() {
        let mut out = Vec::new();
        encode(Timestamp::EPOCH, &mut out);
        assert!(out.is_empty());
        assert_eq!(decode(&[]).unwrap(), Timestamp::EPOCH);
    }

    #[test]
    fn bytes_are_those_of_a_protobuf_timestamp() {
        for micros in [1, -1, 1_700_000_000_123_456, -1_500_000, i64::MIN, i64::MAX] {
            let at = Timestamp::from_micros(micros);
            let mut out = Vec::new();
            encode(at, &mut out);
            let nanos = i32::try_from(at.subsecond_micros() * 1_000).unwrap();
            let message = prost_types::Timestamp { seconds: at.seconds(), nanos };
            assert_eq!(out, message.encode_to_vec(), "{micros}");
            assert_eq!(decode(&out).unwrap(), at);
        }
    }

    #[test]
    fn nanoseconds_are_rounded_down_and_far_times_refused() {
        let message = prost_types::Timestamp { seconds: 1, nanos: 1_999 }.encode_to_vec();
        assert_eq!(decode(&message).unwrap(), Timestamp::from_micros(1_000_001));
        let message = prost_types::Timestamp { seconds: i64::MAX, nanos: 0 }.encode_to_vec();
        assert_eq!(decode(&message).unwrap_err().kind(), larder_core::ErrorKind::Data);
    }

    #[test]
    fn text_has_as_many_digits_as_needed() {
        for (micros, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (1_700_000_000_000_000, "2023-11-14T22:13:20Z"),
            (1_700_000_000_120_000, "2023-11-14T22:13:20.120Z"),
            (1_700_000_000_120_001, "2023-11-14T22:13:20.120001Z"),
            (951_782_400_000_000, "2000-02-29T00:00:00Z"),
            (-1, "1969-12-31T23:59:59.999999Z"),
            (-62_135_596_800_000_000, "0001-01-01T00:00:00Z"),
            (253_402_300_799_000_000, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(rfc3339(micros), expected);
        }
    }
}
