//! Functions that the repository defines.

use std::rc::Rc;

use ruff_python_ast::{Expr, Parameters, StmtFunctionDef};
use ruff_text_size::TextRange;

use super::call::{Argument, Arguments};
use super::exception::{Exception, Outcome, Stop};
use super::interpreter::{Frame, Interpreter};
use super::scope::Scope;
use super::statement::Flow;
use super::value::Value;
use crate::python::source::Source;

/// A `def` or `lambda` with the scope around it.
pub(crate) struct Function {
    pub(crate) name: Rc<str>,
    pub(crate) code: Code,
    /// Values of the parameters that have a default, by name.
    defaults: Vec<(Rc<str>, Value)>,
    frame: Frame,
    /// The whole statement with its decorators, or the lambda expression.
    pub(crate) range: TextRange,
    /// `@property`, `@staticmethod`, `@classmethod` in class bodies.
    pub(crate) role: Role,
}

/// What a function is inside a class body.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Plain,
    Property,
    Static,
    Class,
}

/// Syntax of a function.
#[derive(Clone)]
pub(crate) enum Code {
    Definition(Rc<StmtFunctionDef>),
    Lambda(Rc<Parameters>, Rc<Expr>),
}

impl Function {
    pub(crate) fn source(&self) -> &Rc<Source> {
        &self.frame.source
    }

    fn parameters(&self) -> &Parameters {
        match &self.code {
            Code::Definition(definition) => &definition.parameters,
            Code::Lambda(parameters, _) => parameters,
        }
    }

    /// The same function in another role.
    pub(crate) fn with_role(&self, role: Role) -> Self {
        Self {
            name: Rc::clone(&self.name),
            code: self.code.clone(),
            defaults: self.defaults.clone(),
            frame: self.frame.clone(),
            range: self.range,
            role,
        }
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        let mut defaults = self.defaults.drain(..).collect();
        super::value::bury_variables(&mut defaults);
    }
}

/// The function that a statement or lambda makes in the present frame.
pub(super) fn define(
    interpreter: &mut Interpreter<'_>,
    name: &str,
    code: Code,
    range: TextRange,
) -> Outcome<Value> {
    interpreter.charge_text(range.len().to_usize())?;
    let parameters = match &code {
        Code::Definition(definition) => (*definition.parameters).clone(),
        Code::Lambda(parameters, _) => (**parameters).clone(),
    };
    let mut defaults = Vec::new();
    for parameter in parameters.iter_non_variadic_params() {
        if let Some(default) = parameter.default() {
            let value = interpreter.evaluate(default)?;
            defaults.push((Rc::from(parameter.name().as_str()), value));
        }
    }
    Ok(Value::Function(Rc::new(Function {
        name: Rc::from(name),
        code,
        defaults,
        frame: interpreter.frame.clone(),
        range,
        role: Role::Plain,
    })))
}

/// Calls a function of the repository.
pub(super) fn call(
    interpreter: &mut Interpreter<'_>,
    function: &Rc<Function>,
    arguments: &Arguments,
) -> Outcome<Value> {
    let scope = Scope::inside(&function.frame.scope);
    bind(function, arguments, &scope)?;
    let frame = Frame { scope, ..function.frame.clone() };
    match &function.code {
        Code::Lambda(_, body) => {
            interpreter.call_frame(frame, |interpreter| interpreter.evaluate(body))
        }
        Code::Definition(definition) if definition.is_async => Err(Stop::unsupported(
            format!("calling the async function \"{}\"", function.name),
            "definitions cannot wait for anything; write a plain function",
        )),
        Code::Definition(definition) => interpreter.call_frame(frame, |interpreter| {
            match interpreter.run(&definition.body)? {
                Flow::Return(value) => Ok(value),
                _ => Ok(Value::None),
            }
        }),
    }
}

/// Assigns the arguments to the parameters.
fn bind(function: &Function, arguments: &Arguments, scope: &Scope) -> Outcome<()> {
    let parameters = function.parameters();
    let mut keywords: Vec<Option<&(Rc<str>, Argument)>> =
        arguments.keywords.iter().map(Some).collect();
    let mut positional = arguments.positional.iter();
    let by_position = parameters.posonlyargs.len() + parameters.args.len();
    for (position, parameter) in parameters.iter_non_variadic_params().enumerate() {
        let name = parameter.name().as_str();
        let given = if position < by_position { positional.next() } else { None };
        let named = if position < parameters.posonlyargs.len() {
            None
        } else {
            take_keyword(&mut keywords, name)
        };
        let value = match (given, named) {
            (Some(_), Some(_)) => return Err(problem(function, "gets", name, "twice")),
            (Some(argument), None) | (None, Some(argument)) => argument.value.clone(),
            (None, None) => match function.defaults.iter().find(|(known, _)| &**known == name) {
                Some((_, default)) => default.clone(),
                None => return Err(problem(function, "misses", name, "")),
            },
        };
        scope.set(name, value);
    }
    let rest: Vec<Value> = positional.map(|argument| argument.value.clone()).collect();
    match &parameters.vararg {
        Some(vararg) => scope.set(vararg.name.as_str(), Value::tuple(rest)),
        None if rest.is_empty() => {}
        None => {
            let message = format!("{}() takes {by_position} positional arguments", function.name);
            return Err(Exception::raise("TypeError", message));
        }
    }
    bind_rest(function, arguments, keywords, scope)
}

/// Keywords that no parameter took: `**kwargs`, or an error.
fn bind_rest(
    function: &Function,
    arguments: &Arguments,
    keywords: Vec<Option<&(Rc<str>, Argument)>>,
    scope: &Scope,
) -> Outcome<()> {
    let mut rest = keywords.into_iter().flatten();
    if let Some(kwarg) = &function.parameters().kwarg {
        let entries = rest.map(|(name, argument)| (Rc::clone(name), argument.value.clone()));
        scope.set(kwarg.name.as_str(), Value::text_dict(entries));
        return Ok(());
    }
    match rest.next() {
        None => Ok(()),
        Some((name, argument)) => {
            Err(problem(function, "has no parameter", name, "")
                .at(|| arguments.location_of(argument)))
        }
    }
}

fn take_keyword<'a>(
    keywords: &mut [Option<&'a (Rc<str>, Argument)>],
    name: &str,
) -> Option<&'a Argument> {
    let slot = keywords.iter_mut().find(|slot| slot.is_some_and(|(known, _)| &**known == name))?;
    slot.take().map(|(_, argument)| argument)
}

fn problem(function: &Function, verb: &str, parameter: &str, after: &str) -> Stop {
    let message = format!("{}() {verb} \"{parameter}\" {after}", function.name);
    Exception::raise("TypeError", message.trim_end())
}
