//! Operators on pandas columns.

use datafusion::logical_expr::{lit, not};
use larder_core::Result;
use ruff_python_ast::{Operator, UnaryOp};
use ruff_text_size::TextRange;

use super::compiler::{Compiler, scalar_or_none};
use super::operator::arithmetic_op;
use super::scalar::{Kind, Raised, Scalar, choose};
use super::state::Dict;
use super::value::Value;
use crate::kernel::{
    ArithmeticOp, Compare, CompareOp, Concat, Logical, LogicalOp, Math, MathFunction, Missing,
    Numpy, call,
};

impl<'a> Compiler<'a> {
    /// A binary operator with a column on at least one side.
    pub(crate) fn series_binary(
        &mut self,
        op: Operator,
        left: &Value<'a>,
        right: &Value<'a>,
        at: TextRange,
    ) -> Result<Value<'a>> {
        let (a, b) = (self.scalar(left, at)?, self.scalar(right, at)?);
        let logical = match op {
            Operator::BitAnd => Some(LogicalOp::And),
            Operator::BitOr => Some(LogicalOp::Or),
            Operator::BitXor => Some(LogicalOp::Xor),
            _ => None,
        };
        if let Some(op) = logical {
            if a.kind != Kind::Bool || b.kind != Kind::Bool {
                return Err(self.unsupported(
                    at,
                    "bit operators on numbers",
                    "combine bool columns",
                ));
            }
            let expr = call(Logical(op), vec![a.expr.clone(), b.expr.clone()]);
            return Ok(Value::Series(Scalar::guarded(expr, Kind::Bool, &[&a, &b], false)));
        }
        let Some(op) = arithmetic_op(op) else {
            let construct = format!("operator {} on columns", op.as_str());
            return Err(self.unsupported(at, construct, "use arithmetic, comparisons, &, | and ~"));
        };
        if a.kind == Kind::Text && b.kind == Kind::Text && op == ArithmeticOp::Add {
            let expr = call(Concat, vec![a.expr.clone(), b.expr.clone()]);
            return Ok(Value::Series(Scalar::propagating(expr, Kind::Text, &[&a, &b], false)));
        }
        if a.kind == Kind::Bool && b.kind == Kind::Bool {
            return Err(self.unsupported(
                at,
                "arithmetic on two bool columns",
                "use & and |, or convert with astype(\"int64\")",
            ));
        }
        if !(a.kind.is_number() && b.kind.is_number()) {
            let message =
                format!("{} and {} do not go together here", a.kind.label(), b.kind.label());
            return Err(self.wrong(at, message));
        }
        let (a, b) = (a.without_bool(), b.without_bool());
        Ok(Value::Series(self.series_arithmetic(op, &a, &b)))
    }

    fn series_arithmetic(&mut self, op: ArithmeticOp, a: &Scalar, b: &Scalar) -> Scalar {
        let kind = if a.kind == Kind::Int && b.kind == Kind::Int { Kind::Int } else { Kind::Float };
        let (a, b) = (self.share_scalar(&a.widen(&kind)), self.share_scalar(&b.widen(&kind)));
        let expr = call(Numpy(op), vec![a.expr.clone(), b.expr.clone()]);
        let floats =
            matches!(op, ArithmeticOp::Divide | ArithmeticOp::FloorDivide | ArithmeticOp::Modulo);
        let result = if floats { Kind::Float } else { kind.clone() };
        let mut value = Scalar::propagating(expr, result, &[&a, &b], false);
        if kind == Kind::Int && op == ArithmeticOp::Power {
            // numpy raises on negative integer powers.
            let negative = Compare { op: CompareOp::Less, missing: Missing::IsNan };
            let negative = call(negative, vec![b.expr.clone(), lit(0_i64)]);
            value.raised = match (value.raised_expr(), value.none) {
                (_, false) => Raised::Null,
                (None, true) => Raised::when(negative),
                (Some(raised), true) => Raised::when(raised.or(negative)),
            };
        }
        value.mixed = kind == Kind::Int && floats && op != ArithmeticOp::Divide;
        value
    }

    /// `-column`, `~column`.
    pub(crate) fn series_unary(
        &mut self,
        op: UnaryOp,
        column: &Scalar,
        at: TextRange,
    ) -> Result<Value<'a>> {
        match (op, &column.kind) {
            (UnaryOp::Invert, Kind::Bool) => {
                // On objects, ~None raises.
                let expr = not(column.expr.clone());
                Ok(Value::Series(Scalar::strict(expr, Kind::Bool, &[column], false)))
            }
            (UnaryOp::USub | UnaryOp::UAdd, Kind::Int | Kind::Float) => {
                let sign = Value::Int(if op == UnaryOp::USub { -1 } else { 1 });
                self.series_binary(Operator::Mult, &Value::Series(column.clone()), &sign, at)
            }
            _ => {
                let construct = format!("{} on a {} column", op.as_str(), column.kind.label());
                Err(self.unsupported(at, construct, "use - on numbers and ~ on bools"))
            }
        }
    }

    /// A comparison with a column on at least one side; missing values compare as unequal.
    pub(crate) fn series_compare(
        &mut self,
        op: CompareOp,
        left: &Value<'a>,
        right: &Value<'a>,
        at: TextRange,
    ) -> Result<Value<'a>> {
        let equality = matches!(op, CompareOp::Equal | CompareOp::NotEqual);
        if equality && (*left == Value::None || *right == Value::None) {
            let other = if *left == Value::None { right } else { left };
            let other = self.scalar(other, at)?;
            let expr = lit(op == CompareOp::NotEqual);
            return Ok(Value::Series(Scalar::guarded(expr, Kind::Bool, &[&other], false)));
        }
        let (a, b) = (self.scalar(left, at)?, self.scalar(right, at)?);
        let (a, b) = if a.kind == Kind::Bool && b.kind == Kind::Bool {
            (a, b)
        } else {
            (a.without_bool(), b.without_bool())
        };
        let comparable = (a.kind.is_number() && b.kind.is_number())
            || (a.kind == b.kind && matches!(a.kind, Kind::Text | Kind::Instant));
        if !comparable && !equality {
            let message = format!("{} and {} have no order", a.kind.label(), b.kind.label());
            return Err(self.wrong(at, message));
        }
        let expr = if comparable {
            call(Compare { op, missing: Missing::IsNan }, vec![a.expr.clone(), b.expr.clone()])
        } else {
            lit(op == CompareOp::NotEqual)
        };
        Ok(Value::Series(Scalar::guarded(expr, Kind::Bool, &[&a, &b], false)))
    }

    /// The absolute value of a column.
    pub(crate) fn series_abs(&mut self, column: &Scalar, at: TextRange) -> Result<Value<'a>> {
        match column.kind {
            Kind::Float => {
                let kernel = Math { function: MathFunction::Abs, raises: false };
                let expr = call(kernel, vec![column.expr.clone()]);
                Ok(Value::Series(Scalar::propagating(expr, Kind::Float, &[column], false)))
            }
            Kind::Int => {
                let column = self.share_scalar(column);
                let minus =
                    call(Numpy(ArithmeticOp::Subtract), vec![lit(0_i64), column.expr.clone()]);
                let compare = Compare { op: CompareOp::Less, missing: Missing::Raises };
                let negative = call(compare, vec![column.expr.clone(), lit(0_i64)]);
                let expr = choose(negative, minus, column.expr.clone());
                Ok(Value::Series(Scalar::propagating(expr, Kind::Int, &[&column], false)))
            }
            _ => {
                let construct = format!("abs of a {} column", column.kind.label());
                Err(self.unsupported(at, construct, "use number columns"))
            }
        }
    }

    /// What a data frame stores for an assigned value.
    pub(crate) fn frame_column(
        &self,
        frame: &Dict<'a>,
        value: Value<'a>,
        at: TextRange,
    ) -> Result<Value<'a>> {
        let has_rows = frame.entries.iter().any(|(_, value)| matches!(value, Value::Series(_)));
        match value {
            Value::Series(_) => Ok(value),
            Value::Column(scalar) => Ok(Value::Series(scalar)),
            other if has_rows => match scalar_or_none(&other) {
                Some(scalar) => Ok(Value::Series(scalar)),
                None => Err(self.unsupported(
                    at,
                    format!("a {} as a column", other.label()),
                    "assign columns and constants",
                )),
            },
            _ => Err(self.unsupported(
                at,
                "a constant as the first column of a DataFrame",
                "the frame has no rows yet: assign a computed column first, or copy the inputs",
            )),
        }
    }
}
