//! How blocks of statements end, and what follows them.

use ruff_python_ast::{ExceptHandler, Stmt, StmtFor};

use super::value::Value;

/// How a block ends.
#[derive(Debug)]
pub(crate) enum Flow<'a> {
    /// It runs off its end.
    Next,
    /// `continue`.
    Continue,
    /// `return`.
    Return(Value<'a>),
    /// `raise`.
    Raise,
}

/// What follows a block, innermost first.
#[derive(Clone, Copy)]
pub(crate) struct Rest<'s, 'a> {
    pub(crate) work: Work<'s, 'a>,
    pub(crate) outer: Option<&'s Rest<'s, 'a>>,
    /// How many `try` are around it.
    pub(crate) trials: usize,
}

/// A part of what follows a block.
#[derive(Clone, Copy)]
pub(crate) enum Work<'s, 'a> {
    Statements(&'a [Stmt]),
    /// The remaining passes of a loop over elements that are written out.
    Passes(&'a StmtFor, &'s [Value<'a>]),
}

/// The passes of the innermost loop that `break` and `continue` belong to.
pub(crate) fn loop_around<'s, 'a>(mut rest: Option<&'s Rest<'s, 'a>>) -> Option<&'s Rest<'s, 'a>> {
    while let Some(found) = rest {
        if matches!(found.work, Work::Passes(..)) {
            return rest;
        }
        rest = found.outer;
    }
    None
}

/// Whether a statement may leave the block that it stands in before the block's end.
pub(crate) fn ends_early(statement: &Stmt) -> bool {
    leaves(statement, Leaving::Block)
}

/// What a statement may leave.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Leaving {
    Block,
    Loop,
    Function,
}

fn leaves(statement: &Stmt, what: Leaving) -> bool {
    let any = |statements: &[Stmt], what| statements.iter().any(|inner| leaves(inner, what));
    match statement {
        Stmt::Return(_) | Stmt::Raise(_) => true,
        Stmt::Break(_) => what != Leaving::Function,
        Stmt::Continue(_) => what == Leaving::Block,
        Stmt::If(branch) => {
            let mut clauses = branch.elif_else_clauses.iter();
            any(&branch.body, what) || clauses.any(|clause| any(&clause.body, what))
        }
        Stmt::Match(choice) => choice.cases.iter().any(|case| any(&case.body, what)),
        Stmt::Try(attempt) => {
            let handled = attempt.handlers.iter().any(|handler| match handler {
                ExceptHandler::ExceptHandler(handler) => any(&handler.body, what),
            });
            handled || any(&attempt.body, what) || any(&attempt.orelse, what)
        }
        Stmt::For(each) if what == Leaving::Block => {
            !each.orelse.is_empty() || any(&each.body, Leaving::Loop)
        }
        Stmt::For(each) => any(&each.body, Leaving::Function),
        _ => false,
    }
}
