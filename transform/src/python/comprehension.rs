//! Comprehensions: over the rows, over literals, and over the lists of a row.

use std::rc::Rc;

use larder_core::Result;
use ruff_python_ast::{Comprehension, Expr};
use ruff_text_size::{Ranged, TextRange};

use super::compiler::{Compiler, scalar_or_none};
use super::lists::Goal;
use super::repeat::Pass;
use super::scalar::Scalar;
use super::value::{Display, Value};

/// What a comprehension makes.
pub(crate) enum Made<'a> {
    /// Elements written out.
    Items(Vec<Value<'a>>),
    /// One element per row.
    Rows(Value<'a>),
    /// A list of the row.
    List(Scalar),
}

impl<'a> Compiler<'a> {
    /// A list, set or generator comprehension.
    pub(crate) fn comprehension(
        &mut self,
        element: &'a Expr,
        generators: &'a [Comprehension],
        display: Display,
    ) -> Result<Value<'a>> {
        let made = self.in_scope(|c| {
            c.generate(generators, &mut |c| {
                let value = c.expression(element)?;
                Ok(c.share(value))
            })
        })?;
        match made {
            Made::Items(items) => Ok(Value::Items(Rc::new(items), display)),
            Made::List(list) if display == Display::Set => Ok(Value::SetOf(list)),
            Made::List(list) => Ok(Value::Scalar(list)),
            Made::Rows(row) => {
                let at = element.range();
                let scalar = scalar_or_none(&row).map_or_else(|| self.scalar(&row, at), Ok)?;
                Ok(Value::Column(scalar))
            }
        }
    }

    /// `{key: value for ..}` over literals.
    pub(crate) fn dict_comprehension(
        &mut self,
        key: &'a Expr,
        value: &'a Expr,
        generators: &'a [Comprehension],
    ) -> Result<Value<'a>> {
        let number = self.new_dict(Vec::new());
        let at = key.range();
        let made = self.in_scope(|c| {
            c.generate(generators, &mut |c| {
                let key = c.expression(key)?;
                if key.keys().is_none() {
                    return Err(c.computed_keys(at));
                }
                let value = c.expression(value)?;
                Ok(Value::Items(Rc::new(vec![key, c.share(value)]), Display::Tuple))
            })
        })?;
        let Made::Items(entries) = made else { return Err(self.computed_keys(at)) };
        let mut dict = (*self.dict(number)).clone();
        for entry in entries {
            if let Value::Items(pair, _) = entry
                && let [key, value] = pair.as_slice()
            {
                dict.set(key.clone(), value.clone());
            }
        }
        self.state.dicts.insert(number, Rc::new(dict));
        Ok(Value::Dict(number))
    }

    fn computed_keys(&self, at: TextRange) -> larder_core::Error {
        self.unsupported(at, "a dict with computed keys", "use literal keys")
    }

    /// The values of `body` for every pass of the generators.
    pub(crate) fn generate(
        &mut self,
        generators: &'a [Comprehension],
        body: &mut dyn FnMut(&mut Self) -> Result<Value<'a>>,
    ) -> Result<Made<'a>> {
        let Some((first, rest)) = generators.split_first() else {
            return Ok(Made::Items(vec![body(self)?]));
        };
        let over = self.expression(&first.iter)?;
        match self.pass(&over, first.iter.range())? {
            Pass::Items(items) => self.generate_items(items, first, rest, body),
            Pass::Elements(over) => {
                self.comprehend(&over, generators, Goal::List, body).map(Made::List)
            }
            Pass::Rows(row) => {
                if let Some(test) = first.ifs.first() {
                    return Err(self.unsupported(
                        test.range(),
                        "a comprehension that leaves rows out",
                        "every row needs an element: write x if condition else None",
                    ));
                }
                self.enter_rows(first.iter.range())?;
                let done = self.assign(&first.target, row).and_then(|()| self.generate(rest, body));
                self.per_row = false;
                match done? {
                    Made::Items(mut items) if rest.is_empty() => {
                        Ok(Made::Rows(items.pop().unwrap_or(Value::None)))
                    }
                    _ => Err(self.nested_rows(first.range)),
                }
            }
        }
    }

    /// A comprehension over elements that are written out; a row may leave some of them out.
    fn generate_items(
        &mut self,
        items: Vec<Value<'a>>,
        first: &'a Comprehension,
        rest: &'a [Comprehension],
        body: &mut dyn FnMut(&mut Self) -> Result<Value<'a>>,
    ) -> Result<Made<'a>> {
        let at = first.range;
        let (mut made, mut lists) = (Vec::new(), Vec::new());
        for item in items {
            self.spend(at)?;
            self.assign(&first.target, item)?;
            let kept = self.kept(&first.ifs)?;
            let more = match kept.known() {
                Some(false) => continue,
                Some(true) => self.generate(rest, body)?,
                None => self.where_holds(&kept.scalar(), true, |c| c.generate(rest, body))?,
            };
            let list = match more {
                Made::Rows(_) => return Err(self.nested_rows(at)),
                Made::Items(items) if kept.known() == Some(true) => {
                    made.extend(items);
                    continue;
                }
                Made::Items(items) => self.list_of_items(&items, at)?,
                Made::List(list) => list,
            };
            if !made.is_empty() {
                lists.push(self.list_of_items(&std::mem::take(&mut made), at)?);
            }
            let empty = Value::Items(Rc::new(Vec::new()), Display::List);
            lists.push(if kept.known().is_some() {
                list
            } else {
                let kept = self.select(&kept.scalar(), &Value::Scalar(list), &empty, at)?;
                self.scalar(&kept, at)?
            });
        }
        if lists.is_empty() {
            return Ok(Made::Items(made));
        }
        if !made.is_empty() {
            lists.push(self.list_of_items(&made, at)?);
        }
        self.joined(&lists, at).map(Made::List)
    }
}
