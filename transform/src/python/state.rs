//! Variables, dictionaries and lists at one point of a function.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::scalar::Scalar;
use super::value::Value;

/// Names of one function call, comprehension or module.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Scope<'a> {
    pub(crate) variables: BTreeMap<Rc<str>, Value<'a>>,
    /// The scope that is searched next.
    pub(crate) parent: Option<usize>,
}

/// A dictionary's or data frame's content.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Dict<'a> {
    /// Constant keys with their values, in order of insertion.
    pub(crate) entries: Vec<(Value<'a>, Value<'a>)>,
    /// Whether it was made for one row.
    pub(crate) per_row: bool,
    /// Whether it is a frame that has the rows of the inputs, be it without columns.
    pub(crate) indexed: bool,
}

impl<'a> Dict<'a> {
    /// The value of a constant key.
    pub(crate) fn get(&self, key: &Value<'a>) -> Option<&Value<'a>> {
        let key = key.keys()?;
        let found = self.entries.iter().find(|(other, _)| other.keys().as_ref() == Some(&key));
        found.map(|(_, value)| value)
    }

    /// Sets the value of a constant key.
    pub(crate) fn set(&mut self, key: Value<'a>, value: Value<'a>) {
        let keys = key.keys();
        match self.entries.iter_mut().find(|(other, _)| other.keys() == keys) {
            Some((_, old)) => *old = value,
            None => self.entries.push((key, value)),
        }
    }
}

/// A list that `append` fills.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Growing<'a> {
    /// Elements appended one by one.
    pub(crate) items: Vec<Value<'a>>,
    /// The list itself, where its length depends on the row.
    pub(crate) whole: Option<Scalar>,
    /// The element that a finished loop over the rows appended per row.
    pub(crate) rows: Option<Value<'a>>,
    /// The element that the current pass of such a loop has appended.
    pub(crate) pending: Option<Value<'a>>,
    /// Whether it was made for one row.
    pub(crate) per_row: bool,
}

/// Everything that statements change.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct State<'a> {
    pub(crate) scopes: Vec<Scope<'a>>,
    pub(crate) dicts: BTreeMap<usize, Rc<Dict<'a>>>,
    pub(crate) lists: BTreeMap<usize, Growing<'a>>,
}

impl<'a> State<'a> {
    /// The value of a name seen from the innermost scope.
    pub(crate) fn find(&self, name: &str) -> Option<&Value<'a>> {
        let mut scope = self.scopes.len().checked_sub(1);
        while let Some(index) = scope {
            if let Some(value) = self.scopes[index].variables.get(name) {
                return Some(value);
            }
            scope = self.scopes[index].parent;
        }
        None
    }

    /// Binds a name in the innermost scope.
    pub(crate) fn bind(&mut self, name: &str, value: Value<'a>) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.variables.insert(Rc::from(name), value);
        }
    }
}
