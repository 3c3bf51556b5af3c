//! Calls: arguments, and who answers them.

use std::rc::Rc;

use larder_core::Location;
use ruff_python_ast::{Expr, ExprCall};
use ruff_text_size::{Ranged, TextRange};

use super::exception::{Exception, Outcome, Stop};
use super::interpreter::Interpreter;
use super::value::Value;
use super::{class, function, iterate, methods, record, types};
use crate::python::source::Source;

/// One argument and where it stands.
#[derive(Clone)]
pub(crate) struct Argument {
    pub(crate) value: Value,
    pub(crate) range: TextRange,
}

/// The arguments of one call.
pub(crate) struct Arguments {
    pub(crate) positional: Vec<Argument>,
    pub(crate) keywords: Vec<(Rc<str>, Argument)>,
    pub(crate) source: Rc<Source>,
    pub(crate) range: TextRange,
}

/// A function that the evaluator brings along.
#[derive(Clone, Copy)]
pub(crate) struct NativeFunction {
    pub(crate) name: &'static str,
    pub(crate) call: fn(&mut Interpreter<'_>, &Arguments) -> Outcome<Value>,
}

impl Arguments {
    /// Arguments without keywords that the evaluator makes itself.
    pub(crate) fn of(interpreter: &Interpreter<'_>, values: Vec<Value>) -> Self {
        let range = TextRange::default();
        let argument = |value| Argument { value, range };
        Self {
            positional: values.into_iter().map(argument).collect(),
            keywords: Vec::new(),
            source: Rc::clone(&interpreter.frame.source),
            range,
        }
    }

    /// Where the call stands.
    pub(crate) fn location(&self) -> Location {
        self.source.location(self.range.start())
    }

    /// Where one of its arguments stands.
    pub(crate) fn location_of(&self, argument: &Argument) -> Location {
        self.source.location(argument.range.start())
    }

    /// The argument at a position.
    pub(crate) fn value(&self, position: usize) -> Option<&Value> {
        self.positional.get(position).map(|argument| &argument.value)
    }

    /// The argument of a name.
    pub(crate) fn keyword(&self, name: &str) -> Option<&Value> {
        self.keywords.iter().find(|(known, _)| &**known == name).map(|(_, found)| &found.value)
    }

    /// Sorts the arguments into parameters; the first `required` must be given.
    ///
    /// # Errors
    /// `TypeError` for a missing, unknown or surplus argument.
    pub(crate) fn bind<const N: usize>(
        &self,
        callee: &str,
        names: [&str; N],
        required: usize,
    ) -> Outcome<[Option<Value>; N]> {
        let mut bound = [const { None }; N];
        if self.positional.len() > N {
            let given = self.positional.len();
            let message = format!("{callee}() takes at most {N} arguments ({given} given)");
            return Err(Exception::raise("TypeError", message));
        }
        for (slot, argument) in bound.iter_mut().zip(&self.positional) {
            *slot = Some(argument.value.clone());
        }
        for (name, argument) in &self.keywords {
            let Some(position) = names.iter().position(|known| *known == &**name) else {
                let message = format!("{callee}() got an unexpected keyword argument \"{name}\"");
                return Err(
                    Exception::raise("TypeError", message).at(|| self.location_of(argument))
                );
            };
            bound[position] = Some(argument.value.clone());
        }
        if let Some(missing) = bound.iter().take(required).position(Option::is_none) {
            let message = format!("{callee}() misses the argument \"{}\"", names[missing]);
            return Err(Exception::raise("TypeError", message));
        }
        Ok(bound)
    }

    /// The same call with one more argument in front: the receiver of a method.
    pub(crate) fn with_receiver(&self, receiver: Value) -> Self {
        let mut positional = Vec::with_capacity(self.positional.len() + 1);
        positional.push(Argument { value: receiver, range: self.range });
        positional.extend(self.positional.iter().cloned());
        Self {
            positional,
            keywords: self.keywords.clone(),
            source: Rc::clone(&self.source),
            range: self.range,
        }
    }

    /// The same call without its first argument, and that argument.
    pub(crate) fn without_first(&self) -> Option<(Value, Self)> {
        let (first, rest) = self.positional.split_first()?;
        let rest = Self {
            positional: rest.to_vec(),
            keywords: self.keywords.clone(),
            source: Rc::clone(&self.source),
            range: self.range,
        };
        Some((first.value.clone(), rest))
    }
}

/// Evaluates a call expression.
pub(super) fn evaluate(interpreter: &mut Interpreter<'_>, call: &ExprCall) -> Outcome<Value> {
    if is_bare_super(&call.func, call) {
        return class::super_of_frame(interpreter);
    }
    let callee = interpreter.evaluate(&call.func)?;
    let arguments = arguments(interpreter, call)?;
    interpreter.call(&callee, &arguments)
}

fn is_bare_super(callee: &Expr, call: &ExprCall) -> bool {
    call.arguments.is_empty() && callee.as_name_expr().is_some_and(|name| name.id == "super")
}

fn arguments(interpreter: &mut Interpreter<'_>, call: &ExprCall) -> Outcome<Arguments> {
    let mut positional = Vec::with_capacity(call.arguments.args.len());
    for argument in &call.arguments.args {
        if let Expr::Starred(starred) = argument {
            let value = interpreter.evaluate(&starred.value)?;
            for value in iterate::collect(interpreter, &value)? {
                positional.push(Argument { value, range: starred.range });
            }
        } else {
            let value = interpreter.evaluate(argument)?;
            positional.push(Argument { value, range: argument.range() });
        }
    }
    let mut keywords = Vec::with_capacity(call.arguments.keywords.len());
    for keyword in &call.arguments.keywords {
        let value = interpreter.evaluate(&keyword.value)?;
        match &keyword.arg {
            Some(name) => {
                keywords.push((Rc::from(name.as_str()), Argument { value, range: keyword.range }));
            }
            None => spread(&value, keyword.range, &mut keywords)?,
        }
    }
    let source = Rc::clone(&interpreter.frame.source);
    reject_repeated(&keywords, &source)?;
    Ok(Arguments { positional, keywords, source, range: call.range() })
}

/// `f(**mapping)`.
fn spread(value: &Value, range: TextRange, keywords: &mut Vec<(Rc<str>, Argument)>) -> Outcome<()> {
    let Value::Dict(dict) = value else {
        let message = format!("argument after ** must be a mapping, not {}", value.type_name());
        return Err(Exception::raise("TypeError", message));
    };
    for (name, value) in dict.0.borrow().values() {
        let Some(name) = name.as_str() else {
            return Err(Exception::raise("TypeError", "keywords must be strings"));
        };
        keywords.push((Rc::from(name), Argument { value: value.clone(), range }));
    }
    Ok(())
}

fn reject_repeated(keywords: &[(Rc<str>, Argument)], source: &Source) -> Outcome<()> {
    let mut seen = indexmap::IndexSet::new();
    for (name, argument) in keywords {
        if !seen.insert(name) {
            let message = format!("keyword argument \"{name}\" is given twice");
            return Err(Exception::raise("TypeError", message)
                .at(|| source.location(argument.range.start())));
        }
    }
    Ok(())
}

impl Interpreter<'_> {
    /// Calls anything that can be called.
    pub(crate) fn call(&mut self, callee: &Value, arguments: &Arguments) -> Outcome<Value> {
        self.tick()?;
        match callee {
            Value::Native(native) => (native.call)(self, arguments),
            Value::Function(function) => function::call(self, function, arguments),
            Value::Method(method) => methods::call(self, &method.receiver, &method.name, arguments),
            Value::Type(kind) => types::construct(self, *kind, arguments),
            Value::Record(spec) => record::construct(self, spec, arguments),
            Value::Class(class) => class::construct(self, class, arguments),
            Value::Decorator(decorator) => match arguments.value(0) {
                Some(Value::Function(function)) if arguments.positional.len() == 1 => {
                    let library = self.library;
                    library.decorate(self, decorator, function)
                }
                _ => Err(Exception::raise("TypeError", "a decorator takes one function")),
            },
            Value::Opaque(name) => Ok(Value::Opaque(Rc::clone(name))),
            Value::Foreign(name) => Err(foreign(name, "calling")),
            other => {
                let message = format!("a value of type {} cannot be called", other.type_name());
                Err(Exception::raise("TypeError", message))
            }
        }
    }

    /// Calls with values only.
    pub(crate) fn call_values(&mut self, callee: &Value, values: Vec<Value>) -> Outcome<Value> {
        let arguments = Arguments::of(self, values);
        self.call(callee, &arguments)
    }
}

/// Use of something that only a Python package could answer.
pub(crate) fn foreign(name: &str, use_: &str) -> Stop {
    Stop::unsupported(
        format!("{use_} \"{name}\" needs Python"),
        "definitions are read without Python: packages may be used inside functions only; \
         write the value out, or take it from an environment variable",
    )
}
