//! The compiler's state and the operations that every part of it needs.

use std::rc::Rc;

use larder_core::{Error, Result, ValueType};
use ruff_text_size::TextRange;

use super::diagnostic::Script;
use super::exception::Trial;
use super::scalar::{Kind, Raised, Scalar};
use super::state::{Dict, Growing, State};
use super::value::{Display, Value};
use crate::plan::Plan;

/// Expressions and statements that one function may need to be compiled, unrolled loops included.
const FUEL: usize = 200_000;

/// Compiles one function by running it on symbolic values.
#[derive(Debug)]
pub(crate) struct Compiler<'a> {
    pub(crate) script: &'a Script,
    pub(crate) plan: Plan,
    pub(crate) state: State<'a>,
    /// Whether statements run once per row.
    pub(crate) per_row: bool,
    /// Loops around the statement inside the current function.
    pub(crate) loops: usize,
    /// Whether the innermost loop goes through the lists of a row.
    pub(crate) folding: bool,
    /// Calls and expressions around the current one.
    pub(crate) depth: usize,
    /// The `try` around the current statement, outermost first.
    pub(crate) trials: Vec<Trial<'a>>,
    fuel: usize,
    next: usize,
}

impl<'a> Compiler<'a> {
    pub(crate) fn new(script: &'a Script) -> Self {
        Self {
            script,
            plan: Plan::default(),
            state: State::default(),
            per_row: false,
            loops: 0,
            folding: false,
            depth: 0,
            trials: Vec::new(),
            fuel: FUEL,
            next: 0,
        }
    }

    pub(crate) fn unsupported(
        &self,
        at: TextRange,
        construct: impl std::fmt::Display,
        hint: &str,
    ) -> Error {
        self.script.unsupported(at, construct, hint)
    }

    /// An operation that Python refuses for these types in every row.
    pub(crate) fn wrong(&self, at: TextRange, message: impl Into<String>) -> Error {
        self.script.wrong(at, message)
    }

    /// Spends a unit of the budget that bounds unrolled loops and inlined calls.
    pub(crate) fn spend(&mut self, at: TextRange) -> Result<()> {
        self.fuel = self.fuel.saturating_sub(1);
        if self.fuel == 0 {
            return Err(self.unsupported(
                at,
                "a function of this size",
                "split the view; loops over literals and helper functions are compiled once per use",
            ));
        }
        Ok(())
    }

    pub(crate) fn number(&mut self) -> usize {
        self.next += 1;
        self.next
    }

    pub(crate) fn new_dict(&mut self, entries: Vec<(Value<'a>, Value<'a>)>) -> usize {
        let number = self.number();
        let dict = Dict { entries, per_row: self.per_row, indexed: false };
        self.state.dicts.insert(number, Rc::new(dict));
        number
    }

    pub(crate) fn dict(&self, number: usize) -> Rc<Dict<'a>> {
        self.state.dicts.get(&number).map(Rc::clone).expect("every number was given to a dict")
    }

    pub(crate) fn new_list(&mut self, items: Vec<Value<'a>>) -> Value<'a> {
        let number = self.number();
        let list = Growing { items, whole: None, rows: None, pending: None, per_row: self.per_row };
        self.state.lists.insert(number, list);
        Value::Growing(number)
    }

    /// A list as what it holds now: a whole column, or elements written out.
    pub(crate) fn settled(&self, value: Value<'a>) -> Value<'a> {
        let Value::Growing(number) = value else { return value };
        let Some(list) = self.state.lists.get(&number) else { return value };
        match (&list.rows, &list.whole) {
            (Some(row), _) => Value::Column(scalar_or_none(row).unwrap_or_else(nothing)),
            (None, Some(whole)) => Value::Scalar(whole.clone()),
            (None, None) => Value::Items(Rc::new(list.items.clone()), Display::List),
        }
    }

    /// The value with its expressions computed once, however often they are used.
    pub(crate) fn share(&mut self, value: Value<'a>) -> Value<'a> {
        match value {
            Value::Scalar(scalar) => Value::Scalar(self.share_scalar(&scalar)),
            Value::Series(scalar) => Value::Series(self.share_scalar(&scalar)),
            Value::Column(scalar) => Value::Column(self.share_scalar(&scalar)),
            Value::SetOf(scalar) => Value::SetOf(self.share_scalar(&scalar)),
            Value::Items(items, display) => {
                let items = items.iter().map(|item| self.share(item.clone())).collect();
                Value::Items(Rc::new(items), display)
            }
            other => other,
        }
    }

    pub(crate) fn share_scalar(&mut self, scalar: &Scalar) -> Scalar {
        let mut shared = scalar.clone();
        shared.expr = self.plan.share(shared.expr, &scalar.kind.data_type());
        if let Raised::When(when) = shared.raised {
            shared.raised = Raised::when(self.plan.share(*when, &Kind::Bool.data_type()));
        }
        shared
    }

    /// The value as one per row.
    pub(crate) fn scalar(&self, value: &Value<'a>, at: TextRange) -> Result<Scalar> {
        let value = &self.settled(value.clone());
        if let Some(scalar) = value.scalar() {
            return Ok(scalar);
        }
        if let Value::Items(items, Display::List | Display::Tuple) = value {
            return self.list_of_items(items, at);
        }
        let hint = match value {
            Value::Column(_) => "go through the column row by row with a comprehension or a loop",
            Value::Unusable(reason) => return Err(self.unsupported(at, "this variable", reason)),
            Value::None => return Err(self.wrong(at, "None has no such operation")),
            _ => "only numbers, texts, bools and timestamps have a value per row",
        };
        Err(self.unsupported(at, format!("a {} as a single value", value.label()), hint))
    }
}

/// A value per row that is always `None`.
pub(crate) fn nothing() -> Scalar {
    let kind = Kind::Opaque(ValueType::Null);
    let null = datafusion::logical_expr::Expr::Literal(datafusion::common::ScalarValue::Null, None);
    Scalar { none: true, ..Scalar::total(null, kind) }
}

pub(crate) fn is_nothing(scalar: &Scalar) -> bool {
    scalar.kind == Kind::Opaque(ValueType::Null)
}

/// The scalar, also of `None`.
pub(crate) fn scalar_or_none(value: &Value<'_>) -> Option<Scalar> {
    if *value == Value::None { Some(nothing()) } else { value.scalar() }
}

pub(crate) fn retyped(side: &Scalar, kind: &Kind) -> Scalar {
    Scalar { expr: kind.null(), kind: kind.clone(), ..side.clone() }
}

pub(crate) fn unify(a: &Scalar, b: &Scalar) -> Option<(Kind, bool)> {
    match (is_nothing(a), is_nothing(b)) {
        (true, _) => Some((b.kind.clone(), b.mixed)),
        (_, true) => Some((a.kind.clone(), a.mixed)),
        _ => a.kind.unify(&b.kind),
    }
}
