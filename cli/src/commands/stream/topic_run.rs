//! Runs jobs over topics until the program is told to end.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{join_all, try_join_all};
use larder_core::{Clock as _, Error, ErrorKind, Result, Timestamp};
use larder_registry::RepoConfig;
use larder_serving::StreamMetrics;
use larder_stream_features::{
    Beginning, Input, JobDefinition, JobGroup, JobReport, JobRun, KafkaConnection, KafkaProducer,
    KafkaSource, Lag, LogFiles, Progress, RunOptions, Standing, Stop, TopicAdmin, Until, run_jobs,
};
use tokio::sync::watch;

use super::job_state::TopicLock;
use super::lanes::{self, Lanes};
use super::metrics::MetricsPage;
use super::observers::{Logged, measured};
use super::repartition::{self, JobPart, Part, by_topic};
use super::status::{self, RunRecord};
use super::vitals::Recorder;
use crate::clock::SystemClock;
use crate::compose::{self, StreamTargets};
use crate::report;
use crate::repository::Repository;
use crate::stop_signal::StopSignal;

/// First and longest pause before a job begins again.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));

/// Time between two lines about how far a job is behind.
const LAG_INTERVAL: Duration = Duration::from_secs(10);

/// Looks at it in that time.
const LOOKS_PER_LINE: u32 = 10;

/// A run that lasted so long was a good one: the next pause is the first again.
const GOOD: Duration = Duration::from_mins(1);

/// How jobs are run over topics.
#[derive(Debug)]
pub(super) struct TopicExecution {
    /// Where a job begins that has committed nothing yet.
    pub(super) beginning: Beginning,
    /// Tells instances apart that share the partitions of a job.
    pub(super) instance: String,
    /// Whether state is forgotten first.
    pub(super) reset: bool,
    /// Where it can be watched.
    pub(super) page: Option<MetricsPage>,
}

/// Runs the jobs, those of one topic over one reading, each as a consumer group of its own, until one fails for good or a
/// signal comes.
pub(super) fn execute(
    repository: &Repository,
    jobs: &[JobDefinition],
    execution: &TopicExecution,
) -> Result<Vec<RunRecord>> {
    let config = repository.existing()?;
    let catalog = repository.catalog()?;
    let to_online = jobs.iter().any(|job| job.view().is_some());
    let observer = execution.page.as_ref().map(MetricsPage::of_store);
    let targets = StreamTargets::new(config, &catalog, to_online, observer)?;
    let topics = by_topic(config, jobs, execution)?;
    compose::block_on(async {
        let signal = StopSignal::catch()?;
        let lock = |job: &JobDefinition| TopicLock::shared(config, job.name());
        let _locks: Vec<TopicLock> = jobs.iter().map(lock).collect::<Result<_>>()?;
        let begun = SystemClock.now();
        if execution.reset {
            for job in jobs {
                forget(config, job).await?;
            }
        }
        let (sender, stop) = Stop::channel();
        let recorder = Recorder::new(config, &execution.instance);
        let runs = topics.into_iter().map(|parts| {
            let (targets, stop, recorder) = (&targets, &stop, &recorder);
            let run = TopicRun { config, targets, execution, parts, stop, recorder };
            let sender = &sender;
            async move {
                let ended = run.to_the_end().await;
                if ended.is_err() {
                    // The others commit and end too: half of the jobs of a program are not left running.
                    sender.send_replace(true);
                }
                ended
            }
        });
        let ended = until_signal(join_all(runs), signal, &sender).await;
        let reports: Vec<_> = ended.into_iter().collect::<Result<_>>()?;
        records(config, jobs, &reports.concat(), begun)
    })
}

/// Waits for all of them, and asks them to end when the signal comes.
async fn until_signal<T>(
    all: impl Future<Output = T>,
    signal: StopSignal,
    sender: &watch::Sender<bool>,
) -> T {
    let mut all = std::pin::pin!(all);
    tokio::select! {
        ended = &mut all => return ended,
        () = signal.received() => {}
    }
    sender.send_replace(true);
    all.await
}

/// Begins a job anew: the broker forgets the offsets first, because without them no state is looked for.
async fn forget(config: &RepoConfig, job: &JobDefinition) -> Result<()> {
    let admin = TopicAdmin::new(&compose::kafka(config, job.source_servers())?)?;
    let group = group(config, job.name());
    if job.repartition().is_some() {
        // The second part first: events that the first gives on again must not meet those that it gave on before.
        let between = repartition::topic(&group);
        admin.forget_group(&between).await?;
        admin.empty(&between).await?;
    }
    admin.forget_group(&group).await?;
    compose::topic_state(config, job.name())?.clear().await?;
    if job.has_log() {
        let log = compose::topic_log(config, job.name())?;
        for folder in LogFiles::folders(compose::LOG) {
            log.below(&folder).clear().await?;
        }
    }
    let folder = compose::topic_folder(config, job.name());
    match std::fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            let message = format!("{} cannot be removed", folder.display());
            Err(Error::new(ErrorKind::Unavailable, message).with_source(error))
        }
        _ => Ok(()),
    }
}

/// Takes down what became of the jobs.
fn records(
    config: &RepoConfig,
    jobs: &[JobDefinition],
    reports: &[(Part, JobReport)],
    begun: Timestamp,
) -> Result<Vec<RunRecord>> {
    let record = |job: &JobDefinition| {
        let place = PathBuf::from(format!("kafka:{}", job.source_topic().unwrap_or_default()));
        let report = repartition::of_parts(job, reports);
        let record = RunRecord::new(report, "run", &place, begun, SystemClock.now());
        status::save(config, &record)?;
        Ok(record)
    };
    jobs.iter().map(record).collect()
}

/// Jobs, or parts of jobs, over one topic.
struct TopicRun<'a> {
    config: &'a RepoConfig,
    targets: &'a StreamTargets<'a>,
    execution: &'a TopicExecution,
    parts: Vec<JobPart<'a>>,
    stop: &'a Stop,
    recorder: &'a Arc<Recorder>,
}

impl TopicRun<'_> {
    /// Runs the jobs again and again, from their last commits, while what ends them may pass.
    async fn to_the_end(&self) -> Result<Vec<(Part, JobReport)>> {
        let names = self.names();
        let connection = compose::kafka(self.config, self.parts[0].job.source_servers())?;
        let mut reports: Vec<JobReport> =
            self.parts.iter().map(|part| repartition::nothing(part.job)).collect();
        let (mut pause, longest) = PAUSES;
        loop {
            let started = SystemClock.now();
            let error = match self.once(&connection, &mut reports).await {
                Ok(()) if self.stop.is_requested() => return Ok(self.by_part(reports)),
                // The jobs have come near to each other, and go on together.
                Ok(()) => continue,
                Err(error) => error,
            };
            if !error.kind().is_retryable() {
                return Err(error.context(names));
            }
            if self.stop.is_requested() {
                // Nothing is lost: the next run goes on from the last commit.
                report::warning(format_args!("{names} ended without a last commit: {error}"));
                return Ok(self.by_part(reports));
            }
            let lasted = SystemClock.now().micros().saturating_sub(started.micros());
            if lasted >= i64::try_from(GOOD.as_micros()).unwrap_or(i64::MAX) {
                pause = PAUSES.0;
            }
            if let Some(metrics) = self.metrics() {
                for part in &self.parts {
                    metrics.restarted(part.job.name());
                }
            }
            tracing::warn!(pause_ms = pause.as_millis(), "{names} begins again: {error}");
            self.stop.within(pause).await;
            pause = (pause * 2).min(longest);
        }
    }

    fn by_part(&self, reports: Vec<JobReport>) -> Vec<(Part, JobReport)> {
        self.parts.iter().map(|part| part.part).zip(reports).collect()
    }

    /// Runs the jobs from their last commits to the request to end, or until those that are far behind the others have
    /// caught up. Adds what they did to their reports.
    async fn once(&self, connection: &KafkaConnection, reports: &mut [JobReport]) -> Result<()> {
        let standing = self.standing(connection)?;
        let lanes = match &standing {
            Some(standing) => Lanes::new(&standing.behind().await?),
            None => Lanes::new(&[0]),
        };
        // Needed as long as some are to catch up.
        let standing = standing.filter(|_| lanes.are_several());
        let (sender, stop) = Stop::channel();
        let runs = lanes.iter().map(|lane| self.lane(connection, lane, (&sender, &stop)));
        let ended = tokio::select! {
            ended = join_all(runs) => ended,
            never = lanes::end(self.stop, (&lanes, standing.as_ref()), &sender) => match never {},
        };
        let mut failure = None;
        for (lane, ended) in lanes.iter().zip(ended) {
            match ended {
                Ok(found) => {
                    for (at, found) in lane.iter().zip(found) {
                        reports[*at] = found.after(&reports[*at]);
                    }
                }
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        failure.map_or(Ok(()), Err)
    }

    /// How far the jobs are behind each other; one alone has nobody to be behind.
    fn standing(&self, connection: &KafkaConnection) -> Result<Option<Standing>> {
        if self.parts.len() < 2 {
            return Ok(None);
        }
        let groups: Vec<&str> = self.parts.iter().map(|part| part.place.group.as_str()).collect();
        let topic = &self.parts[0].place.topic;
        Standing::new(connection, topic, &groups, self.execution.beginning).map(Some)
    }

    /// Runs some of the jobs over one reading, until they are to end; when they fail, the others are to end too.
    async fn lane(
        &self,
        connection: &KafkaConnection,
        lane: &[usize],
        (sender, stop): (&watch::Sender<bool>, &Stop),
    ) -> Result<Vec<JobReport>> {
        let parts: Vec<&JobPart<'_>> = lane.iter().map(|at| &self.parts[*at]).collect();
        let ended = Box::pin(self.read(connection, &parts, stop)).await;
        if ended.is_err() {
            sender.send_replace(true);
        }
        ended
    }

    async fn read(
        &self,
        connection: &KafkaConnection,
        parts: &[&JobPart<'_>],
        stop: &Stop,
    ) -> Result<Vec<JobReport>> {
        // The producers come first: from then on no earlier instance of this name can commit.
        let producers = parts.iter().map(|part| part.producer(connection));
        let producers = try_join_all(producers).await?;
        let first = parts[0];
        let member = |part: &&JobPart<'_>| (part.place.group.clone(), part.place.membership);
        let members: Vec<_> = parts.iter().map(member).collect();
        let members: Vec<_> = members.iter().map(|(group, of)| (group.as_str(), *of)).collect();
        let (topic, beginning) = (&first.place.topic, first.place.beginning);
        let source = KafkaSource::open(connection, topic, &members, beginning).await?;
        let mut groups = Vec::new();
        for (at, (part, producer)) in parts.iter().zip(producers).enumerate() {
            groups.push(self.job_group(part, (&source, at), producer, connection).await?);
        }
        let options = RunOptions {
            until: Until::Stopped,
            stop: stop.clone(),
            observer: self.recorder.observer(measured(Logged, self.metrics())),
            ..RunOptions::default()
        };
        let lag = source.lag();
        let input = match first.part {
            Part::Keyed => Input::Blocks(Box::new(source)),
            Part::Whole | Part::Forward => {
                Input::Source(Box::new(source), compose::writer_schemas(self.config, first.job))
            }
        };
        tokio::select! {
            ended = Box::pin(run_jobs(groups, input, options, &SystemClock)) => ended,
            never = tell_lag(parts, &lag, self.metrics()) => match never {},
        }
    }

    /// A job with what makes its progress true: a transaction of its own.
    async fn job_group(
        &self,
        part: &JobPart<'_>,
        (source, at): (&KafkaSource, usize),
        producer: KafkaProducer,
        connection: &KafkaConnection,
    ) -> Result<JobGroup> {
        let job = part.job;
        let letters = part.place.letters.as_str();
        let log = part.log((source, at), producer.clone(), connection)?;
        let group = group(self.config, job.name());
        let run = JobRun {
            stage: part.stage(&group, connection, &log, &producer).await?,
            sinks: part.sinks(self.targets, &producer)?,
            definition: job.clone(),
            dead_letters: compose::topic_letters(self.config, job, &producer, letters)?,
        };
        let store = compose::topic_state(self.config, job.name())?;
        let progress = Some(Progress { log: Box::new(log), store });
        Ok(JobGroup { jobs: vec![run], progress })
    }

    fn metrics(&self) -> Option<&Arc<StreamMetrics>> {
        self.execution.page.as_ref().map(MetricsPage::metrics)
    }

    fn names(&self) -> String {
        quoted(&self.parts.iter().collect::<Vec<_>>())
    }
}

/// Jobs as messages call them.
fn quoted(parts: &[&JobPart<'_>]) -> String {
    let names: Vec<String> = parts.iter().map(|part| format!("\"{}\"", part.job.name())).collect();
    format!("{} {}", if names.len() == 1 { "job" } else { "jobs" }, names.join(", "))
}

/// The consumer group of a job.
pub(super) fn group(config: &RepoConfig, job: &str) -> String {
    format!("larder.{}.{job}", config.project)
}

/// Measures how far jobs are behind, and logs it now and then.
async fn tell_lag(
    parts: &[&JobPart<'_>],
    lag: &Lag,
    metrics: Option<&Arc<StreamMetrics>>,
) -> Infallible {
    let names = quoted(parts);
    loop {
        for _ in 0..LOOKS_PER_LINE {
            tokio::time::sleep(LAG_INTERVAL / LOOKS_PER_LINE).await;
            if let (Some(metrics), Some(messages)) = (metrics, lag.messages()) {
                // A job is behind in its source; the topic between its parts is its own affair.
                for part in parts.iter().filter(|part| part.part != Part::Keyed) {
                    metrics.lag(part.job.name(), messages);
                }
            }
        }
        if let Some(messages) = lag.messages() {
            tracing::info!(jobs = names, lag = messages, "messages that are not read yet");
        }
    }
}
