//! Sets of the elements of a list of the row.

use std::rc::Rc;

use larder_core::{Result, ValueType};
use ruff_python_ast::Operator;
use ruff_text_size::TextRange;

use super::letters;
use crate::kernel::{CompareOp, Length, SameElements, SetMath, SetOp, call};
use crate::python::builtin::{Builtin, row};
use crate::python::call::Arguments;
use crate::python::compiler::Compiler;
use crate::python::condition::Condition;
use crate::python::scalar::{Kind, Scalar};
use crate::python::value::{Display, Value};

/// Methods of `set`.
pub(crate) static SET_METHODS: &[Builtin] = &[
    row!("difference", |c, a| method(c, a, SetOp::Difference)),
    row!("intersection", |c, a| method(c, a, SetOp::Intersection)),
    row!("isdisjoint", |c, a| {
        let Value::SetOf(common) = method(c, a, SetOp::Intersection)? else {
            return Ok(Value::Bool(true));
        };
        Ok(c.truth(&Value::Scalar(common), a.at)?.negate().value())
    }),
    row!("issubset", |c, a| subset(c, a, false)),
    row!("issuperset", |c, a| subset(c, a, true)),
    row!("symmetric_difference", |c, a| method(c, a, SetOp::Either)),
    row!("union", |c, a| method(c, a, SetOp::Union)),
];

/// `set(values)`.
pub(crate) fn to_set<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>) -> Result<Value<'a>> {
    let [values] = a.named(c, ["iterable"])?;
    let Some(values) = values else { return Ok(Value::Items(Rc::default(), Display::Set)) };
    let items = match c.settled(values.clone()) {
        Value::Items(items, _) => items.to_vec(),
        Value::Text(text) => letters(&text),
        Value::Dict(number) => c.dict(number).entries.iter().map(|(key, _)| key.clone()).collect(),
        set @ Value::SetOf(_) => return Ok(set),
        _ => {
            let Some(list) = c.set_list(&values, a.at)? else {
                let construct = format!("set of a {}", values.label());
                return Err(c.unsupported(a.at, construct, "make it of a list of the row"));
            };
            return c.set_math(SetOp::Union, &list, &list, a.at).map(Value::SetOf);
        }
    };
    let mut known = Vec::new();
    let mut once = Vec::new();
    for item in &items {
        let Some(key) = item.keys() else {
            let list = c.list_of_items(&items, a.at)?;
            return c.set_math(SetOp::Union, &list, &list, a.at).map(Value::SetOf);
        };
        if !known.contains(&key) {
            known.push(key);
            once.push(item.clone());
        }
    }
    Ok(Value::Items(Rc::new(once), Display::Set))
}

/// `a & b`, `a | b`, `a - b`, `a ^ b` of sets of which the row decides one.
pub(crate) fn set_operator<'a>(
    c: &mut Compiler<'a>,
    op: Operator,
    left: &Value<'a>,
    right: &Value<'a>,
    at: TextRange,
) -> Result<Option<Value<'a>>> {
    let is_set =
        |value: &Value<'a>| matches!(value, Value::SetOf(_) | Value::Items(_, Display::Set));
    let of_row = [left, right].iter().any(|side| matches!(side, Value::SetOf(_)));
    let op = match op {
        Operator::BitAnd => SetOp::Intersection,
        Operator::BitOr => SetOp::Union,
        Operator::Sub => SetOp::Difference,
        Operator::BitXor => SetOp::Either,
        _ => return Ok(None),
    };
    if !of_row || !is_set(left) || !is_set(right) {
        return Ok(None);
    }
    let (Some(a), Some(b)) = (c.set_list(left, at)?, c.set_list(right, at)?) else {
        return Ok(None);
    };
    c.set_math(op, &a, &b, at).map(Value::SetOf).map(Some)
}

/// Whether elements of this kind can be looked for in sets.
pub(super) fn is_hashed(kind: &Kind) -> bool {
    kind.is_number() || matches!(kind, Kind::Text | Kind::Opaque(ValueType::Null))
}

impl<'a> Compiler<'a> {
    /// The elements of a set or list of the row.
    pub(crate) fn set_list(&self, value: &Value<'a>, at: TextRange) -> Result<Option<Scalar>> {
        let list = match value {
            Value::SetOf(list) => Some(list.clone()),
            Value::Items(items, Display::Set) => Some(self.list_of_items(items, at)?),
            value => self.as_list(value, at)?,
        };
        let Some(list) = list else { return Ok(None) };
        match &list.kind {
            Kind::List(element) if is_hashed(element) => Ok(Some(list)),
            _ => Err(self.unsupported(at, "a set of these values", "use numbers and texts")),
        }
    }

    fn set_math(&mut self, op: SetOp, a: &Scalar, b: &Scalar, at: TextRange) -> Result<Scalar> {
        let (a, b, mixed) = self.alike(a, b, at)?;
        let expr = call(SetMath(op), vec![a.expr.clone(), b.expr.clone()]);
        let set = Scalar::strict(expr, a.kind.clone(), &[&a, &b], false);
        Ok(self.share_scalar(&Scalar { mixed, ..set }))
    }

    /// Two lists with elements of one type.
    fn alike(&mut self, a: &Scalar, b: &Scalar, at: TextRange) -> Result<(Scalar, Scalar, bool)> {
        let Some((kind, more)) = a.kind.unify(&b.kind) else {
            let hint = "compare sets of one type";
            return Err(self.unsupported(at, "sets of texts and of numbers together", hint));
        };
        let [x, y] = [a, b].map(|side| self.share_scalar(&side.widen(&kind)));
        Ok((x, y, more || a.mixed || b.mixed))
    }

    /// `set == set`, `set <= set` and their like.
    pub(crate) fn compare_sets(
        &mut self,
        op: CompareOp,
        left: &Value<'a>,
        right: &Value<'a>,
        at: TextRange,
    ) -> Result<Option<Condition>> {
        let sets = [left, right]
            .iter()
            .all(|side| matches!(side, Value::SetOf(_) | Value::Items(_, Display::Set)));
        if !sets {
            return Ok(None);
        }
        let (Some(a), Some(b)) = (self.set_list(left, at)?, self.set_list(right, at)?) else {
            return Ok(None);
        };
        let (a, b, _) = self.alike(&a, &b, at)?;
        let (subset, a, b) = match op {
            CompareOp::Equal | CompareOp::NotEqual => (false, a, b),
            CompareOp::LessEqual => (true, a, b),
            CompareOp::GreaterEqual => (true, b, a),
            CompareOp::Less | CompareOp::Greater => return Ok(None),
        };
        let expr = call(SameElements { subset }, vec![a.expr.clone(), b.expr.clone()]);
        let same = Condition::PerRow(Scalar::strict(expr, Kind::Bool, &[&a, &b], false));
        Ok(Some(if op == CompareOp::NotEqual { same.negate() } else { same }))
    }
}

/// `len(set)`.
pub(crate) fn set_length<'a>(list: &Scalar) -> Value<'a> {
    let expr = call(Length, vec![list.expr.clone()]);
    Value::Scalar(Scalar::strict(expr, Kind::Int, &[list], false))
}

/// The receiver and the argument as lists.
fn sides<'a>(c: &Compiler<'a>, a: &Arguments<'a>) -> Result<(Scalar, Scalar)> {
    let [set, other] = a.named(c, ["self", "other"])?;
    let (set, other) = (a.required(c, set)?, a.required(c, other)?);
    if let (Some(set), Some(other)) = (c.set_list(&set, a.at)?, c.set_list(&other, a.at)?) {
        return Ok((set, other));
    }
    let construct = format!("{} with a {}", a.name, other.label());
    Err(c.unsupported(a.at, construct, "use sets and lists of the row"))
}

fn method<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>, op: SetOp) -> Result<Value<'a>> {
    let (set, other) = sides(c, a)?;
    c.set_math(op, &set, &other, a.at).map(Value::SetOf)
}

fn subset<'a>(c: &mut Compiler<'a>, a: &Arguments<'a>, reverse: bool) -> Result<Value<'a>> {
    let (set, other) = sides(c, a)?;
    let (set, other, _) = c.alike(&set, &other, a.at)?;
    let (small, large) = if reverse { (other, set) } else { (set, other) };
    let expr = call(SameElements { subset: true }, vec![small.expr.clone(), large.expr.clone()]);
    Ok(Value::Scalar(Scalar::strict(expr, Kind::Bool, &[&small, &large], false)))
}
