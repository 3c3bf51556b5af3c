//! Loops: over the rows, once for all of them; over literals, unrolled.

use std::collections::BTreeSet;
use std::rc::Rc;

use larder_core::Result;
use ruff_python_ast::{ExceptHandler, Expr, Stmt, StmtFor};
use ruff_text_size::{Ranged, TextRange};

use super::compiler::{Compiler, is_nothing, nothing, scalar_or_none};
use super::lists::{Elements, letters};
use super::scalar::Scalar;
use super::state::{Growing, Scope};
use super::value::{Display, Value};

/// What a loop runs over.
pub(crate) enum Pass<'a> {
    /// The rows; the value is the element of every row.
    Rows(Value<'a>),
    /// Elements written out.
    Items(Vec<Value<'a>>),
    /// The elements of lists of the row.
    Elements(Elements),
}

impl<'a> Compiler<'a> {
    /// A `for` statement.
    pub(crate) fn each(&mut self, each: &'a StmtFor) -> Result<()> {
        let over = self.expression(&each.iter)?;
        let pass = self.pass(&over, each.iter.range())?;
        if let (Some(first), false) = (each.orelse.first(), matches!(pass, Pass::Elements(_))) {
            return Err(self.unsupported(first.range(), "else of a loop", "put it after the loop"));
        }
        match pass {
            Pass::Items(items) => {
                for item in items {
                    self.assign(&each.target, item)?;
                    self.body(&each.body)?;
                }
                Ok(())
            }
            Pass::Rows(row) => self.each_row(each, row),
            Pass::Elements(elements) => self.fold(each, &elements, None).map(|_| ()),
        }
    }

    fn each_row(&mut self, each: &'a StmtFor, row: Value<'a>) -> Result<()> {
        self.enter_rows(each.iter.range())?;
        let mut names = BTreeSet::new();
        each.body.iter().for_each(|statement| assigned(statement, &mut names));
        self.disown(
            &names,
            "inside the loop it would come from the previous row; compute it per row",
        );
        self.assign(&each.target, row)?;
        let done = self.body(&each.body);
        self.per_row = false;
        done?;
        targets(&each.target, &mut names);
        self.disown(&names, "after the loop it belongs to the last row; use it inside the loop");
        self.collect_rows(each.range())
    }

    fn body(&mut self, statements: &'a [Stmt]) -> Result<()> {
        self.loops += 1;
        let done = self.block(statements, None);
        self.loops -= 1;
        done.map(|_| ())
    }

    pub(crate) fn enter_rows(&mut self, at: TextRange) -> Result<()> {
        if self.per_row {
            return Err(self.unsupported(
                at,
                "a loop over the rows inside another",
                "zip all columns in one loop",
            ));
        }
        self.per_row = true;
        Ok(())
    }

    /// Makes variables that exist unusable.
    fn disown(&mut self, names: &BTreeSet<Rc<str>>, reason: &str) {
        let Some(scope) = self.state.scopes.last_mut() else { return };
        for name in names {
            if let Some(value) = scope.variables.get_mut(name) {
                *value = Value::Unusable(Rc::from(reason));
            }
        }
    }

    /// Turns what a loop over the rows appended into whole columns.
    fn collect_rows(&mut self, at: TextRange) -> Result<()> {
        let numbers: Vec<usize> = self.state.lists.keys().copied().collect();
        for number in numbers {
            let Some(list) = self.state.lists.get_mut(&number) else { continue };
            let Some(row) = list.pending.take() else { continue };
            if list.rows.is_some() || !list.items.is_empty() {
                return Err(self.unsupported(
                    at,
                    "a second loop that appends to the same list",
                    "fill a list in one loop, with one element per row",
                ));
            }
            let row = self.element(&row, at)?;
            if let Some(list) = self.state.lists.get_mut(&number) {
                list.rows = Some(Value::Scalar(row));
            }
        }
        Ok(())
    }

    /// Checks that a column can be made of the value.
    fn element(&mut self, value: &Value<'a>, at: TextRange) -> Result<Scalar> {
        match scalar_or_none(value) {
            Some(scalar) => Ok(self.share_scalar(&scalar)),
            None => self.scalar(value, at),
        }
    }

    /// `list.append(value)`.
    pub(crate) fn append(&mut self, number: usize, value: Value<'a>, at: TextRange) -> Result<()> {
        let value = self.share(value);
        let per_row = self.per_row;
        if let Some(whole) = self.state.lists.get(&number).and_then(|list| list.whole.clone()) {
            let item = self.list_of_items(&[value], at)?;
            let joined = self.joined(&[whole, item], at)?;
            let joined = self.share_scalar(&joined);
            self.change_list(number, |list| list.whole = Some(joined));
            return Ok(());
        }
        let Some(list) = self.state.lists.get_mut(&number) else { return Ok(()) };
        if list.per_row == per_row {
            list.items.push(value);
        } else if list.pending.replace(value).is_some() {
            return Err(self.unsupported(
                at,
                "a second append to the same list",
                "append exactly one element per row",
            ));
        }
        Ok(())
    }

    /// Changes a list that methods fill.
    pub(crate) fn change_list(&mut self, number: usize, change: impl FnOnce(&mut Growing<'a>)) {
        if let Some(list) = self.state.lists.get_mut(&number) {
            change(list);
        }
    }

    /// The elements of what a loop can be unrolled over.
    pub(crate) fn written_out(&mut self, over: &Value<'a>) -> Option<Vec<Value<'a>>> {
        match self.pass(over, TextRange::default()) {
            Ok(Pass::Items(items)) => Some(items),
            _ => None,
        }
    }

    /// What a loop over the value runs over.
    pub(crate) fn pass(&mut self, over: &Value<'a>, at: TextRange) -> Result<Pass<'a>> {
        match self.settled(over.clone()) {
            Value::Items(items, _) => Ok(Pass::Items(items.to_vec())),
            Value::Dict(number) => {
                let dict = self.dict(number);
                Ok(Pass::Items(dict.entries.iter().map(|(key, _)| key.clone()).collect()))
            }
            Value::Zip(parts) => self.zipped(&parts, at),
            Value::Enumerate(inner, start) if self.written_out(&inner).is_some() => {
                let items = self.written_out(&inner).unwrap_or_default();
                let numbered = (start..).zip(items).map(|(number, item)| {
                    Value::Items(Rc::new(vec![Value::Int(number), item]), Display::Tuple)
                });
                Ok(Pass::Items(numbered.collect()))
            }
            Value::Text(text) => Ok(Pass::Items(letters(&text))),
            other => match (self.row_of(&other), self.elements(&other, at)?) {
                (Some(row), _) => Ok(Pass::Rows(row)),
                (None, Some(elements)) => Ok(Pass::Elements(elements)),
                (None, None) => Err(self.unsupported(
                    at,
                    format!("a loop over a {}", other.label()),
                    "loop over columns, zip of columns, or literals",
                )),
            },
        }
    }

    /// `zip` over literals is unrolled; over columns it gives a tuple per row.
    fn zipped(&mut self, parts: &[Value<'a>], at: TextRange) -> Result<Pass<'a>> {
        let parts: Vec<_> = parts.iter().map(|part| self.settled(part.clone())).collect();
        let literal: Option<Vec<_>> = parts
            .iter()
            .map(
                |part| {
                    if let Value::Items(items, _) = part { Some(Rc::clone(items)) } else { None }
                },
            )
            .collect();
        if let Some(columns) = literal {
            let length = columns.iter().map(|column| column.len()).min().unwrap_or(0);
            let tuple = |at: usize| {
                let items = columns.iter().map(|column| column[at].clone()).collect();
                Value::Items(Rc::new(items), Display::Tuple)
            };
            return Ok(Pass::Items((0..length).map(tuple).collect()));
        }
        let zip = Value::Zip(Rc::new(parts));
        match (self.row_of(&zip), self.elements(&zip, at)?) {
            (Some(row), _) => Ok(Pass::Rows(row)),
            (None, Some(elements)) => Ok(Pass::Elements(elements)),
            (None, None) => Err(self.unsupported(
                at,
                "zip of something that is no column",
                "zip columns of the inputs, each used once per row",
            )),
        }
    }

    /// The element of a row, if the value has one per row.
    pub(crate) fn row_of(&self, over: &Value<'a>) -> Option<Value<'a>> {
        match over {
            Value::Column(scalar) if is_nothing(scalar) => Some(Value::None),
            Value::Column(scalar) => Some(Value::Scalar(scalar.clone())),
            Value::Series(column) => Some(Value::Scalar(column.element())),
            Value::EachRow(row) => Some((**row).clone()),
            Value::Rows => Some(Value::RowIndex),
            Value::Growing(_) => self.row_of(&self.settled(over.clone())),
            Value::Zip(parts) => {
                let rows = parts.iter().map(|part| self.row_of(part)).collect::<Option<_>>()?;
                Some(Value::Items(Rc::new(rows), Display::Tuple))
            }
            Value::Enumerate(inner, 0) => {
                let rows = vec![Value::RowIndex, self.row_of(inner)?];
                Some(Value::Items(Rc::new(rows), Display::Tuple))
            }
            _ => None,
        }
    }

    /// Compiles in a scope inside of the current one.
    pub(crate) fn in_scope<T>(&mut self, run: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let parent = self.state.scopes.len().checked_sub(1);
        self.state.scopes.push(Scope { parent, ..Scope::default() });
        let result = run(self);
        self.state.scopes.pop();
        result
    }

    pub(crate) fn nested_rows(&self, at: TextRange) -> larder_core::Error {
        self.unsupported(at, "a nested comprehension over rows", "zip all columns in one loop")
    }
}

/// Names that a statement assigns.
pub(crate) fn assigned(statement: &Stmt, names: &mut BTreeSet<Rc<str>>) {
    match statement {
        Stmt::Assign(assign) => assign.targets.iter().for_each(|target| targets(target, names)),
        Stmt::AnnAssign(assign) => targets(&assign.target, names),
        Stmt::AugAssign(assign) => targets(&assign.target, names),
        Stmt::For(each) => {
            targets(&each.target, names);
            each.body.iter().for_each(|statement| assigned(statement, names));
        }
        Stmt::If(branch) => {
            branch.body.iter().for_each(|statement| assigned(statement, names));
            let clauses = branch.elif_else_clauses.iter().flat_map(|clause| &clause.body);
            clauses.for_each(|statement| assigned(statement, names));
        }
        Stmt::Try(attempt) => {
            let handlers = attempt.handlers.iter().flat_map(|handler| match handler {
                ExceptHandler::ExceptHandler(handler) => &handler.body,
            });
            let body = attempt.body.iter().chain(&attempt.orelse).chain(&attempt.finalbody);
            body.chain(handlers).for_each(|statement| assigned(statement, names));
        }
        Stmt::Match(choice) => {
            let bodies = choice.cases.iter().flat_map(|case| &case.body);
            bodies.for_each(|statement| assigned(statement, names));
        }
        _ => {}
    }
}

/// Names in a target.
pub(crate) fn targets(target: &Expr, names: &mut BTreeSet<Rc<str>>) {
    match target {
        Expr::Name(name) => _ = names.insert(Rc::from(name.id.as_str())),
        Expr::Tuple(tuple) => tuple.elts.iter().for_each(|part| targets(part, names)),
        Expr::List(list) => list.elts.iter().for_each(|part| targets(part, names)),
        _ => {}
    }
}

/// A whole column of one constant.
pub(crate) fn constant_column<'a>(value: &Value<'a>) -> Option<Value<'a>> {
    if *value == Value::None {
        return Some(Value::Column(nothing()));
    }
    value.scalar().map(Value::Column)
}
