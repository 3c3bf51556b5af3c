//! Sums of doubles that do not depend on the order of the terms.

use smallvec::SmallVec;

use super::bytes::{Reader, put_f64, put_len};
use larder_core::Result;

/// The exact sum of finite doubles as a few doubles that do not overlap (Shewchuk 1997), rounded once, when it is asked for.
///
/// Adding and merging are therefore associative and commutative to the last bit, which plain addition is not: a stream
/// that comes out of order sums to the same value. Infinities and NaN are added apart from the rest.
#[derive(Debug, Clone, Default)]
pub(crate) struct ExactSum {
    parts: SmallVec<[f64; 2]>,
    special: Option<f64>,
}

impl ExactSum {
    pub(crate) fn add(&mut self, term: f64) {
        if !term.is_finite() {
            return self.add_special(term);
        }
        let mut carried = term;
        let mut kept = 0;
        for index in 0..self.parts.len() {
            let (high, low) = two_sum(carried, self.parts[index]);
            if low != 0.0 {
                self.parts[kept] = low;
                kept += 1;
            }
            carried = high;
        }
        self.parts.truncate(kept);
        if carried.is_finite() {
            self.parts.push(carried);
        } else {
            self.add_special(carried);
        }
    }

    /// Adds the exact square of a term.
    pub(crate) fn add_square(&mut self, term: f64) {
        let high = term * term;
        self.add(high);
        if high.is_finite() {
            self.add(term.mul_add(term, -high));
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for part in &other.parts {
            self.add(*part);
        }
        if let Some(special) = other.special {
            self.add_special(special);
        }
    }

    fn add_special(&mut self, term: f64) {
        self.special = Some(self.special.map_or(term, |known| known + term));
    }

    /// The double nearest to the sum.
    pub(crate) fn value(&self) -> f64 {
        if let Some(special) = self.special {
            return special;
        }
        let mut parts = self.parts.iter().rev().copied();
        let Some(mut high) = parts.next() else { return 0.0 };
        while let Some(part) = parts.next() {
            let (sum, low) = two_sum(high, part);
            high = sum;
            if low == 0.0 {
                continue;
            }
            // Halfway cases are decided by the sign of what follows.
            if parts.next().is_some_and(|next| (low < 0.0) == (next < 0.0)) {
                let doubled = low * 2.0;
                let candidate = high + doubled;
                if doubled.to_bits() == (candidate - high).to_bits() {
                    high = candidate;
                }
            }
            break;
        }
        high
    }

    /// The sum as its nearest double and the double nearest to what that leaves.
    pub(super) fn in_two(&self) -> (f64, f64) {
        let high = self.value();
        if !high.is_finite() {
            return (high, 0.0);
        }
        let mut rest = self.clone();
        rest.add(-high);
        (high, rest.value())
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_len(self.parts.len(), out);
        for part in &self.parts {
            put_f64(*part, out);
        }
        out.push(u8::from(self.special.is_some()));
        if let Some(special) = self.special {
            put_f64(special, out);
        }
    }

    pub(super) fn decode(bytes: &mut Reader<'_>) -> Result<Self> {
        let mut sum = Self::default();
        for _ in 0..bytes.len(8)? {
            sum.parts.push(bytes.f64()?);
        }
        if bytes.byte()? != 0 {
            sum.special = Some(bytes.f64()?);
        }
        Ok(sum)
    }
}

/// `a + b` as its nearest double and the exact rest.
pub(super) fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let (a, b) = if a.abs() < b.abs() { (b, a) } else { (a, b) };
    let sum = a + b;
    (sum, b - (sum - a))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sum(terms: &[f64]) -> f64 {
        let mut sum = ExactSum::default();
        for term in terms {
            sum.add(*term);
        }
        sum.value()
    }

    #[test]
    fn what_plain_addition_loses_is_kept() {
        for (terms, expected) in [
            (&[1e100, 1.0, -1e100][..], 1.0),
            (&[0.1; 10], 1.0),
            (&[1e16, 1.0, 1e-16], 10_000_000_000_000_002.0),
            (&[], 0.0),
            (&[f64::INFINITY, 1.0], f64::INFINITY),
        ] {
            assert_eq!(sum(terms).to_bits(), f64::to_bits(expected), "{terms:?}");
        }
        assert!(sum(&[f64::INFINITY, f64::NEG_INFINITY]).is_nan());
    }

    proptest! {
        #[test]
        fn neither_order_nor_grouping_changes_a_bit(
            terms in prop::collection::vec(-1e12_f64..1e12, 0..60),
            cut in 0_usize..60,
        ) {
            let forward = sum(&terms);
            let mut backward = terms.clone();
            backward.reverse();
            prop_assert_eq!(forward.to_bits(), sum(&backward).to_bits());
            let (left, right) = terms.split_at(cut.min(terms.len()));
            let mut merged = ExactSum::default();
            for term in right {
                merged.add(*term);
            }
            let mut other = ExactSum::default();
            for term in left {
                other.add(*term);
            }
            merged.merge(&other);
            prop_assert_eq!(forward.to_bits(), merged.value().to_bits());
        }

        #[test]
        fn whole_numbers_sum_as_whole_numbers(terms in prop::collection::vec(-1_000_000_i64..1_000_000, 0..60)) {
            let doubles: Vec<f64> = terms.iter().map(|term| *term as f64).collect();
            prop_assert_eq!(sum(&doubles).to_bits(), (terms.iter().sum::<i64>() as f64).to_bits());
        }
    }
}
