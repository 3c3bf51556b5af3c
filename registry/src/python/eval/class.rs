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
use super::{member, raised, repr};

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

    /// A class without attributes of its own.
    pub(super) fn derived(name: &str, base: Value) -> Rc<Self> {
        Rc::new(Self {
            name: Rc::from(name),
            bases: vec![base],
            attributes: RefCell::default(),
            enumeration: false,
            data: Cell::new(false),
            fields: Vec::new(),
        })
    }

    /// What an enumeration's members are, when it is one.
    pub(super) fn mixin(&self) -> Option<member::Mixin> {
        if self.enumeration { member::mixin(&self.bases) } else { None }
    }

    /// The built-in exception that it derives from.
    pub(super) fn exception(&self) -> Option<&'static str> {
        self.bases.iter().find_map(|base| match base {
            Value::Type(Type::Exception(class)) => Some(*class),
            Value::Class(base) => base.exception(),
            _ => None,
        })
    }
}

impl Instance {
    /// An instance with one attribute.
    pub(super) fn with(class: Rc<Class>, name: &str, value: Value) -> Rc<Self> {
        let attributes = RefCell::new(Variables::from_iter([(Rc::from(name), value)]));
        Rc::new(Self { class, attributes })
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
    let mixin = member::mixin(&bases);
    let mut attributes = scope.variables();
    if let Some(mixin) = mixin {
        member::number(&name, mixin, &mut attributes);
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
        return Ok(raised::make(class, &message));
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
            return Err(Exception::raise(
                "TypeError",
                format!("{}() takes no arguments", class.name),
            ));
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
#[expect(clippy::unnecessary_wraps, reason = "the signature of a native function")]
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
