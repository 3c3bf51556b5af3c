//! A producer whose messages count when the events that they came from do.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use larder_core::{Error, ErrorKind, Result};
use rdkafka::TopicPartitionList;
use rdkafka::consumer::ConsumerGroupMetadata;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};

use super::KafkaConnection;
use super::client::Logged;
use super::consumer::{PATIENCE, blocking};
use super::error::{coded, failed};

/// Pause while the queue of messages is full.
const PAUSE: Duration = Duration::from_millis(5);

/// Time between two looks at whether every message arrived.
const GLANCE: Duration = Duration::from_millis(1);

/// How long a broker waits for the end of a transaction, unless properties say otherwise.
const TRANSACTION_TIMEOUT: &str = "transaction.timeout.ms";
/// As Kafka Streams has it: so long readers of committed messages wait for what a dead instance left open.
const TRANSACTION_MILLIS: u64 = 10_000;

/// Unless properties say otherwise: codec, pause for fuller batches, kilobytes that may wait.
const DEFAULTS: [(&str, &str); 3] =
    [("compression.type", "zstd"), ("linger.ms", "5"), ("queue.buffering.max.kbytes", "65536")];

const OWN_NAME: &str = "another instance of the job took over: one that shares a topic has a name of its own with --instance";

/// One transactional producer, which the sinks of a job and its log of commits share.
///
/// Messages are of a transaction that the first of them begins and a commit ends. A second producer of the same
/// transactional id takes the place of the first, whose open transaction is undone.
#[derive(Clone)]
pub struct KafkaProducer {
    shared: Arc<Shared>,
}

struct Shared {
    producer: BaseProducer<Logged>,
    id: String,
    timeout: Duration,
    phase: Mutex<Phase>,
}

/// How far a transaction is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    None,
    Open {
        since: Instant,
    },
    /// The offsets are in it: nothing but its end can follow.
    Ending {
        since: Instant,
    },
}

impl KafkaProducer {
    /// A producer of this transactional id. What an earlier one left open is undone.
    ///
    /// # Errors
    /// `Unavailable` when no broker answers; `PermissionDenied` when this user is not let in; `Invalid` for properties
    /// that cannot be.
    pub async fn open(connection: &KafkaConnection, id: &str) -> Result<Self> {
        Self::with(connection, id, &DEFAULTS).await
    }

    /// As [`open`](Self::open), for what is read once and soon: packing it costs less and saves less.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn open_for_blocks(connection: &KafkaConnection, id: &str) -> Result<Self> {
        let quick = DEFAULTS.map(|(name, value)| match name {
            "compression.type" => (name, "lz4"),
            _ => (name, value),
        });
        Self::with(connection, id, &quick).await
    }

    async fn with(
        connection: &KafkaConnection,
        id: &str,
        defaults: &[(&str, &str)],
    ) -> Result<Self> {
        let mut config = connection.client();
        for (name, value) in defaults {
            if connection.property(name).is_none() {
                config.set(*name, *value);
            }
        }
        let millis = connection.property(TRANSACTION_TIMEOUT).and_then(|text| text.parse().ok());
        let millis = millis.unwrap_or(TRANSACTION_MILLIS);
        config
            .set(TRANSACTION_TIMEOUT, millis.to_string())
            .set("transactional.id", id)
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("partitioner", "murmur2_random");
        let producer: BaseProducer<Logged> = config
            .create_with_context(Logged::default())
            .map_err(|error| failed("no Kafka producer can be made", &error))?;
        let shared = Shared {
            producer,
            id: id.to_owned(),
            timeout: Duration::from_millis(millis),
            phase: Mutex::new(Phase::None),
        };
        let opened = Self { shared: Arc::new(shared) };
        let shared = Arc::clone(&opened.shared);
        blocking(move || {
            let done = shared.producer.init_transactions(PATIENCE);
            done.map_err(|error| shared.failed(&error))
        })
        .await??;
        Ok(opened)
    }

    /// Puts a message into the transaction. Waits for room while too many are on their way.
    ///
    /// # Errors
    /// As [`commit`](Self::commit).
    pub async fn send(&self, topic: &str, key: &[u8], value: &[u8]) -> Result<()> {
        self.put(topic, BaseRecord::to(topic).key(key).payload(value)).await
    }

    /// As [`send`](Self::send), to this partition.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub(super) async fn send_to(&self, topic: &str, partition: i32, value: &[u8]) -> Result<()> {
        let record = BaseRecord::<[u8], [u8]>::to(topic).partition(partition).payload(value);
        self.put(topic, record).await
    }

    async fn put(&self, topic: &str, mut record: BaseRecord<'_, [u8], [u8]>) -> Result<()> {
        self.shared.begin()?;
        loop {
            // Only this frees the room of messages that arrived.
            self.shared.producer.poll(Duration::ZERO);
            match self.shared.producer.send(record) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(Code::QueueFull), again)) => {
                    record = again;
                    tokio::time::sleep(PAUSE).await;
                }
                Err((error, _)) => return Err(self.shared.refused(topic, &error)),
            }
        }
    }

    /// Ends the transaction: its messages and these offsets of groups count from now on, or none of them.
    ///
    /// # Errors
    /// `Unavailable` when no broker answers: it may be tried again with the same offsets. `Conflict` when the
    /// transaction was undone: what it held must be made anew from the last commit. `AlreadyExists` when another
    /// producer of this transactional id took over.
    pub(super) async fn commit(
        &self,
        offsets: Vec<(TopicPartitionList, ConsumerGroupMetadata)>,
    ) -> Result<()> {
        let shared = Arc::clone(&self.shared);
        blocking(move || shared.commit(&offsets)).await?
    }
}

impl Shared {
    fn phase(&self) -> MutexGuard<'_, Phase> {
        self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self) -> Result<()> {
        let mut phase = self.phase();
        if *phase == Phase::None {
            self.producer.begin_transaction().map_err(|error| self.undone(&error, &mut phase))?;
            *phase = Phase::Open { since: Instant::now() };
        }
        Ok(())
    }

    fn commit(&self, offsets: &[(TopicPartitionList, ConsumerGroupMetadata)]) -> Result<()> {
        self.begin()?;
        let mut phase = self.phase();
        if let Phase::Open { since } = *phase {
            for (offsets, group) in offsets {
                let sent = self.producer.send_offsets_to_transaction(offsets, group, PATIENCE);
                sent.map_err(|error| self.undone(&error, &mut phase))?;
            }
            *phase = Phase::Ending { since };
        }
        self.deliver()?;
        self.producer
            .commit_transaction(PATIENCE)
            .map_err(|error| self.undone(&error, &mut phase))?;
        *phase = Phase::None;
        Ok(())
    }

    /// Waits until every message arrived. The client's own waiting looks at what arrived every 100 ms only.
    fn deliver(&self) -> Result<()> {
        let begun = Instant::now();
        loop {
            match self.producer.flush(Duration::ZERO) {
                Ok(()) => return Ok(()),
                Err(KafkaError::Flush(Code::OperationTimedOut)) if begun.elapsed() < PATIENCE => {
                    self.producer.poll(GLANCE);
                }
                Err(error) => return Err(self.failed(&error)),
            }
        }
    }

    /// What a failed step of the transaction means; one that cannot go on is undone.
    fn undone(&self, error: &KafkaError, phase: &mut Phase) -> Error {
        let KafkaError::Transaction(cause) = error else { return self.failed(error) };
        if cause.txn_requires_abort() {
            if let Err(error) = self.producer.abort_transaction(PATIENCE) {
                tracing::warn!(target: "kafka", "{error}");
            }
            *phase = Phase::None;
            return self.conflict(error);
        }
        // A transaction that the broker gave up because it took too long looks like one that another took over.
        let found = self.failed(error);
        match found.kind() {
            ErrorKind::AlreadyExists if self.is_overdue(*phase) => self.conflict(error),
            ErrorKind::AlreadyExists => found.with_hint(OWN_NAME),
            _ if cause.is_fatal() => self.conflict(error),
            _ => found,
        }
    }

    /// What a message that is not taken means. It is never given once more: others of its rows may have been taken.
    fn refused(&self, topic: &str, error: &KafkaError) -> Error {
        if let Some((code, _)) = self.producer.client().fatal_error() {
            let found = coded(format_args!("transaction of \"{}\"", self.id), code);
            if found.kind() == ErrorKind::AlreadyExists && !self.is_overdue(*self.phase()) {
                return found.with_hint(OWN_NAME);
            }
            return self.conflict(error);
        }
        let found = failed(format_args!("topic \"{topic}\" takes no rows"), error);
        if found.kind() == ErrorKind::Unavailable { self.conflict(error) } else { found }
    }

    /// Whether the broker may have given the transaction up because it took too long.
    fn is_overdue(&self, phase: Phase) -> bool {
        match phase {
            Phase::None => false,
            Phase::Open { since } | Phase::Ending { since } => since.elapsed() >= self.timeout,
        }
    }

    fn conflict(&self, error: &KafkaError) -> Error {
        let message = format!("transaction of \"{}\" was undone: {error}", self.id);
        Error::new(ErrorKind::Conflict, message)
    }

    fn failed(&self, error: &KafkaError) -> Error {
        failed(format_args!("transaction of \"{}\"", self.id), error)
    }
}

impl fmt::Debug for KafkaProducer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaProducer").field("id", &self.shared.id).finish_non_exhaustive()
    }
}
