//! Time columns as integers, whatever their unit.

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, Int64Array};
use arrow_schema::{DataType, TimeUnit};
use larder_core::{Error, Result};

/// A time column as ticks of its own unit since 1970 in UTC; naive times mean UTC, dates midnight.
#[derive(Debug, Clone)]
pub struct Instants {
    /// Ticks, null where the time is null.
    pub ticks: Int64Array,
    /// What one tick is.
    pub unit: TimeUnit,
}

impl Instants {
    /// The unit in which a column of this type is read, `None` when the type is no time.
    pub fn unit_of(data_type: &DataType) -> Option<TimeUnit> {
        match data_type {
            DataType::Timestamp(unit, _) => Some(*unit),
            DataType::Date32 => Some(TimeUnit::Second),
            DataType::Date64 => Some(TimeUnit::Millisecond),
            _ => None,
        }
    }

    /// Reads a timestamp or date column.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](larder_core::ErrorKind::Invalid) when the column is no time.
    pub fn read(array: &ArrayRef) -> Result<Self> {
        let data_type = array.data_type();
        let Some(unit) = Self::unit_of(data_type) else {
            return Err(Error::invalid(format!("a column of type {data_type} holds no times")));
        };
        let stamps = match data_type {
            DataType::Date32 => arrow_cast::cast(array, &DataType::Timestamp(unit, None)),
            _ => Ok(ArrayRef::clone(array)),
        };
        let ticks = stamps.and_then(|stamps| arrow_cast::cast(&stamps, &DataType::Int64));
        let ticks = ticks.map_err(|error| Error::data("cannot read times").with_source(error))?;
        Ok(Self { ticks: ticks.as_primitive::<Int64Type>().clone(), unit })
    }

    /// The instant of a row in UTC nanoseconds, `None` for null.
    pub fn nanos(&self, row: usize) -> Option<i128> {
        self.ticks.is_valid(row).then(|| nanos(self.ticks.value(row), self.unit))
    }
}

fn nanos_per_tick(unit: TimeUnit) -> i128 {
    match unit {
        TimeUnit::Second => 1_000_000_000,
        TimeUnit::Millisecond => 1_000_000,
        TimeUnit::Microsecond => 1_000,
        TimeUnit::Nanosecond => 1,
    }
}

/// Nanoseconds of a number of ticks; never overflows.
pub fn nanos(ticks: i64, unit: TimeUnit) -> i128 {
    i128::from(ticks) * nanos_per_tick(unit)
}

/// The last tick that is not after this instant: `tick <= floor_ticks(t)` exactly when its time is `<= t`.
///
/// Instants outside the range of the unit give the first or last tick.
pub fn floor_ticks(nanos: i128, unit: TimeUnit) -> i64 {
    clamp(nanos.div_euclid(nanos_per_tick(unit)))
}

/// The first tick that is not before this instant: `tick >= ceil_ticks(t)` exactly when its time is `>= t`.
///
/// Instants outside the range of the unit give the first or last tick.
pub fn ceil_ticks(nanos: i128, unit: TimeUnit) -> i64 {
    let per_tick = nanos_per_tick(unit);
    clamp(nanos.div_euclid(per_tick) + i128::from(nanos.rem_euclid(per_tick) != 0))
}

fn clamp(ticks: i128) -> i64 {
    i64::try_from(ticks).unwrap_or(if ticks < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use arrow_array::{Date32Array, Date64Array, TimestampMillisecondArray};

    #[test]
    fn bounds_in_a_coarser_unit_keep_the_comparison_exact() {
        for (instant, floor, ceil) in [(1_999, 1, 2), (2_000, 2, 2), (-1, -1, 0), (-1_000, -1, -1)]
        {
            assert_eq!(floor_ticks(instant, TimeUnit::Microsecond), floor);
            assert_eq!(ceil_ticks(instant, TimeUnit::Microsecond), ceil);
        }
    }

    #[test]
    fn instants_beyond_the_unit_stop_at_its_ends() {
        let far = nanos(i64::MAX, TimeUnit::Second);
        assert_eq!(floor_ticks(far, TimeUnit::Nanosecond), i64::MAX);
        assert_eq!(ceil_ticks(-far, TimeUnit::Nanosecond), i64::MIN);
    }

    #[test]
    fn dates_are_midnight_and_zones_do_not_move_an_instant() {
        let day = 86_400_000_000_000_i128;
        let zoned = TimestampMillisecondArray::from(vec![Some(86_400_000), None])
            .with_timezone("America/New_York");
        let columns: [ArrayRef; 3] = [
            Arc::new(Date32Array::from(vec![Some(1), None])),
            Arc::new(Date64Array::from(vec![Some(86_400_000), None])),
            Arc::new(zoned),
        ];
        for column in columns {
            let instants = Instants::read(&column).unwrap();
            assert_eq!([instants.nanos(0), instants.nanos(1)], [Some(day), None]);
        }
    }
}
