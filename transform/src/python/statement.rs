//! Statements.

use std::rc::Rc;

use larder_core::Result;
use ruff_python_ast::{
    ElifElseClause, Expr, ExprAttribute, Stmt, StmtAugAssign, StmtIf, StmtImport, StmtImportFrom,
};
use ruff_text_size::{Ranged, TextRange};

use super::builtin::{module_constant, module_function};
use super::compiler::Compiler;
use super::state::Dict;
use super::time::TimeClass;
use super::value::{Code, Display, Module, Value};

/// How a block ends.
#[derive(Debug)]
pub(crate) enum Flow<'a> {
    /// It runs off its end.
    Next,
    /// `continue`.
    Continue,
    /// `return`.
    Return(Value<'a>),
}

/// The statements that follow a block, innermost first.
#[derive(Clone, Copy)]
pub(crate) struct Rest<'s, 'a> {
    statements: &'a [Stmt],
    outer: Option<&'s Rest<'s, 'a>>,
}

/// What an `if` does when its test fails.
#[derive(Clone, Copy)]
enum Otherwise<'a> {
    Nothing,
    Block(&'a [Stmt]),
    If(&'a Expr, &'a [Stmt], &'a [ElifElseClause]),
}

impl<'a> Otherwise<'a> {
    fn of(clauses: &'a [ElifElseClause]) -> Self {
        match clauses {
            [] => Self::Nothing,
            [ElifElseClause { test: Some(test), body, .. }, rest @ ..] => {
                Self::If(test, body, rest)
            }
            [ElifElseClause { test: None, body, .. }, ..] => Self::Block(body),
        }
    }
}

impl<'a> Compiler<'a> {
    /// Runs statements and then the rest.
    pub(crate) fn block(
        &mut self,
        statements: &'a [Stmt],
        rest: Option<&Rest<'_, 'a>>,
    ) -> Result<Flow<'a>> {
        for (index, statement) in statements.iter().enumerate() {
            self.spend(statement.range())?;
            let Stmt::If(branch) = statement else {
                match self.statement(statement)? {
                    Flow::Next => continue,
                    end => return Ok(end),
                }
            };
            let StmtIf { test, body, elif_else_clauses, .. } = branch;
            let otherwise = Otherwise::of(elif_else_clauses);
            if ends_early(statement) {
                let rest = Rest { statements: &statements[index + 1..], outer: rest };
                return self.branch(test, body, otherwise, Some(&rest));
            }
            self.branch(test, body, otherwise, None)?;
        }
        match rest {
            None => Ok(Flow::Next),
            Some(rest) => self.block(rest.statements, rest.outer),
        }
    }

    fn branch(
        &mut self,
        test: &'a Expr,
        body: &'a [Stmt],
        otherwise: Otherwise<'a>,
        rest: Option<&Rest<'_, 'a>>,
    ) -> Result<Flow<'a>> {
        let at = test.range();
        let condition = self.condition(test)?;
        if let Some(holds) = condition.known() {
            return if holds { self.block(body, rest) } else { self.otherwise(otherwise, rest) };
        }
        let condition = self.share_scalar(&condition.scalar());
        let before = self.state.clone();
        let then = self.block(body, rest)?;
        let after_then = std::mem::replace(&mut self.state, before);
        let other = self.otherwise(otherwise, rest)?;
        let after_other = std::mem::take(&mut self.state);
        self.merge(&condition, after_then, &after_other, at)?;
        match (then, other) {
            (Flow::Return(a), Flow::Return(b)) => {
                Ok(Flow::Return(self.select(&condition, &a, &b, at)?))
            }
            (Flow::Return(a), Flow::Next) => {
                Ok(Flow::Return(self.select(&condition, &a, &Value::None, at)?))
            }
            (Flow::Next, Flow::Return(b)) => {
                Ok(Flow::Return(self.select(&condition, &Value::None, &b, at)?))
            }
            _ => Ok(Flow::Next),
        }
    }

    fn otherwise(
        &mut self,
        otherwise: Otherwise<'a>,
        rest: Option<&Rest<'_, 'a>>,
    ) -> Result<Flow<'a>> {
        match otherwise {
            Otherwise::Nothing => self.block(&[], rest),
            Otherwise::Block(body) => self.block(body, rest),
            Otherwise::If(test, body, clauses) => {
                self.branch(test, body, Otherwise::of(clauses), rest)
            }
        }
    }

    fn statement(&mut self, statement: &'a Stmt) -> Result<Flow<'a>> {
        match statement {
            Stmt::Expr(expression) if expression.value.is_literal_expr() => {}
            Stmt::Expr(expression) => _ = self.expression(&expression.value)?,
            Stmt::Assign(assign) => {
                let value = self.expression(&assign.value)?;
                let value = self.share(value);
                for target in &assign.targets {
                    self.assign(target, value.clone())?;
                }
            }
            Stmt::AnnAssign(assign) => {
                if let Some(value) = &assign.value {
                    let value = self.expression(value)?;
                    let value = self.share(value);
                    self.assign(&assign.target, value)?;
                }
            }
            Stmt::AugAssign(assign) => self.augmented(assign)?,
            Stmt::Return(end) => return self.end(end.range(), end.value.as_deref()),
            Stmt::For(each) => self.each(each)?,
            Stmt::FunctionDef(function) => {
                let scope = self.state.scopes.len() - 1;
                let value = Value::Code(Code::Function(function), scope);
                self.state.bind(&function.name, value);
            }
            Stmt::Import(import) => self.import(import)?,
            Stmt::ImportFrom(import) => self.import_from(import)?,
            Stmt::Pass(_) => {}
            Stmt::Continue(_) if self.loops > 0 => return Ok(Flow::Continue),
            other => {
                let (name, hint) = describe(other);
                return Err(self.unsupported(other.range(), name, hint));
            }
        }
        Ok(Flow::Next)
    }

    fn end(&mut self, at: TextRange, value: Option<&'a Expr>) -> Result<Flow<'a>> {
        if self.loops > 0 {
            return Err(self.unsupported(
                at,
                "return inside a loop",
                "return after the loop, or move the loop's body into a helper function",
            ));
        }
        Ok(Flow::Return(match value {
            Some(value) => self.expression(value)?,
            None => Value::None,
        }))
    }

    fn augmented(&mut self, assign: &'a StmtAugAssign) -> Result<()> {
        let left = self.expression(&assign.target)?;
        let right = self.expression(&assign.value)?;
        let value = self.binary(assign.op, &left, &right, assign.range())?;
        let value = self.share(value);
        self.assign(&assign.target, value)
    }

    fn import(&mut self, import: &StmtImport) -> Result<()> {
        for alias in &import.names {
            let module = self.imported(alias.name.as_str(), alias.range)?;
            let name = alias.asname.as_ref().unwrap_or(&alias.name);
            self.state.bind(name, Value::Module(module));
        }
        Ok(())
    }

    fn imported(&self, name: &str, at: TextRange) -> Result<Module> {
        Ok(match name {
            "math" => Module::Math,
            "numpy" => Module::Numpy,
            "pandas" => Module::Pandas,
            "datetime" => Module::Time(TimeClass::Module),
            "zoneinfo" | "pytz" => Module::Zones,
            "typing" | "__future__" => Module::Typing,
            other => {
                return Err(self.unsupported(
                    at,
                    format!("module {other}"),
                    "math, datetime, zoneinfo, numpy and pandas are known",
                ));
            }
        })
    }

    /// `from module import name`.
    fn import_from(&mut self, import: &StmtImportFrom) -> Result<()> {
        let module = import.module.as_ref().map_or("", |module| module.as_str());
        let module = self.imported(module, import.range)?;
        for alias in &import.names {
            let name = alias.name.as_str();
            let value = match module {
                Module::Typing => Value::Unusable("it is for annotations only".into()),
                module => module_constant(module, name)
                    .or_else(|| module_function(module, name).map(Value::Builtin))
                    .ok_or_else(|| {
                        self.unsupported(
                            alias.range,
                            format!("name {name} of its module"),
                            "see the list of known functions",
                        )
                    })?,
            };
            self.state.bind(alias.asname.as_ref().unwrap_or(&alias.name), value);
        }
        Ok(())
    }

    /// Binds a target to a value.
    pub(crate) fn assign(&mut self, target: &'a Expr, value: Value<'a>) -> Result<()> {
        let at = target.range();
        match target {
            Expr::Name(name) => self.state.bind(&name.id, value),
            Expr::Tuple(tuple) => self.unpack(&tuple.elts, &value, at)?,
            Expr::List(list) => self.unpack(&list.elts, &value, at)?,
            Expr::Subscript(subscript) => {
                let container = self.expression(&subscript.value)?;
                let key = self.expression(&subscript.slice)?;
                self.set_item(&container, key, value, at)?;
            }
            Expr::Attribute(ExprAttribute { .. }) => {
                return Err(self.unsupported(
                    at,
                    "an attribute as a target",
                    "use name[\"key\"] = value",
                ));
            }
            _ => {
                return Err(self.unsupported(
                    at,
                    "this target",
                    "assign to names and to dict keys",
                ));
            }
        }
        Ok(())
    }

    fn unpack(&mut self, targets: &'a [Expr], value: &Value<'a>, at: TextRange) -> Result<()> {
        let Value::Items(items, _) = self.settled(value.clone()) else {
            let construct = format!("unpacking a {}", value.label());
            return Err(self.unsupported(
                at,
                construct,
                "unpack tuples and lists that are written out",
            ));
        };
        if items.len() != targets.len() {
            let message = format!("{} values for {} targets", items.len(), targets.len());
            return Err(self.wrong(at, message));
        }
        for (target, item) in targets.iter().zip(items.iter()) {
            self.assign(target, item.clone())?;
        }
        Ok(())
    }

    fn set_item(
        &mut self,
        container: &Value<'a>,
        key: Value<'a>,
        value: Value<'a>,
        at: TextRange,
    ) -> Result<()> {
        if let (Value::Frame(number), Value::Items(names, Display::List)) = (container, &key) {
            return self.set_columns(*number, names, &value, at);
        }
        if let Value::Locator(number) = container {
            return self.set_located(*number, &key, &value, at);
        }
        let (Value::Dict(number) | Value::Frame(number)) = container else {
            let construct = format!("assigning to an element of a {}", container.label());
            return Err(self.unsupported(
                at,
                construct,
                "assign to keys of a dict or columns of a DataFrame",
            ));
        };
        if key.keys().is_none() {
            return Err(self.unsupported(at, "a computed key as a target", "use a literal key"));
        }
        let dict = self.dict(*number);
        if self.per_row && !dict.per_row {
            return Err(self.unsupported(
                at,
                "assigning inside a loop to a dict from outside of it",
                "append to a list, one element per row",
            ));
        }
        let value = match container {
            Value::Frame(_) => self.frame_column(&dict, value, at)?,
            _ => value,
        };
        let mut changed: Dict<'a> = (*dict).clone();
        changed.set(key, value);
        self.state.dicts.insert(*number, Rc::new(changed));
        Ok(())
    }
}

/// Whether a statement contains a `return` or `continue` of the block that it stands in.
fn ends_early(statement: &Stmt) -> bool {
    match statement {
        Stmt::Return(_) | Stmt::Continue(_) => true,
        Stmt::If(branch) => {
            let clauses = branch.elif_else_clauses.iter().flat_map(|clause| &clause.body);
            branch.body.iter().chain(clauses).any(ends_early)
        }
        _ => false,
    }
}

/// A statement's name and what to do instead.
fn describe(statement: &Stmt) -> (&'static str, &'static str) {
    match statement {
        Stmt::While(_) => ("a while loop", "use for over the rows or over literals"),
        Stmt::Try(_) => {
            ("try", "test for None and zero instead; a row that raises becomes null without try")
        }
        Stmt::Raise(_) => ("raise", "return None for rows without a value"),
        Stmt::With(_) => ("with", "a transform cannot use resources"),
        Stmt::Match(_) => ("match", "use if and elif"),
        Stmt::ClassDef(_) => ("a class", "use functions and dicts"),
        Stmt::Break(_) => ("break", "a loop must go through all rows"),
        Stmt::Continue(_) => ("continue outside a loop", "remove it"),
        Stmt::Delete(_) => ("del", "leave the variable alone"),
        Stmt::Global(_) | Stmt::Nonlocal(_) => ("global", "return the value instead"),
        Stmt::Assert(_) => ("assert", "return None for rows without a value"),
        _ => ("this statement", "use assignments, if, for and return"),
    }
}
