//! Comparison, identity and membership.

use datafusion::logical_expr::lit;
use larder_core::{Result, ValueType};
use ruff_python_ast::{CmpOp, Expr, ExprCompare};
use ruff_text_size::TextRange;

use super::compiler::{Compiler, is_nothing, scalar_or_none};
use super::condition::Condition;
use super::exception::Fault;
use super::scalar::{Kind, Scalar, choose};
use super::time::comparable as comparable_times;
use super::value::{Display, Value};
use crate::kernel::{
    Compare, CompareOp, Contains, EqualLists, Missing, Position, Text, TextFunction, call,
};

impl<'a> Compiler<'a> {
    /// A comparison, possibly chained.
    pub(crate) fn comparison(&mut self, node: &'a ExprCompare) -> Result<Value<'a>> {
        let mut left = self.expression(&node.left)?;
        let mut result: Option<Value<'a>> = None;
        for (op, comparator) in node.ops.iter().zip(&node.comparators) {
            left = self.share(left);
            let Some(before) = result.take() else {
                (result, left) = self.comparison_step(*op, &left, comparator, node.range)?;
                continue;
            };
            let truth = self.truth(&before, node.range)?;
            if truth.known() == Some(false) {
                return Ok(before);
            }
            let truth = self.share_scalar(&truth.scalar());
            let (step, right) = self.where_holds(&truth, true, |c| {
                c.comparison_step(*op, &left, comparator, node.range)
            })?;
            let step = step.unwrap_or(Value::None);
            result = Some(self.select(&truth, &step, &before, node.range)?);
            left = right;
        }
        Ok(result.unwrap_or(Value::Bool(true)))
    }

    /// The result of one comparison, and its right side.
    fn comparison_step(
        &mut self,
        op: CmpOp,
        left: &Value<'a>,
        right: &'a Expr,
        at: TextRange,
    ) -> Result<(Option<Value<'a>>, Value<'a>)> {
        let right = self.expression(right)?;
        let right = self.share(right);
        let value = self.compare(op, left, &right, at)?;
        let value = self.observed(value, |c, value| c.observe(value, Fault::Type, at))?;
        Ok((Some(value), right))
    }

    /// One comparison operator.
    pub(crate) fn compare(
        &mut self,
        op: CmpOp,
        left: &Value<'a>,
        right: &Value<'a>,
        at: TextRange,
    ) -> Result<Value<'a>> {
        match op {
            CmpOp::Is | CmpOp::IsNot => {
                let same = self.identity(left, right, at)?;
                Ok(if op == CmpOp::Is { same } else { same.negate() }.value())
            }
            CmpOp::In | CmpOp::NotIn => {
                let inside = self.membership(left, right, at)?;
                Ok(if op == CmpOp::In { inside } else { inside.negate() }.value())
            }
            _ if matches!(left, Value::Series(_)) || matches!(right, Value::Series(_)) => {
                self.series_compare(compare_op(op), left, right, at)
            }
            _ => Ok(self.ordering(compare_op(op), left, right, at)?.value()),
        }
    }

    fn identity(
        &mut self,
        left: &Value<'a>,
        right: &Value<'a>,
        at: TextRange,
    ) -> Result<Condition> {
        match (left, right) {
            (value, Value::None) | (Value::None, value) => self.is_none(value, at),
            (value, Value::Bool(_)) if value.scalar().is_some_and(|s| s.kind == Kind::Bool) => {
                self.ordering(CompareOp::Equal, left, right, at)
            }
            _ => Err(self.unsupported(at, "is between values", "use == (is only for None)")),
        }
    }

    fn is_none(&mut self, value: &Value<'a>, at: TextRange) -> Result<Condition> {
        let scalar = match value {
            Value::None => return Ok(Condition::Known(true)),
            Value::Unusable(_) => self.scalar(value, at)?,
            Value::Scalar(scalar) => scalar.clone(),
            _ => return Ok(Condition::Known(false)),
        };
        if is_nothing(&scalar) {
            return Ok(Condition::Known(true));
        }
        if !scalar.is_nullable() {
            return Ok(Condition::Known(false));
        }
        let scalar = self.share_scalar(&scalar);
        let is_null =
            if scalar.none && !scalar.nan { scalar.expr.clone().is_null() } else { lit(false) };
        Ok(Condition::PerRow(Scalar::guarded(is_null, Kind::Bool, &[&scalar], false)))
    }

    fn ordering(
        &mut self,
        op: CompareOp,
        left: &Value<'a>,
        right: &Value<'a>,
        at: TextRange,
    ) -> Result<Condition> {
        let equality = matches!(op, CompareOp::Equal | CompareOp::NotEqual);
        if equality && (*left == Value::None || *right == Value::None) {
            let other = if *left == Value::None { right } else { left };
            let none = self.is_none(other, at)?;
            return Ok(if op == CompareOp::Equal { none } else { none.negate() });
        }
        let (left, right) = (&self.settled(left.clone()), &self.settled(right.clone()));
        if let Some(answer) = self.compare_sets(op, left, right, at)? {
            return Ok(answer);
        }
        if equality && let Some(answer) = self.equal_lists(op, left, right, at)? {
            return Ok(answer);
        }
        if let (Value::Items(a, _), Value::Items(b, _)) = (left, right)
            && equality
            && a.len() == b.len()
        {
            return self.equal_items(op, a, b, at);
        }
        let (Some(a), Some(b)) = (scalar_or_none(left), scalar_or_none(right)) else {
            let construct = format!("comparing {} with {}", left.label(), right.label());
            return Err(self.unsupported(at, construct, "compare values of the row"));
        };
        let comparable = (a.kind.is_number() && b.kind.is_number())
            || (a.kind == Kind::Text && b.kind == Kind::Text)
            || comparable_times(&a.kind, &b.kind);
        if !comparable && !equality {
            let message = format!("{} and {} have no order", a.kind.label(), b.kind.label());
            return Err(self.wrong(at, message));
        }
        if !comparable && (a.kind == b.kind || a.none && b.none) {
            let construct = format!("comparing {} with {}", a.kind.label(), b.kind.label());
            return Err(self.unsupported(
                at,
                construct,
                "compare numbers, texts, bools and timestamps",
            ));
        }
        let (a, b) = (self.share_scalar(&a), self.share_scalar(&b));
        if !comparable {
            let answer = lit(op == CompareOp::NotEqual);
            return Ok(Condition::PerRow(Scalar::guarded(answer, Kind::Bool, &[&a, &b], false)));
        }
        Ok(Condition::PerRow(compared(op, &a, &b, equality)))
    }

    /// `==` and `!=` of lists of which the row decides one.
    fn equal_lists(
        &mut self,
        op: CompareOp,
        left: &Value<'a>,
        right: &Value<'a>,
        at: TextRange,
    ) -> Result<Option<Condition>> {
        let mut of_row = 0;
        let mut list = |value: &Value<'a>| match value {
            Value::Scalar(list) if matches!(list.kind, Kind::List(_)) => {
                of_row += 1;
                Ok(Some(list.clone()))
            }
            Value::Items(items, Display::List) => self.list_of_items(items, at).map(Some),
            _ => Ok(None),
        };
        let (Some(a), Some(b)) = (list(left)?, list(right)?) else { return Ok(None) };
        if of_row == 0 {
            return Ok(None);
        }
        let Some((kind, _)) = a.kind.unify(&b.kind) else { return Ok(None) };
        if a.none && b.none
            || !matches!(&kind, Kind::List(element) if element.is_number() || **element == Kind::Text || **element == Kind::Opaque(ValueType::Null))
        {
            let hint = "compare lists of numbers or texts, one of which is never None";
            return Err(self.unsupported(at, "comparing these lists", hint));
        }
        let (a, b) = (self.share_scalar(&a.widen(&kind)), self.share_scalar(&b.widen(&kind)));
        // A list that is `None` equals no other.
        let equal = call(EqualLists, vec![a.expr.clone(), b.expr.clone()]).is_true();
        let equal = Scalar::guarded(equal, Kind::Bool, &[&a, &b], false);
        let equal = Condition::PerRow(equal);
        Ok(Some(if op == CompareOp::Equal { equal } else { equal.negate() }))
    }

    fn equal_items(
        &mut self,
        op: CompareOp,
        a: &[Value<'a>],
        b: &[Value<'a>],
        at: TextRange,
    ) -> Result<Condition> {
        let mut all = Condition::Known(true);
        for (a, b) in a.iter().zip(b) {
            let equal = self.ordering(CompareOp::Equal, a, b, at)?;
            all = match (all.known(), equal.known()) {
                (Some(true), _) => equal,
                (Some(false), _) | (None, Some(true)) => all,
                _ => {
                    let (x, y) = (all.scalar(), equal.scalar());
                    let expr = choose(x.expr.clone(), y.expr.clone(), lit(false));
                    Condition::PerRow(Scalar::strict(expr, Kind::Bool, &[&x, &y], false))
                }
            };
        }
        // Both sequences are made before they are compared, so any element raises.
        let made: Vec<_> = a.iter().chain(b).filter_map(Value::scalar).collect();
        let made: Vec<&Scalar> = made.iter().collect();
        let all = match &all {
            Condition::PerRow(all) => {
                let all = self.share_scalar(all);
                let operands: Vec<&Scalar> = std::iter::once(&all).chain(made).collect();
                Condition::PerRow(Scalar::guarded(all.expr.clone(), Kind::Bool, &operands, false))
            }
            Condition::Known(_) => all,
        };
        Ok(if op == CompareOp::Equal { all } else { all.negate() })
    }

    fn membership(
        &mut self,
        value: &Value<'a>,
        container: &Value<'a>,
        at: TextRange,
    ) -> Result<Condition> {
        match self.settled(container.clone()) {
            Value::Items(items, _) => self.among(value, &items, at),
            Value::Dict(number) | Value::Frame(number) | Value::Row(number) => {
                let dict = self.dict(number);
                let keys: Vec<_> = dict.entries.iter().map(|(key, _)| key.clone()).collect();
                self.among(value, &keys, at)
            }
            Value::SetOf(list) => self.in_list(value, &list, at),
            Value::Scalar(list) if matches!(list.kind, Kind::List(_)) => {
                self.in_list(value, &list, at)
            }
            Value::Scalar(_) | Value::Text(_) => {
                let (part, text) = (self.scalar(value, at)?, self.scalar(container, at)?);
                if part.kind != Kind::Text || text.kind != Kind::Text {
                    return Err(self.wrong(at, "in between a text and something else"));
                }
                let arguments = vec![text.expr.clone(), part.expr.clone()];
                let expr = call(Text(TextFunction::Contains), arguments);
                Ok(Condition::PerRow(Scalar::strict(expr, Kind::Bool, &[&part, &text], false)))
            }
            other => {
                let construct = format!("in with a {}", other.label());
                Err(self.unsupported(at, construct, "use a list, tuple, set or dict of literals"))
            }
        }
    }

    fn in_list(&mut self, value: &Value<'a>, list: &Scalar, at: TextRange) -> Result<Condition> {
        let Kind::List(element) = &list.kind else { return Err(self.wrong(at, "not a list")) };
        let value = scalar_or_none(value).map_or_else(|| self.scalar(value, at), Ok)?;
        let comparable =
            *element.as_ref() == value.kind || (element.is_number() && value.kind.is_number());
        if !comparable {
            let construct = format!("{} in a list of {}", value.kind.label(), element.label());
            return Err(self.unsupported(at, construct, "look for an element of the list's type"));
        }
        let expr = call(Contains, vec![value.expr.clone(), list.expr.clone()]);
        let found = Scalar::strict(expr, Kind::Bool, &[list], false);
        let value = Scalar { none: false, ..value };
        Ok(Condition::PerRow(Scalar::guarded(
            found.expr.clone(),
            Kind::Bool,
            &[&found, &value],
            false,
        )))
    }

    /// Whether the value equals one of the elements.
    fn among(
        &mut self,
        value: &Value<'a>,
        items: &[Value<'a>],
        at: TextRange,
    ) -> Result<Condition> {
        let keys: Option<Vec<_>> = items.iter().map(Value::keys).collect();
        let Some(keys) = keys else {
            return self.among_values(value, items, at);
        };
        if let Some(key) = value.keys() {
            return Ok(Condition::Known(keys.contains(&key)));
        }
        let parts = self.key_parts(value, at)?;
        let keys: Vec<_> = keys.into_iter().filter(|key| key.len() == parts.len()).collect();
        if keys.is_empty() {
            return Ok(Condition::Known(false));
        }
        let arguments = parts.iter().map(|part| part.expr.clone()).collect();
        let found = call(Position::new(keys), arguments).is_not_null();
        let operands: Vec<&Scalar> = parts.iter().collect();
        Ok(Condition::PerRow(Scalar::guarded(found, Kind::Bool, &operands, false)))
    }

    fn among_values(
        &mut self,
        value: &Value<'a>,
        items: &[Value<'a>],
        at: TextRange,
    ) -> Result<Condition> {
        let value = self.share(value.clone());
        let mut any = Condition::Known(false);
        for item in items {
            let equal = self.ordering(CompareOp::Equal, &value, item, at)?;
            any = match (any.known(), equal.known()) {
                (Some(true), _) | (None, Some(false)) => any,
                (Some(false), _) => equal,
                _ => {
                    let (x, y) = (any.scalar(), equal.scalar());
                    let expr = choose(x.expr.clone(), lit(true), y.expr.clone());
                    Condition::PerRow(Scalar::strict(expr, Kind::Bool, &[&x, &y], false))
                }
            };
        }
        Ok(any)
    }
}

/// A comparison of comparable kinds.
fn compared(op: CompareOp, a: &Scalar, b: &Scalar, equality: bool) -> Scalar {
    let both_bool = a.kind == Kind::Bool && b.kind == Kind::Bool;
    let (x, y) =
        if both_bool { (a.clone(), b.clone()) } else { (a.without_bool(), b.without_bool()) };
    let arguments = vec![x.expr.clone(), y.expr.clone()];
    if a.may_be_nan() || b.may_be_nan() {
        let (a, b) = if equality { (a.clone(), b.clone()) } else { (a.required(), b.required()) };
        let compare = call(Compare { op, missing: Missing::IsNan }, arguments);
        return Scalar::guarded(compare, Kind::Bool, &[&a, &b], false);
    }
    if !equality || (!a.none && !b.none) {
        let kernel = Compare { op, missing: Missing::Raises };
        return Scalar::strict(call(kernel, arguments), Kind::Bool, &[a, b], false);
    }
    let kernel = Compare { op, missing: Missing::IsNone };
    Scalar::guarded(call(kernel, arguments), Kind::Bool, &[a, b], false)
}

/// The kernel's operator.
pub(crate) fn compare_op(op: CmpOp) -> CompareOp {
    match op {
        CmpOp::NotEq => CompareOp::NotEqual,
        CmpOp::Lt => CompareOp::Less,
        CmpOp::LtE => CompareOp::LessEqual,
        CmpOp::Gt => CompareOp::Greater,
        CmpOp::GtE => CompareOp::GreaterEqual,
        _ => CompareOp::Equal,
    }
}
