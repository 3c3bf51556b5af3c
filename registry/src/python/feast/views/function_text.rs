//! The source text of a function as Feast stores it, and the names that it takes from outside.

use indexmap::{IndexMap, IndexSet};
use ruff_python_ast::visitor::{self, Visitor};
use ruff_python_ast::{Alias, Expr, ExprContext, Parameter, Stmt, StmtFunctionDef};
use ruff_text_size::{Ranged, TextRange};

use crate::python::eval::builtins::is_builtin;
use crate::python::eval::function::{Code, Function};

/// Names that Feast 0.67 gives to a function that it runs from its text.
const PROVIDED: [&str; 4] = ["pd", "pandas", "np", "numpy"];

/// The text that Python's `inspect.getsource` gives: whole lines from the first decorator to the last
/// line of the body, with comments that follow it at the body's indentation, and a line end.
pub(super) fn function_text(function: &Function) -> String {
    let source = function.source();
    let lines: Vec<&str> = source.text.split('\n').collect();
    let first = source.line(function.range.start());
    let mut last = source.line(function.range.end());
    if let Code::Definition(definition) = &function.code
        && let Some(indent) = body_indent(function, definition, &lines)
    {
        last = trailing_comments(&lines, last, indent);
    }
    let mut text = lines[first..=last.min(lines.len() - 1)].join("\n");
    text.push('\n');
    text
}

/// Indentation of a body that stands on lines of its own.
fn body_indent(function: &Function, definition: &StmtFunctionDef, lines: &[&str]) -> Option<usize> {
    let start = definition.body.first()?.start();
    let line = lines.get(function.source().line(start))?;
    let indent = indentation(line);
    let column = function.source().location(start).column;
    // A body after the colon has no indentation of its own.
    (usize::try_from(column).ok()? == indent + 1).then_some(indent)
}

fn indentation(line: &str) -> usize {
    line.chars().take_while(|symbol| matches!(symbol, ' ' | '\t' | '\u{c}')).count()
}

/// The last comment line that still belongs to the body.
fn trailing_comments(lines: &[&str], end: usize, indent: usize) -> usize {
    let mut last = end;
    for (number, line) in lines.iter().enumerate().skip(end + 1) {
        let text = line.trim();
        if text.starts_with('#') {
            if indentation(line) >= indent {
                last = number;
            }
        } else if !text.is_empty() {
            break;
        }
    }
    last
}

/// Names that a function uses but neither defines nor finds among Python's built-ins, with the place
/// of their first use. Decorators do not count: Feast strips them.
pub(super) fn foreign_names(function: &Function) -> Vec<(String, TextRange)> {
    let Code::Definition(definition) = &function.code else { return Vec::new() };
    let mut names = Names::default();
    names.bound.insert(function.name.as_ref().to_owned());
    names.visit_parameters(&definition.parameters);
    if let Some(returns) = &definition.returns {
        names.visit_expr(returns);
    }
    names.visit_body(&definition.body);
    let Names { used, bound } = names;
    used.into_iter()
        .filter(|(name, _)| !bound.contains(name) && !is_builtin(name))
        .filter(|(name, _)| !PROVIDED.contains(&name.as_str()))
        .collect()
}

/// Names read and names bound anywhere in a function.
#[derive(Default)]
struct Names {
    used: IndexMap<String, TextRange>,
    bound: IndexSet<String>,
}

impl<'a> Visitor<'a> for Names {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::FunctionDef(definition) => {
                self.bound.insert(definition.name.as_str().to_owned());
            }
            Stmt::ClassDef(definition) => {
                self.bound.insert(definition.name.as_str().to_owned());
            }
            Stmt::Try(attempt) => {
                for ruff_python_ast::ExceptHandler::ExceptHandler(handler) in &attempt.handlers {
                    self.bound.extend(handler.name.as_ref().map(|name| name.as_str().to_owned()));
                }
            }
            _ => {}
        }
        visitor::walk_stmt(self, statement);
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        if let Expr::Name(name) = expression {
            if name.ctx == ExprContext::Load {
                self.used.entry(name.id.as_str().to_owned()).or_insert(name.range);
            } else {
                self.bound.insert(name.id.as_str().to_owned());
            }
        }
        visitor::walk_expr(self, expression);
    }

    fn visit_parameter(&mut self, parameter: &'a Parameter) {
        self.bound.insert(parameter.name.as_str().to_owned());
        visitor::walk_parameter(self, parameter);
    }

    fn visit_alias(&mut self, alias: &'a Alias) {
        let name = alias.asname.as_ref().unwrap_or(&alias.name).as_str();
        self.bound.insert(name.split('.').next().unwrap_or(name).to_owned());
    }
}
