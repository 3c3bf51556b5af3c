//! Aggregation functions by name.

use std::fmt;

use larder_core::ValueType;

use crate::scalar::ScalarType;

/// Most values that `last_<k>` keeps.
const MAX_LAST: usize = 1_000;

/// Most values that `top_<k>` answers.
const MAX_TOP: usize = 100;

/// What is computed of the values of a column in a window or session. Nulls do not count.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Function {
    /// Values; events where no column is given.
    Count,
    Sum,
    Min,
    Max,
    Mean,
    /// Standard deviation of a sample; null below two values.
    Std,
    /// Variance of a sample; null below two values.
    Var,
    /// The value of the earliest event; of several at one time the least.
    First,
    /// The value of the latest event; of several at one time the greatest.
    Last,
    /// The values of the latest events, latest first.
    LastK(usize),
    /// Whether there is any.
    Any,
    /// How many different values: exact to 256, then within a few percent.
    CountDistinct,
    /// The number below which this share of the values lies, within one percent.
    Percentile(f64),
    /// The values that occur most, or whose weights sum to most; of equal ones the least. One is the value itself.
    TopK(usize),
    /// Milliseconds from the first to the last event of the latest session.
    SessionLength,
}

impl Function {
    /// The function of a name: Feast's own (`mean`, `count_distinct` ...), `last_<k>`, `top_<k>` and
    /// `percentile_<p>`.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let simple = match name {
            "count" => Self::Count,
            "sum" => Self::Sum,
            "min" => Self::Min,
            "max" => Self::Max,
            "mean" | "avg" => Self::Mean,
            "std" | "stddev" => Self::Std,
            "var" | "variance" => Self::Var,
            "first" => Self::First,
            "last" => Self::Last,
            "any" => Self::Any,
            "count_distinct" | "nunique" | "approx_count_distinct" => Self::CountDistinct,
            "median" => Self::Percentile(0.5),
            "session_length" => Self::SessionLength,
            _ => return Self::parse_numbered(name),
        };
        Some(simple)
    }

    fn parse_numbered(name: &str) -> Option<Self> {
        if let Some(k) = name.strip_prefix("last_") {
            return k.parse().ok().filter(|k| (1..=MAX_LAST).contains(k)).map(Self::LastK);
        }
        if let Some(k) = name.strip_prefix("top_") {
            return k.parse().ok().filter(|k| (1..=MAX_TOP).contains(k)).map(Self::TopK);
        }
        let percent: f64 = name.strip_prefix("percentile_")?.parse().ok()?;
        (0.0..=100.0).contains(&percent).then_some(Self::Percentile(percent / 100.0))
    }

    /// Names that [`parse`](Self::parse) knows, for hints.
    pub(crate) const NAMES: &'static str = "count, sum, min, max, mean, std, var, first, last, last_<k>, any, \
         count_distinct, percentile_<p>, top_<k>, session_length";

    /// Whether the function can be computed of values of this type.
    pub(crate) fn takes(self, column: ScalarType) -> bool {
        match self {
            Self::Sum
            | Self::Min
            | Self::Max
            | Self::Mean
            | Self::Std
            | Self::Var
            | Self::Percentile(_) => column.is_number(),
            Self::Count
            | Self::First
            | Self::Last
            | Self::LastK(_)
            | Self::Any
            | Self::CountDistinct
            | Self::TopK(_)
            | Self::SessionLength => true,
        }
    }

    /// Type of the result for a column of this type.
    pub(crate) fn result(self, column: ScalarType) -> ValueType {
        match self {
            Self::Count | Self::CountDistinct | Self::SessionLength => ValueType::Int64,
            Self::Any => ValueType::Bool,
            Self::Mean | Self::Std | Self::Var | Self::Percentile(_) => ValueType::Double,
            Self::Sum | Self::Min | Self::Max | Self::First | Self::Last | Self::TopK(1) => {
                value_type(column)
            }
            Self::LastK(_) | Self::TopK(_) => list_type(column),
        }
    }
}

fn value_type(column: ScalarType) -> ValueType {
    match column {
        ScalarType::Bool => ValueType::Bool,
        ScalarType::Int => ValueType::Int64,
        ScalarType::Double => ValueType::Double,
        ScalarType::Text => ValueType::String,
    }
}

fn list_type(column: ScalarType) -> ValueType {
    value_type(column).list_of().expect("every scalar has lists")
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LastK(k) => write!(f, "last_{k}"),
            Self::TopK(k) => write!(f, "top_{k}"),
            Self::Percentile(share) => write!(f, "percentile_{}", share * 100.0),
            simple => f.write_str(match simple {
                Self::Count => "count",
                Self::Sum => "sum",
                Self::Min => "min",
                Self::Max => "max",
                Self::Mean => "mean",
                Self::Std => "std",
                Self::Var => "var",
                Self::First => "first",
                Self::Last => "last",
                Self::Any => "any",
                Self::SessionLength => "session_length",
                _ => "count_distinct",
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_feasts_and_a_few_with_numbers() {
        for (name, function) in [
            ("mean", Some(Function::Mean)),
            ("count_distinct", Some(Function::CountDistinct)),
            ("last_5", Some(Function::LastK(5))),
            ("percentile_95", Some(Function::Percentile(0.95))),
            ("top_3", Some(Function::TopK(3))),
            ("last_0", None),
            ("top_0", None),
            ("top_101", None),
            ("percentile_101", None),
            ("percentile_nan", None),
            ("mode", None),
        ] {
            assert_eq!(Function::parse(name), function, "{name}");
        }
    }
}
