//! Classes that a library describes as data: parameters, defaults, types, and what follows construction.

use std::cell::RefCell;
use std::rc::Rc;

use larder_core::Location;

use super::call::{Argument, Arguments};
use super::exception::{Exception, Outcome, Stop};
use super::interpreter::{Interpreter, closest};
use super::scope::Variables;
use super::value::{Method, PendingDecorator, Value, bury_variables};

/// A hook that sees a constructed object.
pub(crate) type Finish = fn(&mut Interpreter<'_>, &Rc<Object>) -> Outcome<()>;
/// A method of an object.
pub(crate) type ObjectMethod = fn(&mut Interpreter<'_>, &Rc<Object>, &Arguments) -> Outcome<Value>;

/// A class as data.
pub(crate) struct ClassSpec {
    pub(crate) name: &'static str,
    /// Python module that defines it.
    pub(crate) module: &'static str,
    /// Names of all its ancestors.
    pub(crate) ancestors: &'static [&'static str],
    pub(crate) parameters: &'static [Parameter],
    /// Parameters that it shares with other classes, after its own.
    pub(crate) shared: &'static [Parameter],
    /// How many parameters may be given by position.
    pub(crate) positional: usize,
    /// Parameters that older versions took by position.
    pub(crate) legacy_positional: &'static [&'static str],
    pub(crate) legacy: &'static [Legacy],
    /// Checks and derived attributes.
    pub(crate) finish: Option<Finish>,
    pub(crate) methods: &'static [(&'static str, ObjectMethod)],
    /// `object[index]`.
    pub(crate) item: Option<fn(&mut Interpreter<'_>, &Rc<Object>, &Value) -> Outcome<Value>>,
    /// `Class[index]`.
    pub(crate) class_item: Option<fn(&mut Interpreter<'_>, &Value) -> Outcome<Value>>,
    /// `Class.name`.
    pub(crate) class_attribute: Option<fn(&str) -> Option<Value>>,
    /// `str(object)`.
    pub(crate) display: Option<fn(&mut Interpreter<'_>, &Rc<Object>) -> Outcome<String>>,
    /// Attributes that stand for the object itself.
    pub(crate) itself: &'static [&'static str],
    /// Calling it gives a decorator that makes an object of this class.
    pub(crate) decorates: Option<&'static ClassSpec>,
    /// Why the class cannot be instantiated, with a hint.
    pub(crate) refused: Option<(&'static str, &'static str)>,
}

impl ClassSpec {
    /// What a description starts from.
    pub(crate) const BASE: Self = Self {
        name: "",
        module: "",
        ancestors: &[],
        parameters: &[],
        shared: &[],
        positional: 0,
        legacy_positional: &[],
        legacy: &[],
        finish: None,
        methods: &[],
        item: None,
        class_item: None,
        class_attribute: None,
        display: None,
        itself: &[],
        decorates: None,
        refused: None,
    };

    /// All parameters, in order.
    pub(crate) fn all_parameters(&self) -> impl Iterator<Item = &'static Parameter> + Clone + use<> {
        self.parameters.iter().chain(self.shared)
    }

    /// Whether the class is, or descends from, the class of this name.
    pub(crate) fn is_a(&self, class: &str) -> bool {
        self.name == class || self.ancestors.contains(&class)
    }
}

/// One parameter of a constructor.
pub(crate) struct Parameter {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) default: Fallback,
    /// Whether `None` may be given.
    pub(crate) nullable: bool,
}

/// Value of a parameter that is not given.
#[derive(Clone, Copy)]
pub(crate) enum Fallback {
    Required,
    None,
    Bool(bool),
    Int(i128),
    Float(f64),
    Text(&'static str),
    Duration(i128),
    Member(&'static str, &'static str),
}

/// What a parameter takes.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Any,
    Text,
    Bool,
    Int,
    Float,
    Duration,
    /// A dictionary of text to text.
    TextMap,
    /// A dictionary of anything.
    Map,
    /// A list of such values.
    List(&'static Kind),
    /// An object of a class or of a descendant.
    Object(&'static str),
    /// A member of an enumeration.
    Member(&'static str),
    /// A function.
    Function,
    AnyOf(&'static [Kind]),
}

/// A keyword of an older version.
pub(crate) struct Legacy {
    pub(crate) old: &'static str,
    pub(crate) new: &'static str,
    /// Turns the old value into the new one.
    pub(crate) adapt: Option<fn(&mut Interpreter<'_>, Value) -> Outcome<Value>>,
}

/// A parameter that must be given.
pub(crate) const fn required(name: &'static str, kind: Kind) -> Parameter {
    Parameter { name, kind, default: Fallback::Required, nullable: false }
}

/// A parameter that is `None` when it is not given.
pub(crate) const fn optional(name: &'static str, kind: Kind) -> Parameter {
    Parameter { name, kind, default: Fallback::None, nullable: true }
}

/// A parameter with a default, not `None`.
pub(crate) const fn with(name: &'static str, kind: Kind, default: Fallback) -> Parameter {
    Parameter { name, kind, default, nullable: false }
}

/// A parameter with a default that may also be `None`.
pub(crate) const fn nullable(name: &'static str, kind: Kind, default: Fallback) -> Parameter {
    Parameter { name, kind, default, nullable: true }
}

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
    pub(crate) fn new(spec: &'static ClassSpec, attributes: Variables, location: Location) -> Rc<Self> {
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
    pub(crate) fn error(&self, message: impl Into<String>) -> Box<Stop> {
        Exception::raise("ValueError", message).at(|| self.location.clone())
    }
}

/// Calls a described class.
pub(super) fn construct(
    interpreter: &mut Interpreter<'_>,
    spec: &'static ClassSpec,
    arguments: &Arguments,
) -> Outcome<Value> {
    let attributes = bind(interpreter, spec, arguments)?;
    if let Some(spec) = spec.decorates {
        return Ok(Value::Decorator(Rc::new(PendingDecorator { spec, attributes })));
    }
    make(interpreter, spec, attributes, arguments.location())
}

/// An object of bound attributes, checked.
pub(crate) fn make(
    interpreter: &mut Interpreter<'_>,
    spec: &'static ClassSpec,
    attributes: Variables,
    location: Location,
) -> Outcome<Value> {
    let object = Object::new(spec, attributes, location);
    if let Some(finish) = spec.finish {
        finish(interpreter, &object).map_err(|stop| stop.at(|| object.location.clone()))?;
    }
    Ok(Value::Object(object))
}

/// Sorts the arguments of a constructor into its parameters and checks them.
pub(crate) fn bind(
    interpreter: &mut Interpreter<'_>,
    spec: &'static ClassSpec,
    arguments: &Arguments,
) -> Outcome<Variables> {
    if let Some((what, hint)) = spec.refused {
        return Err(Stop::unsupported(what, hint));
    }
    let mut given: indexmap::IndexMap<&'static str, Argument> = indexmap::IndexMap::new();
    for (position, argument) in arguments.positional.iter().enumerate() {
        let name = positional_name(interpreter, spec, position, arguments, argument)?;
        given.insert(name, argument.clone());
    }
    for (keyword, argument) in &arguments.keywords {
        let (name, argument) = keyword_name(interpreter, spec, keyword, arguments, argument)?;
        if given.insert(name, argument.clone()).is_some() {
            let message = format!("{} gets \"{name}\" twice", spec.name);
            return Err(Exception::raise("TypeError", message)
                .at(|| arguments.location_of(&argument)));
        }
    }
    let subject = match given.get("name").and_then(|argument| argument.value.as_str()) {
        Some(name) => format!("{} \"{name}\"", spec.name),
        None => spec.name.to_owned(),
    };
    let mut attributes = Variables::with_capacity(spec.parameters.len());
    for parameter in spec.all_parameters() {
        let value = match given.swap_remove(parameter.name) {
            Some(argument) => {
                check(parameter, &argument.value, &subject)
                    .map_err(|stop| stop.at(|| arguments.location_of(&argument)))?;
                argument.value
            }
            None => default(parameter, &subject)?,
        };
        attributes.insert(Rc::from(parameter.name), value);
    }
    Ok(attributes)
}

fn positional_name(
    interpreter: &mut Interpreter<'_>,
    spec: &'static ClassSpec,
    position: usize,
    arguments: &Arguments,
    argument: &Argument,
) -> Outcome<&'static str> {
    if let Some(parameter) = spec.all_parameters().take(spec.positional).nth(position) {
        return Ok(parameter.name);
    }
    let location = arguments.location_of(argument);
    match spec.legacy_positional.get(position) {
        Some(name) => {
            let message = format!("{} takes \"{name}\" as a keyword only since Feast 0.24", spec.name);
            interpreter.warn(message, location);
            Ok(name)
        }
        None => {
            let message = format!("{} takes keyword arguments only", spec.name);
            let hint = "write name=value for each argument";
            Err(Exception::raise("TypeError", message).hint(hint).at(|| location))
        }
    }
}

fn keyword_name(
    interpreter: &mut Interpreter<'_>,
    spec: &'static ClassSpec,
    keyword: &str,
    arguments: &Arguments,
    argument: &Argument,
) -> Outcome<(&'static str, Argument)> {
    let hidden = keyword.starts_with('_');
    if let Some(parameter) = spec.all_parameters().find(|known| known.name == keyword && !hidden) {
        return Ok((parameter.name, argument.clone()));
    }
    let location = arguments.location_of(argument);
    if let Some(legacy) = spec.legacy.iter().find(|legacy| legacy.old == keyword) {
        let message = format!(
            "{}: \"{keyword}\" is Feast's old name for \"{}\", use the new one",
            spec.name, legacy.new
        );
        interpreter.warn(message, location.clone());
        let value = match legacy.adapt {
            Some(adapt) => adapt(interpreter, argument.value.clone())
                .map_err(|stop| stop.at(|| location))?,
            None => argument.value.clone(),
        };
        return Ok((legacy.new, Argument { value, range: argument.range }));
    }
    let stop = Exception::raise("TypeError", format!("{} has no parameter \"{keyword}\"", spec.name));
    let known = spec.all_parameters().map(|parameter| parameter.name);
    let known = known.filter(|name| !name.starts_with('_'));
    let stop = match closest(keyword, known.clone()) {
        Some(near) => stop.hint(format!("did you mean \"{near}\"?")),
        None => stop.hint(format!("it takes {}", known.collect::<Vec<_>>().join(", "))),
    };
    Err(stop.at(|| location))
}

pub(crate) fn default(parameter: &Parameter, subject: &str) -> Outcome<Value> {
    Ok(match parameter.default {
        Fallback::Required => {
            let message = format!("{subject} misses the argument \"{}\"", parameter.name);
            return Err(Exception::raise("TypeError", message));
        }
        Fallback::None => Value::None,
        Fallback::Bool(flag) => Value::Bool(flag),
        Fallback::Int(number) => Value::Int(number),
        Fallback::Float(number) => Value::Float(number),
        Fallback::Text(text) => Value::text(text),
        Fallback::Duration(micros) => Value::Duration(micros),
        Fallback::Member(class, name) => Value::Member(super::class::Member::plain(class, name)),
    })
}

fn check(parameter: &Parameter, value: &Value, subject: &str) -> Outcome<()> {
    if (value.is_none() && parameter.nullable) || parameter.kind.accepts(value) {
        return Ok(());
    }
    if let Value::Foreign(name) = value {
        return Err(super::call::foreign(name, "using"));
    }
    let wanted = parameter.kind.describe();
    let given = match (&parameter.kind, value) {
        (Kind::List(kind), Value::List(list)) => {
            let list = list.0.borrow();
            let wrong = list.iter().find(|item| !kind.accepts(item)).map(Value::type_name);
            format!("a list with an item of type {}", wrong.unwrap_or_else(|| Rc::from("?")))
        }
        _ => value.type_name().as_ref().to_owned(),
    };
    let message = format!("{subject}: \"{}\" must be {wanted}, not {given}", parameter.name);
    Err(Exception::raise("TypeError", message))
}

impl Kind {
    pub(crate) fn accepts(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Any, _)
            | (Self::Bool, Value::Bool(_))
            | (Self::Duration, Value::Duration(_))
            | (Self::Map, Value::Dict(_))
            | (Self::Function, Value::Function(_)) => true,
            (Self::Text, value) => value.as_str().is_some(),
            (Self::Int, value) => value.as_int().is_some(),
            (Self::Float, value) => super::operators::as_float(value).is_some(),
            (Self::TextMap, Value::Dict(dict)) => {
                let text = |value: &Value| value.as_str().is_some();
                dict.0.borrow().values().all(|(key, value)| text(key) && text(value))
            }
            (Self::List(kind), Value::List(list)) => {
                list.0.borrow().iter().all(|item| kind.accepts(item))
            }
            (Self::Object(class), Value::Object(object)) => object.is_a(class),
            (Self::Member(class), Value::Member(member)) => *member.class == **class,
            (Self::AnyOf(kinds), value) => kinds.iter().any(|kind| kind.accepts(value)),
            _ => false,
        }
    }

    fn describe(&self) -> String {
        match self {
            Self::Any => "anything".to_owned(),
            Self::Text => "a string".to_owned(),
            Self::Bool => "True or False".to_owned(),
            Self::Int => "a whole number".to_owned(),
            Self::Float => "a number".to_owned(),
            Self::Duration => "a timedelta".to_owned(),
            Self::TextMap => "a dictionary of strings".to_owned(),
            Self::Map => "a dictionary".to_owned(),
            Self::List(kind) => format!("a list, each item {}", kind.describe()),
            Self::Object(class) => format!("a {class}"),
            Self::Member(class) => format!("a {class}"),
            Self::Function => "a function".to_owned(),
            Self::AnyOf(kinds) => {
                kinds.iter().map(Self::describe).collect::<Vec<_>>().join(" or ")
            }
        }
    }
}

/// Reads `object.name`.
pub(super) fn attribute(object: &Rc<Object>, name: &str) -> Outcome<Value> {
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
pub(super) fn call_method(
    interpreter: &mut Interpreter<'_>,
    object: &Rc<Object>,
    name: &str,
    arguments: &Arguments,
) -> Outcome<Value> {
    match object.spec.methods.iter().find(|(known, _)| *known == name) {
        Some((_, method)) => method(interpreter, object, arguments),
        None => {
            let message = format!("{} has no method \"{name}\"", object.spec.name);
            Err(Exception::raise("AttributeError", message))
        }
    }
}
