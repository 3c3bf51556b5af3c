//! Compiling what runs over rows of its own: the elements of lists.

use datafusion::logical_expr::{Expr, lit};
use larder_core::Result;

use super::{Elements, Shape, element_of};
use crate::kernel::{FieldOf, Inner, Kernel, call};
use crate::plan::Plan;
use crate::python::compiler::Compiler;
use crate::python::exception::Trial;
use crate::python::scalar::{Kind, Scalar};
use crate::python::value::{Display, Value};

/// Starts the names of columns that only such programs see; no feature is named like this.
const PREFIX: char = '\u{2}';

impl<'a> Compiler<'a> {
    /// Compiles with a plan of its own. What it does to variables is forgotten, what it raises is kept apart.
    pub(super) fn nested<T>(
        &mut self,
        run: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<(T, Plan)> {
        let id = self.number();
        let inner = self.plan.nested(id);
        let plan = std::mem::replace(&mut self.plan, inner);
        let state = self.state.clone();
        let trials = std::mem::take(&mut self.trials);
        if !trials.is_empty() {
            self.trials.push(Trial::new(self.state.scopes.len()));
        }
        let result = run(self);
        (self.trials, self.state) = (trials, state);
        let inner = std::mem::replace(&mut self.plan, plan);
        Ok((result?, inner))
    }

    /// A column that only the nested plan has.
    pub(super) fn own_column(&mut self, kind: &Kind) -> Expr {
        let name = format!("{PREFIX}{}", self.number());
        self.plan.declare(name, kind.data_type())
    }

    /// The columns of a pass, and the value that it gets.
    pub(super) fn pass_columns(&mut self, over: &Elements) -> (Vec<Expr>, Value<'a>) {
        let elements = over.lists.iter().map(|list| {
            let kind = element_of(list, lit(0)).kind;
            element_of(list, self.own_column(&kind))
        });
        let elements: Vec<Scalar> = elements.collect();
        let position = self.own_column(&Kind::Int);
        let value = element(&over.shape, &elements, &position);
        let columns = elements.into_iter().map(|element| element.expr).chain([position]);
        (columns.collect(), value)
    }

    /// What a kernel that runs a nested plan gives: several values, of which [`field_of`] takes one.
    pub(super) fn call_nested<K: Kernel>(
        &mut self,
        operands: Vec<Expr>,
        (inner, own, results): (Plan, &[Expr], Vec<Expr>),
        kernel: impl FnOnce(Inner) -> K,
    ) -> Result<Expr> {
        let (body, captured) = inner.body(own, results)?;
        let kernel = kernel(Inner::new(body));
        let kind = kernel.output(&[]);
        let made = call(kernel, operands.into_iter().chain(captured).collect());
        Ok(self.plan.share(made, &kind))
    }
}

pub(super) fn field_of(made: &Expr, at: usize) -> Expr {
    call(FieldOf { at }, vec![made.clone()])
}

fn element<'a>(shape: &Shape, elements: &[Scalar], position: &Expr) -> Value<'a> {
    match shape {
        Shape::Of(list) => Value::Scalar(elements[*list].clone()),
        Shape::Position(0) => Value::Scalar(Scalar::total(position.clone(), Kind::Int)),
        Shape::Position(start) => {
            Value::Scalar(Scalar::total(position.clone() + lit(*start), Kind::Int))
        }
        Shape::Tuple(parts) => {
            let parts = parts.iter().map(|part| element(part, elements, position));
            Value::Items(std::rc::Rc::new(parts.collect()), Display::Tuple)
        }
    }
}
