//! Apache Flink over the topic that the jobs read, in the same run.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};

use super::super::{Options, digest, peer};
use super::shop::EVENTS;
use super::{Live, bounded};
use crate::child::Usage;
use crate::summary::figure;

/// Reads the whole topic with the jobs that Flink has too, by both in turn; but for the order of
/// alerts, their rows must sum to the same.
pub(super) fn compare(live: &Live<'_>, options: &Options) -> Result<()> {
    let servers = live.node.kafka().address().to_owned();
    let events: u64 = bounded::ends(&servers, EVENTS)?.iter().sum();
    let repository = live.shop.repository.path();
    let sums = ["ours.sums", "theirs.sums"].map(|name| repository.join(name));
    println!(
        "\n{events} events of the topic, read by the engine and by Flink; rows are summed, nothing is committed"
    );
    println!("{:<22} {:>12} {:>22} {:>9}", "", "events/s", "CPU s per million", "peak MB");
    let print = |name: &str, usage: &Usage| {
        let count = events as f64;
        println!(
            "{name:<22} {:>12} {:>22} {:>9}",
            figure(count / usage.seconds),
            figure(usage.cpu / count * 1e6),
            usage.peak >> 20
        );
    };
    let engine = |jobs: &[&str], digest: &Path| -> Result<Usage> {
        let mut command = Command::new(std::env::current_exe()?);
        command
            .arg("stream-topic")
            .arg(&repository)
            .args([&servers, EVENTS])
            .arg(digest)
            .args(jobs);
        Usage::of(&mut command)
    };
    print("a bare reader", &engine(&[], &sums[0])?);
    print("all four", &engine(&super::super::JOBS, &sums[0])?);
    let ours = engine(&peer::JOBS, &sums[0])?;
    print("the three of Flink", &ours);
    let place = format!("kafka:{servers}/{EVENTS}");
    let mut flink = peer::command(Path::new(&place), &sums[1], options.parallelism)?;
    let theirs = Usage::of(&mut flink)?;
    print("Flink", &theirs);
    let (mut found, mut expected) = (digest::read(&sums[0])?, digest::read(&sums[1])?);
    // Which of two events of one millisecond comes first is left to each of them.
    let alerts =
        [&mut found, &mut expected].map(|sums| sums.remove("anomalies").map_or(0, |sums| sums[0]));
    ensure!(found == expected, "the results differ: {found:?}, Flink: {expected:?}");
    println!(
        "the same rows, {} and {} alerts; Flink needs {} times the CPU and {} times the time",
        alerts[0],
        alerts[1],
        figure(theirs.cpu / ours.cpu),
        figure(theirs.seconds / ours.seconds)
    );
    Ok(())
}
