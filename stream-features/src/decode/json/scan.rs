//! The values of JSON, scanned without a tree and without a copy.
//!
//! What is written in an unusual way (escapes in texts, numbers out of range) is not read here: [`Unusual`] hands the whole
//! event to `serde_json`, which decides what it means.

/// The event has to be read by the general decoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unusual;

/// How deep a value that nobody wants may nest.
const MAX_DEPTH: usize = 32;

/// Longest whole number that fits into 64 bits whatever its digits.
const SAFE_DIGITS: usize = 18;

/// A number as it is written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Number<'a> {
    /// Whole, with its text, which is the only way to write it.
    Int(i64, &'a str),
    Double(f64),
}

/// A text of JSON and how far it was read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    #[inline]
    fn bytes(&self) -> &'a [u8] {
        self.text.as_bytes()
    }

    /// The next byte that is no white space, which stays.
    #[inline]
    pub(super) fn peek(&mut self) -> Option<u8> {
        loop {
            match self.bytes().get(self.at) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                other => return other.copied(),
            }
        }
    }

    /// Takes a byte that has to be next.
    #[inline]
    pub(super) fn expect(&mut self, byte: u8) -> Result<(), Unusual> {
        if self.take(byte) { Ok(()) } else { Err(Unusual) }
    }

    /// Takes a byte if it is next.
    #[inline]
    pub(super) fn take(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    /// Takes a text that is exactly this, in which nothing needs an escape, if it is next.
    #[inline]
    pub(super) fn take_text(&mut self, wanted: &str) -> bool {
        if self.peek() != Some(b'"') {
            return false;
        }
        let end = self.at + 1 + wanted.len();
        let is_next = self.bytes().get(end) == Some(&b'"')
            && self.bytes()[self.at + 1..end] == *wanted.as_bytes();
        if is_next {
            self.at = end + 1;
        }
        is_next
    }

    /// A text without escapes.
    #[inline]
    pub(super) fn text(&mut self) -> Result<&'a str, Unusual> {
        self.expect(b'"')?;
        let start = self.at;
        let end = start + plain(&self.bytes()[start..]);
        if self.bytes().get(end) != Some(&b'"') {
            return Err(Unusual);
        }
        self.at = end + 1;
        // Both ends are beside ASCII.
        self.text.get(start..end).ok_or(Unusual)
    }

    /// A word such as `null`, up to what cannot be part of one.
    pub(super) fn word(&mut self, word: &str) -> Result<(), Unusual> {
        let end = self.at + word.len();
        if self.bytes().get(self.at..end) != Some(word.as_bytes()) {
            return Err(Unusual);
        }
        self.at = end;
        Ok(())
    }

    /// Digits; answers how many.
    fn digits(&mut self) -> usize {
        let digits = self.bytes()[self.at..].iter().take_while(|byte| byte.is_ascii_digit());
        let count = digits.count();
        self.at += count;
        count
    }

    pub(super) fn number(&mut self) -> Result<Number<'a>, Unusual> {
        let start = self.at;
        let is_negative = self.bytes().get(start) == Some(&b'-');
        self.at += usize::from(is_negative);
        let first = self.bytes().get(self.at).copied();
        let digits = self.digits();
        if digits == 0 || digits > SAFE_DIGITS || first == Some(b'0') && digits > 1 {
            return Err(Unusual);
        }
        if !matches!(self.bytes().get(self.at), Some(b'.' | b'e' | b'E')) {
            // The number -0 is a double.
            let text = &self.text[start..self.at];
            let number = text.parse().map_err(|_| Unusual)?;
            return if text == "-0" { Err(Unusual) } else { Ok(Number::Int(number, text)) };
        }
        if self.bytes()[self.at] == b'.' {
            self.at += 1;
            if self.digits() == 0 {
                return Err(Unusual);
            }
        }
        if matches!(self.bytes().get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(self.bytes().get(self.at), Some(b'+' | b'-')));
            if self.digits() == 0 {
                return Err(Unusual);
            }
        }
        let number: f64 = self.text[start..self.at].parse().map_err(|_| Unusual)?;
        if number.is_finite() { Ok(Number::Double(number)) } else { Err(Unusual) }
    }

    /// Passes over any value.
    pub(super) fn skip(&mut self, depth: usize) -> Result<(), Unusual> {
        if depth > MAX_DEPTH {
            return Err(Unusual);
        }
        match self.peek().ok_or(Unusual)? {
            b'"' => self.text().map(drop),
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null"),
            b'[' => self.each(b'[', b']', |scanner| scanner.skip(depth + 1)),
            b'{' => self.each(b'{', b'}', |scanner| {
                scanner.text()?;
                scanner.expect(b':')?;
                scanner.skip(depth + 1)
            }),
            _ => self.number().map(drop),
        }
    }

    /// Reads what stands between brackets, separated by commas.
    #[inline]
    pub(super) fn each(
        &mut self,
        open: u8,
        close: u8,
        mut read: impl FnMut(&mut Self) -> Result<(), Unusual>,
    ) -> Result<(), Unusual> {
        self.expect(open)?;
        if self.take(close) {
            return Ok(());
        }
        loop {
            read(self)?;
            if !self.take(b',') {
                return self.expect(close);
            }
        }
    }

    /// Whether nothing but white space is left.
    pub(super) fn is_at_end(&mut self) -> bool {
        self.peek().is_none()
    }
}

/// How many bytes come before a quote, a backslash or a control character, or the end; eight at a time.
#[inline]
fn plain(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = ONES << 7;
    let is_zero = |word: u64| word.wrapping_sub(ONES) & !word;
    let mut at = 0;
    while let Some(word) = bytes.get(at..at + 8) {
        let word = u64::from_le_bytes(word.try_into().expect("eight bytes"));
        let quote = is_zero(word ^ (ONES * u64::from(b'"')));
        let backslash = is_zero(word ^ (ONES * u64::from(b'\\')));
        let control = word.wrapping_sub(ONES * 0x20) & !word;
        // Only the lowest of the marks is sure, and it is the one that counts.
        let found = (quote | backslash | control) & HIGHS;
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let rest = bytes[at..].iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20));
    at + rest.unwrap_or(bytes.len() - at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_text_ends_where_serde_json_ends_it(text in "[a-é\"\\\\\u{1}\u{20}\u{7f}\u{1f600}]{0,40}") {
            let written = format!("\"{text}\" ");
            let expected: Option<Result<String, _>> =
                serde_json::Deserializer::from_str(&written).into_iter().next();
            let is_plain = text.chars().all(|c| c != '"' && c != '\\' && c >= ' ');
            let found = Scanner::new(&written).text();
            prop_assert!(found.is_ok() || !is_plain, "{}", text);
            if let Ok(found) = found {
                prop_assert_eq!(found, expected.unwrap().unwrap());
            }
        }

        #[test]
        fn numbers_are_those_of_serde_json(text in "-?[0-9]{0,20}(\\.[0-9]{0,4})?([eE][+-]?[0-9]{0,3})?") {
            let expected: Result<serde_json::Number, _> = serde_json::from_str(&text);
            let mut scanner = Scanner::new(&text);
            match scanner.number() {
                Ok(Number::Int(number, written)) if scanner.is_at_end() => {
                    prop_assert_eq!(expected.unwrap().as_i64(), Some(number));
                    prop_assert_eq!(written, number.to_string());
                }
                Ok(Number::Double(number)) if scanner.is_at_end() => {
                    prop_assert_eq!(expected.unwrap().as_f64(), Some(number));
                }
                _ => {}
            }
        }
    }
}
