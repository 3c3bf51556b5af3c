//! Dates and times: the `datetime` module, pandas' timestamps, `series.dt`.

mod accessor;
mod arithmetic;
mod class;
mod method;
mod pandas;

pub(crate) use self::accessor::SERIES_TIME_METHODS;
pub(crate) use self::arithmetic::comparable;
pub(crate) use self::class::{class_constant, class_function, construct};
pub(crate) use self::method::TIME_METHODS;
pub(crate) use self::pandas::{PANDAS_TIME, numpy_timedelta};

use chrono_tz::Tz;
use datafusion::logical_expr::Expr;

use super::scalar::{Kind, Scalar};
use super::value::Value;
use crate::kernel::{Clock, Part, PartOfInstant, call};

/// Coordinated universal time.
pub(crate) const UTC: Clock = Clock::Zone(Tz::UTC);

/// A class of the `datetime` module or its counterpart in pandas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimeClass {
    /// The `datetime` module itself.
    Module,
    Datetime,
    Date,
    Timedelta,
    Timezone,
    /// `pandas.Timestamp`.
    Timestamp,
}

/// The clock of a value with a calendar date.
fn clock(kind: &Kind) -> Option<Clock> {
    match kind {
        Kind::Instant(clock) => Some(*clock),
        Kind::Date | Kind::Wall => Some(Clock::Naive),
        _ => None,
    }
}

/// The part that an attribute names; pandas has more of them.
fn part(name: &str, pandas: bool) -> Option<Part> {
    Some(match name {
        "year" => Part::Year,
        "month" => Part::Month,
        "day" => Part::Day,
        "hour" => Part::Hour,
        "minute" => Part::Minute,
        "second" => Part::Second,
        "microsecond" => Part::Microsecond,
        "quarter" if pandas => Part::Quarter,
        "dayofweek" | "day_of_week" | "weekday" if pandas => Part::Weekday,
        "dayofyear" | "day_of_year" if pandas => Part::DayOfYear,
        "days_in_month" | "daysinmonth" if pandas => Part::DaysInMonth,
        "is_leap_year" if pandas => Part::IsLeapYear,
        "is_month_start" if pandas => Part::IsMonthStart,
        "is_month_end" if pandas => Part::IsMonthEnd,
        "is_quarter_start" if pandas => Part::IsQuarterStart,
        "is_quarter_end" if pandas => Part::IsQuarterEnd,
        "is_year_start" if pandas => Part::IsYearStart,
        "is_year_end" if pandas => Part::IsYearEnd,
        _ => return None,
    })
}

fn part_of(time: &Scalar, part: Part, clock: Clock) -> (Expr, Kind) {
    let kind = if part.is_question() { Kind::Bool } else { Kind::Int };
    (call(PartOfInstant { part, clock }, vec![time.expr.clone()]), kind)
}

/// The result of a method of a value of the row: `None` raises, not-a-time stays what it is.
fn of_row<'a>(expr: Expr, kind: Kind, operands: &[&Scalar], fails: bool) -> Value<'a> {
    if operands.iter().any(|operand| operand.may_be_nan()) {
        return Value::Scalar(Scalar::propagating(expr, kind, operands, fails).element());
    }
    Value::Scalar(Scalar::strict(expr, kind, operands, fails))
}

/// The result of a method of a column.
fn of_column<'a>(expr: Expr, kind: Kind, operands: &[&Scalar], missing: bool) -> Value<'a> {
    Value::Series(Scalar::propagating(expr, kind, operands, missing))
}
