//! Texts read as instants.

use arrow_array::ArrayRef;
use arrow_schema::DataType;
use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use datafusion::common::Result;

use super::super::text::is_space;
use super::super::{Kernel, Operand};
use super::{instant_type, instants};

/// How a text is read.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum TimeSyntax {
    /// ISO 8601: a date, and after `T` or a space a time, perhaps with an offset.
    Iso,
    /// `strptime`; only directives that [`TimeSyntax::strptime`] lets through.
    Directives(String),
}

impl TimeSyntax {
    /// A format of `strptime`; `None` for directives that are not known here.
    pub(crate) fn strptime(format: &str) -> Option<Self> {
        let mut letters = format.chars();
        while let Some(letter) = letters.next() {
            if letter == '%' && !"YmdHMSfz%".contains(letters.next()?) {
                return None;
            }
        }
        Some(Self::Directives(format.to_owned()))
    }
}

/// Reads texts; null where a text is none, or has an offset although (or lacks it when) none is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct ParseInstant {
    pub(crate) syntax: TimeSyntax,
    /// `Some(true)`: only texts with an offset, as instants; `Some(false)`: only texts without one, as
    /// wall clocks; `None`: both, those without as UTC.
    pub(crate) offset: Option<bool>,
    /// Whether white space around the text is refused, as Python does.
    pub(crate) python: bool,
    /// Whether the wall clock is wanted, whatever the offset.
    pub(crate) wall: bool,
}

impl Kernel for ParseInstant {
    fn name(&self) -> &'static str {
        "parse_instant"
    }

    fn output(&self, _inputs: &[DataType]) -> DataType {
        instant_type()
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let texts = operands[0].texts()?;
        Ok(instants((0..rows).map(|row| self.parse(texts.get(row)?))))
    }
}

impl ParseInstant {
    fn parse(&self, text: &str) -> Option<i64> {
        let (wall, offset) = match &self.syntax {
            TimeSyntax::Iso => iso(if self.python { text } else { text.trim_matches(is_space) })?,
            TimeSyntax::Directives(format) => directives(text, format)?,
        };
        if self.offset.is_some_and(|wanted| wanted != offset.is_some()) {
            return None;
        }
        let micros = wall.and_utc().timestamp_micros();
        if self.wall {
            return Some(micros);
        }
        micros.checked_sub(i64::from(offset.unwrap_or(0)) * 1_000_000)
    }
}

/// A reader of letters.
struct Letters<'t>(&'t str);

impl Letters<'_> {
    /// A number of at least `least` and at most `most` digits.
    fn number(&mut self, least: usize, most: usize) -> Option<u32> {
        let digits = self.0.bytes().take(most).take_while(u8::is_ascii_digit).count();
        if digits < least {
            return None;
        }
        let (number, rest) = self.0.split_at(digits);
        self.0 = rest;
        number.parse().ok()
    }

    fn eat(&mut self, letter: char) -> bool {
        let rest = self.0.strip_prefix(letter);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    /// Microseconds of up to nine decimals.
    fn fraction(&mut self) -> Option<u32> {
        let digits = self.0.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 || digits > 9 {
            return None;
        }
        let (number, rest) = self.0.split_at(digits);
        self.0 = rest;
        let kept = &number[..digits.min(6)];
        let scale = u32::try_from(6 - kept.len()).ok()?;
        Some(kept.parse::<u32>().ok()? * 10_u32.pow(scale))
    }

    /// `Z` or `+hh:mm`, in seconds.
    fn offset(&mut self) -> Option<i32> {
        if self.eat('Z') {
            return Some(0);
        }
        let sign = if self.eat('+') {
            1
        } else if self.eat('-') {
            -1
        } else {
            return None;
        };
        let hours = self.number(2, 2)?;
        self.eat(':');
        let minutes = self.number(2, 2).unwrap_or(0);
        let inside = hours < 24 && minutes < 60;
        inside.then(|| sign * i32::try_from(hours * 3600 + minutes * 60).unwrap_or(0))
    }
}

fn iso(text: &str) -> Option<(NaiveDateTime, Option<i32>)> {
    let mut letters = Letters(text);
    let year = i32::try_from(letters.number(4, 4)?).ok()?;
    let dashes = letters.eat('-');
    let month = letters.number(2, 2)?;
    if dashes != letters.eat('-') {
        return None;
    }
    let date = NaiveDate::from_ymd_opt(year, month, letters.number(2, 2)?)?;
    if letters.0.is_empty() {
        return Some((date.and_time(NaiveTime::MIN), None));
    }
    if !letters.eat('T') && !letters.eat(' ') {
        return None;
    }
    let hour = letters.number(2, 2)?;
    let (mut minute, mut second, mut micro) = (0, 0, 0);
    if letters.eat(':') {
        minute = letters.number(2, 2)?;
        if letters.eat(':') {
            second = letters.number(2, 2)?;
            if letters.eat('.') {
                micro = letters.fraction()?;
            }
        }
    }
    let time = NaiveTime::from_hms_micro_opt(hour, minute, second, micro)?;
    let offset = if letters.0.is_empty() { None } else { Some(letters.offset()?) };
    letters.0.is_empty().then(|| (date.and_time(time), offset))
}

fn directives(text: &str, format: &str) -> Option<(NaiveDateTime, Option<i32>)> {
    let mut letters = Letters(text);
    let mut parts = [1900, 1, 1, 0, 0, 0, 0];
    let mut offset = None;
    let mut directives = format.chars();
    while let Some(letter) = directives.next() {
        if letter.is_whitespace() {
            letters.0 = letters.0.trim_start_matches(is_space);
            continue;
        }
        if letter != '%' {
            if !letters.eat(letter) {
                return None;
            }
            continue;
        }
        match directives.next()? {
            'Y' => parts[0] = letters.number(4, 4)?,
            'm' => parts[1] = letters.number(1, 2)?,
            'd' => parts[2] = letters.number(1, 2)?,
            'H' => parts[3] = letters.number(1, 2)?,
            'M' => parts[4] = letters.number(1, 2)?,
            'S' => parts[5] = letters.number(1, 2)?,
            'f' => parts[6] = letters.fraction()?,
            'z' => offset = Some(letters.offset()?),
            '%' if letters.eat('%') => {}
            _ => return None,
        }
    }
    let date = NaiveDate::from_ymd_opt(i32::try_from(parts[0]).ok()?, parts[1], parts[2])?;
    let wall = date.and_hms_micro_opt(parts[3], parts[4], parts[5], parts[6])?;
    letters.0.is_empty().then_some((wall, offset))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_to_the_microsecond() {
        let read = |text, offset| {
            ParseInstant { syntax: TimeSyntax::Iso, offset, python: false, wall: false }.parse(text)
        };
        assert_eq!(read("1970-01-02", None), Some(86_400_000_000));
        assert_eq!(read("1970-01-01T02:00:00.5+02:00", None), Some(500_000));
        assert_eq!(read("1970-01-01 00:00:01Z", Some(true)), Some(1_000_000));
        for text in ["1970-13-01", "1970-01-01T25:00", "1970-01", "", "1970-0101", "1970-01-01x"] {
            assert_eq!(read(text, None), None, "{text}");
        }
        assert_eq!(read("1970-01-01T00:00Z", Some(false)), None);
        let own = TimeSyntax::strptime("%d.%m.%Y").unwrap();
        let own = ParseInstant { syntax: own, offset: Some(false), python: true, wall: false };
        assert_eq!(own.parse("2.1.1970"), Some(86_400_000_000));
        assert_eq!(own.parse("2.1.1970 "), None);
    }
}
