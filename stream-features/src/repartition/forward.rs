//! The end of the first stage: events by key, marks behind them.

use std::collections::BTreeMap;

use larder_core::Result;
use xxhash_rust::xxh3::xxh3_64;

use super::{Block, BlockSink, Mark, Origin};
use crate::operator::Event;

/// A block of so many bytes is not kept until the next commit.
const FULL: usize = 128 << 10;

/// Largest event, in bytes: with a block that is nearly full it is still less than a broker takes by default.
const LARGEST: usize = 640 << 10;

/// An event has more bytes than a message may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooLarge(pub(crate) usize);

/// Deals events out to the partitions of the second stage, many in a message.
#[derive(Debug)]
pub(crate) struct Forward {
    sink: Box<dyn BlockSink>,
    layout: u64,
    /// By partition of the second stage.
    blocks: Vec<Block>,
    /// Blocks that are full.
    full: Vec<usize>,
    /// How far the partitions of the source have come that are read here, and what was told of it last.
    marks: BTreeMap<usize, Mark>,
    told: BTreeMap<usize, Mark>,
}

impl Forward {
    /// Forwards events of a layout to this sink.
    pub(crate) fn new(sink: Box<dyn BlockSink>, layout: u64) -> Self {
        Self {
            sink,
            layout,
            blocks: Vec::new(),
            full: Vec::new(),
            marks: BTreeMap::new(),
            told: BTreeMap::new(),
        }
    }

    /// What is to be known before the first event: the number of partitions of the source.
    pub(crate) fn begin(&mut self, sources: usize) {
        if self.blocks.is_empty() {
            let block = || Block::new(self.layout, sources);
            self.blocks = std::iter::repeat_with(block).take(self.sink.partitions()).collect();
        }
    }

    pub(crate) fn add(
        &mut self,
        origin: Origin,
        event: Event<'_>,
    ) -> std::result::Result<(), TooLarge> {
        let to = xxh3_64(event.key) % self.blocks.len().max(1) as u64;
        let to = usize::try_from(to).unwrap_or_default();
        let block = &mut self.blocks[to];
        let was_full = block.bytes().len() >= FULL;
        let size = block.event(origin, event);
        if size > LARGEST {
            block.take_back(size);
            return Err(TooLarge(size));
        }
        if !was_full && block.bytes().len() >= FULL {
            self.full.push(to);
        }
        Ok(())
    }

    /// Gives on the blocks that are full.
    ///
    /// # Errors
    /// What the sink answers.
    pub(crate) async fn deliver(&mut self) -> Result<()> {
        while let Some(to) = self.full.pop() {
            self.sink.write(to, self.blocks[to].bytes()).await?;
            self.blocks[to].clear();
        }
        Ok(())
    }

    /// Takes note of how far a partition of the source has come; answers whether that is to be told.
    pub(crate) fn reached(&mut self, partition: usize, mark: Mark) -> bool {
        self.marks.insert(partition, mark);
        self.told.get(&partition) != Some(&mark)
    }

    /// Forgets partitions of the source that another reader tells of from now on.
    pub(crate) fn forget(&mut self, partitions: &[usize]) {
        for partition in partitions {
            self.marks.remove(partition);
            self.told.remove(partition);
        }
    }

    /// Gives on everything, and behind it how far the partitions of the source have come.
    ///
    /// # Errors
    /// What the sink answers.
    pub(crate) async fn flush(&mut self) -> Result<()> {
        for (partition, mark) in &self.marks {
            if self.told.insert(*partition, *mark) != Some(*mark) {
                self.blocks.iter_mut().for_each(|block| block.mark(*partition, *mark));
            }
        }
        self.full = (0..self.blocks.len()).filter(|at| !self.blocks[*at].is_empty()).collect();
        self.deliver().await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use async_trait::async_trait;

    use super::*;
    use crate::repartition::{Blocks, Entry};
    use crate::scalar::Scalar;

    /// A block with its partition.
    type Written = (usize, Vec<u8>);

    /// Keeps what it is given, of three partitions.
    #[derive(Debug, Clone, Default)]
    struct Kept(Arc<Mutex<Vec<Written>>>);

    impl Kept {
        fn taken(&self) -> Vec<Written> {
            std::mem::take(&mut *self.0.lock().unwrap())
        }
    }

    #[async_trait]
    impl BlockSink for Kept {
        fn partitions(&self) -> usize {
            3
        }

        async fn write(&mut self, partition: usize, block: &[u8]) -> Result<()> {
            self.0.lock().unwrap().push((partition, block.to_vec()));
            Ok(())
        }
    }

    fn forward() -> (Kept, Forward) {
        let kept = Kept::default();
        let mut forward = Forward::new(Box::new(kept.clone()), 7);
        forward.begin(2);
        (kept, forward)
    }

    fn event<'a>(key: &'a [u8], inputs: &'a [Scalar<'a>]) -> Event<'a> {
        Event { time: 5, key, inputs }
    }

    const AT: Origin = Origin { partition: 1, offset: 9 };

    #[tokio::test]
    async fn a_mark_is_told_once_to_every_partition_behind_the_events() {
        let (kept, mut forward) = forward();
        let mark = Mark { latest: Some(5), is_idle: false };
        assert_eq!(forward.add(AT, event(b"k", &[])), Ok(()));
        assert!(forward.reached(1, mark));
        forward.flush().await.unwrap();
        let (mut partitions, mut events) = (Vec::new(), 0);
        for (partition, bytes) in kept.taken() {
            let mut blocks = Blocks::open(&bytes, 7).unwrap();
            let mut entries = Vec::new();
            while let Some(entry) = blocks.next(&mut Vec::new(), 0).unwrap() {
                entries.push(entry);
            }
            assert_eq!(entries.pop(), Some(Entry::Mark(1, mark)));
            events += entries.len();
            partitions.push(partition);
        }
        partitions.sort_unstable();
        assert_eq!((partitions, events), (vec![0, 1, 2], 1));
        assert!(!forward.reached(1, mark));
        forward.flush().await.unwrap();
        assert_eq!(kept.taken(), []);
        // Whoever has it in between may have told otherwise.
        forward.forget(&[1]);
        assert!(forward.reached(1, mark));
    }

    #[tokio::test]
    async fn full_blocks_go_on_and_what_no_message_holds_is_refused() {
        let (kept, mut forward) = forward();
        let text = "x".repeat(LARGEST);
        let (large, small) = ([Scalar::Text(&text)], [Scalar::Text(&text[..FULL / 2])]);
        assert!(forward.add(AT, event(b"k", &large)).is_err());
        assert_eq!(forward.add(AT, event(b"k", &small)), Ok(()));
        forward.deliver().await.unwrap();
        assert_eq!(kept.taken(), []);
        assert_eq!(forward.add(AT, event(b"k", &small)), Ok(()));
        forward.deliver().await.unwrap();
        let [(_, bytes)] = &kept.taken()[..] else { panic!("one block is full") };
        let mut blocks = Blocks::open(bytes, 7).unwrap();
        let mut count = 0;
        while blocks.next(&mut Vec::new(), 1).unwrap().is_some() {
            count += 1;
        }
        assert_eq!(count, 2);
    }
}
