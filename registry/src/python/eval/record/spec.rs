//! Descriptions of classes and their parameters.

use std::rc::Rc;

use super::Object;
use crate::python::eval::call::Arguments;
use crate::python::eval::exception::Outcome;
use crate::python::eval::interpreter::Interpreter;
use crate::python::eval::operators;
use crate::python::eval::value::Value;

/// A hook that sees a constructed object.
pub(crate) type Finish = fn(&mut Interpreter<'_>, &Rc<Object>) -> Outcome<()>;
/// Answers `object[index]`.
pub(crate) type Item = fn(&mut Interpreter<'_>, &Rc<Object>, &Value) -> Outcome<Value>;
/// Answers `str(object)`.
pub(crate) type Display = fn(&mut Interpreter<'_>, &Rc<Object>) -> Outcome<String>;
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
    pub(crate) item: Option<Item>,
    /// `Class[index]`.
    pub(crate) class_item: Option<fn(&mut Interpreter<'_>, &Value) -> Outcome<Value>>,
    /// `Class.name`.
    pub(crate) class_attribute: Option<fn(&str) -> Option<Value>>,
    /// `str(object)`.
    pub(crate) display: Option<Display>,
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
    pub(crate) fn all_parameters(
        &self,
    ) -> impl Iterator<Item = &'static Parameter> + Clone + use<> {
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
            (Self::Float, value) => operators::as_float(value).is_some(),
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

    pub(super) fn describe(&self) -> String {
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
            Self::Object(class) | Self::Member(class) => format!("a {class}"),
            Self::Function => "a function".to_owned(),
            Self::AnyOf(kinds) => kinds.iter().map(Self::describe).collect::<Vec<_>>().join(" or "),
        }
    }
}
