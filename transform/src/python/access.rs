//! Attributes and elements: of dictionaries, lists and data frames.

use std::rc::Rc;

use datafusion::logical_expr::Expr;
use larder_core::Result;
use ruff_python_ast::ExprAttribute;
use ruff_text_size::TextRange;

use super::builtin::module_constant;
use super::compiler::Compiler;
use super::lookup::Absent;
use super::scalar::{Kind, Raised, Scalar};
use super::value::{Display, Value};
use crate::kernel::{Item, call};

impl<'a> Compiler<'a> {
    /// `value.name` outside of a call.
    pub(crate) fn attribute(&mut self, node: &'a ExprAttribute) -> Result<Value<'a>> {
        let at = node.range;
        let value = self.expression(&node.value)?;
        match &value {
            Value::Frame(number) => {
                let key = Value::Text(Rc::from(node.attr.as_str()));
                if let Some(column) = self.dict(*number).get(&key) {
                    return Ok(column.clone());
                }
            }
            Value::Module(module) => {
                if let Some(constant) = module_constant(*module, &node.attr) {
                    return Ok(constant);
                }
            }
            Value::Series(scalar) if node.attr.as_str() == "str" => {
                return Ok(Value::TextAccessor(scalar.clone()));
            }
            _ => {}
        }
        let construct = format!("attribute {} of a {}", node.attr, value.label());
        Err(self.unsupported(at, construct, "see the list of known methods and functions"))
    }

    /// `container[key]`.
    pub(crate) fn item(
        &mut self,
        container: Value<'a>,
        key: &Value<'a>,
        at: TextRange,
    ) -> Result<Value<'a>> {
        match self.settled(container) {
            Value::Dict(number) => self.lookup(number, key, Absent::Raises, at),
            Value::Picked(picked) => self.lookup_picked(&picked, key, &Absent::Raises, at),
            Value::Frame(number) => self.columns(number, key, at),
            Value::Column(scalar) if *key == Value::RowIndex => Ok(Value::Scalar(scalar)),
            Value::Items(items, _) => match key {
                Value::Int(index) => self.element_at(&items, *index, at),
                _ => Err(self.unsupported(
                    at,
                    "a computed position in a list",
                    "use a literal position",
                )),
            },
            Value::Scalar(scalar) if matches!(scalar.kind, Kind::List(_)) => {
                self.list_item(&scalar, key, at)
            }
            Value::Column(_) => Err(self.unsupported(
                at,
                "a single row of a column",
                "go through the rows with a loop, or declare the view with singleton=True",
            )),
            other => {
                let construct = format!("an element of a {}", other.label());
                Err(self.unsupported(at, construct, "index dicts, lists and data frames"))
            }
        }
    }

    fn element_at(&self, items: &[Value<'a>], index: i64, at: TextRange) -> Result<Value<'a>> {
        let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
        let position = if index < 0 { index + length } else { index };
        let item = usize::try_from(position).ok().and_then(|position| items.get(position));
        item.cloned().ok_or_else(|| self.wrong(at, "list index out of range in every row"))
    }

    fn list_item(&mut self, list: &Scalar, key: &Value<'a>, at: TextRange) -> Result<Value<'a>> {
        let Kind::List(element) = &list.kind else { return Err(self.wrong(at, "not a list")) };
        let index = self.scalar(key, at)?.without_bool();
        if index.kind != Kind::Int {
            return Err(self.wrong(at, "list positions are integers"));
        }
        let (list, index) = (self.share_scalar(list), self.share_scalar(&index));
        let expr = call(Item, vec![list.expr.clone(), index.expr.clone()]);
        // An element may itself be None, so ask for the length to tell that from a wrong position.
        let length = call(crate::kernel::Length, vec![list.expr.clone()]);
        let outside = index
            .expr
            .clone()
            .gt_eq(length.clone())
            .or(index.expr.clone().lt(Expr::Negative(Box::new(length))));
        let outside = outside.is_not_false();
        Ok(Value::Scalar(Scalar {
            expr,
            kind: (**element).clone(),
            none: true,
            raised: Raised::when(outside),
            mixed: false,
        }))
    }

    fn columns(&mut self, number: usize, key: &Value<'a>, at: TextRange) -> Result<Value<'a>> {
        let dict = self.dict(number);
        if let Value::Items(names, Display::List) = key {
            let mut entries = Vec::new();
            for name in names.iter() {
                let Some(column) = dict.get(name) else { return Err(self.no_column(name, at)) };
                entries.push((name.clone(), column.clone()));
            }
            return Ok(Value::Frame(self.new_dict(entries)));
        }
        if matches!(key, Value::Series(_)) {
            return Err(self.unsupported(
                at,
                "a filter on rows",
                "every row needs a value: choose with numpy.where",
            ));
        }
        dict.get(key).cloned().ok_or_else(|| self.no_column(key, at))
    }

    pub(crate) fn no_column(&self, key: &Value<'a>, at: TextRange) -> larder_core::Error {
        let name = if let Value::Text(name) = key { name.as_ref() } else { "?" };
        self.wrong(at, format!("there is no column \"{name}\"")).with_hint(
            "a view sees the features of its sources and its request data; declare the source",
        )
    }
}
