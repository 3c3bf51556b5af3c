//! Jobs in two stages, over partitions in memory: whoever reads what, the rows are those of one reader of everything.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use larder_core::{ErrorKind, FixedClock, Result, Timestamp};
use larder_stream_features::{
    BlockSink, CheckpointStore, DeadLetter, DeadLetterFile, DeadLetters, EventSource, Input,
    JobGroup, JobReport, JobRun, ObjectCommitLog, Origin, Polled, Progress, RawEvents, Readers,
    RunOptions, SchemaDirectory, Sink, SourceEvents, Stage, Until, run_jobs,
};
use object_store::memory::InMemory;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use crate::collect::Collected;
use crate::events::{Event, disordered, json_line, random};
use crate::job;

/// Partitions of the second stage.
const KEYED: usize = 4;

/// Messages by partition.
type Messages = Vec<Vec<Vec<u8>>>;

/// Some partitions of a topic, read a few messages at a time, in turn; nothing says that they end.
#[derive(Debug)]
struct Memory {
    names: Vec<String>,
    messages: Messages,
    assigned: Vec<usize>,
    turns: VecDeque<(usize, usize)>,
}

impl Memory {
    fn new(topic: &str, messages: &Messages, assigned: &[usize]) -> Self {
        let names = (0..messages.len()).map(|at| format!("{topic}-{at}")).collect();
        let turns = VecDeque::new();
        Self { names, messages: messages.clone(), assigned: assigned.to_vec(), turns }
    }
}

#[async_trait]
impl EventSource for Memory {
    fn partitions(&self) -> &[String] {
        &self.names
    }

    async fn poll(&mut self, _: usize, events: &mut RawEvents) -> Result<Polled> {
        if !self.assigned.is_empty() {
            return Ok(Polled::Assigned(Readers::All, std::mem::take(&mut self.assigned)));
        }
        let Some((partition, next)) = self.turns.pop_front() else { return Ok(Polled::Finished) };
        let of_partition = &self.messages[partition];
        let end = of_partition.len().min(next + 7);
        events.partition = partition;
        for (at, message) in of_partition.iter().enumerate().take(end).skip(next) {
            events.push(message, at as u64);
        }
        events.next_offset = end as u64;
        if end < of_partition.len() {
            self.turns.push_back((partition, end));
        }
        Ok(Polled::Events)
    }

    async fn start(&mut self, partition: usize, next: Option<u64>) -> Result<()> {
        let next = usize::try_from(next.unwrap_or(0)).expect("an offset");
        if next < self.messages[partition].len() {
            self.turns.push_back((partition, next));
        }
        Ok(())
    }

    async fn release(&mut self, _: Readers, _: &[usize]) -> Result<()> {
        Ok(())
    }
}

/// What a first stage told, by partition of the second.
#[derive(Debug, Clone, Default)]
struct Told(Arc<Mutex<Messages>>);

impl Told {
    fn messages(&self) -> Messages {
        let mut messages = self.0.lock().expect("no test panics in between").clone();
        messages.resize(KEYED, Vec::new());
        messages
    }
}

#[async_trait]
impl BlockSink for Told {
    fn partitions(&self) -> usize {
        KEYED
    }

    async fn write(&mut self, partition: usize, block: &[u8]) -> Result<()> {
        let mut told = self.0.lock().expect("no test panics in between");
        told.resize(KEYED, Vec::new());
        told[partition].push(block.to_vec());
        Ok(())
    }
}

/// The source, for whoever looks events up, with what is left of it.
#[derive(Debug)]
struct Kept(Messages);

impl Kept {
    fn keyed(messages: &Messages) -> Stage {
        Stage::Keyed(Box::new(Self(messages.clone())))
    }
}

#[async_trait]
impl SourceEvents for Kept {
    async fn find(&mut self, places: &[Origin]) -> Result<Vec<Option<Vec<u8>>>> {
        let find = |place: &Origin| {
            let at = usize::try_from(place.offset).expect("an offset");
            self.0[place.partition].get(at).cloned()
        };
        Ok(places.iter().map(find).collect())
    }
}

/// A run with a commit after every poll.
struct Run<'a> {
    job: &'a str,
    folder: &'a Path,
    store: CheckpointStore,
}

impl<'a> Run<'a> {
    fn new(job: &'a str, folder: &'a Path) -> Self {
        Self { job, folder, store: CheckpointStore::new(Arc::new(InMemory::new()), "job") }
    }

    async fn run(&self, source: Memory, stage: Stage, sink: &Collected) -> Result<JobReport> {
        let letters = DeadLetterFile::open(&self.folder.join(format!("{}.jsonl", self.job)))?;
        let log = Box::new(ObjectCommitLog::new(self.store.clone(), source.partitions()));
        let sinks: Vec<Box<dyn Sink>> = match stage {
            Stage::Forward(_) => Vec::new(),
            _ => vec![Box::new(sink.clone())],
        };
        let input = match stage {
            Stage::Keyed(_) => Input::Blocks(Box::new(source)),
            _ => Input::Source(Box::new(source), Arc::new(SchemaDirectory::new("none"))),
        };
        let dead_letters = DeadLetters::Shared(letters);
        let run = JobRun { definition: job(self.job), sinks, dead_letters, stage };
        let progress = Some(Progress { log, store: self.store.clone() });
        let groups = vec![JobGroup { jobs: vec![run], progress }];
        let options = RunOptions {
            commit_interval: Duration::ZERO,
            until: Until::Stopped,
            ..RunOptions::default()
        };
        let clock = FixedClock(Timestamp::EPOCH);
        let reports = Box::pin(run_jobs(groups, input, options, &clock)).await?;
        Ok(reports.into_iter().next().expect("a report"))
    }

    fn letters(&self) -> Vec<DeadLetter> {
        let path = self.folder.join(format!("{}.jsonl", self.job));
        DeadLetterFile::read(&path, (0, u64::MAX)).expect("letters")
    }
}

/// Deals events out to partitions as they come.
fn dealt(events: &[Event], partitions: usize) -> Messages {
    let lines = |at| events.iter().skip(at).step_by(partitions).map(json_line);
    (0..partitions).map(|at| lines(at).map(String::into_bytes).collect()).collect()
}

/// The messages of two readers, which nobody keeps in step.
fn merged(first: &Messages, second: &Messages, seed: u64) -> Messages {
    let mut random = StdRng::seed_from_u64(seed);
    let share = random.random_range(0.1..0.9);
    let mut merge = |(first, second): (&Vec<Vec<u8>>, &Vec<Vec<u8>>)| {
        let (mut first, mut second) = (first.iter().peekable(), second.iter().peekable());
        let mut merged = Vec::new();
        while first.peek().is_some() || second.peek().is_some() {
            let from = if random.random_bool(share) { &mut first } else { &mut second };
            merged.extend(from.next().cloned());
        }
        merged
    };
    first.iter().zip(second).map(&mut merge).collect()
}

/// The rows of a job in one stage, and of its two stages with two readers of the source.
async fn both(name: &str, events: &[Event], seed: u64) -> (Collected, Collected) {
    let folder = tempfile::tempdir().expect("a folder");
    let source = dealt(events, 3);
    let (whole, keyed) = (Collected::default(), Collected::default());
    let run = || Run::new(name, folder.path());
    let all = Memory::new("events", &source, &[0, 1, 2]);
    let report = run().run(all, Stage::Whole, &whole).await.expect("a run");
    assert_eq!(report.dead_letters, 0);
    let mut told = Vec::new();
    for partitions in [&[0_usize][..], &[1, 2]] {
        let to = Told::default();
        let some = Memory::new("events", &source, partitions);
        let stage = Stage::Forward(Box::new(to.clone()));
        let report = run().run(some, stage, &Collected::default()).await.expect("a run");
        assert_eq!((report.dead_letters, report.rows), (0, 0));
        told.push(to.messages());
    }
    let blocks = merged(&told[0], &told[1], seed);
    let of_second = run();
    // The second stage has two readers as well, one after the other.
    let mut rows = 0;
    for partitions in [&[2_usize, 0][..], &[1, 3]] {
        let some = Memory::new("keyed", &blocks, partitions);
        let report = of_second.run(some, Kept::keyed(&source), &keyed).await.expect("a run");
        assert_eq!(report.dead_letters, 0, "{name}, seed {seed}");
        rows += report.rows;
    }
    assert!(rows > 0, "{name}: rows are told before the end");
    (whole, keyed)
}

/// Events of which some are followed at once by a click of the same user.
fn with_fast_clicks(mut events: Vec<Event>) -> Vec<Event> {
    let click = |event: &Event| Event {
        id: event.id + 1_000_000,
        kind: "click",
        time: event.time + 50,
        ..event.clone()
    };
    let clicks: Vec<Event> = events.iter().step_by(9).map(click).collect();
    events.extend(clicks);
    events.sort_by_key(|event| event.time);
    events
}

#[tokio::test]
async fn two_stages_with_several_readers_tell_what_one_reader_tells() {
    for seed in 0..4 {
        // Less than the delay: nothing is corrected, so that every row is the last of its result.
        let events = disordered(&random(seed, 2_500), seed, 5_000);
        for name in ["product_popularity", "sessions"] {
            let (whole, keyed) = both(name, &events, seed).await;
            assert!(!whole.rows().is_empty(), "{name}");
            assert_eq!(keyed.rows(), whole.rows(), "{name}, seed {seed}");
        }
        // Less than the delay of the rules: no event is too late for them.
        let hasty = disordered(&with_fast_clicks(random(seed, 2_500)), seed, 900);
        let (whole, keyed) = both("anomalies", &hasty, seed).await;
        assert!(!whole.rows().is_empty());
        assert_eq!(keyed.rows(), whole.rows(), "anomalies, seed {seed}");
        // The rows in between follow the order of arrival; what is served does not.
        let (whole, keyed) = both("user_activity", &events, seed).await;
        assert_eq!(keyed.newest(), whole.newest(), "seed {seed}");
    }
}

#[tokio::test]
async fn an_event_that_is_too_late_has_its_place_and_its_bytes_if_the_source_has_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut events = random(5, 400);
    let late = events[0].clone();
    events.push(Event { product: Some("p1".to_owned()), kind: "page_view", ..late });
    let source = dealt(&events, 1);
    let to = Told::default();
    let run = Run::new("product_popularity", folder.path());
    let stage = Stage::Forward(Box::new(to.clone()));
    let all = Memory::new("user-events", &source, &[0]);
    run.run(all, stage, &Collected::default()).await.expect("a run");
    let removed = vec![source[0][..400].to_vec()];
    for (left, payload) in [(&source, source[0][400].as_slice()), (&removed, b"")] {
        let run = Run::new("product_popularity", folder.path());
        let all = Memory::new("keyed", &to.messages(), &[0, 1, 2, 3]);
        let stage = Kept::keyed(left);
        let report = run.run(all, stage, &Collected::default()).await.expect("a run");
        assert_eq!(report.dead_letters, 1);
        let letters = run.letters();
        let letter = letters.last().expect("a letter");
        let place = (letter.fault.as_str(), letter.partition.as_str(), letter.offset);
        assert_eq!(place, ("too_late", "user-events-0", 400));
        assert_eq!(letter.payload, payload);
    }
}

#[tokio::test]
async fn a_stage_goes_on_only_behind_its_own_definition() {
    let folder = tempfile::tempdir().expect("a folder");
    let source = dealt(&random(6, 50), 1);
    let forward = || Stage::Forward(Box::new(Told::default()));
    let all = || Memory::new("user-events", &source, &[0]);
    let nowhere = Collected::default();
    // The store, as if the jobs were versions of one.
    let first = Run::new("product_popularity", folder.path());
    first.run(all(), forward(), &nowhere).await.expect("a run");
    let again = first.run(all(), forward(), &nowhere).await.expect("a run");
    assert_eq!(again.events, 0);
    let other = Run { job: "sessions", store: first.store.clone(), ..Run::new("", folder.path()) };
    let error = other.run(all(), forward(), &nowhere).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    let whole = first.run(all(), Stage::Whole, &nowhere).await.unwrap_err();
    assert_eq!(whole.kind(), ErrorKind::Data, "{whole}");
}

#[tokio::test]
async fn blocks_of_another_definition_are_refused_and_so_is_what_is_no_block() {
    let folder = tempfile::tempdir().expect("a folder");
    let source = dealt(&random(7, 50), 1);
    let to = Told::default();
    let first = Run::new("product_popularity", folder.path());
    let stage = Stage::Forward(Box::new(to.clone()));
    let all = Memory::new("user-events", &source, &[0]);
    first.run(all, stage, &Collected::default()).await.expect("a run");
    let nonsense = vec![vec![b"nonsense".to_vec()], Vec::new(), Vec::new(), Vec::new()];
    for (job, messages, kind) in [
        ("sessions", to.messages(), ErrorKind::Invalid),
        ("product_popularity", nonsense, ErrorKind::Data),
    ] {
        let second = Run::new(job, folder.path());
        let source = Memory::new("keyed", &messages, &[0, 1, 2, 3]);
        let stage = Kept::keyed(&Vec::new());
        let error = second.run(source, stage, &Collected::default()).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains("keyed-"), "{error}");
    }
}
