//! pandas columns and data frames, and numpy functions on them.
//!
//! A column follows pandas 2.3 on the types that Feast's online path gives it: whole numbers are
//! int64, floats float64 (a `Float32` feature is widened), texts and nullable bools are objects. A
//! missing value behaves as pandas' not-a-number in its own row; it does not turn the other rows of
//! an integer column into floats.

use datafusion::logical_expr::{lit, not};
use larder_core::Result;

use super::builtin::Builtin;
use super::call::Arguments;
use super::compiler::{Compiler, scalar_or_none};
use super::scalar::{Kind, Scalar, choose};
use super::state::Dict;
use super::value::Value;
use crate::kernel::{
    Compare, CompareOp, FillMissing, Format, IsMissing, Length, Math, MathFunction, Missing,
    ParseFloat, ParseInt, Position, RoundDecimal, Text, TextFunction, ToInt, Truth, call,
};

/// A row of a table.
macro_rules! row {
    ($name:literal, $compile:expr) => {
        Builtin { name: $name, compile: $compile }
    };
}

/// Methods of a column.
pub(crate) static SERIES_METHODS: &[Builtin] = &[
    row!("abs", |c, a| {
        let column = column(c, a)?;
        c.series_abs(&column, a.at)
    }),
    row!("astype", |c, a| as_type(c, a)),
    row!("clip", |c, a| clip(c, a)),
    row!("copy", |c, a| a.first(c)),
    row!("fillna", |c, a| fill(c, a)),
    row!("isin", |c, a| is_in(c, a)),
    row!("isna", |c, a| is_missing(c, a, false)),
    row!("isnull", |c, a| is_missing(c, a, false)),
    row!("map", |c, a| map(c, a)),
    row!("notna", |c, a| is_missing(c, a, true)),
    row!("notnull", |c, a| is_missing(c, a, true)),
    row!("round", |c, a| round(c, a)),
];

/// Methods of `series.str`.
pub(crate) static SERIES_TEXT_METHODS: &[Builtin] = &[
    row!("len", |c, a| {
        let column = column(c, a)?;
        let expr = call(Length, vec![column.expr.clone()]);
        Ok(Value::Series(Scalar::propagating(expr, Kind::Int, &[&column], false)))
    }),
    row!("lower", |c, a| map_text(c, a, TextFunction::Lower)),
    row!("strip", |c, a| map_text(c, a, TextFunction::Strip)),
    row!("upper", |c, a| map_text(c, a, TextFunction::Upper)),
];

/// Methods of a data frame.
pub(crate) static FRAME_METHODS: &[Builtin] = &[row!("copy", |c, a| {
    let [frame, _deep] = a.named(c, ["self", "deep"])?;
    let Some(Value::Frame(number)) = frame else { return a.first(c) };
    let entries = c.dict(number).entries.clone();
    Ok(Value::Frame(c.new_dict(entries)))
})];

/// Functions of `pandas`.
pub(crate) static PANDAS: &[Builtin] = &[
    row!("DataFrame", |c, a| data_frame(c, a)),
    row!("isna", |c, a| is_missing(c, a, false)),
    row!("isnull", |c, a| is_missing(c, a, false)),
    row!("notna", |c, a| is_missing(c, a, true)),
    row!("notnull", |c, a| is_missing(c, a, true)),
];

/// Functions of `numpy`.
pub(crate) static NUMPY: &[Builtin] = &[
    row!("abs", |c, a| {
        let column = column(c, a)?;
        c.series_abs(&column, a.at)
    }),
    row!("exp", |c, a| math(c, a, MathFunction::Exp)),
    row!("isnan", |c, a| is_missing(c, a, false)),
    row!("log", |c, a| math(c, a, MathFunction::Log)),
    row!("log10", |c, a| math(c, a, MathFunction::Log10)),
    row!("log1p", |c, a| math(c, a, MathFunction::Log1p)),
    row!("log2", |c, a| math(c, a, MathFunction::Log2)),
    row!("sqrt", |c, a| math(c, a, MathFunction::Sqrt)),
    row!("where", |c, a| choose_where(c, a)),
];

/// The receiver as a column.
fn column<'a>(c: &Compiler<'a>, a: &Arguments<'a>) -> Result<Scalar> {
    match a.first(c)? {
        Value::Series(column) | Value::TextAccessor(column) => Ok(column),
        other => {
            let construct = format!("{} of a {}", a.name, other.label());
            Err(c.unsupported(a.at, construct, "pass a column of the data frame"))
        }
    }
}

fn data_frame<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let mut keywords = a
        .keywords
        .iter()
        .filter(|(name, value)| *name != "index" || c.settled(value.clone()) == Value::None);
    if let Some((name, _)) = keywords.find(|(name, _)| !matches!(*name, "data" | "index")) {
        return Err(c.unsupported(a.at, format!("argument {name} of DataFrame"), "leave it out"));
    }
    let data = a
        .positional
        .first()
        .or_else(|| a.keywords.iter().find(|(name, _)| *name == "data").map(|(_, v)| v));
    let entries = match data {
        None => Vec::new(),
        Some(Value::Dict(number) | Value::Frame(number)) => c.dict(*number).entries.clone(),
        Some(other) => {
            let construct = format!("a DataFrame of a {}", other.label());
            return Err(c.unsupported(a.at, construct, "pass a dict of columns"));
        }
    };
    // Columns before constants, so that the constants know the rows.
    let mut frame = Dict { entries: Vec::new(), per_row: false };
    for first in [true, false] {
        for (key, value) in entries.iter().filter(|(_, value)| is_column(value) == first) {
            let column = c.frame_column(&frame, c.settled(value.clone()), a.at)?;
            frame.set(key.clone(), column);
        }
    }
    Ok(Value::Frame(c.new_dict(frame.entries)))
}

fn is_column(value: &Value<'_>) -> bool {
    matches!(value, Value::Series(_) | Value::Column(_) | Value::Growing(_))
}

fn is_missing<'a>(c: &Compiler<'a>, a: &Arguments<'a>, negate: bool) -> Result<Value<'a>> {
    let column = column(c, a)?;
    let missing = call(IsMissing, vec![column.expr.clone()]);
    let expr = if negate { not(missing) } else { missing };
    Ok(Value::Series(Scalar::guarded(expr, Kind::Bool, &[&column], false)))
}

fn fill<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let [receiver, value] = a.named(c, ["self", "value"])?;
    let receiver = a.required(c, receiver)?;
    let column = c.scalar(&receiver, a.at)?;
    let filler = c.scalar(&a.required(c, value)?, a.at)?;
    let Some((kind, mixed)) = column.kind.unify(&filler.kind) else {
        let construct =
            format!("fillna of a {} column with a {}", column.kind.label(), filler.kind.label());
        return Err(c.unsupported(a.at, construct, "fill with a value of the column's type"));
    };
    let (value, filler) = (c.share_scalar(&column.widen(&kind)), filler.widen(&kind));
    let expr = call(FillMissing, vec![value.expr.clone(), filler.expr.clone()]);
    let total = Scalar { none: filler.none, ..value };
    let mut filled = Scalar::guarded(expr, kind, &[&total, &filler], filler.none);
    filled.mixed = mixed || column.mixed;
    Ok(Value::Series(filled))
}

/// The target of `astype`, by any of the names that pandas accepts.
fn type_name(value: &Value<'_>) -> Option<&'static str> {
    let name = match value {
        Value::Text(text) => text.to_string(),
        Value::Builtin(builtin) => builtin.name.to_owned(),
        _ => return None,
    };
    Some(match name.as_str() {
        "int" | "int64" | "Int64" => "int64",
        "int32" => "int32",
        "float" | "float64" | "Float64" => "float64",
        "float32" => "float32",
        "bool" => "bool",
        "str" => "str",
        _ => return None,
    })
}

fn as_type<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let [receiver, dtype] = a.named(c, ["self", "dtype"])?;
    let receiver = a.required(c, receiver)?;
    let column = c.scalar(&receiver, a.at)?;
    let dtype = a.required(c, dtype)?;
    let Some(target) = type_name(&dtype) else {
        return Err(c.unsupported(a.at, "this dtype", "use int64, float64, float32, bool or str"));
    };
    let column = c.share_scalar(&column);
    match (target, &column.kind) {
        ("int64" | "int32", Kind::Bool | Kind::Int | Kind::Float | Kind::Text) => {
            // Missing values have no integer: pandas raises.
            let expr = match column.kind {
                Kind::Float => call(ToInt, vec![column.expr.clone()]),
                Kind::Text => call(ParseInt, vec![column.expr.clone()]),
                _ => column.without_bool().expr,
            };
            let fails = matches!(column.kind, Kind::Float | Kind::Text);
            Ok(Value::Series(Scalar::strict(expr, Kind::Int, &[&column], fails)))
        }
        ("float64" | "float32", Kind::Text) => {
            let expr = call(ParseFloat, vec![column.expr.clone()]);
            Ok(Value::Series(Scalar::strict(expr, Kind::Float, &[&column], true)))
        }
        ("float64" | "float32", kind) if kind.is_number() => {
            let mut expr = column.widen(&Kind::Float).expr;
            if target == "float32" {
                expr = call(Math { function: MathFunction::Float32, raises: false }, vec![expr]);
            }
            Ok(Value::Series(Scalar::propagating(expr, Kind::Float, &[&column], false)))
        }
        ("bool", Kind::Bool | Kind::Int | Kind::Float | Kind::Text) => {
            // Not-a-number is true; a missing object is None, which is false.
            let null = matches!(column.kind, Kind::Int | Kind::Float);
            let expr = call(Truth { null: Some(null) }, vec![column.expr.clone()]);
            Ok(Value::Series(Scalar::guarded(expr, Kind::Bool, &[&column], false)))
        }
        ("str", Kind::Bool | Kind::Int | Kind::Float | Kind::Text) if !column.mixed => {
            Ok(Value::Series(column_text(&column)))
        }
        _ => {
            let construct = format!("astype({target}) of a {} column", column.kind.label());
            Err(c.unsupported(a.at, construct, "convert numbers, bools and texts"))
        }
    }
}

fn column_text(column: &Scalar) -> Scalar {
    let missing = if column.kind.is_number() && column.kind != Kind::Bool { "nan" } else { "None" };
    let text = call(Format::Plain, vec![column.expr.clone()]);
    let expr = choose(column.expr.clone().is_null(), lit(missing), text);
    Scalar::guarded(expr, Kind::Text, &[column], false)
}

fn math<'a>(c: &Compiler<'a>, a: &Arguments<'a>, function: MathFunction) -> Result<Value<'a>> {
    let column = column(c, a)?;
    if !column.kind.is_number() {
        return Err(c.wrong(a.at, format!("{} of a {} column", a.name, column.kind.label())));
    }
    let column = column.widen(&Kind::Float);
    let expr = call(Math { function, raises: false }, vec![column.expr.clone()]);
    Ok(Value::Series(Scalar::propagating(expr, Kind::Float, &[&column], false)))
}

fn map_text<'a>(c: &Compiler<'a>, a: &Arguments<'a>, function: TextFunction) -> Result<Value<'a>> {
    let column = column(c, a)?;
    if column.kind != Kind::Text {
        return Err(c.wrong(a.at, format!("str.{} of a {} column", a.name, column.kind.label())));
    }
    let expr = call(Text(function), vec![column.expr.clone()]);
    Ok(Value::Series(Scalar::propagating(expr, Kind::Text, &[&column], false)))
}

fn round<'a>(c: &Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let [receiver, digits] = a.named(c, ["self", "decimals"])?;
    let column = c.scalar(&a.required(c, receiver)?, a.at)?;
    let digits = match digits {
        None => 0,
        Some(Value::Int(digits)) => i16::try_from(digits.clamp(-300, 300)).unwrap_or(0),
        Some(_) => {
            return Err(c.unsupported(a.at, "a computed number of decimals", "use a literal"));
        }
    };
    if column.kind != Kind::Float {
        let construct = format!("round of a {} column", column.kind.label());
        return Err(c.unsupported(a.at, construct, "round float columns"));
    }
    let expr = call(RoundDecimal { digits, numpy: true }, vec![column.expr.clone()]);
    let mut rounded = Scalar::propagating(expr, Kind::Float, &[&column], false);
    rounded.mixed = column.mixed;
    Ok(Value::Series(rounded))
}

fn clip<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let [receiver, lower, upper] = a.named(c, ["self", "lower", "upper"])?;
    let mut column = c.scalar(&a.required(c, receiver)?, a.at)?;
    for (bound, op) in [(lower, CompareOp::Less), (upper, CompareOp::Greater)] {
        let Some(bound) = bound.filter(|bound| *bound != Value::None) else { continue };
        let bound = c.scalar(&bound, a.at)?;
        let numbers = matches!(column.kind, Kind::Int | Kind::Float) && bound.kind.is_number();
        let Some((kind, mixed)) = column.kind.unify(&bound.kind).filter(|_| numbers) else {
            return Err(c.unsupported(a.at, "this clip", "clip number columns to numbers"));
        };
        let value = c.share_scalar(&column.widen(&kind));
        let bound = bound.widen(&kind);
        let beyond = Compare { op, missing: Missing::IsNan };
        let beyond = call(beyond, vec![value.expr.clone(), bound.expr.clone()]);
        let expr = choose(beyond, bound.expr.clone(), value.expr.clone());
        column = Scalar { mixed, ..Scalar::propagating(expr, kind, &[&value, &bound], false) };
    }
    Ok(Value::Series(column))
}

fn is_in<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let [receiver, values] = a.named(c, ["self", "values"])?;
    let column = c.scalar(&a.required(c, receiver)?, a.at)?;
    let values = a.required(c, values)?;
    let keys = match c.settled(values) {
        Value::Items(items, _) => items.iter().map(Value::keys).collect::<Option<Vec<_>>>(),
        _ => None,
    };
    let Some(keys) = keys.filter(|_| column.kind.is_number() || column.kind == Kind::Text) else {
        return Err(c.unsupported(
            a.at,
            "this isin",
            "look for literals in a column of texts or numbers",
        ));
    };
    let keys: Vec<_> = keys.into_iter().filter(|key| key.len() == 1).collect();
    if keys.is_empty() {
        return Ok(Value::Series(Scalar::guarded(lit(false), Kind::Bool, &[&column], false)));
    }
    let found = call(Position::new(keys), vec![column.expr.clone()]).is_not_null();
    Ok(Value::Series(Scalar::guarded(found, Kind::Bool, &[&column], false)))
}

/// `column.map({..})`: missing where the key is not there.
fn map<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let [receiver, mapping] = a.named(c, ["self", "arg"])?;
    let column = c.scalar(&a.required(c, receiver)?, a.at)?;
    let mapping = a.required(c, mapping)?;
    if !matches!(mapping, Value::Dict(_)) {
        return Err(c.unsupported(a.at, "map with a function", "map with a dict literal"));
    }
    let value = c.get(&mapping, &Value::Scalar(column), Value::None, a.at)?;
    match scalar_or_none(&value) {
        Some(scalar) => Ok(Value::Series(scalar)),
        None => Err(c.unsupported(a.at, "map to this", "map to texts and numbers")),
    }
}

fn choose_where<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let [condition, then, otherwise] = a.named(c, ["condition", "x", "y"])?;
    let condition = c.scalar(&a.required(c, condition)?, a.at)?;
    let (then, otherwise) = (a.required(c, then)?, a.required(c, otherwise)?);
    // As astype(bool): not-a-number is true, a missing object false.
    let truth = if condition.kind == Kind::Bool && !condition.none {
        condition
    } else {
        let null = matches!(condition.kind, Kind::Int | Kind::Float);
        let condition = c.share_scalar(&condition);
        let expr = call(Truth { null: Some(null) }, vec![condition.expr.clone()]);
        Scalar::guarded(expr, Kind::Bool, &[&condition], false)
    };
    match c.select(&truth, &then, &otherwise, a.at)? {
        Value::Scalar(scalar) => Ok(Value::Series(scalar)),
        constant => scalar_or_none(&constant).map(Value::Series).ok_or_else(|| {
            c.unsupported(a.at, "numpy.where between these", "choose between columns and constants")
        }),
    }
}
