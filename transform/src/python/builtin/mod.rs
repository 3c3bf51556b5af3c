//! Known functions and methods, as tables: a new function is a new row.

mod dict;
mod instance;
mod math;
mod sequence;

use std::rc::Rc;

use larder_core::Result;
use ruff_python_ast::CmpOp;

pub(crate) use self::dict::DICT_METHODS;
use self::instance::is_instance;
use self::math::MATH;
pub(crate) use self::sequence::rank_of;
use self::sequence::{extreme, quantify, sorted, sum};
use super::call::Arguments;
use super::compiler::{Compiler, is_nothing};
use super::lists::{letters, reversed, set_length, to_set};
use super::pandas::{ELEMENTWISE, NUMPY, PANDAS};
use super::scalar::{Kind, Origin, Scalar};
use super::time::{PANDAS_TIME, TimeClass, UTC, class_constant, class_function};
use super::value::{Display, Module, Value};
use crate::kernel::{
    Clock, Length, Math, MathFunction, Numbers, ParseFloat, ParseInt, Round, RoundDecimal, ToInt,
    call,
};

/// A function that the compiler knows.
pub(crate) struct Builtin {
    /// Its name in Python.
    pub(crate) name: &'static str,
    /// Compiles a call of it.
    pub(crate) compile: for<'a> fn(&mut Compiler<'a>, &Arguments<'a>) -> Result<Value<'a>>,
}

impl std::fmt::Debug for Builtin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl PartialEq for Builtin {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

/// A row of a table.
macro_rules! row {
    ($name:literal, $compile:expr) => {
        $crate::python::builtin::Builtin { name: $name, compile: $compile }
    };
}
pub(crate) use row;

/// Python's built-in functions.
pub(crate) static BUILTINS: &[Builtin] = &[
    row!("abs", |c, a| magnitude(c, a)),
    row!("all", |c, a| quantify(c, a, false)),
    row!("any", |c, a| quantify(c, a, true)),
    row!("bool", |c, a| to_bool(c, a)),
    row!("dict", |c, a| to_dict(c, a)),
    row!("enumerate", |c, a| enumerate(c, a)),
    row!("frozenset", |c, a| to_set(c, a)),
    row!("float", |c, a| to_float(c, a)),
    row!("int", |c, a| to_int(c, a)),
    row!("isinstance", |c, a| is_instance(c, a)),
    row!("len", |c, a| length(c, a)),
    row!("list", |c, a| to_list(c, a)),
    row!("max", |c, a| extreme(c, a, CmpOp::Gt)),
    row!("min", |c, a| extreme(c, a, CmpOp::Lt)),
    // What a function prints is no feature.
    row!("print", |_, _| Ok(Value::None)),
    row!("range", |c, a| range(c, a)),
    row!("reversed", |c, a| backwards(c, a)),
    row!("round", |c, a| round(c, a)),
    row!("set", |c, a| to_set(c, a)),
    row!("sorted", |c, a| sorted(c, a)),
    row!("str", |c, a| {
        let value = a.first(c)?;
        c.text_of(&value, a.at)
    }),
    row!("sum", |c, a| sum(c, a)),
    row!("tuple", |c, a| to_list(c, a)),
    row!("zip", |_, a| Ok(Value::Zip(Rc::new(a.positional.clone())))),
];

/// Makers of time zones.
static ZONES: &[Builtin] =
    &[row!("ZoneInfo", |c, a| zone(c, a)), row!("timezone", |c, a| zone(c, a))];

fn zone<'a>(c: &Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let Value::Text(name) = a.first(c)? else {
        return Err(c.unsupported(a.at, "a computed time zone", "write its name"));
    };
    match name.parse() {
        Ok(zone) => Ok(Value::Clock(Clock::Zone(zone))),
        Err(_) => Err(c.wrong(a.at, format!("there is no time zone {name}"))),
    }
}

/// The row of a name.
pub(crate) fn find(table: &'static [Builtin], name: &str) -> Option<&'static Builtin> {
    table.iter().find(|builtin| builtin.name == name)
}

/// One of Python's own functions.
pub(crate) fn named(name: &str) -> &'static Builtin {
    find(BUILTINS, name).unwrap_or(&BUILTINS[0])
}

/// A function of a module.
pub(crate) fn module_function(module: Module, name: &str) -> Option<&'static Builtin> {
    match module {
        Module::Math => find(MATH, name),
        Module::Numpy => find(NUMPY, name).or_else(|| find(ELEMENTWISE, name)),
        Module::Pandas => find(PANDAS, name).or_else(|| find(PANDAS_TIME, name)),
        Module::Time(class) => class_function(class, name),
        Module::Zones => find(ZONES, name),
        Module::Typing => None,
    }
}

/// A constant of a module.
pub(crate) fn module_constant<'a>(module: Module, name: &str) -> Option<Value<'a>> {
    match (module, name) {
        (Module::Math | Module::Numpy, "nan") | (Module::Numpy, "NaN" | "NAN") => {
            Some(Value::Float(f64::NAN))
        }
        (Module::Math | Module::Numpy, "inf") | (Module::Numpy, "Inf") => {
            Some(Value::Float(f64::INFINITY))
        }
        (Module::Math | Module::Numpy, "pi") => Some(Value::Float(std::f64::consts::PI)),
        (Module::Math | Module::Numpy, "e") => Some(Value::Float(std::f64::consts::E)),
        (Module::Math, "tau") => Some(Value::Float(std::f64::consts::TAU)),
        (Module::Numpy, "bool_") => Some(Value::Text(Rc::from("bool"))),
        (Module::Numpy, "str_") => Some(Value::Text(Rc::from("str"))),
        (Module::Pandas, "Timestamp") => Some(Value::Module(Module::Time(TimeClass::Timestamp))),
        (Module::Zones, "UTC" | "utc") => Some(Value::Clock(UTC)),
        (Module::Time(class), name) => class_constant(class, name),
        _ => module_function(module, name).map(Value::Builtin),
    }
}

/// The single argument as a number of the row.
pub(super) fn number<'a>(c: &Compiler<'a>, a: &Arguments<'a>) -> Result<Scalar> {
    let [value] = a.named(c, ["x"])?;
    let scalar = c.scalar(&a.required(c, value)?, a.at)?;
    if scalar.kind.is_number() {
        return Ok(scalar.without_bool());
    }
    Err(c.wrong(a.at, format!("{} of a {}", a.name, scalar.kind.label())))
}

fn magnitude<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    if let [Value::Series(column)] = a.positional.as_slice() {
        return c.column_abs(column, a.at).map(Value::Series);
    }
    let value = number(c, a)?;
    if value.kind == Kind::Float {
        let expr =
            call(Math { function: MathFunction::Abs, raises: false }, vec![value.expr.clone()]);
        let mut result = Scalar::strict(expr, Kind::Float, &[&value], false);
        result.mixed = value.mixed;
        return Ok(Value::Scalar(result));
    }
    let value = Value::Scalar(c.share_scalar(&value));
    let negative = c.compare(CmpOp::Lt, &value, &Value::Int(0), a.at)?;
    let negated = c.binary(ruff_python_ast::Operator::Mult, &value, &Value::Int(-1), a.at)?;
    let truth = c.truth(&negative, a.at)?;
    let positive = c.binary(ruff_python_ast::Operator::Mult, &value, &Value::Int(1), a.at)?;
    c.select(&truth.scalar(), &negated, &positive, a.at)
}

fn to_bool<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let value = a.first(c)?;
    Ok(c.truth(&value, a.at)?.value())
}

fn to_float<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    if let [Value::Text(text)] = a.positional.as_slice() {
        let text = text.to_lowercase();
        match text.trim() {
            "nan" => return Ok(Value::Float(f64::NAN)),
            "inf" | "infinity" => return Ok(Value::Float(f64::INFINITY)),
            "-inf" | "-infinity" => return Ok(Value::Float(f64::NEG_INFINITY)),
            _ => {}
        }
    }
    let scalar = c.scalar(&a.first(c)?, a.at)?;
    match scalar.kind {
        Kind::Text => {
            let expr = call(ParseFloat, vec![scalar.expr.clone()]);
            Ok(Value::Scalar(Scalar::strict(expr, Kind::Float, &[&scalar], true)))
        }
        Kind::Bool | Kind::Int | Kind::Float if !is_nothing(&scalar) => {
            let scalar = scalar.filled();
            let expr = scalar.widen(&Kind::Float).expr;
            Ok(Value::Scalar(Scalar::strict(expr, Kind::Float, &[&scalar], false)))
        }
        _ => Err(c.wrong(a.at, format!("float of a {}", scalar.kind.label()))),
    }
}

fn to_int<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let scalar = c.scalar(&a.first(c)?, a.at)?;
    let (expr, can_fail) = match scalar.kind {
        Kind::Text => (call(ParseInt, vec![scalar.expr.clone()]), true),
        Kind::Float => (call(ToInt, vec![scalar.expr.clone()]), true),
        Kind::Int | Kind::Bool => (scalar.without_bool().expr, false),
        _ => return Err(c.wrong(a.at, format!("int of a {}", scalar.kind.label()))),
    };
    Ok(Value::Scalar(Scalar::strict(expr, Kind::Int, &[&scalar], can_fail)))
}

fn round<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let [value, digits] = a.named(c, ["number", "ndigits"])?;
    let value = c.scalar(&a.required(c, value)?, a.at)?;
    if !value.kind.is_number() {
        return Err(c.wrong(a.at, format!("round of a {}", value.kind.label())));
    }
    let value = value.without_bool();
    let digits = match digits {
        None | Some(Value::None) => {
            let expr = match value.kind {
                Kind::Float => call(Round, vec![value.expr.clone()]),
                _ => value.expr.clone(),
            };
            let fails = value.kind == Kind::Float;
            return Ok(Value::Scalar(Scalar::strict(expr, Kind::Int, &[&value], fails)));
        }
        Some(Value::Int(digits)) => i16::try_from(digits.clamp(-400, 400)).unwrap_or(0),
        Some(_) => {
            return Err(c.unsupported(a.at, "a computed number of digits", "use a literal"));
        }
    };
    let value = value.filled();
    if value.kind == Kind::Int && digits >= 0 {
        let expr = value.expr.clone();
        return Ok(Value::Scalar(Scalar::strict(expr, Kind::Int, &[&value], false)));
    }
    if value.kind == Kind::Int {
        return Err(c.unsupported(
            a.at,
            "rounding an int to tens",
            "round a float: round(float(x), -1)",
        ));
    }
    let numpy = match value.origin {
        Origin::Python => false,
        Origin::Numpy => true,
        Origin::Either => {
            return Err(c.unsupported(
                a.at,
                "rounding a number that is numpy's in some rows only",
                "convert it with float() first",
            ));
        }
    };
    let expr = call(RoundDecimal { digits, numpy }, vec![value.expr.clone()]);
    let mut result = Scalar::strict(expr, Kind::Float, &[&value], false);
    result.mixed = value.mixed;
    result.origin = value.origin;
    Ok(Value::Scalar(result))
}

fn length<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let value = c.settled(a.first(c)?);
    match &value {
        Value::SetOf(list) => Ok(set_length(list)),
        Value::Items(_, Display::Set) => {
            let a = Arguments { positional: vec![value], ..a.clone() };
            match to_set(c, &a)? {
                Value::SetOf(list) => Ok(set_length(&list)),
                Value::Items(items, _) => {
                    Ok(Value::Int(i64::try_from(items.len()).unwrap_or(i64::MAX)))
                }
                other => Ok(other),
            }
        }
        Value::Items(items, _) => Ok(Value::Int(i64::try_from(items.len()).unwrap_or(i64::MAX))),
        Value::Dict(number) => {
            let length = c.dict(*number).entries.len();
            Ok(Value::Int(i64::try_from(length).unwrap_or(i64::MAX)))
        }
        Value::Column(_) | Value::Series(_) | Value::Frame(_) | Value::Rows => Ok(Value::RowCount),
        _ => {
            let scalar = c.scalar(&value, a.at)?;
            if !matches!(scalar.kind, Kind::Text | Kind::List(_)) {
                return Err(c.wrong(a.at, format!("len of a {}", scalar.kind.label())));
            }
            let expr = call(Length, vec![scalar.expr.clone()]);
            Ok(Value::Scalar(Scalar::strict(expr, Kind::Int, &[&scalar], false)))
        }
    }
}

fn enumerate<'a>(c: &Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let [over, start] = a.named(c, ["iterable", "start"])?;
    let over = Rc::new(a.required(c, over)?);
    match start {
        None => Ok(Value::Enumerate(over, 0)),
        Some(Value::Int(start)) => Ok(Value::Enumerate(over, start)),
        Some(_) => Err(c.unsupported(a.at, "a computed start of enumerate", "write the number")),
    }
}

fn range<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    const MAX: i64 = 10_000;
    let (start, stop, step) = match a.positional.as_slice() {
        [Value::RowCount] | [Value::Int(0), Value::RowCount] => return Ok(Value::Rows),
        [stop] => (Value::Int(0), stop.clone(), 1),
        [start, stop] => (start.clone(), stop.clone(), 1),
        [start, stop, Value::Int(step)] if *step != 0 => (start.clone(), stop.clone(), *step),
        _ => return Err(c.unsupported(a.at, "this range", "use literal bounds and step")),
    };
    if let (Value::Int(start), Value::Int(stop)) = (&start, &stop) {
        if stop.saturating_sub(*start).saturating_abs() > MAX {
            return Err(c.unsupported(a.at, "a range of this length", "use at most 10000 numbers"));
        }
        let numbers = std::iter::successors(Some(*start), |at| at.checked_add(step));
        let numbers = numbers.take_while(|at| if step > 0 { at < stop } else { at > stop });
        return Ok(Value::Items(Rc::new(numbers.map(Value::Int).collect()), Display::List));
    }
    let whole = |value: &Value<'a>| {
        let scalar = value.scalar().map(|scalar| scalar.without_bool());
        scalar.filter(|scalar| scalar.kind == Kind::Int && !scalar.may_be_nan())
    };
    let (Some(start), Some(stop)) = (whole(&start), whole(&stop)) else {
        return Err(c.unsupported(a.at, "this range", "use range(len(column)) or whole numbers"));
    };
    let expr = call(Numbers { step }, vec![start.expr.clone(), stop.expr.clone()]);
    let kind = Kind::List(Box::new(Kind::Int));
    Ok(Value::Scalar(Scalar::strict(expr, kind, &[&start, &stop], true)))
}

fn to_list<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    if a.positional.is_empty() && a.keywords.is_empty() {
        return Ok(c.new_list(Vec::new()));
    }
    match c.settled(a.first(c)?) {
        value @ (Value::Column(_) | Value::Zip(_) | Value::Rows) => Ok(value),
        Value::Series(scalar) => Ok(Value::Series(scalar)),
        Value::Items(items, Display::List | Display::Tuple) => {
            Ok(Value::Items(items, Display::List))
        }
        Value::Text(text) => Ok(Value::Items(Rc::new(letters(&text)), Display::List)),
        other => match c.row_list(&other) {
            Some(list) => Ok(Value::Scalar(list.required())),
            None => Err(c.unsupported(
                a.at,
                format!("{} of a {}", a.name, other.label()),
                "use lists and texts of the row; a set has no order: use sorted(..)",
            )),
        },
    }
}

/// `reversed(values)`.
fn backwards<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    match c.settled(a.first(c)?) {
        Value::Items(items, Display::List | Display::Tuple) => {
            Ok(Value::Items(Rc::new(items.iter().rev().cloned().collect()), Display::List))
        }
        Value::Text(text) => {
            let letters = letters(&text).into_iter().rev().collect();
            Ok(Value::Items(Rc::new(letters), Display::List))
        }
        other => {
            if let Some(list) = c.row_list(&other) {
                return Ok(Value::Scalar(reversed(&c.share_scalar(&list))));
            }
            let construct = format!("reversed of a {}", other.label());
            Err(c.unsupported(a.at, construct, "use lists and texts of the row"))
        }
    }
}

fn to_dict<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let mut entries: Vec<_> = match a.positional.as_slice() {
        [] => Vec::new(),
        [Value::Dict(number)] => c.dict(*number).entries.clone(),
        _ => return Err(c.unsupported(a.at, "dict of this", "write a dict literal")),
    };
    entries.extend(
        a.keywords.iter().map(|(name, value)| (Value::Text(Rc::from(*name)), value.clone())),
    );
    Ok(Value::Dict(c.new_dict(entries)))
}
