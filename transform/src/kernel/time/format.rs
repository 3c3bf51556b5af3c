//! Instants as texts.

use std::fmt::Write;

use arrow_array::{ArrayRef, StringArray};
use arrow_schema::DataType;
use chrono::{Datelike, NaiveDateTime, Timelike};
use datafusion::common::Result;

use super::super::{Kernel, Operand, collect};
use super::Clock;

/// How an instant is written.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum TimeFormat {
    /// `str(instant)`, or with `T` as `isoformat`.
    Iso { separator: char },
    /// The date alone.
    Date,
    /// `strftime`; only directives that [`TimeFormat::strftime`] lets through.
    Directives(String),
}

impl TimeFormat {
    /// A format of `strftime`; `None` for directives that depend on the machine or are not known.
    pub(crate) fn strftime(format: &str) -> Option<Self> {
        let mut letters = format.chars();
        while let Some(letter) = letters.next() {
            if letter == '%' && !"YymdHIMSfpjaAbBuwVG%FT".contains(letters.next()?) {
                return None;
            }
        }
        Some(Self::Directives(format.to_owned()))
    }
}

/// Writes instants.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct TimeText {
    pub(crate) format: TimeFormat,
    pub(crate) clock: Clock,
}

impl Kernel for TimeText {
    fn name(&self) -> &'static str {
        "time_text"
    }

    fn output(&self, _inputs: &[DataType]) -> DataType {
        DataType::Utf8
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let micros = operands[0].micros()?;
        Ok(collect::<StringArray, _>((0..rows).map(|row| {
            let micros = micros.get(row)?;
            let wall = self.clock.wall(micros)?;
            Some(match &self.format {
                TimeFormat::Date => date(&wall),
                TimeFormat::Directives(format) => directives(&wall, format),
                TimeFormat::Iso { separator } => {
                    let offset = match self.clock {
                        Clock::Naive => None,
                        clock @ Clock::Zone(_) => clock.offset(micros),
                    };
                    iso(&wall, *separator, offset)
                }
            })
        })))
    }
}

fn date(wall: &NaiveDateTime) -> String {
    format!("{:04}-{:02}-{:02}", wall.year(), wall.month(), wall.day())
}

fn iso(wall: &NaiveDateTime, separator: char, offset: Option<i32>) -> String {
    let mut text = date(wall);
    let (hour, minute, second) = (wall.hour(), wall.minute(), wall.second());
    let mut write = |part: std::fmt::Arguments<'_>| text.write_fmt(part).unwrap_or_default();
    write(format_args!("{separator}{hour:02}:{minute:02}:{second:02}"));
    if wall.nanosecond() > 0 {
        write(format_args!(".{:06}", wall.nanosecond() / 1000));
    }
    if let Some(offset) = offset {
        let (sign, size) = (if offset < 0 { '-' } else { '+' }, offset.unsigned_abs());
        write(format_args!("{sign}{:02}:{:02}", size / 3600, size / 60 % 60));
        if size % 60 > 0 {
            write(format_args!(":{:02}", size % 60));
        }
    }
    text
}

const WEEKDAYS: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

fn directives(wall: &NaiveDateTime, format: &str) -> String {
    let weekday = WEEKDAYS[wall.weekday().num_days_from_monday() as usize];
    let month = MONTHS[wall.month0() as usize];
    let mut text = String::new();
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            text.push(letter);
            continue;
        }
        let part = match letters.next() {
            Some('Y') => wall.year().to_string(),
            Some('y') => format!("{:02}", wall.year().rem_euclid(100)),
            Some('m') => format!("{:02}", wall.month()),
            Some('d') => format!("{:02}", wall.day()),
            Some('H') => format!("{:02}", wall.hour()),
            Some('I') => format!("{:02}", wall.hour12().1),
            Some('M') => format!("{:02}", wall.minute()),
            Some('S') => format!("{:02}", wall.second()),
            Some('f') => format!("{:06}", wall.nanosecond() / 1000),
            Some('p') => if wall.hour() < 12 { "AM" } else { "PM" }.to_owned(),
            Some('j') => format!("{:03}", wall.ordinal()),
            Some('a') => weekday[..3].to_owned(),
            Some('A') => weekday.to_owned(),
            Some('b') => month[..3].to_owned(),
            Some('B') => month.to_owned(),
            Some('u') => wall.weekday().number_from_monday().to_string(),
            Some('w') => wall.weekday().num_days_from_sunday().to_string(),
            Some('V') => format!("{:02}", wall.iso_week().week()),
            Some('G') => wall.iso_week().year().to_string(),
            Some('F') => date(wall),
            Some('T') => {
                format!("{:02}:{:02}:{:02}", wall.hour(), wall.minute(), wall.second())
            }
            _ => "%".to_owned(),
        };
        text.push_str(&part);
    }
    text
}
