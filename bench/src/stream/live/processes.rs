//! What processes use while they run.

use anyhow::{Context as _, Result};

/// Ticks per second of CPU times in `/proc`: fixed by the kernel's interface.
const TICKS: f64 = 100.0;

/// Seconds of CPU that a process and all its threads have used so far, in user mode and in the kernel.
pub(super) fn cpu(pid: u32) -> Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .with_context(|| format!("process {pid} has ended"))?;
    let fields: Vec<&str> =
        stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok());
    let (user, system) = (ticks(11), ticks(12));
    Ok((user.context("user time")? + system.context("system time")?) / TICKS)
}

/// The most bytes of a process that were resident.
pub(super) fn peak(pid: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))
        .with_context(|| format!("process {pid} has ended"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    Ok(kilobytes.context("a process has memory")? << 10)
}
