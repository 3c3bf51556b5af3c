//! A topic as a source.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use larder_core::{Error, ErrorKind, Result};
use rdkafka::consumer::Consumer as _;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::BorrowedMessage;
use rdkafka::{Message as _, Offset};
use tokio::sync::Notify;

use super::beginning::first_offset;
use super::client::{Assignments, Change};
use super::consumer::{Consumer, Role, consumer, list, partition_count_in_time};
use super::error::failed;
use super::member::{Member, Membership};
use super::{Beginning, KafkaConnection};
use crate::source::{EventSource, Polled, RawEvents, Readers};

/// Longest that a poll waits for events.
const WAIT: Duration = Duration::from_millis(100);

/// Bytes after which a poll takes no further event.
const MOST_BYTES: usize = 8 << 20;

/// Reads a topic once for several consumer groups: only what is committed, from where it is told to.
///
/// One client reads the partitions that any of the groups has; each group has a member that reads nothing. So a group that
/// reads alone and one that reads with others are the same to the broker.
///
/// Events are copied once, behind each other, from the buffers of fetches. What is read ahead is bounded. Partitions are
/// named `topic-number`. Messages without a value are no events and passed over.
pub struct KafkaSource {
    reader: Arc<Consumer>,
    members: Vec<Member>,
    topic: String,
    names: Vec<String>,
    beginning: Beginning,
    wake: Arc<Notify>,
    /// Partitions that are read.
    reading: BTreeSet<i32>,
    /// Where partitions are to be read from, with the next poll.
    starting: BTreeMap<i32, Offset>,
    held: Option<Held>,
}

/// The first event of another partition than the one that was asked for.
struct Held {
    partition: i32,
    offset: u64,
    event: Vec<u8>,
}

impl KafkaSource {
    /// Begins to read a topic for groups.
    ///
    /// # Errors
    /// `Unavailable` when no broker answers; `NotFound` when there is no such topic; `PermissionDenied` when this user is
    /// not let in; `Invalid` for properties that cannot be, or without a group.
    pub async fn open(
        connection: &KafkaConnection,
        topic: &str,
        groups: &[(&str, Membership)],
        beginning: Beginning,
    ) -> Result<Self> {
        let Some((first, _)) = groups.first() else {
            return Err(Error::invalid(format!("topic \"{topic}\" is read for no group")));
        };
        let wake = Arc::new(Notify::new());
        let reader = consumer(connection, first, Role::Reader, &wake)?;
        let count = partition_count_in_time(&reader, topic).await?;
        let join =
            |group: &(&str, Membership)| Member::join(connection, *group, (topic, count), &wake);
        Ok(Self {
            members: groups.iter().map(join).collect::<Result<_>>()?,
            reader,
            topic: topic.to_owned(),
            names: (0..count).map(|number| format!("{topic}-{number}")).collect(),
            beginning,
            wake,
            reading: BTreeSet::new(),
            starting: BTreeMap::new(),
            held: None,
        })
    }

    /// The member of a group.
    ///
    /// # Errors
    /// `Internal` when there is no such group.
    pub(super) fn member(&self, group: usize) -> Result<&Member> {
        let count = self.members.len();
        self.members
            .get(group)
            .ok_or_else(|| Error::internal(format!("group {group} of {count} reads no topic")))
    }

    /// How far behind this reader is, for whoever watches it.
    pub fn lag(&self) -> Lag {
        Lag(Arc::clone(self.reader.context()))
    }

    /// The topic.
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// Begins to read the partitions that were started.
    fn begin(&mut self) -> Result<()> {
        if self.starting.is_empty() {
            return Ok(());
        }
        let starting = std::mem::take(&mut self.starting);
        let again: Vec<i32> =
            starting.keys().copied().filter(|number| !self.reading.insert(*number)).collect();
        self.stop(&again)?;
        let list = list(&self.topic, starting)?;
        self.reader.incremental_assign(&list).map_err(|error| self.failed(&error))
    }

    fn stop(&self, numbers: &[i32]) -> Result<()> {
        if numbers.is_empty() {
            return Ok(());
        }
        let numbers = numbers.iter().map(|number| (*number, Offset::Invalid));
        let list = list(&self.topic, numbers)?;
        self.reader.incremental_unassign(&list).map_err(|error| self.failed(&error))
    }

    /// The next change of what a group has.
    fn changed(&mut self) -> Result<Option<Polled>> {
        for at in 0..self.members.len() {
            if let Some(error) = self.members[at].hear() {
                self.noticed(&error)?;
            }
            if let Some(change) = self.members[at].next()? {
                return self.told(at, &change).map(Some);
            }
        }
        Ok(None)
    }

    fn told(&self, group: usize, change: &Change) -> Result<Polled> {
        let (Change::Assigned(numbers) | Change::Revoked(numbers)) = change;
        let known = self.names.len();
        let positions: Vec<usize> =
            numbers.iter().filter_map(|number| usize::try_from(*number).ok()).collect();
        if let Some(new) = positions.iter().find(|number| **number >= known) {
            let message = format!("topic \"{}\" has a new partition {new}", self.topic);
            return Err(Error::new(ErrorKind::Conflict, message));
        }
        Ok(match change {
            Change::Assigned(_) => Polled::Assigned(Readers::One(group), positions),
            Change::Revoked(_) => Polled::Revoked(Readers::One(group), positions),
        })
    }

    /// Takes what is here, of one partition.
    fn drain(&mut self, most: usize, events: &mut RawEvents) -> Result<()> {
        if let Some(held) = self.held.take() {
            push(events, held.partition, held.offset, &held.event);
        }
        while events.len() < most
            && events.bytes() < MOST_BYTES
            && !self.members.iter().any(Member::has_news)
        {
            match self.reader.poll(Duration::ZERO) {
                None => break,
                Some(Err(error)) => self.noticed(&error)?,
                Some(Ok(message)) => {
                    let offset = u64::try_from(message.offset()).unwrap_or_default();
                    let Some(event) = message.payload() else { continue };
                    let partition = message.partition();
                    if events.is_empty() || is_of(events, &message) {
                        push(events, partition, offset, event);
                    } else {
                        self.held = Some(Held { partition, offset, event: event.to_vec() });
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    /// Brokers that go away come back: the client tries for ever, and what it says of it is logged.
    fn noticed(&self, error: &KafkaError) -> Result<()> {
        let found = self.failed(error);
        match (found.kind(), error.rdkafka_error_code()) {
            (ErrorKind::Unavailable, _) => Ok(()),
            // Was there when reading began. A broker that has just started may not know it yet.
            (
                _,
                Some(Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition),
            ) => Err(Error::new(ErrorKind::Conflict, found.message())),
            _ => Err(found),
        }
    }

    fn failed(&self, error: &KafkaError) -> Error {
        failed(format_args!("topic \"{}\" cannot be read", self.topic), error)
    }
}

/// How many messages are there and not read.
#[derive(Debug, Clone)]
pub struct Lag(Arc<Assignments>);

impl Lag {
    /// Messages of all partitions that are read here, as of a few seconds ago; `None` before anything is known.
    pub fn messages(&self) -> Option<u64> {
        let lag = self.0.lag();
        let sum = lag.values().map(|lag| u64::try_from(*lag).unwrap_or_default()).sum();
        (!lag.is_empty()).then_some(sum)
    }
}

fn is_of(events: &RawEvents, message: &BorrowedMessage<'_>) -> bool {
    usize::try_from(message.partition()).is_ok_and(|partition| partition == events.partition)
}

fn push(events: &mut RawEvents, partition: i32, offset: u64, event: &[u8]) {
    events.partition = usize::try_from(partition).unwrap_or_default();
    events.next_offset = offset + 1;
    events.push(event, offset);
}

fn number(partition: usize) -> i32 {
    i32::try_from(partition).unwrap_or(i32::MAX)
}

#[async_trait]
impl EventSource for KafkaSource {
    fn partitions(&self) -> &[String] {
        &self.names
    }

    async fn poll(&mut self, most: usize, events: &mut RawEvents) -> Result<Polled> {
        for is_last in [false, true] {
            if let Some(changed) = self.changed()? {
                return Ok(changed);
            }
            self.begin()?;
            self.drain(most, events)?;
            if !events.is_empty() {
                return Ok(Polled::Events);
            }
            if !is_last {
                // Running out of time is an answer too.
                tokio::time::timeout(WAIT, self.wake.notified()).await.ok();
            }
        }
        Ok(Polled::Nothing)
    }

    async fn beginning(&mut self, partition: usize) -> Result<Option<u64>> {
        first_offset(&self.reader, &self.topic, number(partition), self.beginning).await.map(Some)
    }

    async fn start(&mut self, partition: usize, next_offset: Option<u64>) -> Result<()> {
        let next = match next_offset {
            Some(next) => next,
            None => self.beginning(partition).await?.unwrap_or_default(),
        };
        let partition = number(partition);
        self.held.take_if(|held| held.partition == partition);
        self.starting.insert(partition, Offset::Offset(i64::try_from(next).unwrap_or(i64::MAX)));
        Ok(())
    }

    async fn release(&mut self, readers: Readers, partitions: &[usize]) -> Result<()> {
        let numbers: Vec<i32> = partitions.iter().map(|partition| number(*partition)).collect();
        for (at, member) in self.members.iter_mut().enumerate() {
            if readers == Readers::All || readers == Readers::One(at) {
                member.release(&numbers)?;
            }
        }
        let is_left = |number: &i32| !self.members.iter().any(|member| member.owns(*number));
        let left: Vec<i32> = numbers.into_iter().filter(is_left).collect();
        self.starting.retain(|number, _| !left.contains(number));
        self.held.take_if(|held| left.contains(&held.partition));
        self.reader.context().forget_lag(&left);
        let read: Vec<i32> = left.into_iter().filter(|left| self.reading.remove(left)).collect();
        self.stop(&read)
    }
}

impl Drop for KafkaSource {
    fn drop(&mut self) {
        self.reader.context().close();
        self.members.iter_mut().for_each(Member::leave);
    }
}

impl fmt::Debug for KafkaSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaSource")
            .field("topic", &self.topic)
            .field("members", &self.members)
            .field("beginning", &self.beginning)
            .finish_non_exhaustive()
    }
}
