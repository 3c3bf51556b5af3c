//! Comprehensions over the elements of lists.

use datafusion::logical_expr::{Expr, lit};
use larder_core::Result;
use ruff_python_ast::{Comprehension, ExprGenerator};
use ruff_text_size::{Ranged, TextRange};

use super::Elements;
use super::nested::field_of;
use crate::kernel::{Flatten, Mapped, Quantified, call};
use crate::python::compiler::Compiler;
use crate::python::comprehension::Made;
use crate::python::condition::Condition;
use crate::python::exception::Fault;
use crate::python::repeat::Pass;
use crate::python::scalar::{Kind, Scalar, choose};
use crate::python::value::Value;

/// What becomes of the values of the elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Goal {
    List,
    /// Whether one is true (`true`), or all are.
    Truth(bool),
}

/// A value for every element of a list, and whether it is kept.
type OfElement<'c, 'a> =
    &'c mut dyn FnMut(&mut Compiler<'a>, Value<'a>) -> Result<(Condition, Value<'a>)>;

impl<'a> Compiler<'a> {
    /// A comprehension over lists of the row; the generators after the first one run per element.
    pub(crate) fn comprehend(
        &mut self,
        over: &Elements,
        generators: &'a [Comprehension],
        goal: Goal,
        body: &mut dyn FnMut(&mut Self) -> Result<Value<'a>>,
    ) -> Result<Scalar> {
        let Some((first, rest)) = generators.split_first() else {
            return Ok(super::constant_int(0));
        };
        let at = first.iter.range();
        let list = self.map_elements(over, goal, at, &mut |c, element| {
            c.assign(&first.target, element)?;
            let kept = Condition::PerRow(c.kept(&first.ifs)?.scalar());
            let value = c.where_holds(&kept.scalar(), true, |c| {
                Ok(match c.generate(rest, body)? {
                    Made::Rows(_) => return Err(c.nested_rows(first.range)),
                    Made::Items(mut items) if rest.is_empty() => items.pop().unwrap_or(Value::None),
                    Made::Items(items) => Value::Scalar(c.list_of_items(&items, at)?),
                    Made::List(list) => Value::Scalar(list),
                })
            })?;
            Ok((kept, value))
        })?;
        if rest.is_empty() { Ok(list) } else { Ok(flattened(&list)) }
    }

    /// The tests of a comprehension, each looked at only where those before it hold.
    pub(crate) fn kept(&mut self, tests: &'a [ruff_python_ast::Expr]) -> Result<Condition> {
        let mut kept = Condition::Known(true);
        for test in tests {
            kept = match kept.known() {
                Some(false) => return Ok(kept),
                Some(true) => self.condition(test)?,
                None => {
                    let before = self.share_scalar(&kept.scalar());
                    let next = self.where_holds(&before, true, |c| c.condition(test))?;
                    self.join(ruff_python_ast::BoolOp::And, &before, &next)
                }
            };
        }
        Ok(match kept {
            Condition::Known(_) => kept,
            Condition::PerRow(kept) => Condition::PerRow(self.share_scalar(&kept)),
        })
    }

    /// A list of the values of a list's elements, or the truth of some or all.
    pub(super) fn map_elements(
        &mut self,
        over: &Elements,
        goal: Goal,
        at: TextRange,
        of_element: OfElement<'_, 'a>,
    ) -> Result<Scalar> {
        let lists: Vec<Scalar> = over.lists.iter().map(|list| self.share_scalar(list)).collect();
        let over = Elements { lists, ..over.clone() };
        let ((own, value, exprs), inner) = self.nested(|c| {
            let (own, element) = c.pass_columns(&over);
            let (kept, value) = of_element(c, element)?;
            let value = match goal {
                Goal::List => c.list_item_of(&value, at)?,
                Goal::Truth(_) => c.truth(&value, at)?.scalar(),
            };
            let (kept, value) = (c.share_scalar(&kept.scalar()), c.share_scalar(&value));
            let fault = c.pass_fault().unwrap_or_else(|| fault(&kept, &value));
            let exprs = vec![value.expr.clone(), kept.expr, fault];
            Ok((own, value, exprs))
        })?;
        let fails = exprs[2] != lit(0_i64);
        let operands = over.lists.iter().map(|list| list.expr.clone()).collect();
        let (lists, operand_refs) = (over.lists.len(), over.lists.iter().collect::<Vec<_>>());
        let nested = (inner, own.as_slice(), exprs);
        let (made, kind) = match goal {
            Goal::List => {
                let element = value.kind.data_type();
                let kernel = |inner| Mapped { inner, lists, element };
                let kind = Kind::List(Box::new(value.kind.clone()));
                (self.call_nested(operands, nested, kernel)?, kind)
            }
            Goal::Truth(stop) => {
                let kernel = |inner| Quantified { inner, lists, stop };
                (self.call_nested(operands, nested, kernel)?, Kind::Bool)
            }
        };
        let result = Scalar::strict(field_of(&made, 0), kind, &operand_refs, fails);
        self.note_pass_faults(&over.lists, fails.then(|| field_of(&made, 1)), at)?;
        let mixed = value.mixed && goal == Goal::List;
        Ok(self.share_scalar(&Scalar { mixed, ..result }))
    }

    /// Takes down what the passes of a loop or comprehension raised.
    pub(super) fn note_pass_faults(
        &mut self,
        lists: &[Scalar],
        fault: Option<Expr>,
        at: TextRange,
    ) -> Result<()> {
        if !self.is_trying() {
            return Ok(());
        }
        if let Some(missing) = super::any_missing(lists) {
            self.note(missing, lit(Fault::Type.code()), at)?;
        }
        let Some(fault) = fault else { return Ok(()) };
        let fault = self.plan.share(fault, &Kind::Int.data_type());
        self.note(fault.clone().not_eq(lit(0_i64)), fault, at)
    }

    /// `any(..)` and `all(..)` of a generator over lists of the row: later elements are not looked at.
    pub(crate) fn quantified(
        &mut self,
        generator: &'a ExprGenerator,
        stop: bool,
    ) -> Result<Option<Value<'a>>> {
        let [first] = generator.generators.as_slice() else { return Ok(None) };
        let over = self.expression(&first.iter)?;
        let at = first.iter.range();
        let Ok(Pass::Elements(over)) = self.pass(&over, at) else { return Ok(None) };
        let truth = self.in_scope(|c| {
            c.comprehend(&over, &generator.generators, Goal::Truth(stop), &mut |c| {
                c.expression(&generator.elt)
            })
        })?;
        Ok(Some(Value::Scalar(truth)))
    }
}

fn flattened(list: &Scalar) -> Scalar {
    let kind = super::element_of(list, lit(0)).kind;
    if !matches!(kind, Kind::List(_)) {
        // Every inner list was empty.
        return list.clone();
    }
    let expr = call(Flatten, vec![list.expr.clone()]);
    Scalar { mixed: list.mixed, ..Scalar::strict(expr, kind, &[list], false) }
}

/// What an element raised when no handler asks for the class.
fn fault(kept: &Scalar, value: &Scalar) -> Expr {
    let value = value.raised_expr().map(|raised| {
        if kept.expr == lit(true) { raised } else { kept.expr.clone().is_true().and(raised) }
    });
    match [kept.raised_expr(), value].into_iter().flatten().reduce(Expr::or) {
        None => lit(0_i64),
        Some(raised) => choose(raised, lit(Fault::Beyond.code()), lit(0_i64)),
    }
}
