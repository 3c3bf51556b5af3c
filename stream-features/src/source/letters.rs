//! Dead letters as events.

use std::collections::{BTreeMap, HashMap, VecDeque};

use async_trait::async_trait;
use larder_core::Result;

use super::{EventSource, Polled, RawEvents, Readers};
use crate::dead_letter::DeadLetter;

/// Dead letters, under the partitions and offsets that they came from.
#[derive(Debug)]
pub struct LetterSource {
    names: Vec<String>,
    /// By partition.
    letters: BTreeMap<usize, VecDeque<DeadLetter>>,
    is_assigned: bool,
}

impl LetterSource {
    /// Letters of partitions that have these names, in the order of their numbers; those of others come behind them.
    pub fn new(letters: Vec<DeadLetter>, partitions: impl IntoIterator<Item = String>) -> Self {
        let mut names: Vec<String> = partitions.into_iter().collect();
        let numbered = names.iter().cloned().zip(0..);
        let mut numbers: HashMap<String, usize> = numbered.collect();
        let mut by_partition: BTreeMap<usize, VecDeque<DeadLetter>> = BTreeMap::new();
        for letter in letters {
            let number = *numbers.entry(letter.partition.clone()).or_insert_with(|| {
                names.push(letter.partition.clone());
                names.len() - 1
            });
            by_partition.entry(number).or_default().push_back(letter);
        }
        Self { names, letters: by_partition, is_assigned: false }
    }
}

#[async_trait]
impl EventSource for LetterSource {
    fn partitions(&self) -> &[String] {
        &self.names
    }

    async fn poll(&mut self, most: usize, events: &mut RawEvents) -> Result<Polled> {
        if !std::mem::replace(&mut self.is_assigned, true) {
            return Ok(Polled::Assigned(Readers::All, (0..self.names.len()).collect()));
        }
        let Some(mut of_partition) = self.letters.first_entry() else {
            return Ok(Polled::Finished);
        };
        events.partition = *of_partition.key();
        let letters = of_partition.get_mut();
        for letter in letters.drain(..most.min(letters.len())) {
            events.push(&letter.payload, letter.offset);
            events.next_offset = letter.offset;
        }
        if letters.is_empty() {
            of_partition.remove();
        }
        Ok(Polled::Events)
    }

    async fn start(&mut self, _: usize, _: Option<u64>) -> Result<()> {
        Ok(())
    }

    async fn release(&mut self, _: Readers, _: &[usize]) -> Result<()> {
        Ok(())
    }
}
