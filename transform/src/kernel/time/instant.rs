//! Arithmetic of instants and durations.

use arrow_array::{ArrayRef, Float64Array, Int64Array};
use arrow_schema::DataType;
use chrono::NaiveDate;
use datafusion::common::Result;

use super::super::convert::to_int;
use super::super::{Kernel, Operand, collect};
use super::{Clock, duration_type, durations, instant_type, instants};

/// `instant + duration`, or minus; null beyond 64 bits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct ShiftInstant {
    pub(crate) back: bool,
}

impl Kernel for ShiftInstant {
    fn name(&self) -> &'static str {
        "shift_instant"
    }

    fn output(&self, _inputs: &[DataType]) -> DataType {
        instant_type()
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let (instant, by) = (operands[0].micros()?, operands[1].micros()?);
        Ok(instants((0..rows).map(|row| {
            let (instant, by) = (instant.get(row)?, by.get(row)?);
            if self.back { instant.checked_sub(by) } else { instant.checked_add(by) }
        })))
    }
}

/// The duration between two instants, first minus second.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Spread;

impl Kernel for Spread {
    fn name(&self) -> &'static str {
        "spread"
    }

    fn output(&self, _inputs: &[DataType]) -> DataType {
        duration_type()
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let (a, b) = (operands[0].micros()?, operands[1].micros()?);
        Ok(durations((0..rows).map(|row| a.get(row)?.checked_sub(b.get(row)?))))
    }
}

/// An operation of a duration with another, or with a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum DurationOp {
    Add,
    Subtract,
    /// By a float64; rounds to even.
    Scale,
    /// By a duration, a float64.
    Ratio,
    /// By a duration, towards minus infinity, an int64.
    FloorRatio,
    Negate,
    Absolute,
}

/// Applies a [`DurationOp`]; null beyond 64 bits and for a division by zero.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct DurationMath(pub(crate) DurationOp);

impl Kernel for DurationMath {
    fn name(&self) -> &'static str {
        "duration_math"
    }

    fn output(&self, _inputs: &[DataType]) -> DataType {
        match self.0 {
            DurationOp::Ratio => DataType::Float64,
            DurationOp::FloorRatio => DataType::Int64,
            _ => duration_type(),
        }
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let a = operands[0].micros()?;
        if self.0 == DurationOp::Scale {
            let factor = operands[1].floats()?;
            return Ok(durations((0..rows).map(|row| {
                let (micros, factor) = (a.get(row)?, factor.get(row)?);
                if factor.fract() == 0.0 {
                    return micros.checked_mul(to_int(factor)?);
                }
                to_int((micros as f64 * factor).round_ties_even())
            })));
        }
        if matches!(self.0, DurationOp::Negate | DurationOp::Absolute) {
            let negate = self.0 == DurationOp::Negate;
            return Ok(durations((0..rows).map(|row| {
                let micros = a.get(row)?;
                if negate { micros.checked_neg() } else { micros.checked_abs() }
            })));
        }
        let b = operands[1].micros()?;
        match self.0 {
            DurationOp::Ratio => Ok(collect::<Float64Array, _>((0..rows).map(|row| {
                let (a, b) = (a.get(row)?, b.get(row)?);
                (b != 0).then(|| a as f64 / b as f64)
            }))),
            DurationOp::FloorRatio => {
                Ok(collect::<Int64Array, _>((0..rows).map(|row| {
                    super::super::arithmetic::floor_divide_ints(a.get(row)?, b.get(row)?)
                })))
            }
            op => Ok(durations((0..rows).map(|row| {
                let (a, b) = (a.get(row)?, b.get(row)?);
                if op == DurationOp::Add { a.checked_add(b) } else { a.checked_sub(b) }
            }))),
        }
    }
}

/// An instant from a number of units since the epoch, or a duration from a number of units.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct FromEpoch {
    /// Microseconds of a unit.
    pub(crate) unit: i64,
    pub(crate) duration: bool,
    /// Whether the result must fit into 64 bits of nanoseconds, as in pandas.
    pub(crate) nanoseconds: bool,
}

impl Kernel for FromEpoch {
    fn name(&self) -> &'static str {
        "from_epoch"
    }

    fn output(&self, _inputs: &[DataType]) -> DataType {
        if self.duration { duration_type() } else { instant_type() }
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let micros: Box<dyn Fn(usize) -> Option<i64>> =
            if *operands[0].data_type() == DataType::Float64 {
                let values = operands[0].floats()?;
                Box::new(move |row| {
                    let value = values.get(row)?;
                    let whole = to_int(value.trunc())?.checked_mul(self.unit)?;
                    let part = (value.fract() * self.unit as f64).round_ties_even();
                    whole.checked_add(to_int(part)?)
                })
            } else {
                let values = operands[0].ints()?;
                Box::new(move |row| values.get(row)?.checked_mul(self.unit))
            };
        // Beyond the calendar there are no instants.
        let inside = |micros: i64| {
            (self.duration || Clock::Naive.wall(micros).is_some())
                && (!self.nanoseconds || micros.checked_mul(1000).is_some())
        };
        let micros = (0..rows).map(|row| micros(row).filter(|micros| inside(*micros)));
        Ok(if self.duration { durations(micros) } else { instants(micros) })
    }
}

/// Whole seconds since the epoch: cut towards zero as Python's `int`, or towards the past as numpy does.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct ToSeconds {
    pub(crate) floor: bool,
    /// Whether the fraction is kept, in a float64.
    pub(crate) exact: bool,
}

impl Kernel for ToSeconds {
    fn name(&self) -> &'static str {
        "to_seconds"
    }

    fn output(&self, _inputs: &[DataType]) -> DataType {
        if self.exact { DataType::Float64 } else { DataType::Int64 }
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let micros = operands[0].micros()?;
        if self.exact {
            return Ok(collect::<Float64Array, _>(
                (0..rows).map(|row| Some(micros.get(row)? as f64 / 1e6)),
            ));
        }
        Ok(collect::<Int64Array, _>((0..rows).map(|row| {
            let micros = micros.get(row)?;
            Some(if self.floor { micros.div_euclid(1_000_000) } else { micros / 1_000_000 })
        })))
    }
}

/// The instant cut to a multiple of some microseconds of its wall clock.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Truncate {
    pub(crate) unit: i64,
    pub(crate) clock: Clock,
}

impl Kernel for Truncate {
    fn name(&self) -> &'static str {
        "truncate_instant"
    }

    fn output(&self, _inputs: &[DataType]) -> DataType {
        instant_type()
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let micros = operands[0].micros()?;
        Ok(instants((0..rows).map(|row| {
            let wall = self.clock.wall(micros.get(row)?)?.and_utc().timestamp_micros();
            let cut = wall.checked_sub(wall.rem_euclid(self.unit))?;
            self.clock.instant(Clock::Naive.wall(cut)?)
        })))
    }
}

/// The wall clock of one clock read as that of another: a zone put on, or taken off.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Localize {
    pub(crate) from: Clock,
    pub(crate) to: Clock,
}

impl Kernel for Localize {
    fn name(&self) -> &'static str {
        "localize"
    }

    fn output(&self, _inputs: &[DataType]) -> DataType {
        instant_type()
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let micros = operands[0].micros()?;
        Ok(instants((0..rows).map(|row| self.to.instant(self.from.wall(micros.get(row)?)?))))
    }
}

/// `datetime(year, month, day, hour, minute, second)`; null for a date that is not in the calendar.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct MakeInstant {
    pub(crate) clock: Clock,
}

impl Kernel for MakeInstant {
    fn name(&self) -> &'static str {
        "make_instant"
    }

    fn output(&self, _inputs: &[DataType]) -> DataType {
        instant_type()
    }

    fn run(&self, operands: &[Operand], rows: usize) -> Result<ArrayRef> {
        let parts = operands.iter().map(Operand::ints).collect::<Result<Vec<_>>>()?;
        Ok(instants((0..rows).map(|row| {
            let part = |at: usize| u32::try_from(parts[at].get(row)?).ok();
            let year = i32::try_from(parts[0].get(row)?).ok().filter(|y| (1..=9999).contains(y))?;
            let date = NaiveDate::from_ymd_opt(year, part(1)?, part(2)?)?;
            self.clock.instant(date.and_hms_micro_opt(part(3)?, part(4)?, part(5)?, part(6)?)?)
        })))
    }
}
