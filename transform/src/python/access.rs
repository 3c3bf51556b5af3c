//! Attributes and elements: of dictionaries, lists and data frames.

use std::rc::Rc;

use datafusion::logical_expr::Expr;
use larder_core::Result;
use ruff_python_ast::ExprAttribute;
use ruff_text_size::TextRange;

use super::builtin::{self, DICT_METHODS, module_constant};
use super::compiler::Compiler;
use super::lists::element_of;
use super::lookup::Absent;
use super::scalar::{Kind, Raised, Scalar};
use super::state::Dict;
use super::text::TEXT_METHODS;
use super::value::{Display, Value};
use crate::kernel::{Item, call, slice_positions};

impl<'a> Compiler<'a> {
    /// `value.name` outside of a call.
    pub(crate) fn attribute(&mut self, node: &'a ExprAttribute) -> Result<Value<'a>> {
        let value = self.expression(&node.value)?;
        self.attribute_of(&value, node.attr.as_str(), node.range)
    }

    /// An attribute of a value that is no method.
    pub(crate) fn attribute_of(
        &mut self,
        value: &Value<'a>,
        name: &str,
        at: TextRange,
    ) -> Result<Value<'a>> {
        let found = match value {
            Value::Frame(number) | Value::Row(number) => {
                let key = Value::Text(Rc::from(name));
                let dict = self.dict(*number);
                dict.get(&key).cloned().or_else(|| match value {
                    Value::Frame(_) => frame_attribute(*number, &dict, name),
                    _ => None,
                })
            }
            Value::Module(module) => module_constant(*module, name),
            Value::Dict(_) => builtin::find(DICT_METHODS, name)
                .map(|method| Value::Method(Rc::new(value.clone()), method)),
            Value::TimeAccessor(column) => self.column_time_attribute(column, name, at)?,
            Value::IsoCalendar(column) => Self::iso_calendar(column, name),
            Value::Scalar(time) => Self::time_attribute(time, name),
            Value::Builtin(builtin) if builtin.name == "str" => {
                builtin::find(TEXT_METHODS, name).map(Value::Builtin)
            }
            Value::Series(column) => match name {
                "str" => Some(Value::TextAccessor(column.clone())),
                "dt" => Some(Value::TimeAccessor(column.clone())),
                "values" | "array" => Some(Value::Series(column.clone())),
                "index" => Some(Value::Index),
                "size" => Some(Value::RowCount),
                "shape" => Some(Value::Items(Rc::new(vec![Value::RowCount]), Display::Tuple)),
                _ => None,
            },
            _ => None,
        };
        if matches!((value, name), (Value::Series(_) | Value::Frame(_), "iloc" | "iat")) {
            return Err(self.single_row(at));
        }
        found.ok_or_else(|| {
            let construct = format!("attribute {name} of a {}", value.label());
            self.unsupported(at, construct, "see the list of known methods and functions")
        })
    }

    fn single_row(&self, at: TextRange) -> larder_core::Error {
        self.unsupported(
            at,
            "a single row of a column",
            "go through the rows with a loop, or declare the view with singleton=True",
        )
    }

    /// `container[key]`.
    pub(crate) fn item(
        &mut self,
        container: Value<'a>,
        key: &Value<'a>,
        at: TextRange,
    ) -> Result<Value<'a>> {
        match self.settled(container) {
            Value::Dict(number) | Value::Row(number) => {
                self.lookup(number, key, Absent::Raises, at)
            }
            Value::Picked(picked) => self.lookup_picked(&picked, key, &Absent::Raises, at),
            Value::Frame(number) => self.columns(number, key, at),
            Value::Column(scalar) if *key == Value::RowIndex => Ok(Value::Scalar(scalar)),
            Value::Items(items, _) => match key {
                Value::Int(index) => self.element_at(&items, *index, at),
                Value::Slice(bounds) => self.items_slice(&items, bounds, at),
                Value::Scalar(_) => {
                    let list = self.list_of_items(&items, at)?;
                    self.list_item(&list, key, at)
                }
                _ => Err(self.unsupported(
                    at,
                    "a computed position in a list",
                    "use a literal position",
                )),
            },
            Value::Scalar(scalar) if matches!(scalar.kind, Kind::List(_)) => {
                self.list_item(&scalar, key, at)
            }
            Value::Locator(number) => self.located(number, key, at),
            Value::TextAccessor(column) => self.column_part(&column, key, at),
            Value::Scalar(text) if text.kind == Kind::Text => self.text_part(&text, key, at),
            text @ Value::Text(_) => {
                let text = self.scalar(&text, at)?;
                self.text_part(&text, key, at)
            }
            Value::Series(column) if *key == Value::RowIndex => Ok(Value::Scalar(column.element())),
            column @ Value::Series(_) if matches!(key, Value::Series(_)) => {
                self.filtered(&column, key, at)
            }
            Value::Column(_) | Value::Series(_) => Err(self.single_row(at)),
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

    fn items_slice(
        &self,
        items: &[Value<'a>],
        bounds: &[Value<'a>; 3],
        at: TextRange,
    ) -> Result<Value<'a>> {
        let bound = |value: &Value<'a>| match value {
            Value::None => Ok(None),
            Value::Int(value) => Ok(Some(*value)),
            _ => Err(self.unsupported(at, "a computed bound of a slice", "use literals")),
        };
        let step = bound(&bounds[2])?.unwrap_or(1);
        if step == 0 {
            return Err(self.wrong(at, "a slice with step 0"));
        }
        let picked = slice_positions(items.len(), bound(&bounds[0])?, bound(&bounds[1])?, step);
        let items = picked.into_iter().map(|at| items[at].clone()).collect();
        Ok(Value::Items(Rc::new(items), Display::List))
    }

    fn list_item(&mut self, list: &Scalar, key: &Value<'a>, at: TextRange) -> Result<Value<'a>> {
        if matches!(key, Value::Slice(_)) {
            return self.text_part(list, key, at);
        }
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
        let item = element_of(&list, expr);
        Ok(Value::Scalar(Scalar { raised: Raised::when(outside), ..item }))
    }

    /// `frame[key]`.
    pub(crate) fn columns(
        &mut self,
        number: usize,
        key: &Value<'a>,
        at: TextRange,
    ) -> Result<Value<'a>> {
        let dict = self.dict(number);
        if let Value::Items(names, Display::List) = key {
            let mut entries = Vec::new();
            for name in names.iter() {
                let Some(column) = dict.get(name) else { return Err(self.no_column(name, at)) };
                entries.push((name.clone(), column.clone()));
            }
            let indexed = dict.indexed;
            let frame = Dict { entries, per_row: false, indexed };
            return Ok(Value::Frame(self.new_frame(frame)));
        }
        if matches!(key, Value::Series(_) | Value::Slice(_)) {
            return Err(self.filters_rows(at));
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

/// An attribute of a frame that is none of its columns.
fn frame_attribute<'a>(number: usize, frame: &Dict<'a>, name: &str) -> Option<Value<'a>> {
    let columns = frame.entries.len();
    Some(match name {
        "columns" => {
            let names = frame.entries.iter().map(|(key, _)| key.clone()).collect();
            Value::Items(Rc::new(names), Display::List)
        }
        "index" => Value::Index,
        "loc" => Value::Locator(number),
        "shape" => {
            let shape =
                vec![Value::RowCount, Value::Int(i64::try_from(columns).unwrap_or(i64::MAX))];
            Value::Items(Rc::new(shape), Display::Tuple)
        }
        _ => return None,
    })
}
