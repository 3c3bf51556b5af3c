//! Calls: of the text's own functions, inlined, and of known functions, by table.

use larder_core::Result;
use ruff_python_ast::{Expr, ExprCall, Parameters};
use ruff_text_size::{Ranged, TextRange};

use super::builtin::{self, Builtin, DICT_METHODS};
use super::compiler::Compiler;
use super::flow::Flow;
use super::lists::{LIST_METHODS, LIST_VALUE_METHODS, SET_METHODS};
use super::pandas::{FRAME_METHODS, SERIES_METHODS};
use super::scalar::Kind;
use super::state::Scope;
use super::text::{SERIES_TEXT_METHODS, TEXT_METHODS};
use super::time::{SERIES_TIME_METHODS, TIME_METHODS, construct};
use super::value::{Code, Display, Module, Value};

/// Arguments of a call, evaluated; a method's receiver is the first positional one.
#[derive(Debug, Clone)]
pub(crate) struct Arguments<'a> {
    pub(crate) name: &'a str,
    pub(crate) positional: Vec<Value<'a>>,
    pub(crate) keywords: Vec<(&'a str, Value<'a>)>,
    pub(crate) at: TextRange,
}

impl<'a> Arguments<'a> {
    /// The arguments in the order of these parameter names; too many or unknown ones are an error.
    pub(crate) fn named<const N: usize>(
        &self,
        compiler: &Compiler<'a>,
        parameters: [&str; N],
    ) -> Result<[Option<Value<'a>>; N]> {
        if self.positional.len() > N {
            let message =
                format!("{} takes {N} arguments, not {}", self.name, self.positional.len());
            return Err(compiler.wrong(self.at, message));
        }
        let mut found = parameters.map(|_| None);
        for (slot, value) in found.iter_mut().zip(&self.positional) {
            *slot = Some(value.clone());
        }
        for (name, value) in &self.keywords {
            let Some(index) = parameters.iter().position(|parameter| parameter == name) else {
                let construct = format!("argument {name} of {}", self.name);
                return Err(compiler.unsupported(self.at, construct, "leave it out"));
            };
            found[index] = Some(value.clone());
        }
        Ok(found)
    }

    /// The first argument, which must be there.
    pub(crate) fn required(
        &self,
        compiler: &Compiler<'a>,
        value: Option<Value<'a>>,
    ) -> Result<Value<'a>> {
        value.ok_or_else(|| compiler.wrong(self.at, format!("{} lacks an argument", self.name)))
    }

    /// The receiver or first argument.
    pub(crate) fn first(&self, compiler: &Compiler<'a>) -> Result<Value<'a>> {
        self.required(compiler, self.positional.first().cloned())
    }
}

impl<'a> Compiler<'a> {
    /// A call.
    pub(crate) fn call(&mut self, node: &'a ExprCall) -> Result<Value<'a>> {
        let at = node.range();
        if let Expr::Attribute(attribute) = &*node.func {
            let receiver = self.expression(&attribute.value)?;
            let name = attribute.attr.as_str();
            let Some(method) = method(&receiver, name) else {
                if let Ok(function @ (Value::Code(..) | Value::Builtin(_) | Value::Module(_))) =
                    self.attribute_of(&receiver, name, at)
                {
                    let arguments = self.arguments(name, node)?;
                    return self.run_function(function, arguments);
                }
                let construct = format!("{name} of a {}", receiver.label());
                return Err(self.unsupported(
                    at,
                    construct,
                    "this function is not known to the compiler",
                ));
            };
            let mut arguments = self.arguments(name, node)?;
            let bound = !matches!(receiver, Value::Module(_) | Value::Builtin(_));
            if bound {
                arguments.positional.insert(0, receiver);
            }
            let value = (method.compile)(self, &arguments)?;
            return self.observed(value, |c, value| {
                c.observe_call(name, bound, &arguments.positional, value, at)
            });
        }
        let function = self.expression(&node.func)?;
        if let (Value::Builtin(builtin), [test @ Expr::BoolOp(_)]) =
            (&function, &*node.arguments.args)
            && builtin.name == "bool"
        {
            // The operands of `and` and `or` need no common type here.
            return Ok(self.condition(test)?.value());
        }
        if let (Value::Builtin(builtin), [Expr::Generator(generator)]) =
            (&function, &*node.arguments.args)
            && let stop @ ("any" | "all") = builtin.name
            && let Some(truth) = self.quantified(generator, stop == "any")?
        {
            return Ok(truth);
        }
        let arguments = self.arguments("function", node)?;
        self.run_function(function, arguments)
    }

    /// Calls a function with these arguments.
    pub(crate) fn invoke(
        &mut self,
        function: Value<'a>,
        positional: Vec<Value<'a>>,
        at: TextRange,
    ) -> Result<Value<'a>> {
        let arguments = Arguments { name: "function", positional, keywords: Vec::new(), at };
        self.run_function(function, arguments)
    }

    fn run_function(
        &mut self,
        function: Value<'a>,
        mut arguments: Arguments<'a>,
    ) -> Result<Value<'a>> {
        let at = arguments.at;
        match function {
            Value::Builtin(builtin) => {
                arguments.name = builtin.name;
                let value = (builtin.compile)(self, &arguments)?;
                self.observed(value, |c, value| {
                    c.observe_call(builtin.name, false, &arguments.positional, value, at)
                })
            }
            Value::Module(Module::Time(class)) => construct(self, class, &arguments),
            Value::Code(code, scope) => self.inline(code, scope, &arguments),
            Value::Method(receiver, method) => {
                arguments.name = method.name;
                arguments.positional.insert(0, (*receiver).clone());
                (method.compile)(self, &arguments)
            }
            Value::Vectorized(function) if arguments.keywords.is_empty() => {
                self.call_vectorized(&function, &arguments.positional, at)
            }
            other => {
                let construct = format!("a call of a {}", other.label());
                Err(self.unsupported(at, construct, "call functions by name"))
            }
        }
    }

    fn arguments(&mut self, name: &'a str, node: &'a ExprCall) -> Result<Arguments<'a>> {
        let mut positional = Vec::new();
        for argument in &node.arguments.args {
            if let Expr::Starred(starred) = argument {
                let value = self.expression(&starred.value)?;
                let Value::Items(items, _) = self.settled(value) else {
                    return Err(self.unsupported(
                        argument.range(),
                        "unpacking with *",
                        "write the arguments",
                    ));
                };
                positional.extend(items.iter().cloned());
            } else {
                let value = self.expression(argument)?;
                positional.push(self.share(value));
            }
        }
        let mut keywords = Vec::new();
        for keyword in &node.arguments.keywords {
            let Some(name) = &keyword.arg else {
                return Err(self.unsupported(
                    keyword.range,
                    "unpacking with **",
                    "write the arguments",
                ));
            };
            let value = self.expression(&keyword.value)?;
            keywords.push((name.as_str(), self.share(value)));
        }
        Ok(Arguments { name, positional, keywords, at: node.range() })
    }

    /// Runs a function of the text in a scope of its own.
    pub(crate) fn inline(
        &mut self,
        code: Code<'a>,
        parent: usize,
        arguments: &Arguments<'a>,
    ) -> Result<Value<'a>> {
        self.spend(arguments.at)?;
        let parameters = match code {
            Code::Function(function) => Some(&*function.parameters),
            Code::Lambda(lambda) => lambda.parameters.as_deref(),
        };
        let bound = match parameters {
            Some(parameters) => self.bind_parameters(parameters, arguments)?,
            None => Vec::new(),
        };
        self.state.scopes.push(Scope { parent: Some(parent), ..Scope::default() });
        for (name, value) in bound {
            self.state.bind(name, value);
        }
        let loops = std::mem::take(&mut self.loops);
        let folding = std::mem::take(&mut self.folding);
        self.depth += 1;
        let result = match code {
            Code::Lambda(lambda) => self.expression(&lambda.body),
            Code::Function(function) if function.is_async => {
                Err(self.unsupported(function.range, "an async function", "use def"))
            }
            Code::Function(_) if self.depth > 40 => {
                Err(self.unsupported(arguments.at, "recursion", "unroll it"))
            }
            Code::Function(function) => match self.block(&function.body, None) {
                Ok(Flow::Return(value)) => Ok(value),
                Ok(_) => Ok(Value::None),
                Err(error) => Err(error),
            },
        };
        self.depth -= 1;
        (self.loops, self.folding) = (loops, folding);
        self.state.scopes.pop();
        match result {
            Ok(Value::Code(..)) => Err(self.unsupported(
                arguments.at,
                "a function that returns a function",
                "call it directly",
            )),
            other => other,
        }
    }

    fn bind_parameters(
        &mut self,
        parameters: &'a Parameters,
        arguments: &Arguments<'a>,
    ) -> Result<Vec<(&'a str, Value<'a>)>> {
        if parameters.vararg.is_some() || parameters.kwarg.is_some() {
            return Err(self.unsupported(
                parameters.range,
                "*args and **kwargs",
                "name the parameters",
            ));
        }
        let positional = parameters.posonlyargs.len() + parameters.args.len();
        if arguments.positional.len() > positional {
            return Err(self.wrong(arguments.at, "too many arguments"));
        }
        let mut bound = Vec::new();
        for (index, parameter) in parameters.iter_non_variadic_params().enumerate() {
            let name = parameter.parameter.name.as_str();
            let given = arguments.positional.get(index).filter(|_| index < positional);
            let keyword = arguments.keywords.iter().find(|(keyword, _)| *keyword == name);
            let value = match (given, keyword, &parameter.default) {
                (Some(value), _, _) | (None, Some((_, value)), _) => value.clone(),
                (None, None, Some(default)) => self.expression(default)?,
                (None, None, None) => {
                    return Err(self.wrong(arguments.at, format!("argument {name} is missing")));
                }
            };
            bound.push((name, value));
        }
        let known = |name: &str| bound.iter().any(|(bound, _)| *bound == name);
        match arguments.keywords.iter().find(|(name, _)| !known(name)) {
            Some((name, _)) => {
                Err(self.wrong(arguments.at, format!("there is no parameter {name}")))
            }
            None => Ok(bound),
        }
    }
}

/// The table row of a method or module function.
fn method(receiver: &Value<'_>, name: &str) -> Option<&'static Builtin> {
    let table: &[Builtin] = match receiver {
        Value::Module(module) => return builtin::module_function(*module, name),
        Value::Dict(_) | Value::Picked(_) | Value::Row(_) => DICT_METHODS,
        Value::Growing(_) => LIST_METHODS,
        Value::Scalar(list) if matches!(list.kind, Kind::List(_)) => LIST_VALUE_METHODS,
        Value::Items(_, Display::List | Display::Tuple) => LIST_VALUE_METHODS,
        Value::SetOf(_) | Value::Items(_, Display::Set) => SET_METHODS,
        Value::Frame(_) => FRAME_METHODS,
        Value::Series(_) => SERIES_METHODS,
        Value::TextAccessor(_) => {
            let own = builtin::find(SERIES_TEXT_METHODS, name);
            return own.or_else(|| builtin::find(TEXT_METHODS, name).filter(|_| name != "join"));
        }
        Value::TimeAccessor(_) => SERIES_TIME_METHODS,
        Value::Scalar(scalar)
            if matches!(
                scalar.kind,
                Kind::Instant(_) | Kind::Wall | Kind::Date | Kind::Duration
            ) =>
        {
            TIME_METHODS
        }
        // `str.lower` and its like, as functions.
        Value::Builtin(builtin) if builtin.name == "str" => TEXT_METHODS,
        Value::Text(_) => TEXT_METHODS,
        Value::Scalar(scalar) if scalar.kind == Kind::Text => TEXT_METHODS,
        _ => return None,
    };
    builtin::find(table, name)
}
