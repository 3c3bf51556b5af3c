//! Functions of views: Python text, or SQL expressions.

use std::collections::BTreeMap;
use std::rc::Rc;

use larder_core::{Location, Result, SQL_TAG};

use super::builder::{Builder, place};
use super::sql_stub;
use crate::python::{ClassSpec, Value, Variables};
use crate::yaml::{Section, Value as Yaml};

impl Builder<'_> {
    /// Adds the function of a view to its arguments.
    pub(super) fn computation(
        &mut self,
        class: &'static ClassSpec,
        section: &Section<'_>,
        arguments: &mut Variables,
    ) -> Result<()> {
        let on_demand = class.is_a("OnDemandFeatureView");
        let function = section.get("function");
        let expressions = section.get("expressions").filter(|_| on_demand);
        match (function, expressions) {
            (Some(_), Some(expressions)) => {
                Err(expressions.error("a view has either a function or expressions"))
            }
            (None, Some(expressions)) => self.sql(section, &expressions, arguments),
            (Some(function), None) => {
                if on_demand && is_sql(arguments) {
                    return Err(section.require("mode")?.error("sql needs expressions"));
                }
                self.python(section, &function, on_demand, arguments)
            }
            (None, None) if on_demand && is_sql(arguments) => {
                Err(section.error("expressions is missing"))
            }
            (None, None) if on_demand && !arguments.contains_key("aggregations") => {
                Err(section.error("function is missing").with_hint(
                    "write the text of a Python function under function, or SQL under expressions",
                ))
            }
            (None, None) => Ok(()),
        }
    }

    fn python(
        &mut self,
        section: &Section<'_>,
        function: &Yaml<'_>,
        on_demand: bool,
        arguments: &mut Variables,
    ) -> Result<()> {
        let text = function.text()?;
        let start = first_line(function, &text)?;
        let made = self.constructors.function(&start, &text)?;
        if on_demand {
            self.constructors.warn_of_names(&made);
            self.functions.insert(section.text_or_empty("name")?, start);
        }
        arguments.insert(Rc::from("udf"), made);
        arguments.insert(Rc::from("udf_string"), Value::text(text));
        Ok(())
    }

    /// SQL goes into a tag; Feast gets a Python function that says who can compute it.
    fn sql(
        &mut self,
        section: &Section<'_>,
        value: &Yaml<'_>,
        arguments: &mut Variables,
    ) -> Result<()> {
        if let Some(mode) = section.get("mode")
            && !is_sql(arguments)
        {
            return Err(mode.error("expressions are of mode sql"));
        }
        if arguments.get("singleton").is_some_and(Value::truth) {
            return Err(section.require("singleton")?.error("needs a Python function"));
        }
        let expressions = value.text_map()?;
        check_names(section, value, &expressions, arguments)?;
        let json = serde_json::to_string(&expressions).expect("a map of texts is valid JSON");
        let mut tags = section.read("tags", Yaml::text_map)?.unwrap_or_default();
        tags.insert(SQL_TAG.to_owned(), json);
        let tags = tags.into_iter().map(|(key, text)| (Rc::from(key), Value::text(text)));
        arguments.insert(Rc::from("tags"), Value::text_dict(tags));
        let text = sql_stub::text(&section.text_or_empty("name")?, &expressions);
        let function = self.constructors.function(&place(value)?, &text)?;
        arguments.insert(Rc::from("mode"), Value::text("python"));
        arguments.insert(Rc::from("udf"), function);
        arguments.insert(Rc::from("udf_string"), Value::text(text));
        Ok(())
    }
}

fn is_sql(arguments: &Variables) -> bool {
    arguments.get("mode").and_then(Value::as_str).is_some_and(|mode| mode == "sql")
}

/// Every feature of the schema has an expression, and nothing else has one.
fn check_names(
    section: &Section<'_>,
    value: &Yaml<'_>,
    expressions: &BTreeMap<String, String>,
    arguments: &Variables,
) -> Result<()> {
    let fields = match arguments.get("schema") {
        Some(Value::List(fields)) => fields.0.borrow().clone(),
        _ => return Err(section.error("schema is missing")),
    };
    let names: Vec<String> =
        fields.iter().filter_map(Value::as_object).map(|field| field.name()).collect();
    if let Some(name) = names.iter().find(|name| !expressions.contains_key(*name)) {
        return Err(value.error(format!("feature \"{name}\" of the schema has no expression")));
    }
    match expressions.keys().find(|name| !names.contains(name)) {
        Some(stranger) => Err(value.error(format!("\"{stranger}\" is not in the schema"))),
        None => Ok(()),
    }
}

/// The line on which a text starts. The place of a block of text is its first line that is not empty.
fn first_line(value: &Yaml<'_>, text: &str) -> Result<Location> {
    let empty = text.bytes().take_while(|byte| *byte == b'\n').count();
    let start = place(value)?;
    let line = start.line.saturating_sub(u32::try_from(empty).unwrap_or(0)).max(1);
    Ok(Location { line, ..start })
}
