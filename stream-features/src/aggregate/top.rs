//! The values that occur most, or weigh most.

use std::cmp::Ordering;

use larder_core::{Error, Result, Value};

use super::bytes::{Reader, put_f64, put_len, put_u64};
use super::exact_sum::ExactSum;
use super::latest::{decode_held, encode_held};
use crate::scalar::{Held, Scalar};

/// Up to this many different values the totals are exact.
pub(crate) const EXACT: usize = 256;

/// Totals by value, of at most [`EXACT`] values.
///
/// While no more values than that were seen, the state is a function of the multiset of values and weights alone. Beyond,
/// it is a `SpaceSaving` sketch (Metwally 2005; its merge: Agarwal 2012): a value that is not held takes the place of the
/// least total and inherits it, so that no total is too small and none is too large by more than `floor`, which is at most
/// the sum of all weights divided by [`EXACT`] where no weight is negative. A value that is not held has a total of `floor`
/// at most.
#[derive(Debug, Clone)]
pub(crate) struct Top {
    /// Sorted by value.
    totals: Vec<(Held, Total)>,
    /// The greatest total that a value which is not held may have: zero while the totals are exact.
    floor: f64,
}

/// How often a value occurred, or the sum of its weights.
#[derive(Debug, Clone)]
enum Total {
    Count(u64),
    Sum(Box<ExactSum>),
}

impl Total {
    fn value(&self) -> f64 {
        match self {
            Self::Count(count) => *count as f64,
            Self::Sum(sum) => sum.value(),
        }
    }

    fn add(&mut self, other: &Self) {
        match (self, other) {
            (Self::Count(ours), Self::Count(theirs)) => *ours += theirs,
            (Self::Sum(ours), Self::Sum(theirs)) => ours.merge(theirs),
            (ours, theirs) => unreachable!("{theirs:?} is not of the kind of {ours:?}"),
        }
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it was a count")]
    fn add_floor(&mut self, floor: f64) {
        match self {
            Self::Count(count) => *count += floor as u64,
            Self::Sum(sum) => sum.add(floor),
        }
    }
}

impl Default for Top {
    fn default() -> Self {
        Self { totals: Vec::new(), floor: 0.0 }
    }
}

impl Top {
    /// Counts a value.
    pub(super) fn count(&mut self, value: Scalar<'_>) {
        match self.find(value) {
            Ok(at) => self.totals[at].1.add(&Total::Count(1)),
            Err(at) => self.insert(at, value, Total::Count(1)),
        }
    }

    /// Adds to the weight of a value; a weight that is not finite adds nothing.
    pub(super) fn weigh(&mut self, value: Scalar<'_>, weight: f64) {
        if !weight.is_finite() {
            return;
        }
        match self.find(value) {
            Ok(at) => {
                if let Total::Sum(sum) = &mut self.totals[at].1 {
                    sum.add(weight);
                }
            }
            Err(at) => {
                let mut sum = ExactSum::default();
                sum.add(weight);
                self.insert(at, value, Total::Sum(Box::new(sum)));
            }
        }
    }

    fn find(&self, value: Scalar<'_>) -> std::result::Result<usize, usize> {
        let value = one_zero(value);
        self.totals.binary_search_by(|(held, _)| held.order(value))
    }

    /// Takes a value that is not held, in the place of the least total where there is no other.
    fn insert(&mut self, at: usize, value: Scalar<'_>, mut total: Total) {
        let Some(held) = Held::new(one_zero(value)) else { return };
        total.add_floor(self.floor);
        if self.totals.is_empty() {
            // Most states have one value for good; a list that grows begins with room for four.
            self.totals.reserve_exact(1);
        }
        self.totals.insert(at, (held, total));
        if self.totals.len() > EXACT {
            // The one that came last is not the one that goes, or a value that comes late could never be held.
            let others = self.totals.iter().enumerate().filter(|(index, _)| *index != at);
            let Some((least, _)) = others.min_by(|(_, a), (_, b)| by_total(b, a)) else { return };
            let (_, gone) = self.totals.remove(least);
            let at = if least < at { at - 1 } else { at };
            let floor = gone.value();
            self.totals[at].1.add_floor(floor - self.floor);
            self.floor = floor;
        }
    }

    /// Adds all totals of another.
    pub(super) fn merge(&mut self, other: &Self) {
        let ours = std::mem::take(&mut self.totals);
        let mut theirs = other.totals.iter().peekable();
        let mut merged = Vec::with_capacity(ours.len().max(other.totals.len()));
        let alone = |(held, total): &(Held, Total), floor: f64| {
            let mut total = total.clone();
            total.add_floor(floor);
            (held.clone(), total)
        };
        for (held, mut total) in ours {
            while let Some(their) = theirs.next_if(|(one, _)| one.order(held.scalar()).is_lt()) {
                merged.push(alone(their, self.floor));
            }
            match theirs.next_if(|(one, _)| one.order(held.scalar()).is_eq()) {
                Some((_, more)) => total.add(more),
                None => total.add_floor(other.floor),
            }
            merged.push((held, total));
        }
        merged.extend(theirs.map(|their| alone(their, self.floor)));
        self.floor += other.floor;
        self.totals = merged;
        self.shrink();
    }

    /// Keeps the greatest totals.
    fn shrink(&mut self) {
        if self.totals.len() <= EXACT {
            return;
        }
        self.totals.sort_by(by_total);
        for (_, gone) in self.totals.drain(EXACT..) {
            self.floor = self.floor.max(gone.value());
        }
        self.totals.sort_by(|(a, _), (b, _)| a.order(b.scalar()));
    }

    /// The value itself for one, a list for more, the greatest total first and of equal ones the least value; null
    /// without values.
    pub(super) fn value(&self, most: usize) -> Value {
        let mut best: Vec<&(Held, Total)> = self.totals.iter().collect();
        best.sort_by(|a, b| by_total(a, b));
        best.truncate(most);
        let values: Vec<Value> = best.iter().map(|(held, _)| held.scalar().to_value()).collect();
        match (values.first(), most) {
            (None, _) => Value::Null,
            (Some(first), 1) => first.clone(),
            (Some(first), _) => Value::List(first.value_type(), values),
        }
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_f64(self.floor, out);
        put_len(self.totals.len(), out);
        for (held, total) in &self.totals {
            encode_held(Some(held), out);
            match total {
                Total::Count(count) => put_u64(*count, out),
                Total::Sum(sum) => sum.encode(out),
            }
        }
    }

    pub(super) fn decode(is_weighted: bool, bytes: &mut Reader<'_>) -> Result<Self> {
        let floor = bytes.f64()?;
        let count = bytes.len(6)?;
        let mut top = Self { totals: Vec::with_capacity(count.min(EXACT)), floor };
        for _ in 0..count {
            let held = decode_held(bytes)?
                .ok_or_else(|| Error::data("a null stands among the top values of a state"))?;
            let total = if is_weighted {
                Total::Sum(Box::new(ExactSum::decode(bytes)?))
            } else {
                Total::Count(bytes.u64()?)
            };
            top.totals.push((held, total));
        }
        let is_sorted = top.totals.is_sorted_by(|(a, _), (b, _)| a.order(b.scalar()).is_lt());
        if is_sorted && top.totals.len() <= EXACT {
            Ok(top)
        } else {
            Err(Error::data("the top values of a state are not in their order"))
        }
    }
}

/// Zero has two signs and one value.
fn one_zero(value: Scalar<'_>) -> Scalar<'_> {
    match value {
        Scalar::Double(number) => Scalar::Double(number + 0.0),
        other => other,
    }
}

/// The greatest total first; of equal ones the least value.
fn by_total((a, ours): &(Held, Total), (b, theirs): &(Held, Total)) -> Ordering {
    theirs.value().total_cmp(&ours.value()).then_with(|| a.order(b.scalar()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// Values with their weights.
    type Weighted = Vec<(i64, i32)>;

    fn of(values: &[(i64, i32)]) -> Top {
        let mut top = Top::default();
        for (value, weight) in values {
            top.weigh(Scalar::Int(*value), f64::from(*weight));
        }
        top
    }

    /// Every value with its total, the greatest first.
    fn naive(values: &[(i64, i32)]) -> Vec<(i64, i64)> {
        let mut totals = BTreeMap::new();
        for (value, weight) in values {
            *totals.entry(*value).or_insert(0) += i64::from(*weight);
        }
        let mut totals: Vec<(i64, i64)> = totals.into_iter().collect();
        totals.sort_by_key(|(value, total)| (-total, *value));
        totals
    }

    fn shuffled(
        values: std::ops::Range<i64>,
        weights: std::ops::Range<i32>,
        most: usize,
    ) -> impl Strategy<Value = (Weighted, Weighted)> {
        prop::collection::vec((values, weights), 0..most)
            .prop_flat_map(|values| (Just(values.clone()), Just(values).prop_shuffle()))
    }

    proptest! {
        #[test]
        fn few_values_have_exact_totals_in_any_order_and_grouping(
            (values, shuffled) in shuffled(0..200, -20..20, 400),
            most in 2_usize..20,
            cut in 0_usize..400,
        ) {
            let expected = match naive(&values) {
                totals if totals.is_empty() => Value::Null,
                totals => {
                    let best = totals.iter().take(most).map(|(value, _)| Value::Int64(*value));
                    Value::List(larder_core::ValueType::Int64, best.collect())
                }
            };
            prop_assert_eq!(&of(&values).value(most), &expected);
            let (left, right) = shuffled.split_at(cut.min(shuffled.len()));
            let mut merged = of(left);
            merged.merge(&of(right));
            prop_assert_eq!(&merged.value(most), &expected);
        }

        #[test]
        fn many_values_have_totals_within_the_bound(
            (values, shuffled) in shuffled(0..600, 0..9, 1_200),
            cut in 0_usize..1_200,
        ) {
            let all: f64 = values.iter().map(|(_, weight)| f64::from(*weight)).sum();
            let (left, right) = shuffled.split_at(cut.min(shuffled.len()));
            let mut merged = of(left);
            merged.merge(&of(right));
            for top in [of(&values), merged] {
                prop_assert!(top.totals.len() <= EXACT);
                prop_assert!(top.floor <= all / EXACT as f64, "{} of {}", top.floor, all);
                for (value, exact) in naive(&values) {
                    let exact = exact as f64;
                    match top.find(Scalar::Int(value)) {
                        Ok(at) => {
                            let found = top.totals[at].1.value();
                            prop_assert!(exact <= found && found <= exact + top.floor);
                        }
                        Err(_) => prop_assert!(exact <= top.floor),
                    }
                }
            }
        }
    }

    #[test]
    fn one_is_the_value_itself_and_ties_go_to_the_least() {
        let mut top = Top::default();
        for text in ["b", "a", "b", "a", "c"] {
            top.count(Scalar::Text(text));
        }
        assert_eq!(top.value(1), Value::String("a".to_owned()));
        assert_eq!(Top::default().value(1), Value::Null);
    }
}
