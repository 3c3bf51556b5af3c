//! First, last and last-k values by event time.

use larder_core::{Error, Result, Value};

use super::bytes::{Reader, put_i64, put_len, put_scalar};
use crate::scalar::{Held, Scalar};

/// The value at one end of time. Ties are settled by the value, so that order of arrival does not matter.
#[derive(Debug, Clone, Default)]
pub(crate) struct Edge(Option<(i64, Held)>);

impl Edge {
    pub(super) fn earlier(&mut self, time: i64, value: Scalar<'_>) {
        let wins = |(held_at, held): &(i64, Held)| {
            time.cmp(held_at).then_with(|| held.order(value).reverse()).is_lt()
        };
        self.replace_if(wins, time, value);
    }

    pub(super) fn later(&mut self, time: i64, value: Scalar<'_>) {
        let wins = |(held_at, held): &(i64, Held)| {
            time.cmp(held_at).then_with(|| held.order(value).reverse()).is_gt()
        };
        self.replace_if(wins, time, value);
    }

    fn replace_if(&mut self, wins: impl Fn(&(i64, Held)) -> bool, time: i64, value: Scalar<'_>) {
        if !self.0.as_ref().is_none_or(wins) {
            return;
        }
        match &mut self.0 {
            // Mostly the same value comes again: it is kept as it is.
            Some((held_at, held)) if held.order(value).is_eq() => *held_at = time,
            edge => *edge = Held::new(value).map(|held| (time, held)),
        }
    }

    pub(super) fn held(&self) -> Option<(i64, Scalar<'_>)> {
        self.0.as_ref().map(|(time, held)| (*time, held.scalar()))
    }

    pub(super) fn value(&self) -> Value {
        self.held().map_or(Value::Null, |(_, value)| value.to_value())
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        encode_held(self.0.as_ref().map(|(_, held)| held), out);
        if let Some((time, _)) = &self.0 {
            put_i64(*time, out);
        }
    }

    pub(super) fn decode(bytes: &mut Reader<'_>) -> Result<Self> {
        match decode_held(bytes)? {
            Some(held) => Ok(Self(Some((bytes.i64()?, held)))),
            None => Ok(Self(None)),
        }
    }
}

/// The latest values, latest first; of several at one time the greatest first.
#[derive(Debug, Clone)]
pub(crate) struct Latest {
    most: usize,
    values: Vec<(i64, Held)>,
}

impl Latest {
    pub(super) fn new(most: usize) -> Self {
        Self { most, values: Vec::new() }
    }

    pub(super) fn add(&mut self, time: i64, value: Scalar<'_>) {
        let at = self.values.partition_point(|(held_at, held)| {
            held_at.cmp(&time).then_with(|| held.order(value)).is_ge()
        });
        if at == self.most {
            return;
        }
        if let Some(held) = Held::new(value) {
            self.values.truncate(self.most - 1);
            self.values.insert(at, (time, held));
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (time, held) in &other.values {
            self.add(*time, held.scalar());
        }
    }

    /// A list, null without values.
    pub(super) fn value(&self) -> Value {
        let values: Vec<Value> =
            self.values.iter().map(|(_, held)| held.scalar().to_value()).collect();
        match values.first() {
            Some(first) => Value::List(first.value_type(), values),
            None => Value::Null,
        }
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_len(self.values.len(), out);
        for (time, held) in &self.values {
            put_i64(*time, out);
            encode_held(Some(held), out);
        }
    }

    pub(super) fn decode(most: usize, bytes: &mut Reader<'_>) -> Result<Self> {
        let mut latest = Self::new(most);
        for _ in 0..bytes.len(9)? {
            let time = bytes.i64()?;
            let held = decode_held(bytes)?
                .ok_or_else(|| Error::data("a null stands among the latest values of a state"))?;
            latest.add(time, held.scalar());
        }
        Ok(latest)
    }
}

pub(super) fn encode_held(held: Option<&Held>, out: &mut Vec<u8>) {
    put_scalar(held.map_or(Scalar::Null, Held::scalar), out);
}

pub(super) fn decode_held(bytes: &mut Reader<'_>) -> Result<Option<Held>> {
    bytes.scalar().map(Held::new)
}
