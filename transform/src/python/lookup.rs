//! Look-ups in dictionaries by keys of the row.

use std::rc::Rc;

use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr, lit};
use larder_core::Result;
use ruff_text_size::TextRange;

use super::compiler::{Compiler, scalar_or_none};
use super::scalar::{Kind, Raised, Scalar, any_raised, choose};
use super::value::{Display, Picked, Value};
use crate::kernel::{Key, Lookup, Position, call};

/// Most entries of a dict whose values differ from row to row.
const MAX_COMPUTED: usize = 64;

/// What a key that is not there gives.
#[derive(Debug, Clone)]
pub(crate) enum Absent<'a> {
    /// `KeyError`.
    Raises,
    /// This value.
    Gives(Value<'a>),
}

impl<'a> Compiler<'a> {
    /// The value of a key in a dictionary.
    pub(crate) fn lookup(
        &mut self,
        number: usize,
        key: &Value<'a>,
        absent: Absent<'a>,
        at: TextRange,
    ) -> Result<Value<'a>> {
        let dict = self.dict(number);
        if key.keys().is_some() {
            let found = match (dict.get(key), &absent) {
                (Some(Value::Unusable(reason)), _) => {
                    return Err(self.unsupported(at, "this dict key", reason));
                }
                (Some(value), _) | (None, Absent::Gives(value)) => value.clone(),
                (None, Absent::Raises) => return Err(self.no_column(key, at)),
            };
            // The entries of a dict in a variable were made elsewhere; a default is made here.
            return match &found {
                Value::Scalar(_) => self.made_before(&[], &absent, &found, at),
                found if found.is_constant() => self.made_before(&[], &absent, found, at),
                _ => Ok(found),
            };
        }
        if dict.entries.iter().any(|(_, value)| matches!(value, Value::Dict(_))) {
            let default = if let Absent::Gives(value) = absent { Some(value) } else { None };
            let default = default.filter(|value| *value != Value::None);
            let picked = Picked { dict: number, path: vec![self.share(key.clone())], default };
            return Ok(Value::Picked(Rc::new(picked)));
        }
        let parts = self.key_parts(key, at)?;
        let entries =
            dict.entries.iter().filter_map(|(key, value)| Some((key.keys()?, value.clone())));
        self.lookup_entries(entries.collect(), &parts, &absent, at)
    }

    /// The value of a key in a dictionary that was itself looked up.
    pub(crate) fn lookup_picked(
        &mut self,
        picked: &Picked<'a>,
        key: &Value<'a>,
        absent: &Absent<'a>,
        at: TextRange,
    ) -> Result<Value<'a>> {
        let outer = self.dict(picked.dict);
        let mut parts = Vec::new();
        for step in &picked.path {
            parts.extend(self.key_parts(step, at)?);
        }
        let outer_parts = parts.clone();
        let outer_keys: Vec<Vec<Key>> =
            outer.entries.iter().filter_map(|(key, _)| key.keys()).collect();
        let mut entries = Vec::new();
        for (outer_key, value) in &outer.entries {
            let Value::Dict(inner) = value else {
                return Err(self.unsupported(
                    at,
                    "a dict of dicts and other values",
                    "use dicts only",
                ));
            };
            for (inner_key, value) in &self.dict(*inner).entries {
                let keys = outer_key.keys().into_iter().chain(inner_key.keys()).flatten();
                entries.push((keys.collect::<Vec<_>>(), value.clone()));
            }
        }
        parts.extend(self.key_parts(key, at)?);
        let inner = self.lookup_entries(entries, &parts, absent, at)?;
        let inner = self.share(inner);
        let missing = position(outer_keys, &outer_parts).is_null();
        let operands: Vec<&Scalar> = outer_parts.iter().collect();
        let missing = Scalar::guarded(missing, Kind::Bool, &operands, false);
        match &picked.default {
            Some(Value::Dict(default)) => {
                let instead = self.lookup(*default, key, absent.clone(), at)?;
                self.select(&missing, &instead, &inner, at)
            }
            Some(other) => {
                let construct = format!("a {} as the default of a dict of dicts", other.label());
                Err(self.unsupported(at, construct, "use a dict as default"))
            }
            None => self.raise_where(&missing, &inner, at).map(Value::Scalar),
        }
    }

    /// The value, raising where the condition holds too.
    fn raise_where(
        &mut self,
        condition: &Scalar,
        value: &Value<'a>,
        at: TextRange,
    ) -> Result<Scalar> {
        let condition = self.share_scalar(condition);
        let value = scalar_or_none(value).map_or_else(|| self.scalar(value, at), Ok)?;
        let value = self.share_scalar(&value);
        let expr = choose(condition.expr.clone(), value.kind.null(), value.expr.clone());
        let raised = if value.none {
            let holds = condition.expr.clone().is_not_false();
            Raised::when(match value.raised_expr() {
                None => holds,
                Some(raised) => holds.or(raised),
            })
        } else {
            Raised::Null
        };
        Ok(Scalar { expr, raised, ..value })
    }

    /// The places of a key, one value per row each.
    pub(crate) fn key_parts(&mut self, key: &Value<'a>, at: TextRange) -> Result<Vec<Scalar>> {
        let parts = match key {
            Value::Items(items, Display::Tuple) => items.to_vec(),
            other => vec![other.clone()],
        };
        let parts = parts.iter().map(|part| {
            let scalar = match part {
                // A typed null is the key None.
                Value::None => {
                    Scalar { none: true, ..Scalar::total(Kind::Text.null(), Kind::Text) }
                }
                part => self.scalar(part, at)?,
            };
            if scalar.kind.is_number() || scalar.kind == Kind::Text {
                return Ok(self.share_scalar(&scalar));
            }
            let construct = format!("a {} as a key", scalar.kind.label());
            Err(self.unsupported(at, construct, "use texts, numbers and bools"))
        });
        parts.collect()
    }

    fn lookup_entries(
        &mut self,
        entries: Vec<(Vec<Key>, Value<'a>)>,
        parts: &[Scalar],
        absent: &Absent<'a>,
        at: TextRange,
    ) -> Result<Value<'a>> {
        let entries: Vec<_> =
            entries.into_iter().filter(|(key, _)| key.len() == parts.len()).collect();
        if entries.is_empty() {
            return match absent {
                Absent::Gives(value) => Ok(value.clone()),
                Absent::Raises => Err(self.wrong(at, "no key of the dict has this form")),
            };
        }
        let keys: Vec<_> = entries.iter().map(|(key, _)| key.clone()).collect();
        let values: Vec<_> = entries.into_iter().map(|(_, value)| value).collect();
        let position = Position::new(keys);
        let found = match constants(&values) {
            Some(kind) => self.lookup_constants(position, &values, kind, parts, absent, at)?,
            None => self.lookup_computed(position, &values, parts, absent, at)?,
        };
        self.made_before(&values, absent, &found, at)
    }

    /// The dict and the default are made before the look-up, so where any of them raises, it raises.
    fn made_before(
        &mut self,
        values: &[Value<'a>],
        absent: &Absent<'a>,
        found: &Value<'a>,
        at: TextRange,
    ) -> Result<Value<'a>> {
        let default = if let Absent::Gives(default) = absent { Some(default) } else { None };
        let made: Vec<_> = values.iter().chain(default).filter_map(Value::scalar).collect();
        match any_raised(&made.iter().collect::<Vec<_>>()) {
            None => Ok(found.clone()),
            Some(raised) => {
                let raised = Scalar::total(raised, Kind::Bool);
                self.raise_where(&raised, found, at).map(Value::Scalar)
            }
        }
    }

    fn lookup_constants(
        &mut self,
        position: Position,
        values: &[Value<'a>],
        (kind, mixed): (Kind, bool),
        parts: &[Scalar],
        absent: &Absent<'a>,
        at: TextRange,
    ) -> Result<Value<'a>> {
        let arguments: Vec<Expr> = parts.iter().map(|part| part.expr.clone()).collect();
        let operands: Vec<&Scalar> = parts.iter().collect();
        let typed = |value: &Value<'a>| constant(value, &kind);
        let some_none = values.contains(&Value::None);
        let null = constant(&Value::None, &kind);
        let found: Vec<ScalarValue> = values.iter().map(typed).collect();
        let folded = match absent {
            Absent::Gives(Value::None) => Some((null.clone(), true)),
            Absent::Gives(value) if value.is_constant() => value
                .scalar()
                .filter(|scalar| scalar.kind == kind)
                .map(|_| (typed(value), some_none)),
            _ => None,
        };
        if let Some((default, none)) = folded {
            let lookup = Lookup::new(position, found, default, kind.data_type());
            let mut value =
                Scalar::guarded(call(lookup, arguments), kind, &operands, none || some_none);
            value.mixed = mixed;
            return Ok(Value::Scalar(value));
        }
        let missing = call(position.clone(), arguments.clone()).is_null();
        let lookup = call(Lookup::new(position, found, null, kind.data_type()), arguments);
        let present = Scalar { mixed, ..Scalar::guarded(lookup, kind, &operands, some_none) };
        let missing = Scalar::guarded(missing, Kind::Bool, &operands, false);
        match absent {
            Absent::Raises if !some_none => {
                Ok(Value::Scalar(Scalar { raised: Raised::Null, ..present }))
            }
            Absent::Raises => {
                self.raise_where(&missing, &Value::Scalar(present), at).map(Value::Scalar)
            }
            Absent::Gives(default) => self.select(&missing, default, &Value::Scalar(present), at),
        }
    }

    /// A dict whose values depend on the row: a chain of choices by the key's position.
    fn lookup_computed(
        &mut self,
        position: Position,
        values: &[Value<'a>],
        parts: &[Scalar],
        absent: &Absent<'a>,
        at: TextRange,
    ) -> Result<Value<'a>> {
        if values.len() > MAX_COMPUTED {
            return Err(self.unsupported(
                at,
                "a look-up in a large dict of computed values",
                "use constant values",
            ));
        }
        let found = call(position, parts.iter().map(|part| part.expr.clone()).collect());
        let found = self.plan.share(found, &Kind::Int.data_type());
        let operands: Vec<&Scalar> = parts.iter().collect();
        let (last, earlier) = values.split_last().expect("a dict with this key form has entries");
        let mut value = last.clone();
        for (index, other) in (0_i64..).zip(earlier) {
            let here = found.clone().eq(lit(index)).is_true();
            let here = Scalar::total(here, Kind::Bool);
            value = self.select(&here, other, &value, at)?;
        }
        let missing = Scalar::guarded(found.is_null(), Kind::Bool, &operands, false);
        match absent {
            Absent::Raises => self.raise_where(&missing, &value, at).map(Value::Scalar),
            Absent::Gives(default) => self.select(&missing, default, &value, at),
        }
    }

    /// `dict.get(key, default)`.
    pub(crate) fn get(
        &mut self,
        container: &Value<'a>,
        key: &Value<'a>,
        default: Value<'a>,
        at: TextRange,
    ) -> Result<Value<'a>> {
        match container {
            Value::Dict(number) | Value::Frame(number) | Value::Row(number) => {
                self.lookup(*number, key, Absent::Gives(default), at)
            }
            Value::Picked(picked) => self.lookup_picked(picked, key, &Absent::Gives(default), at),
            other => {
                let construct = format!("get on a {}", other.label());
                Err(self.unsupported(at, construct, "use get on dicts"))
            }
        }
    }
}

fn position(keys: Vec<Vec<Key>>, parts: &[Scalar]) -> Expr {
    let keys = keys.into_iter().filter(|key| key.len() == parts.len()).collect();
    call(Position::new(keys), parts.iter().map(|part| part.expr.clone()).collect())
}

/// The common kind of constants, if all of them are.
fn constants(values: &[Value<'_>]) -> Option<(Kind, bool)> {
    let mut common: Option<(Kind, bool)> = None;
    for value in values {
        if *value == Value::None {
            continue;
        }
        let kind = value.is_constant().then(|| value.scalar())??.kind;
        common = Some(match common {
            None => (kind, false),
            Some((before, mixed)) => {
                let (kind, more) = before.unify(&kind)?;
                (kind, mixed || more)
            }
        });
    }
    common
}

/// A constant as an Arrow value of a kind that can hold it.
fn constant(value: &Value<'_>, kind: &Kind) -> ScalarValue {
    let number = match value {
        Value::Bool(value) => Some(i64::from(*value)),
        Value::Int(value) => Some(*value),
        _ => None,
    };
    match (kind, value) {
        (Kind::Bool, Value::Bool(value)) => ScalarValue::Boolean(Some(*value)),
        (Kind::Int, _) => ScalarValue::Int64(number),
        (Kind::Float, Value::Float(value)) => ScalarValue::Float64(Some(*value)),
        (Kind::Float, _) => ScalarValue::Float64(number.map(|number| number as f64)),
        (Kind::Text, Value::Text(text)) => ScalarValue::Utf8(Some(text.to_string())),
        _ => ScalarValue::try_from(&kind.data_type()).unwrap_or(ScalarValue::Null),
    }
}
