//! Instances of described classes.

use std::cell::RefCell;
use std::rc::Rc;

use larder_core::Location;

use super::ClassSpec;
use crate::python::eval::call::Arguments;
use crate::python::eval::exception::{Exception, Outcome, Stop};
use crate::python::eval::interpreter::{Interpreter, closest};
use crate::python::eval::scope::Variables;
use crate::python::eval::value::{Method, Value, bury_variables};

/// An instance of a described class.
pub(crate) struct Object {
    pub(crate) spec: &'static ClassSpec,
    attributes: RefCell<Variables>,
    /// Where it was constructed.
    pub(crate) location: Location,
}

impl Drop for Object {
    fn drop(&mut self) {
        bury_variables(self.attributes.get_mut());
    }
}

impl Object {
    pub(crate) fn new(
        spec: &'static ClassSpec,
        attributes: Variables,
        location: Location,
    ) -> Rc<Self> {
        Rc::new(Self { spec, attributes: RefCell::new(attributes), location })
    }

    pub(crate) fn attribute(&self, name: &str) -> Option<Value> {
        self.attributes.borrow().get(name).cloned()
    }

    /// An attribute that construction always sets; `None` when it has been deleted.
    pub(crate) fn get(&self, name: &str) -> Value {
        self.attribute(name).unwrap_or(Value::None)
    }

    pub(crate) fn set(&self, name: &str, value: Value) {
        let replaced = self.attributes.borrow_mut().insert(Rc::from(name), value);
        drop(replaced);
    }

    /// A text attribute; empty for `None`.
    pub(crate) fn text(&self, name: &str) -> String {
        self.get(name).as_str().unwrap_or_default().to_owned()
    }

    /// The name, for messages.
    pub(crate) fn name(&self) -> String {
        self.text("name")
    }

    /// Elements of a list attribute; empty for `None`.
    pub(crate) fn items(&self, name: &str) -> Vec<Value> {
        match self.get(name) {
            Value::List(list) => list.0.borrow().clone(),
            Value::Tuple(tuple) => tuple.0.clone(),
            _ => Vec::new(),
        }
    }

    /// Objects of a list attribute.
    pub(crate) fn objects(&self, name: &str) -> Vec<Rc<Self>> {
        self.items(name).iter().filter_map(|item| item.as_object().cloned()).collect()
    }

    /// The values of the declared parameters, which decide equality.
    pub(crate) fn declared(&self) -> Vec<Value> {
        self.spec.all_parameters().map(|parameter| self.get(parameter.name)).collect()
    }

    /// A copy with the same attribute values, as `copy.copy` makes it.
    pub(crate) fn copy(&self) -> Rc<Self> {
        Self::new(self.spec, self.attributes.borrow().clone(), self.location.clone())
    }

    pub(crate) fn is_a(&self, class: &str) -> bool {
        self.spec.is_a(class)
    }

    /// An exception about this object, at its place.
    pub(crate) fn error(&self, message: impl Into<String>) -> Stop {
        Exception::raise("ValueError", message).at(|| self.location.clone())
    }
}

/// Reads `object.name`.
pub(in crate::python::eval) fn attribute(object: &Rc<Object>, name: &str) -> Outcome<Value> {
    if let Some(value) = object.attribute(name) {
        return Ok(value);
    }
    if object.spec.itself.contains(&name) {
        return Ok(Value::Object(Rc::clone(object)));
    }
    if object.spec.methods.iter().any(|(known, _)| *known == name) {
        let receiver = Value::Object(Rc::clone(object));
        return Ok(Value::Method(Rc::new(Method { receiver, name: Rc::from(name) })));
    }
    let message = format!("{} has no attribute \"{name}\"", object.spec.name);
    let stop = Exception::raise("AttributeError", message);
    let attributes = object.attributes.borrow();
    let known = attributes.keys().map(AsRef::as_ref).filter(|known| !known.starts_with('_'));
    Err(match closest(name, known) {
        Some(near) => stop.hint(format!("did you mean \"{near}\"?")),
        None => stop,
    })
}

/// Calls a method of an object.
pub(in crate::python::eval) fn call_method(
    interpreter: &mut Interpreter<'_>,
    object: &Rc<Object>,
    name: &str,
    arguments: &Arguments,
) -> Outcome<Value> {
    let found = object.spec.methods.iter().find(|(known, _)| *known == name);
    let Some((_, method)) = found else {
        let message = format!("{} has no method \"{name}\"", object.spec.name);
        return Err(Exception::raise("AttributeError", message));
    };
    method(interpreter, object, arguments)
}
