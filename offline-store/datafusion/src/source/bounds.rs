//! The interval of a scan as a predicate.

use std::sync::Arc;

use arrow_schema::{DataType, Schema, TimeUnit};
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{BinaryExpr, Column, Literal};
use datafusion::scalar::ScalarValue;
use larder_offline_store::{ceil_ticks, floor_ticks};

/// Instants in UTC nanoseconds between which a scan reads, both included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct TimeBounds {
    pub(crate) first: Option<i128>,
    pub(crate) last: Option<i128>,
}

impl TimeBounds {
    /// The first and the last tick of a unit within the bounds.
    pub(crate) fn ticks(self, unit: TimeUnit) -> (i64, i64) {
        let first = self.first.map_or(i64::MIN, |first| Rounding::Up.ticks(first, unit));
        let last = self.last.map_or(i64::MAX, |last| Rounding::Down.ticks(last, unit));
        (first, last)
    }

    /// The condition on a time column that a row must meet, `None` without bounds.
    pub(super) fn predicate(self, schema: &Schema, column: usize) -> Option<Arc<dyn PhysicalExpr>> {
        let field = schema.field(column);
        let value: Arc<dyn PhysicalExpr> = Arc::new(Column::new(field.name(), column));
        let compare = |operator: Operator, bound: Option<ScalarValue>| {
            let literal = Arc::new(Literal::new(bound?));
            Some(Arc::new(BinaryExpr::new(Arc::clone(&value), operator, literal))
                as Arc<dyn PhysicalExpr>)
        };
        let first = self.first.and_then(|first| Rounding::Up.value(first, field.data_type()));
        let last = self.last.and_then(|last| Rounding::Down.value(last, field.data_type()));
        match (compare(Operator::GtEq, first), compare(Operator::LtEq, last)) {
            (Some(first), Some(last)) => {
                Some(Arc::new(BinaryExpr::new(first, Operator::And, last)))
            }
            (first, last) => first.or(last),
        }
    }
}

/// How an instant becomes a value of a coarser unit: up as a first, down as a last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rounding {
    Up,
    Down,
}

impl Rounding {
    fn ticks(self, nanos: i128, unit: TimeUnit) -> i64 {
        match self {
            Self::Up => ceil_ticks(nanos, unit),
            Self::Down => floor_ticks(nanos, unit),
        }
    }

    fn days(self, nanos: i128) -> i32 {
        let seconds = self.ticks(nanos, TimeUnit::Second);
        let midnight = seconds.div_euclid(SECONDS_PER_DAY);
        let next = self == Self::Up && seconds.rem_euclid(SECONDS_PER_DAY) != 0;
        let days = midnight + i64::from(next);
        i32::try_from(days).unwrap_or(if days < 0 { i32::MIN } else { i32::MAX })
    }

    /// An instant as a value of a time column.
    fn value(self, nanos: i128, data_type: &DataType) -> Option<ScalarValue> {
        Some(match data_type {
            DataType::Timestamp(unit, zone) => {
                let (ticks, zone) = (Some(self.ticks(nanos, *unit)), zone.clone());
                match unit {
                    TimeUnit::Second => ScalarValue::TimestampSecond(ticks, zone),
                    TimeUnit::Millisecond => ScalarValue::TimestampMillisecond(ticks, zone),
                    TimeUnit::Microsecond => ScalarValue::TimestampMicrosecond(ticks, zone),
                    TimeUnit::Nanosecond => ScalarValue::TimestampNanosecond(ticks, zone),
                }
            }
            DataType::Date64 => ScalarValue::Date64(Some(self.ticks(nanos, TimeUnit::Millisecond))),
            DataType::Date32 => ScalarValue::Date32(Some(self.days(nanos))),
            _ => return None,
        })
    }
}

const SECONDS_PER_DAY: i64 = 86_400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_rounds_up_and_a_last_down() {
        let day = i128::from(SECONDS_PER_DAY) * 1_000_000_000;
        for (nanos, up, down) in [(0, 0, 0), (1, 1, 0), (-1, 0, -1), (day, 1, 1), (day + 1, 2, 1)] {
            assert_eq!(
                Rounding::Up.value(nanos, &DataType::Date32),
                Some(ScalarValue::Date32(Some(up)))
            );
            let down = Some(ScalarValue::Date32(Some(down)));
            assert_eq!(Rounding::Down.value(nanos, &DataType::Date32), down);
        }
        let millis = DataType::Timestamp(TimeUnit::Millisecond, None);
        let stamp = |ticks| Some(ScalarValue::TimestampMillisecond(Some(ticks), None));
        assert_eq!(Rounding::Up.value(1_000_001, &millis), stamp(2));
        assert_eq!(Rounding::Down.value(1_999_999, &millis), stamp(1));
    }
}
