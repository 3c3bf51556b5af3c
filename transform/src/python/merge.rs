//! Choices between values, and between all that two ways through the code left behind.

use std::collections::BTreeSet;
use std::rc::Rc;

use larder_core::Result;
use ruff_text_size::TextRange;

use super::compiler::{Compiler, is_nothing, retyped, scalar_or_none, unify};
use super::scalar::{Origin, Raised, Scalar, any_raised, choose};
use super::state::{Dict, Growing, State};
use super::value::{Display, Value};

impl<'a> Compiler<'a> {
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
        let in_one_branch = || Value::Unusable(Rc::from("one branch does not set this key"));
        let mut merged = a.clone();
        for (key, value) in &mut merged.entries {
            *value = match b.get(key) {
                Some(other) => self.select(condition, value, other, at)?,
                None => in_one_branch(),
            };
        }
        for (key, _) in b.entries.iter().filter(|(key, _)| a.get(key).is_none()) {
            merged.set(key.clone(), in_one_branch());
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

/// Whether the value is nothing but an exception.
fn raises(scalar: &Scalar) -> bool {
    is_nothing(scalar) && !scalar.none
}

/// A side of a choice; not-a-number becomes a value where `None` is possible on the other side.
fn one_absence(side: &Scalar, other: &Scalar) -> Scalar {
    if other.none && !other.nan { side.filled() } else { side.clone() }
}
