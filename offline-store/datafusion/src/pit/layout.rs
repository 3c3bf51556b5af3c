//! Regions of an index: keys whose numbers lie close together, and the slots of theirs.

use std::ops::Range;

/// Slots of a region, about: with their candidates they are to find room in a small second cache.
const SLOTS: usize = 8192;
/// The most regions, about: more than this many places to write to are slow themselves.
const MOST: usize = 256;
/// Slots whose numbers differ in these bits alone share an entry of the guide.
const BLOCK_BITS: u32 = 10;

/// How the keys of an index are cut into regions.
#[derive(Debug)]
pub(super) struct Layout {
    /// Keys whose numbers agree in all but this many bits share a region.
    bits: u32,
    /// First slot of every region, and the end.
    starts: Vec<u32>,
    /// Of every block of slots the region that its first is in.
    guide: Vec<u32>,
}

impl Layout {
    /// Cuts keys of which these are the first slots, the end being one more.
    pub(super) fn new(slots_of_keys: &[u32]) -> Self {
        let keys = slots_of_keys.len().saturating_sub(1).max(1);
        let slots = slots_of_keys.last().map_or(0, |slots| *slots as usize);
        let regions = wanted(slots);
        // Keys of a region are a power of two, so that there are at most twice as many regions as wanted.
        let bits = if regions == 1 { u32::BITS } else { (keys / regions).max(1).ilog2() };
        let first = |region: usize| slots_of_keys.get(region << bits).copied().unwrap_or(0);
        let mut starts: Vec<u32> = (0..=(keys - 1) >> bits).map(first).collect();
        starts.push(slots_of_keys.last().copied().unwrap_or(0));
        let mut region = 0;
        let blocks = (0..slots).step_by(1 << BLOCK_BITS).map(|slot| {
            while starts[region as usize + 1] as usize <= slot {
                region += 1;
            }
            region
        });
        let guide = blocks.collect();
        Self { bits, starts, guide }
    }

    /// The most regions that this many slots are cut into.
    pub(super) fn most(slots: usize) -> usize {
        2 * wanted(slots)
    }

    /// How many regions there are.
    pub(super) fn regions(&self) -> usize {
        self.starts.len() - 1
    }

    /// The region of a key.
    pub(super) fn of_key(&self, key: u32) -> usize {
        key as usize >> self.bits
    }

    /// The numbers of the keys of a region, of `keys` in all.
    pub(super) fn keys(&self, region: usize, keys: usize) -> Range<usize> {
        region << self.bits..((region + 1) << self.bits).min(keys)
    }

    /// The slots of a region.
    pub(super) fn slots(&self, region: usize) -> Range<usize> {
        self.starts[region] as usize..self.starts[region + 1] as usize
    }

    /// The region of a slot, and which of its slots it is.
    pub(super) fn place(&self, slot: u32) -> (usize, usize) {
        let mut region = self.guide[(slot >> BLOCK_BITS) as usize] as usize;
        while self.starts[region + 1] <= slot {
            region += 1;
        }
        (region, (slot - self.starts[region]) as usize)
    }

    /// Bytes held.
    pub(super) fn memory(&self) -> usize {
        (self.starts.capacity() + self.guide.capacity()) * size_of::<u32>()
    }
}

fn wanted(slots: usize) -> usize {
    slots.div_ceil(SLOTS).clamp(1, MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first slots of keys that have this many slots each.
    fn starts(slots: impl IntoIterator<Item = u32>) -> Vec<u32> {
        let mut starts = vec![0];
        for slots in slots {
            starts.push(starts[starts.len() - 1] + slots);
        }
        starts
    }

    #[test]
    fn regions_are_neither_too_many_nor_too_few() {
        for keys in [1, 1000, 10_000, 100_000, 3_000_000] {
            let layout = Layout::new(&starts(std::iter::repeat_n(3, keys)));
            let (most, regions) = (Layout::most(3 * keys), layout.regions());
            assert!((most / 2..=most).contains(&regions), "{regions} for {keys} keys");
        }
    }

    #[test]
    fn every_slot_is_in_one_region_with_its_key() {
        // Many keys without a slot, as of numbers that no key has, and one key with many.
        let slots = (0..50_000).map(|key| match key {
            10_000..30_000 => 0,
            40_000 => 100_000,
            _ => 2,
        });
        let starts = starts(slots);
        let (layout, keys) = (Layout::new(&starts), starts.len() - 1);
        let mut next = 0;
        for region in 0..layout.regions() {
            assert_eq!(layout.slots(region).start, next);
            for key in layout.keys(region, keys) {
                assert_eq!(layout.of_key(u32::try_from(key).unwrap()), region);
                for slot in starts[key]..starts[key + 1] {
                    assert_eq!(layout.place(slot), (region, slot as usize - next), "slot {slot}");
                }
            }
            next = layout.slots(region).end;
        }
        assert_eq!(next, *starts.last().unwrap() as usize);
    }

    #[test]
    fn without_keys_there_is_one_empty_region() {
        let layout = Layout::new(&[0]);
        assert_eq!((layout.regions(), layout.slots(0)), (1, 0..0));
    }
}
