//! Truth: tests, `and`, `or`, `not`.

use datafusion::logical_expr::lit;
use larder_core::Result;
use ruff_python_ast::{BoolOp, Expr, ExprBoolOp, UnaryOp};
use ruff_text_size::{Ranged, TextRange};

use super::compiler::{Compiler, is_nothing};
use super::scalar::{Kind, Raised, Scalar, choose};
use super::value::Value;
use crate::kernel::{Truth, call};

/// The truth of a test: known when compiling, or a bool per row that is never `None`.
#[derive(Debug, Clone)]
pub(crate) enum Condition {
    Known(bool),
    PerRow(Scalar),
}

impl Condition {
    pub(crate) fn known(&self) -> Option<bool> {
        match self {
            Self::Known(holds) => Some(*holds),
            Self::PerRow(_) => None,
        }
    }

    pub(crate) fn scalar(&self) -> Scalar {
        match self {
            Self::Known(holds) => Scalar::total(lit(*holds), Kind::Bool),
            Self::PerRow(scalar) => scalar.clone(),
        }
    }

    pub(crate) fn value<'a>(self) -> Value<'a> {
        match self {
            Self::Known(holds) => Value::Bool(holds),
            Self::PerRow(scalar) => Value::Scalar(scalar),
        }
    }

    pub(crate) fn negate(self) -> Self {
        match self {
            Self::Known(holds) => Self::Known(!holds),
            Self::PerRow(mut scalar) => {
                scalar.expr = datafusion::logical_expr::not(scalar.expr);
                Self::PerRow(scalar)
            }
        }
    }
}

impl<'a> Compiler<'a> {
    /// The truth of an expression; `and`, `or` and `not` inside need no common type.
    pub(crate) fn condition(&mut self, test: &'a Expr) -> Result<Condition> {
        match test {
            Expr::BoolOp(ExprBoolOp { op, values, .. }) => {
                let mut values = values.iter();
                let first = values.next().expect("a boolean operation has operands");
                let mut truth = self.condition(first)?;
                for value in values {
                    let stop = *op == BoolOp::Or;
                    truth = match truth.known() {
                        Some(holds) if holds == stop => return Ok(truth),
                        Some(_) => self.condition(value)?,
                        None => {
                            let first = self.share_scalar(&truth.scalar());
                            let next = self.where_holds(&first, !stop, |c| c.condition(value))?;
                            self.join(*op, &first, &next)
                        }
                    };
                }
                Ok(truth)
            }
            Expr::UnaryOp(unary) if unary.op == UnaryOp::Not => {
                Ok(self.condition(&unary.operand)?.negate())
            }
            _ => {
                let value = self.expression(test)?;
                self.truth(&value, test.range())
            }
        }
    }

    /// Both truths (or either) of which the second is looked at only if the first leaves it open.
    pub(super) fn join(&mut self, op: BoolOp, first: &Scalar, second: &Condition) -> Condition {
        let first = self.share_scalar(first);
        let second = second.scalar();
        let expr = match op {
            BoolOp::And => choose(first.expr.clone(), second.expr.clone(), lit(false)),
            BoolOp::Or => choose(first.expr.clone(), lit(true), second.expr.clone()),
        };
        Condition::PerRow(Scalar::strict(expr, Kind::Bool, &[&first, &second], false))
    }

    /// The truth of a value.
    pub(crate) fn truth(&mut self, value: &Value<'a>, at: TextRange) -> Result<Condition> {
        let value = self.settled(value.clone());
        if let Some(known) = value.static_truth() {
            return Ok(Condition::Known(known));
        }
        match &value {
            Value::Scalar(scalar) if is_nothing(scalar) => Ok(Condition::Known(false)),
            Value::Scalar(scalar) | Value::SetOf(scalar) => {
                self.scalar_truth(scalar, at).map(Condition::PerRow)
            }
            Value::Series(_) => Err(self.unsupported(
                at,
                "the truth of a whole column",
                "combine conditions with & and |, choose with numpy.where",
            )),
            Value::Dict(number) => Ok(Condition::Known(!self.dict(*number).entries.is_empty())),
            _ => Err(self.unsupported(
                at,
                format!("the truth of a {}", value.label()),
                "test a value of the row",
            )),
        }
    }

    fn scalar_truth(&mut self, scalar: &Scalar, at: TextRange) -> Result<Scalar> {
        if matches!(scalar.kind, Kind::Bytes | Kind::Opaque(_)) {
            let construct = format!("the truth of a {}", scalar.kind.label());
            return Err(self.unsupported(at, construct, "test for None with is None"));
        }
        if !scalar.none {
            if scalar.kind == Kind::Bool {
                return Ok(scalar.clone());
            }
            let expr = call(Truth { null: None }, vec![scalar.expr.clone()]);
            return Ok(Scalar { expr, kind: Kind::Bool, mixed: false, ..scalar.clone() });
        }
        let scalar = self.share_scalar(scalar);
        let expr = call(Truth { null: Some(scalar.nan) }, vec![scalar.expr.clone()]);
        Ok(Scalar::guarded(expr, Kind::Bool, &[&scalar], false))
    }

    /// `a and b`, `a or b` with Python's values: one of the operands.
    pub(crate) fn boolean(&mut self, op: &'a ExprBoolOp) -> Result<Value<'a>> {
        let mut operands = op.values.iter();
        let first = operands.next().expect("a boolean operation has operands");
        let mut value = self.expression(first)?;
        for operand in operands {
            value = self.share(value);
            let truth = self.truth(&value, op.range())?;
            if let Some(holds) = truth.known() {
                if holds == (op.op == BoolOp::Or) {
                    return Ok(value);
                }
                value = self.expression(operand)?;
                continue;
            }
            let truth = self.share_scalar(&truth.scalar());
            let holds = op.op == BoolOp::And;
            let other = self.where_holds(&truth, holds, |c| c.expression(operand))?;
            value = match op.op {
                BoolOp::And => self.select(&truth, &other, &value, op.range())?,
                BoolOp::Or => {
                    self.select(&truth, &Self::truthy_side(&value), &other, op.range())?
                }
            };
        }
        Ok(value)
    }

    /// What remains of a value known to be true: not `None`.
    fn truthy_side(value: &Value<'a>) -> Value<'a> {
        match value {
            Value::Scalar(scalar) => {
                if scalar.may_be_nan() {
                    return value.clone();
                }
                let raised = if scalar.is_nullable() { Raised::Null } else { Raised::Never };
                Value::Scalar(Scalar { none: false, raised, ..scalar.clone() })
            }
            other => other.clone(),
        }
    }
}
