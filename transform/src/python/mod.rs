//! Python front end: Feast's `mode="python"` and `mode="pandas"` functions.
//!
//! The function is run once, when it is compiled, on symbolic values: a column stands for the value
//! in any row, a branch on it runs both ways and joins what they did. What comes out is one
//! expression per feature.

mod access;
mod assign;
mod builtin;
mod call;
mod cases;
mod comparison;
mod compiler;
mod comprehension;
mod condition;
mod diagnostic;
mod exception;
mod expression;
mod flow;
mod import;
mod lists;
mod lookup;
mod merge;
mod operator;
mod output;
mod pandas;
mod repeat;
mod scalar;
mod state;
mod statement;
mod text;
mod time;
mod value;

use std::collections::BTreeMap;
use std::rc::Rc;

use larder_core::{Error, Result};
use ruff_python_ast::{Mod, Stmt, StmtFunctionDef};

use self::call::Arguments;
use self::compiler::{Compiler, nothing};
use self::diagnostic::Script;
use self::expression::module_global;
use self::scalar::{Kind, Origin, Scalar, cast, try_cast};
use self::state::Scope;
use self::value::{Code, Value};
use crate::definition::{Column, Definition, Mode, Source};
use crate::plan::column;
use crate::program::Program;

/// Compiles a definition of mode Python or Pandas.
pub(crate) fn compile(
    definition: &Definition,
    constants: &BTreeMap<String, String>,
) -> Result<Program> {
    let script = Script::new(&definition.source)?;
    let module = script.parse()?;
    let constants = constants
        .iter()
        .map(|(name, text)| {
            let source =
                Source { text: text.clone(), file: format!("constant {name}"), first_line: 1 };
            let script = Script::new(&source)?;
            let module = script.parse()?;
            Ok((name.as_str(), script, module))
        })
        .collect::<Result<Vec<_>>>()?;
    let mut compiler = Compiler::new(&script);
    compiler.state.scopes.push(Scope::default());
    for name in ["pd", "pandas", "np", "numpy"] {
        if let Some(module) = module_global(name) {
            compiler.state.bind(name, Value::Module(module));
        }
    }
    for (name, script, module) in &constants {
        compiler.constant(name, script, statements(module.syntax()))?;
    }
    let body = statements(module.syntax());
    let function = find_function(definition, body)?;
    compiler.module(body)?;
    let result = compiler.run(definition, function)?;
    let outputs = compiler.outputs(definition, &result, function.name.range)?;
    compiler.plan.finish(&definition.inputs, &definition.outputs, outputs)
}

fn statements(module: &Mod) -> &[Stmt] {
    match module {
        Mod::Module(module) => &module.body,
        Mod::Expression(_) => &[],
    }
}

/// The named function, or the first, as Feast 0.67 picks it.
fn find_function<'a>(definition: &Definition, body: &'a [Stmt]) -> Result<&'a StmtFunctionDef> {
    let mut functions = body.iter().filter_map(|statement| statement.as_function_def_stmt());
    let first = functions.clone().next();
    let named = functions.find(|function| function.name.as_str() == definition.function);
    named.or(first).ok_or_else(|| {
        let message =
            format!("the text of on demand feature view \"{}\" has no function", definition.view);
        Error::unsupported(message)
            .with_hint(
                "define the transform with def; lambdas and callables from elsewhere have no text",
            )
            .with_location(definition.source.location(1, 0))
    })
}

impl<'a> Compiler<'a> {
    /// Binds a constant of the module that was passed with the definition.
    fn constant(&mut self, name: &str, script: &'a Script, body: &'a [Stmt]) -> Result<()> {
        let outer = std::mem::replace(&mut self.script, script);
        let value = match body {
            [Stmt::Expr(expression)] => self.expression(&expression.value),
            _ => Err(Error::invalid(format!("constant {name} is not an expression"))),
        };
        self.script = outer;
        self.state.bind(name, value?);
        Ok(())
    }

    /// Runs the statements around the function: helper functions, constants, imports.
    fn module(&mut self, body: &'a [Stmt]) -> Result<()> {
        for statement in body {
            // Feast's own names are of no use inside a transform.
            if !matches!(statement, Stmt::ImportFrom(_)) {
                self.block(std::slice::from_ref(statement), None)?;
            }
        }
        Ok(())
    }

    fn run(&mut self, definition: &Definition, function: &'a StmtFunctionDef) -> Result<Value<'a>> {
        let mut entries = Vec::new();
        for input in &definition.inputs {
            self.plan.declare(input.name.clone(), input.value_type.arrow_type());
            let key = Value::Text(Rc::from(input.name.as_str()));
            entries.push((key, self.input(definition, input)));
        }
        let inputs = self.new_dict(entries);
        let inputs = match definition.mode {
            Mode::Pandas => Value::Frame(inputs),
            _ => Value::Dict(inputs),
        };
        let at = function.name.range;
        let arguments =
            Arguments { name: "the function", positional: vec![inputs], keywords: Vec::new(), at };
        self.per_row = definition.singleton;
        self.inline(Code::Function(function), 0, &arguments)
    }

    /// What the function sees of an input column.
    fn input(&mut self, definition: &Definition, input: &Column) -> Value<'a> {
        let scalar = match Kind::of(input.value_type) {
            None => nothing(),
            Some(kind) => {
                let read = column(&input.name);
                let expr = if kind.data_type() == input.value_type.arrow_type() {
                    read
                } else {
                    let cast = match kind {
                        Kind::Instant(_) => try_cast(read, kind.data_type()),
                        _ => cast(read, kind.data_type()),
                    };
                    self.plan.share(cast, &kind.data_type())
                };
                // pandas has not-a-number in numeric columns and None in those of objects.
                let nan = definition.mode == Mode::Pandas
                    && matches!(kind, Kind::Int | Kind::Float | Kind::Instant(_));
                // A list is an array of numpy in pandas.
                let array = definition.mode == Mode::Pandas && matches!(kind, Kind::List(_));
                let origin = if array { Origin::Numpy } else { Origin::Python };
                Scalar { none: true, nan, origin, ..Scalar::total(expr, kind) }
            }
        };
        match (definition.mode, definition.singleton) {
            (Mode::Pandas, _) => Value::Series(scalar),
            (_, true) if input.value_type == larder_core::ValueType::Null => Value::None,
            (_, true) => Value::Scalar(scalar),
            (_, false) => Value::Column(scalar),
        }
    }
}
