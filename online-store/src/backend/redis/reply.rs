//! Answers of Redis as bytes (RESP 2): where they end, and the fields of a look-up in them.

use larder_core::{Error, Result};

/// What a line says: kind, number behind it, bytes of the line with its end.
///
/// Nearly every line is a short length, which is read digit by digit; a scan for the end before costs as much again.
fn line(bytes: &[u8]) -> Option<(u8, Option<i64>, usize)> {
    let (kind, rest) = bytes.split_first()?;
    let digit = |byte: &u8| byte.checked_sub(b'0').filter(|digit| *digit < 10);
    let (mut value, mut digits) = (0, 0);
    while let Some(digit) = rest.get(digits).and_then(digit).filter(|_| digits < SHORT) {
        value = 10 * value + i64::from(digit);
        digits += 1;
    }
    if digits > 0 && rest[digits..].starts_with(b"\r\n") {
        return Some((*kind, Some(value), digits + 3));
    }
    any_line(bytes)
}

/// Digits of a number that cannot be too large.
const SHORT: usize = 9;

fn any_line(bytes: &[u8]) -> Option<(u8, Option<i64>, usize)> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let (kind, text) = bytes[..end].split_first().unwrap_or((&b'\n', &[]));
    Some((*kind, number(text.strip_suffix(b"\r").unwrap_or(text)), end + 1))
}

/// A decimal number.
fn number(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text.split_first() {
        Some((b'-', digits)) => (true, digits),
        _ => (false, text),
    };
    let digit = |byte: &u8| byte.is_ascii_digit().then(|| i64::from(byte - b'0'));
    let value = digits
        .iter()
        .try_fold(0_i64, |value, byte| value.checked_mul(10)?.checked_add(digit(byte)?))?;
    (!digits.is_empty()).then_some(if negative { -value } else { value })
}

/// Finds the end of an answer that comes in pieces; each byte of a header is looked at once.
#[derive(Debug)]
pub(super) struct End {
    at: usize,
    /// Values that are still to come.
    wanted: usize,
}

/// Bytes that are no RESP 2.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unreadable;

impl Default for End {
    fn default() -> Self {
        Self { at: 0, wanted: 1 }
    }
}

impl End {
    /// The length of the answer that `bytes` begins with; `None` until all of it is there.
    ///
    /// `bytes` begins with the same answer in every call.
    pub(super) fn find(&mut self, bytes: &[u8]) -> Result<Option<usize>, Unreadable> {
        while self.wanted > 0 {
            let Some((kind, number, length)) = line(&bytes[self.at..]) else { return Ok(None) };
            let next = self.at + length;
            let inside = usize::try_from(number.unwrap_or(-1));
            match (kind, inside) {
                (b'*', Ok(values)) => self.wanted += values,
                (b'$', Ok(text)) if bytes.len() - next < text.saturating_add(2) => return Ok(None),
                (b'$', Ok(text)) => self.at += text + 2,
                (b'+' | b'-' | b':', _) => {}
                (b'*' | b'$', Err(_)) if number == Some(-1) => {}
                _ => return Err(Unreadable),
            }
            self.at += length;
            self.wanted -= 1;
        }
        Ok(Some(self.at))
    }
}

/// The fields of one HMGET.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// The fields of an answer, from its first byte.
    ///
    /// # Errors
    /// `Internal` when it is no list.
    pub(super) fn of(answer: &'a [u8]) -> Result<Self> {
        match line(answer) {
            Some((b'*', Some(_), length)) => Ok(Self { rest: &answer[length..] }),
            _ => Err(unexpected()),
        }
    }

    /// Fields without the head of a list.
    pub(super) fn within(fields: &'a [u8]) -> Self {
        Self { rest: fields }
    }

    /// The next field; `None` inside when it is not set.
    ///
    /// # Errors
    /// `Internal` when there is none, or another kind of value.
    pub(super) fn next(&mut self) -> Result<Option<&'a [u8]>> {
        let (kind, number, length) = line(self.rest).ok_or_else(unexpected)?;
        let rest = &self.rest[length..];
        match (kind, number) {
            (b'$', Some(-1)) => {
                self.rest = rest;
                Ok(None)
            }
            (b'$', Some(number)) => {
                let text = usize::try_from(number).map_err(|_| unexpected())?;
                let (field, rest) = rest.split_at_checked(text).ok_or_else(unexpected)?;
                self.rest = rest.get(2..).ok_or_else(unexpected)?;
                Ok(Some(field))
            }
            _ => Err(unexpected()),
        }
    }
}

/// The error for an answer that HMGET does not give.
pub(super) fn unexpected() -> Error {
    Error::internal("redis answered HMGET with something else than its fields")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWERS: [&[u8]; 8] = [
        b"+OK\r\n",
        b"-ERR no such thing\r\n",
        b":-12\r\n",
        b"$-1\r\n",
        b"$4\r\n\r\n\r\n\r\n",
        b"*0\r\n",
        b"*3\r\n$1\r\nx\r\n$-1\r\n*2\r\n:1\r\n$0\r\n\r\n",
        b"*-1\r\n",
    ];

    #[test]
    fn an_answer_ends_where_it_ends_however_it_comes() {
        for answer in ANSWERS {
            let stream = [answer, b"+NEXT\r\n"].concat();
            for cut in 0..stream.len() {
                let mut end = End::default();
                let early = end.find(&stream[..cut]).unwrap();
                assert_eq!(
                    early,
                    (cut >= answer.len()).then_some(answer.len()),
                    "{answer:?} {cut}"
                );
                assert_eq!(end.find(&stream).unwrap(), Some(answer.len()));
            }
        }
    }

    #[test]
    fn bytes_that_are_no_answer_are_told() {
        for bytes in [&b"%1\r\n"[..], b"\n", b"*x\r\n", b"$-2\r\n", b"$99999999999999999999\r\n"] {
            assert_eq!(End::default().find(bytes), Err(Unreadable), "{bytes:?}");
        }
    }

    #[test]
    fn lines_are_read_alike_on_both_ways() {
        for text in [
            "$0",
            "$12",
            "$123456789",
            "$1234567890",
            "$-1",
            "$",
            "$1x",
            ":9223372036854775808",
            "$01",
        ] {
            for end in ["\r\n", "\n", "\r\n\n", "", "\r"] {
                let bytes = format!("{text}{end}").into_bytes();
                assert_eq!(line(&bytes), any_line(&bytes), "{text}{end:?}");
            }
        }
    }

    #[test]
    fn fields_are_read_in_order() {
        let mut fields = Fields::of(b"*3\r\n$2\r\n\r\n\r\n$-1\r\n$0\r\n\r\n").unwrap();
        assert_eq!(fields.next().unwrap(), Some(&b"\r\n"[..]));
        assert_eq!(fields.next().unwrap(), None);
        assert_eq!(fields.next().unwrap(), Some(&b""[..]));
        assert!(fields.next().is_err());
        assert!(Fields::of(b"$1\r\nx\r\n").is_err());
        assert!(Fields::of(b"*1\r\n:1\r\n").unwrap().next().is_err());
        assert!(Fields::of(b"*1\r\n$5\r\nx\r\n").unwrap().next().is_err());
    }
}
