//! The load generator: closed loop for the highest rate, open loop for the latency at a rate.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use hdrhistogram::Histogram;

use crate::connection::Connection;

/// A server, what it is asked, and by how many connections at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target<'a> {
    /// Port on this machine.
    pub(crate) port: u16,
    /// Prepared requests, sent in turn.
    pub(crate) requests: &'a [Vec<u8>],
    /// Connections, each with a thread of its own.
    pub(crate) connections: usize,
}

/// What was measured.
#[derive(Debug)]
pub(crate) struct Measured {
    /// Answers per second.
    pub(crate) rate: f64,
    /// Latencies in microseconds.
    pub(crate) latencies: Histogram<u64>,
}

impl Measured {
    /// A percentile of the latency in milliseconds.
    pub(crate) fn milliseconds(&self, percentile: f64) -> f64 {
        self.latencies.value_at_percentile(percentile) as f64 / 1_000.0
    }
}

/// When the requests of one connection leave.
#[derive(Debug, Clone, Copy)]
enum Pace {
    /// As soon as the last answer is there.
    Closed,
    /// On a schedule, whether answers are there or not: this long between two of all connections.
    Open(Duration),
}

/// Every connection sends its next request when it has its answer.
pub(crate) fn closed_loop(target: Target<'_>, duration: Duration) -> Result<Measured> {
    measure(target, duration, Pace::Closed)
}

/// Requests leave at `rate` per second; latency counts from the moment at which a request should
/// have left, so a server that falls behind cannot hide it.
pub(crate) fn open_loop(target: Target<'_>, duration: Duration, rate: f64) -> Result<Measured> {
    measure(target, duration, Pace::Open(Duration::from_secs_f64(1.0 / rate)))
}

fn measure(target: Target<'_>, duration: Duration, pace: Pace) -> Result<Measured> {
    let start = Instant::now();
    let histograms: Result<Vec<_>> = thread::scope(|threads| {
        let running: Vec<_> = (0..target.connections)
            .map(|number| {
                threads.spawn(move || connection_loop(target, number, start, duration, pace))
            })
            .collect();
        running.into_iter().map(|thread| thread.join().expect("a connection panicked")).collect()
    });
    let mut latencies = histogram()?;
    for histogram in histograms? {
        latencies.add(histogram)?;
    }
    Ok(Measured { rate: latencies.len() as f64 / start.elapsed().as_secs_f64(), latencies })
}

/// One minute at most, in microseconds, with three significant digits.
fn histogram() -> Result<Histogram<u64>> {
    Histogram::new_with_max(60_000_000, 3).context("a histogram of a minute")
}

fn connection_loop(
    target: Target<'_>,
    number: usize,
    start: Instant,
    duration: Duration,
    pace: Pace,
) -> Result<Histogram<u64>> {
    let mut connection = Connection::open(target.port)?;
    let mut latencies = histogram()?;
    let mut turn = number;
    while start.elapsed() < duration {
        let due = match pace {
            Pace::Closed => Instant::now(),
            Pace::Open(interval) => wait_until(start + interval.mul_f64(turn as f64)),
        };
        let request = &target.requests[turn % target.requests.len()];
        let answer = connection.exchange(request)?;
        ensure!(answer.status == 200, "status {}", answer.status);
        latencies.saturating_record(u64::try_from(due.elapsed().as_micros())?);
        turn += target.connections;
    }
    Ok(latencies)
}

fn wait_until(due: Instant) -> Instant {
    thread::sleep(due.saturating_duration_since(Instant::now()));
    due
}
