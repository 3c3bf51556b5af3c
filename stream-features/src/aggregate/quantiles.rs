//! Approximate percentiles.

use std::collections::BTreeMap;

use larder_core::Result;

use super::bytes::{Reader, put_len, put_u64};

/// Largest relative error of an answer.
const ACCURACY: f64 = 0.01;

/// Counts of numbers in buckets whose width is a fixed share of the number (`DDSketch`, Masson 2019).
///
/// Answers are within one percent of a number that was there. Buckets are never collapsed, so the sketch is a function of
/// the numbers alone; doubles from 1e-9 to 1e9 need at most about 2 100 of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Quantiles {
    positive: BTreeMap<i32, u64>,
    negative: BTreeMap<i32, u64>,
    zeros: u64,
}

impl Quantiles {
    /// Adds a number; NaN is none.
    pub(crate) fn add(&mut self, number: f64) {
        if number.is_nan() {
            return;
        }
        let side = if number > 0.0 {
            &mut self.positive
        } else if number < 0.0 {
            &mut self.negative
        } else {
            self.zeros += 1;
            return;
        };
        *side.entry(bucket(number.abs())).or_default() += 1;
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for (ours, theirs) in
            [(&mut self.positive, &other.positive), (&mut self.negative, &other.negative)]
        {
            for (bucket, count) in theirs {
                *ours.entry(*bucket).or_default() += count;
            }
        }
        self.zeros += other.zeros;
    }

    /// The number below which this share (0 to 1) of the numbers lies, `None` without numbers.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank")]
    pub(crate) fn quantile(&self, share: f64) -> Option<f64> {
        let negative: u64 = self.negative.values().sum();
        let count = negative + self.zeros + self.positive.values().sum::<u64>();
        let rank = (share * count.checked_sub(1)? as f64) as u64;
        let mut seen = 0;
        for (bucket, count) in self.negative.iter().rev() {
            seen += count;
            if seen > rank {
                return Some(-middle(*bucket));
            }
        }
        if negative + self.zeros > rank {
            return Some(0.0);
        }
        seen += self.zeros;
        for (bucket, count) in &self.positive {
            seen += count;
            if seen > rank {
                return Some(middle(*bucket));
            }
        }
        None
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_u64(self.zeros, out);
        for side in [&self.positive, &self.negative] {
            put_len(side.len(), out);
            for (bucket, count) in side {
                out.extend_from_slice(&bucket.to_le_bytes());
                put_u64(*count, out);
            }
        }
    }

    pub(super) fn decode(bytes: &mut Reader<'_>) -> Result<Self> {
        let mut sketch = Self { zeros: bytes.u64()?, ..Self::default() };
        for side in [&mut sketch.positive, &mut sketch.negative] {
            for _ in 0..bytes.len(12)? {
                let bucket: [u8; 4] = bytes.take(4)?.try_into().expect("four bytes were taken");
                side.insert(i32::from_le_bytes(bucket), bytes.u64()?);
            }
        }
        Ok(sketch)
    }
}

/// Ratio of the ends of a bucket.
fn ratio() -> f64 {
    (1.0 + ACCURACY) / (1.0 - ACCURACY)
}

#[expect(clippy::cast_possible_truncation, reason = "logarithms of doubles; infinity saturates")]
fn bucket(number: f64) -> i32 {
    (number.ln() / ratio().ln()).ceil() as i32
}

fn middle(bucket: i32) -> f64 {
    2.0 * ratio().powi(bucket) / (ratio() + 1.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn answers_are_within_one_percent_of_the_number_at_the_rank(
            mut numbers in prop::collection::vec(-1e6_f64..1e6, 1..200),
            share in 0.0_f64..=1.0,
        ) {
            let mut sketch = Quantiles::default();
            for number in &numbers {
                sketch.add(*number);
            }
            numbers.sort_by(f64::total_cmp);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank")]
            let exact = numbers[(share * (numbers.len() - 1) as f64) as usize];
            let found = sketch.quantile(share).unwrap();
            prop_assert!((found - exact).abs() <= exact.abs() * 0.010_001, "{} for {}", found, exact);
        }
    }

    #[test]
    fn nothing_has_no_percentiles() {
        assert_eq!(Quantiles::default().quantile(0.5), None);
    }
}
