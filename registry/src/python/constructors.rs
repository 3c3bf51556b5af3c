//! Feast's classes, for definitions in another notation than Python: the same parameters, checks and objects.

use std::rc::Rc;

use larder_core::{Error, Location, Result, ValueType};
use ruff_python_ast::Stmt;

use super::eval::exception::Stop;
use super::eval::interpreter::{Frame, Interpreter, Limits};
use super::eval::module::Modules;
use super::eval::record::{self, ClassSpec, Object};
use super::eval::scope::{Scope, Variables};
use super::eval::value::Value;
use super::feast::{self, Feast};
use super::source::{Environment, Source, SourceFiles, parse};
use crate::definitions::Warning;

/// Calls constructors.
pub(crate) struct Constructors<'e>(Interpreter<'e>);

impl<'e> Constructors<'e> {
    /// Constructors that may look at these variables, and at nothing else.
    pub(crate) fn new(
        files: &'e dyn SourceFiles,
        environment: &'e dyn Environment,
        limits: Limits,
    ) -> Result<Self> {
        let modules = Modules::default();
        Interpreter::new(files, environment, &Feast, limits, modules)
            .map(Self)
            .map_err(Stop::into_error)
    }

    /// An object of a class. Parameters that are not given have Feast's defaults.
    ///
    /// # Errors
    /// What the constructor refuses, at `location` unless a better place is known.
    pub(crate) fn construct(
        &mut self,
        class: &'static ClassSpec,
        arguments: Variables,
        location: &Location,
    ) -> Result<Rc<Object>> {
        record::call(&mut self.0, class, arguments, location)
            .map_err(|stop| stop.at(|| location.clone()).into_error())
    }

    /// The function that a text defines. `place` is the line on which the text starts.
    ///
    /// # Errors
    /// `Invalid`, at its line, for anything but one function without decorators.
    pub(crate) fn function(&mut self, place: &Location, text: &str) -> Result<Value> {
        let source = Source::inside(place, text);
        let body = parse(&source)?;
        let name = match body.as_slice() {
            [Stmt::FunctionDef(definition)] if definition.decorator_list.is_empty() => {
                definition.name.as_str().to_owned()
            }
            _ => {
                return Err(Error::invalid("expected one function and nothing else")
                    .with_hint("write def name(inputs): ..., with its imports inside")
                    .with_location(place.clone()));
            }
        };
        let scope = Scope::module();
        let frame = Frame {
            source: Rc::new(source),
            scope: Rc::clone(&scope),
            module: Rc::from(""),
            package: false,
        };
        self.0.call_frame(frame, |interpreter| interpreter.run(&body)).map_err(Stop::into_error)?;
        scope.get(&name).ok_or_else(|| Error::internal("a definition without its function"))
    }

    /// Warns of names that Feast's servers would not find when they run the function.
    pub(crate) fn warn_of_names(&mut self, function: &Value) {
        if let Value::Function(function) = function {
            feast::warn_of_names(&mut self.0, function);
        }
    }

    /// `view[[names]]`.
    ///
    /// # Errors
    /// `Invalid` for a name that the view does not have.
    pub(crate) fn select(&mut self, view: &Rc<Object>, names: &Value) -> Result<Rc<Object>> {
        let select = view.spec.item.ok_or_else(|| Error::internal("only views have features"))?;
        match select(&mut self.0, view, names).map_err(Stop::into_error)? {
            Value::Object(chosen) => Ok(chosen),
            _ => Err(Error::internal("a part of a view is a view")),
        }
    }

    /// What was warned of.
    pub(crate) fn into_warnings(self) -> Vec<Warning> {
        self.0.warnings
    }
}

/// A class of Feast; `module` tells two of one name apart and may be empty else.
pub(crate) fn class(module: &str, name: &str) -> Option<&'static ClassSpec> {
    feast::class(module, name)
}

/// The members of one of Feast's enumerations with this name, ignoring case; several for a name of a list of members.
///
/// # Errors
/// The names that there are.
pub(crate) fn members(enumeration: &str, name: &str) -> Result<Vec<Value>, Vec<&'static str>> {
    feast::members(enumeration, &name.to_uppercase())
}

/// Names of the classes that a permission may be about.
pub(crate) fn resources() -> impl Iterator<Item = &'static str> {
    feast::resources()
}

/// A primitive type by its name in `feast.types` or in `ValueType`.
pub(crate) fn primitive(name: &str) -> Option<Value> {
    feast::types::alias(name).or_else(|| {
        let known = ValueType::from_name(name).filter(|found| *found != ValueType::Unknown)?;
        feast::types::from_value_type(known)
    })
}

/// Names of the primitive types in `feast.types`.
pub(crate) fn primitives() -> impl Iterator<Item = &'static str> {
    feast::types::aliases()
}

/// The member of `ValueType` for a type.
///
/// # Errors
/// `Invalid` for what is no type.
pub(crate) fn value_type(dtype: &Value) -> Result<Value> {
    let name = feast::types::registry_type(dtype)?.name();
    feast::types::value_type_member(name)
        .ok_or_else(|| Error::invalid(format!("{name} is no ValueType")))
}
