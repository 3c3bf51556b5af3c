//! Methods of columns and data frames, functions of `pandas` and `numpy`: what each table row compiles to.

mod apply;
mod array;
mod choice;
mod column;
mod convert;
mod frame;
mod literals;
mod located;
mod numpy;
mod operator;
mod ranges;
mod shape;

use std::rc::Rc;

pub(crate) use self::column::SERIES_METHODS;
use self::frame::Reduction;
pub(crate) use self::numpy::ELEMENTWISE;
use super::builtin::{Builtin, row};
use super::time::numpy_timedelta;
use super::value::{Display, Value};

/// Methods of a data frame.
pub(crate) static FRAME_METHODS: &[Builtin] = &[
    row!("abs", |c, a| frame::each_column(c, a, SERIES_METHODS)),
    row!("all", |c, a| frame::reduce(c, a, Reduction::All)),
    row!("any", |c, a| frame::reduce(c, a, Reduction::Any)),
    row!("apply", |c, a| apply::apply_rows(c, a)),
    row!("assign", |c, a| frame::assign(c, a)),
    row!("astype", |c, a| frame::each_column(c, a, SERIES_METHODS)),
    row!("clip", |c, a| frame::each_column(c, a, SERIES_METHODS)),
    row!("copy", |c, a| frame::copy(c, a)),
    row!("drop", |c, a| frame::drop_columns(c, a)),
    row!("fillna", |c, a| frame::fill(c, a)),
    row!("get", |c, a| {
        let [frame, key, default] = a.named(c, ["self", "key", "default"])?;
        let (frame, key) = (a.required(c, frame)?, a.required(c, key)?);
        c.get(&frame, &key, default.unwrap_or(Value::None), a.at)
    }),
    row!("isna", |c, a| frame::each_column(c, a, SERIES_METHODS)),
    row!("isnull", |c, a| frame::each_column(c, a, SERIES_METHODS)),
    row!("iterrows", |c, a| apply::iterate(c, a)),
    row!("itertuples", |c, a| apply::iterate(c, a)),
    row!("keys", |c, a| {
        let number = frame::frame(c, a)?;
        let names = c.dict(number).entries.iter().map(|(name, _)| name.clone()).collect();
        Ok(Value::Items(Rc::new(names), Display::List))
    }),
    row!("max", |c, a| frame::reduce(c, a, Reduction::Max)),
    row!("mean", |c, a| frame::reduce(c, a, Reduction::Mean)),
    row!("min", |c, a| frame::reduce(c, a, Reduction::Min)),
    row!("notna", |c, a| frame::each_column(c, a, SERIES_METHODS)),
    row!("notnull", |c, a| frame::each_column(c, a, SERIES_METHODS)),
    row!("pipe", |c, a| column::pipe(c, a)),
    row!("rename", |c, a| frame::rename(c, a)),
    row!("reset_index", |_, a| Ok(a.positional[0].clone())),
    row!("round", |c, a| frame::each_column(c, a, SERIES_METHODS)),
    row!("sum", |c, a| frame::reduce(c, a, Reduction::Sum)),
    row!("to_dict", |c, a| frame::to_dict(c, a)),
];

/// Functions of `pandas`.
pub(crate) static PANDAS: &[Builtin] = &[
    row!("DataFrame", |c, a| frame::data_frame(c, a)),
    row!("Series", |c, a| array::series(c, a)),
    row!("cut", |c, a| ranges::cut(c, a)),
    row!("isna", |c, a| column::is_missing(c, a, false)),
    row!("isnull", |c, a| column::is_missing(c, a, false)),
    row!("notna", |c, a| column::is_missing(c, a, true)),
    row!("notnull", |c, a| column::is_missing(c, a, true)),
    row!("to_numeric", |c, a| convert::to_numeric(c, a)),
];

/// Functions of `numpy` that are more than element-wise arithmetic.
pub(crate) static NUMPY: &[Builtin] = &[
    row!("array", |c, a| array::array(c, a)),
    row!("asarray", |c, a| array::array(c, a)),
    row!("around", |c, a| column::round(c, a)),
    row!("clip", |c, a| array::clip(c, a)),
    row!("float32", |c, a| array::scalar(c, a)),
    row!("float64", |c, a| array::scalar(c, a)),
    row!("full", |c, a| array::full(c, a)),
    row!("full_like", |c, a| array::full(c, a)),
    row!("int32", |c, a| array::scalar(c, a)),
    row!("int64", |c, a| array::scalar(c, a)),
    row!("isin", |c, a| literals::is_in(c, a)),
    row!("ones", |c, a| array::constant(c, a, 1.0)),
    row!("ones_like", |c, a| array::constant_like(c, a, 1)),
    row!("round", |c, a| column::round(c, a)),
    row!("select", |c, a| choice::select(c, a)),
    row!("timedelta64", |c, a| numpy_timedelta(c, a)),
    row!("vectorize", |c, a| apply::vectorize(c, a)),
    row!("where", |c, a| choice::where_(c, a)),
    row!("zeros", |c, a| array::constant(c, a, 0.0)),
    row!("zeros_like", |c, a| array::constant_like(c, a, 0)),
];
