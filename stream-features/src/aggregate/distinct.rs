//! Approximate number of distinct values.

use larder_core::{Error, Result};

use super::bytes::{Reader, put_len, put_u64};

/// Up to here the count is exact.
const EXACT: usize = 256;

/// Bits of a hash that choose a register: 4096 registers, a standard error of 1.6 %.
const PRECISION: u32 = 12;
const REGISTERS: usize = 1 << PRECISION;
/// Bits left for a register's rank.
const RANK_BITS: u32 = 64 - PRECISION;

/// The hashes themselves while they are few, then registers of `HyperLogLog`. Which of the two depends on the set alone, never
/// on the order in which it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Distinct {
    /// Sorted.
    Exact(Vec<u64>),
    Registers(Box<[u8; REGISTERS]>),
}

impl Default for Distinct {
    fn default() -> Self {
        Self::Exact(Vec::new())
    }
}

impl Distinct {
    pub(crate) fn add(&mut self, hash: u64) {
        match self {
            Self::Exact(hashes) => {
                let Err(at) = hashes.binary_search(&hash) else { return };
                hashes.insert(at, hash);
                if hashes.len() > EXACT {
                    *self = Self::Registers(registers(hashes));
                }
            }
            Self::Registers(registers) => raise(registers, hash),
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        match (&mut *self, other) {
            (_, Self::Exact(hashes)) => hashes.iter().for_each(|hash| self.add(*hash)),
            (Self::Exact(hashes), Self::Registers(theirs)) => {
                let mut merged = theirs.clone();
                for hash in hashes {
                    raise(&mut merged, *hash);
                }
                *self = Self::Registers(merged);
            }
            (Self::Registers(ours), Self::Registers(theirs)) => {
                for (ours, theirs) in ours.iter_mut().zip(theirs.iter()) {
                    *ours = (*ours).max(*theirs);
                }
            }
        }
    }

    pub(crate) fn estimate(&self) -> u64 {
        match self {
            Self::Exact(hashes) => hashes.len() as u64,
            Self::Registers(registers) => estimate(registers),
        }
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Exact(hashes) => {
                out.push(0);
                put_len(hashes.len(), out);
                for hash in hashes {
                    put_u64(*hash, out);
                }
            }
            Self::Registers(registers) => {
                out.push(1);
                out.extend_from_slice(registers.as_slice());
            }
        }
    }

    pub(super) fn decode(bytes: &mut Reader<'_>) -> Result<Self> {
        match bytes.byte()? {
            0 => {
                let len = bytes.len(8)?;
                (0..len).map(|_| bytes.u64()).collect::<Result<_>>().map(Self::Exact)
            }
            1 => {
                let registers: [u8; REGISTERS] =
                    bytes.take(REGISTERS)?.try_into().expect("as many bytes as were taken");
                if registers.iter().any(|rank| u32::from(*rank) > RANK_BITS + 1) {
                    return Err(Error::data("a register of a distinct count is out of range"));
                }
                Ok(Self::Registers(Box::new(registers)))
            }
            other => Err(Error::data(format!("{other} is no form of a distinct count"))),
        }
    }
}

fn registers(hashes: &[u64]) -> Box<[u8; REGISTERS]> {
    let mut registers = Box::new([0; REGISTERS]);
    for hash in hashes {
        raise(&mut registers, *hash);
    }
    registers
}

fn raise(registers: &mut [u8; REGISTERS], hash: u64) {
    let register = (hash >> RANK_BITS) as usize;
    let zeros = (hash << PRECISION).leading_zeros().min(RANK_BITS);
    let rank = u8::try_from(zeros + 1).expect("at most 53");
    registers[register] = registers[register].max(rank);
}

/// Ertl's improved raw estimator (2017), which needs neither tables nor a change of method in between.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of hashes")]
fn estimate(registers: &[u8; REGISTERS]) -> u64 {
    let mut histogram = [0_u32; RANK_BITS as usize + 2];
    for rank in registers {
        histogram[usize::from(*rank)] += 1;
    }
    let m = REGISTERS as f64;
    let last = histogram[RANK_BITS as usize + 1];
    let mut z = m * tau((m - f64::from(last)) / m);
    for count in histogram[1..=RANK_BITS as usize].iter().rev() {
        z = 0.5 * (z + f64::from(*count));
    }
    z += m * sigma(f64::from(histogram[0]) / m);
    (m * m / (2.0 * std::f64::consts::LN_2 * z)).round() as u64
}

fn sigma(mut x: f64) -> f64 {
    if x >= 1.0 {
        return f64::INFINITY;
    }
    let (mut y, mut z) = (1.0, x);
    loop {
        x *= x;
        let before = z;
        z += x * y;
        y += y;
        if z <= before {
            return z;
        }
    }
}

fn tau(mut x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return 0.0;
    }
    let (mut y, mut z) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = z;
        y *= 0.5;
        z -= (1.0 - x).powi(2) * y;
        if z >= before {
            return z / 3.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scalar::Scalar;

    fn of(numbers: impl IntoIterator<Item = i64>) -> Distinct {
        let mut distinct = Distinct::default();
        numbers.into_iter().for_each(|number| distinct.add(Scalar::Int(number).stable_hash()));
        distinct
    }

    #[test]
    fn small_counts_are_exact_and_large_ones_within_five_standard_errors() {
        for count in [0, 1, 255, 256] {
            assert_eq!(of((0..count).chain(0..count)).estimate(), count.cast_unsigned());
        }
        for count in [257_u32, 1_000, 4_096, 20_000, 300_000] {
            let found = of(0..i64::from(count)).estimate() as f64;
            let error = (found / f64::from(count) - 1.0).abs();
            assert!(error < 0.08, "{count}: {found}");
        }
    }

    #[test]
    fn merging_is_the_union_whatever_the_forms() {
        for (left, right) in [(10, 20), (10, 2_000), (2_000, 10), (2_000, 3_000), (200, 400)] {
            let whole = of(0..right.max(left));
            let mut merged = of(0..left);
            merged.merge(&of(0..right));
            assert_eq!(merged, whole, "{left} and {right}");
        }
    }
}
