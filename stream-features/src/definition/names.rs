//! What names mean in the expressions of a job.

use std::collections::HashMap;

use larder_core::{Error, Result};
use serde_saphyr::Spanned;

use super::placed;
use crate::expression::{Columns, Expression, compile};
use crate::scalar::ScalarType;
use crate::schema::{EventType, Slot};

/// The fields of the event and the derived columns before.
#[derive(Debug)]
pub(super) struct Names<'a> {
    file: &'a str,
    event: &'a mut EventType,
    derived: HashMap<&'a str, (Expression, ScalarType)>,
    /// The list that is taken apart, with the name of its element.
    element: Option<(&'a str, usize)>,
}

impl<'a> Names<'a> {
    pub(super) fn new(file: &'a str, event: &'a mut EventType) -> Self {
        Self { file, event, derived: HashMap::new(), element: None }
    }

    /// Takes a list apart: `orderItems as item`. Answers which list it is.
    pub(super) fn explode(&mut self, text: &'a Spanned<String>) -> Result<usize> {
        let written = text.value.split_once(" as ").map(|(list, name)| (list.trim(), name.trim()));
        let is_name = |name: &str| {
            name.chars().all(|c| c.is_alphanumeric() || c == '_')
                && name.starts_with(|c: char| !c.is_ascii_digit())
        };
        let refused = |error: Error| placed(self.file, text)(error);
        let Some((list, name)) = written.filter(|(_, name)| is_name(name)) else {
            let error = Error::invalid(format!("\"{}\" takes no list apart", text.value));
            return Err(refused(error.with_hint("write explode: <list> as <name>")));
        };
        if self.event.has_field(name) {
            let error = Error::invalid(format!("the event has a field \"{name}\" already"));
            return Err(refused(error.with_hint("give the element another name")));
        }
        let path: Vec<&str> = list.split('.').collect();
        let list = self.event.want_list(&path).map_err(placed(self.file, text))?;
        self.element = Some((name, list));
        Ok(list)
    }

    /// Gives an expression a name; later ones and the fields of the event go by it.
    pub(super) fn derive(&mut self, name: &'a str, text: &Spanned<String>) -> Result<()> {
        let compiled = self.expression(text)?;
        self.derived.insert(name, compiled);
        Ok(())
    }

    /// An expression, with its place in errors.
    pub(super) fn expression(
        &mut self,
        text: &Spanned<String>,
    ) -> Result<(Expression, ScalarType)> {
        compile(&text.value, self).map_err(placed(self.file, text))
    }

    /// An expression that is true or not.
    pub(super) fn condition(&mut self, text: &Spanned<String>) -> Result<Expression> {
        match self.expression(text)? {
            (condition, ScalarType::Bool) => Ok(condition),
            (_, other) => Err(self.wrong_type(text, "boolean", other)),
        }
    }

    /// An error about the type of an expression.
    pub(super) fn wrong_type(
        &self,
        text: &Spanned<String>,
        wanted: &str,
        found: ScalarType,
    ) -> Error {
        let message = format!("\"{}\" is {}, not {wanted}", text.value, found.name());
        placed(self.file, text)(Error::invalid(message))
    }

    /// A field of the event itself.
    pub(super) fn field(&mut self, text: &Spanned<String>) -> Result<Slot> {
        let path: Vec<&str> = text.value.split('.').collect();
        self.event.want(&path).map_err(placed(self.file, text))
    }

    pub(super) fn file(&self) -> &'a str {
        self.file
    }
}

impl Columns for Names<'_> {
    fn column(&mut self, path: &[&str]) -> Result<(Expression, ScalarType)> {
        if let [name] = path
            && let Some(derived) = self.derived.get(name)
        {
            return Ok(derived.clone());
        }
        if let Some((name, list)) = self.element
            && let Some((first, rest)) = path.split_first()
            && *first == name
        {
            let slot = self.event.want_item(list, rest)?;
            return Ok((Expression::Item { list, column: slot.column }, slot.value_type));
        }
        let slot = self.event.want(path)?;
        Ok((Expression::Column(slot.column), slot.value_type))
    }

    fn list(&mut self, path: &[&str]) -> Result<usize> {
        self.event.want_list(path)
    }

    fn items(&mut self, path: &[&str]) -> Result<(usize, usize, ScalarType)> {
        let (list, rest) = self.event.want_list_within(path)?;
        let slot = self.event.want_item(list, rest)?;
        Ok((list, slot.column, slot.value_type))
    }
}
