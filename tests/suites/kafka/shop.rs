//! A repository with jobs over a topic.

use std::fmt::Write as _;
use std::thread::sleep;
use std::time::{Duration, Instant};

use larder_tests::{Fs, Kafka, Repository};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;

use crate::running::Running;

/// How long a job may take to read what is there, on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_mins(5);

/// Partitions of the topic with the events.
pub(crate) const PARTITIONS: i32 = 4;

/// Of jobs whose key is not that of the topic.
const REPARTITION: &str = "repartition: {partitions: 3}\n";

/// Products that events are about.
pub(crate) const PRODUCTS: usize = 40;

/// Jobs with the topics of their rows: windows by what the topic is keyed by, sessions over all of it, alerts.
pub(crate) const JOBS: [&str; 3] = ["clicks", "visits", "alerts"];

/// Every job of the shop.
pub(crate) const ALL: [&str; 4] = ["clicks", "visits", "alerts", "popularity"];

/// Jobs over one topic; each shop has consumer groups and outputs of its own.
pub(crate) struct Shop {
    kafka: Kafka,
    repository: Repository,
    project: String,
    events: String,
}

/// What is otherwise in a shop.
#[derive(Debug, Default)]
struct Wish<'a> {
    project: Option<String>,
    /// More lines of `feature_store.yaml`.
    settings: &'a str,
    /// More properties of Kafka's clients.
    properties: &'a str,
    repartition: &'a str,
    /// Where the state is, if elsewhere.
    state: &'a str,
}

impl Shop {
    /// A repository over a topic of events, with outputs of its own, applied.
    pub(crate) fn over(kafka: &Kafka, events: &str) -> Self {
        Self::with(kafka, events, "", "")
    }

    /// The same with more settings of the repository, and more properties of Kafka's clients.
    pub(crate) fn with(kafka: &Kafka, events: &str, settings: &str, properties: &str) -> Self {
        Self::wished(kafka, events, &Wish { settings, properties, ..Wish::default() })
    }

    /// As [`over`](Self::over), with events that go by their keys where these are not what the topic is keyed by.
    pub(crate) fn repartitioned(kafka: &Kafka, events: &str) -> Self {
        Self::wished(kafka, events, &Wish { repartition: REPARTITION, ..Wish::default() })
    }

    /// A shop whose state is elsewhere, and the same in another repository, which shares no file with it.
    pub(crate) fn twice(kafka: &Kafka, events: &str, state: &str) -> [Self; 2] {
        let project = Some(Kafka::unique("shop"));
        let wish = Wish { project, state, repartition: REPARTITION, ..Wish::default() };
        [(); 2].map(|()| Self::wished(kafka, events, &wish))
    }

    fn wished(kafka: &Kafka, events: &str, wish: &Wish<'_>) -> Self {
        let project = wish.project.clone().unwrap_or_else(|| Kafka::unique("shop"));
        let repository = Repository::copy_of("feature_repo");
        let of_feast = repository.read("feature_store.yaml");
        let of_feast = of_feast.replace("project: ecommerce", &format!("project: {project}"));
        let of_feast = format!("{of_feast}{}\n", wish.settings);
        repository.write("feature_store.yaml", of_feast);
        let mut larder = brokers(kafka.address(), "", wish.properties);
        if !wish.state.is_empty() {
            writeln!(larder, "  state: {}", wish.state).expect("a string takes every text");
        }
        repository.write("larder.yaml", larder);
        repository.write("streams/user_events.yaml", jobs(&project, events, wish.repartition));
        repository.write("streams/topics.yaml", topics(&project, events));
        let shop = Self { kafka: kafka.clone(), repository, project, events: events.to_owned() };
        shop.repository.fs().ok(&["apply"]);
        shop.repository.fs().ok(&["stream", "topics", "apply"]);
        shop
    }

    /// The name of the project, which begins those of its topics and groups.
    pub(crate) fn project(&self) -> &str {
        &self.project
    }

    /// The program in the repository.
    pub(crate) fn fs(&self) -> Fs {
        self.repository.fs()
    }

    /// Defines one more job.
    pub(crate) fn add_job(&self, job: &str) {
        self.repository.write("streams/more.yaml", job);
    }

    /// Reaches its brokers there from now on, with these lines of settings.
    pub(crate) fn reach(&self, servers: &str, more: &str) {
        self.repository.write("larder.yaml", brokers(servers, more, ""));
    }

    /// The messages of the topic with the dead letters of `popularity`.
    pub(crate) fn letters(&self) -> Vec<Value> {
        let letters = self.kafka.committed(&format!("{}-letters", self.project));
        letters.iter().map(|(_, text)| serde_json::from_str(text).expect("a letter")).collect()
    }

    /// Waits until there are so many dead letters of `popularity`.
    pub(crate) fn wait_for_letters(&self, count: usize, running: &mut [Running]) -> Vec<Value> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let letters = self.letters();
            if letters.len() >= count {
                return letters;
            }
            for one in running.iter_mut() {
                assert!(!one.has_ended(), "the jobs ended: {}", one.log());
            }
            assert!(Instant::now() < deadline, "{} letters of {count}", letters.len());
            sleep(Duration::from_millis(200));
        }
    }

    /// Begins to run jobs.
    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        let arguments = [&["--log-level", "warning", "stream", "run"], arguments].concat();
        let log = self.repository.path().join(Kafka::unique("log"));
        let mut command = self.repository.fs().command(&arguments);
        command.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test");
        Running::start(command, log)
    }

    /// Waits until these jobs have committed everything that is in their topic.
    pub(crate) fn wait(&self, jobs: &[&str], running: &mut [Running]) {
        let deadline = Instant::now() + PATIENCE;
        let behind =
            |job: &&str| self.kafka.behind(&format!("larder.{}.{job}", self.project), &self.events);
        while let Some(job) = jobs.iter().find(|job| behind(job) > 0) {
            for one in running.iter_mut() {
                assert!(!one.has_ended(), "the jobs ended: {}", one.log());
            }
            assert!(Instant::now() < deadline, "job {job} is {} behind", behind(job));
            sleep(Duration::from_millis(100));
        }
    }

    /// The rows of a job that are committed, those of a key in the order in which they were told.
    pub(crate) fn told(&self, job: &str) -> Vec<(String, Value)> {
        let rows = self.kafka.committed(&format!("{}-{job}", self.project));
        let parsed =
            |(key, text): (String, String)| (key, serde_json::from_str(&text).expect("an object"));
        rows.into_iter().map(parsed).collect()
    }

    /// Events may be waves from now on.
    pub(crate) fn mend(&self) {
        let schema = self.repository.read("schemas/user_event.avsc");
        let mended = schema.replace("\"search\"]", "\"search\", \"wave\"]");
        assert_ne!(schema, mended);
        self.repository.write("schemas/user_event.avsc", mended);
    }

    /// The rows of a job that are committed, without the order of rows of different keys.
    pub(crate) fn rows(&self, job: &str) -> Vec<(String, Value)> {
        let mut rows = self.told(job);
        rows.sort_by_key(|(key, row)| (key.clone(), row.to_string()));
        rows
    }

    /// Waits until the committed rows of a job are these.
    pub(crate) fn wait_for_rows(
        &self,
        job: &str,
        expected: &[(String, Value)],
        running: &mut [Running],
    ) {
        let deadline = Instant::now() + PATIENCE;
        while self.rows(job) != expected {
            for one in running.iter_mut() {
                assert!(!one.has_ended(), "the jobs ended: {}", one.log());
            }
            let count = self.rows(job).len();
            assert!(Instant::now() < deadline, "{count} rows of {} of job {job}", expected.len());
            sleep(Duration::from_millis(200));
        }
    }

    /// Waits until some rows of a job are committed, more than so many.
    pub(crate) fn wait_for_more(&self, job: &str, than: usize) -> usize {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let count = self.rows(job).len();
            if count > than {
                return count;
            }
            assert!(
                Instant::now() < deadline,
                "job {job} has {count} rows, more than {than} are due"
            );
            sleep(Duration::from_millis(200));
        }
    }

    /// Waits until this is served.
    pub(crate) fn wait_for_served(&self, expected: &Value, running: &mut [Running]) {
        let deadline = Instant::now() + PATIENCE;
        while self.served() != *expected {
            for one in running.iter_mut() {
                assert!(!one.has_ended(), "the jobs ended: {}", one.log());
            }
            if Instant::now() >= deadline {
                assert_eq!(self.served(), *expected);
            }
            sleep(Duration::from_millis(200));
        }
    }

    /// Changes the jobs.
    pub(crate) fn replace_in_jobs(&self, from: &str, to: &str) {
        let jobs = self.repository.read("streams/user_events.yaml");
        assert!(jobs.contains(from), "{from}");
        self.repository.write("streams/user_events.yaml", jobs.replace(from, to));
    }

    /// Adds a section to larder.yaml.
    pub(crate) fn add_setting(&self, text: &str) {
        let settings = self.repository.read("larder.yaml");
        self.repository.write("larder.yaml", format!("{settings}{text}"));
    }

    /// Whether state of a job is in the repository: folders of checkpoints.
    pub(crate) fn has_state(&self, job: &str) -> bool {
        let folder = self.repository.path().join("data/streams").join(job).join("kafka");
        let entries = std::fs::read_dir(folder).into_iter().flatten();
        entries.filter_map(Result::ok).any(|entry| entry.path().is_dir())
    }

    /// The rows in the log of `popularity`, sorted, without the times at which they were made.
    pub(crate) fn logged(&self) -> Vec<String> {
        let folder = self.repository.path().join("data/streams/popularity/log");
        let mut rows = Vec::new();
        for file in std::fs::read_dir(folder).into_iter().flatten() {
            let file = std::fs::File::open(file.expect("a file").path()).expect("a file");
            let reader = ParquetRecordBatchReaderBuilder::try_new(file).expect("Parquet").build();
            for batch in reader.expect("Parquet") {
                let mut batch = batch.expect("rows");
                let created = batch.schema().index_of("created_timestamp").expect("a column");
                batch.remove_column(created);
                let row = |at| format!("{:?}", batch.slice(at, 1).columns());
                rows.extend((0..batch.num_rows()).map(row));
            }
        }
        rows.sort();
        rows
    }

    /// What is served of every product.
    pub(crate) fn served(&self) -> Value {
        let products = (0..PRODUCTS).map(|product| format!("product_id=p{product}"));
        let mut arguments = vec!["get-online-features".to_owned()];
        arguments.extend(["-f", "product_features:popularity_score"].map(str::to_owned));
        for product in products {
            arguments.extend(["-e".to_owned(), product]);
        }
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        self.repository.fs().json(&arguments)
    }
}

/// Makes the topic of the events, with a repository that is used for nothing else.
pub(crate) fn events_topic(kafka: &Kafka) -> String {
    let topic = Kafka::unique("events");
    Shop::over(kafka, &topic);
    topic
}

fn brokers(servers: &str, more: &str, properties: &str) -> String {
    format!(
        "stream:\n  kafka:\n    bootstrap_servers: {servers}\n    replication: 1\n{more}    properties: \
         {{session.timeout.ms: 2000, heartbeat.interval.ms: 200{properties}}}\n"
    )
}

fn topics(project: &str, events: &str) -> String {
    let mut text = format!("topics:\n  {events}: {{partitions: {PARTITIONS}}}\n");
    writeln!(text, "  {project}-letters: {{partitions: 1}}").expect("a string takes every text");
    for job in JOBS {
        writeln!(text, "  {project}-{job}: {{partitions: 2}}").expect("a string takes every text");
    }
    text
}

fn jobs(project: &str, events: &str, repartition: &str) -> String {
    let source = format!(
        "source:\n  schema: schemas/user_event.avsc\n  topic: {events}\n  timestamp: timestamp\n  \
         partition_key: [userId]\nwatermark: {{delay: 5s, idle: 1h, allowed_lateness: 10m}}\n"
    );
    format!(
        "job: clicks
{source}key: {{userId: userId}}
aggregate:
  - {{function: count, window: 1m, as: events}}
  - {{function: count_distinct, column: properties.productId, window: 5m, slide: 1m, as: products}}
output: {{topic: {project}-clicks}}
dead_letters: {{topic: {project}-letters}}
---
job: visits
{repartition}{source}key: {{sessionId: sessionId}}
session: {{gap: 5s}}
aggregate:
  - {{function: count, as: events}}
  - {{function: last, column: properties.productId, as: product}}
output: {{topic: {project}-visits}}
---
job: alerts
{source}derive: {{amount: cast(properties.amount as double)}}
key: {{userId: userId}}
rules:
  event_id: eventId
  ttl: 30d
  alerts:
    - reason: fast
      where: eventType = 'click'
      soon_after_previous: 400ms
    - reason: large
      where: eventType = 'purchase'
      above_mean: {{column: amount, times: 3}}
output: {{topic: {project}-alerts}}
---
job: popularity
{repartition}{source}filter: properties.productId is not null
key: {{product_id: properties.productId}}
aggregate:
  - {{function: count, window: 5m, as: popularity_score}}
view: product_features
log: true
dead_letters: {{topic: {project}-letters}}
"
    )
}
