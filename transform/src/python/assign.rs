//! Assignments: to names, to several at once, to keys of dicts and columns of frames.

use std::rc::Rc;

use larder_core::Result;
use ruff_python_ast::{Expr, ExprAttribute, Operator, StmtAugAssign};
use ruff_text_size::{Ranged, TextRange};

use super::call::Arguments;
use super::compiler::Compiler;
use super::state::Dict;
use super::value::{Display, Value};

impl<'a> Compiler<'a> {
    /// `target op= value`.
    pub(crate) fn augmented(&mut self, assign: &'a StmtAugAssign) -> Result<()> {
        let left = self.expression(&assign.target)?;
        let right = self.expression(&assign.value)?;
        if let (Value::Growing(number), Operator::Add) = (&left, assign.op) {
            let (name, at) = ("+=", assign.range());
            let a = Arguments { name, positional: Vec::new(), keywords: Vec::new(), at };
            return self.extend(*number, &right, &a);
        }
        let value = self.binary(assign.op, &left, &right, assign.range())?;
        let value = self.share(value);
        self.observe_binary(assign.op, [&left, &right], &value, assign.range())?;
        self.assign(&assign.target, value)
    }

    /// Binds a target to a value.
    pub(crate) fn assign(&mut self, target: &'a Expr, value: Value<'a>) -> Result<()> {
        let at = target.range();
        match target {
            Expr::Name(name) => self.state.bind(&name.id, value),
            Expr::Tuple(tuple) => self.unpack(&tuple.elts, &value, at)?,
            Expr::List(list) => self.unpack(&list.elts, &value, at)?,
            Expr::Subscript(subscript) => {
                let container = self.expression(&subscript.value)?;
                let key = self.expression(&subscript.slice)?;
                self.set_item(&container, key, value, at)?;
            }
            Expr::Attribute(ExprAttribute { .. }) => {
                return Err(self.unsupported(
                    at,
                    "an attribute as a target",
                    "use name[\"key\"] = value",
                ));
            }
            _ => {
                return Err(self.unsupported(
                    at,
                    "this target",
                    "assign to names and to dict keys",
                ));
            }
        }
        Ok(())
    }

    fn unpack(&mut self, targets: &'a [Expr], value: &Value<'a>, at: TextRange) -> Result<()> {
        let Value::Items(items, _) = self.settled(value.clone()) else {
            let construct = format!("unpacking a {}", value.label());
            return Err(self.unsupported(
                at,
                construct,
                "unpack tuples and lists that are written out",
            ));
        };
        if items.len() != targets.len() {
            let message = format!("{} values for {} targets", items.len(), targets.len());
            return Err(self.wrong(at, message));
        }
        for (target, item) in targets.iter().zip(items.iter()) {
            self.assign(target, item.clone())?;
        }
        Ok(())
    }

    fn set_item(
        &mut self,
        container: &Value<'a>,
        key: Value<'a>,
        value: Value<'a>,
        at: TextRange,
    ) -> Result<()> {
        if let (Value::Frame(number), Value::Items(names, Display::List)) = (container, &key) {
            return self.set_columns(*number, names, &value, at);
        }
        if let Value::Locator(number) = container {
            return self.set_located(*number, &key, &value, at);
        }
        let (Value::Dict(number) | Value::Frame(number)) = container else {
            let construct = format!("assigning to an element of a {}", container.label());
            return Err(self.unsupported(
                at,
                construct,
                "assign to keys of a dict or columns of a DataFrame",
            ));
        };
        if key.keys().is_none() {
            return Err(self.unsupported(at, "a computed key as a target", "use a literal key"));
        }
        let dict = self.dict(*number);
        if self.per_row && !dict.per_row {
            return Err(self.unsupported(
                at,
                "assigning inside a loop to a dict from outside of it",
                "append to a list, one element per row",
            ));
        }
        let value = match container {
            Value::Frame(_) => self.frame_column(&dict, value, at)?,
            _ => value,
        };
        let mut changed: Dict<'a> = (*dict).clone();
        changed.set(key, value);
        self.state.dicts.insert(*number, Rc::new(changed));
        Ok(())
    }
}
