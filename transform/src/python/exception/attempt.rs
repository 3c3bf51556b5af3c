//! The `try` statement.

use datafusion::logical_expr::{Expr, lit, not};
use larder_core::Result;
use ruff_python_ast::{ExceptHandler, Expr as Node, StmtRaise, StmtTry};
use ruff_text_size::{Ranged, TextRange};

use super::{Fault, Trial, raising};
use crate::python::compiler::{Compiler, scalar_or_none};
use crate::python::flow::{Flow, Rest, Work};
use crate::python::scalar::{Kind, Scalar};
use crate::python::state::State;
use crate::python::value::Value;

impl<'a> Compiler<'a> {
    /// Runs a `try`, and then the rest if there is one.
    pub(crate) fn attempt(
        &mut self,
        node: &'a StmtTry,
        rest: Option<&Rest<'_, 'a>>,
    ) -> Result<Flow<'a>> {
        let at = node.range();
        if let (Some(last), true) = (node.finalbody.first(), rest.is_some()) {
            let construct = "finally of a try that returns";
            return Err(self.unsupported(last.range(), construct, "return after the try"));
        }
        let classes: Vec<Vec<Fault>> =
            node.handlers.iter().map(|handler| self.caught(handler)).collect::<Result<_>>()?;
        let outer = self.trials.len();
        let before = self.state.clone();
        let scopes = self.state.scopes.len();
        self.trials.push(Trial::new(scopes));
        let after = Rest { work: Work::Statements(&node.orelse), outer: rest, trials: outer };
        let mut flow = self.block(&node.body, Some(&after))?;
        let trial = self.trials.pop().expect("every try pops its own");
        if let Some(failed) = &trial.failed {
            let mut caught: Vec<Fault> = Vec::new();
            for (handler, mut own) in node.handlers.iter().zip(classes) {
                let ExceptHandler::ExceptHandler(handler) = handler;
                own.retain(|fault| !caught.contains(fault));
                let Some(condition) = self.raised_one_of(&trial, &own) else { continue };
                caught.extend(own);
                let success = std::mem::replace(&mut self.state, failed.clone());
                if let Some(name) = &handler.name {
                    let reason = "the exception itself is not known; leave it out";
                    self.state.bind(name, Value::Unusable(reason.into()));
                }
                let handled =
                    self.where_holds(&condition, true, |c| c.block(&handler.body, rest))?;
                let after_handler = std::mem::replace(&mut self.state, success);
                let success = std::mem::take(&mut self.state);
                flow =
                    self.join_flows(&condition, (handled, after_handler), (flow, success), at)?;
            }
            // A handler further out sees the variables as the exception left them.
            let success = std::mem::replace(&mut self.state, failed.clone());
            self.propagate(&trial, &caught, at)?;
            self.state = success;
            flow = self.uncaught(&trial, &caught, &before, flow, at)?;
        }
        if !node.finalbody.is_empty() {
            self.block(&node.finalbody, None)?;
        }
        Ok(flow)
    }

    /// Where no handler caught the exception, everything that the `try` computed raises.
    fn uncaught(
        &mut self,
        trial: &Trial<'a>,
        caught: &[Fault],
        before: &State<'a>,
        flow: Flow<'a>,
        at: TextRange,
    ) -> Result<Flow<'a>> {
        let escaped = Scalar::total(self.escaped(trial, caught), Kind::Bool);
        let escaped = self.share_scalar(&escaped);
        if let Flow::Return(value) = flow {
            let raises = Value::Scalar(raising());
            return Ok(Flow::Return(self.select(&escaped, &raises, &value, at)?));
        }
        let after = std::mem::take(&mut self.state);
        self.merge(&escaped, harmed(before, &after), &after, at)?;
        Ok(flow)
    }

    fn escaped(&mut self, trial: &Trial<'a>, caught: &[Fault]) -> Expr {
        let raised = trial.code.clone().not_eq(lit(Fault::NONE));
        match self.raised_one_of(trial, caught) {
            Some(caught) => raised.and(not(caught.expr)),
            None => raised,
        }
    }

    /// Rows whose first exception is one of these.
    fn raised_one_of(&mut self, trial: &Trial<'a>, faults: &[Fault]) -> Option<Scalar> {
        let here = faults.iter().map(|fault| trial.code.clone().eq(lit(fault.code())));
        let here = here.reduce(Expr::or)?;
        let here = self.plan.share(here, &Kind::Bool.data_type());
        Some(Scalar::total(here, Kind::Bool))
    }

    /// Hands what no handler caught to the `try` around this one.
    fn propagate(&mut self, trial: &Trial<'a>, caught: &[Fault], at: TextRange) -> Result<()> {
        if !self.is_trying() {
            return Ok(());
        }
        let escaped = self.escaped(trial, caught);
        self.note(escaped, trial.code.clone(), at)
    }

    fn caught(&self, handler: &'a ExceptHandler) -> Result<Vec<Fault>> {
        let ExceptHandler::ExceptHandler(handler) = handler;
        let classes = match handler.type_.as_deref() {
            None => return Ok(Fault::caught_by("Exception").unwrap_or_default()),
            Some(Node::Tuple(tuple)) => tuple.elts.iter().collect(),
            Some(class) => vec![class],
        };
        let mut caught = Vec::new();
        for class in classes {
            let known = match class {
                Node::Name(name) => Fault::caught_by(&name.id),
                _ => None,
            };
            caught.extend(known.ok_or_else(|| self.unknown_class(class.range()))?);
        }
        Ok(caught)
    }

    fn unknown_class(&self, at: TextRange) -> larder_core::Error {
        self.unsupported(
            at,
            "this class of exceptions",
            "use Exception, ZeroDivisionError, TypeError, ValueError, KeyError, IndexError, AttributeError or OverflowError",
        )
    }

    /// `raise Class(..)`.
    pub(crate) fn raise(&mut self, node: &'a StmtRaise) -> Result<Flow<'a>> {
        let class = match node.exc.as_deref() {
            Some(Node::Call(call)) => Some(&*call.func),
            other => other,
        };
        let fault = match class {
            None => Some(Fault::Beyond),
            Some(Node::Name(name)) => Fault::of_class(&name.id),
            Some(_) => None,
        };
        let fault = fault.ok_or_else(|| self.unknown_class(node.range()))?;
        if self.is_trying() {
            self.note(lit(true), lit(fault.code()), node.range())?;
        } else if self.folding {
            return Ok(self.leave_loop_by_raising());
        }
        Ok(Flow::Raise)
    }
}

/// A state in which everything that differs from an earlier one raises.
fn harmed<'a>(before: &State<'a>, after: &State<'a>) -> State<'a> {
    let raises = || Value::Scalar(raising());
    let mut harmed = after.clone();
    for (scope, known) in harmed.scopes.iter_mut().zip(&before.scopes) {
        for (name, value) in &mut scope.variables {
            if known.variables.get(name) != Some(value) && scalar_or_none(value).is_some() {
                *value = raises();
            }
        }
    }
    for (number, list) in &mut harmed.lists {
        let known = before.lists.get(number).and_then(|list| list.pending.as_ref());
        if list.pending.as_ref() != known && list.pending.is_some() {
            list.pending = Some(raises());
        }
    }
    harmed
}
