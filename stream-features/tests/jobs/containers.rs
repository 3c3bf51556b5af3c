//! Avro container files, as fastavro wrote them (`tests/vectors/stream`), give the rows of the same events as JSON.

#![expect(clippy::unwrap_used, reason = "a test ends by panicking")]

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use apache_avro::{Codec, Writer};
use larder_core::{Error, ErrorKind, FixedClock, Result, Timestamp};
use larder_stream_features::{
    DeadLetter, DeadLetterFile, FileSource, Framing, Input, JobGroup, JobReport, JobRun,
    RunOptions, SchemaDirectory, Stage, load_jobs, run_jobs,
};

use crate::collect::{Collected, Rows};
use crate::events::{Event, avro, disordered, newer_schema, random, write_containers, write_lines};
use crate::resume::Failing;
use crate::{backfill, resume};

const JOBS: &str = "job: kinds
source: {schema: reader.avsc, timestamp: at, format: FORMAT}
key: {kind: kind}
aggregate:
  - {function: sum, column: amount, window: 1m, as: amount}
  - {function: sum, column: visits, window: 1m, as: visits}
  - {function: last, column: id, window: 1m, as: id}
  - {function: last, column: before, window: 1m, as: before}
  - {function: count, where: paid, window: 1m, as: paid}
  - {function: count_distinct, column: note, window: 1m, as: notes}
  - {function: last, column: properties.a, window: 1m, as: a}
  - {function: count_distinct, column: context.ip, window: 1m, as: ips}
  - {function: sum, column: array_sum(items.price), window: 1m, as: prices}
  - {function: sum, column: array_length(tags), window: 1m, as: tags}
output: kinds.jsonl
---
job: sold
source: {schema: reader.avsc, timestamp: at, format: FORMAT}
explode: items as item
key: {product: item.product}
aggregate:
  - {function: sum, column: item.quantity, window: 1m, as: sold}
  - {function: max, column: item.price, window: 1m, as: dearest}
output: sold.jsonl
";

fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("tests/vectors/stream")
}

/// Runs the jobs over what is at a path; rows by job, and the reports.
async fn run(
    path: &Path,
    format: &str,
    schema: &str,
    options: RunOptions,
) -> Result<(Vec<Rows>, Vec<JobReport>, Vec<DeadLetter>)> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("reader.avsc"), schema).unwrap();
    std::fs::create_dir(folder.path().join("streams")).unwrap();
    std::fs::write(folder.path().join("streams/jobs.yaml"), JOBS.replace("FORMAT", format))
        .unwrap();
    let framing = if format == "json" { Framing::Lines } else { Framing::Lengths };
    let source = FileSource::open(path, framing)?;
    let input = Input::Source(Box::new(source), Arc::new(SchemaDirectory::new(vectors())));
    let sinks = [Collected::default(), Collected::default()];
    let letters = |name: &str| folder.path().join(format!("{name}.letters"));
    let jobs = load_jobs(folder.path()).unwrap().into_iter().zip(&sinks);
    let jobs = jobs.map(|(definition, sink)| JobRun {
        dead_letters: DeadLetterFile::open(&letters(definition.name())).unwrap().into(),
        definition,
        sinks: vec![Box::new(sink.clone())],
        stage: Stage::Whole,
    });
    let group = JobGroup { jobs: jobs.collect(), progress: None };
    let clock = FixedClock(Timestamp::EPOCH);
    let reports = run_jobs(vec![group], input, options, &clock).await?;
    let letters = DeadLetterFile::read(&letters("kinds"), (0, u64::MAX)).unwrap();
    Ok((sinks.iter().map(Collected::rows).collect(), reports, letters))
}

fn reader() -> String {
    std::fs::read_to_string(vectors().join("reader.avsc")).unwrap()
}

/// The rows over a file of the vectors, of which every event is usable.
async fn rows(name: &str, format: &str, options: &RunOptions) -> Vec<Rows> {
    let path = vectors().join(name);
    let (rows, reports, _) = run(&path, format, &reader(), options.clone()).await.unwrap();
    let events: Vec<_> =
        reports.iter().map(|report| (report.dead_letters, report.events)).collect();
    assert_eq!(events[0], (0, 40), "{name}");
    assert!(rows.iter().all(|rows| rows.len() > 5), "{name}");
    rows
}

#[tokio::test]
async fn every_codec_gives_the_rows_of_the_same_events_as_json() {
    for options in [RunOptions::default(), backfill()] {
        let expected = rows("events.jsonl", "json", &options).await;
        for codec in ["null", "deflate", "snappy", "zstandard"] {
            // The format of a job is about files that do not say themselves what they are.
            for format in ["avro", "json"] {
                let found = rows(&format!("{codec}.avro"), format, &options).await;
                assert!(found == expected, "{codec} in a job of {format}");
            }
        }
    }
}

#[tokio::test]
async fn events_of_another_schema_become_those_of_the_repository() {
    for options in [RunOptions::default(), backfill()] {
        let expected = rows("evolved.jsonl", "json", &options).await;
        assert!(rows("evolved.avro", "avro", &options).await == expected);
    }
}

#[tokio::test]
async fn a_folder_may_have_containers_beside_other_files() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["events.jsonl", "evolved.avro"] {
        std::fs::copy(vectors().join(name), folder.path().join(name)).unwrap();
    }
    let lines = tempfile::tempdir().unwrap();
    for name in ["events.jsonl", "evolved.jsonl"] {
        std::fs::copy(vectors().join(name), lines.path().join(name)).unwrap();
    }
    let (expected, ..) = run(lines.path(), "json", &reader(), backfill()).await.unwrap();
    let (found, reports, _) = run(folder.path(), "json", &reader(), backfill()).await.unwrap();
    assert!(found == expected);
    assert_eq!((reports[0].events, reports[0].dead_letters), (80, 0));
}

#[tokio::test]
async fn events_that_the_schema_does_not_have_are_dead_letters_that_can_be_read_alone() {
    let schema = reader().replace("\"click\"", "\"tap\"");
    let (_, reports, letters) =
        run(&vectors().join("deflate.avro"), "avro", &schema, backfill()).await.unwrap();
    let lines = std::fs::read_to_string(vectors().join("events.jsonl")).unwrap();
    let clicks = lines.lines().map(|line| line.contains("\"click\"")).collect::<Vec<_>>();
    let expected: Vec<u64> = (0..).zip(&clicks).filter(|(_, is)| **is).map(|(at, _)| at).collect();
    assert!(letters.iter().all(|letter| letter.fault == "schema_violation"), "{letters:?}");
    assert_eq!(letters.iter().map(|letter| letter.offset).collect::<Vec<_>>(), expected);
    assert_eq!(reports[0].dead_letters, expected.len() as u64);

    // Each is a container again, which any reader reads, and so does a job.
    let folder = tempfile::tempdir().unwrap();
    for letter in &letters {
        std::fs::write(folder.path().join(letter.offset.to_string()), &letter.payload).unwrap();
        assert!(letter.event().len() < 200);
        assert!(letter.payload.ends_with(b"larder in a test"));
    }
    let (_, reports, none) = run(folder.path(), "avro", &reader(), backfill()).await.unwrap();
    assert_eq!((reports[0].events, none.len()), (expected.len() as u64, 0));
}

/// What a run over these bytes ends with.
async fn refused(bytes: &[u8]) -> Error {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orders.avro");
    std::fs::write(&path, bytes).unwrap();
    let error = run(&path, "avro", &reader(), backfill()).await.unwrap_err();
    assert!(error.to_string().contains("orders.avro"), "{error}");
    assert!(error.hint().is_some(), "{error}");
    error
}

#[tokio::test]
async fn a_container_that_cannot_be_read_is_refused_by_its_name_and_place() {
    let whole = std::fs::read(vectors().join("snappy.avro")).unwrap();
    let sync = whole.windows(16).position(|bytes| bytes == b"larder in a test").unwrap();
    let header = &whole[..sync + 16];
    let with = |at: usize, byte: u8| {
        let mut bytes = whole.clone();
        bytes[at] ^= byte;
        bytes
    };
    let last = whole.len() - 1;
    for (bytes, place) in [
        (whole[..last].to_vec(), format!("byte {}", last - 15)),
        (with(last, 1), format!("byte {}", last - 15)),
        // Of the first block: its bytes, then a length that leads nowhere.
        (with(header.len() + 40, 1), format!("byte {}", header.len() + 3)),
        (with(header.len() + 2, 0x7f), String::new()),
        (whole[..40].to_vec(), String::new()),
        ([header, &[2, 2, 0], b"larder in a test"].concat(), String::new()),
    ] {
        let error = refused(&bytes).await;
        assert_eq!(error.kind(), ErrorKind::Data, "{error}");
        assert!(error.to_string().contains(&place), "{error}");
    }
    let unknown = std::fs::read(vectors().join("bzip2.avro")).unwrap();
    let error = refused(&unknown).await;
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("bzip2"), "{error}");
}

#[tokio::test]
async fn runs_that_die_within_a_container_end_as_one_that_did_not() {
    let folder = tempfile::tempdir().unwrap();
    let mut all = disordered(&random(31, 20_000), 31, 400_000);
    for event in all.iter_mut().step_by(977) {
        event.kind = "wave";
    }
    let events = folder.path().join("events");
    write_containers(&events, &all, 3);
    let jobs = resume::jobs();
    let each: Vec<_> = jobs.chunks(1).map(|job| (job[0].name(), job)).collect();
    resume::die_and_compare(&folder.path().join("runs"), &events, &jobs, &each, 31).await;
    let letters = folder.path().join("runs/pieces/sessions/letters.jsonl");
    let letters = DeadLetterFile::read(&letters, (0, u64::MAX)).unwrap();
    assert_eq!(letters.len(), 20_000_usize.div_ceil(977));
    assert!(letters.iter().all(|letter| letter.fault == "schema_violation"));
}

#[tokio::test]
async fn a_container_that_grows_by_blocks_is_read_on() {
    let folder = tempfile::tempdir().unwrap();
    let all = random(32, 6_000);
    let (events, lines) = (folder.path().join("events"), folder.path().join("lines"));
    write_containers(&events, &all[..1_500], 1);
    write_lines(&lines, &all, 1);
    let (grown, whole) = (folder.path().join("grown"), folder.path().join("whole"));
    let jobs = resume::jobs();
    let never = Failing::after(i64::MAX, ErrorKind::Internal);
    let count = |reports: &[JobReport]| reports.iter().map(|report| report.events).sum::<u64>();
    let read = resume::run(&grown, &events, &jobs, &never).await.unwrap();
    assert_eq!(count(&read), 4 * 1_500);
    for part in [1_500..1_501, 1_501..6_000] {
        append(&events.join("0.avro"), &all[part.clone()]);
        let read = resume::run(&grown, &events, &jobs, &never).await.unwrap();
        assert_eq!(count(&read), 4 * part.len() as u64);
    }
    resume::run(&whole, &lines, &jobs, &never).await.unwrap();
    let rows = |of: &Path, job: &str| {
        let text = std::fs::read_to_string(of.join(job).join("rows.jsonl")).unwrap();
        let mut rows: Vec<String> = text.lines().map(str::to_owned).collect();
        rows.sort();
        rows
    };
    for job in ["product_popularity", "sessions", "anomalies"] {
        assert!(rows(&whole, job) == rows(&grown, job), "{job}");
    }
    // What is shorter than what was read of it is another file.
    write_containers(&events, &all[..100], 1);
    let error = resume::run(&grown, &events, &jobs, &never).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

/// Appends blocks with these events to a container.
fn append(path: &Path, events: &[Event]) {
    let schema = newer_schema();
    let marker = apache_avro::read_marker(&std::fs::read(path).unwrap());
    let file = File::options().append(true).open(path).unwrap();
    let codec = Codec::Snappy;
    let mut writer = Writer::append_to_with_codec(&schema, file, codec, marker).unwrap();
    writer.extend(events.iter().map(|event| avro(event, &schema))).unwrap();
}
