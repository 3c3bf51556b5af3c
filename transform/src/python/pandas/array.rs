//! Arrays and columns made of lists, constants and other columns.

use larder_core::Result;

use super::ranges;
use crate::python::builtin::{self, Builtin};
use crate::python::call::Arguments;
use crate::python::compiler::{Compiler, scalar_or_none};
use crate::python::scalar::{Kind, Origin, Scalar};
use crate::python::value::Value;

use super::shape::listed;

/// `numpy.array(list)`: `None` in it makes an array of objects, on which arithmetic raises.
pub(super) fn array<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let [list, dtype] = a.named(c, ["object", "dtype"])?;
    let column = match c.settled(a.required(c, list)?) {
        Value::Series(column) => column,
        Value::Column(list) => list.required(),
        other => {
            let construct = format!("{} of a {}", a.name, other.label());
            return Err(c.unsupported(a.at, construct, "pass a column"));
        }
    };
    match dtype {
        None => Ok(Value::Series(column)),
        Some(dtype) => c.cast_column(&column, &dtype, a).map(Value::Series),
    }
}

/// `pandas.Series(..)`: of a column, or inside of apply of a dict.
pub(super) fn series<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let [data, index, dtype, _name] = a.named(c, ["data", "index", "dtype", "name"])?;
    let data = c.settled(a.required(c, data)?);
    let rows = matches!(&index, Some(Value::Index | Value::Rows));
    let column = match data {
        Value::Dict(number) if c.per_row => {
            let entries = c.dict(number).entries.clone();
            return Ok(Value::Row(c.new_row(entries)));
        }
        Value::Items(items, _) if c.per_row => {
            let names = match index.map(|index| c.settled(index)) {
                Some(Value::Items(names, _)) if names.len() == items.len() => names.to_vec(),
                _ => (0_i64..).take(items.len()).map(Value::Int).collect(),
            };
            let entries = names.into_iter().zip(items.iter().cloned()).collect();
            return Ok(Value::Row(c.new_row(entries)));
        }
        Value::Series(column) => column,
        Value::Column(list) => listed(list),
        constant if rows => match scalar_or_none(&constant) {
            Some(scalar) => listed(scalar),
            None => return Err(c.unsupported(a.at, "this Series", "use columns and constants")),
        },
        other => {
            let construct = format!("a Series of a {}", other.label());
            return Err(c.unsupported(
                a.at,
                construct,
                "pass a column, or a constant with index=inputs.index",
            ));
        }
    };
    match dtype {
        None => Ok(Value::Series(column)),
        Some(dtype) => c.cast_column(&column, &dtype, a).map(Value::Series),
    }
}

/// `numpy.clip(column, lower, upper)`.
pub(super) fn clip<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let [value, lower, upper] = a.named(c, ["a", "a_min", "a_max"])?;
    let positional = [value, lower, upper].into_iter().map(|value| value.unwrap_or(Value::None));
    let arguments =
        Arguments { positional: positional.collect(), keywords: Vec::new(), ..a.clone() };
    ranges::clip(c, &arguments)
}

/// Whether the value stands for the number of rows, also as the only element of a shape.
fn is_row_count<'a>(c: &Compiler<'a>, value: &Value<'a>) -> bool {
    match c.settled(value.clone()) {
        Value::RowCount => true,
        Value::Items(items, _) => matches!(items.as_slice(), [Value::RowCount]),
        _ => false,
    }
}

/// `numpy.zeros(n)`, `numpy.ones(n)` with a float in every row.
pub(super) fn constant<'a>(
    c: &mut Compiler<'a>,
    a: &Arguments<'a>,
    value: f64,
) -> Result<Value<'a>> {
    let [shape, dtype] = a.named(c, ["shape", "dtype"])?;
    if !is_row_count(c, &a.required(c, shape)?) {
        return Err(c.unsupported(a.at, "an array of another length", "use len(inputs)"));
    }
    let column = Scalar::total(datafusion::logical_expr::lit(value), Kind::Float);
    match dtype {
        None => Ok(Value::Series(column)),
        Some(dtype) => c.cast_column(&column, &dtype, a).map(Value::Series),
    }
}

/// `numpy.zeros_like(column)`, `numpy.ones_like(column)`.
pub(super) fn constant_like<'a>(
    c: &mut Compiler<'a>,
    a: &Arguments<'a>,
    value: i64,
) -> Result<Value<'a>> {
    let [like, dtype] = a.named(c, ["a", "dtype"])?;
    let (operands, shape) = c.numeric_operands(a, &[a.required(c, like)?])?;
    let int = Scalar::total(datafusion::logical_expr::lit(value), Kind::Int);
    let column = match operands[0].kind {
        Kind::Float => int.widen(&Kind::Float),
        _ => Scalar { mixed: operands[0].none, ..int },
    };
    match dtype {
        None => Ok(shape.wrap(column)),
        Some(dtype) => Ok(shape.wrap(c.cast_column(&column, &dtype, a)?)),
    }
}

/// `numpy.full(n, value)`, `numpy.full_like(column, value)`.
pub(super) fn full<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let [shape, value] = a.named(c, ["shape", "fill_value"])?;
    let shape = a.required(c, shape)?;
    if !is_row_count(c, &shape) && !matches!(shape, Value::Series(_)) {
        return Err(c.unsupported(a.at, "an array of another length", "use len(inputs)"));
    }
    let value = c.scalar(&a.required(c, value)?, a.at)?;
    // full_like keeps the type of its model.
    match shape {
        Value::Series(like) if like.kind == value.kind => Ok(Value::Series(value)),
        Value::Series(like) if like.kind == Kind::Float && value.kind == Kind::Int => {
            Ok(Value::Series(value.widen(&Kind::Float)))
        }
        Value::Series(_) => {
            Err(c.unsupported(a.at, "full_like with another type", "use np.where or a constant"))
        }
        _ => Ok(Value::Series(value)),
    }
}

/// `numpy.float64(x)`, `numpy.int64(x)`: a number of numpy.
pub(super) fn scalar<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let [value] = a.named(c, ["x"])?;
    let value = a.required(c, value)?;
    if matches!(value, Value::Series(_)) {
        let column = c.scalar(&value, a.at)?;
        let dtype = Value::Text(a.name.into());
        return c.cast_column(&column, &dtype, a).map(Value::Series);
    }
    let convert: &'static Builtin = match a.name {
        "float64" => builtin::named("float"),
        "int64" => builtin::named("int"),
        other => {
            return Err(c.unsupported(
                a.at,
                format!("numpy.{other} of a value"),
                "use float or int",
            ));
        }
    };
    match c.invoke(Value::Builtin(convert), vec![value], a.at)? {
        Value::Scalar(number) => Ok(Value::Scalar(Scalar { origin: Origin::Numpy, ..number })),
        constant => Ok(constant),
    }
}
