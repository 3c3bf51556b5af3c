//! Dead letters of runs over topics.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use larder_core::{Clock as _, Error, ErrorKind, Result, Timestamp};
use larder_registry::RepoConfig;
use larder_stream_features::{
    DeadLetter, DeadLetterFile, Input, JobDefinition, JobGroup, JobProgress, JobReport, JobRun,
    KafkaCommitLog, KafkaConnection, KafkaProducer, LetterSource, LetterTopic, Progress,
    RunOptions, Stage, TopicProgress, Until, run_jobs,
};

use super::job_state::TopicLock;
use super::observers::HeldBack;
use super::repartition;
use super::topic_run::group;
use super::topic_status;
use crate::clock::SystemClock;
use crate::compose::{self, StreamTargets};
use crate::repository::Repository;

/// How long a broker waits for the end of a replay, which is one transaction.
const TRANSACTION: Duration = Duration::from_mins(5);

/// A job over a topic, as far as its dead letters go.
#[derive(Debug)]
pub(super) struct TopicLetters<'a> {
    config: &'a RepoConfig,
    job: &'a JobDefinition,
    topic: &'a str,
    instance: &'a str,
    connection: KafkaConnection,
}

/// What a replay did.
#[derive(Debug)]
pub(super) struct Replayed {
    pub(super) letters: u64,
    pub(super) report: JobReport,
    pub(super) place: PathBuf,
    pub(super) started: Timestamp,
}

impl<'a> TopicLetters<'a> {
    /// The letters of a job's runs over its topic. `instance` names the file of those that read all partitions.
    ///
    /// # Errors
    /// `Invalid` when the job has no topic, or when no brokers are named.
    pub(super) fn of(
        config: &'a RepoConfig,
        job: &'a JobDefinition,
        instance: &'a str,
    ) -> Result<Self> {
        let topic = job.source_topic().ok_or_else(|| {
            Error::invalid(format!("job \"{}\" has no topic", job.name()))
                .with_hint("--source file is about its runs over files")
        })?;
        let connection = compose::kafka(config, job.source_servers())?;
        Ok(Self { config, job, topic, instance, connection })
    }

    /// The letters that were not tried again since.
    ///
    /// # Errors
    /// `Unavailable` when no broker answers; `Data` for a file that holds something else.
    pub(super) async fn list(&self) -> Result<Vec<DeadLetter>> {
        if let Some(topic) = self.letter_topic().await? {
            return Ok(topic.letters().to_vec());
        }
        let progress = self.progress().await?;
        self.in_files(&progress).await
    }

    async fn progress(&self) -> Result<TopicProgress> {
        let group = group(self.config, self.job.name());
        TopicProgress::read(&self.connection, &group, self.topic).await
    }

    /// `None` where the letters are in files.
    async fn letter_topic(&self) -> Result<Option<LetterTopic>> {
        let Some(topic) = self.job.dead_letter_topic() else { return Ok(None) };
        let group = format!("{}:dead-letters", group(self.config, self.job.name()));
        let read = LetterTopic::read(&self.connection, (&group, topic), self.job.name());
        read.await.map(Some)
    }

    async fn in_files(&self, progress: &TopicProgress) -> Result<Vec<DeadLetter>> {
        let folder = compose::topic_folder(self.config, self.job.name());
        if self.job.is_shared() {
            return every_instance(&folder);
        }
        let state = topic_status::state(self.config, self.job, self.topic, progress).await?;
        let Some(JobProgress { letters, .. }) = state else { return Ok(Vec::new()) };
        DeadLetterFile::read(&folder.join(compose::letter_file(self.instance)), letters)
    }

    /// Gives the letters to the job again: one more run on its state, in one transaction with the rows that follow and
    /// with what says that they were tried.
    ///
    /// # Errors
    /// `Conflict` while the job runs, and when it was begun in the meantime: then nothing has changed.
    pub(super) async fn replay(&self, repository: &Repository) -> Result<Option<Replayed>> {
        let _lock = TopicLock::alone(self.config, self.job.name())?;
        self.refuse_files_of_many()?;
        let started = SystemClock.now();
        let producer = self.producer().await?;
        // What is read from here on is what nobody else can change any more.
        let progress = self.progress().await?;
        self.refuse_running(&progress)?;
        let topic = self.letter_topic().await?;
        let found = match &topic {
            Some(topic) => topic.letters().to_vec(),
            None => self.in_files(&progress).await?,
        };
        let letters = self.committed(found, &progress)?;
        if letters.is_empty() {
            return Ok(None);
        }
        let count = letters.len() as u64;
        let group = group(self.config, self.job.name());
        let log = KafkaCommitLog::open(&self.connection, (&group, self.topic), producer.clone())?;
        let log = match topic {
            Some(topic) => log.after(topic),
            None => log,
        };
        let names = (0..progress.partitions.len()).map(|number| format!("{}-{number}", self.topic));
        let source = LetterSource::new(letters, names);
        let report = self.run(repository, source, log, &producer).await?;
        let place = PathBuf::from(format!("kafka:{}", self.topic));
        Ok(Some(Replayed { letters: count, report, place, started }))
    }

    /// A file says nothing of which of its letters were tried, where several instances write such files.
    fn refuse_files_of_many(&self) -> Result<()> {
        if self.job.is_shared() && self.job.dead_letter_topic().is_none() {
            let message = format!(
                "the dead letters of job \"{}\" are in files of its instances, from where they cannot be replayed",
                self.job.name()
            );
            return Err(Error::unsupported(message)
                .with_hint("name a topic for them: dead_letters: {topic: TOPIC}"));
        }
        Ok(())
    }

    /// The producer takes the place of a run over all partitions. Instances that share them are of the group, in whose
    /// place nobody can commit.
    async fn producer(&self) -> Result<KafkaProducer> {
        let mut connection = self.connection.clone();
        connection.set("transaction.timeout.ms", &TRANSACTION.as_millis().to_string())?;
        let group = group(self.config, self.job.name());
        let id = if self.job.is_shared() { format!("{group}:replay") } else { group };
        match self.job.repartition() {
            None => KafkaProducer::open(&connection, &id).await,
            Some(_) => KafkaProducer::open_for_blocks(&connection, &id).await,
        }
    }

    fn refuse_running(&self, progress: &TopicProgress) -> Result<()> {
        let name = self.job.name();
        if progress.members > 0 {
            let members = progress.members;
            let message = format!("job \"{name}\" runs in {members} instances");
            return Err(Error::new(ErrorKind::Conflict, message)
                .with_hint("end them; one that was killed is of the group for ten seconds more"));
        }
        if progress.partitions.iter().all(|partition| partition.committed.is_none()) {
            let message = format!("job \"{name}\" has never run over topic \"{}\"", self.topic);
            return Err(Error::new(ErrorKind::NotFound, message));
        }
        Ok(())
    }

    /// The letters of events that the job has behind it, each once: others are read again by its next run.
    fn committed(
        &self,
        letters: Vec<DeadLetter>,
        progress: &TopicProgress,
    ) -> Result<Vec<DeadLetter>> {
        let mut seen = HashSet::new();
        let mut kept = Vec::new();
        for letter in letters {
            let number = letter.partition.strip_prefix(self.topic);
            let number = number.and_then(|rest| rest.strip_prefix('-')?.parse::<usize>().ok());
            let partition = number.and_then(|number| progress.partitions.get(number));
            let Some(partition) = partition else {
                let message = format!(
                    "a dead letter of job \"{}\" is of {}, which is no partition of its topic",
                    self.job.name(),
                    letter.partition
                );
                return Err(Error::invalid(message));
            };
            let is_behind = partition.committed.is_some_and(|at| letter.offset < at.next_offset);
            if is_behind && seen.insert((number, letter.offset)) {
                kept.push(letter);
            }
        }
        Ok(kept)
    }

    async fn run(
        &self,
        repository: &Repository,
        source: LetterSource,
        log: KafkaCommitLog,
        producer: &KafkaProducer,
    ) -> Result<JobReport> {
        let (config, job) = (self.config, self.job);
        let catalog = repository.catalog()?;
        let targets = StreamTargets::new(config, &catalog, job.view().is_some(), None)?;
        let store = compose::topic_state(config, job.name())?;
        let (stage, sinks) = if job.repartition().is_some() {
            // Its next run takes what goes on from here.
            let group = group(config, job.name());
            (repartition::forward(job, &group, &log, producer).await?, Vec::new())
        } else {
            (Stage::Whole, targets.topic_sinks(job, producer)?)
        };
        let run = JobRun {
            sinks,
            stage,
            definition: job.clone(),
            dead_letters: compose::topic_letters(config, job, producer, self.instance)?,
        };
        let progress = Some(Progress { log: Box::new(log), store });
        let input = Input::Source(Box::new(source), compose::writer_schemas(config, job));
        let options = RunOptions {
            // What is open stays open: the job goes on.
            until: Until::Stopped,
            is_replay: true,
            commit_interval: Duration::MAX,
            observer: Arc::new(HeldBack::default()),
            ..RunOptions::default()
        };
        let groups = vec![JobGroup { jobs: vec![run], progress }];
        let reports = Box::pin(run_jobs(groups, input, options, &SystemClock)).await;
        let reports = reports.map_err(|error| match error.kind() {
            ErrorKind::Conflict => {
                error.with_hint("nothing was replayed: end the job, and replay again")
            }
            _ => error,
        })?;
        reports.into_iter().next().ok_or_else(|| Error::internal("a job without a report"))
    }
}

/// The letters in the files of all instances.
fn every_instance(folder: &std::path::Path) -> Result<Vec<DeadLetter>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => {
            let message = format!("{} cannot be read", folder.display());
            return Err(Error::new(ErrorKind::Unavailable, message).with_source(error));
        }
    };
    let is_letters = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with("dead-letters.") && path.extension().is_some_and(|end| end == "jsonl")
    };
    let mut paths: Vec<PathBuf> =
        entries.filter_map(|entry| Some(entry.ok()?.path())).filter(is_letters).collect();
    paths.sort();
    let mut letters = Vec::new();
    for path in paths {
        letters.extend(DeadLetterFile::read(&path, (0, u64::MAX))?);
    }
    Ok(letters)
}
