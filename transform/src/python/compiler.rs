//! The compiler's state and the operations that every part of it needs.

use std::collections::BTreeSet;
use std::rc::Rc;

use larder_core::{Error, Result, ValueType};
use ruff_text_size::TextRange;

use super::diagnostic::Script;
use super::exception::Trial;
use super::scalar::{Kind, Origin, Raised, Scalar, any_raised, choose};
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

    /// `then` where the condition holds, else `otherwise`.
    pub(crate) fn select(
        &mut self,
        condition: &Scalar,
        then: &Value<'a>,
        otherwise: &Value<'a>,
        at: TextRange,
    ) -> Result<Value<'a>> {
        if then == otherwise && (then.is_constant() || condition.raised == Raised::Never) {
            return Ok(then.clone());
        }
        let (then, otherwise) = &(self.settled(then.clone()), self.settled(otherwise.clone()));
        match (then, otherwise) {
            (Value::Items(a, display), Value::Items(b, other))
                if display == other && a.len() == b.len() =>
            {
                let pairs = a.iter().zip(b.iter());
                let items = pairs.map(|(a, b)| self.select(condition, a, b, at));
                Ok(Value::Items(Rc::new(items.collect::<Result<_>>()?), *display))
            }
            (Value::Dict(a), Value::Dict(b)) => self.select_dict(condition, *a, *b, at),
            (raises @ Value::Scalar(scalar), Value::Dict(dict))
            | (Value::Dict(dict), raises @ Value::Scalar(scalar))
                if is_nothing(scalar) && !scalar.none =>
            {
                let mut entries = Vec::new();
                for (key, value) in &self.dict(*dict).entries {
                    let sides = if then == raises { (raises, value) } else { (value, raises) };
                    entries.push((key.clone(), self.select(condition, sides.0, sides.1, at)?));
                }
                Ok(Value::Dict(self.new_dict(entries)))
            }
            (Value::SetOf(a), Value::SetOf(b)) => match self.select_scalar(condition, a, b, at)? {
                Value::Scalar(set) => Ok(Value::SetOf(set)),
                other => Ok(other),
            },
            _ => {
                let sides = (self.choice_side(then, at)?, self.choice_side(otherwise, at)?);
                let (Some(a), Some(b)) = sides else {
                    return Err(self.unsupported(
                        at,
                        format!("a choice between {} and {}", then.label(), otherwise.label()),
                        "both sides of a choice must be single values",
                    ));
                };
                self.select_scalar(condition, &a, &b, at)
            }
        }
    }

    /// One side of a choice as a value of the row.
    fn choice_side(&self, value: &Value<'a>, at: TextRange) -> Result<Option<Scalar>> {
        match value {
            Value::Items(items, Display::List) => self.list_of_items(items, at).map(Some),
            value => Ok(scalar_or_none(value)),
        }
    }

    fn select_dict(
        &mut self,
        condition: &Scalar,
        a: usize,
        b: usize,
        at: TextRange,
    ) -> Result<Value<'a>> {
        let (a, b) = (self.dict(a), self.dict(b));
        let mut entries = Vec::new();
        for (key, then) in &a.entries {
            let Some(otherwise) = b.get(key) else { break };
            entries.push((key.clone(), self.select(condition, then, otherwise, at)?));
        }
        if entries.len() != a.entries.len() || entries.len() != b.entries.len() {
            return Err(self.unsupported(
                at,
                "a choice between dicts with different keys",
                "give both dicts the same keys",
            ));
        }
        Ok(Value::Dict(self.new_dict(entries)))
    }

    fn select_scalar(
        &mut self,
        condition: &Scalar,
        then: &Scalar,
        otherwise: &Scalar,
        at: TextRange,
    ) -> Result<Value<'a>> {
        let (then, otherwise) = (&one_absence(then, otherwise), &one_absence(otherwise, then));
        let Some((kind, mixed)) = unify(then, otherwise) else {
            let labels = (then.kind.label(), otherwise.kind.label());
            return Err(self.unsupported(
                at,
                format!("a choice between {} and {}", labels.0, labels.1),
                "give both sides the same type",
            ));
        };
        let condition = self.share_scalar(condition);
        let [a, b] = [then, otherwise].map(|side| {
            let side = if is_nothing(side) { retyped(side, &kind) } else { side.widen(&kind) };
            self.share_scalar(&side)
        });
        let expr = choose(condition.expr.clone(), a.expr.clone(), b.expr.clone());
        let none = a.none || b.none;
        let raised = if any_raised(&[&condition, &a, &b]).is_none() {
            Raised::Never
        } else if none {
            let never = datafusion::logical_expr::lit(false);
            let side = |s: &Scalar| s.raised_expr().unwrap_or_else(|| never.clone());
            let chosen = choose(condition.expr.clone(), side(&a), side(&b));
            Raised::when(match condition.raised_expr() {
                None => chosen,
                Some(raised) => choose(raised, datafusion::logical_expr::lit(true), chosen),
            })
        } else {
            Raised::Null
        };
        let mixed = mixed || then.mixed || otherwise.mixed;
        let nan = [&a, &b].iter().all(|side| side.nan || !side.none) && none;
        let origin = match (raises(then), raises(otherwise)) {
            (true, _) => b.origin,
            (_, true) => a.origin,
            _ if a.origin == b.origin => a.origin,
            _ => Origin::Either,
        };
        Ok(Value::Scalar(Scalar { expr, kind, none, nan, raised, mixed, origin }))
    }

    /// The state after a branch: variables that both sides set differently become choices.
    pub(crate) fn merge(
        &mut self,
        condition: &Scalar,
        then: State<'a>,
        otherwise: &State<'a>,
        at: TextRange,
    ) -> Result<()> {
        let mut merged = otherwise.clone();
        for (index, scope) in then.scopes.iter().enumerate() {
            let other = &otherwise.scopes[index].variables;
            let names: BTreeSet<_> =
                scope.variables.keys().chain(other.keys()).map(Rc::clone).collect();
            for name in names {
                let value = match (scope.variables.get(&name), other.get(&name)) {
                    (Some(a), Some(b)) if a == b => continue,
                    (Some(a), Some(b)) => match self.select(condition, a, b, at) {
                        Ok(value) => value,
                        Err(error) => Value::Unusable(Rc::from(format!(
                            "after the branch its value is {}",
                            error.message()
                        ))),
                    },
                    _ => Value::Unusable(Rc::from("one branch does not set it")),
                };
                merged.scopes[index].variables.insert(name, value);
            }
        }
        for (number, dict) in &then.dicts {
            let Some(other) = otherwise.dicts.get(number) else {
                merged.dicts.insert(*number, Rc::clone(dict));
                continue;
            };
            if dict != other {
                let dict = self.merge_dict(condition, dict, other, at)?;
                merged.dicts.insert(*number, Rc::new(dict));
            }
        }
        for (number, list) in then.lists {
            match otherwise.lists.get(&number) {
                Some(other) if *other != list => {
                    let list = self.merge_list(condition, &list, other, at)?;
                    merged.lists.insert(number, list);
                }
                Some(_) => {}
                None => _ = merged.lists.insert(number, list),
            }
        }
        self.state = merged;
        Ok(())
    }

    fn merge_dict(
        &mut self,
        condition: &Scalar,
        a: &Dict<'a>,
        b: &Dict<'a>,
        at: TextRange,
    ) -> Result<Dict<'a>> {
        let mut merged = a.clone();
        for (key, value) in &mut merged.entries {
            match b.get(key) {
                Some(other) => *value = self.select(condition, value, other, at)?,
                None => *value = Value::Unusable(Rc::from("one branch does not set this key")),
            }
        }
        for (key, _) in &b.entries {
            if a.get(key).is_none() {
                merged.set(
                    key.clone(),
                    Value::Unusable(Rc::from("one branch does not set this key")),
                );
            }
        }
        Ok(merged)
    }

    fn merge_list(
        &mut self,
        condition: &Scalar,
        a: &Growing<'a>,
        b: &Growing<'a>,
        at: TextRange,
    ) -> Result<Growing<'a>> {
        if a.per_row && a.pending.is_none() && b.pending.is_none() {
            return self.merge_own_list(condition, a, b, at);
        }
        let (Some(x), Some(y), true) = (&a.pending, &b.pending, a.items == b.items) else {
            return Err(self.unsupported(
                at,
                "a list that grows in one branch only",
                "append exactly one element per row on every way through the loop",
            ));
        };
        let pending = Some(self.select(condition, x, y, at)?);
        Ok(Growing { pending, ..a.clone() })
    }
}

impl<'a> Compiler<'a> {
    /// A list of the row that has other elements after either way.
    fn merge_own_list(
        &mut self,
        condition: &Scalar,
        a: &Growing<'a>,
        b: &Growing<'a>,
        at: TextRange,
    ) -> Result<Growing<'a>> {
        let [x, y] = [a, b].map(|list| match &list.whole {
            Some(whole) => Ok(whole.clone()),
            None => self.list_of_items(&list.items, at),
        });
        let Value::Scalar(whole) = self.select_scalar(condition, &x?, &y?, at)? else {
            return Ok(a.clone());
        };
        let whole = Some(self.share_scalar(&whole));
        Ok(Growing { whole, items: Vec::new(), ..a.clone() })
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

/// Whether the value is nothing but an exception.
fn raises(scalar: &Scalar) -> bool {
    is_nothing(scalar) && !scalar.none
}

/// The scalar, also of `None`.
pub(crate) fn scalar_or_none(value: &Value<'_>) -> Option<Scalar> {
    if *value == Value::None { Some(nothing()) } else { value.scalar() }
}

pub(crate) fn retyped(side: &Scalar, kind: &Kind) -> Scalar {
    Scalar { expr: kind.null(), kind: kind.clone(), ..side.clone() }
}

/// A side of a choice; not-a-number becomes a value where `None` is possible on the other side.
fn one_absence(side: &Scalar, other: &Scalar) -> Scalar {
    if other.none && !other.nan { side.filled() } else { side.clone() }
}

pub(crate) fn unify(a: &Scalar, b: &Scalar) -> Option<(Kind, bool)> {
    match (is_nothing(a), is_nothing(b)) {
        (true, _) => Some((b.kind.clone(), b.mixed)),
        (_, true) => Some((a.kind.clone(), a.mixed)),
        _ => a.kind.unify(&b.kind),
    }
}
