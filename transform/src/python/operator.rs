//! Python's arithmetic.

use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr, lit};
use larder_core::Result;
use ruff_python_ast::{ExprUnaryOp, Operator, UnaryOp};
use ruff_text_size::TextRange;

use super::compiler::{Compiler, is_nothing};
use super::lists::set_operator;
use super::repeat::constant_column;
use super::scalar::{Kind, Origin, Raised, Scalar, any_raised};
use super::value::{Display, Value};
use crate::kernel::{
    Arithmetic, ArithmeticOp, BitOp, Bits, Compare, CompareOp, Concat, Logical, LogicalOp, Missing,
    Repeat, call,
};

impl<'a> Compiler<'a> {
    /// A unary operator.
    pub(crate) fn unary(&mut self, node: &'a ExprUnaryOp) -> Result<Value<'a>> {
        let at = node.range;
        if node.op == UnaryOp::Not {
            return Ok(self.condition(&node.operand)?.negate().value());
        }
        let value = self.expression(&node.operand)?;
        let duration = value.scalar().filter(|scalar| scalar.kind == Kind::Duration);
        if let (UnaryOp::USub, Some(duration)) = (node.op, duration) {
            let column = matches!(value, Value::Series(_));
            return Ok(Self::duration_sign(&duration, false, column));
        }
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
        let filtered = |side: &Value<'a>| match side {
            Value::Filtered(column) => Some(Value::Series(column.clone())),
            _ => None,
        };
        if let (None, None) = (filtered(left), filtered(right)) {
            if matches!(left, Value::Series(_)) || matches!(right, Value::Series(_)) {
                return self.series_binary(op, left, right, at);
            }
        } else {
            // Beside a whole column, what was left out is missing.
            let whole = matches!(left, Value::Series(_)) || matches!(right, Value::Series(_));
            let left = filtered(left).unwrap_or_else(|| left.clone());
            let right = filtered(right).unwrap_or_else(|| right.clone());
            return match self.series_binary(op, &left, &right, at)? {
                Value::Series(column) if !whole => Ok(Value::Filtered(column)),
                other => Ok(other),
            };
        }
        if let (Operator::Mod, Value::Text(template)) = (op, left) {
            return self.percent(template, right, at);
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
        if let Some(set) = set_operator(self, op, left, right, at)? {
            return Ok(set);
        }
        if op == Operator::Add
            && let Some(list) = self.added_lists(left, right, at)?
        {
            return Ok(list);
        }
        for side in [left, right] {
            if *side == Value::None || side.scalar().is_some_and(|side| is_nothing(&side)) {
                return Err(self.wrong(at, "arithmetic with None raises in every row"));
            }
        }
        let (a, b) = (self.scalar(left, at)?, self.scalar(right, at)?);
        let timely = arithmetic_op(op).map(|op| self.time_arithmetic(op, &a, &b, false, at));
        if let Some(value) = timely.transpose()?.flatten() {
            return Ok(value);
        }
        match arithmetic_op(op) {
            Some(op) => self.arithmetic(op, &a, &b, at).map(Value::Scalar),
            None => self.bits(op, &a, &b, at).map(Value::Scalar),
        }
    }

    /// `list + list` of which the row decides one.
    fn added_lists(
        &mut self,
        left: &Value<'a>,
        right: &Value<'a>,
        at: TextRange,
    ) -> Result<Option<Value<'a>>> {
        let list = |value: &Value<'a>| match self.settled(value.clone()) {
            Value::Items(items, Display::List) => self.list_of_items(&items, at).map(Some),
            Value::Scalar(list) if matches!(list.kind, Kind::List(_)) => Ok(Some(list)),
            _ => Ok(None),
        };
        let (Some(a), Some(b)) = (list(left)?, list(right)?) else { return Ok(None) };
        self.joined(&[a, b], at).map(Value::Scalar).map(Some)
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

    /// `&`, `|`, `^`, `<<`, `>>` on two values of the row.
    fn bits(&self, op: Operator, a: &Scalar, b: &Scalar, at: TextRange) -> Result<Scalar> {
        let shifts = matches!(op, Operator::LShift | Operator::RShift);
        if a.kind == Kind::Bool && b.kind == Kind::Bool && !shifts {
            let op = match op {
                Operator::BitAnd => LogicalOp::And,
                Operator::BitOr => LogicalOp::Or,
                _ => LogicalOp::Xor,
            };
            let expr = call(Logical(op), vec![a.expr.clone(), b.expr.clone()]);
            let raises = Scalar::strict(Kind::Bool.null(), Kind::Bool, &[a, b], false);
            if raises.raised == Raised::Never {
                return Ok(Scalar::total(expr, Kind::Bool));
            }
            return Ok(Scalar::guarded(expr, Kind::Bool, &[&a.required(), &b.required()], false));
        }
        let whole = |kind: &Kind| matches!(kind, Kind::Bool | Kind::Int);
        let bit = match op {
            Operator::BitAnd => BitOp::And,
            Operator::BitOr => BitOp::Or,
            Operator::BitXor => BitOp::Xor,
            Operator::LShift => BitOp::LeftShift,
            Operator::RShift => BitOp::RightShift,
            _ => {
                let construct = format!("operator {} on values of the row", op.as_str());
                return Err(self.unsupported(at, construct, "use and, or, not and arithmetic"));
            }
        };
        if !whole(&a.kind) || !whole(&b.kind) {
            let message = format!(
                "{} and {} have no operator {}",
                a.kind.label(),
                b.kind.label(),
                op.as_str()
            );
            return Err(self.wrong(at, message));
        }
        let (a, b) = (a.without_bool(), b.without_bool());
        let expr = call(Bits(bit), vec![a.expr.clone(), b.expr.clone()]);
        Ok(Scalar::strict(expr, Kind::Int, &[&a, &b], shifts))
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
                self.numbers(op, &left.without_bool(), &right.without_bool(), at)
            }
            (a, _, b) => {
                let message = format!("{} and {} do not go together here", a.label(), b.label());
                Err(self.wrong(at, message))
            }
        }
    }
}

impl Compiler<'_> {
    /// Two numbers, none of them a bool, each Python's or numpy's.
    fn numbers(
        &mut self,
        op: ArithmeticOp,
        left: &Scalar,
        right: &Scalar,
        at: TextRange,
    ) -> Result<Scalar> {
        let origins = [left.origin, right.origin];
        if origins.contains(&Origin::Numpy) {
            let (left, right) = (left.required(), right.required());
            let result = self.column_arithmetic(op, &left, &right, false).element();
            return Ok(Scalar { origin: Origin::Numpy, ..result });
        }
        if origins.contains(&Origin::Either) && (divides(op) || op == ArithmeticOp::Power) {
            return Err(self.unsupported(
                at,
                "a division of a number that is numpy's in some rows only",
                "convert it with float() first",
            ));
        }
        let mut result = if !left.may_be_nan() && !right.may_be_nan() {
            numeric(op, left, right)
        } else if op == ArithmeticOp::Power {
            numeric(op, &left.filled(), &right.filled())
        } else {
            self.missing_numbers(op, left, right)
        };
        if origins.contains(&Origin::Either) {
            result.origin = Origin::Either;
        }
        Ok(result)
    }

    /// Arithmetic that hands a missing whole number on as not-a-number.
    fn missing_numbers(&mut self, op: ArithmeticOp, left: &Scalar, right: &Scalar) -> Scalar {
        let (left, right) = (left.required(), right.required());
        let (left, right) = (self.share_scalar(&left), self.share_scalar(&right));
        let present = |side: &Scalar| Scalar { none: false, raised: Raised::Never, ..side.clone() };
        let result = self.share_scalar(&numeric(op, &present(&left), &present(&right)));
        let mut raised = any_raised(&[&left, &right]);
        let mut also = |condition: Expr| {
            raised =
                Some(raised.take().map_or_else(|| condition.clone(), |r| r.or(condition.clone())));
        };
        if result.raised != Raised::Never {
            let here = |side: &Scalar| side.expr.clone().is_not_null();
            also(result.expr.clone().is_null().and(here(&left)).and(here(&right)));
        }
        if divides(op) && !is_nonzero_literal(&right) {
            let zero = Compare { op: CompareOp::Equal, missing: Missing::IsNan };
            also(call(zero, vec![right.expr.clone(), lit(0_i64)]));
        }
        let raised = raised.map_or(Raised::Never, Raised::when);
        Scalar { none: true, nan: true, raised, ..result }.element()
    }
}

fn divides(op: ArithmeticOp) -> bool {
    matches!(op, ArithmeticOp::Divide | ArithmeticOp::FloorDivide | ArithmeticOp::Modulo)
}

/// Two numbers of Python, none of them a bool.
fn numeric(op: ArithmeticOp, left: &Scalar, right: &Scalar) -> Scalar {
    let ints = left.kind == Kind::Int && right.kind == Kind::Int;
    let surely_float = |side: &Scalar| side.kind == Kind::Float && !side.mixed;
    let exponent = if op == ArithmeticOp::Power && ints { literal_int(right) } else { Some(0) };
    // An integer to an unknown or negative power may be a float.
    let as_ints = ints && exponent.is_some_and(|exponent| exponent >= 0);
    let kind = if as_ints { Kind::Int } else { Kind::Float };
    let (a, b) = (left.widen(&kind), right.widen(&kind));
    let expr = call(Arithmetic(op), vec![a.expr.clone(), b.expr.clone()]);
    let safe_divisor = is_nonzero_literal(&b);
    let can_fail = match op {
        ArithmeticOp::Power => true,
        _ if divides(op) => !safe_divisor || (as_ints && op == ArithmeticOp::FloorDivide),
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
    match &scalar.expr {
        Expr::Literal(ScalarValue::Int64(value), _) => *value,
        _ => None,
    }
}

fn is_nonzero_literal(scalar: &Scalar) -> bool {
    let mut expr = &scalar.expr;
    while let Expr::Cast(cast) = expr {
        expr = &cast.expr;
    }
    match expr {
        Expr::Literal(ScalarValue::Int64(Some(value)), _) => *value != 0,
        Expr::Literal(ScalarValue::Float64(Some(value)), _) => *value != 0.0,
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
