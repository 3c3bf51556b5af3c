//! Operators on pandas columns.

use datafusion::logical_expr::{lit, not};
use larder_core::Result;
use ruff_python_ast::{Operator, UnaryOp};
use ruff_text_size::TextRange;

use super::shape::listed;
use crate::kernel::{
    ArithmeticOp, Compare, CompareOp, Concat, Logical, LogicalOp, Math, MathFunction, Missing,
    Numpy, Repeat, call,
};
use crate::python::compiler::Compiler;
use crate::python::operator::arithmetic_op;
use crate::python::scalar::{Kind, Raised, Scalar, choose};
use crate::python::time::comparable as comparable_times;
use crate::python::value::Value;

impl<'a> Compiler<'a> {
    /// A binary operator with a column on at least one side.
    pub(crate) fn series_binary(
        &mut self,
        op: Operator,
        left: &Value<'a>,
        right: &Value<'a>,
        at: TextRange,
    ) -> Result<Value<'a>> {
        let (a, b) = (self.side(left, at)?, self.side(right, at)?);
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
        if let Some(value) = self.time_arithmetic(op, &a, &b, true, at)? {
            return Ok(value);
        }
        match (&a.kind, op, &b.kind) {
            (Kind::Text, ArithmeticOp::Add, Kind::Text) => {
                let expr = call(Concat, vec![a.expr.clone(), b.expr.clone()]);
                return Ok(Value::Series(Scalar::propagating(expr, Kind::Text, &[&a, &b], false)));
            }
            (Kind::Text, ArithmeticOp::Multiply, Kind::Int) => {
                let expr = call(Repeat, vec![a.expr.clone(), b.expr.clone()]);
                return Ok(Value::Series(Scalar::propagating(expr, Kind::Text, &[&a, &b], false)));
            }
            (Kind::Bool, ArithmeticOp::Add | ArithmeticOp::Multiply, Kind::Bool)
                if !a.none && !b.none =>
            {
                let op = match op {
                    ArithmeticOp::Add => LogicalOp::Or,
                    _ => LogicalOp::And,
                };
                let expr = call(Logical(op), vec![a.expr.clone(), b.expr.clone()]);
                return Ok(Value::Series(Scalar::guarded(expr, Kind::Bool, &[&a, &b], false)));
            }
            (Kind::Bool, _, Kind::Bool) => {
                return Err(self.unsupported(
                    at,
                    "arithmetic on two bool columns",
                    "use & and |, or convert with astype(\"int64\")",
                ));
            }
            _ => {}
        }
        if !(a.kind.is_number() && b.kind.is_number()) {
            let message =
                format!("{} and {} do not go together here", a.kind.label(), b.kind.label());
            return Err(self.wrong(at, message));
        }
        let (a, b) = (a.without_bool(), b.without_bool());
        Ok(Value::Series(self.column_arithmetic(op, &a, &b, true)))
    }

    /// numpy's arithmetic on two numbers, none of them a bool: of columns, or of scalars.
    pub(crate) fn column_arithmetic(
        &mut self,
        op: ArithmeticOp,
        a: &Scalar,
        b: &Scalar,
        columns: bool,
    ) -> Scalar {
        let kind = if a.kind == Kind::Int && b.kind == Kind::Int { Kind::Int } else { Kind::Float };
        let (a, b) = (self.share_scalar(&a.widen(&kind)), self.share_scalar(&b.widen(&kind)));
        let expr = call(Numpy { op, columns }, vec![a.expr.clone(), b.expr.clone()]);
        let floats = op == ArithmeticOp::Divide
            || columns && matches!(op, ArithmeticOp::FloorDivide | ArithmeticOp::Modulo);
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

    /// An operand beside a column; a list of the rows' values becomes a column.
    fn side(&self, value: &Value<'a>, at: TextRange) -> Result<Scalar> {
        match self.settled(value.clone()) {
            Value::Column(list) => Ok(listed(list)),
            other => self.scalar(&other, at),
        }
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
        let (a, b) = (self.side(left, at)?, self.side(right, at)?);
        let (a, b) = if a.kind == Kind::Bool && b.kind == Kind::Bool {
            (a, b)
        } else {
            (a.without_bool(), b.without_bool())
        };
        let comparable = (a.kind.is_number() && b.kind.is_number())
            || (a.kind == Kind::Text && b.kind == Kind::Text)
            || comparable_times(&a.kind, &b.kind);
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
    pub(crate) fn column_abs(&mut self, column: &Scalar, at: TextRange) -> Result<Scalar> {
        match column.kind {
            Kind::Float => {
                let kernel = Math { function: MathFunction::Abs, raises: false };
                let expr = call(kernel, vec![column.expr.clone()]);
                Ok(Scalar::propagating(expr, Kind::Float, &[column], false))
            }
            Kind::Int => {
                let column = self.share_scalar(column);
                let minus = Numpy { op: ArithmeticOp::Subtract, columns: true };
                let minus = call(minus, vec![lit(0_i64), column.expr.clone()]);
                let compare = Compare { op: CompareOp::Less, missing: Missing::Raises };
                let negative = call(compare, vec![column.expr.clone(), lit(0_i64)]);
                let expr = choose(negative, minus, column.expr.clone());
                Ok(Scalar::propagating(expr, Kind::Int, &[&column], false))
            }
            _ => {
                let construct = format!("abs of a {} column", column.kind.label());
                Err(self.unsupported(at, construct, "use number columns"))
            }
        }
    }
}
