//! Parts of a frame: several columns, and what a condition leaves of one.

use std::rc::Rc;

use larder_core::Result;
use ruff_text_size::TextRange;

use crate::python::call::Arguments;
use crate::python::compiler::Compiler;
use crate::python::scalar::{Kind, Scalar};
use crate::python::value::{Display, Value};

impl<'a> Compiler<'a> {
    /// `frame[["a", "b"]] = other`.
    pub(crate) fn set_columns(
        &mut self,
        number: usize,
        names: &[Value<'a>],
        value: &Value<'a>,
        at: TextRange,
    ) -> Result<()> {
        let columns = match value {
            Value::Frame(other) => {
                self.dict(*other).entries.iter().map(|(_, column)| column.clone()).collect()
            }
            other if other.is_constant() => vec![other.clone(); names.len()],
            other => {
                let construct = format!("assigning a {} to several columns", other.label());
                return Err(self.unsupported(at, construct, "assign column by column"));
            }
        };
        if columns.len() != names.len() {
            let message = format!("{} columns for {} names", columns.len(), names.len());
            return Err(self.wrong(at, message));
        }
        let mut changed = (*self.dict(number)).clone();
        for (name, column) in names.iter().zip(columns) {
            let column = self.frame_column(&changed, column, at)?;
            changed.set(name.clone(), column);
        }
        self.state.dicts.insert(number, Rc::new(changed));
        Ok(())
    }

    /// `frame.loc[rows, column]`: the column, or what of it the condition leaves.
    pub(crate) fn located(
        &mut self,
        number: usize,
        key: &Value<'a>,
        at: TextRange,
    ) -> Result<Value<'a>> {
        let Value::Items(parts, Display::Tuple) = key else {
            return Err(self.filters_rows(at));
        };
        let [rows, column] = parts.as_slice() else { return Err(self.filters_rows(at)) };
        let column = self.columns(number, column, at)?;
        match rows {
            Value::Slice(bounds) if bounds.iter().all(|bound| *bound == Value::None) => Ok(column),
            Value::Series(_) => self.filtered(&column, rows, at),
            _ => Err(self.filters_rows(at)),
        }
    }

    /// `column[condition]`: missing where the condition does not hold, as assignment aligns it.
    pub(crate) fn filtered(
        &mut self,
        column: &Value<'a>,
        condition: &Value<'a>,
        at: TextRange,
    ) -> Result<Value<'a>> {
        let condition = self.mask(condition, at)?;
        let a = Arguments { name: "[..]", positional: Vec::new(), keywords: Vec::new(), at };
        self.choose_columns(&condition, Some(column), None, &a).map(Value::Filtered)
    }

    /// A condition that chooses rows; a missing one raises.
    fn mask(&self, condition: &Value<'a>, at: TextRange) -> Result<Scalar> {
        let condition = self.scalar(condition, at)?;
        if condition.kind == Kind::Bool {
            return Ok(condition.required());
        }
        Err(self.unsupported(at, "a choice of rows by their labels", "use a condition"))
    }

    /// `frame.loc[condition, column] = value`.
    pub(crate) fn set_located(
        &mut self,
        number: usize,
        key: &Value<'a>,
        value: &Value<'a>,
        at: TextRange,
    ) -> Result<()> {
        let Value::Items(parts, Display::Tuple) = key else { return Err(self.filters_rows(at)) };
        let [rows, name] = parts.as_slice() else { return Err(self.filters_rows(at)) };
        let dict = self.dict(number);
        let column = match rows {
            Value::Slice(bounds) if bounds.iter().all(|bound| *bound == Value::None) => {
                value.clone()
            }
            Value::Series(_) => {
                let condition = self.mask(rows, at)?;
                let a = Arguments { name: "loc", positional: Vec::new(), keywords: Vec::new(), at };
                let old = dict.get(name).cloned();
                let chosen = self.choose_columns(&condition, Some(value), old.as_ref(), &a)?;
                let mixed = chosen.mixed || chosen.kind == Kind::Int && chosen.none;
                Value::Series(Scalar { mixed, ..chosen })
            }
            _ => return Err(self.filters_rows(at)),
        };
        if name.keys().is_none() {
            return Err(self.unsupported(at, "a computed column name", "use a literal name"));
        }
        let column = self.frame_column(&dict, column, at)?;
        let mut changed = (*dict).clone();
        changed.set(name.clone(), column);
        self.state.dicts.insert(number, Rc::new(changed));
        Ok(())
    }

    pub(crate) fn filters_rows(&self, at: TextRange) -> larder_core::Error {
        self.unsupported(at, "a filter on rows", "every row needs a value: choose with numpy.where")
    }
}
