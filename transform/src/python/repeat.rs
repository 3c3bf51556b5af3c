//! Loops and comprehensions: over the rows, once for all of them; over literals, unrolled.

use std::collections::BTreeSet;
use std::rc::Rc;

use larder_core::Result;
use ruff_python_ast::{Comprehension, ExceptHandler, Expr, Stmt, StmtFor};
use ruff_text_size::{Ranged, TextRange};

use super::compiler::{Compiler, is_nothing, nothing, scalar_or_none};
use super::lists::{Elements, Goal, letters};
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

/// What a comprehension makes.
pub(crate) enum Made<'a> {
    /// Elements written out.
    Items(Vec<Value<'a>>),
    /// One element per row.
    Rows(Value<'a>),
    /// A list of the row.
    List(Scalar),
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

    fn enter_rows(&mut self, at: TextRange) -> Result<()> {
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

    /// A list, set or generator comprehension.
    pub(crate) fn comprehension(
        &mut self,
        element: &'a Expr,
        generators: &'a [Comprehension],
        display: Display,
    ) -> Result<Value<'a>> {
        let made = self.in_scope(|c| {
            c.generate(generators, &mut |c| {
                let value = c.expression(element)?;
                Ok(c.share(value))
            })
        })?;
        match made {
            Made::Items(items) => Ok(Value::Items(Rc::new(items), display)),
            Made::List(list) if display == Display::Set => Ok(Value::SetOf(list)),
            Made::List(list) => Ok(Value::Scalar(list)),
            Made::Rows(row) => {
                let at = element.range();
                let scalar = scalar_or_none(&row).map_or_else(|| self.scalar(&row, at), Ok)?;
                Ok(Value::Column(scalar))
            }
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

    /// `{key: value for ..}` over literals.
    pub(crate) fn dict_comprehension(
        &mut self,
        key: &'a Expr,
        value: &'a Expr,
        generators: &'a [Comprehension],
    ) -> Result<Value<'a>> {
        let number = self.new_dict(Vec::new());
        let at = key.range();
        let made = self.in_scope(|c| {
            c.generate(generators, &mut |c| {
                let key = c.expression(key)?;
                if key.keys().is_none() {
                    return Err(c.computed_keys(at));
                }
                let value = c.expression(value)?;
                Ok(Value::Items(Rc::new(vec![key, c.share(value)]), Display::Tuple))
            })
        })?;
        let Made::Items(entries) = made else { return Err(self.computed_keys(at)) };
        let mut dict = (*self.dict(number)).clone();
        for entry in entries {
            if let Value::Items(pair, _) = entry
                && let [key, value] = pair.as_slice()
            {
                dict.set(key.clone(), value.clone());
            }
        }
        self.state.dicts.insert(number, Rc::new(dict));
        Ok(Value::Dict(number))
    }

    fn computed_keys(&self, at: TextRange) -> larder_core::Error {
        self.unsupported(at, "a dict with computed keys", "use literal keys")
    }

    /// The values of `body` for every pass of the generators.
    pub(crate) fn generate(
        &mut self,
        generators: &'a [Comprehension],
        body: &mut dyn FnMut(&mut Self) -> Result<Value<'a>>,
    ) -> Result<Made<'a>> {
        let Some((first, rest)) = generators.split_first() else {
            return Ok(Made::Items(vec![body(self)?]));
        };
        let over = self.expression(&first.iter)?;
        match self.pass(&over, first.iter.range())? {
            Pass::Items(items) => self.generate_items(items, first, rest, body),
            Pass::Elements(over) => {
                self.comprehend(&over, generators, Goal::List, body).map(Made::List)
            }
            Pass::Rows(row) => {
                if let Some(test) = first.ifs.first() {
                    return Err(self.unsupported(
                        test.range(),
                        "a comprehension that leaves rows out",
                        "every row needs an element: write x if condition else None",
                    ));
                }
                self.enter_rows(first.iter.range())?;
                let done = self.assign(&first.target, row).and_then(|()| self.generate(rest, body));
                self.per_row = false;
                match done? {
                    Made::Items(mut items) if rest.is_empty() => {
                        Ok(Made::Rows(items.pop().unwrap_or(Value::None)))
                    }
                    _ => Err(self.nested_rows(first.range)),
                }
            }
        }
    }

    /// A comprehension over elements that are written out; a row may leave some of them out.
    fn generate_items(
        &mut self,
        items: Vec<Value<'a>>,
        first: &'a Comprehension,
        rest: &'a [Comprehension],
        body: &mut dyn FnMut(&mut Self) -> Result<Value<'a>>,
    ) -> Result<Made<'a>> {
        let at = first.range;
        let (mut made, mut lists) = (Vec::new(), Vec::new());
        for item in items {
            self.spend(at)?;
            self.assign(&first.target, item)?;
            let kept = self.kept(&first.ifs)?;
            let more = match kept.known() {
                Some(false) => continue,
                Some(true) => self.generate(rest, body)?,
                None => self.where_holds(&kept.scalar(), true, |c| c.generate(rest, body))?,
            };
            let list = match more {
                Made::Rows(_) => return Err(self.nested_rows(at)),
                Made::Items(items) if kept.known() == Some(true) => {
                    made.extend(items);
                    continue;
                }
                Made::Items(items) => self.list_of_items(&items, at)?,
                Made::List(list) => list,
            };
            if !made.is_empty() {
                lists.push(self.list_of_items(&std::mem::take(&mut made), at)?);
            }
            let empty = Value::Items(Rc::new(Vec::new()), Display::List);
            lists.push(if kept.known().is_some() {
                list
            } else {
                let kept = self.select(&kept.scalar(), &Value::Scalar(list), &empty, at)?;
                self.scalar(&kept, at)?
            });
        }
        if lists.is_empty() {
            return Ok(Made::Items(made));
        }
        if !made.is_empty() {
            lists.push(self.list_of_items(&made, at)?);
        }
        self.joined(&lists, at).map(Made::List)
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
