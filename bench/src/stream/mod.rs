//! Stream jobs over files and over a broker, and Apache Flink over the same events.

mod digest;
mod engine;
mod events;
mod live;
mod peer;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use clap::Args;

pub(crate) use self::engine::{EngineOptions, run as engine};
use self::events::{Format, Users};
use self::live::LiveOptions;
pub(crate) use self::live::{LoadOptions, TopicOptions, load, topic_engine};
use crate::child::Usage;
use crate::summary::figure;

/// Where events come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Place {
    /// Files: the engine alone.
    Files,
    /// A broker on this machine, with rows on Redis.
    Kafka,
}

/// What is run.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Where events come from.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Place::Files, Place::Kafka])]
    places: Vec<Place>,
    #[command(flatten)]
    live: LiveOptions,
    /// Events.
    #[arg(long, default_value_t = 2_000_000)]
    events: u64,
    /// Users: the n-th has a share of 1/n of the events.
    #[arg(long, default_value_t = 100_000)]
    users: u32,
    /// Users whose state is measured; 0 for none.
    #[arg(long, default_value_t = 1_000_000)]
    state_users: u64,
    /// Runs of each; the median counts.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Encodings.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Format::Json, Format::Avro])]
    formats: Vec<Format>,
    /// Leaves Flink out.
    #[arg(long)]
    no_peer: bool,
    /// Tasks side by side in Flink.
    #[arg(long, default_value_t = 2)]
    parallelism: usize,
}

/// The jobs of the example repository.
const JOBS: [&str; 4] = ["product_popularity", "user_activity", "sessions", "anomalies"];

/// Generates, runs, compares and deletes.
pub(crate) fn run(options: &Options) -> Result<()> {
    if options.places.contains(&Place::Files) {
        run_files(options)?;
    }
    if options.places.contains(&Place::Kafka) {
        live::run(&options.live, options)?;
    }
    Ok(())
}

fn run_files(options: &Options) -> Result<()> {
    let folder = tempfile::Builder::new().prefix("stream-").tempdir_in(target()?)?;
    let bench = Bench { folder: folder.path().to_owned(), options };
    for format in &options.formats {
        bench.format(*format)?;
    }
    if options.state_users > 0 {
        bench.state()?;
    }
    Ok(())
}

struct Bench<'a> {
    folder: PathBuf,
    options: &'a Options,
}

impl Bench<'_> {
    fn format(&self, format: Format) -> Result<()> {
        let Options { events, users, runs, .. } = self.options;
        let folder = self.folder.join(format.name());
        let bytes = events::write(&folder, format, *events, Users::Zipf(*users))?;
        println!(
            "\n{events} events of {users} users, {} bytes each in {}; {runs} runs",
            bytes / events,
            format.name()
        );
        println!("{:<22} {:>12} {:>22} {:>9}", "", "events/s", "CPU s per million", "peak MB");
        for job in JOBS {
            self.print(job, &self.runs(|digest| self.engine(format, &folder, digest, &[job]))?);
        }
        let together = self.runs(|digest| self.engine(format, &folder, digest, &JOBS))?;
        self.print("all four", &together);
        if format == Format::Json && !self.options.no_peer {
            self.compare(&folder)?;
        }
        std::fs::remove_dir_all(&folder).context("events cannot be removed")
    }

    /// The jobs that Flink has too, by both in turn; their rows must sum to the same.
    fn compare(&self, folder: &Path) -> Result<()> {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        let digests = [self.folder.join("ours.sums"), self.folder.join("theirs.sums")];
        for _ in 0..self.options.runs {
            ours.push(Usage::of(&mut self.engine(
                Format::Json,
                folder,
                &digests[0],
                &peer::JOBS,
            )?)?);
            let mut flink = peer::command(folder, &digests[1], self.options.parallelism)?;
            theirs.push(Usage::of(&mut flink)?);
            let (ours, theirs) = (digest::read(&digests[0])?, digest::read(&digests[1])?);
            ensure!(ours == theirs, "the results differ: {ours:?}, Flink: {theirs:?}");
        }
        let (ours, theirs) = (Usage::median(&ours), Usage::median(&theirs));
        self.print("the three of Flink", &ours);
        self.print("Flink", &theirs);
        println!(
            "the same rows; Flink needs {} times the CPU, {} times the time and {} times the memory",
            figure(theirs.cpu / ours.cpu),
            figure(theirs.seconds / ours.seconds),
            figure(theirs.peak as f64 / ours.peak as f64)
        );
        Ok(())
    }

    /// What a key costs in memory.
    fn state(&self) -> Result<()> {
        let users = self.options.state_users;
        let folder = self.folder.join("users");
        events::write(&folder, Format::Json, users, Users::Each)?;
        println!("\nstate of {users} users with an event each");
        println!("{:<22} {:>12} {:>12} {:>14}", "", "keys", "MB", "bytes per key");
        for job in JOBS {
            let digest = self.folder.join("state.sums");
            Usage::of(&mut self.engine(Format::Json, &folder, &digest, &[job])?)?;
            let text = std::fs::read_to_string(digest.with_extension("state"))?;
            let (keys, grown) = text.split_once(' ').context("keys and bytes")?;
            let (keys, grown): (u64, u64) = (keys.parse()?, grown.parse()?);
            println!("{job:<22} {keys:>12} {:>12} {:>14}", grown >> 20, grown / keys.max(1));
        }
        Ok(())
    }

    fn runs(&self, command: impl Fn(&Path) -> Result<Command>) -> Result<Usage> {
        let digest = self.folder.join("engine.sums");
        let run = |_| Usage::of(&mut command(&digest)?);
        let usages = (0..self.options.runs).map(run).collect::<Result<Vec<_>>>()?;
        Ok(Usage::median(&usages))
    }

    fn print(&self, name: &str, usage: &Usage) {
        let events = self.options.events as f64;
        println!(
            "{name:<22} {:>12} {:>22} {:>9}",
            figure(events / usage.seconds),
            figure(usage.cpu / events * 1e6),
            usage.peak >> 20
        );
    }

    /// This program as a child that does nothing but run jobs.
    fn engine(
        &self,
        format: Format,
        events: &Path,
        digest: &Path,
        jobs: &[&str],
    ) -> Result<Command> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("stream-engine").arg(self.repository(format)?);
        command.args([events, digest]).args(jobs);
        Ok(command)
    }

    /// The example's jobs over events of a format.
    fn repository(&self, format: Format) -> Result<PathBuf> {
        let repository = self.folder.join(format!("repository-{}", format.name()));
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../feature_repo");
        for folder in ["streams", "schemas/writers"] {
            std::fs::create_dir_all(repository.join(folder))?;
        }
        let jobs = std::fs::read_to_string(example.join("streams/user_events.yaml"))?;
        let jobs = jobs.replace("format: json", &format!("format: {}", format.name()));
        std::fs::write(repository.join("streams/user_events.yaml"), jobs)?;
        let schema = std::fs::read(example.join("schemas/user_event.avsc"))?;
        std::fs::write(repository.join("schemas/user_event.avsc"), &schema)?;
        std::fs::write(repository.join("schemas/writers/1.avsc"), &schema)?;
        Ok(repository)
    }
}

/// The folder that cargo builds into, which is outside of the repository's sources.
fn target() -> Result<PathBuf> {
    let binary = std::env::current_exe().context("a running program has a path")?;
    let target = binary.parent().and_then(Path::parent);
    Ok(target.context("binaries stand in target/*")?.to_path_buf())
}
