//! From a function's result to columns of the declared types.

use datafusion::common::ScalarValue;
use datafusion::logical_expr::Expr;
use larder_core::{Error, Result, ValueType};
use ruff_text_size::TextRange;

use super::compiler::{Compiler, is_nothing, scalar_or_none};
use super::scalar::{Kind, Scalar, cast, try_cast};
use super::value::Value;
use crate::definition::{Column, Definition, Mode};
use crate::kernel::{FillElements, FillMissing, Format, ToInt, ToSeconds, Truth, call};

impl<'a> Compiler<'a> {
    /// One expression per declared output, of the declared Arrow type.
    pub(crate) fn outputs(
        &mut self,
        definition: &Definition,
        result: &Value<'a>,
        at: TextRange,
    ) -> Result<Vec<Expr>> {
        let (number, wanted) = match (definition.mode, result) {
            (Mode::Pandas, Value::Frame(number)) => (*number, "DataFrame"),
            (Mode::Python, Value::Dict(number)) => (*number, "dict"),
            (Mode::Pandas, other) => return Err(self.wrong_result(other, "DataFrame", at)),
            (_, other) => return Err(self.wrong_result(other, "dict", at)),
        };
        let dict = self.dict(number);
        definition
            .outputs
            .iter()
            .map(|output| {
                let key = Value::Text(output.name.as_str().into());
                let Some(value) = dict.get(&key) else {
                    let message = format!(
                        "on demand feature view \"{}\" declares feature \"{}\", which the returned {wanted} lacks",
                        definition.view, output.name
                    );
                    return Err(self.wrong(at, message));
                };
                let scalar = self.column_of(definition, output, value, at)?;
                self.typed(&scalar, output, definition.mode == Mode::Pandas, at)
            })
            .collect()
    }

    fn wrong_result(&self, result: &Value<'a>, wanted: &str, at: TextRange) -> Error {
        let message = format!("the function returns a {}, not a {wanted}", result.label());
        self.wrong(at, message)
    }

    fn column_of(
        &mut self,
        definition: &Definition,
        output: &Column,
        value: &Value<'a>,
        at: TextRange,
    ) -> Result<Scalar> {
        let value = self.settled(value.clone());
        let name = &output.name;
        match (&value, definition.singleton) {
            (Value::Unusable(reason), _) => {
                Err(self.unsupported(at, format!("feature \"{name}\""), reason))
            }
            (Value::Column(scalar), false) => Ok(scalar.clone()),
            (Value::Series(scalar), false) if definition.mode == Mode::Pandas => Ok(scalar.clone()),
            (Value::Series(_), _) => Err(self
                .wrong(at, format!("feature \"{name}\" is a column of pandas or numpy, not a list"))
                .with_hint("Feast takes it for a single missing value: return column.tolist()")),
            (Value::Column(_), true) => Err(self.wrong(
                at,
                format!("feature \"{name}\" is a list, but singleton=True returns single values"),
            )),
            (value, true) => scalar_or_none(value).map_or_else(|| self.scalar(value, at), Ok),
            (value, false) => {
                let message = format!(
                    "feature \"{name}\" is a {}, not a list with one element per row",
                    value.label()
                );
                Err(self.wrong(at, message).with_hint(
                    "return a list per feature, or declare the view with singleton=True",
                ))
            }
        }
    }

    /// The value as Feast stores it: not-a-number becomes null, numbers convert, texts do not.
    fn typed(
        &mut self,
        scalar: &Scalar,
        output: &Column,
        pandas: bool,
        at: TextRange,
    ) -> Result<Expr> {
        let target = output.value_type;
        let arrow = target.arrow_type();
        if is_nothing(scalar) {
            let null = ScalarValue::try_from(&arrow);
            return Ok(Expr::Literal(null.unwrap_or(ScalarValue::Null), None));
        }
        if let Some(list) = self.typed_list(scalar, output, at)? {
            return Ok(list);
        }
        if fits(target, &scalar.kind) {
            return Ok(scalar.expr.clone());
        }
        let number = without_nan(scalar);
        let expr = match (target, &scalar.kind) {
            (ValueType::Int64, Kind::Int | Kind::Bool | Kind::Float) => whole(scalar),
            (ValueType::Int32, Kind::Int | Kind::Bool | Kind::Float) => {
                try_cast(whole(scalar), arrow)
            }
            (ValueType::Double | ValueType::Float, kind) if kind.is_number() => cast(number, arrow),
            (ValueType::Bool, Kind::Int) => call(Truth { null: None }, vec![scalar.expr.clone()]),
            (ValueType::String, kind) if kind.is_number() && !scalar.mixed => {
                call(Format, vec![number])
            }
            (ValueType::UnixTimestamp, Kind::Int | Kind::Float) => cast(whole(scalar), arrow),
            (ValueType::UnixTimestamp, Kind::Instant(_)) => {
                let seconds = ToSeconds { floor: pandas, exact: false };
                cast(call(seconds, vec![scalar.expr.clone()]), arrow)
            }
            (ValueType::String, Kind::Date | Kind::Instant(_)) if !pandas => {
                Self::time_text(scalar).map_or_else(|| Kind::Text.null(), |text| text.expr)
            }
            (_, kind) => {
                let message = format!(
                    "feature \"{}\" is declared {}, but the function gives a {}",
                    output.name,
                    target.name(),
                    kind.label()
                );
                return Err(self
                    .wrong(at, message)
                    .with_hint("convert the value, or declare its type"));
            }
        };
        Ok(expr)
    }
}

impl Compiler<'_> {
    /// A list as Feast stores it: an element that is `None` becomes the empty value of its type.
    fn typed_list(&self, scalar: &Scalar, output: &Column, at: TextRange) -> Result<Option<Expr>> {
        let (Kind::List(element), Some(wanted)) = (&scalar.kind, Kind::of(output.value_type))
        else {
            return Ok(None);
        };
        let nothing = Kind::List(Box::new(Kind::Opaque(ValueType::Null)));
        if !matches!(wanted, Kind::List(_)) || ![&wanted, &nothing].contains(&&scalar.kind) {
            return Ok(None);
        }
        if scalar.mixed {
            return Err(self.unsupported(
                at,
                format!("feature \"{}\", a list of numbers of several types,", output.name),
                "convert its elements with float() or int()",
            ));
        }
        let list = scalar.widen(&wanted);
        let filler = match &**element {
            Kind::Bool => Some(ScalarValue::Boolean(Some(false))),
            Kind::Int => Some(ScalarValue::Int64(Some(0))),
            Kind::Float => Some(ScalarValue::Float64(Some(0.0))),
            Kind::Text => Some(ScalarValue::Utf8(Some(String::new()))),
            _ => None,
        };
        let expr = match filler {
            Some(filler) => call(FillElements { filler }, vec![list.expr]),
            None => list.expr,
        };
        let arrow = output.value_type.arrow_type();
        let same = list.kind.data_type() == arrow;
        Ok(Some(if same { expr } else { try_cast(expr, arrow) }))
    }
}

/// Whether values of the kind are stored as they are. Floats are looked at first.
fn fits(target: ValueType, kind: &Kind) -> bool {
    let as_it_is = !matches!(kind, Kind::Float) && kind.data_type() == target.arrow_type();
    as_it_is && (!kind.is_number() || Kind::of(target).as_ref() == Some(kind))
}

/// The value with not-a-number as null, which is how Feast stores it.
fn without_nan(scalar: &Scalar) -> Expr {
    if scalar.kind == Kind::Float {
        call(FillMissing, vec![scalar.expr.clone(), Kind::Float.null()])
    } else {
        scalar.expr.clone()
    }
}

fn whole(scalar: &Scalar) -> Expr {
    match scalar.kind {
        Kind::Float => call(ToInt, vec![scalar.expr.clone()]),
        Kind::Bool => scalar.widen(&Kind::Int).expr,
        _ => scalar.expr.clone(),
    }
}
