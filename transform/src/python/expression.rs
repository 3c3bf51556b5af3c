//! Expressions.

use std::rc::Rc;

use datafusion::common::ScalarValue;
use datafusion::logical_expr::lit;
use larder_core::Result;
use ruff_python_ast::{
    Expr, ExprDict, ExprIf, ExprLambda, ExprName, ExprSlice, ExprSubscript, Number,
};
use ruff_text_size::{Ranged, TextRange};

use super::builtin::{self, BUILTINS};
use super::compiler::Compiler;
use super::exception::Fault;
use super::scalar::{Kind, Scalar};
use super::state::Dict;
use super::value::{Code, Display, Module, Value};
use crate::kernel::{Concat, Format, call};
use crate::plan::constant;

/// Deepest nesting of expressions and calls.
const MAX_DEPTH: usize = 60;

impl<'a> Compiler<'a> {
    /// The value of an expression.
    pub(crate) fn expression(&mut self, node: &'a Expr) -> Result<Value<'a>> {
        self.spend(node.range())?;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.unsupported(
                node.range(),
                "an expression nested this deep (or recursion)",
                "use local variables for parts of it",
            ));
        }
        let value = self.evaluate(node);
        self.depth -= 1;
        let value = self.folded(value?, node.range())?;
        if !self.is_trying() {
            return Ok(value);
        }
        let value = self.share(value);
        self.observe_node(node, &value, node.range())?;
        Ok(value)
    }

    /// The value of an operation, with what it raised taken down if a `try` is around it.
    pub(crate) fn observed(
        &mut self,
        value: Value<'a>,
        observe: impl FnOnce(&mut Self, &Value<'a>) -> Result<()>,
    ) -> Result<Value<'a>> {
        if !self.is_trying() {
            return Ok(value);
        }
        let value = self.share(value);
        observe(self, &value)?;
        Ok(value)
    }

    /// A value that is the same in every row, as the constant it is.
    fn folded(&self, value: Value<'a>, at: TextRange) -> Result<Value<'a>> {
        let Value::Scalar(scalar) = &value else { return Ok(value) };
        if scalar.mixed {
            return Ok(value);
        }
        Ok(match constant(&scalar.expr) {
            Some(ScalarValue::Boolean(Some(known))) => Value::Bool(known),
            Some(ScalarValue::Int64(Some(known))) => Value::Int(known),
            Some(ScalarValue::Float64(Some(known))) => Value::Float(known),
            Some(ScalarValue::Utf8(Some(known))) => Value::Text(Rc::from(known)),
            Some(known) if known.is_null() && !scalar.none => {
                return Err(self.wrong(at, "this raises whatever the row holds"));
            }
            _ => value,
        })
    }

    fn evaluate(&mut self, node: &'a Expr) -> Result<Value<'a>> {
        let at = node.range();
        match node {
            Expr::NoneLiteral(_) => Ok(Value::None),
            Expr::BooleanLiteral(literal) => Ok(Value::Bool(literal.value)),
            Expr::NumberLiteral(literal) => self.number_literal(&literal.value, at),
            Expr::StringLiteral(literal) => Ok(Value::Text(Rc::from(literal.value.to_str()))),
            Expr::Name(name) => self.name(name),
            Expr::List(list) if list.elts.is_empty() => Ok(self.new_list(Vec::new())),
            Expr::List(list) => self.items(&list.elts, Display::List),
            Expr::Tuple(tuple) => self.items(&tuple.elts, Display::Tuple),
            Expr::Set(set) => self.items(&set.elts, Display::Set),
            Expr::Dict(dict) => self.dict_display(dict),
            Expr::BoolOp(op) => self.boolean(op),
            Expr::UnaryOp(unary) => self.unary(unary),
            Expr::BinOp(op) => {
                let left = self.expression(&op.left)?;
                let right = self.expression(&op.right)?;
                let value = self.binary(op.op, &left, &right, at)?;
                self.observed(value, |c, value| c.observe_binary(op.op, [&left, &right], value, at))
            }
            Expr::Compare(compare) => self.comparison(compare),
            Expr::If(choice) => self.conditional(choice),
            Expr::Call(call) => self.call(call),
            Expr::Attribute(attribute) => self.attribute(attribute),
            Expr::Subscript(subscript) => self.subscript(subscript),
            Expr::ListComp(list) => self.comprehension(&list.elt, &list.generators, Display::List),
            Expr::SetComp(set) => self.comprehension(&set.elt, &set.generators, Display::Set),
            Expr::Generator(generator) => {
                self.comprehension(&generator.elt, &generator.generators, Display::List)
            }
            Expr::DictComp(dict) => match &dict.key {
                Some(key) => self.dict_comprehension(key, &dict.value, &dict.generators),
                None => {
                    Err(self.unsupported(at, "unpacking in a dict comprehension", "write the keys"))
                }
            },
            Expr::Lambda(lambda) => Ok(self.lambda(lambda)),
            Expr::Named(named) => {
                let value = self.expression(&named.value)?;
                let value = self.share(value);
                self.assign(&named.target, value.clone())?;
                Ok(value)
            }
            Expr::FString(text) => self.f_string(text),
            Expr::Slice(slice) => self.slice(slice),
            other => {
                let (name, hint) = describe(other);
                Err(self.unsupported(at, name, hint))
            }
        }
    }

    fn subscript(&mut self, node: &'a ExprSubscript) -> Result<Value<'a>> {
        let container = self.expression(&node.value)?;
        let key = self.expression(&node.slice)?;
        let fault = match container {
            Value::Dict(_) | Value::Picked(_) => Fault::Key,
            _ => Fault::Index,
        };
        let value = self.item(container.clone(), &key, node.range)?;
        self.observed(value, |c, value| {
            c.observe_operation(value, &[&container], (Fault::Type, fault), node.range)
        })
    }

    fn slice(&mut self, node: &'a ExprSlice) -> Result<Value<'a>> {
        let mut bounds = [Value::None, Value::None, Value::None];
        for (bound, node) in bounds.iter_mut().zip([&node.lower, &node.upper, &node.step]) {
            if let Some(node) = node {
                *bound = self.expression(node)?;
            }
        }
        Ok(Value::Slice(Rc::new(bounds)))
    }

    fn number_literal(&self, number: &Number, at: TextRange) -> Result<Value<'a>> {
        match number {
            Number::Int(int) => match int.as_i64() {
                Some(value) => Ok(Value::Int(value)),
                None => Err(self.unsupported(at, "an integer beyond 64 bits", "use a float")),
            },
            Number::Float(value) => Ok(Value::Float(*value)),
            Number::Complex { .. } => {
                Err(self.unsupported(at, "a complex number", "features are real numbers"))
            }
        }
    }

    fn name(&self, name: &ExprName) -> Result<Value<'a>> {
        let at = name.range;
        match self.state.find(&name.id) {
            Some(Value::Unusable(reason)) => {
                Err(self.unsupported(at, format!("variable {}", name.id), reason))
            }
            Some(value) => Ok(value.clone()),
            None => match builtin::find(BUILTINS, &name.id) {
                Some(builtin) => Ok(Value::Builtin(builtin)),
                None => Err(self.unsupported(
                    at,
                    format!("name {} (not defined in the function)", name.id),
                    "Feast 0.67 rebuilds the function from its text alone and loses the module's names \
                     (except pd, pandas, np, numpy): define constants, helpers and imports inside the function",
                )),
            },
        }
    }

    fn items(&mut self, nodes: &'a [Expr], display: Display) -> Result<Value<'a>> {
        let mut items = Vec::with_capacity(nodes.len());
        for node in nodes {
            if let Expr::Starred(starred) = node {
                let value = self.expression(&starred.value)?;
                let Value::Items(more, _) = self.settled(value) else {
                    return Err(self.unsupported(
                        node.range(),
                        "unpacking with *",
                        "write the elements",
                    ));
                };
                items.extend(more.iter().cloned());
            } else {
                items.push(self.expression(node)?);
            }
        }
        Ok(Value::Items(Rc::new(items), display))
    }

    fn dict_display(&mut self, node: &'a ExprDict) -> Result<Value<'a>> {
        let mut dict = Dict { entries: Vec::new(), per_row: self.per_row, indexed: false };
        for item in &node.items {
            let value = self.expression(&item.value)?;
            let value = self.share(value);
            let Some(key) = &item.key else {
                let (Value::Dict(other) | Value::Frame(other)) = value else {
                    return Err(self.unsupported(
                        item.range(),
                        "unpacking with **",
                        "unpack dicts only",
                    ));
                };
                self.dict(other)
                    .entries
                    .iter()
                    .cloned()
                    .for_each(|(key, value)| dict.set(key, value));
                continue;
            };
            let at = key.range();
            let key = self.expression(key)?;
            if key.keys().is_none() {
                return Err(self.unsupported(at, "a dict with computed keys", "use literal keys"));
            }
            dict.set(key, value);
        }
        // Numbered last: what an element raised must not leave half a dict behind.
        let number = self.new_dict(Vec::new());
        self.state.dicts.insert(number, Rc::new(dict));
        Ok(Value::Dict(number))
    }

    fn conditional(&mut self, choice: &'a ExprIf) -> Result<Value<'a>> {
        let condition = self.condition(&choice.test)?;
        match condition.known() {
            Some(true) => self.expression(&choice.body),
            Some(false) => self.expression(&choice.orelse),
            None => {
                let condition = self.share_scalar(&condition.scalar());
                let then = self.where_holds(&condition, true, |c| c.expression(&choice.body))?;
                let otherwise =
                    self.where_holds(&condition, false, |c| c.expression(&choice.orelse))?;
                self.select(&condition, &then, &otherwise, choice.range)
            }
        }
    }

    fn lambda(&self, lambda: &'a ExprLambda) -> Value<'a> {
        Value::Code(Code::Lambda(lambda), self.state.scopes.len() - 1)
    }

    /// Joins texts.
    pub(crate) fn concat(&self, parts: &[Value<'a>], at: TextRange) -> Result<Value<'a>> {
        let texts = parts.iter().map(|part| self.scalar(part, at)).collect::<Result<Vec<_>>>()?;
        let operands: Vec<&Scalar> = texts.iter().collect();
        if operands.is_empty() {
            return Ok(Value::Text(Rc::from("")));
        }
        let expr = call(Concat, texts.iter().map(|text| text.expr.clone()).collect());
        Ok(Value::Scalar(Scalar::strict(expr, Kind::Text, &operands, false)))
    }

    /// `str(value)`.
    pub(crate) fn text_of(&mut self, value: &Value<'a>, at: TextRange) -> Result<Value<'a>> {
        if let Value::None = value {
            return Ok(Value::Text(Rc::from("None")));
        }
        let scalar = self.scalar(value, at)?;
        if scalar.mixed {
            return Err(self.unsupported(
                at,
                "the text of a number whose type depends on the row",
                "convert it with float(), int() or bool() first",
            ));
        }
        let scalar = self.share_scalar(&scalar);
        let time = Self::time_text(&scalar);
        if let Some(text) = &time
            && !scalar.none
        {
            return Ok(Value::Scalar(text.clone()));
        }
        if time.is_none() && !(scalar.kind.is_number() || scalar.kind == Kind::Text) {
            let construct = format!("the text of a {}", scalar.kind.label());
            return Err(self.unsupported(at, construct, "use numbers, bools and texts"));
        }
        if !scalar.none {
            let expr = match scalar.kind {
                Kind::Text => return Ok(Value::Scalar(scalar)),
                _ => call(Format, vec![scalar.expr.clone()]),
            };
            return Ok(Value::Scalar(Scalar::strict(expr, Kind::Text, &[&scalar], false)));
        }
        let text = match time {
            Some(time) => time.expr,
            None => call(Format, vec![scalar.expr.clone()]),
        };
        let none = lit(match (scalar.nan, &scalar.kind) {
            (false, _) => "None",
            (true, Kind::Instant(_) | Kind::Wall | Kind::Date | Kind::Duration) => "NaT",
            (true, _) => "nan",
        });
        let expr = super::scalar::choose(scalar.expr.clone().is_null(), none, text);
        Ok(Value::Scalar(Scalar::guarded(expr, Kind::Text, &[&scalar], false)))
    }
}

/// The module that Feast leaves in a function's globals under this name.
pub(crate) fn module_global(name: &str) -> Option<Module> {
    match name {
        "pd" | "pandas" => Some(Module::Pandas),
        "np" | "numpy" => Some(Module::Numpy),
        _ => None,
    }
}

fn describe(node: &Expr) -> (&'static str, &'static str) {
    match node {
        Expr::Await(_) => ("await", "a transform cannot wait for anything"),
        Expr::Yield(_) | Expr::YieldFrom(_) => ("yield", "return a dict of columns"),
        Expr::BytesLiteral(_) => ("a bytes literal", "use str"),
        Expr::Starred(_) => ("unpacking with *", "write the arguments"),
        Expr::Slice(_) => ("a slice", "take single elements"),
        Expr::EllipsisLiteral(_) => ("...", "write the value"),
        _ => (
            "this expression",
            "use arithmetic, comparisons, conditionals and calls of known functions",
        ),
    }
}
