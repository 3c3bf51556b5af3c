//! `isinstance`.

use datafusion::logical_expr::lit;
use larder_core::Result;

use crate::python::call::Arguments;
use crate::python::compiler::{Compiler, is_nothing};
use crate::python::scalar::{Kind, Scalar};
use crate::python::time::TimeClass;
use crate::python::value::{Display, Module, Value};

/// `isinstance(value, class)`; a row without a value is `None`, which is of no class.
pub(super) fn is_instance<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let [value, classes] = a.named(c, ["object", "classinfo"])?;
    let (value, classes) = (a.required(c, value)?, a.required(c, classes)?);
    let classes = match classes {
        Value::Items(classes, Display::Tuple) => classes.to_vec(),
        class => vec![class],
    };
    let mut known = false;
    for class in &classes {
        known |= belongs(c, a, &value, class)?;
    }
    let Value::Scalar(scalar) = &value else { return Ok(Value::Bool(known)) };
    if !known || is_nothing(scalar) {
        return Ok(Value::Bool(false));
    }
    if scalar.mixed || scalar.may_be_nan() && scalar.kind != Kind::Float {
        return Err(c.unsupported(
            a.at,
            "the class of a number whose type depends on the row",
            "convert it with float() or int() first",
        ));
    }
    let scalar = c.share_scalar(scalar);
    let there = if scalar.none { scalar.expr.clone().is_not_null() } else { lit(true) };
    Ok(Value::Scalar(Scalar::guarded(there, Kind::Bool, &[&scalar], false)))
}

/// Whether values of this kind belong to the class where they are not `None`.
fn belongs<'a>(
    c: &Compiler<'a>,
    a: &Arguments<'a>,
    value: &Value<'a>,
    class: &Value<'a>,
) -> Result<bool> {
    let kind = value.scalar().map(|scalar| scalar.kind);
    let name = match class {
        Value::Builtin(builtin) => builtin.name,
        Value::Module(Module::Time(TimeClass::Datetime | TimeClass::Timestamp)) => "datetime",
        _ => {
            return Err(c.unsupported(a.at, "this class", "use str, int, float, bool, list, dict"));
        }
    };
    Ok(match (name, kind) {
        ("str", kind) => kind == Some(Kind::Text),
        ("int", kind) => matches!(kind, Some(Kind::Int | Kind::Bool)),
        ("float", kind) => kind == Some(Kind::Float),
        ("bool", kind) => kind == Some(Kind::Bool),
        ("datetime", kind) => matches!(kind, Some(Kind::Instant(_) | Kind::Wall)),
        ("list", Some(Kind::List(_))) => true,
        ("list", _) => {
            matches!(value, Value::Column(_) | Value::Growing(_) | Value::Items(_, Display::List))
        }
        ("tuple", _) => matches!(value, Value::Items(_, Display::Tuple)),
        ("dict", _) => matches!(value, Value::Dict(_) | Value::Picked(_)),
        _ => {
            return Err(c.unsupported(a.at, "this class", "use str, int, float, bool, list, dict"));
        }
    })
}
