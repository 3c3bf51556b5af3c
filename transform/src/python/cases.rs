//! The `match` statement over values of the row.

use larder_core::Result;
use ruff_python_ast::{BoolOp, CmpOp, MatchCase, Pattern, Singleton, StmtMatch};
use ruff_text_size::{Ranged, TextRange};

use super::compiler::Compiler;
use super::condition::Condition;
use super::flow::{Flow, Rest};
use super::value::Value;

impl<'a> Compiler<'a> {
    /// Runs the first case that fits, and then the rest if there is one.
    pub(crate) fn choose_case(
        &mut self,
        node: &'a StmtMatch,
        rest: Option<&Rest<'_, 'a>>,
    ) -> Result<Flow<'a>> {
        let subject = self.expression(&node.subject)?;
        let subject = self.share(subject);
        self.cases(&subject, &node.cases, rest)
    }

    fn cases(
        &mut self,
        subject: &Value<'a>,
        cases: &'a [MatchCase],
        rest: Option<&Rest<'_, 'a>>,
    ) -> Result<Flow<'a>> {
        let Some((case, others)) = cases.split_first() else { return self.block(&[], rest) };
        let at = case.range();
        let mut fits = self.fits(subject, &case.pattern)?;
        if let (Some(guard), true) = (&case.guard, fits.known() != Some(false)) {
            let first = self.share_scalar(&fits.scalar());
            let guard = self.where_holds(&first, true, |c| c.condition(guard))?;
            fits = match fits.known() {
                Some(_) => guard,
                None => self.join(BoolOp::And, &first, &guard),
            };
        }
        let then = |c: &mut Self| c.block(&case.body, rest);
        self.two_ways(&fits, at, then, |c| c.cases(subject, others, rest))
    }

    /// Whether a value fits a pattern.
    fn fits(&mut self, subject: &Value<'a>, pattern: &'a Pattern) -> Result<Condition> {
        let at = pattern.range();
        match pattern {
            Pattern::MatchValue(value) => {
                let value = self.expression(&value.value)?;
                self.compared(CmpOp::Eq, subject, &value, at)
            }
            Pattern::MatchSingleton(single) => {
                let value = match single.value {
                    Singleton::None => Value::None,
                    Singleton::True => Value::Bool(true),
                    Singleton::False => Value::Bool(false),
                };
                self.compared(CmpOp::Is, subject, &value, at)
            }
            Pattern::MatchOr(choice) => {
                let mut fits = Condition::Known(false);
                for pattern in &choice.patterns {
                    let next = self.fits(subject, pattern)?;
                    fits = match fits.known() {
                        Some(true) => return Ok(fits),
                        Some(false) => next,
                        None => self.join(BoolOp::Or, &fits.scalar(), &next),
                    };
                }
                Ok(fits)
            }
            Pattern::MatchAs(bind) => {
                let fits = match &bind.pattern {
                    Some(pattern) => self.fits(subject, pattern)?,
                    None => Condition::Known(true),
                };
                if let Some(name) = &bind.name {
                    self.state.bind(name, subject.clone());
                }
                Ok(fits)
            }
            _ => Err(self.unsupported(
                at,
                "this pattern",
                "match literals, None, True, False, alternatives and _",
            )),
        }
    }

    fn compared(
        &mut self,
        op: CmpOp,
        subject: &Value<'a>,
        value: &Value<'a>,
        at: TextRange,
    ) -> Result<Condition> {
        let same = self.compare(op, subject, value, at)?;
        self.truth(&same, at)
    }
}
