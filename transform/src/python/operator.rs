//! Python's arithmetic.

use larder_core::Result;
use ruff_python_ast::{ExprUnaryOp, Operator, UnaryOp};
use ruff_text_size::TextRange;

use super::compiler::{Compiler, is_nothing};
use super::repeat::constant_column;
use super::scalar::{Kind, Scalar};
use super::value::{Display, Value};
use crate::kernel::{Arithmetic, ArithmeticOp, Concat, Repeat, call};

impl<'a> Compiler<'a> {
    /// A unary operator.
    pub(crate) fn unary(&mut self, node: &'a ExprUnaryOp) -> Result<Value<'a>> {
        let at = node.range;
        if node.op == UnaryOp::Not {
            return Ok(self.condition(&node.operand)?.negate().value());
        }
        let value = self.expression(&node.operand)?;
        match (node.op, &value) {
            (UnaryOp::USub, Value::Int(int)) if *int != i64::MIN => Ok(Value::Int(-int)),
            (UnaryOp::USub, Value::Float(float)) => Ok(Value::Float(-float)),
            (_, Value::Series(scalar)) => self.series_unary(node.op, scalar, at),
            (UnaryOp::Invert, _) => {
                Err(self.unsupported(at, "~ on a value of the row", "write not x"))
            }
            (UnaryOp::USub, _) => {
                let minus_one = Value::Int(-1);
                self.binary(Operator::Mult, &value, &minus_one, at)
            }
            _ => self.binary(Operator::Mult, &value, &Value::Int(1), at),
        }
    }

    /// A binary operator.
    pub(crate) fn binary(
        &mut self,
        op: Operator,
        left: &Value<'a>,
        right: &Value<'a>,
        at: TextRange,
    ) -> Result<Value<'a>> {
        if matches!(left, Value::Series(_)) || matches!(right, Value::Series(_)) {
            return self.series_binary(op, left, right, at);
        }
        if let Some(value) = self.repeated(op, left, right) {
            return Ok(value);
        }
        if let (Value::Items(a, Display::List), Value::Items(b, Display::List), Operator::Add) =
            (self.settled(left.clone()), self.settled(right.clone()), op)
        {
            let items = a.iter().chain(b.iter()).cloned().collect();
            return Ok(Value::Items(std::rc::Rc::new(items), Display::List));
        }
        for side in [left, right] {
            if *side == Value::None || side.scalar().is_some_and(|side| is_nothing(&side)) {
                return Err(self.wrong(at, "arithmetic with None raises in every row"));
            }
        }
        let (a, b) = (self.scalar(left, at)?, self.scalar(right, at)?);
        let Some(op) = arithmetic_op(op) else {
            let construct = format!("operator {} on values of the row", op.as_str());
            return Err(self.unsupported(at, construct, "use and, or, not and arithmetic"));
        };
        self.arithmetic(op, &a, &b, at).map(Value::Scalar)
    }

    /// `[x] * len(column)`: the constant in every row.
    fn repeated(&self, op: Operator, left: &Value<'a>, right: &Value<'a>) -> Option<Value<'a>> {
        let (list, Value::RowCount) = (match (left, right) {
            (list, Value::RowCount) => (list, right),
            (Value::RowCount, list) => (list, left),
            _ => return None,
        }) else {
            return None;
        };
        match self.settled(list.clone()) {
            Value::Items(items, Display::List) if op == Operator::Mult && items.len() == 1 => {
                constant_column(&items[0])
            }
            _ => None,
        }
    }

    /// Python's arithmetic on two values of the row.
    pub(crate) fn arithmetic(
        &mut self,
        op: ArithmeticOp,
        left: &Scalar,
        right: &Scalar,
        at: TextRange,
    ) -> Result<Scalar> {
        match (&left.kind, op, &right.kind) {
            (Kind::Text, ArithmeticOp::Add, Kind::Text) => {
                let expr = call(Concat, vec![left.expr.clone(), right.expr.clone()]);
                Ok(Scalar::strict(expr, Kind::Text, &[left, right], false))
            }
            (Kind::Text, ArithmeticOp::Multiply, Kind::Int) => {
                let expr = call(Repeat, vec![left.expr.clone(), right.expr.clone()]);
                Ok(Scalar::strict(expr, Kind::Text, &[left, right], true))
            }
            (Kind::Int, ArithmeticOp::Multiply, Kind::Text) => self.arithmetic(op, right, left, at),
            (a, _, b) if a.is_number() && b.is_number() => {
                Ok(numeric(op, &left.without_bool(), &right.without_bool()))
            }
            (a, _, b) => {
                let message = format!("{} and {} do not go together here", a.label(), b.label());
                Err(self.wrong(at, message))
            }
        }
    }
}

/// Two numbers, none of them a bool.
fn numeric(op: ArithmeticOp, left: &Scalar, right: &Scalar) -> Scalar {
    let ints = left.kind == Kind::Int && right.kind == Kind::Int;
    let surely_float = |side: &Scalar| side.kind == Kind::Float && !side.mixed;
    let exponent = if op == ArithmeticOp::Power && ints { literal_int(right) } else { Some(0) };
    // An integer to an unknown or negative power may be a float.
    let as_ints = ints && exponent.is_some_and(|exponent| exponent >= 0);
    let kind = if as_ints { Kind::Int } else { Kind::Float };
    let (a, b) = (left.widen(&kind), right.widen(&kind));
    let expr = call(Arithmetic(op), vec![a.expr.clone(), b.expr.clone()]);
    let divides =
        matches!(op, ArithmeticOp::Divide | ArithmeticOp::FloorDivide | ArithmeticOp::Modulo);
    let safe_divisor = is_nonzero_literal(&b);
    let can_fail = match op {
        ArithmeticOp::Power => true,
        _ if divides => !safe_divisor || (as_ints && op == ArithmeticOp::FloorDivide),
        _ => as_ints,
    };
    let kind = if op == ArithmeticOp::Divide { Kind::Float } else { kind };
    let mut result = Scalar::strict(expr, kind, &[left, right], can_fail);
    result.mixed = result.kind == Kind::Float
        && op != ArithmeticOp::Divide
        && !surely_float(left)
        && !surely_float(right)
        && exponent.is_none_or(|exponent| exponent >= 0);
    result
}

fn literal_int(scalar: &Scalar) -> Option<i64> {
    use datafusion::common::ScalarValue;
    match &scalar.expr {
        datafusion::logical_expr::Expr::Literal(ScalarValue::Int64(value), _) => *value,
        _ => None,
    }
}

fn is_nonzero_literal(scalar: &Scalar) -> bool {
    use datafusion::common::ScalarValue;
    let mut expr = &scalar.expr;
    while let datafusion::logical_expr::Expr::Cast(cast) = expr {
        expr = &cast.expr;
    }
    match expr {
        datafusion::logical_expr::Expr::Literal(ScalarValue::Int64(Some(value)), _) => *value != 0,
        datafusion::logical_expr::Expr::Literal(ScalarValue::Float64(Some(value)), _) => {
            *value != 0.0
        }
        _ => false,
    }
}

pub(crate) fn arithmetic_op(op: Operator) -> Option<ArithmeticOp> {
    Some(match op {
        Operator::Add => ArithmeticOp::Add,
        Operator::Sub => ArithmeticOp::Subtract,
        Operator::Mult => ArithmeticOp::Multiply,
        Operator::Div => ArithmeticOp::Divide,
        Operator::FloorDiv => ArithmeticOp::FloorDivide,
        Operator::Mod => ArithmeticOp::Modulo,
        Operator::Pow => ArithmeticOp::Power,
        _ => return None,
    })
}
