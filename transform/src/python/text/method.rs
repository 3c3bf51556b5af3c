//! Methods that `str` and `series.str` have in common, and those of one alone.

use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr, lit};
use larder_core::Result;

use super::{Receiver, format, int_argument, pattern, slice, text_argument};
use crate::kernel::{
    Class, Count, Find, Join, Length, OfClass, Pad, PadSide, RemoveAffix, Replace, Split,
    StripLetters, Text, TextFunction, ZeroFill, call,
};
use crate::python::builtin::{Builtin, row};
use crate::python::call::Arguments;
use crate::python::compiler::Compiler;
use crate::python::scalar::{Kind, Scalar, choose};
use crate::python::value::{Display, Value};

/// Methods of `str`.
pub(crate) static TEXT_METHODS: &[Builtin] = &[
    row!("capitalize", |c, a| map(c, a, TextFunction::Capitalize)),
    row!("center", |c, a| pad(c, a, PadSide::Center)),
    row!("count", |c, a| count(c, a)),
    row!("endswith", |c, a| affixed(c, a, TextFunction::EndsWith)),
    row!("find", |c, a| find(c, a, false, false)),
    row!("format", |c, a| format::format(c, a)),
    row!("index", |c, a| find(c, a, false, true)),
    row!("isalnum", |c, a| class(c, a, Class::AlphaNumeric)),
    row!("isalpha", |c, a| class(c, a, Class::Alpha)),
    row!("isascii", |c, a| class(c, a, Class::Ascii)),
    row!("isdecimal", |c, a| class(c, a, Class::Decimal)),
    row!("isdigit", |c, a| class(c, a, Class::Digit)),
    row!("islower", |c, a| class(c, a, Class::Lower)),
    row!("isnumeric", |c, a| class(c, a, Class::Numeric)),
    row!("isspace", |c, a| class(c, a, Class::Space)),
    row!("isupper", |c, a| class(c, a, Class::Upper)),
    row!("join", |c, a| join(c, a)),
    row!("ljust", |c, a| pad(c, a, PadSide::Left)),
    row!("lower", |c, a| map(c, a, TextFunction::Lower)),
    row!("lstrip", |c, a| strip(c, a, TextFunction::LeftStrip)),
    row!("removeprefix", |c, a| remove(c, a, false)),
    row!("removesuffix", |c, a| remove(c, a, true)),
    row!("replace", |c, a| replace(c, a)),
    row!("rfind", |c, a| find(c, a, true, false)),
    row!("rindex", |c, a| find(c, a, true, true)),
    row!("rjust", |c, a| pad(c, a, PadSide::Right)),
    row!("rsplit", |c, a| split(c, a, true)),
    row!("rstrip", |c, a| strip(c, a, TextFunction::RightStrip)),
    row!("split", |c, a| split(c, a, false)),
    row!("startswith", |c, a| affixed(c, a, TextFunction::StartsWith)),
    row!("strip", |c, a| strip(c, a, TextFunction::Strip)),
    row!("swapcase", |c, a| map(c, a, TextFunction::SwapCase)),
    row!("title", |c, a| map(c, a, TextFunction::Title)),
    row!("upper", |c, a| map(c, a, TextFunction::Upper)),
    row!("zfill", |c, a| zero_fill(c, a)),
];

/// Methods of `series.str` that `str` has not, or has with another meaning.
pub(crate) static SERIES_TEXT_METHODS: &[Builtin] = &[
    row!("cat", |c, a| cat(c, a)),
    row!("contains", |c, a| pattern::contains(c, a)),
    row!("count", |c, a| pattern::count(c, a)),
    row!("extract", |c, a| pattern::extract(c, a)),
    row!("fullmatch", |c, a| pattern::matches(c, a, true)),
    row!("get", |c, a| slice::get(c, a)),
    row!("len", |c, a| {
        let Value::TextAccessor(column) = a.first(c)? else {
            return Err(c.wrong(a.at, "len of no column"));
        };
        if !matches!(column.kind, Kind::Text | Kind::List(_)) {
            return Err(c.wrong(a.at, format!("str.len of a {} column", column.kind.label())));
        }
        let expr = call(Length, vec![column.expr.clone()]);
        Ok(Value::Series(Scalar::propagating(expr, Kind::Int, &[&column], false)))
    }),
    row!("match", |c, a| pattern::matches(c, a, false)),
    row!("replace", |c, a| pattern::replace(c, a)),
    row!("slice", |c, a| slice::slice(c, a)),
    row!("split", |c, a| split_column(c, a, false)),
    row!("rsplit", |c, a| split_column(c, a, true)),
];

fn map<'a>(c: &Compiler<'a>, a: &Arguments<'a>, function: TextFunction) -> Result<Value<'a>> {
    let [_] = a.named(c, ["self"])?;
    let receiver = Receiver::of(c, a)?;
    let expr = call(Text(function), vec![receiver.text.expr.clone()]);
    Ok(receiver.result(expr, Kind::Text, &[], false))
}

fn class<'a>(c: &Compiler<'a>, a: &Arguments<'a>, class: Class) -> Result<Value<'a>> {
    let [_] = a.named(c, ["self"])?;
    let receiver = Receiver::of(c, a)?;
    let expr = call(OfClass(class), vec![receiver.text.expr.clone()]);
    Ok(receiver.result(expr, Kind::Bool, &[], false))
}

/// `startswith` and `endswith` of one text or a tuple of them; `na` fills a column's missing ones.
fn affixed<'a>(
    c: &mut Compiler<'a>,
    a: &Arguments<'a>,
    function: TextFunction,
) -> Result<Value<'a>> {
    let [_, part, na] = a.named(c, ["self", "pat", "na"])?;
    let receiver = Receiver::of(c, a)?;
    let parts = match c.settled(a.required(c, part)?) {
        Value::Items(items, Display::Tuple) => items.to_vec(),
        part => vec![part],
    };
    let mut operands = Vec::new();
    let mut found: Option<Expr> = None;
    for part in parts {
        let part = text_argument(c, a, Some(part))?;
        let holds = call(Text(function), vec![receiver.text.expr.clone(), part.expr.clone()]);
        found = Some(match found {
            None => holds,
            Some(before) => choose(before, lit(true), holds),
        });
        operands.push(part);
    }
    let operands: Vec<&Scalar> = operands.iter().collect();
    let Some(found) = found else { return Err(c.wrong(a.at, "an empty tuple of texts")) };
    let result = receiver.result(found, Kind::Bool, &operands, false);
    pattern::fill_missing(c, a, result, na)
}

fn strip<'a>(c: &Compiler<'a>, a: &Arguments<'a>, function: TextFunction) -> Result<Value<'a>> {
    let [_, letters] = a.named(c, ["self", "to_strip"])?;
    let Some(letters) = letters.filter(|letters| *letters != Value::None) else {
        let receiver = Receiver::of(c, a)?;
        let expr = call(Text(function), vec![receiver.text.expr.clone()]);
        return Ok(receiver.result(expr, Kind::Text, &[], false));
    };
    let receiver = Receiver::of(c, a)?;
    let letters = text_argument(c, a, Some(letters))?;
    let sides = StripLetters {
        start: function != TextFunction::RightStrip,
        end: function != TextFunction::LeftStrip,
    };
    let expr = call(sides, vec![receiver.text.expr.clone(), letters.expr.clone()]);
    Ok(receiver.result(expr, Kind::Text, &[&letters], false))
}

fn remove<'a>(c: &Compiler<'a>, a: &Arguments<'a>, suffix: bool) -> Result<Value<'a>> {
    let [_, affix] = a.named(c, ["self", if suffix { "suffix" } else { "prefix" }])?;
    let (receiver, affix) = (Receiver::of(c, a)?, text_argument(c, a, affix)?);
    let arguments = vec![receiver.text.expr.clone(), affix.expr.clone()];
    let expr = call(RemoveAffix { suffix }, arguments);
    Ok(receiver.result(expr, Kind::Text, &[&affix], false))
}

fn count<'a>(c: &Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let [_, part] = a.named(c, ["self", "sub"])?;
    let (receiver, part) = (Receiver::of(c, a)?, text_argument(c, a, part)?);
    let expr = call(Count, vec![receiver.text.expr.clone(), part.expr.clone()]);
    Ok(receiver.result(expr, Kind::Int, &[&part], false))
}

fn find<'a>(
    c: &Compiler<'a>,
    a: &Arguments<'a>,
    from_end: bool,
    raises: bool,
) -> Result<Value<'a>> {
    let [_, part] = a.named(c, ["self", "sub"])?;
    let (receiver, part) = (Receiver::of(c, a)?, text_argument(c, a, part)?);
    let arguments = vec![receiver.text.expr.clone(), part.expr.clone()];
    let expr = call(Find { from_end, raises }, arguments);
    if raises && receiver.column {
        return Err(c.unsupported(a.at, format!("str.{}", a.name), "use str.find"));
    }
    Ok(receiver.result(expr, Kind::Int, &[&part], raises))
}

/// `text.replace(old, new, count)`.
fn replace<'a>(c: &Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let [_, old, new, times] = a.named(c, ["self", "old", "new", "count"])?;
    let receiver = Receiver::of(c, a)?;
    let (old, new) = (text_argument(c, a, old)?, text_argument(c, a, new)?);
    let times = literal_int(c, a, times.as_ref(), -1)?;
    let arguments = vec![receiver.text.expr.clone(), old.expr.clone(), new.expr.clone()];
    let expr = call(Replace { times }, arguments);
    Ok(receiver.result(expr, Kind::Text, &[&old, &new], !receiver.column))
}

/// A whole number that is written out, or the usual one.
pub(super) fn literal_int<'a>(
    c: &Compiler<'a>,
    a: &Arguments<'a>,
    value: Option<&Value<'a>>,
    usual: i64,
) -> Result<i64> {
    match value {
        None | Some(Value::None) => Ok(usual),
        Some(Value::Int(value)) => Ok(*value),
        Some(_) => Err(c.unsupported(a.at, "a computed number here", "use a literal")),
    }
}

fn pad<'a>(c: &Compiler<'a>, a: &Arguments<'a>, side: PadSide) -> Result<Value<'a>> {
    let [_, width, fill] = a.named(c, ["self", "width", "fillchar"])?;
    let (receiver, width) = (Receiver::of(c, a)?, int_argument(c, a, width)?);
    let fill = match fill {
        None => ' ',
        Some(Value::Text(text)) if text.chars().count() == 1 => text.chars().next().unwrap_or(' '),
        Some(_) => {
            return Err(c.unsupported(a.at, "this fill character", "use one literal letter"));
        }
    };
    let arguments = vec![receiver.text.expr.clone(), width.expr.clone()];
    let expr = call(Pad { side, fill }, arguments);
    Ok(receiver.result(expr, Kind::Text, &[&width], !receiver.column))
}

fn zero_fill<'a>(c: &Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let [_, width] = a.named(c, ["self", "width"])?;
    let (receiver, width) = (Receiver::of(c, a)?, int_argument(c, a, width)?);
    let expr = call(ZeroFill, vec![receiver.text.expr.clone(), width.expr.clone()]);
    Ok(receiver.result(expr, Kind::Text, &[&width], !receiver.column))
}

fn split<'a>(c: &Compiler<'a>, a: &Arguments<'a>, from_end: bool) -> Result<Value<'a>> {
    let [_, separator, most] = a.named(c, ["self", "sep", "maxsplit"])?;
    let receiver = Receiver::of(c, a)?;
    let most = literal_int(c, a, most.as_ref(), -1)?;
    split_by(c, a, &receiver, separator, most, from_end)
}

fn split_by<'a>(
    c: &Compiler<'a>,
    a: &Arguments<'a>,
    receiver: &Receiver,
    separator: Option<Value<'a>>,
    most: i64,
    from_end: bool,
) -> Result<Value<'a>> {
    let separator = separator.filter(|separator| *separator != Value::None);
    let kind = Kind::List(Box::new(Kind::Text));
    let kernel = Split { most, from_end, spaces: separator.is_none() };
    let Some(separator) = separator else {
        let none = Expr::Literal(ScalarValue::Utf8(None), None);
        let expr = call(kernel, vec![receiver.text.expr.clone(), none]);
        return Ok(receiver.result(expr, kind, &[], false));
    };
    let separator = text_argument(c, a, Some(separator))?;
    let expr = call(kernel, vec![receiver.text.expr.clone(), separator.expr.clone()]);
    Ok(receiver.result(expr, kind, &[&separator], !receiver.column))
}

/// `column.str.split(pat, n=-1)`: the pattern is a text if it is one letter, else a regular expression.
fn split_column<'a>(c: &Compiler<'a>, a: &Arguments<'a>, from_end: bool) -> Result<Value<'a>> {
    let [_, separator, most, expand, regex] =
        a.named(c, ["self", "pat", "n", "expand", "regex"])?;
    if expand.is_some_and(|expand| expand != Value::Bool(false)) {
        return Err(c.unsupported(
            a.at,
            "split with expand",
            "take the parts with .str[0], .str[1]",
        ));
    }
    let literal = match (&separator, &regex) {
        (None | Some(Value::None), _) | (_, Some(Value::Bool(false))) => true,
        (Some(Value::Text(text)), None) => {
            text.chars().count() == 1 || from_end || !pattern::is_special(text)
        }
        _ => false,
    };
    if !literal {
        return Err(c.unsupported(a.at, "split by a pattern", "split by a literal text"));
    }
    let receiver = Receiver::of(c, a)?;
    // Zero means all cuts here.
    let most = literal_int(c, a, most.as_ref(), -1)?;
    split_by(c, a, &receiver, separator, if most == 0 { -1 } else { most }, from_end)
}

/// `separator.join(texts)`.
fn join<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let [separator, list] = a.named(c, ["self", "iterable"])?;
    let separator = text_argument(c, a, separator)?;
    match c.settled(a.required(c, list)?) {
        Value::Items(items, _) => {
            let separator = Value::Scalar(c.share_scalar(&separator));
            let mut parts = Vec::new();
            for item in items.iter() {
                if !parts.is_empty() {
                    parts.push(separator.clone());
                }
                parts.push(Value::Scalar(text_argument(c, a, Some(item.clone()))?));
            }
            c.concat(&parts, a.at)
        }
        Value::Scalar(list) if list.kind == Kind::List(Box::new(Kind::Text)) => {
            let expr = call(Join, vec![separator.expr.clone(), list.expr.clone()]);
            Ok(Value::Scalar(Scalar::strict(expr, Kind::Text, &[&separator, &list], true)))
        }
        other => {
            let construct = format!("join of a {}", other.label());
            Err(c.unsupported(a.at, construct, "join texts of the row"))
        }
    }
}

/// `column.str.cat(other, sep="")`.
fn cat<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let [_, others, separator, filler] = a.named(c, ["self", "others", "sep", "na_rep"])?;
    let receiver = Receiver::of(c, a)?;
    let others = match others.map(|others| c.settled(others)) {
        Some(Value::Items(items, _)) => items.to_vec(),
        Some(Value::Frame(number)) => {
            c.dict(number).entries.iter().map(|(_, column)| column.clone()).collect()
        }
        Some(column @ Value::Series(_)) => vec![column],
        _ => return Err(c.unsupported(a.at, "cat of a whole column", "pass another column")),
    };
    let separator = separator.unwrap_or_else(|| Value::Text("".into()));
    let fill = |c: &mut Compiler<'a>, column: Value<'a>| match &filler {
        None | Some(Value::None) => Ok(column),
        Some(filler) => {
            let column = c.scalar(&column, a.at)?;
            Ok(Value::Series(c.filled_column(&column, filler, a)?))
        }
    };
    let mut text = fill(c, Value::Series(receiver.text.clone()))?;
    for other in others {
        let other = fill(c, other)?;
        let add = ruff_python_ast::Operator::Add;
        text = c.series_binary(add, &text, &separator, a.at)?;
        text = c.series_binary(add, &text, &other, a.at)?;
    }
    Ok(text)
}
