//! Schemas and feature types.

use std::rc::Rc;

use larder_core::{Error, Result};

use super::builder::{Builder, place};
use crate::python::{self, Value, Variables, class, primitive, primitives};
use crate::yaml::{Data, Value as Yaml, did_you_mean};

/// Collections inside collections that a type may have.
const MAX_DEPTH: usize = 16;

impl Builder<'_> {
    /// A schema: a list of `{name, dtype, ...}`, or a map of names to types.
    pub(super) fn schema(&mut self, value: &Yaml<'_>) -> Result<Value> {
        let Some(class) = class("", "Field") else { return Ok(Value::None) };
        let mut fields = Vec::new();
        if let Data::Map(entries) = &value.node().data {
            for entry in entries {
                let path = format!("{}.{}", value.path(), entry.key);
                let dtype = Yaml::new(path, &entry.value);
                let mut arguments = Variables::new();
                arguments.insert(Rc::from("name"), Value::text(&entry.key));
                arguments.insert(Rc::from("dtype"), self.dtype(&dtype)?);
                let field = self.constructors.construct(class, arguments, &place(&dtype)?)?;
                fields.push(Value::Object(field));
            }
            return Ok(Value::list(fields));
        }
        for item in value.list()? {
            let field = self.construct(class, &item.section()?, &place(&item)?)?;
            fields.push(Value::Object(field));
        }
        Ok(Value::list(fields))
    }

    /// A type of `feast.types`: `Int64`, `Array(Set(String))`, or a map: `{Struct: {a: Int64}}`, `{Array: {Struct:
    /// ...}}`. The names of `ValueType` (`INT64_LIST`) are understood too.
    pub(super) fn dtype(&mut self, value: &Yaml<'_>) -> Result<Value> {
        self.nested_dtype(value, 0)
    }

    fn nested_dtype(&mut self, value: &Yaml<'_>, depth: usize) -> Result<Value> {
        if depth > MAX_DEPTH {
            return Err(value.error("the type is nested too deeply"));
        }
        match &value.node().data {
            Data::Map(entries) => match entries.as_slice() {
                [entry] => {
                    let inner = Yaml::new(format!("{}.{}", value.path(), entry.key), &entry.value);
                    self.collection(&entry.key, &inner, value, depth)
                }
                _ => Err(value
                    .error("expected one of Struct, Array, Set with its contents")
                    .with_hint("write {Struct: {name: type, ...}} or {Array: type}")),
            },
            _ => self.text_dtype(&value.text()?, value, depth),
        }
    }

    fn collection(
        &mut self,
        word: &str,
        inner: &Yaml<'_>,
        value: &Yaml<'_>,
        depth: usize,
    ) -> Result<Value> {
        let contents = match (word, &inner.node().data) {
            ("Struct", Data::Map(entries)) => {
                let mut fields = Vec::with_capacity(entries.len());
                for entry in entries {
                    let field = Yaml::new(format!("{}.{}", inner.path(), entry.key), &entry.value);
                    let dtype = self.nested_dtype(&field, depth + 1)?;
                    fields.push((Rc::from(entry.key.as_str()), dtype));
                }
                ("fields", Value::text_dict(fields))
            }
            ("Struct", _) => return Err(inner.error("expected a map of names to types")),
            ("Array" | "Set", _) => ("base_type", self.nested_dtype(inner, depth + 1)?),
            _ => return Err(value.error(format!("\"{word}\" is not one of Struct, Array, Set"))),
        };
        self.complex(word, contents, value)
    }

    fn complex(
        &mut self,
        word: &str,
        (parameter, contents): (&str, Value),
        value: &Yaml<'_>,
    ) -> Result<Value> {
        let Some(class) = class("feast.types", word) else { return Ok(Value::None) };
        let arguments = Variables::from([(Rc::from(parameter), contents)]);
        let made = self.constructors.construct(class, arguments, &place(value)?);
        made.map(Value::Object).map_err(|error| value.error(error.message()))
    }

    fn text_dtype(&mut self, text: &str, value: &Yaml<'_>, depth: usize) -> Result<Value> {
        let text = text.trim();
        if depth > MAX_DEPTH {
            return Err(value.error("the type is nested too deeply"));
        }
        for word in ["Array", "Set"] {
            let inner =
                text.strip_prefix(word).and_then(|rest| rest.trim_start().strip_prefix('('));
            if let Some(inner) = inner.and_then(|inner| inner.strip_suffix(')')) {
                let inner = self.text_dtype(inner, value, depth + 1)?;
                return self.complex(word, ("base_type", inner), value);
            }
        }
        primitive(text).ok_or_else(|| unknown(text, value))
    }

    /// The type of an entity, in either spelling.
    pub(super) fn value_type(&mut self, value: &Yaml<'_>) -> Result<Value> {
        let dtype = self.dtype(value)?;
        python::value_type(&dtype).map_err(|error| value.error(error.message()))
    }
}

fn unknown(text: &str, value: &Yaml<'_>) -> Error {
    let error = value.error(format!("\"{text}\" is no feature type"));
    match did_you_mean(text, primitives()) {
        Some(known) => error.with_hint(format!("did you mean \"{known}\"?")),
        None => error.with_hint(
            "write for instance Int64, Float32, String, Bool, Array(String), {Struct: {a: Int64}}",
        ),
    }
}
