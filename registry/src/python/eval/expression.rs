//! Evaluation of expressions.

use std::rc::Rc;

use ruff_python_ast::{
    BoolOp, ConversionFlag, Expr, ExprBoolOp, ExprCompare, ExprDict, ExprFString, ExprLambda,
    ExprNumberLiteral, FStringPart, InterpolatedElement, InterpolatedStringElement,
    InterpolatedStringElements, Number, UnaryOp,
};
use ruff_text_size::Ranged;

use super::exception::{Exception, Outcome, Stop};
use super::function::{Code, define};
use super::interpreter::{Interpreter, grow};
use super::key::Key;
use super::value::{Range, Value, put};
use super::{attribute, call, compare, comprehension, format, iterate, operators, repr, subscript};

impl Interpreter<'_> {
    /// Evaluates an expression; errors carry the place of the innermost failing one.
    pub(crate) fn evaluate(&mut self, expression: &Expr) -> Outcome<Value> {
        self.tick()
            .and_then(|()| grow(|| self.dispatch(expression)))
            .map_err(|stop| stop.at(|| self.location(expression.range())))
    }

    fn dispatch(&mut self, expression: &Expr) -> Outcome<Value> {
        match expression {
            Expr::NoneLiteral(_) => Ok(Value::None),
            Expr::EllipsisLiteral(_) => Ok(Value::Ellipsis),
            Expr::BooleanLiteral(literal) => Ok(Value::Bool(literal.value)),
            Expr::NumberLiteral(literal) => number(literal),
            Expr::StringLiteral(literal) => Ok(Value::text(literal.value.to_str())),
            Expr::BytesLiteral(literal) => {
                Ok(Value::Bytes(literal.value.bytes().collect::<Vec<u8>>().into()))
            }
            Expr::FString(literal) => self.f_string(literal),
            Expr::Name(name) => self.lookup(&name.id),
            Expr::List(list) => Ok(Value::list(self.items(&list.elts)?)),
            Expr::Tuple(tuple) => Ok(Value::tuple(self.items(&tuple.elts)?)),
            Expr::Set(set) => {
                let items = self.items(&set.elts)?;
                iterate::to_set(self, items)
            }
            Expr::Dict(dict) => self.dict(dict),
            Expr::Attribute(access) => {
                let value = self.evaluate(&access.value)?;
                attribute::get(self, &value, &access.attr)
            }
            Expr::Subscript(access) => {
                let value = self.evaluate(&access.value)?;
                subscript::get(self, &value, &access.slice)
            }
            Expr::Call(node) => call::evaluate(self, node),
            Expr::BoolOp(operation) => self.bool_op(operation),
            Expr::BinOp(operation) => {
                let left = self.evaluate(&operation.left)?;
                let right = self.evaluate(&operation.right)?;
                operators::binary(self, operation.op, &left, &right)
            }
            Expr::UnaryOp(operation) => {
                let operand = self.evaluate(&operation.operand)?;
                unary(operation.op, &operand)
            }
            Expr::Compare(comparison) => self.comparison(comparison),
            Expr::If(choice) => {
                let taken = self.evaluate(&choice.test)?.truth();
                self.evaluate(if taken { &choice.body } else { &choice.orelse })
            }
            Expr::Named(named) => {
                let value = self.evaluate(&named.value)?;
                self.assign(&named.target, value.clone())?;
                Ok(value)
            }
            Expr::Lambda(lambda) => self.lambda(lambda),
            Expr::ListComp(_) | Expr::SetComp(_) | Expr::DictComp(_) | Expr::Generator(_) => {
                comprehension::evaluate(self, expression)
            }
            other => Err(unsupported(other)),
        }
    }

    /// Elements of a list, tuple or set display, with `*spread`.
    fn items(&mut self, elements: &[Expr]) -> Outcome<Vec<Value>> {
        let mut items = Vec::with_capacity(elements.len());
        for element in elements {
            if let Expr::Starred(starred) = element {
                let value = self.evaluate(&starred.value)?;
                items.extend(iterate::collect(self, &value)?);
            } else {
                items.push(self.evaluate(element)?);
            }
        }
        Ok(items)
    }

    fn dict(&mut self, dict: &ExprDict) -> Outcome<Value> {
        let mut entries = indexmap::IndexMap::with_capacity(dict.items.len());
        for item in &dict.items {
            let Some(key) = &item.key else {
                let Value::Dict(spread) = self.evaluate(&item.value)? else {
                    return Err(Exception::raise(
                        "TypeError",
                        "argument after ** must be a mapping",
                    ));
                };
                for (key, pair) in spread.0.borrow().iter() {
                    put(&mut entries, key.clone(), pair.clone());
                }
                continue;
            };
            let key = self.evaluate(key)?;
            let value = self.evaluate(&item.value)?;
            put(&mut entries, Key::of(self, &key)?, (key, value));
        }
        Ok(Value::dict(entries))
    }

    fn bool_op(&mut self, operation: &ExprBoolOp) -> Outcome<Value> {
        let mut last = Value::None;
        for operand in &operation.values {
            last = self.evaluate(operand)?;
            if last.truth() == (operation.op == BoolOp::Or) {
                break;
            }
        }
        Ok(last)
    }

    fn comparison(&mut self, comparison: &ExprCompare) -> Outcome<Value> {
        let mut left = self.evaluate(&comparison.left)?;
        for (operator, right) in comparison.ops.iter().zip(&comparison.comparators) {
            let right = self.evaluate(right)?;
            if !compare::compare(self, *operator, &left, &right)? {
                return Ok(Value::Bool(false));
            }
            left = right;
        }
        Ok(Value::Bool(true))
    }

    fn lambda(&mut self, lambda: &ExprLambda) -> Outcome<Value> {
        let parameters = lambda.parameters.as_deref().cloned().unwrap_or_default();
        let code = Code::Lambda(Rc::new(parameters), Rc::new((*lambda.body).clone()));
        define(self, "<lambda>", code, lambda.range)
    }

    fn f_string(&mut self, literal: &ExprFString) -> Outcome<Value> {
        let mut text = String::new();
        for part in &literal.value {
            match part {
                FStringPart::Literal(literal) => text.push_str(literal.as_str()),
                FStringPart::FString(part) => self.interpolate(&part.elements, &mut text)?,
            }
        }
        self.charge_text(text.len())?;
        Ok(Value::text(text))
    }

    fn interpolate(
        &mut self,
        elements: &InterpolatedStringElements,
        text: &mut String,
    ) -> Outcome<()> {
        for element in elements {
            match element {
                InterpolatedStringElement::Literal(literal) => text.push_str(literal),
                InterpolatedStringElement::Interpolation(element) => {
                    self.interpolation(element, text)?;
                }
            }
        }
        Ok(())
    }

    fn interpolation(&mut self, element: &InterpolatedElement, text: &mut String) -> Outcome<()> {
        let value = self.evaluate(&element.expression)?;
        let mut conversion = element.conversion;
        if let Some(debug) = &element.debug_text {
            text.push_str(debug.as_str());
            if conversion == ConversionFlag::None && element.format_spec.is_none() {
                conversion = ConversionFlag::Repr;
            }
        }
        let value = match conversion {
            ConversionFlag::None => value,
            ConversionFlag::Str => Value::text(repr::display(self, &value)?),
            ConversionFlag::Repr => Value::text(repr::repr(self, &value)?),
            ConversionFlag::Ascii => Value::text(repr::ascii(&repr::repr(self, &value)?)),
        };
        let mut spec = String::new();
        if let Some(format) = &element.format_spec {
            self.interpolate(&format.elements, &mut spec)?;
        }
        text.push_str(&format::format(self, &value, &spec)?);
        self.charge_text(text.len())
    }
}

fn number(literal: &ExprNumberLiteral) -> Outcome<Value> {
    match &literal.value {
        Number::Float(number) => Ok(Value::Float(*number)),
        Number::Int(number) => match number.to_string().parse() {
            Ok(number) => Ok(Value::Int(number)),
            Err(_) => Err(operators::too_large()),
        },
        Number::Complex { .. } => {
            Err(Stop::unsupported("complex numbers", "no feature can hold one"))
        }
    }
}

fn unary(operator: UnaryOp, operand: &Value) -> Outcome<Value> {
    match (operator, operand) {
        (UnaryOp::Not, operand) => return Ok(Value::Bool(!operand.truth())),
        (UnaryOp::USub, Value::Float(number)) => return Ok(Value::Float(-number)),
        (UnaryOp::UAdd, Value::Float(number)) => return Ok(Value::Float(*number)),
        (UnaryOp::USub, Value::Duration(micros)) => return Ok(Value::Duration(-micros)),
        (UnaryOp::UAdd, Value::Duration(micros)) => return Ok(Value::Duration(*micros)),
        _ => {}
    }
    let Some(number) = operand.as_int() else {
        let (operator, operand) = (operator.as_str(), operand.type_name());
        let message = format!("bad operand type for unary {operator}: {operand}");
        return Err(Exception::raise("TypeError", message));
    };
    Ok(Value::Int(match operator {
        UnaryOp::USub => number.checked_neg().ok_or_else(operators::too_large)?,
        UnaryOp::Invert => !number,
        _ => number,
    }))
}

fn unsupported(expression: &Expr) -> Stop {
    let (what, hint) = match expression {
        Expr::Await(_) => ("await", "definitions cannot wait for anything"),
        Expr::Yield(_) | Expr::YieldFrom(_) => {
            ("yield", "return a list, or use a generator expression")
        }
        Expr::TString(_) => ("template strings", "use an f-string"),
        Expr::Starred(_) => ("a starred expression here", "spread into a list or a call"),
        Expr::Slice(_) => ("a slice outside of [ ]", "write it inside a subscript"),
        _ => ("this expression", "write it with plain declarations"),
    };
    Stop::unsupported(format!("{what} cannot be evaluated"), hint)
}

/// The bounds of a slice, each `None` when left out.
pub(super) type Bounds = [Option<i128>; 3];

/// `range` objects sliced are ranges again.
pub(super) fn slice_range(range: Range, start: i128, stop: i128, step: i128) -> Range {
    Range {
        start: range.start + start * range.step,
        stop: range.start + stop * range.step,
        step: range.step * step,
    }
}
