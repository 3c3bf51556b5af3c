//! A value that differs from row to row: its expression, type and what a null in it means.

use arrow_schema::{DataType, Field};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Cast, Expr, TryCast, lit};
use larder_core::ValueType;
use std::sync::Arc;

use super::time::UTC;
use crate::kernel::{Choose, Clock, FillMissing, call, duration_type, instant_type};

/// Python's type of a value. Whole numbers are 64 bits wide, floats double.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Bool,
    Int,
    Float,
    Text,
    /// A point in time, with the clock that shows it.
    Instant(Clock),
    /// A wall clock whose zone only the text knew.
    Wall,
    /// A calendar day.
    Date,
    Duration,
    List(Box<Kind>),
    Bytes,
    /// A type without operations: it can only be handed through.
    Opaque(ValueType),
}

impl Kind {
    /// What a function sees of a feature of this type; `None` for the null type.
    pub(crate) fn of(value_type: ValueType) -> Option<Self> {
        if let Some(element) = value_type.list_element() {
            return Self::of(element).map(|kind| Self::List(Box::new(kind)));
        }
        Some(match value_type {
            ValueType::Null => return None,
            ValueType::Int32 | ValueType::Int64 => Self::Int,
            ValueType::Float | ValueType::Double => Self::Float,
            ValueType::Bool => Self::Bool,
            ValueType::String => Self::Text,
            ValueType::UnixTimestamp => Self::Instant(UTC),
            ValueType::Bytes | ValueType::PdfBytes | ValueType::ImageBytes => Self::Bytes,
            other => Self::Opaque(other),
        })
    }

    /// Type of the arrays that hold values of this kind while a program runs.
    pub(crate) fn data_type(&self) -> DataType {
        match self {
            Self::Bool => DataType::Boolean,
            Self::Int => DataType::Int64,
            Self::Float => DataType::Float64,
            Self::Text => DataType::Utf8,
            Self::Instant(_) | Self::Wall | Self::Date => instant_type(),
            Self::Duration => duration_type(),
            Self::List(element) => {
                DataType::List(Arc::new(Field::new("item", element.data_type(), true)))
            }
            Self::Bytes => DataType::Binary,
            Self::Opaque(value_type) => value_type.arrow_type(),
        }
    }

    pub(crate) fn is_number(&self) -> bool {
        matches!(self, Self::Bool | Self::Int | Self::Float)
    }

    /// The name in messages.
    pub(crate) fn label(&self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Float => "float",
            Self::Text => "str",
            Self::Instant(_) | Self::Wall => "datetime",
            Self::Date => "date",
            Self::Duration => "timedelta",
            Self::List(_) => "list",
            Self::Bytes => "bytes",
            Self::Opaque(value_type) => value_type.name(),
        }
    }

    /// The kind that can hold values of both, and whether a value's own type is then unknown.
    pub(crate) fn unify(&self, other: &Self) -> Option<(Self, bool)> {
        match (self, other) {
            (a, b) if a == b => Some((a.clone(), false)),
            (Self::Bool, Self::Int) | (Self::Int, Self::Bool) => Some((Self::Int, true)),
            (a, b) if a.is_number() && b.is_number() => Some((Self::Float, true)),
            // Lists of nothing are empty, or hold `None` alone.
            (Self::List(a), Self::List(b)) => {
                let nothing = Self::Opaque(ValueType::Null);
                let (element, mixed) = match (**a == nothing, **b == nothing) {
                    (true, _) => ((**b).clone(), false),
                    (_, true) => ((**a).clone(), false),
                    _ => a.unify(b)?,
                };
                Some((Self::List(Box::new(element)), mixed))
            }
            _ => None,
        }
    }

    /// A null constant of this kind.
    pub(crate) fn null(&self) -> Expr {
        let null = ScalarValue::try_from(&self.data_type()).unwrap_or(ScalarValue::Null);
        Expr::Literal(null, None)
    }
}

/// In which rows computing the value raises an exception. The value is null there.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Raised {
    /// In none.
    Never,
    /// Where the value is null; it is never `None` then.
    Null,
    /// Where this boolean, which is never null, holds.
    When(Box<Expr>),
}

impl Raised {
    /// In the rows where the boolean holds.
    pub(crate) fn when(condition: Expr) -> Self {
        Self::When(Box::new(condition))
    }
}

/// Whose number a value is: arithmetic on numpy's does not raise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    Python,
    Numpy,
    /// The row decides.
    Either,
}

/// A value per row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Scalar {
    pub(crate) expr: Expr,
    pub(crate) kind: Kind,
    /// Whether it can be null without having raised: `None`, or missing in pandas.
    pub(crate) none: bool,
    /// Whether such a null is pandas' not-a-number (or not-a-time) rather than `None`.
    pub(crate) nan: bool,
    pub(crate) raised: Raised,
    /// Whether a row's own type may be a narrower number type than `kind`.
    pub(crate) mixed: bool,
    /// Whose number it is.
    pub(crate) origin: Origin,
}

impl Scalar {
    /// A value that is never null.
    pub(crate) fn total(expr: Expr, kind: Kind) -> Self {
        Self {
            expr,
            kind,
            none: false,
            nan: false,
            raised: Raised::Never,
            mixed: false,
            origin: Origin::Python,
        }
    }

    /// The result of an operation that raises on `None`, and wherever it gives null itself.
    pub(crate) fn strict(expr: Expr, kind: Kind, operands: &[&Self], can_fail: bool) -> Self {
        let nullable = can_fail || operands.iter().any(|operand| operand.is_nullable());
        let raised = if nullable { Raised::Null } else { Raised::Never };
        Self { raised, ..Self::total(expr, kind) }
    }

    /// The result of an operation that hands missing values on, as those of numpy and pandas do.
    pub(crate) fn propagating(expr: Expr, kind: Kind, operands: &[&Self], missing: bool) -> Self {
        let none = missing || operands.iter().any(|operand| operand.none);
        let raised = match any_raised(operands) {
            None => Raised::Never,
            Some(_) if !none => Raised::Null,
            Some(raised) => Raised::when(raised),
        };
        Self { none, nan: none, raised, ..Self::total(expr, kind) }
    }

    /// The result of an operation that has an answer for `None`, null where an operand raised.
    pub(crate) fn guarded(expr: Expr, kind: Kind, operands: &[&Self], none: bool) -> Self {
        let Some(raised) = any_raised(operands) else {
            return Self { none, ..Self::total(expr, kind) };
        };
        let expr = choose(raised.clone(), kind.null(), expr);
        let raised = if none { Raised::when(raised) } else { Raised::Null };
        Self { none, raised, ..Self::total(expr, kind) }
    }

    /// The value of a column as Python code sees it in one row: a missing float is not-a-number.
    pub(crate) fn element(&self) -> Self {
        if !(self.none && self.nan && self.kind == Kind::Float) {
            return self.clone();
        }
        let expr = call(FillMissing, vec![self.expr.clone(), lit(f64::NAN)]);
        let filled = Self::guarded(expr, Kind::Float, &[self], false);
        Self { mixed: self.mixed, origin: self.origin, ..filled }
    }

    /// The value where `None` is not allowed: it raises there.
    pub(crate) fn required(&self) -> Self {
        if self.nan || !self.none {
            return self.clone();
        }
        Self { none: false, raised: Raised::Null, ..self.clone() }
    }

    /// Whether a null in it may be not-a-number.
    pub(crate) fn may_be_nan(&self) -> bool {
        self.none && self.nan
    }

    /// A missing whole number as a float that is not-a-number.
    pub(crate) fn filled(&self) -> Self {
        if !self.may_be_nan() || !self.kind.is_number() {
            return self.clone();
        }
        let mixed = self.mixed || self.kind != Kind::Float;
        Self { mixed, ..self.widen(&Kind::Float).element() }
    }

    pub(crate) fn is_nullable(&self) -> bool {
        self.none || self.raised != Raised::Never
    }

    /// Where the value raised; `None` if nowhere.
    pub(crate) fn raised_expr(&self) -> Option<Expr> {
        match &self.raised {
            Raised::Never => None,
            Raised::Null => Some(self.expr.clone().is_null()),
            Raised::When(expr) => Some((**expr).clone()),
        }
    }

    /// The same numbers as another kind of number, or the value itself.
    pub(crate) fn widen(&self, kind: &Kind) -> Self {
        if self.kind == *kind {
            return self.clone();
        }
        let mut wide = self.clone();
        wide.expr = cast(wide.expr, kind.data_type());
        wide.kind = kind.clone();
        wide
    }

    /// A bool as the int it is; anything else itself.
    pub(crate) fn without_bool(&self) -> Self {
        if self.kind == Kind::Bool { self.widen(&Kind::Int) } else { self.clone() }
    }
}

/// Where any of the operands raised.
pub(crate) fn any_raised(operands: &[&Scalar]) -> Option<Expr> {
    operands.iter().filter_map(|operand| operand.raised_expr()).reduce(Expr::or)
}

/// The expression converted to an Arrow type; integers to wider numbers only, so it cannot fail.
pub(crate) fn cast(expr: Expr, target: DataType) -> Expr {
    Expr::Cast(Cast::new(Box::new(expr), target))
}

/// The expression converted to an Arrow type, null where that fails.
pub(crate) fn try_cast(expr: Expr, target: DataType) -> Expr {
    Expr::TryCast(TryCast::new(Box::new(expr), target))
}

/// One of two values; null where the condition is.
pub(crate) fn choose(condition: Expr, then: Expr, otherwise: Expr) -> Expr {
    if condition == lit(true) {
        return then;
    }
    if condition == lit(false) {
        return otherwise;
    }
    call(Choose, vec![condition, then, otherwise])
}
