//! What a pass of a loop changed, and the values of the places that it did.

use std::collections::BTreeSet;
use std::rc::Rc;

use larder_core::Result;
use ruff_text_size::TextRange;

use super::slot::Place;
use crate::python::compiler::{Compiler, nothing};
use crate::python::scalar::Scalar;
use crate::python::state::State;
use crate::python::value::{Display, Value};

impl<'a> Compiler<'a> {
    /// What differs from the start of a pass: variables that were not there, and places that were.
    pub(super) fn changes(
        &self,
        start: &State<'a>,
        own: &BTreeSet<Rc<str>>,
        at: TextRange,
    ) -> Result<(BTreeSet<Rc<str>>, Vec<Place>)> {
        let (mut fresh, mut changed) = (BTreeSet::new(), Vec::new());
        for (index, (now, then)) in self.state.scopes.iter().zip(&start.scopes).enumerate() {
            for (name, value) in now.variables.iter().filter(|(name, _)| !own.contains(*name)) {
                match then.variables.get(name) {
                    None => _ = fresh.insert(Rc::clone(name)),
                    Some(before) if before != value => {
                        changed.push(Place::Variable(index, Rc::clone(name)));
                    }
                    Some(_) => {}
                }
            }
        }
        for (number, then) in &start.lists {
            let Some(now) = self.state.lists.get(number).filter(|now| *now != then) else {
                continue;
            };
            if !now.per_row || now.pending.is_some() {
                return Err(self.unsupported(
                    at,
                    "a loop over the list of a row that appends to a list from outside of the row",
                    "append exactly one element per row",
                ));
            }
            changed.push(Place::List(*number));
        }
        for (number, then) in &start.dicts {
            let Some(now) = self.state.dicts.get(number).filter(|now| *now != then) else {
                continue;
            };
            if now.entries.len() != then.entries.len() {
                let hint = "give the dict all its keys before the loop";
                return Err(self.unsupported(at, "a dict that gets keys in a loop", hint));
            }
            let entries = now.entries.iter().zip(&then.entries).enumerate();
            let different = entries.filter(|(_, (now, then))| now != then);
            changed.extend(different.map(|(at, _)| Place::Entry(*number, at)));
        }
        Ok((fresh, changed))
    }

    /// The value of a place as one of the row, if it is one.
    pub(super) fn at_place(
        &self,
        state: &State<'a>,
        place: &Place,
        at: TextRange,
    ) -> Result<Option<Scalar>> {
        let value = match place {
            Place::Variable(scope, name) => {
                state.scopes.get(*scope).and_then(|scope| scope.variables.get(name))
            }
            Place::List(number) => {
                let Some(list) = state.lists.get(number) else { return Ok(None) };
                return match &list.whole {
                    Some(whole) => Ok(Some(whole.clone())),
                    None => self.list_of_items(&list.items, at).map(Some),
                };
            }
            Place::Entry(number, entry) => {
                state.dicts.get(number).and_then(|dict| dict.entries.get(*entry)).map(|(_, v)| v)
            }
        };
        Ok(match value.map(|value| self.settled(value.clone())) {
            Some(Value::None) => Some(nothing()),
            Some(Value::Items(items, Display::List)) => Some(self.list_of_items(&items, at)?),
            Some(value) => value.scalar(),
            None => None,
        })
    }
}
