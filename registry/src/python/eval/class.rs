//! Classes that the repository defines: constants, enumerations, data classes, plain objects.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use ruff_python_ast::{Expr, Stmt, StmtClassDef};

use super::call::Arguments;
use super::exception::{Exception, Outcome, Stop};
use super::function::Role;
use super::interpreter::Interpreter;
use super::scope::{Scope, Variables};
use super::types::Type;
use super::value::{Method, Value, bury_variables};
use super::repr;

/// A class.
pub(crate) struct Class {
    pub(crate) name: Rc<str>,
    bases: Vec<Value>,
    pub(crate) attributes: RefCell<Variables>,
    enumeration: bool,
    /// Set by `@dataclass`.
    pub(super) data: Cell<bool>,
    /// Annotated names, in order: the fields of a data class.
    fields: Vec<Rc<str>>,
}

/// An instance of a class of the repository.
pub(crate) struct Instance {
    pub(crate) class: Rc<Class>,
    pub(crate) attributes: RefCell<Variables>,
}

/// A member of an enumeration.
pub(crate) struct Member {
    pub(crate) class: Rc<str>,
    pub(crate) name: Rc<str>,
    pub(crate) value: Value,
    mixin: Mixin,
}

/// What an enumeration's members are besides members.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mixin {
    None,
    /// `class E(str, Enum)`.
    Text,
    /// `class E(StrEnum)`: `str(member)` is the value.
    StrEnum,
    /// `class E(IntEnum)`.
    Number,
}

impl PartialEq for Member {
    fn eq(&self, other: &Self) -> bool {
        self.class == other.class && self.name == other.name
    }
}

impl Drop for Class {
    fn drop(&mut self) {
        bury_variables(self.attributes.get_mut());
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        bury_variables(self.attributes.get_mut());
    }
}

impl Member {
    /// A member of an enumeration that a library brings; its value is its name.
    pub(crate) fn plain(class: &str, name: &str) -> Rc<Self> {
        Self::valued(class, name, Value::text(name))
    }

    /// A member of an enumeration that a library brings.
    pub(crate) fn valued(class: &str, name: &str, value: Value) -> Rc<Self> {
        Rc::new(Self { class: Rc::from(class), name: Rc::from(name), value, mixin: Mixin::None })
    }

    /// The text that it is, for members that are strings too.
    pub(crate) fn text(&self) -> Option<&str> {
        match (self.mixin, &self.value) {
            (Mixin::Text | Mixin::StrEnum, Value::Str(text)) => Some(text),
            _ => None,
        }
    }

    /// The number that it is, for members that are numbers too.
    pub(crate) fn number(&self) -> Option<i128> {
        match (self.mixin, &self.value) {
            (Mixin::Number, Value::Int(number)) => Some(*number),
            _ => None,
        }
    }

    /// Whether `str(member)` is its value.
    pub(crate) fn plain_text(&self) -> bool {
        self.mixin == Mixin::StrEnum
    }
}

impl Class {
    /// The members of an enumeration, in order.
    pub(crate) fn members(&self) -> Option<Vec<Value>> {
        self.enumeration.then(|| {
            let attributes = self.attributes.borrow();
            attributes.values().filter(|value| matches!(value, Value::Member(_))).cloned().collect()
        })
    }

    /// An attribute of the class or of the classes it derives from.
    pub(crate) fn attribute(&self, name: &str) -> Option<Value> {
        if let Some(value) = self.attributes.borrow().get(name) {
            return Some(value.clone());
        }
        self.bases.iter().find_map(|base| match base {
            Value::Class(base) => base.attribute(name),
            _ => None,
        })
    }

    /// Whether the class is, or derives from, another.
    pub(crate) fn inherits(&self, parent: &Value) -> bool {
        self.bases.iter().any(|base| {
            base.is(parent) || matches!(base, Value::Class(base) if base.inherits(parent))
        }) || matches!(parent, Value::Class(parent) if std::ptr::eq(self, &raw const **parent))
    }

    /// The built-in exception that it derives from.
    fn exception(&self) -> Option<&'static str> {
        self.bases.iter().find_map(|base| match base {
            Value::Type(Type::Exception(class)) => Some(*class),
            Value::Class(base) => base.exception(),
            _ => None,
        })
    }
}

/// `class Name(bases): ...`.
pub(super) fn define(interpreter: &mut Interpreter<'_>, node: &StmtClassDef) -> Outcome<()> {
    let mut decorators = Vec::new();
    for decorator in &node.decorator_list {
        decorators.push(interpreter.evaluate(&decorator.expression)?);
    }
    let mut bases = Vec::new();
    for base in node.bases() {
        bases.push(interpreter.evaluate(base)?);
    }
    let scope = Scope::class(&interpreter.frame.scope);
    interpreter.in_scope(Rc::clone(&scope), |interpreter| interpreter.run(&node.body))?;
    let name: Rc<str> = Rc::from(node.name.as_str());
    let mixin = mixin(&bases);
    let mut attributes = scope.variables();
    if let Some(mixin) = mixin {
        number_members(&name, mixin, &mut attributes);
    }
    let class = Value::Class(Rc::new(Class {
        name: Rc::clone(&name),
        bases,
        attributes: RefCell::new(attributes),
        enumeration: mixin.is_some(),
        data: Cell::new(false),
        fields: fields(node),
    }));
    let mut value = class;
    for decorator in decorators.into_iter().rev() {
        value = match &decorator {
            // Decorators of packages may change a class in ways that definitions cannot rest on.
            Value::Foreign(_) | Value::Opaque(_) => value,
            decorator => interpreter.call_values(decorator, vec![value])?,
        };
    }
    interpreter.frame.scope.set(&name, value);
    Ok(())
}

fn fields(node: &StmtClassDef) -> Vec<Rc<str>> {
    let field = |statement: &Stmt| match statement {
        Stmt::AnnAssign(annotated) => match &*annotated.target {
            Expr::Name(name) => Some(Rc::from(name.id.as_str())),
            _ => None,
        },
        _ => None,
    };
    node.body.iter().filter_map(field).collect()
}

/// How the members of an enumeration behave; `None` for a class that is none.
fn mixin(bases: &[Value]) -> Option<Mixin> {
    let named = |wanted: &str| {
        bases.iter().any(|base| matches!(base, Value::Opaque(name) if **name == *wanted))
    };
    let inherited = bases.iter().find_map(|base| match base {
        Value::Class(class) if class.enumeration => mixin(&class.bases),
        _ => None,
    });
    let is = |kind: Type| bases.iter().any(|base| matches!(base, Value::Type(base) if *base == kind));
    if named("enum.StrEnum") {
        Some(Mixin::StrEnum)
    } else if named("enum.IntEnum") || (named("enum.Enum") && is(Type::Int)) {
        Some(Mixin::Number)
    } else if named("enum.Enum") && is(Type::Str) {
        Some(Mixin::Text)
    } else if named("enum.Enum") {
        Some(Mixin::None)
    } else {
        inherited
    }
}

/// Turns the plain values of an enumeration's body into members; `auto()` counts.
fn number_members(class: &Rc<str>, mixin: Mixin, attributes: &mut Variables) {
    let mut last = 0;
    for (name, value) in attributes.iter_mut() {
        if name.starts_with('_') || matches!(value, Value::Function(_) | Value::Native(_)) {
            continue;
        }
        if matches!(value, Value::Opaque(marker) if &**marker == "enum.auto") {
            *value = match mixin {
                Mixin::StrEnum | Mixin::Text => Value::text(name.to_lowercase()),
                _ => Value::Int(last + 1),
            };
        }
        last = value.as_int().unwrap_or(last);
        let member =
            Member { class: Rc::clone(class), name: Rc::clone(name), value: value.clone(), mixin };
        *value = Value::Member(Rc::new(member));
    }
}

/// `Enumeration["NAME"]`.
pub(super) fn member(class: &Class, index: &Value) -> Outcome<Value> {
    let found = class.enumeration.then(|| index.as_str().and_then(|name| class.attribute(name)));
    match found {
        Some(Some(member)) => Ok(member),
        Some(None) => {
            Err(Exception::raise("KeyError", format!("{} has no such member", class.name)))
        }
        None => Ok(Value::Opaque(Rc::clone(&class.name))),
    }
}

/// Calls a class.
pub(super) fn construct(
    interpreter: &mut Interpreter<'_>,
    class: &Rc<Class>,
    arguments: &Arguments,
) -> Outcome<Value> {
    if let Some(members) = class.members() {
        let [value] = arguments.bind(&class.name, ["value"], 1)?;
        let value = value.unwrap_or(Value::None);
        for candidate in members {
            if let Value::Member(member) = &candidate
                && super::compare::equal(interpreter, &member.value, &value)?
            {
                return Ok(candidate);
            }
        }
        return Err(Exception::raise("ValueError", format!("{} has no such value", class.name)));
    }
    if let Some(class) = class.exception() {
        let message = match arguments.value(0) {
            Some(value) => repr::display(interpreter, value)?,
            None => String::new(),
        };
        return Ok(made_exception(class, &message));
    }
    if let Some(base) = outside_base(class) {
        return Err(Stop::unsupported(
            format!("an object of \"{}\", which derives from \"{base}\"", class.name),
            "definitions are read without Python: only classes of plain Python code can be made",
        ));
    }
    let instance = Rc::new(Instance { class: Rc::clone(class), attributes: RefCell::default() });
    match class.attribute("__init__") {
        Some(Value::Function(init)) => {
            let arguments = arguments.with_receiver(Value::Instance(Rc::clone(&instance)));
            super::function::call(interpreter, &init, &arguments)?;
        }
        _ if class.data.get() => fill(class, &instance, arguments)?,
        _ if arguments.positional.is_empty() && arguments.keywords.is_empty() => {}
        _ => {
            return Err(Exception::raise("TypeError", format!("{}() takes no arguments", class.name)));
        }
    }
    Ok(Value::Instance(instance))
}

/// A base that is not plain Python code of the repository.
fn outside_base(class: &Class) -> Option<Rc<str>> {
    class.bases.iter().find_map(|base| match base {
        Value::Class(base) => outside_base(base),
        Value::Foreign(name) => Some(Rc::clone(name)),
        Value::Record(spec) => Some(Rc::from(spec.name)),
        _ => None,
    })
}

/// The generated `__init__` of a data class.
fn fill(class: &Rc<Class>, instance: &Rc<Instance>, arguments: &Arguments) -> Outcome<()> {
    let mut attributes = instance.attributes.borrow_mut();
    for (position, field) in class.fields.iter().enumerate() {
        let given = arguments.keyword(field).or_else(|| arguments.value(position)).cloned();
        let Some(value) = given.or_else(|| class.attribute(field)) else {
            let message = format!("{}() misses the argument \"{field}\"", class.name);
            return Err(Exception::raise("TypeError", message));
        };
        attributes.insert(Rc::clone(field), value);
    }
    let known = |name: &Rc<str>| class.fields.contains(name);
    match arguments.keywords.iter().find(|(name, _)| !known(name)) {
        Some((name, _)) => {
            let message = format!("{}() has no parameter \"{name}\"", class.name);
            Err(Exception::raise("TypeError", message))
        }
        None => Ok(()),
    }
}

/// Reads `instance.name`: its own attributes, then those of its class.
pub(super) fn instance_attribute(
    interpreter: &mut Interpreter<'_>,
    instance: &Rc<Instance>,
    name: &str,
) -> Outcome<Value> {
    if let Some(value) = instance.attributes.borrow().get(name) {
        return Ok(value.clone());
    }
    let receiver = Value::Instance(Rc::clone(instance));
    match instance.class.attribute(name) {
        Some(Value::Function(function)) => match function.role {
            Role::Property => {
                let arguments = Arguments::of(interpreter, vec![receiver]);
                super::function::call(interpreter, &function, &arguments)
            }
            Role::Static => Ok(Value::Function(function)),
            Role::Plain | Role::Class => {
                Ok(Value::Method(Rc::new(Method { receiver, name: Rc::from(name) })))
            }
        },
        Some(value) => Ok(value),
        None => {
            let message = format!("{} has no attribute \"{name}\"", instance.class.name);
            Err(Exception::raise("AttributeError", message))
        }
    }
}

/// Reads `Class.name`.
pub(super) fn class_attribute(class: &Rc<Class>, name: &str) -> Outcome<Value> {
    match (name, class.attribute(name)) {
        (_, Some(Value::Function(function))) if function.role == Role::Class => {
            let receiver = Value::Class(Rc::clone(class));
            Ok(Value::Method(Rc::new(Method { receiver, name: Rc::from(name) })))
        }
        (_, Some(value)) => Ok(value),
        ("__name__" | "__qualname__", None) => Ok(Value::Str(Rc::clone(&class.name))),
        ("__members__", None) => Ok(Value::text_dict(class.attributes.borrow().clone())),
        _ => {
            let message = format!("{} has no attribute \"{name}\"", class.name);
            Err(Exception::raise("AttributeError", message))
        }
    }
}

/// Calls a method of a class or an instance.
pub(super) fn call_method(
    interpreter: &mut Interpreter<'_>,
    receiver: &Value,
    name: &str,
    arguments: &Arguments,
) -> Outcome<Value> {
    let class = match receiver {
        Value::Instance(instance) => Rc::clone(&instance.class),
        Value::Class(class) => Rc::clone(class),
        _ => return Err(Exception::raise("TypeError", "a method needs an object")),
    };
    let Some(Value::Function(function)) = class.attribute(name) else {
        let message = format!("{} has no method \"{name}\"", class.name);
        return Err(Exception::raise("AttributeError", message));
    };
    let receiver = match function.role {
        Role::Class => Value::Class(class),
        _ => receiver.clone(),
    };
    super::function::call(interpreter, &function, &arguments.with_receiver(receiver))
}

/// `super()` would need the whole method resolution; definitions do not.
pub(super) fn super_of_frame(_: &mut Interpreter<'_>) -> Outcome<Value> {
    Err(Stop::unsupported("super() cannot be evaluated", "call the parent class by its name"))
}

/// `@property` and the like on a function.
pub(super) fn with_role(arguments: &Arguments, role: Role) -> Outcome<Value> {
    match arguments.value(0) {
        Some(Value::Function(function)) => Ok(Value::Function(Rc::new(function.with_role(role)))),
        _ => Err(Exception::raise("TypeError", "this decorator takes a function")),
    }
}

/// `@dataclass`, with or without arguments.
pub(super) fn dataclass(_: &mut Interpreter<'_>, arguments: &Arguments) -> Outcome<Value> {
    match arguments.value(0) {
        Some(Value::Class(class)) => {
            class.data.set(true);
            Ok(Value::Class(Rc::clone(class)))
        }
        _ => Ok(Value::Native(super::call::NativeFunction { name: "dataclass", call: dataclass })),
    }
}

/// `isinstance(value, class)`.
pub(super) fn is_instance(value: &Value, class: &Value) -> Outcome<bool> {
    Ok(match (class, value) {
        (Value::Tuple(classes), _) => {
            for class in &classes.0 {
                if is_instance(value, class)? {
                    return Ok(true);
                }
            }
            false
        }
        (Value::Type(kind), value) => kind.has(value),
        (Value::Record(spec), Value::Object(object)) => object.is_a(spec.name),
        (Value::Record(spec), Value::Member(member)) => *member.class == *spec.name,
        (Value::Class(_), Value::Instance(instance)) => instance.class.inherits(class),
        (Value::Class(class), Value::Member(member)) => member.class == class.name,
        (Value::Class(_) | Value::Record(_), _) => false,
        (other, _) => {
            let what = format!("isinstance() with {}", other.type_name());
            return Err(Stop::unsupported(what, "use built-in types or classes of the repository"));
        }
    })
}

/// An exception as a value, for `except ... as name` and `raise`.
pub(super) fn made_exception(class: &str, message: &str) -> Value {
    let base = super::exception::known(class).unwrap_or("Exception");
    let class = Class {
        name: Rc::from(class),
        bases: vec![Value::Type(Type::Exception(base))],
        attributes: RefCell::default(),
        enumeration: false,
        data: Cell::new(false),
        fields: Vec::new(),
    };
    let arguments = (Rc::from("args"), Value::tuple(vec![Value::text(message)]));
    let attributes = RefCell::new(Variables::from_iter([arguments]));
    Value::Instance(Rc::new(Instance { class: Rc::new(class), attributes }))
}

/// The value of a caught exception.
pub(super) fn exception_value(exception: &Exception) -> Value {
    made_exception(&exception.class, &exception.message)
}

/// Class of an exception value.
pub(super) fn raised_class(value: &Value) -> Option<String> {
    match value {
        Value::Instance(instance) if instance.class.exception().is_some() => {
            Some(instance.class.name.as_ref().to_owned())
        }
        _ => None,
    }
}

/// The exception class that `except` or `raise` names.
pub(super) fn exception_class(value: &Value) -> Option<String> {
    match value {
        Value::Type(Type::Exception(class)) => Some((*class).to_owned()),
        Value::Class(class) => class.exception().map(|_| class.name.as_ref().to_owned()),
        other => raised_class(other),
    }
}

/// The message of a raised class or exception.
pub(super) fn exception_message(
    interpreter: &mut Interpreter<'_>,
    value: &Value,
) -> Outcome<String> {
    match value {
        Value::Instance(_) => repr::display(interpreter, value),
        other => Ok(exception_class(other).unwrap_or_else(|| "exception".to_owned())),
    }
}

/// `str(instance)`.
pub(super) fn display(
    interpreter: &mut Interpreter<'_>,
    instance: &Rc<Instance>,
) -> Outcome<String> {
    if instance.class.exception().is_some() {
        let arguments = instance.attributes.borrow().get("args").cloned();
        return match arguments {
            Some(Value::Tuple(arguments)) if arguments.0.len() == 1 => {
                repr::display(interpreter, &arguments.0[0])
            }
            _ => Ok(String::new()),
        };
    }
    match instance.class.attribute("__str__") {
        Some(Value::Function(function)) => {
            let receiver = vec![Value::Instance(Rc::clone(instance))];
            let text = interpreter.call_values(&Value::Function(function), receiver)?;
            Ok(text.as_str().unwrap_or_default().to_owned())
        }
        _ => Ok(format!("<{} object>", instance.class.name)),
    }
}
