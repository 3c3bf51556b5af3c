//! Texts: methods of `str`, of `series.str`, patterns and formats.

mod format;
mod method;
mod pattern;
mod slice;

pub(crate) use self::method::{SERIES_TEXT_METHODS, TEXT_METHODS};

use datafusion::logical_expr::Expr;
use larder_core::Result;

use super::call::Arguments;
use super::compiler::Compiler;
use super::scalar::{Kind, Scalar};
use super::value::Value;

/// A text whose method is called: of the row, where `None` raises, or a column, which hands it on.
#[derive(Debug)]
struct Receiver {
    text: Scalar,
    column: bool,
}

impl Receiver {
    fn of<'a>(c: &Compiler<'a>, a: &Arguments<'a>) -> Result<Self> {
        let (text, column) = match a.first(c)? {
            Value::TextAccessor(column) => (column, true),
            value => (c.scalar(&value, a.at)?, false),
        };
        if text.kind == Kind::Text {
            return Ok(Self { text, column });
        }
        Err(c.wrong(a.at, format!("{} of a {}", a.name, text.kind.label())))
    }

    /// The result of a method; a null of its own raises, in a column it is missing.
    fn result<'a>(&self, expr: Expr, kind: Kind, more: &[&Scalar], fails: bool) -> Value<'a> {
        let mut operands = vec![&self.text];
        operands.extend(more);
        if !self.column {
            return Value::Scalar(Scalar::strict(expr, kind, &operands, fails));
        }
        let object = matches!(kind, Kind::Text | Kind::Bool);
        let result = Scalar::propagating(expr, kind, &operands, fails);
        let nan = if fails { !self.text.none || self.text.nan } else { self.text.nan };
        Value::Series(Scalar { nan: result.none && (!object || nan), ..result })
    }
}

/// An argument that is a text.
fn text_argument<'a>(
    c: &Compiler<'a>,
    a: &Arguments<'a>,
    value: Option<Value<'a>>,
) -> Result<Scalar> {
    let scalar = c.scalar(&a.required(c, value)?, a.at)?;
    if scalar.kind == Kind::Text {
        return Ok(scalar.required());
    }
    Err(c.wrong(a.at, format!("{} with a {}", a.name, scalar.kind.label())))
}

/// An argument that is a whole number.
fn int_argument<'a>(
    c: &Compiler<'a>,
    a: &Arguments<'a>,
    value: Option<Value<'a>>,
) -> Result<Scalar> {
    let scalar = c.scalar(&a.required(c, value)?, a.at)?.without_bool();
    if scalar.kind == Kind::Int {
        return Ok(scalar.required());
    }
    Err(c.wrong(a.at, format!("{} with a {}", a.name, scalar.kind.label())))
}
