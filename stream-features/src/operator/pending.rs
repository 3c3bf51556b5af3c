//! Events that wait until the watermark has passed them, to be seen in the order of event time.

use std::collections::BTreeMap;

use larder_core::Result;
use smallvec::SmallVec;
use xxhash_rust::xxh3::xxh3_64;

use super::Event;
use crate::aggregate::bytes::{Reader, put_bytes, put_i64, put_len, put_scalar};
use crate::checkpoint::Scope;
use crate::scalar::Scalar;

/// Dead bytes that are worth moving the others for.
const COMPACT_FROM: usize = 1 << 20;

/// Where the bytes of an event are; ordered by content, so that ties do not depend on the order of arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    content: u64,
    start: usize,
    len: u32,
    /// Between which checkpoints it came.
    epoch: u32,
}

impl Place {
    fn bytes(self, arena: &[u8]) -> &[u8] {
        &arena[self.start..self.start + self.len as usize]
    }
}

/// A queue of events by time over one arena: an event that waits costs hardly an allocation of its own.
///
/// Event times are milliseconds and come nearly in order, so that many events share a time and the last ones are of the same few
/// nodes. A heap of all that wait has to move them through many levels that are not at hand.
#[derive(Debug, Default)]
pub(super) struct Pending {
    arena: Vec<u8>,
    /// Those of one time come in any order.
    places: BTreeMap<i64, SmallVec<[Place; 1]>>,
    count: usize,
    dead: usize,
    /// Counts checkpoints: what came since the last one is of this epoch.
    epoch: u32,
}

impl Pending {
    pub(super) fn push(&mut self, event: Event<'_>) {
        let start = self.arena.len();
        put_bytes(event.key, &mut self.arena);
        for input in event.inputs {
            put_scalar(*input, &mut self.arena);
        }
        self.place(event.time, start);
    }

    /// Takes note of the event whose bytes were put last.
    fn place(&mut self, time: i64, start: usize) {
        let content = xxh3_64(&self.arena[start..]);
        let len = u32::try_from(self.arena.len() - start).expect("an event is shorter than 4 GiB");
        self.places.entry(time).or_default().push(Place { content, start, len, epoch: self.epoch });
        self.count += 1;
    }

    /// Appends all events that wait, or those of them that came since the last time.
    pub(super) fn save(&mut self, scope: Scope, out: &mut Vec<u8>) {
        let all = || {
            let places = self.places.iter();
            places.flat_map(|(time, places)| places.iter().map(move |place| (*time, place)))
        };
        let is_wanted = |(_, place): &(i64, &Place)| match scope {
            Scope::Full => true,
            Scope::Delta => place.epoch == self.epoch,
        };
        put_len(all().filter(is_wanted).count(), out);
        for (time, place) in all().filter(is_wanted) {
            put_i64(time, out);
            put_bytes(place.bytes(&self.arena), out);
        }
        self.epoch = self.epoch.wrapping_add(1);
    }

    /// Adds events that were saved.
    ///
    /// # Errors
    /// `Data` for bytes that are no events.
    pub(super) fn load(&mut self, bytes: &mut Reader<'_>) -> Result<()> {
        for _ in 0..bytes.len(12)? {
            let (time, event) = (bytes.i64()?, bytes.bytes()?);
            let mut reader = Reader::new(event);
            reader.bytes()?;
            while !reader.is_empty() {
                reader.scalar()?;
            }
            let start = self.arena.len();
            self.arena.extend_from_slice(event);
            self.place(time, start);
        }
        self.epoch = self.epoch.wrapping_add(1);
        Ok(())
    }

    /// Hands the events before this time to `take`, in order.
    pub(super) fn before(&mut self, time: i64, mut take: impl FnMut(Event<'_>)) {
        let mut inputs = Vec::new();
        while let Some(entry) = self.places.first_entry().filter(|entry| *entry.key() < time) {
            let (time, mut places) = entry.remove_entry();
            places.sort_unstable();
            self.count -= places.len();
            for place in places {
                self.dead += place.len as usize;
                read(place.bytes(&self.arena), time, &mut inputs, &mut take);
            }
        }
        self.compact();
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    fn compact(&mut self) {
        if self.places.is_empty() {
            self.arena.clear();
            self.dead = 0;
        } else if self.dead > COMPACT_FROM && self.dead > self.arena.len() / 2 {
            let mut arena = Vec::with_capacity(self.arena.len() - self.dead);
            for place in self.places.values_mut().flatten() {
                let start = arena.len();
                arena.extend_from_slice(place.bytes(&self.arena));
                place.start = start;
            }
            self.arena = arena;
            self.dead = 0;
        }
    }
}

/// Reads an event back. The buffer for its inputs is lent, and emptied by it.
fn read<'a>(
    bytes: &'a [u8],
    time: i64,
    inputs: &mut Vec<Scalar<'static>>,
    take: &mut impl FnMut(Event<'_>),
) {
    let mut reader = Reader::new(bytes);
    let mut values: Vec<Scalar<'a>> = std::mem::take(inputs);
    let key = reader.bytes().expect("as it was written");
    while !reader.is_empty() {
        values.push(reader.scalar().expect("as it was written"));
    }
    take(Event { time, key, inputs: &values });
    values.clear();
    // An empty vector borrows nothing: its room is used again.
    *inputs = values.into_iter().map(|_| Scalar::Null).collect();
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn events_come_out_by_time_and_content_whatever_came_first(
            (events, shuffled) in prop::collection::vec((0_i64..20, 0_i64..5), 0..60)
                .prop_flat_map(|events| (Just(events.clone()), Just(events).prop_shuffle())),
            pause in 0_i64..20,
        ) {
            let drained = |events: &[(i64, i64)]| {
                let mut pending = Pending::default();
                let mut seen = Vec::new();
                for (time, value) in events {
                    let inputs = [Scalar::Int(*value), Scalar::Text("é")];
                    pending.push(Event { time: *time, key: &value.to_le_bytes(), inputs: &inputs });
                }
                for until in [pause, i64::MAX] {
                    pending.before(until, |event| {
                        assert!(event.time < until);
                        seen.push((event.time, event.key.to_vec(), format!("{:?}", event.inputs)));
                    });
                }
                assert_eq!(pending.len(), 0);
                seen
            };
            let in_order = drained(&events);
            prop_assert!(in_order.is_sorted_by_key(|(time, _, _)| *time));
            prop_assert_eq!(in_order.len(), events.len());
            prop_assert_eq!(in_order, drained(&shuffled));
        }
    }
}
