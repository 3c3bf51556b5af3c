//! The example's jobs over topics of a broker, with their rows on Redis.

use std::fs::File;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use larder_tests::{Kafka, RedisServer, Repository};

use super::super::JOBS;
use super::super::events::Format;
use super::LiveOptions;

/// The topic of the events.
pub(super) const EVENTS: &str = "user-events";

/// The topic that is read for the age of what is committed.
pub(super) const ALERTS: &str = "alerts";

/// How long jobs may take to read what is left.
const PATIENCE: Duration = Duration::from_mins(20);

/// A repository over a broker of its own.
pub(super) struct Shop {
    pub(super) repository: Repository,
    pub(super) project: String,
    kafka: Kafka,
}

impl Shop {
    /// The example with its topics made and its views applied.
    pub(super) fn new(
        kafka: &Kafka,
        redis: &RedisServer,
        format: Format,
        options: &LiveOptions,
    ) -> Self {
        let partitions = options.partitions;
        let repository = Repository::copy_of("feature_repo");
        let project = Kafka::unique("bench");
        let settings = repository.read("feature_store.yaml");
        let settings = settings.replace("project: ecommerce", &format!("project: {project}"));
        let store = format!(
            "\nonline_store:\n  type: redis\n  connection_string: 127.0.0.1:{}\n",
            redis.port()
        );
        repository.write("feature_store.yaml", settings + &store);
        let servers = kafka.address();
        repository.write(
            "larder.yaml",
            format!("stream:\n  kafka: {{bootstrap_servers: '{servers}', replication: 1}}\n"),
        );
        let jobs = repository.read("streams/user_events.yaml");
        let jobs = jobs.replace("format: json", &format!("format: {}", format.name()));
        // Each user's events come in order; the example waits a second for those that do not.
        let mut jobs = jobs.replace("delay: 1s", "delay: 100ms");
        if options.repartition {
            for key in ["key: {product_id", "key: {sessionId"] {
                let line = format!("repartition: {{partitions: {partitions}}}\n{key}");
                jobs = jobs.replace(key, &line);
            }
        }
        repository.write("streams/user_events.yaml", jobs);
        let schema = repository.read("schemas/user_event.avsc");
        repository.write("schemas/writers/1.avsc", schema);
        let topic = |name: &str| format!("  {name}: {{partitions: {partitions}, retention: 1h}}\n");
        let topics = [EVENTS, "session-metrics", "product-popularity", ALERTS].map(topic).concat();
        repository.write("streams/topics.yaml", format!("topics:\n{topics}"));
        repository.fs().ok(&["apply"]);
        repository.fs().ok(&["stream", "topics", "apply"]);
        Self { repository, project, kafka: kafka.clone() }
    }

    /// Starts these jobs in one process, all when none is named.
    pub(super) fn start(&self, jobs: &[&str]) -> Result<Jobs> {
        let log = self.repository.path().join("bench.log");
        let mut command =
            self.repository.fs().command(&["--log-level", "warning", "stream", "run"]);
        command.args(jobs);
        let child = command.stdout(Stdio::null()).stderr(File::create(&log)?).spawn()?;
        Ok(Jobs { child, log })
    }

    /// Events that the one of these jobs has not committed which is furthest behind.
    pub(super) fn behind(&self, jobs: &[&str]) -> u64 {
        let group = |job: &str| format!("larder.{}.{job}", self.project);
        jobs.iter().map(|job| self.kafka.behind(&group(job), EVENTS)).max().unwrap_or(0)
    }

    /// Waits until all events are committed.
    pub(super) fn drain(&self, jobs: &mut Jobs) -> Result<()> {
        let begin = Instant::now();
        while self.behind(&JOBS) > 0 {
            jobs.check()?;
            if begin.elapsed() > PATIENCE {
                bail!("the jobs do not catch up");
            }
            sleep(Duration::from_millis(500));
        }
        Ok(())
    }
}

/// `fs stream run` while it runs.
pub(super) struct Jobs {
    child: Child,
    log: std::path::PathBuf,
}

impl Jobs {
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether it still runs.
    pub(super) fn check(&mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            bail!("the jobs ended, {status}: {}", std::fs::read_to_string(&self.log)?);
        }
        Ok(())
    }

    /// Asks it to end with a commit.
    pub(super) fn stop(mut self) -> Result<()> {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status();
        sent.context("kill can be started")?;
        let status = self.child.wait()?;
        if !status.success() {
            bail!("the jobs ended, {status}: {}", std::fs::read_to_string(&self.log)?);
        }
        Ok(())
    }
}

impl Drop for Jobs {
    fn drop(&mut self) {
        // A child that has ended already is what is wanted.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
