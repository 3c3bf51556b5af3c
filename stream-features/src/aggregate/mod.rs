//! Aggregates as states that merge.
//!
//! A state is a function of the multiset of values that were added, never of their order or grouping, to the last bit: so
//! a stream out of order, a merged session and a backfill all end with the same value. [`tests`] hold every function to
//! that.

pub(crate) mod bytes;
mod distinct;
mod exact_sum;
mod function;
mod latest;
mod moments;
mod quantiles;
mod spans;
mod top;

pub(crate) use function::Function;

use larder_core::{Error, Result, Value};

use crate::scalar::{Held, Scalar, ScalarType};
use bytes::{Reader, put_u64};
use distinct::Distinct;
use exact_sum::ExactSum;
use latest::{Edge, Latest};
use moments::Moments;
use quantiles::Quantiles;
use spans::Spans;
use top::Top;

/// What a state must hold to answer a function of a column: several functions may share one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum StateKind {
    Count,
    IntSum,
    DoubleSum,
    Min,
    Max,
    Moments,
    First,
    Last,
    LastK(usize),
    Distinct,
    Quantiles,
    /// Of values by how often they occur, or by what they weigh: then the weight is the input after the value.
    Top {
        is_weighted: bool,
    },
    /// Sessions with no longer silence than this, in microseconds.
    Spans {
        gap: i64,
    },
}

impl StateKind {
    /// The state for a function of a column of this type.
    pub(crate) fn of(function: Function, column: ScalarType) -> Self {
        match function {
            Function::Count | Function::Any => Self::Count,
            Function::Sum if column == ScalarType::Int => Self::IntSum,
            Function::Sum => Self::DoubleSum,
            Function::Min => Self::Min,
            Function::Max => Self::Max,
            Function::Mean | Function::Std | Function::Var => Self::Moments,
            Function::First => Self::First,
            Function::Last => Self::Last,
            Function::LastK(k) => Self::LastK(k),
            Function::CountDistinct => Self::Distinct,
            Function::Percentile(_) => Self::Quantiles,
            Function::TopK(_) => Self::Top { is_weighted: false },
            Function::SessionLength => Self::Spans { gap: 0 },
        }
    }
}

/// An aggregate of some values.
#[derive(Debug, Clone)]
pub(crate) enum State {
    Count(u64),
    IntSum { sum: i128, count: u64 },
    DoubleSum { sum: ExactSum, count: u64 },
    Min(Option<Held>),
    Max(Option<Held>),
    Moments(Box<Moments>),
    First(Edge),
    Last(Edge),
    LastK(Latest),
    Distinct(Distinct),
    Quantiles(Quantiles),
    Top(Box<Top>),
    TopWeighted(Box<Top>),
    Spans(Box<Spans>),
}

/// Adds the values of an event at this time to the states of these kinds; each takes its inputs in turn.
pub(crate) fn add_event(states: &mut [State], time: i64, inputs: &[Scalar<'_>]) {
    let mut inputs = inputs.iter();
    for state in states {
        let Some(value) = inputs.next() else { return };
        match state {
            State::TopWeighted(top) => {
                let weight = inputs.next().and_then(|weight| weight.number());
                if let (false, Some(weight)) = (value.is_null(), weight) {
                    top.weigh(*value, weight);
                }
            }
            state => state.add(time, *value),
        }
    }
}

impl State {
    /// The state of no values.
    pub(crate) fn empty(kind: StateKind) -> Self {
        match kind {
            StateKind::Count => Self::Count(0),
            StateKind::IntSum => Self::IntSum { sum: 0, count: 0 },
            StateKind::DoubleSum => Self::DoubleSum { sum: ExactSum::default(), count: 0 },
            StateKind::Min => Self::Min(None),
            StateKind::Max => Self::Max(None),
            StateKind::Moments => Self::Moments(Box::default()),
            StateKind::First => Self::First(Edge::default()),
            StateKind::Last => Self::Last(Edge::default()),
            StateKind::LastK(k) => Self::LastK(Latest::new(k)),
            StateKind::Distinct => Self::Distinct(Distinct::default()),
            StateKind::Quantiles => Self::Quantiles(Quantiles::default()),
            StateKind::Top { is_weighted: false } => Self::Top(Box::default()),
            StateKind::Top { is_weighted: true } => Self::TopWeighted(Box::default()),
            StateKind::Spans { gap } => Self::Spans(Box::new(Spans::new(gap))),
        }
    }

    /// Adds the value of an event at this time; null adds nothing.
    pub(crate) fn add(&mut self, time: i64, value: Scalar<'_>) {
        if value.is_null() {
            return;
        }
        match self {
            Self::Count(count) => *count += 1,
            Self::IntSum { sum, count } => {
                if let Scalar::Int(number) = value {
                    *sum += i128::from(number);
                    *count += 1;
                }
            }
            Self::DoubleSum { sum, count } => {
                if let Some(number) = value.number() {
                    sum.add(number);
                    *count += 1;
                }
            }
            Self::Min(least) => replace_if(least, value, std::cmp::Ordering::is_gt),
            Self::Max(greatest) => replace_if(greatest, value, std::cmp::Ordering::is_lt),
            Self::Moments(moments) => {
                if let Some(number) = value.number() {
                    moments.add(number);
                }
            }
            Self::First(edge) => edge.earlier(time, value),
            Self::Last(edge) => edge.later(time, value),
            Self::LastK(latest) => latest.add(time, value),
            Self::Distinct(distinct) => distinct.add(value.stable_hash()),
            Self::Quantiles(quantiles) => {
                if let Some(number) = value.number() {
                    quantiles.add(number);
                }
            }
            Self::Top(top) => top.count(value),
            Self::Spans(spans) => spans.add(time),
            Self::TopWeighted(_) => unreachable!("a weight comes with its value"),
        }
    }

    /// Adds all values of another state of the same kind.
    pub(crate) fn merge(&mut self, other: &Self) {
        match (self, other) {
            (Self::Count(ours), Self::Count(theirs)) => *ours += theirs,
            (Self::IntSum { sum, count }, Self::IntSum { sum: theirs, count: more }) => {
                *sum += theirs;
                *count += more;
            }
            (Self::DoubleSum { sum, count }, Self::DoubleSum { sum: theirs, count: more }) => {
                sum.merge(theirs);
                *count += more;
            }
            (Self::Min(ours), Self::Min(Some(theirs))) => {
                replace_if(ours, theirs.scalar(), std::cmp::Ordering::is_gt);
            }
            (Self::Max(ours), Self::Max(Some(theirs))) => {
                replace_if(ours, theirs.scalar(), std::cmp::Ordering::is_lt);
            }
            (Self::Moments(ours), Self::Moments(theirs)) => ours.merge(theirs),
            (Self::First(ours), Self::First(theirs)) => {
                if let Some((time, value)) = theirs.held() {
                    ours.earlier(time, value);
                }
            }
            (Self::Last(ours), Self::Last(theirs)) => {
                if let Some((time, value)) = theirs.held() {
                    ours.later(time, value);
                }
            }
            (Self::LastK(ours), Self::LastK(theirs)) => ours.merge(theirs),
            (Self::Distinct(ours), Self::Distinct(theirs)) => ours.merge(theirs),
            (Self::Quantiles(ours), Self::Quantiles(theirs)) => ours.merge(theirs),
            (Self::Top(ours), Self::Top(theirs))
            | (Self::TopWeighted(ours), Self::TopWeighted(theirs)) => ours.merge(theirs),
            (Self::Spans(ours), Self::Spans(theirs)) => ours.merge(theirs),
            (Self::Min(_), Self::Min(None)) | (Self::Max(_), Self::Max(None)) => {}
            (ours, theirs) => unreachable!("{theirs:?} is not of the kind of {ours:?}"),
        }
    }

    /// The function's value; null where there is none.
    pub(crate) fn value(&self, function: Function) -> Value {
        let held =
            |held: &Option<Held>| held.as_ref().map_or(Value::Null, |h| h.scalar().to_value());
        match self {
            Self::Count(count) if function == Function::Any => Value::Bool(*count > 0),
            Self::Count(count) => whole(*count),
            // A sum beyond 64 bits has no value of its type.
            Self::IntSum { count: 0, .. } | Self::DoubleSum { count: 0, .. } => Value::Null,
            Self::IntSum { sum, .. } => i64::try_from(*sum).map_or(Value::Null, Value::Int64),
            Self::DoubleSum { sum, .. } => Value::Double(sum.value()),
            Self::Min(value) | Self::Max(value) => held(value),
            Self::Moments(moments) => moments.value(function),
            Self::First(edge) | Self::Last(edge) => edge.value(),
            Self::LastK(latest) => latest.value(),
            Self::Distinct(distinct) => whole(distinct.estimate()),
            Self::Quantiles(quantiles) => match function {
                Function::Percentile(share) => {
                    quantiles.quantile(share).map_or(Value::Null, Value::Double)
                }
                _ => Value::Null,
            },
            Self::Top(top) | Self::TopWeighted(top) => match function {
                Function::TopK(most) => top.value(most),
                _ => Value::Null,
            },
            Self::Spans(spans) => spans.latest(),
        }
    }

    /// Appends the state's bytes, from which [`decode`](Self::decode) makes it again. Version 1 of the layout.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Count(count) => put_u64(*count, out),
            Self::IntSum { sum, count } => {
                out.extend_from_slice(&sum.to_le_bytes());
                put_u64(*count, out);
            }
            Self::DoubleSum { sum, count } => {
                sum.encode(out);
                put_u64(*count, out);
            }
            Self::Min(value) | Self::Max(value) => latest::encode_held(value.as_ref(), out),
            Self::Moments(moments) => moments.encode(out),
            Self::First(edge) | Self::Last(edge) => edge.encode(out),
            Self::LastK(latest) => latest.encode(out),
            Self::Distinct(distinct) => distinct.encode(out),
            Self::Quantiles(quantiles) => quantiles.encode(out),
            Self::Top(top) | Self::TopWeighted(top) => top.encode(out),
            Self::Spans(spans) => spans.encode(out),
        }
    }

    /// The state of this kind that was encoded.
    ///
    /// # Errors
    /// `Data` when the bytes are no such state.
    pub(crate) fn decode(kind: StateKind, bytes: &mut Reader<'_>) -> Result<Self> {
        Ok(match kind {
            StateKind::Count => Self::Count(bytes.u64()?),
            StateKind::IntSum => Self::IntSum { sum: bytes.i128()?, count: bytes.u64()? },
            StateKind::DoubleSum => {
                Self::DoubleSum { sum: ExactSum::decode(bytes)?, count: bytes.u64()? }
            }
            StateKind::Min => Self::Min(latest::decode_held(bytes)?),
            StateKind::Max => Self::Max(latest::decode_held(bytes)?),
            StateKind::Moments => Self::Moments(Box::new(Moments::decode(bytes)?)),
            StateKind::First => Self::First(Edge::decode(bytes)?),
            StateKind::Last => Self::Last(Edge::decode(bytes)?),
            StateKind::LastK(k) => Self::LastK(Latest::decode(k, bytes)?),
            StateKind::Distinct => Self::Distinct(Distinct::decode(bytes)?),
            StateKind::Quantiles => Self::Quantiles(Quantiles::decode(bytes)?),
            StateKind::Top { is_weighted: false } => {
                Self::Top(Box::new(Top::decode(false, bytes)?))
            }
            StateKind::Top { is_weighted: true } => {
                Self::TopWeighted(Box::new(Top::decode(true, bytes)?))
            }
            StateKind::Spans { gap } => Self::Spans(Box::new(Spans::decode(gap, bytes)?)),
        })
    }
}

/// Takes the value where the one held compares to it like that.
fn replace_if(held: &mut Option<Held>, value: Scalar<'_>, wins: fn(std::cmp::Ordering) -> bool) {
    // NaN is neither the least nor the greatest.
    if matches!(value, Scalar::Double(number) if number.is_nan()) {
        return;
    }
    if held.as_ref().is_none_or(|held| wins(held.order(value))) {
        *held = Held::new(value);
    }
}

fn whole(count: u64) -> Value {
    Value::Int64(i64::try_from(count).unwrap_or(i64::MAX))
}

/// Bytes of a whole state: the layout's version, then the state.
///
/// # Errors
/// As [`State::decode`]; `Data` for another version and for bytes left over.
#[cfg_attr(not(test), expect(dead_code, reason = "for checkpoints; tests hold the layout"))]
pub(crate) fn decode_state(kind: StateKind, bytes: &[u8]) -> Result<State> {
    let mut reader = Reader::new(bytes);
    let version = reader.byte()?;
    if version != LAYOUT {
        return Err(Error::data(format!("version {version} of a state's layout is not known")));
    }
    let state = State::decode(kind, &mut reader)?;
    reader.finish()?;
    Ok(state)
}

/// The other way round.
#[cfg_attr(not(test), expect(dead_code, reason = "for checkpoints; tests hold the layout"))]
pub(crate) fn encode_state(state: &State) -> Vec<u8> {
    let mut bytes = vec![LAYOUT];
    state.encode(&mut bytes);
    bytes
}

const LAYOUT: u8 = 1;

#[cfg(test)]
mod tests;
