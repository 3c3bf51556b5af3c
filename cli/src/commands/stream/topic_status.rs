//! How far jobs have come in their topics.

use larder_core::{ErrorKind, Result, Timestamp};
use larder_registry::RepoConfig;
use larder_stream_features::{JobDefinition, JobProgress, PartitionProgress, TopicProgress};
use serde_json::{Value, json};

use super::topic_run::group;
use super::{repartition, status};
use crate::compose;

/// How often it is looked again, where a running job removes what is being looked at.
const LOOKS: u32 = 3;

/// Progress of a job in its topic.
#[derive(Debug)]
pub(super) struct TopicStatus {
    topic: String,
    group: String,
    progress: TopicProgress,
    /// Only groups that share partitions have members.
    is_shared: bool,
    /// The last checkpoint, where its files are here.
    pub(super) state: Option<JobProgress>,
}

impl TopicStatus {
    /// Looks at the topic and the state of a job, which may be running.
    ///
    /// # Errors
    /// As [`TopicProgress::read`]; `Data` for a checkpoint that cannot be understood.
    pub(super) async fn read(config: &RepoConfig, job: &JobDefinition) -> Result<Option<Self>> {
        let Some(topic) = job.source_topic().filter(|_| is_on_topics(config, job)) else {
            return Ok(None);
        };
        let connection = compose::kafka(config, job.source_servers())?;
        let group = group(config, job.name());
        let mut looks = 0;
        loop {
            let progress = TopicProgress::read(&connection, &group, topic).await;
            let about =
                |error: larder_core::Error| error.context(format_args!("job \"{}\"", job.name()));
            let progress = progress.map_err(about)?;
            let state = state(config, job, topic, &progress).await;
            looks += 1;
            match state {
                Err(error) if error.kind() == ErrorKind::Data && looks < LOOKS => {}
                state => {
                    let (state, topic) = (state.map_err(about)?, topic.to_owned());
                    let is_shared = job.is_shared();
                    return Ok(Some(Self { topic, group, progress, is_shared, state }));
                }
            }
        }
    }

    /// Messages that are there and not committed.
    pub(super) fn lag(&self) -> u64 {
        self.progress.lag()
    }

    pub(super) fn json(&self, now: Timestamp) -> Value {
        let partition = |(number, partition): (usize, &PartitionProgress)| {
            json!({
                "partition": number,
                "committed": partition.committed.map(|position| position.next_offset),
                "first": partition.first,
                "end": partition.end,
                "lag": partition.lag(),
            })
        };
        let partitions = self.progress.partitions.iter().enumerate().map(partition);
        json!({
            "topic": self.topic,
            "group": self.group,
            "members": self.is_shared.then_some(self.progress.members),
            "lag": self.lag(),
            "checkpoint": self.state.as_ref().map(|state| status::state(state, now)),
            "partitions": partitions.collect::<Vec<_>>(),
        })
    }
}

/// Whether `fs stream run` reads a topic for this job.
pub(super) fn is_on_topics(config: &RepoConfig, job: &JobDefinition) -> bool {
    let has_brokers = config.stream.kafka.is_some() || job.source_servers().is_some();
    job.source_topic().is_some() && has_brokers
}

/// What a job keeps in its folder, as of what the brokers say is committed.
pub(super) async fn state(
    config: &RepoConfig,
    job: &JobDefinition,
    topic: &str,
    progress: &TopicProgress,
) -> Result<Option<JobProgress>> {
    if config.stream.state.is_none() && !compose::topic_folder(config, job.name()).is_dir() {
        return Ok(None);
    }
    if job.repartition().is_some() {
        return state_of_keys(config, job).await;
    }
    of_positions(config, job, topic, progress).await
}

/// What the second part of a repartitioned job keeps: the first has no state.
async fn state_of_keys(config: &RepoConfig, job: &JobDefinition) -> Result<Option<JobProgress>> {
    let connection = compose::kafka(config, job.source_servers())?;
    let between = repartition::topic(&group(config, job.name()));
    match TopicProgress::read(&connection, &between, &between).await {
        Ok(progress) => of_positions(config, job, &between, &progress).await,
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

async fn of_positions(
    config: &RepoConfig,
    job: &JobDefinition,
    topic: &str,
    progress: &TopicProgress,
) -> Result<Option<JobProgress>> {
    let partitions = progress.partitions.iter().enumerate();
    let positions = partitions.filter_map(|(number, partition)| {
        Some((format!("{topic}-{number}"), partition.committed?))
    });
    let store = compose::topic_state(config, job.name())?;
    JobProgress::of(&store, positions.collect(), job.name()).await
}
