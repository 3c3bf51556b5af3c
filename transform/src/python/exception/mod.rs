//! `try`, `raise` and what an operation raises, row by row.
//!
//! A row that raises is a null with a reason. Inside of `try` the compiler also keeps, per row, the
//! class of the first exception, so that each handler answers for its own rows.

mod attempt;
mod fault;

use datafusion::logical_expr::{Expr, lit};
use larder_core::Result;
use ruff_text_size::TextRange;

pub(crate) use self::fault::Fault;
use super::compiler::Compiler;
use super::scalar::{Kind, Raised, Scalar, choose};
use super::state::State;
use super::value::Value;

/// A `try` whose body is being compiled.
#[derive(Debug)]
pub(crate) struct Trial<'a> {
    /// The fault of a row, 0 where nothing was raised so far.
    code: Expr,
    /// What holds in the rows that the current expression is computed for, beyond what held before the `try`.
    path: Vec<Expr>,
    /// Variables as the first exception of a row left them.
    failed: Option<State<'a>>,
    /// Scopes that the handlers see.
    scopes: usize,
}

impl Trial<'_> {
    pub(crate) fn new(scopes: usize) -> Self {
        Self { code: lit(Fault::NONE), path: Vec::new(), failed: None, scopes }
    }

    /// Conditions that hold where the current expression is computed.
    fn reached(&self) -> impl Iterator<Item = Expr> {
        let unharmed = self.code.clone().eq(lit(Fault::NONE));
        std::iter::once(unharmed).chain(self.path.iter().cloned())
    }
}

impl<'a> Compiler<'a> {
    /// Whether exceptions are of interest to a handler.
    pub(crate) fn is_trying(&self) -> bool {
        !self.trials.is_empty()
    }

    /// The code of what a pass through a list raised; `None` if no handler asks.
    pub(crate) fn pass_fault(&self) -> Option<Expr> {
        self.trials.last().map(|trial| trial.code.clone())
    }

    /// The variables as the first exception of a pass left them.
    pub(crate) fn pass_failure(&self) -> Option<State<'a>> {
        self.trials.last().and_then(|trial| trial.failed.clone())
    }

    /// Compiles what is computed only where the condition holds.
    pub(crate) fn where_holds<T>(
        &mut self,
        condition: &Scalar,
        holds: bool,
        compile: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let Some(trial) = self.trials.last_mut() else { return compile(self) };
        let expr = condition.expr.clone();
        trial.path.push(if holds { expr.is_true() } else { expr.is_false() });
        let depth = self.trials.len();
        let done = compile(self);
        if let Some(trial) = self.trials.get_mut(depth - 1) {
            trial.path.pop();
        }
        done
    }

    /// Compiles what follows all but the first `try`, where they raised nothing.
    pub(crate) fn after_trials<T>(
        &mut self,
        outer: usize,
        compile: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let inner = self.trials.split_off(outer.min(self.trials.len()));
        let known = self.trials.last().map_or(0, |trial| trial.path.len());
        if let Some(trial) = self.trials.last_mut() {
            trial.path.extend(inner.iter().flat_map(Trial::reached));
        }
        let done = compile(self);
        if let Some(trial) = self.trials.last_mut() {
            trial.path.truncate(known);
        }
        self.trials.extend(inner);
        done
    }

    /// Takes down that computing the value may have raised this.
    pub(crate) fn observe(&mut self, value: &Value<'a>, fault: Fault, at: TextRange) -> Result<()> {
        let raised = match value {
            Value::Scalar(scalar) => scalar.raised_expr(),
            _ => None,
        };
        match raised {
            Some(raised) if self.is_trying() => self.note(raised, lit(fault.code()), at),
            _ => Ok(()),
        }
    }

    /// Takes down what an operation on these operands raised: `none` where one of them is `None`.
    pub(crate) fn observe_operation(
        &mut self,
        value: &Value<'a>,
        operands: &[&Value<'a>],
        (none, fault): (Fault, Fault),
        at: TextRange,
    ) -> Result<()> {
        let Value::Scalar(result) = value else { return Ok(()) };
        let Some(raised) = result.raised_expr().filter(|_| self.is_trying()) else { return Ok(()) };
        let missing = operands.iter().filter_map(|operand| match operand {
            Value::Scalar(scalar) if scalar.none && !scalar.nan => {
                Some(scalar.expr.clone().is_null())
            }
            _ => None,
        });
        if let Some(missing) = missing.reduce(Expr::or) {
            self.note(raised.clone().and(missing), lit(none.code()), at)?;
        }
        self.note(raised, lit(fault.code()), at)
    }

    /// Rows in which something was raised for the first time, and the fault's code.
    pub(crate) fn note(&mut self, raised: Expr, code: Expr, at: TextRange) -> Result<()> {
        let Some(trial) = self.trials.last() else { return Ok(()) };
        let fresh = trial.reached().fold(raised, Expr::and).is_true();
        let fresh = self.plan.share(fresh, &Kind::Bool.data_type());
        let Some(trial) = self.trials.last_mut() else { return Ok(()) };
        let code = choose(fresh.clone(), code, trial.code.clone());
        let (before, scopes) = (trial.failed.take(), trial.scopes);
        let mut now = self.state.clone();
        now.scopes.truncate(scopes);
        let failed = match before {
            Some(before) if before != now => {
                let state = std::mem::take(&mut self.state);
                let first = Scalar::total(fresh, Kind::Bool);
                self.merge(&first, now, &before, at)?;
                std::mem::replace(&mut self.state, state)
            }
            _ => now,
        };
        let code = self.plan.share(code, &Kind::Int.data_type());
        if let Some(trial) = self.trials.last_mut() {
            (trial.code, trial.failed) = (code, Some(failed));
        }
        Ok(())
    }
}

/// A value that raises in every row.
pub(crate) fn raising() -> Scalar {
    Scalar { none: false, raised: Raised::when(lit(true)), ..super::compiler::nothing() }
}
