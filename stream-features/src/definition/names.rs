//! What names mean in the expressions of a job.

use std::collections::HashMap;

use larder_core::Result;
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
}

impl<'a> Names<'a> {
    pub(super) fn new(file: &'a str, event: &'a mut EventType) -> Self {
        Self { file, event, derived: HashMap::new() }
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
    ) -> larder_core::Error {
        let message = format!("\"{}\" is {}, not {wanted}", text.value, found.name());
        placed(self.file, text)(larder_core::Error::invalid(message))
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
        let slot = self.event.want(path)?;
        Ok((Expression::Column(slot.column), slot.value_type))
    }
}
