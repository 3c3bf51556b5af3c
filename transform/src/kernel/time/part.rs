//! Parts of instants and durations.

use arrow_array::{ArrayRef, BooleanArray, Float64Array, Int64Array};
use arrow_schema::DataType;
use chrono::{Datelike, NaiveDateTime, Timelike};
use datafusion::common::Result;

use super::super::{Kernel, Operand, collect};
use super::{Clock, DAY};

/// A number that a wall clock shows, or a question about its date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Part {
    Year,
    Quarter,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    Microsecond,
    /// Monday is 0.
    Weekday,
    /// Monday is 1.
    IsoWeekday,
    IsoYear,
    IsoWeek,
    DayOfYear,
    DaysInMonth,
    IsLeapYear,
    IsMonthStart,
    IsMonthEnd,
    IsQuarterStart,
    IsQuarterEnd,
    IsYearStart,
    IsYearEnd,
}

impl Part {
    /// Whether it is a question.
    pub(crate) fn is_question(self) -> bool {
        matches!(
            self,
            Self::IsLeapYear
                | Self::IsMonthStart
                | Self::IsMonthEnd
                | Self::IsQuarterStart
                | Self::IsQuarterEnd
                | Self::IsYearStart
                | Self::IsYearEnd
        )
    }

    fn number(self, wall: &NaiveDateTime) -> i64 {
        match self {
            Self::Year => i64::from(wall.year()),
            Self::Quarter => i64::from(wall.month0() / 3 + 1),
            Self::Month => i64::from(wall.month()),
            Self::Day => i64::from(wall.day()),
            Self::Hour => i64::from(wall.hour()),
            Self::Minute => i64::from(wall.minute()),
            Self::Second => i64::from(wall.second()),
            Self::Microsecond => i64::from(wall.nanosecond() / 1000),
            Self::Weekday => i64::from(wall.weekday().num_days_from_monday()),
            Self::IsoWeekday => i64::from(wall.weekday().number_from_monday()),
            Self::IsoYear => i64::from(wall.iso_week().year()),
            Self::IsoWeek => i64::from(wall.iso_week().week()),
            Self::DayOfYear => i64::from(wall.ordinal()),
            Self::DaysInMonth => i64::from(days_in_month(wall)),
            question => i64::from(question.holds(wall)),
        }
    }

    fn holds(self, wall: &NaiveDateTime) -> bool {
        let starts = wall.day() == 1;
        let ends = u8::try_from(wall.day()) == Ok(days_in_month(wall));
        match self {
            Self::IsLeapYear => wall.date().leap_year(),
            Self::IsMonthStart => starts,
            Self::IsMonthEnd => ends,
            Self::IsQuarterStart => starts && wall.month0().is_multiple_of(3),
            Self::IsQuarterEnd => ends && wall.month0() % 3 == 2,
            Self::IsYearStart => wall.ordinal() == 1,
            Self::IsYearEnd => wall.month() == 12 && wall.day() == 31,
            _ => false,
        }
    }
}

fn days_in_month(wall: &NaiveDateTime) -> u8 {
    wall.num_days_in_month()
}

/// A [`Part`] of an instant: an int64 or a bool.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct PartOfInstant {
    pub(crate) part: Part,
    pub(crate) clock: Clock,
}

impl Kernel for PartOfInstant {
    fn name(&self) -> &'static str {
        "part_of_instant"
    }

    fn output(&self, _inputs: &[DataType]) -> DataType {
        if self.part.is_question() { DataType::Boolean } else { DataType::Int64 }
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let micros = operands[0].micros()?;
        let wall = |row| self.clock.wall(micros.get(row)?);
        if self.part.is_question() {
            return Ok(collect::<BooleanArray, _>(
                (0..rows).map(|row| Some(self.part.holds(&wall(row)?))),
            ));
        }
        Ok(collect::<Int64Array, _>((0..rows).map(|row| Some(self.part.number(&wall(row)?)))))
    }
}

/// A number of a duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum DurationPart {
    /// Whole days, towards the past.
    Days,
    /// The seconds beyond them.
    Seconds,
    /// The microseconds beyond those.
    Microseconds,
    /// All of it in seconds, a float.
    TotalSeconds,
}

/// Takes a [`DurationPart`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct PartOfDuration(pub(crate) DurationPart);

impl Kernel for PartOfDuration {
    fn name(&self) -> &'static str {
        "part_of_duration"
    }

    fn output(&self, _inputs: &[DataType]) -> DataType {
        if self.0 == DurationPart::TotalSeconds { DataType::Float64 } else { DataType::Int64 }
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let micros = operands[0].micros()?;
        if self.0 == DurationPart::TotalSeconds {
            return Ok(collect::<Float64Array, _>(
                (0..rows).map(|row| Some(micros.get(row)? as f64 / 1e6)),
            ));
        }
        Ok(collect::<Int64Array, _>((0..rows).map(|row| {
            let micros = micros.get(row)?;
            Some(match self.0 {
                DurationPart::Days => micros.div_euclid(DAY),
                DurationPart::Seconds => micros.rem_euclid(DAY) / 1_000_000,
                _ => micros.rem_euclid(1_000_000),
            })
        })))
    }
}
