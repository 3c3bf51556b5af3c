//! Classes of exceptions, and which operation raises which.

use datafusion::logical_expr::{Expr, lit};
use larder_core::Result;
use ruff_python_ast::{Expr as Node, Operator};
use ruff_text_size::TextRange;

use crate::kernel::{FloatTest, TestFloat, call};
use crate::python::compiler::Compiler;
use crate::python::scalar::{Kind, Scalar};
use crate::python::value::Value;

/// What a row raised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    ZeroDivision = 1,
    Overflow,
    Key,
    Index,
    Value,
    Type,
    Attribute,
    /// `raise` of a class that no operation raises.
    Runtime,
    NotImplemented,
    /// Nothing that Python raises here: an int beyond 64 bits, or an exception from before the `try`.
    Beyond,
}

impl Fault {
    /// The code of rows that raised nothing.
    pub(super) const NONE: i64 = 0;

    pub(crate) fn code(self) -> i64 {
        self as i64
    }

    /// The fault of `raise Class`.
    pub(super) fn of_class(name: &str) -> Option<Self> {
        Some(match name {
            "ZeroDivisionError" => Self::ZeroDivision,
            "OverflowError" => Self::Overflow,
            "KeyError" => Self::Key,
            "IndexError" => Self::Index,
            "ValueError" => Self::Value,
            "TypeError" => Self::Type,
            "AttributeError" => Self::Attribute,
            "RuntimeError" | "Exception" => Self::Runtime,
            "NotImplementedError" => Self::NotImplemented,
            _ => return None,
        })
    }

    /// What `except Class` catches; `None` for a class that is not known.
    pub(super) fn caught_by(name: &str) -> Option<Vec<Self>> {
        use Fault::{
            Attribute, Index, Key, NotImplemented, Overflow, Runtime, Type, Value, ZeroDivision,
        };
        Some(match name {
            "Exception" | "BaseException" => {
                vec![
                    ZeroDivision,
                    Overflow,
                    Key,
                    Index,
                    Value,
                    Type,
                    Attribute,
                    Runtime,
                    NotImplemented,
                ]
            }
            "ArithmeticError" => vec![ZeroDivision, Overflow],
            "LookupError" => vec![Key, Index],
            "RuntimeError" => vec![NotImplemented],
            name => vec![Self::of_class(name)?],
        })
    }
}

/// Functions whose result leaves the floats rather than their domain.
const OVERFLOWING: &[&str] = &["exp", "exp2", "expm1", "cosh", "sinh"];

impl<'a> Compiler<'a> {
    /// Takes down what `left op right` raised.
    pub(crate) fn observe_binary(
        &mut self,
        op: Operator,
        [left, right]: [&Value<'a>; 2],
        value: &Value<'a>,
        at: TextRange,
    ) -> Result<()> {
        if !self.is_trying() {
            return Ok(());
        }
        let divides = matches!(op, Operator::Div | Operator::FloorDiv | Operator::Mod);
        let zero = match op {
            Operator::Pow => is_zero(left),
            _ if divides => is_zero(right),
            _ => None,
        };
        let whole = matches!(value, Value::Scalar(scalar) if scalar.kind == Kind::Int);
        let other = match op {
            _ if divides || whole => Fault::Beyond,
            Operator::Pow => Fault::Overflow,
            _ => Fault::Type,
        };
        // `None / 0` is a TypeError: zero is looked at where both are numbers.
        if let (Some(zero), Value::Scalar(result)) =
            (zero.map(|zero| present(left, right, zero)), value)
            && let Some(raised) = result.raised_expr()
        {
            self.note(raised.and(zero), lit(Fault::ZeroDivision.code()), at)?;
        }
        self.observe_operation(value, &[left, right], (Fault::Type, other), at)
    }

    /// Takes down what the call of a known function raised.
    pub(crate) fn observe_call(
        &mut self,
        name: &str,
        receiver: bool,
        arguments: &[Value<'a>],
        value: &Value<'a>,
        at: TextRange,
    ) -> Result<()> {
        if !self.is_trying() {
            return Ok(());
        }
        let operands: Vec<&Value<'a>> = arguments.iter().collect();
        if let (true, Some(first)) = (receiver, operands.first())
            && let (Value::Scalar(result), Value::Scalar(scalar)) = (value, first)
            && let (Some(raised), true) = (result.raised_expr(), scalar.none && !scalar.nan)
        {
            let missing = raised.and(scalar.expr.clone().is_null());
            self.note(missing, lit(Fault::Attribute.code()), at)?;
        }
        let float = operands.first().and_then(|first| first.scalar());
        let float = float.filter(|scalar| scalar.kind == Kind::Float);
        let fault = match (name, float) {
            ("int" | "round" | "ceil" | "floor" | "trunc", Some(float)) => {
                self.observe_whole(value, &float, at)?;
                Fault::Beyond
            }
            ("len" | "abs" | "sum" | "min" | "max" | "sorted", _) => Fault::Type,
            (name, _) if OVERFLOWING.contains(&name) => Fault::Overflow,
            _ => Fault::Value,
        };
        self.observe_operation(value, &operands, (Fault::Type, fault), at)
    }

    /// A float without a whole number: not-a-number is a bad value, an infinity overflows.
    fn observe_whole(&mut self, value: &Value<'a>, float: &Scalar, at: TextRange) -> Result<()> {
        let Value::Scalar(result) = value else { return Ok(()) };
        let Some(raised) = result.raised_expr() else { return Ok(()) };
        for (test, fault) in
            [(FloatTest::Nan, Fault::Value), (FloatTest::Infinite, Fault::Overflow)]
        {
            let here = call(TestFloat(test), vec![float.expr.clone()]).is_true();
            self.note(raised.clone().and(here), lit(fault.code()), at)?;
        }
        Ok(())
    }

    /// Takes down what remains: an expression of this form raised, and no part of it did.
    pub(crate) fn observe_node(
        &mut self,
        node: &Node,
        value: &Value<'a>,
        at: TextRange,
    ) -> Result<()> {
        let fault = match node {
            // What a variable holds was raised when it was computed.
            Node::Name(_) => Fault::Beyond,
            Node::Attribute(_) => Fault::Attribute,
            _ => Fault::Type,
        };
        self.observe(value, fault, at)
    }
}

/// The condition, where none of the operands is `None`.
fn present(left: &Value<'_>, right: &Value<'_>, condition: Expr) -> Expr {
    let there = [left, right].into_iter().filter_map(Value::scalar).filter(|side| side.none);
    there.map(|side| side.expr.is_not_null()).fold(condition, Expr::and)
}

fn is_zero(value: &Value<'_>) -> Option<Expr> {
    let number = value.scalar().filter(|scalar| scalar.kind.is_number())?;
    Some(number.without_bool().widen(&Kind::Float).expr.eq(lit(0.0)).is_true())
}
