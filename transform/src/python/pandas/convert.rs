//! Conversions of columns: `astype`, `to_numeric`.

use datafusion::logical_expr::lit;
use larder_core::Result;

use super::choice::missing;
use crate::kernel::{
    Format, Math, MathFunction, ParseFloat, ParseInt, ParseNumber, ToInt, Truth, Wrap32, call,
};
use crate::python::call::Arguments;
use crate::python::compiler::Compiler;
use crate::python::scalar::{Kind, Raised, Scalar, any_raised, choose};
use crate::python::value::Value;

/// The target of `astype`, by any of the names that pandas accepts.
fn type_name(value: &Value<'_>) -> Option<&'static str> {
    let name = match value {
        Value::Text(text) => text.to_string(),
        Value::Builtin(builtin) => builtin.name.to_owned(),
        _ => return None,
    };
    Some(match name.as_str() {
        "int" | "int64" => "int64",
        "Int64" => "Int64",
        "int32" => "int32",
        "float" | "float64" => "float64",
        "float32" => "float32",
        "bool" => "bool",
        "str" => "str",
        "object" | "O" => "object",
        _ => return None,
    })
}

pub(super) fn as_type<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let [receiver, dtype, _copy] = a.named(c, ["self", "dtype", "copy"])?;
    let column = c.column(&a.required(c, receiver)?, a)?;
    let dtype = a.required(c, dtype)?;
    c.cast_column(&column, &dtype, a).map(Value::Series)
}

impl<'a> Compiler<'a> {
    /// A column as another type of numpy.
    pub(crate) fn cast_column(
        &mut self,
        column: &Scalar,
        dtype: &Value<'a>,
        a: &Arguments<'a>,
    ) -> Result<Scalar> {
        let Some(target) = type_name(dtype) else {
            return Err(self.unsupported(
                a.at,
                "this dtype",
                "use int64, float64, float32, bool or str",
            ));
        };
        let column = self.share_scalar(column);
        match (target, &column.kind) {
            ("object", _) => Ok(column),
            ("int64" | "int32", Kind::Bool | Kind::Int | Kind::Float | Kind::Text) => {
                Ok(integers(&column, target))
            }
            ("Int64", Kind::Int) => Ok(Scalar { mixed: false, ..column }),
            ("Int64", Kind::Float) => Ok(self.nullable_integers(&column)),
            ("float64" | "float32", Kind::Text) => Ok(self.parsed_floats(&column)),
            ("float64" | "float32", kind) if kind.is_number() => {
                let mut expr = column.widen(&Kind::Float).expr;
                if target == "float32" {
                    expr =
                        call(Math { function: MathFunction::Float32, raises: false }, vec![expr]);
                }
                Ok(Scalar::propagating(expr, Kind::Float, &[&column], false))
            }
            ("bool", Kind::Bool | Kind::Int | Kind::Float | Kind::Text) => {
                // Not-a-number is true; a missing object is None, which is false.
                let null = column.nan || matches!(column.kind, Kind::Int | Kind::Float);
                let expr = call(Truth { null: Some(null) }, vec![column.expr.clone()]);
                Ok(Scalar::guarded(expr, Kind::Bool, &[&column], false))
            }
            ("str", Kind::Bool | Kind::Int | Kind::Float | Kind::Text) if !column.mixed => {
                Ok(column_text(&column))
            }
            ("str", _) if column.mixed => Err(self.unsupported(
                a.at,
                "the text of a number whose type depends on the row",
                "convert it with astype(\"float64\") or astype(\"int64\") first",
            )),
            _ => {
                let construct = format!("astype({target}) of a {} column", column.kind.label());
                Err(self.unsupported(a.at, construct, "convert numbers, bools and texts"))
            }
        }
    }

    /// Whole numbers that may be missing; a fraction raises.
    fn nullable_integers(&mut self, column: &Scalar) -> Scalar {
        let whole = call(ToInt, vec![column.expr.clone()]);
        let whole = self.plan.share(whole, &Kind::Int.data_type());
        let back = Scalar::total(whole.clone(), Kind::Int).widen(&Kind::Float).expr;
        let exact = back.eq(column.expr.clone()).is_true();
        let fails = exact.or(missing(&column.expr));
        let fails = datafusion::logical_expr::not(fails);
        let raised = any_raised(&[column]).map_or_else(|| fails.clone(), |r| r.or(fails.clone()));
        let raised = Raised::when(raised);
        Scalar { none: column.none, nan: true, raised, ..Scalar::total(whole, Kind::Int) }
    }

    /// Texts read as floats; `None` is not-a-number, a bad text raises.
    fn parsed_floats(&mut self, column: &Scalar) -> Scalar {
        let parsed = call(ParseFloat, vec![column.expr.clone()]);
        let parsed = self.plan.share(parsed, &Kind::Float.data_type());
        if !column.none {
            return Scalar::strict(parsed, Kind::Float, &[column], true);
        }
        let bad = parsed.clone().is_null().and(column.expr.clone().is_not_null());
        let raised = any_raised(&[column]).map_or_else(|| bad.clone(), |r| r.or(bad.clone()));
        let raised = Raised::when(raised);
        Scalar { none: true, nan: true, raised, ..Scalar::total(parsed, Kind::Float) }
    }
}

/// Missing values have no integer: pandas raises.
fn integers(column: &Scalar, target: &str) -> Scalar {
    let expr = match column.kind {
        Kind::Float => call(ToInt, vec![column.expr.clone()]),
        Kind::Text => call(ParseInt, vec![column.expr.clone()]),
        _ => column.without_bool().expr,
    };
    let expr = if target == "int32" { call(Wrap32, vec![expr]) } else { expr };
    let fails = matches!(column.kind, Kind::Float | Kind::Text);
    Scalar::strict(expr, Kind::Int, &[column], fails)
}

fn column_text(column: &Scalar) -> Scalar {
    let number = matches!(column.kind, Kind::Int | Kind::Float);
    let missing = if column.nan || number { "nan" } else { "None" };
    let text = call(Format::Plain, vec![column.expr.clone()]);
    let expr = choose(column.expr.clone().is_null(), lit(missing), text);
    Scalar::guarded(expr, Kind::Text, &[column], false)
}

/// `pandas.to_numeric(column, errors="raise")`.
pub(super) fn to_numeric<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let [column, errors] = a.named(c, ["arg", "errors"])?;
    let column = c.column(&a.required(c, column)?, a)?;
    let coerce = match &errors {
        None => false,
        Some(Value::Text(text)) if &**text == "raise" => false,
        Some(Value::Text(text)) if &**text == "coerce" => true,
        Some(_) => {
            return Err(c.unsupported(a.at, "this errors argument", "use \"coerce\" or \"raise\""));
        }
    };
    if column.kind.is_number() {
        return Ok(Value::Series(Scalar { nan: column.none, ..column }));
    }
    if column.kind != Kind::Text {
        return Err(c.wrong(a.at, format!("to_numeric of a {} column", column.kind.label())));
    }
    let column = c.share_scalar(&column);
    let parsed = call(ParseNumber, vec![column.expr.clone()]);
    let parsed = c.plan.share(parsed, &Kind::Float.data_type());
    let mut raised = any_raised(&[&column]);
    if !coerce {
        let bad = parsed.clone().is_null().and(column.expr.clone().is_not_null());
        raised = Some(raised.map_or_else(|| bad.clone(), |raised| raised.or(bad.clone())));
    }
    let raised = raised.map_or(Raised::Never, Raised::when);
    let number = Scalar::total(parsed, Kind::Float);
    Ok(Value::Series(Scalar { none: true, nan: true, raised, mixed: true, ..number }))
}
