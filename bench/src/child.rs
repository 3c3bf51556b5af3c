//! What a child process used.

use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use crate::summary::Runs;

/// Time and memory of one process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    pub(crate) seconds: f64,
    /// Seconds of all its threads, in user mode and in the kernel.
    pub(crate) cpu: f64,
    /// The most bytes that were resident.
    pub(crate) peak: u64,
    /// The most of them that no file is behind, as far as was seen: what is mapped from a store is not among them.
    pub(crate) anonymous: u64,
}

/// How often the kernel is asked.
const INTERVAL: Duration = Duration::from_millis(5);

/// Ticks per second of CPU times in `/proc`: fixed by the kernel's interface.
const TICKS: f64 = 100.0;

impl Usage {
    /// Runs a command to its good end.
    pub(crate) fn of(command: &mut Command) -> Result<Self> {
        let start = Instant::now();
        let mut child = command.spawn().with_context(|| format!("cannot start {command:?}"))?;
        let folder = format!("/proc/{}", child.id());
        let (mut peak, mut anonymous) = (0, 0);
        // A process that ended keeps its times, but not its memory, until it is waited for.
        let cpu = loop {
            let stat = std::fs::read_to_string(format!("{folder}/stat"))?;
            let fields: Vec<&str> =
                stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
            ensure!(fields.len() > 12, "the kernel tells nothing about the process");
            if fields[0] == "Z" {
                break (fields[11].parse::<f64>()? + fields[12].parse::<f64>()?) / TICKS;
            }
            let status = std::fs::read_to_string(format!("{folder}/status"))?;
            peak = peak.max(bytes(&status, "VmHWM:"));
            anonymous = anonymous.max(bytes(&status, "RssAnon:"));
            sleep(INTERVAL);
        };
        let seconds = start.elapsed().as_secs_f64();
        let status = child.wait()?;
        ensure!(status.success(), "{command:?} failed: {status}");
        Ok(Self { seconds, cpu, peak, anonymous })
    }

    /// The median of each figure; the greatest peaks.
    pub(crate) fn median(usages: &[Self]) -> Self {
        let median = |figure: fn(&Self) -> f64| {
            let mut runs = Runs::default();
            for usage in usages {
                runs.add(figure(usage));
            }
            runs.median()
        };
        Self {
            seconds: median(|usage| usage.seconds),
            cpu: median(|usage| usage.cpu),
            peak: usages.iter().map(|usage| usage.peak).max().unwrap_or(0),
            anonymous: usages.iter().map(|usage| usage.anonymous).max().unwrap_or(0),
        }
    }
}

/// A figure of `/proc/PID/status`; 0 where it is not told.
fn bytes(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.map_or(0, |kilobytes| kilobytes << 10)
}
