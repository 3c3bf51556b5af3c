//! Runs that die and go on end with the bytes of one that did neither.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use larder_core::{Clock, Error, ErrorKind, FeatureView, Result, Timestamp};
use larder_stream_features::{
    CheckpointStore, Covered, DeadLetterFile, EventSource as _, FileSource, Framing, Input,
    JobDefinition, JobGroup, JobProgress, JobReport, JobRun, JsonLines, LogFiles, ObjectCommitLog,
    OutputRow, Progress, RunOptions, SchemaDirectory, Sink, Stage, load_jobs, run_jobs,
};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use crate::events::{disordered, random, write_lines};
use crate::repository;

/// A clock that goes on whenever somebody looks at it.
#[derive(Debug, Default)]
struct Ticking(AtomicI64);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.fetch_add(1_000, Ordering::Relaxed))
    }
}

/// A store that fails after so many rows were given to it.
#[derive(Debug, Clone)]
pub(crate) struct Failing {
    left: Arc<AtomicI64>,
    kind: ErrorKind,
}

impl Failing {
    pub(crate) fn after(calls: i64, kind: ErrorKind) -> Self {
        Self { left: Arc::new(AtomicI64::new(calls)), kind }
    }

    /// Fails once the calls are used up: for good, or three times.
    fn call(&self) -> Result<()> {
        let left = self.left.fetch_sub(1, Ordering::Relaxed);
        let is_over = self.kind.is_retryable() && left < -2;
        if left > 0 || is_over { Ok(()) } else { Err(Error::new(self.kind, "the store is gone")) }
    }
}

#[async_trait]
impl Sink for Failing {
    fn kind(&self) -> &'static str {
        "failing"
    }

    async fn restore(&mut self, _: Option<&[u8]>) -> Result<()> {
        Ok(())
    }

    async fn write(&mut self, _: &[OutputRow]) -> Result<()> {
        self.call()
    }

    async fn flush(&mut self, _: Covered) -> Result<Vec<u8>> {
        self.call().map(|()| Vec::new())
    }

    async fn finish(&mut self) -> Result<()> {
        Ok(())
    }
}

fn view(job: &JobDefinition) -> FeatureView {
    let mut view = FeatureView::new(job.name());
    view.entity_columns.clone_from(&job.row().key);
    view.features.clone_from(&job.row().values);
    view
}

/// One run of every job below a folder, each committed by itself.
pub(crate) async fn run(
    folder: &Path,
    events: &Path,
    jobs: &[JobDefinition],
    failing: &Failing,
) -> Result<Vec<JobReport>> {
    let each: Vec<_> = jobs.iter().map(|job| (job.name(), std::slice::from_ref(job))).collect();
    run_groups(folder, events, &each, failing).await
}

/// One run of jobs in named groups, each of which is committed as one.
async fn run_groups(
    folder: &Path,
    events: &Path,
    groups: &[(&str, &[JobDefinition])],
    failing: &Failing,
) -> Result<Vec<JobReport>> {
    let above = events.parent().expect("a folder above");
    let source = FileSource::open(events, Framing::Lines)?.named_below(above);
    let job = |definition: &JobDefinition| {
        let folder = folder.join(definition.name());
        let sinks: Vec<Box<dyn Sink>> = vec![
            Box::new(JsonLines::open(&folder.join("rows.jsonl"), definition.row())?),
            Box::new(LogFiles::new(
                (CheckpointStore::local(&folder)?, "log"),
                false,
                &view(definition),
                definition.row(),
            )),
            Box::new(failing.clone()),
        ];
        let dead_letters = DeadLetterFile::open(&folder.join("letters.jsonl"))?.into();
        Ok(JobRun { definition: definition.clone(), sinks, dead_letters, stage: Stage::Whole })
    };
    let group = |(name, jobs): &(&str, &[JobDefinition])| {
        let store = CheckpointStore::local(&folder.join(name).join("checkpoints"))?;
        let log = Box::new(ObjectCommitLog::new(store.clone(), source.partitions()));
        let jobs = jobs.iter().map(job).collect::<Result<_>>()?;
        Ok(JobGroup { jobs, progress: Some(Progress { log, store }) })
    };
    let groups = groups.iter().map(group).collect::<Result<Vec<_>>>()?;
    let input = Input::Source(Box::new(source), Arc::new(SchemaDirectory::new("none")));
    let options =
        RunOptions { commit_interval: Duration::from_millis(60), ..RunOptions::default() };
    run_jobs(groups, input, options, &Ticking::default()).await
}

/// What the jobs left: rows and letters as bytes, logs as their rows in order.
fn left(folder: &Path, jobs: &[JobDefinition]) -> BTreeMap<String, String> {
    let mut left = BTreeMap::new();
    for job in jobs {
        let folder = folder.join(job.name());
        for name in ["rows.jsonl", "letters.jsonl"] {
            let text = std::fs::read_to_string(folder.join(name)).expect("files of the test");
            left.insert(format!("{}/{name}", job.name()), text);
        }
        left.insert(format!("{}/log", job.name()), log(&folder.join("log")));
    }
    left
}

fn log(folder: &Path) -> String {
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    let Ok(entries) = std::fs::read_dir(folder) else { return String::new() };
    let mut paths: Vec<PathBuf> =
        entries.map(|entry| entry.expect("files of the test").path()).collect();
    paths.sort();
    let mut rows = String::new();
    for path in paths {
        let file = std::fs::File::open(path).expect("files of the test");
        let reader = ParquetRecordBatchReaderBuilder::try_new(file)
            .expect("files of the test")
            .build()
            .expect("files of the test");
        for batch in reader {
            let batch = batch.expect("files of the test");
            for row in 0..batch.num_rows() {
                writeln!(rows, "{:?}", batch.slice(row, 1).columns()).expect("a string takes it");
            }
        }
    }
    rows
}

/// The jobs of the example.
pub(crate) fn jobs() -> Vec<JobDefinition> {
    load_jobs(&repository()).expect("files of the test")
}

/// Some hours of events in three files, with a line in each that is none.
fn events(folder: &Path, seed: u64, count: usize) -> PathBuf {
    let path = folder.join("events");
    write_lines(&path, &disordered(&random(seed, count), seed, 400_000), 3);
    for entry in std::fs::read_dir(&path).expect("files of the test") {
        let path = entry.expect("files of the test").path();
        let text = std::fs::read_to_string(&path).expect("files of the test");
        let (first, rest) = text.split_at(text.find('\n').expect("files of the test") + 1);
        std::fs::write(&path, format!("{first}not an event\n{rest}")).expect("files of the test");
    }
    path
}

/// Where two texts are not the same, in lines.
fn difference(found: &str, expected: &str) -> Option<String> {
    let (mut lines, mut others) = (found.lines(), expected.lines());
    for number in 1.. {
        match (lines.next(), others.next()) {
            (None, None) => return None,
            (line, other) if line == other => {}
            (line, other) => return Some(format!("line {number} is {line:?}, not {other:?}")),
        }
    }
    None
}

/// Runs the jobs, in these groups, until a run does not die, and compares what they leave with that of a run of each by
/// itself that never did.
pub(crate) async fn die_and_compare(
    folder: &Path,
    events: &Path,
    jobs: &[JobDefinition],
    groups: &[(&str, &[JobDefinition])],
    seed: u64,
) {
    let (whole, pieces) = (folder.join("whole"), folder.join("pieces"));
    let never = Failing::after(i64::MAX, ErrorKind::Internal);
    run(&whole, events, jobs, &never).await.expect("a run");
    let expected = left(&whole, jobs);
    let mut random = StdRng::seed_from_u64(seed);
    let mut deaths = 0;
    loop {
        // Sooner or later the run gets to a commit.
        let calls = random.random_range(1..12 + deaths);
        let failing = Failing::after(calls, ErrorKind::Internal);
        match run_groups(&pieces, events, groups, &failing).await {
            Ok(_) => break,
            Err(error) => assert_eq!(error.kind(), ErrorKind::Internal),
        }
        deaths += 1;
        assert!(deaths < 1_000, "a run gets nowhere");
    }
    assert!(deaths > 1, "nothing was interrupted");
    for (name, found) in left(&pieces, jobs) {
        if let Some(line) = difference(&found, &expected[&name]) {
            panic!("{name} after {deaths} deaths: {line}");
        }
    }
    // Nothing is left to do, and doing it changes nothing.
    let reports = run_groups(&pieces, events, groups, &never).await.expect("a run");
    assert!(reports.iter().all(|report| report.events == 0), "{reports:?}");
    assert!(left(&pieces, jobs) == expected);
}

#[tokio::test]
async fn runs_that_die_at_any_write_end_as_one_that_did_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let events = events(folder.path(), 11, 40_000);
    for seed in 0..2 {
        let folder = folder.path().join(seed.to_string());
        let jobs = jobs();
        let each: Vec<_> = jobs.chunks(1).map(|job| (job[0].name(), job)).collect();
        die_and_compare(&folder, &events, &jobs, &each, seed).await;
        assert!(left(&folder.join("whole"), &jobs).values().all(|text| !text.is_empty()));
    }
}

#[tokio::test]
async fn jobs_with_state_by_partition_and_others_go_on_together() {
    let folder = tempfile::tempdir().expect("a folder");
    let events = events(folder.path(), 16, 40_000);
    let (from, to) = ("timestamp: timestamp", "timestamp: timestamp\n  partition_key: [userId]");
    let jobs = changed(folder.path(), from, to);
    die_and_compare(folder.path(), &events, &jobs, &[("all", &jobs)], 5).await;
    let states = |of: &str| {
        let path = folder.path().join(of).join("checkpoints/state");
        std::fs::read_dir(path).expect("a state").count()
    };
    assert_eq!((states("whole/user_activity"), states("whole/sessions")), (3, 1));
    assert_eq!(states("pieces/all"), 4);
}

#[tokio::test]
async fn a_store_that_is_down_for_a_while_holds_the_jobs_back_and_loses_nothing() {
    let folder = tempfile::tempdir().expect("files of the test");
    let (events, jobs) = (events(folder.path(), 12, 9_000), jobs());
    let never = Failing::after(i64::MAX, ErrorKind::Internal);
    run(&folder.path().join("whole"), &events, &jobs, &never).await.expect("files of the test");
    let down = Failing::after(4, ErrorKind::Unavailable);
    run(&folder.path().join("held"), &events, &jobs, &down).await.expect("files of the test");
    assert!(down.left.load(Ordering::Relaxed) < -3, "the store was never down");
    let (held, whole) =
        (left(&folder.path().join("held"), &jobs), left(&folder.path().join("whole"), &jobs));
    assert!(held == whole);
}

/// The jobs of the example with a change.
fn changed(folder: &Path, from: &str, to: &str) -> Vec<JobDefinition> {
    let path = folder.join("changed");
    for name in ["streams/user_events.yaml", "schemas/user_event.avsc"] {
        let text = std::fs::read_to_string(repository().join(name)).expect("files of the test");
        let target = path.join(name);
        std::fs::create_dir_all(target.parent().expect("files of the test"))
            .expect("files of the test");
        std::fs::write(target, text.replace(from, to)).expect("files of the test");
    }
    load_jobs(&path).expect("files of the test")
}

#[tokio::test]
async fn state_of_another_definition_is_refused_unless_it_means_the_same() {
    let folder = tempfile::tempdir().expect("files of the test");
    let (events, jobs) = (events(folder.path(), 13, 3_000), jobs());
    let never = Failing::after(i64::MAX, ErrorKind::Internal);
    run(folder.path(), &events, &jobs, &never).await.expect("files of the test");
    for (from, to, is_refused) in [
        ("window: 5m", "window: 10m", true),
        ("column: userId", "column: eventId", true),
        ("{gap: 30m}", "{gap: 31m}", true),
        ("delay: 5s", "delay: 6s", false),
        ("Views of a product", "Looks at a product", false),
        ("\"search\"]", "\"search\", \"wave\"]", false),
    ] {
        let jobs = changed(folder.path(), from, to);
        let found = run(folder.path(), &events, &jobs, &never).await;
        match found {
            Ok(_) => assert!(!is_refused, "{from}"),
            Err(error) => {
                assert!(is_refused, "{from}: {error}");
                assert_eq!(error.kind(), ErrorKind::Invalid);
                assert!(error.hint().is_some_and(|hint| hint.contains("--reset")));
            }
        }
    }
}

#[tokio::test]
async fn a_damaged_checkpoint_is_refused_with_its_name() {
    let folder = tempfile::tempdir().expect("files of the test");
    let events = events(folder.path(), 14, 3_000);
    let jobs = &jobs()[..1];
    let never = Failing::after(i64::MAX, ErrorKind::Internal);
    run(folder.path(), &events, jobs, &never).await.expect("files of the test");
    let store = folder.path().join(jobs[0].name()).join("checkpoints");
    let known = JobProgress::read(
        &CheckpointStore::local(&store).expect("files of the test"),
        jobs[0].name(),
    )
    .await;
    let known = known.expect("files of the test").expect("a commit");
    assert!(known.keys > 0 && known.watermark.is_some() && known.positions.len() == 3, "{known:?}");
    let states = std::fs::read_dir(store.join("state/all")).expect("files of the test");
    for path in states.map(|entry| entry.expect("files of the test").path()) {
        let bytes = std::fs::read(&path).expect("files of the test");
        let flipped = |at: usize| {
            let mut bytes = bytes.clone();
            bytes[at] ^= 0x10;
            bytes
        };
        let damaged =
            [flipped(3), flipped(bytes.len() / 2), bytes[..bytes.len() / 2].to_vec(), Vec::new()];
        for damaged in damaged {
            std::fs::write(&path, damaged).expect("files of the test");
            let error = run(folder.path(), &events, jobs, &never).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Data);
            assert!(
                error.to_string().contains(
                    path.file_name()
                        .expect("files of the test")
                        .to_str()
                        .expect("files of the test")
                ),
                "{error}"
            );
        }
        std::fs::write(&path, &bytes).expect("files of the test");
    }
    run(folder.path(), &events, jobs, &never).await.expect("files of the test");
}

#[tokio::test]
async fn files_that_grew_are_read_on_and_what_was_open_is_told_as_a_whole() {
    let folder = tempfile::tempdir().expect("files of the test");
    let all = random(15, 4_000);
    let jobs = jobs();
    let never = Failing::after(i64::MAX, ErrorKind::Internal);
    let (whole, grown) = (folder.path().join("whole.jsonl"), folder.path().join("grown.jsonl"));
    let lines: Vec<String> = all.iter().map(crate::events::json_line).collect();
    std::fs::write(&whole, lines.concat()).expect("files of the test");
    run(&folder.path().join("whole"), &whole, &jobs, &never).await.expect("files of the test");
    for part in [1_000, 2_500, 4_000] {
        std::fs::write(&grown, lines[..part].concat()).expect("files of the test");
        run(&folder.path().join("grown"), &grown, &jobs, &never).await.expect("files of the test");
    }
    let rows = |of: &str, job: &str| {
        let path = folder.path().join(of).join(job).join("rows.jsonl");
        let text = std::fs::read_to_string(path).expect("files of the test");
        let mut rows: Vec<String> = text.lines().map(str::to_owned).collect();
        rows.sort();
        rows
    };
    // Where the file ended for a while says which rows each event has; those of windows, sessions and rules stay the same.
    for job in ["product_popularity", "sessions", "anomalies"] {
        assert!(rows("whole", job) == rows("grown", job), "{job}");
    }
    std::fs::write(&grown, &lines[0]).expect("files of the test");
    let error = run(&folder.path().join("grown"), &grown, &jobs, &never).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}
