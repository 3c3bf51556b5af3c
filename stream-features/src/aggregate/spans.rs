//! Times without long silences between them: how long the latest session lasts.

use larder_core::{Error, Result, Value};
use smallvec::SmallVec;

use super::bytes::{Reader, put_i64, put_len};

/// The spans that events cover when a silence of no more than the gap is a part of them. UTC microseconds.
///
/// Spans are the same whatever the order in which events come and states merge: two are one exactly when the silence
/// between them is none.
#[derive(Debug, Clone)]
pub(crate) struct Spans {
    gap: i64,
    /// First and last event of each, in their order; further apart than the gap.
    all: SmallVec<[(i64, i64); 1]>,
}

impl Spans {
    pub(super) fn new(gap: i64) -> Self {
        Self { gap, all: SmallVec::new() }
    }

    pub(super) fn add(&mut self, time: i64) {
        match self.all.last_mut() {
            // Most events follow the others.
            Some((first, last)) if *first <= time && time <= last.saturating_add(self.gap) => {
                *last = time.max(*last);
            }
            _ => self.join(time, time),
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        other.all.iter().for_each(|(first, last)| self.join(*first, *last));
    }

    fn join(&mut self, first: i64, last: i64) {
        let gap = self.gap;
        let from = self.all.partition_point(|known| known.1.saturating_add(gap) < first);
        let to = self.all.partition_point(|known| known.0 <= last.saturating_add(gap));
        let joined = self.all.drain(from..to.max(from));
        let joined = joined.fold((first, last), |a, b| (a.0.min(b.0), a.1.max(b.1)));
        self.all.insert(from, joined);
    }

    /// Milliseconds from the first to the last event of the latest span; null without events.
    pub(super) fn latest(&self) -> Value {
        let Some((first, last)) = self.all.last() else { return Value::Null };
        Value::Int64(last.saturating_sub(*first).div_euclid(1_000))
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_len(self.all.len(), out);
        for (first, last) in &self.all {
            put_i64(*first, out);
            put_i64(*last, out);
        }
    }

    pub(super) fn decode(gap: i64, bytes: &mut Reader<'_>) -> Result<Self> {
        let mut spans = Self::new(gap);
        for _ in 0..bytes.len(16)? {
            let (first, last) = (bytes.i64()?, bytes.i64()?);
            let follows =
                spans.all.last().is_none_or(|before| before.1.saturating_add(gap) < first);
            if !follows || last < first {
                return Err(Error::data("the spans of a state overlap"));
            }
            spans.all.push((first, last));
        }
        Ok(spans)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GAP: i64 = 1_000_000;

    fn of(times: &[i64]) -> Spans {
        let mut spans = Spans::new(GAP);
        for time in times {
            spans.add(*time);
        }
        spans
    }

    /// From the last event back, as long as the silence is no longer than the gap.
    fn naive(times: &[i64]) -> Value {
        let mut sorted = times.to_vec();
        sorted.sort_unstable_by(|a, b| b.cmp(a));
        let Some(last) = sorted.first() else { return Value::Null };
        let together = sorted.windows(2).take_while(|pair| pair[0] - pair[1] <= GAP).count();
        Value::Int64((last - sorted[together]) / 1_000)
    }

    proptest! {
        #[test]
        fn the_latest_session_lasts_from_its_first_event_to_its_last(
            times in prop::collection::vec((-60_i64..60).prop_map(|tenth| tenth * 100_000), 0..40),
            cut in any::<prop::sample::Index>(),
        ) {
            let whole = of(&times);
            prop_assert_eq!(whole.latest(), naive(&times));
            let (left, right) = times.split_at(cut.index(times.len() + 1));
            let mut merged = of(right);
            merged.merge(&of(left));
            prop_assert_eq!(&merged.all, &whole.all);
            let mut bytes = Vec::new();
            merged.encode(&mut bytes);
            let again = Spans::decode(GAP, &mut Reader::new(&bytes)).unwrap();
            prop_assert_eq!(again.all, merged.all);
        }
    }

    #[test]
    fn spans_that_overlap_are_no_state() {
        let mut bytes = Vec::new();
        put_len(2, &mut bytes);
        for time in [0, 5, 6, 7] {
            put_i64(time, &mut bytes);
        }
        assert!(Spans::decode(GAP, &mut Reader::new(&bytes)).is_err());
    }
}
