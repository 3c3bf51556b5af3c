//! Lists that a row holds: their elements, and sequences written out as lists of the row.

mod changes;
mod fold;
mod function;
mod map;
mod method;
mod nested;
mod set;
mod slot;

use std::rc::Rc;

use datafusion::logical_expr::{Expr, lit};
use larder_core::{Result, ValueType};
use ruff_text_size::TextRange;

pub(crate) use self::function::{extreme_of, sorted_list, sum_of, truths_of};
pub(crate) use self::map::Goal;
pub(crate) use self::method::{LIST_METHODS, LIST_VALUE_METHODS, reversed};
pub(crate) use self::set::{SET_METHODS, set_length, set_operator, to_set};
use super::compiler::{Compiler, is_nothing, scalar_or_none};
use super::scalar::{Kind, Origin, Raised, Scalar, choose};
use super::value::{Display, Value};
use crate::kernel::{JoinLists, Letters, MakeList, call};

/// Lists of the row that are gone through together.
#[derive(Debug, Clone)]
pub(crate) struct Elements {
    pub(crate) lists: Vec<Scalar>,
    shape: Shape,
}

/// What one pass gets.
#[derive(Debug, Clone)]
enum Shape {
    /// The element of a list, by number.
    Of(usize),
    /// The position, counted from here.
    Position(i64),
    Tuple(Vec<Shape>),
}

impl<'a> Compiler<'a> {
    /// What a loop over this goes through, if it is lists of the row.
    pub(crate) fn elements(&self, over: &Value<'a>, at: TextRange) -> Result<Option<Elements>> {
        let mut lists = Vec::new();
        let shape = self.shape(over, &mut lists, at)?;
        if lists.iter().any(|list: &Scalar| list.origin != Origin::Python) {
            return Err(self.unsupported(
                at,
                "a loop over an array of numpy",
                "declare the view with mode=\"python\", which gets lists",
            ));
        }
        Ok(shape.filter(|_| !lists.is_empty()).map(|shape| Elements { lists, shape }))
    }

    fn shape(
        &self,
        over: &Value<'a>,
        lists: &mut Vec<Scalar>,
        at: TextRange,
    ) -> Result<Option<Shape>> {
        Ok(match self.settled(over.clone()) {
            Value::Enumerate(inner, start) => self
                .shape(&inner, lists, at)?
                .map(|inner| Shape::Tuple(vec![Shape::Position(start), inner])),
            Value::Zip(parts) => {
                let parts = parts.iter().map(|part| match self.settled(part.clone()) {
                    Value::Items(items, _) => {
                        lists.push(self.list_of_items(&items, at)?);
                        Ok(Some(Shape::Of(lists.len() - 1)))
                    }
                    part => self.shape(&part, lists, at),
                });
                parts.collect::<Result<Option<Vec<_>>>>()?.map(Shape::Tuple)
            }
            value => self.row_list(&value).map(|list| {
                lists.push(list);
                Shape::Of(lists.len() - 1)
            }),
        })
    }

    /// A list of the row, or the letters of a text of the row.
    pub(crate) fn row_list(&self, value: &Value<'a>) -> Option<Scalar> {
        match self.settled(value.clone()) {
            Value::Scalar(list) if matches!(list.kind, Kind::List(_)) => Some(list),
            Value::Scalar(text) if text.kind == Kind::Text => {
                let expr = call(Letters, vec![text.expr.clone()]);
                Some(Scalar::strict(expr, Kind::List(Box::new(Kind::Text)), &[&text], false))
            }
            _ => None,
        }
    }

    /// The value as a list of the row, also if it is written out.
    pub(crate) fn as_list(&self, value: &Value<'a>, at: TextRange) -> Result<Option<Scalar>> {
        match self.settled(value.clone()) {
            Value::Items(items, Display::List | Display::Tuple) => {
                self.list_of_items(&items, at).map(Some)
            }
            value => Ok(self.row_list(&value)),
        }
    }

    /// Values that are written out as a list of the row.
    pub(crate) fn list_of_items(&self, items: &[Value<'a>], at: TextRange) -> Result<Scalar> {
        let scalars = items.iter().map(|item| self.list_item_of(item, at));
        let scalars = scalars.collect::<Result<Vec<_>>>()?;
        let mut common: Option<(Kind, bool)> = None;
        for scalar in scalars.iter().filter(|scalar| !is_nothing(scalar)) {
            common = Some(match common {
                None => (scalar.kind.clone(), scalar.mixed),
                Some((kind, mixed)) => {
                    let Some((both, more)) = kind.unify(&scalar.kind) else {
                        let construct =
                            format!("a list of {} and {}", kind.label(), scalar.kind.label());
                        let hint = "give all elements of a list the same type";
                        return Err(self.unsupported(at, construct, hint));
                    };
                    (both, mixed || more || scalar.mixed)
                }
            });
        }
        let (element, mixed) = common.unwrap_or((Kind::Opaque(ValueType::Null), false));
        let item = |scalar: &Scalar| {
            if is_nothing(scalar) { element.null() } else { scalar.widen(&element).expr }
        };
        let expr =
            call(MakeList { element: element.data_type() }, scalars.iter().map(item).collect());
        let kind = Kind::List(Box::new(element));
        let operands: Vec<&Scalar> = scalars.iter().collect();
        Ok(Scalar { mixed, ..Scalar::guarded(expr, kind, &operands, false) })
    }

    /// A value as the element of a list.
    pub(crate) fn list_item_of(&self, item: &Value<'a>, at: TextRange) -> Result<Scalar> {
        let scalar = scalar_or_none(item).map_or_else(|| self.scalar(item, at), Ok)?;
        let scalar = scalar.filled();
        if scalar.origin == Origin::Python && !scalar.may_be_nan() {
            return Ok(scalar);
        }
        Err(self.unsupported(
            at,
            "a list of numbers of numpy",
            "convert them with float() or int() first",
        ))
    }

    /// The elements of several lists as one.
    pub(crate) fn joined(&mut self, lists: &[Scalar], at: TextRange) -> Result<Scalar> {
        let mut kind = Kind::List(Box::new(Kind::Opaque(ValueType::Null)));
        let mut mixed = false;
        for list in lists {
            let Some((both, more)) = kind.unify(&list.kind) else {
                let hint = "give all elements of a list the same type";
                return Err(self.unsupported(at, "lists of different types as one", hint));
            };
            (kind, mixed) = (both, mixed || more || list.mixed);
        }
        let lists: Vec<Scalar> =
            lists.iter().map(|list| self.share_scalar(&list.widen(&kind))).collect();
        let operands: Vec<&Scalar> = lists.iter().collect();
        let expr = call(JoinLists, lists.iter().map(|list| list.expr.clone()).collect());
        Ok(Scalar { mixed, ..Scalar::strict(expr, kind, &operands, false) })
    }

    /// A new list of the row as something that methods may change.
    pub(crate) fn growing(&mut self, list: &Scalar) -> Value<'a> {
        let list = self.share_scalar(list);
        let value = self.new_list(Vec::new());
        if let Value::Growing(number) = value
            && let Some(growing) = self.state.lists.get_mut(&number)
        {
            growing.whole = Some(list);
        }
        value
    }
}

/// An element of a list; it may be `None`.
pub(crate) fn element_of(list: &Scalar, expr: Expr) -> Scalar {
    let kind = match &list.kind {
        Kind::List(element) => (**element).clone(),
        other => other.clone(),
    };
    Scalar { none: true, mixed: list.mixed, ..Scalar::total(expr, kind) }
}

/// The value, raising where the condition, which is never null, holds too.
fn raising_where(condition: &Expr, value: &Scalar) -> Scalar {
    let expr = choose(condition.clone(), value.kind.null(), value.expr.clone());
    let raised = match (value.none, value.raised_expr()) {
        (false, _) => Raised::Null,
        (true, None) => Raised::when(condition.clone()),
        (true, Some(raised)) => Raised::when(condition.clone().or(raised)),
    };
    Scalar { expr, raised, ..value.clone() }
}

/// Where one of the lists is `None` or raised; nowhere is `None`.
fn any_missing(lists: &[Scalar]) -> Option<Expr> {
    let missing = lists.iter().filter(|list| list.is_nullable());
    missing.map(|list| list.expr.clone().is_null()).reduce(Expr::or)
}

/// A number of the row that is always the same.
fn constant_int(value: i64) -> Scalar {
    Scalar::total(lit(value), Kind::Int)
}

/// The elements of a constant text.
pub(crate) fn letters<'a>(text: &str) -> Vec<Value<'a>> {
    text.chars().map(|letter| Value::Text(Rc::from(letter.to_string()))).collect()
}
