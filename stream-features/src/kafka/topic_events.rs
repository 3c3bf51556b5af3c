//! Single events of a topic, looked up by their offsets.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use larder_core::{Error, ErrorKind, Result};
use rdkafka::consumer::Consumer as _;
use rdkafka::error::KafkaError;
use rdkafka::message::BorrowedMessage;
use rdkafka::{Message as _, Offset};

use super::KafkaConnection;
use super::consumer::{Consumer, PATIENCE, blocking, list, searcher};
use super::error::failed;
use crate::repartition::{Origin, SourceEvents};

/// So many messages in between are read rather than jumped over: an answer of a broker has thousands.
const NEAR: u64 = 2_000;

/// Events by where they are.
type Found = HashMap<Origin, Vec<u8>>;

/// Looks up events of a topic that are committed. It reads for no group's progress, and connects when it is first asked.
pub struct TopicEvents {
    connection: KafkaConnection,
    group: String,
    topic: String,
    consumer: Option<Arc<Consumer>>,
}

impl TopicEvents {
    /// Events of a topic, looked up under the name of this group, which may read it.
    pub fn new(connection: &KafkaConnection, (group, topic): (&str, &str)) -> Self {
        Self {
            connection: connection.clone(),
            group: group.to_owned(),
            topic: topic.to_owned(),
            consumer: None,
        }
    }
}

#[async_trait]
impl SourceEvents for TopicEvents {
    async fn find(&mut self, places: &[Origin]) -> Result<Vec<Option<Vec<u8>>>> {
        let consumer = match self.consumer.take() {
            Some(consumer) => consumer,
            None => searcher(&self.connection, &self.group)?,
        };
        self.consumer = Some(Arc::clone(&consumer));
        let topic = self.topic.clone();
        let mut wanted: BTreeMap<i32, Vec<u64>> = BTreeMap::new();
        for place in places {
            let number = i32::try_from(place.partition).unwrap_or(i32::MAX);
            wanted.entry(number).or_default().push(place.offset);
        }
        let found = blocking(move || {
            let found = LookUp { consumer: &consumer, topic: &topic }.all(wanted);
            // Whatever happened, nothing more is fetched.
            let ended = consumer.unassign().map_err(|error| failed("partitions", &error));
            found.and_then(|found| ended.map(|()| found))
        });
        let what = format!("events of topic \"{}\" that came too late", self.topic);
        let found = found.await?.map_err(|error| error.context(what))?;
        Ok(places.iter().map(|place| found.get(place).cloned()).collect())
    }
}

/// One look-up, on a thread that may wait.
struct LookUp<'a> {
    consumer: &'a Consumer,
    topic: &'a str,
}

impl LookUp<'_> {
    fn all(&self, mut wanted: BTreeMap<i32, Vec<u64>>) -> Result<Found> {
        for (number, offsets) in &mut wanted {
            let first = self.consumer.fetch_watermarks(self.topic, *number, PATIENCE);
            let (first, _) = first.map_err(|error| failed("offsets", &error))?;
            offsets.retain(|offset| i64::try_from(*offset).is_ok_and(|offset| offset >= first));
            // The nearest is the last one.
            offsets.sort_unstable_by(|a, b| b.cmp(a));
            offsets.dedup();
        }
        wanted.retain(|_, offsets| !offsets.is_empty());
        let starts = wanted.iter().map(|(number, offsets)| (*number, at(offsets)));
        let starts = list(self.topic, starts)?;
        self.consumer.assign(&starts).map_err(|error| failed("partitions", &error))?;
        let (mut found, mut heard) = (Found::new(), Instant::now());
        while !wanted.is_empty() {
            match self.consumer.poll(Duration::from_millis(100)) {
                Some(Ok(message)) => self.take(&message, &mut wanted, &mut found)?,
                Some(Err(KafkaError::PartitionEOF(number))) => drop(wanted.remove(&number)),
                Some(Err(error)) => passing(&error)?,
                None if heard.elapsed() > PATIENCE => {
                    return Err(Error::new(ErrorKind::Unavailable, "no broker answers"));
                }
                None => continue,
            }
            heard = Instant::now();
        }
        Ok(found)
    }

    /// Takes a message that is wanted, and goes on to the next one that is.
    fn take(
        &self,
        message: &BorrowedMessage<'_>,
        wanted: &mut BTreeMap<i32, Vec<u64>>,
        found: &mut Found,
    ) -> Result<()> {
        let (number, offset) = (message.partition(), message.offset());
        let offset = u64::try_from(offset).unwrap_or_default();
        let Some(offsets) = wanted.get_mut(&number) else { return Ok(()) };
        while offsets.last().is_some_and(|next| *next <= offset) {
            if offsets.pop() == Some(offset) {
                let partition = usize::try_from(number).unwrap_or_default();
                let event = message.payload().unwrap_or_default().to_vec();
                found.insert(Origin { partition, offset }, event);
            }
        }
        match offsets.last() {
            Some(next) if next - offset <= NEAR => Ok(()),
            Some(_) => {
                let sought = self.consumer.seek(self.topic, number, at(offsets), PATIENCE);
                sought.map_err(|error| failed("offsets", &error))
            }
            None => {
                wanted.remove(&number);
                let done = list(self.topic, [(number, Offset::Invalid)])?;
                let done = self.consumer.incremental_unassign(&done);
                done.map_err(|error| failed("partitions", &error))
            }
        }
    }
}

/// The next offset of those that are wanted.
fn at(offsets: &[u64]) -> Offset {
    let next = offsets.last().copied().unwrap_or_default();
    Offset::Offset(i64::try_from(next).unwrap_or(i64::MAX))
}

/// Brokers that go away come back. What was removed meanwhile is found out by asking again.
fn passing(error: &KafkaError) -> Result<()> {
    let error = failed("cannot be read", error);
    match error.kind() {
        ErrorKind::Unavailable => Ok(()),
        ErrorKind::NotFound => Err(Error::new(ErrorKind::Unavailable, error.message())),
        _ => Err(error),
    }
}

impl fmt::Debug for TopicEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TopicEvents")
            .field("group", &self.group)
            .field("topic", &self.topic)
            .finish_non_exhaustive()
    }
}
