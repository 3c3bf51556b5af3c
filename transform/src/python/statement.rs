//! Statements.

use larder_core::Result;
use ruff_python_ast::{ElifElseClause, Expr, Stmt, StmtFor, StmtIf};
use ruff_text_size::{Ranged, TextRange};

use super::compiler::Compiler;
use super::condition::Condition;
use super::exception::raising;
use super::flow::{Flow, Rest, Work, ends_early, loop_around};
use super::scalar::{Kind, Scalar};
use super::state::State;
use super::value::{Code, Display, Value};

/// What an `if` does when its test fails.
#[derive(Clone, Copy)]
enum Otherwise<'a> {
    Nothing,
    Block(&'a [Stmt]),
    If(&'a Expr, &'a [Stmt], &'a [ElifElseClause]),
}

impl<'a> Otherwise<'a> {
    fn of(clauses: &'a [ElifElseClause]) -> Self {
        match clauses {
            [] => Self::Nothing,
            [ElifElseClause { test: Some(test), body, .. }, rest @ ..] => {
                Self::If(test, body, rest)
            }
            [ElifElseClause { test: None, body, .. }, ..] => Self::Block(body),
        }
    }
}

impl<'a> Compiler<'a> {
    /// Runs statements and then the rest.
    pub(crate) fn block(
        &mut self,
        statements: &'a [Stmt],
        rest: Option<&Rest<'_, 'a>>,
    ) -> Result<Flow<'a>> {
        for (index, statement) in statements.iter().enumerate() {
            self.spend(statement.range())?;
            let work = Work::Statements(&statements[index + 1..]);
            let after = Rest { work, outer: rest, trials: self.trials.len() };
            let after = Some(&after).filter(|_| ends_early(statement));
            let flow = match statement {
                Stmt::If(branch) => {
                    let StmtIf { test, body, elif_else_clauses, .. } = branch;
                    self.branch(test, body, Otherwise::of(elif_else_clauses), after)?
                }
                Stmt::Match(choice) => self.choose_case(choice, after)?,
                Stmt::Try(attempt) => self.attempt(attempt, after)?,
                Stmt::For(each) if after.is_some() => return self.escaping(each, after),
                Stmt::Continue(_) | Stmt::Break(_) if loop_around(rest).is_some() => {
                    let rest = loop_around(rest);
                    let past = matches!(statement, Stmt::Break(_));
                    return self.resume(if past { rest.and_then(|rest| rest.outer) } else { rest });
                }
                _ => match self.statement(statement)? {
                    Flow::Next => continue,
                    end => return Ok(end),
                },
            };
            if after.is_some() {
                return Ok(flow);
            }
        }
        self.resume(rest)
    }

    /// Runs what follows a block.
    fn resume(&mut self, rest: Option<&Rest<'_, 'a>>) -> Result<Flow<'a>> {
        let Some(rest) = rest else { return Ok(Flow::Next) };
        self.after_trials(rest.trials, |c| match rest.work {
            Work::Statements(statements) => c.block(statements, rest.outer),
            Work::Passes(each, items) => c.passes(each, items, rest.outer),
        })
    }

    /// A loop that `break`, `return` or `raise` may leave, and what follows it.
    fn escaping(&mut self, each: &'a StmtFor, rest: Option<&Rest<'_, 'a>>) -> Result<Flow<'a>> {
        let over = self.expression(&each.iter)?;
        if let Some(items) = self.written_out(&over) {
            return self.passes(each, &items, rest);
        }
        if let Some(elements) = self.elements(&over, each.iter.range())? {
            return self.fold(each, &elements, rest);
        }
        self.each(each)?;
        self.resume(rest)
    }

    fn passes(
        &mut self,
        each: &'a StmtFor,
        items: &[Value<'a>],
        rest: Option<&Rest<'_, 'a>>,
    ) -> Result<Flow<'a>> {
        let Some((item, more)) = items.split_first() else {
            return self.block(&each.orelse, rest);
        };
        self.spend(each.range())?;
        self.assign(&each.target, item.clone())?;
        let trials = self.trials.len();
        let next = Rest { work: Work::Passes(each, more), outer: rest, trials };
        self.block(&each.body, Some(&next))
    }

    fn branch(
        &mut self,
        test: &'a Expr,
        body: &'a [Stmt],
        otherwise: Otherwise<'a>,
        rest: Option<&Rest<'_, 'a>>,
    ) -> Result<Flow<'a>> {
        let at = test.range();
        let condition = self.condition(test)?;
        let then = |c: &mut Self| c.block(body, rest);
        self.two_ways(&condition, at, then, |c| c.otherwise(otherwise, rest))
    }

    /// Runs one of two ways where the condition is known, and both where the row decides.
    pub(crate) fn two_ways(
        &mut self,
        condition: &Condition,
        at: TextRange,
        then: impl FnOnce(&mut Self) -> Result<Flow<'a>>,
        otherwise: impl FnOnce(&mut Self) -> Result<Flow<'a>>,
    ) -> Result<Flow<'a>> {
        if let Some(holds) = condition.known() {
            return if holds { then(self) } else { otherwise(self) };
        }
        let condition = self.share_scalar(&condition.scalar());
        let before = self.state.clone();
        let first = self.where_holds(&condition, true, then)?;
        let after_first = std::mem::replace(&mut self.state, before);
        let second = self.where_holds(&condition, false, otherwise)?;
        let after_second = std::mem::take(&mut self.state);
        self.join_flows(&condition, (first, after_first), (second, after_second), at)
    }

    /// The end of two ways through a function, of which the condition chooses one.
    pub(crate) fn join_flows(
        &mut self,
        condition: &Scalar,
        (then, after_then): (Flow<'a>, State<'a>),
        (other, after_other): (Flow<'a>, State<'a>),
        at: TextRange,
    ) -> Result<Flow<'a>> {
        match (&then, &other) {
            (Flow::Raise, Flow::Raise) => {
                self.state = after_other;
                return Ok(Flow::Raise);
            }
            (Flow::Raise, Flow::Next | Flow::Continue) if self.is_trying() => {
                self.state = after_other;
                return Ok(other);
            }
            (Flow::Next | Flow::Continue, Flow::Raise) if self.is_trying() => {
                self.state = after_then;
                return Ok(then);
            }
            (Flow::Raise, Flow::Next | Flow::Continue)
            | (Flow::Next | Flow::Continue, Flow::Raise)
                if self.loops > 0 =>
            {
                return Err(self.unsupported(
                    at,
                    "raise inside a loop",
                    "append None to the lists",
                ));
            }
            _ => {}
        }
        self.merge(condition, after_then, &after_other, at)?;
        if let (Flow::Next | Flow::Continue, Flow::Next | Flow::Continue) = (&then, &other) {
            return Ok(Flow::Next);
        }
        let result = |flow| match flow {
            Flow::Return(value) => value,
            Flow::Raise => Value::Scalar(raising()),
            Flow::Next | Flow::Continue => Value::None,
        };
        Ok(Flow::Return(self.select(condition, &result(then), &result(other), at)?))
    }

    fn otherwise(
        &mut self,
        otherwise: Otherwise<'a>,
        rest: Option<&Rest<'_, 'a>>,
    ) -> Result<Flow<'a>> {
        match otherwise {
            Otherwise::Nothing => self.block(&[], rest),
            Otherwise::Block(body) => self.block(body, rest),
            Otherwise::If(test, body, clauses) => {
                self.branch(test, body, Otherwise::of(clauses), rest)
            }
        }
    }

    fn statement(&mut self, statement: &'a Stmt) -> Result<Flow<'a>> {
        match statement {
            Stmt::Expr(expression) if expression.value.is_literal_expr() => {}
            Stmt::Expr(expression) => _ = self.expression(&expression.value)?,
            Stmt::Assign(assign) => {
                let value = self.expression(&assign.value)?;
                let value = self.share(value);
                let value = self.new_in_row(&assign.value, value);
                for target in &assign.targets {
                    self.assign(target, value.clone())?;
                }
            }
            Stmt::AnnAssign(assign) => {
                if let Some(value) = &assign.value {
                    let value = self.expression(value)?;
                    let value = self.share(value);
                    self.assign(&assign.target, value)?;
                }
            }
            Stmt::AugAssign(assign) => self.augmented(assign)?,
            Stmt::Return(end) => return self.end(end.range(), end.value.as_deref()),
            Stmt::For(each) => self.each(each)?,
            Stmt::FunctionDef(function) => {
                let scope = self.state.scopes.len() - 1;
                let value = Value::Code(Code::Function(function), scope);
                self.state.bind(&function.name, value);
            }
            Stmt::Import(import) => self.import(import)?,
            Stmt::ImportFrom(import) => self.import_from(import)?,
            Stmt::Pass(_) => {}
            Stmt::Raise(raise) => return self.raise(raise),
            Stmt::Continue(_) if self.loops > 0 => return Ok(Flow::Continue),
            Stmt::Break(_) if self.folding => return Ok(self.leave_loop(None)),
            other => {
                let (name, hint) = describe(other);
                return Err(self.unsupported(other.range(), name, hint));
            }
        }
        Ok(Flow::Next)
    }

    fn end(&mut self, at: TextRange, value: Option<&'a Expr>) -> Result<Flow<'a>> {
        if self.loops > 0 && !self.folding {
            return Err(self.unsupported(
                at,
                "return inside a loop",
                "return after the loop, or move the loop's body into a helper function",
            ));
        }
        let value = match value {
            Some(value) => self.expression(value)?,
            None => Value::None,
        };
        if !self.folding {
            return Ok(Flow::Return(value));
        }
        let value = match value {
            Value::None => Value::None,
            value => Value::Scalar(self.scalar(&value, at)?),
        };
        Ok(self.leave_loop(Some(value)))
    }

    /// A list that an expression made anew for the row, as one that methods may change.
    fn new_in_row(&mut self, made_by: &Expr, value: Value<'a>) -> Value<'a> {
        let new = match made_by {
            Expr::List(_) | Expr::ListComp(_) | Expr::BinOp(_) => true,
            Expr::Call(call) => match &*call.func {
                Expr::Name(name) => matches!(name.id.as_str(), "list" | "sorted"),
                Expr::Attribute(method) => {
                    matches!(method.attr.as_str(), "copy" | "split" | "rsplit")
                }
                _ => false,
            },
            _ => false,
        };
        match value {
            Value::Items(items, Display::List) if new && self.per_row => {
                self.new_list(items.to_vec())
            }
            Value::Scalar(list)
                if new && self.per_row && matches!(list.kind, Kind::List(_)) && !list.none =>
            {
                self.growing(&list)
            }
            value => value,
        }
    }
}

/// A statement's name and what to do instead.
fn describe(statement: &Stmt) -> (&'static str, &'static str) {
    match statement {
        Stmt::While(_) => ("a while loop", "use for over the rows or over literals"),
        Stmt::With(_) => ("with", "a transform cannot use resources"),
        Stmt::ClassDef(_) => ("a class", "use functions and dicts"),
        Stmt::Break(_) => ("break", "a loop must go through all rows"),
        Stmt::Continue(_) => ("continue outside a loop", "remove it"),
        Stmt::Delete(_) => ("del", "leave the variable alone"),
        Stmt::Global(_) | Stmt::Nonlocal(_) => ("global", "return the value instead"),
        Stmt::Assert(_) => ("assert", "return None for rows without a value"),
        _ => ("this statement", "use assignments, if, for and return"),
    }
}
