//! The parts of a job over a topic: one, or two with a topic in between.

use std::time::Duration;

use larder_core::{Error, Result};
use larder_registry::RepoConfig;
use larder_stream_features::{
    Beginning, JobDefinition, JobReport, KafkaCommitLog, KafkaConnection, KafkaProducer,
    KafkaSource, Membership, Sink, Stage, TopicBlocks, TopicEvents, TopicSpec,
};

use super::topic_run::TopicExecution;
use crate::compose::StreamTargets;

/// Time between two requests to remove from the topic in between what was read.
const PURGE_INTERVAL: Duration = Duration::from_secs(30);

/// Which part of a job a run does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// All of it.
    Whole,
    /// From the source to the topic in between, by key.
    Forward,
    /// From there to where rows go.
    Keyed,
}

/// Where a part reads, and as whom.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) group: String,
    pub(super) topic: String,
    pub(super) membership: Membership,
    pub(super) beginning: Beginning,
    /// The transactional id.
    pub(super) id: String,
    /// What tells its file of dead letters apart.
    pub(super) letters: String,
}

/// The topic between the parts of the job of this consumer group. The group that reads it has the same name.
pub(super) fn topic(group: &str) -> String {
    format!("{group}.repartition")
}

/// The topics between the parts of jobs, with their names.
pub(super) fn topics(config: &RepoConfig, jobs: &[JobDefinition]) -> Vec<(String, TopicSpec)> {
    let between = |job: &JobDefinition| {
        let group = super::topic_run::group(config, job.name());
        Some((topic(&group), TopicSpec::repartition(job.repartition()?)))
    };
    jobs.iter().filter_map(between).collect()
}

impl Place {
    /// Of a part of the job of this consumer group, whose events are in this topic.
    pub(super) fn of(
        part: Part,
        job: &JobDefinition,
        group: &str,
        source: &str,
        execution: &TopicExecution,
    ) -> Self {
        let instance = execution.instance.as_str();
        let place = Self {
            group: group.to_owned(),
            topic: source.to_owned(),
            membership: Membership::Shared,
            beginning: execution.beginning,
            id: format!("{group}.{instance}"),
            letters: instance.to_owned(),
        };
        match part {
            Part::Whole if job.is_shared() => place,
            Part::Whole => Self { membership: Membership::Whole, id: group.to_owned(), ..place },
            // No name of an instance has a slash.
            Part::Forward => Self { id: format!("{group}.{instance}/forward"), ..place },
            Part::Keyed => Self {
                group: topic(group),
                topic: topic(group),
                // What the first part tells is wanted from the first message on.
                beginning: Beginning::Earliest,
                letters: format!("{instance}.repartition"),
                ..place
            },
        }
    }
}

/// A part of a job, with where it reads.
#[derive(Debug)]
pub(super) struct JobPart<'a> {
    pub(super) job: &'a JobDefinition,
    pub(super) part: Part,
    pub(super) place: Place,
}

/// The parts of jobs; those that can share the reading and the decoding of a topic, together.
///
/// # Errors
/// `Invalid` for a job that names no topic.
pub(super) fn by_topic<'a>(
    config: &RepoConfig,
    jobs: &'a [JobDefinition],
    execution: &TopicExecution,
) -> Result<Vec<Vec<JobPart<'a>>>> {
    let mut topics: Vec<Vec<JobPart<'a>>> = Vec::new();
    for job in jobs {
        let source = job.source_topic().ok_or_else(|| {
            let message =
                format!("job \"{}\" does not say which topic its events are in", job.name());
            Error::invalid(message).with_hint("name it as source.topic in its definition")
        })?;
        let group = super::topic_run::group(config, job.name());
        let parts = match job.repartition() {
            None => &[Part::Whole][..],
            Some(_) => &[Part::Forward, Part::Keyed],
        };
        for part in parts {
            let place = Place::of(*part, job, &group, source, execution);
            let part = JobPart { job, part: *part, place };
            match topics.iter_mut().find(|topic| topic[0].shares_reading(&part)) {
                Some(topic) => topic.push(part),
                None => topics.push(vec![part]),
            }
        }
    }
    Ok(topics)
}

impl JobPart<'_> {
    /// Whether one reading serves both: what is between the parts of a job is read by nobody else.
    fn shares_reading(&self, other: &Self) -> bool {
        self.part != Part::Keyed
            && other.part != Part::Keyed
            && self.job.shares_source(other.job)
            && self.job.source_servers() == other.job.source_servers()
    }

    pub(super) async fn producer(&self, connection: &KafkaConnection) -> Result<KafkaProducer> {
        let id = self.place.id.as_str();
        match self.part {
            Part::Forward => KafkaProducer::open_for_blocks(connection, id).await,
            Part::Whole | Part::Keyed => KafkaProducer::open(connection, id).await,
        }
    }

    /// What makes its progress true; the source knows its group by a position.
    pub(super) fn log(
        &self,
        (source, at): (&KafkaSource, usize),
        producer: KafkaProducer,
        connection: &KafkaConnection,
    ) -> Result<KafkaCommitLog> {
        let log = KafkaCommitLog::new(source, at, producer)?;
        match self.part {
            Part::Keyed => log.purging(connection, PURGE_INTERVAL),
            Part::Whole | Part::Forward => Ok(log),
        }
    }

    /// What the run of the part is told.
    ///
    /// # Errors
    /// As [`TopicBlocks::open`], for both sides of the topic in between.
    pub(super) async fn stage(
        &self,
        group: &str,
        connection: &KafkaConnection,
        log: &KafkaCommitLog,
        producer: &KafkaProducer,
    ) -> Result<Stage> {
        if self.part == Part::Whole {
            return Ok(Stage::Whole);
        }
        let forward = forward(self.job, group, log, producer).await?;
        if self.part == Part::Forward {
            return Ok(forward);
        }
        let events = self.job.source_topic().unwrap_or_default();
        Ok(Stage::Keyed(Box::new(TopicEvents::new(connection, (group, events)))))
    }

    pub(super) fn sinks(
        &self,
        targets: &StreamTargets<'_>,
        producer: &KafkaProducer,
    ) -> Result<Vec<Box<dyn Sink>>> {
        match self.part {
            Part::Forward => Ok(Vec::new()),
            Part::Whole | Part::Keyed => targets.topic_sinks(self.job, producer),
        }
    }
}

/// The first part of a job, to the topic in between.
///
/// # Errors
/// As [`TopicBlocks::open`].
pub(super) async fn forward(
    job: &JobDefinition,
    group: &str,
    log: &KafkaCommitLog,
    producer: &KafkaProducer,
) -> Result<Stage> {
    let partitions = job.repartition().unwrap_or_default();
    let blocks = TopicBlocks::open(log, producer.clone(), &topic(group), partitions).await?;
    Ok(Stage::Forward(Box::new(blocks)))
}

/// What became of the events of a job, from the reports of its parts: the first counts events, the second their rows.
pub(super) fn of_parts(job: &JobDefinition, reports: &[(Part, JobReport)]) -> JobReport {
    let of = |wanted: Part| {
        let is_it =
            |(part, report): &&(Part, JobReport)| *part == wanted && report.job == job.name();
        reports.iter().find(is_it).map(|(_, report)| report.clone())
    };
    match (of(Part::Forward), of(Part::Keyed)) {
        (Some(first), Some(second)) => JobReport {
            rows: second.rows,
            keys: second.keys,
            dead_letters: first.dead_letters + second.dead_letters,
            ..first
        },
        _ => of(Part::Whole).unwrap_or_else(|| nothing(job)),
    }
}

/// The report of a job that has not done anything.
pub(super) fn nothing(job: &JobDefinition) -> JobReport {
    JobReport { job: job.name().to_owned(), ..JobReport::default() }
}
