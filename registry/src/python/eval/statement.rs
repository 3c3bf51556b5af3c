//! Execution of statements.

use std::rc::Rc;

use ruff_python_ast::{
    ExceptHandler, Expr, Stmt, StmtAnnAssign, StmtAssert, StmtDelete, StmtFor, StmtFunctionDef,
    StmtIf, StmtRaise, StmtTry, StmtWhile,
};
use ruff_text_size::Ranged;

use super::exception::{Exception, Outcome, Stop};
use super::function::{Code, define};
use super::interpreter::{Interpreter, grow};
use super::iterate::Cursor;
use super::value::Value;
use super::{class, files, import, operators, raised, repr, subscript};

/// How a block ended.
pub(crate) enum Flow {
    Next,
    Break,
    Continue,
    Return(Value),
}

impl Interpreter<'_> {
    /// Runs statements until one leaves the block.
    pub(crate) fn run(&mut self, statements: &[Stmt]) -> Outcome<Flow> {
        for statement in statements {
            let flow = self
                .tick()
                .and_then(|()| grow(|| self.execute(statement)))
                .map_err(|stop| stop.at(|| self.location(statement.range())))?;
            if !matches!(flow, Flow::Next) {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    fn execute(&mut self, statement: &Stmt) -> Outcome<Flow> {
        match statement {
            Stmt::If(choice) => return self.choose(choice),
            Stmt::For(node) => return self.for_loop(node),
            Stmt::While(node) => return self.while_loop(node),
            Stmt::Try(node) => return self.attempt(node),
            Stmt::With(node) => return files::with(self, node),
            Stmt::Return(node) => {
                if self.frame.scope.is_module() {
                    return Err(Exception::raise("SyntaxError", "return outside of a function"));
                }
                return Ok(Flow::Return(match &node.value {
                    Some(value) => self.evaluate(value)?,
                    None => Value::None,
                }));
            }
            Stmt::Break(_) => return Ok(Flow::Break),
            Stmt::Continue(_) => return Ok(Flow::Continue),
            other => self.simple(other)?,
        }
        Ok(Flow::Next)
    }

    /// Statements after which the next one always follows.
    fn simple(&mut self, statement: &Stmt) -> Outcome<()> {
        match statement {
            Stmt::Expr(node) => self.evaluate(&node.value).map(drop),
            Stmt::Assign(node) => {
                let value = self.evaluate(&node.value)?;
                node.targets.iter().try_for_each(|target| self.assign(target, value.clone()))
            }
            Stmt::AnnAssign(node) => self.annotated(node),
            Stmt::AugAssign(node) => {
                let present = self.evaluate(&node.target)?;
                let operand = self.evaluate(&node.value)?;
                let value = operators::in_place(self, node.op, &present, &operand)?;
                self.assign(&node.target, value)
            }
            Stmt::FunctionDef(node) => self.function(node),
            Stmt::ClassDef(node) => class::define(self, node),
            Stmt::Import(node) => import::import(self, node),
            Stmt::ImportFrom(node) => import::import_from(self, node),
            Stmt::Delete(node) => self.delete(node),
            Stmt::Assert(node) => self.assertion(node),
            Stmt::Raise(node) => Err(self.raise(node)?),
            Stmt::Global(node) => {
                node.names.iter().for_each(|name| self.frame.scope.send_outwards(name, true));
                Ok(())
            }
            Stmt::Nonlocal(node) => {
                node.names.iter().for_each(|name| self.frame.scope.send_outwards(name, false));
                Ok(())
            }
            Stmt::TypeAlias(node) => self.assign(&node.name, Value::Opaque(Rc::from("type alias"))),
            Stmt::Pass(_) => Ok(()),
            other => Err(unsupported(other)),
        }
    }

    fn choose(&mut self, choice: &StmtIf) -> Outcome<Flow> {
        if self.evaluate(&choice.test)?.truth() {
            return self.run(&choice.body);
        }
        for clause in &choice.elif_else_clauses {
            let taken = match &clause.test {
                Some(test) => self.evaluate(test)?.truth(),
                None => true,
            };
            if taken {
                return self.run(&clause.body);
            }
        }
        Ok(Flow::Next)
    }

    fn for_loop(&mut self, node: &StmtFor) -> Outcome<Flow> {
        if node.is_async {
            return Err(Stop::unsupported("async for cannot be evaluated", "use a plain loop"));
        }
        let iterable = self.evaluate(&node.iter)?;
        let mut cursor = Cursor::over(self, &iterable)
            .map_err(|stop| stop.at(|| self.location(node.iter.range())))?;
        while let Some(item) = cursor.next(self)? {
            self.assign(&node.target, item)?;
            match self.run(&node.body)? {
                Flow::Break => return Ok(Flow::Next),
                Flow::Return(value) => return Ok(Flow::Return(value)),
                Flow::Next | Flow::Continue => {}
            }
        }
        self.run(&node.orelse)
    }

    fn while_loop(&mut self, node: &StmtWhile) -> Outcome<Flow> {
        while self.evaluate(&node.test)?.truth() {
            match self.run(&node.body)? {
                Flow::Break => return Ok(Flow::Next),
                Flow::Return(value) => return Ok(Flow::Return(value)),
                Flow::Next | Flow::Continue => {}
            }
        }
        self.run(&node.orelse)
    }

    fn attempt(&mut self, node: &StmtTry) -> Outcome<Flow> {
        let mut result = match self.run(&node.body) {
            Err(stop) => self.handle(node, stop),
            Ok(Flow::Next) => self.run(&node.orelse),
            Ok(flow) => Ok(flow),
        };
        match self.run(&node.finalbody) {
            Ok(Flow::Next) => {}
            other => result = other,
        }
        result
    }

    /// Runs the handler that catches an exception, if one does.
    fn handle(&mut self, node: &StmtTry, stop: Stop) -> Outcome<Flow> {
        let Some(exception) = stop.exception() else { return Err(stop) };
        for ExceptHandler::ExceptHandler(handler) in &node.handlers {
            let catches = match &handler.type_ {
                None => true,
                Some(classes) => self.catches(classes, exception)?,
            };
            if catches {
                if let Some(name) = &handler.name {
                    let value = raised::value_of(exception);
                    self.frame.scope.set(name, value);
                }
                return self.run(&handler.body);
            }
        }
        Err(stop)
    }

    fn catches(&mut self, classes: &Expr, exception: &Exception) -> Outcome<bool> {
        if let Expr::Tuple(tuple) = classes {
            for class in &tuple.elts {
                if self.catches(class, exception)? {
                    return Ok(true);
                }
            }
            return Ok(false);
        }
        let class = self.evaluate(classes)?;
        Ok(raised::class_named(&class).is_some_and(|class| exception.is_a(&class)))
    }

    fn raise(&mut self, node: &StmtRaise) -> Outcome<Stop> {
        let Some(raised) = &node.exc else {
            let hint = "name the exception";
            return Err(Stop::unsupported("a bare raise cannot be evaluated", hint));
        };
        let value = self.evaluate(raised)?;
        let message = raised::message(self, &value)?;
        let class = raised::class_named(&value);
        Ok(Exception::raise(class.as_deref().unwrap_or("Exception"), message))
    }

    fn assertion(&mut self, node: &StmtAssert) -> Outcome<()> {
        if self.evaluate(&node.test)?.truth() {
            return Ok(());
        }
        let message = match &node.msg {
            Some(message) => {
                let value = self.evaluate(message)?;
                repr::display(self, &value)?
            }
            None => format!("assertion failed: {}", self.frame.source.slice(node.test.range())),
        };
        Err(Exception::raise("AssertionError", message))
    }

    fn annotated(&mut self, node: &StmtAnnAssign) -> Outcome<()> {
        match &node.value {
            Some(value) => {
                let value = self.evaluate(value)?;
                self.assign(&node.target, value)
            }
            None => Ok(()),
        }
    }

    fn delete(&mut self, node: &StmtDelete) -> Outcome<()> {
        for target in &node.targets {
            match target {
                Expr::Name(name) => {
                    if !self.frame.scope.remove(&name.id) {
                        let message = format!("name \"{}\" is not defined", name.id);
                        return Err(Exception::raise("NameError", message));
                    }
                }
                Expr::Subscript(access) => {
                    let value = self.evaluate(&access.value)?;
                    let index = self.evaluate(&access.slice)?;
                    subscript::delete(self, &value, &index)?;
                }
                other => {
                    return Err(self.unsupported(other, "del of this target", "delete a name"));
                }
            }
        }
        Ok(())
    }

    fn function(&mut self, node: &StmtFunctionDef) -> Outcome<()> {
        let mut decorators = Vec::with_capacity(node.decorator_list.len());
        for decorator in &node.decorator_list {
            decorators.push((self.evaluate(&decorator.expression)?, decorator.range));
        }
        let code = Code::Definition(Rc::new(node.clone()));
        let mut value = define(self, &node.name, code, node.range)?;
        for (decorator, range) in decorators.into_iter().rev() {
            value = self
                .call_values(&decorator, vec![value])
                .map_err(|stop| stop.at(|| self.location(range)))?;
        }
        self.frame.scope.set(&node.name, value);
        Ok(())
    }
}

fn unsupported(statement: &Stmt) -> Stop {
    let (what, hint) = match statement {
        Stmt::Match(_) => ("match", "use if and elif"),
        _ => ("this statement", "write it with plain declarations"),
    };
    Stop::unsupported(format!("{what} cannot be evaluated"), hint)
}
