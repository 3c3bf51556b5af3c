//! How fast the example jobs run: events per second and CPU seconds per million events, from JSON lines in a file.
//!
//! `cargo run --profile release-lite -p larder-stream-features --example throughput [events]`

#![expect(clippy::print_stdout, reason = "the answer of the program")]

use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use larder_core::{FixedClock, Result, Timestamp};
use larder_stream_features::{
    DeadLetterFile, FileSource, Framing, Input, JobDefinition, JobRun, OutputRow, RunOptions,
    SchemaDirectory, Sink, load_jobs, run_jobs,
};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

/// Takes rows and forgets them.
#[derive(Debug)]
struct Nowhere;

#[async_trait]
impl Sink for Nowhere {
    async fn write(&mut self, _: &[OutputRow]) -> Result<()> {
        Ok(())
    }

    async fn finish(&mut self) -> Result<()> {
        Ok(())
    }
}

fn main() -> std::result::Result<(), Box<dyn Error>> {
    let events: usize = std::env::args().nth(1).map_or(Ok(1_000_000), |text| text.parse())?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("events.jsonl");
    std::fs::write(&path, lines(events))?;
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../feature_repo");
    let jobs = load_jobs(&repository)?;
    println!("{events} events of {} bytes", path.metadata()?.len() / events as u64);
    for job in &jobs {
        measure(job.name(), std::slice::from_ref(job), &path, events)?;
    }
    measure("all together", &jobs, &path, events)
}

fn measure(
    title: &str,
    jobs: &[JobDefinition],
    path: &Path,
    events: usize,
) -> std::result::Result<(), Box<dyn Error>> {
    let run = |definition: &JobDefinition| {
        let letters = path.with_extension(definition.name());
        Ok(JobRun {
            definition: definition.clone(),
            sinks: vec![Box::new(Nowhere)],
            dead_letters: DeadLetterFile::create(&letters)?,
        })
    };
    let runs = jobs.iter().map(run).collect::<Result<Vec<_>>>()?;
    let source = Box::new(FileSource::open(path, Framing::Lines)?);
    let input = Input::Source(source, Arc::new(SchemaDirectory::new("none")));
    let clock = FixedClock(Timestamp::EPOCH);
    let (began, cpu) = (Instant::now(), cpu_seconds()?);
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let reports = runtime.block_on(run_jobs(runs, input, RunOptions::default(), &clock))?;
    let (seconds, cpu) = (began.elapsed().as_secs_f64(), cpu_seconds()? - cpu);
    let rows: u64 = reports.iter().map(|report| report.rows).sum();
    let millions = events as f64 / 1e6;
    println!(
        "{title:>20}: {:>9.0} events/s, {:.2} CPU s per million events, {rows} rows",
        events as f64 / seconds,
        cpu / millions
    );
    Ok(())
}

/// User and system time of this process, from the kernel's ticks of a hundredth of a second.
fn cpu_seconds() -> std::result::Result<f64, Box<dyn Error>> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let ticks: Vec<f64> = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(str::parse)
        .collect::<std::result::Result<_, _>>()?;
    Ok(ticks.iter().sum::<f64>() / 100.0)
}

/// Events of 10 000 users at a thousand per second, a little out of order.
fn lines(events: usize) -> String {
    let mut random = StdRng::seed_from_u64(7);
    let kinds =
        ["page_view", "page_view", "page_view", "click", "add_to_cart", "search", "purchase"];
    let mut lines = String::new();
    for id in 0..events {
        let user = random.random_range(0..10_000);
        let time = 1_767_225_600_000 + id as u64 + random.random_range(0..500);
        let (kind, product) = (kinds[random.random_range(0..7)], random.random_range(0..5_000));
        let written = writeln!(
            lines,
            r#"{{"eventId":"e-{id:012}","userId":"user-{user:06}","sessionId":"session-{user:06}-{}","eventType":"{kind}","timestamp":{time},"properties":{{"page":"/products/{product}","productId":"product-{product:05}","amount":"{}.95","position":"3"}},"context":{{"userAgent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36","ip":"10.0.{}.{}","platform":"web","referrer":"https://www.shop.example/search?q=shoes"}}}}"#,
            id / 500_000,
            random.random_range(5..200),
            user / 250,
            user % 250,
        );
        written.expect("a string takes every text");
    }
    lines
}
