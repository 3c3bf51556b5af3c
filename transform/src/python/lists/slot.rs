//! What the passes of a loop hand on: where it stands, and which form it has in every pass.

use std::collections::BTreeMap;
use std::rc::Rc;

use datafusion::logical_expr::{Expr, lit};

use super::nested::field_of;
use crate::python::compiler::{Compiler, is_nothing, retyped, unify};
use crate::python::scalar::{Kind, Raised, Scalar};
use crate::python::state::State;
use crate::python::value::Value;

/// Where a value stands that passes hand on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// A variable of a scope.
    Variable(usize, Rc<str>),
    /// A list that is filled, by number.
    List(usize),
    /// A dictionary's entry, by number and position.
    Entry(usize, usize),
}

/// What is known of a value that passes hand on.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Slot {
    /// It has this form in every pass.
    Held { kind: Kind, none: bool, raised: bool, mixed: bool },
    /// It cannot be used in the loop before it is set, nor after the loop.
    Lost(Rc<str>),
}

pub(super) type Slots = BTreeMap<Place, Slot>;

impl Slot {
    pub(super) fn of(value: &Scalar) -> Self {
        Self::Held {
            kind: value.kind.clone(),
            none: value.none,
            raised: value.raised != Raised::Never,
            mixed: value.mixed,
        }
    }

    pub(super) fn unknown() -> Self {
        Self::Lost(Rc::from("a pass may leave something else in it; use numbers, texts and lists"))
    }

    /// Whether a bool beside the value says that it raised.
    pub(super) fn has_flag(&self) -> bool {
        matches!(self, Self::Held { none: true, raised: true, .. })
    }

    /// Widens the form so that it also holds this value.
    pub(super) fn take_in(&mut self, value: &Scalar) {
        let Self::Held { kind, none, raised, mixed } = self else { return };
        let mine = Scalar { none: *none, ..Scalar::total(lit(false), kind.clone()) };
        let Some((both, more)) = unify(&mine, value) else {
            let reason = format!("passes leave {} or {} in it", kind.label(), value.kind.label());
            *self = Self::Lost(Rc::from(reason));
            return;
        };
        *kind = both;
        *none |= value.none;
        *raised |= value.raised != Raised::Never;
        *mixed |= more || value.mixed;
    }

    /// The value in this form.
    pub(super) fn shaped(&self, value: &Scalar) -> Scalar {
        match self {
            Self::Held { kind, .. } if is_nothing(value) => retyped(value, kind),
            Self::Held { kind, .. } => value.widen(kind),
            Self::Lost(_) => value.clone(),
        }
    }

    /// The value at the start of a pass, and the columns that hold it.
    pub(super) fn start<'a>(&self, c: &mut Compiler<'a>, own: &mut Vec<Expr>) -> Value<'a> {
        let Self::Held { kind, .. } = self else { return self.lost() };
        let expr = c.own_column(kind);
        own.push(expr.clone());
        let flag = self.has_flag().then(|| c.own_column(&Kind::Bool));
        own.extend(flag.clone());
        self.value(expr, flag)
    }

    /// The value after the loop.
    pub(super) fn end<'a>(&self, made: &Expr, at: &mut usize) -> Value<'a> {
        if let Self::Lost(_) = self {
            return self.lost();
        }
        let mut next = || {
            *at += 1;
            field_of(made, *at - 1)
        };
        let expr = next();
        let flag = self.has_flag().then(&mut next);
        self.value(expr, flag)
    }

    fn value<'a>(&self, expr: Expr, flag: Option<Expr>) -> Value<'a> {
        let Self::Held { kind, none, raised, mixed } = self else { return self.lost() };
        let raised = match (flag, raised) {
            (Some(flag), _) => Raised::when(flag),
            (None, true) => Raised::Null,
            (None, false) => Raised::Never,
        };
        let value = Scalar::total(expr, kind.clone());
        Value::Scalar(Scalar { none: *none, raised, mixed: *mixed, ..value })
    }

    fn lost<'a>(&self) -> Value<'a> {
        match self {
            Self::Lost(reason) => Value::Unusable(Rc::clone(reason)),
            Self::Held { .. } => Value::None,
        }
    }
}

impl<'a> State<'a> {
    /// Puts a value into a place.
    pub(super) fn set(&mut self, place: &Place, value: Value<'a>) {
        match place {
            Place::Variable(scope, name) => {
                if let Some(scope) = self.scopes.get_mut(*scope) {
                    scope.variables.insert(Rc::clone(name), value);
                }
            }
            Place::List(number) => {
                if let (Some(list), Value::Scalar(whole)) = (self.lists.get_mut(number), value) {
                    (list.whole, list.items) = (Some(whole), Vec::new());
                }
            }
            Place::Entry(number, entry) => {
                if let Some(dict) = self.dicts.get_mut(number)
                    && let Some((_, old)) = Rc::make_mut(dict).entries.get_mut(*entry)
                {
                    *old = value;
                }
            }
        }
    }
}
