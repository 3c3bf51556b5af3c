//! A topic up to where it ends now, and jobs over it whose rows are summed.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use async_trait::async_trait;
use clap::Args;
use larder_stream_features::{
    Beginning, EventSource, Input, KafkaConnection, KafkaSource, Membership, Polled, RawEvents,
    Readers, SchemaDirectory, load_jobs,
};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};

use super::super::engine;

/// What is run.
#[derive(Debug, Args)]
pub(crate) struct TopicOptions {
    /// A repository with the definitions.
    repository: PathBuf,
    /// Brokers.
    servers: String,
    topic: String,
    /// The file that takes what the rows sum to.
    digest: PathBuf,
    /// The jobs; without one the events are read and forgotten.
    jobs: Vec<String>,
}

/// Ends where the topic ended when it was opened.
#[derive(Debug)]
struct Bounded {
    source: KafkaSource,
    ends: Vec<u64>,
    /// Partitions that have ended and were not told, and those that are read.
    ended: Vec<usize>,
    open: usize,
}

#[async_trait]
impl EventSource for Bounded {
    fn partitions(&self) -> &[String] {
        self.source.partitions()
    }

    async fn poll(&mut self, most: usize, events: &mut RawEvents) -> larder_core::Result<Polled> {
        if let Some(ended) = self.ended.pop() {
            self.open -= 1;
            return Ok(Polled::Ended(ended));
        }
        if self.open == 0 {
            return Ok(Polled::Finished);
        }
        let polled = self.source.poll(most, events).await?;
        if polled == Polled::Events && events.next_offset >= self.ends[events.partition] {
            self.ended.push(events.partition);
        }
        Ok(polled)
    }

    async fn start(&mut self, partition: usize, next: Option<u64>) -> larder_core::Result<()> {
        self.source.start(partition, next).await
    }

    async fn release(&mut self, readers: Readers, partitions: &[usize]) -> larder_core::Result<()> {
        self.source.release(readers, partitions).await
    }
}

/// Where every partition of a topic ends now.
pub(super) fn ends(servers: &str, topic: &str) -> Result<Vec<u64>> {
    let consumer: BaseConsumer = ClientConfig::new().set("bootstrap.servers", servers).create()?;
    let patience = Duration::from_secs(30);
    let metadata = consumer.fetch_metadata(Some(topic), patience)?;
    let partitions = metadata.topics().first().map_or(0, |topic| topic.partitions().len());
    ensure!(partitions > 0, "topic {topic} is there");
    let end = |partition| {
        let (_, end) = consumer.fetch_watermarks(topic, i32::try_from(partition)?, patience)?;
        Ok(u64::try_from(end)?)
    };
    (0..partitions).map(end).collect()
}

/// Runs jobs over the topic as it is.
pub(crate) fn run(options: &TopicOptions) -> Result<()> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let source = runtime.block_on(open(options))?;
    if options.jobs.is_empty() {
        return runtime.block_on(read(source));
    }
    let definitions = load_jobs(&options.repository)?;
    let first = definitions.first().context("there is a job")?;
    let schemas = Arc::new(SchemaDirectory::new(options.repository.join(first.writer_schemas())));
    let input = Input::Source(Box::new(source), schemas);
    engine::sums(&runtime, &options.repository, &options.jobs, input, &options.digest)
}

async fn open(options: &TopicOptions) -> Result<Bounded> {
    let ends = ends(&options.servers, &options.topic)?;
    let connection = KafkaConnection::new(&options.servers);
    let group = [("larder-bench-engine", Membership::Whole)];
    let source =
        KafkaSource::open(&connection, &options.topic, &group, Beginning::Earliest).await?;
    // A partition without events has ended before it begins.
    let ended: Vec<usize> = (0..ends.len()).filter(|at| ends[*at] == 0).collect();
    ensure!(ended.is_empty(), "every partition has events");
    Ok(Bounded { source, open: ends.len(), ends, ended })
}

/// What merely reading costs.
async fn read(mut source: Bounded) -> Result<()> {
    let mut events = RawEvents::default();
    loop {
        events.clear();
        match source.poll(4_096, &mut events).await? {
            Polled::Finished => return Ok(()),
            Polled::Assigned(_, partitions) => {
                for partition in partitions {
                    source.start(partition, Some(0)).await?;
                }
            }
            _ => {}
        }
    }
}
