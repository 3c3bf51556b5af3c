//! What came while no job ran: how fast the jobs are when nothing but they hold them up, with commits and online rows.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::super::{JOBS, peer};
use super::{Live, processes};
use crate::summary::figure;

/// Events per second that are put into the topic.
const RATE: u64 = 150_000;

/// Time between two looks at the lag.
const LOOK: Duration = Duration::from_millis(200);

impl Live<'_> {
    /// Puts events into the topic while nobody reads it, then starts all jobs; then the same with those of the peer.
    pub(super) fn catch_up(&self, events: u64) -> Result<()> {
        println!("\nevents that came while no job ran, until all are committed, start included");
        println!(
            "{:<22} {:>10} {:>10} {:>36}",
            "", "events", "events/s", "CPU s per million: jobs, broker, Redis"
        );
        for (what, jobs) in [("all four", &JOBS[..]), ("the three of Flink", &peer::JOBS[..])] {
            let load = self.load(RATE, events.div_ceil(RATE))?.wait_with_output()?;
            ensure!(load.status.success(), "the generator failed");
            self.time_jobs(what, jobs)?;
        }
        Ok(())
    }

    fn time_jobs(&self, what: &str, names: &[&str]) -> Result<()> {
        let count = self.shop.behind(names);
        let servers = [self.node.pid(), self.redis.pid()];
        let cpu =
            |pids: &[u32]| pids.iter().map(|pid| processes::cpu(*pid)).collect::<Result<Vec<_>>>();
        let (before, begin) = (cpu(&servers)?, Instant::now());
        let mut jobs = self.shop.start(names)?;
        while self.shop.behind(names) > 0 {
            jobs.check()?;
            sleep(LOOK);
        }
        let (events, seconds) = (count as f64, begin.elapsed().as_secs_f64());
        let of_jobs = processes::cpu(jobs.pid())?;
        let of_servers =
            cpu(&servers)?.into_iter().zip(before).map(|(after, before)| after - before);
        let used: Vec<String> = std::iter::once(of_jobs)
            .chain(of_servers)
            .map(|used| figure(used / events * 1e6))
            .collect();
        println!("{what:<22} {count:>10} {:>10} {:>36}", figure(events / seconds), used.join(", "));
        jobs.stop()
    }
}
