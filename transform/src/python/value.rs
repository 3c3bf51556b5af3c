//! What a Python expression stands for while a function is compiled.

use std::rc::Rc;

use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr, lit};
use ruff_python_ast::{ExprLambda, StmtFunctionDef};

use super::builtin::Builtin;
use super::scalar::{Kind, Scalar};
use super::time::TimeClass;
use crate::kernel::{Clock, Key};

/// A sequence display: `[..]`, `(..)` or `{..}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Display {
    List,
    Tuple,
    Set,
}

/// A module that a function may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Module {
    Math,
    Numpy,
    Pandas,
    /// The `datetime` module or one of its classes.
    Time(TimeClass),
    /// `zoneinfo` or `pytz`.
    Zones,
    /// Names that only annotations use.
    Typing,
}

/// A function written in the text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Code<'a> {
    Function(&'a StmtFunctionDef),
    Lambda(&'a ExprLambda),
}

/// A dictionary that was picked out of nested constant dictionaries by keys of the row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Picked<'a> {
    /// Number of the outer dictionary.
    pub(crate) dict: usize,
    /// The keys so far, outermost first.
    pub(crate) path: Vec<Value<'a>>,
    /// What stands in for a dictionary that is not there; without it, the row raises.
    pub(crate) default: Option<Value<'a>>,
}

/// A compile-time value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value<'a> {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Rc<str>),
    /// A value per row.
    Scalar(Scalar),
    /// A whole column as a Python list, one element per row.
    Column(Scalar),
    /// A pandas column.
    Series(Scalar),
    /// A list, tuple or set written out.
    Items(Rc<Vec<Self>>, Display),
    /// A set of the elements of a list of the row.
    SetOf(Scalar),
    /// A list that `append` fills, by number.
    Growing(usize),
    /// A dictionary, by number.
    Dict(usize),
    /// A data frame: a dictionary of columns, by number.
    Frame(usize),
    /// A dictionary chosen per row.
    Picked(Rc<Picked<'a>>),
    /// `zip(..)` of columns.
    Zip(Rc<Vec<Self>>),
    /// `enumerate(.., start)`.
    Enumerate(Rc<Self>, i64),
    /// `range(..)` over the row numbers.
    Rows,
    /// The number of rows.
    RowCount,
    /// The number of the current row.
    RowIndex,
    /// A function of the text and the scope it was defined in.
    Code(Code<'a>, usize),
    Builtin(&'static Builtin),
    /// A method with its receiver, not yet called.
    Method(Rc<Self>, &'static Builtin),
    Module(Module),
    /// `series.str`.
    TextAccessor(Scalar),
    /// `series.dt`.
    TimeAccessor(Scalar),
    /// `series.dt.isocalendar()`.
    IsoCalendar(Scalar),
    /// A time zone.
    Clock(Clock),
    /// Rows that a condition leaves of a pandas column; missing in the others.
    Filtered(Scalar),
    /// The row labels of a frame or column.
    Index,
    /// `frame.loc`.
    Locator(usize),
    /// One row of a frame: a dictionary whose keys are attributes too.
    Row(usize),
    /// Something that has this element in every row.
    EachRow(Rc<Self>),
    /// `numpy.vectorize(function)`.
    Vectorized(Rc<Self>),
    /// `start:stop:step`, `None` where left out.
    Slice(Rc<[Self; 3]>),
    /// A variable that some way through the function leaves without a usable value, and why.
    Unusable(Rc<str>),
}

impl Value<'_> {
    /// The value as one per row, if it is a scalar or a constant.
    pub(crate) fn scalar(&self) -> Option<Scalar> {
        Some(match self {
            Self::Bool(value) => Scalar::total(lit(*value), Kind::Bool),
            Self::Int(value) => Scalar::total(lit(*value), Kind::Int),
            Self::Float(value) => Scalar::total(lit(*value), Kind::Float),
            Self::Text(text) => {
                let text = ScalarValue::Utf8(Some(text.to_string()));
                Scalar::total(Expr::Literal(text, None), Kind::Text)
            }
            Self::Scalar(scalar) | Self::Series(scalar) => scalar.clone(),
            _ => return None,
        })
    }

    /// The value as a constant key of a dictionary; tuples have one key per place.
    pub(crate) fn keys(&self) -> Option<Vec<Key>> {
        match self {
            Self::Items(items, Display::Tuple) => items
                .iter()
                .map(Self::keys)
                .map(|keys| keys.filter(|keys| keys.len() == 1)?.pop())
                .collect(),
            Self::None => Some(vec![Key::None]),
            Self::Bool(value) => Some(vec![Key::Int(i64::from(*value))]),
            Self::Int(value) => Some(vec![Key::Int(*value)]),
            Self::Float(value) => Some(vec![Key::float(*value)]),
            Self::Text(text) => Some(vec![Key::Text(text.to_string())]),
            _ => None,
        }
    }

    /// Whether the value is known when compiling.
    pub(crate) fn is_constant(&self) -> bool {
        matches!(self, Self::None | Self::Bool(_) | Self::Int(_) | Self::Float(_) | Self::Text(_))
    }

    /// Truth of a constant or of a sequence that is written out.
    pub(crate) fn static_truth(&self) -> Option<bool> {
        Some(match self {
            Self::None => false,
            Self::Bool(value) => *value,
            Self::Int(value) => *value != 0,
            Self::Float(value) => *value != 0.0,
            Self::Text(text) => !text.is_empty(),
            Self::Items(items, _) => !items.is_empty(),
            _ => return None,
        })
    }

    /// What messages call it.
    pub(crate) fn label(&self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(_) => "float",
            Self::Text(_) => "str",
            Self::Scalar(scalar) => scalar.kind.label(),
            Self::Column(_) => "whole column (a list with one element per row)",
            Self::Series(_) => "pandas column",
            Self::Items(_, Display::List) | Self::Growing(_) => "list",
            Self::Items(_, Display::Tuple) => "tuple",
            Self::Items(_, Display::Set) | Self::SetOf(_) => "set",
            Self::Dict(_) | Self::Picked(_) => "dict",
            Self::Frame(_) => "DataFrame",
            Self::Zip(_) => "zip",
            Self::Enumerate(..) => "enumerate",
            Self::Rows => "range",
            Self::RowCount => "number of rows",
            Self::RowIndex => "row number",
            Self::Code(..) | Self::Builtin(_) | Self::Method(..) | Self::Vectorized(_) => {
                "function"
            }
            Self::Module(_) => "module",
            Self::TextAccessor(_) => "str accessor",
            Self::TimeAccessor(_) => "dt accessor",
            Self::IsoCalendar(_) => "frame of ISO weeks",
            Self::Clock(_) => "time zone",
            Self::Filtered(_) => "filtered column",
            Self::Index => "index",
            Self::Locator(_) => "loc",
            Self::Row(_) => "row of a DataFrame",
            Self::EachRow(_) => "iterator over rows",
            Self::Slice(_) => "slice",
            Self::Unusable(_) => "unusable variable",
        }
    }
}
