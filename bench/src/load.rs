//! The load generator: closed loop for the highest rate, open loop for the latency at a rate.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use hdrhistogram::Histogram;

/// A server and what it is asked.
pub(crate) trait Target: Sync {
    /// Opens one connection.
    fn connect(&self) -> Result<Box<dyn Exchange + '_>>;
}

/// One connection.
pub(crate) trait Exchange {
    /// Sends the request of this turn and takes its answer to the end.
    ///
    /// # Errors
    /// When there is no answer, or one that says that it failed.
    fn exchange(&mut self, turn: usize) -> Result<()>;

    /// Requests that one exchange answers.
    fn requests(&self) -> u64 {
        1
    }
}

/// What was measured.
#[derive(Debug)]
pub(crate) struct Measured {
    /// Good answers per second.
    pub(crate) rate: f64,
    /// Exchanges that failed.
    pub(crate) errors: u64,
    /// Latencies of good exchanges in microseconds.
    pub(crate) latencies: Histogram<u64>,
}

/// What one connection saw.
struct Seen {
    answers: u64,
    errors: u64,
    latencies: Histogram<u64>,
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
    /// On a schedule, whether answers are there or not: this long between two of all connections, of which there are so
    /// many.
    Open(Duration, usize),
}

/// Connections begin so many requests apart, so that no two ask for the same at once.
const STRIDE: usize = 101;

/// A connection that fails so often measures nothing.
const TOO_MANY_ERRORS: u64 = 100;

/// Each of so many connections sends its next request when it has its answer.
pub(crate) fn closed_loop(
    target: &dyn Target,
    connections: usize,
    duration: Duration,
) -> Result<Measured> {
    measure(target, connections, duration, Pace::Closed)
}

/// Requests leave at `rate` per second; latency counts from the moment at which a request should
/// have left, so a server that falls behind cannot hide it.
pub(crate) fn open_loop(
    target: &dyn Target,
    connections: usize,
    duration: Duration,
    rate: f64,
) -> Result<Measured> {
    let interval = Duration::from_secs_f64(1.0 / rate);
    measure(target, connections, duration, Pace::Open(interval, connections))
}

/// Makes so many exchanges once, by several connections; how long it took.
pub(crate) fn drain(target: &dyn Target, connections: usize, turns: usize) -> Result<Duration> {
    let start = Instant::now();
    thread::scope(|threads| {
        let running: Vec<_> = (0..connections)
            .map(|number| {
                threads.spawn(move || {
                    let mut connection = target.connect()?;
                    (number..turns).step_by(connections).try_for_each(|at| connection.exchange(at))
                })
            })
            .collect();
        running.into_iter().try_for_each(|thread| thread.join().expect("a connection panicked"))
    })?;
    Ok(start.elapsed())
}

fn measure(
    target: &dyn Target,
    connections: usize,
    duration: Duration,
    pace: Pace,
) -> Result<Measured> {
    let start = Instant::now();
    let seen: Result<Vec<Seen>> = thread::scope(|threads| {
        let running: Vec<_> = (0..connections)
            .map(|number| {
                threads.spawn(move || connection_loop(target, number, start, duration, pace))
            })
            .collect();
        running.into_iter().map(|thread| thread.join().expect("a connection panicked")).collect()
    });
    let elapsed = start.elapsed().as_secs_f64();
    let mut all = Seen { answers: 0, errors: 0, latencies: histogram()? };
    for seen in seen? {
        all.answers += seen.answers;
        all.errors += seen.errors;
        all.latencies.add(seen.latencies)?;
    }
    let rate = all.answers as f64 / elapsed;
    Ok(Measured { rate, errors: all.errors, latencies: all.latencies })
}

/// One minute at most, in microseconds, with three significant digits.
fn histogram() -> Result<Histogram<u64>> {
    Histogram::new_with_max(60_000_000, 3).context("a histogram of a minute")
}

fn connection_loop(
    target: &dyn Target,
    number: usize,
    start: Instant,
    duration: Duration,
    pace: Pace,
) -> Result<Seen> {
    let mut connection = target.connect()?;
    let mut seen = Seen { answers: 0, errors: 0, latencies: histogram()? };
    let mut own = 0;
    while start.elapsed() < duration {
        let (due, turn) = match pace {
            Pace::Closed => (Instant::now(), number * STRIDE + own),
            Pace::Open(interval, connections) => {
                let turn = number + own * connections;
                (wait_until(start + interval.mul_f64(turn as f64)), turn)
            }
        };
        own += 1;
        match connection.exchange(turn) {
            Ok(()) => {
                seen.answers += connection.requests();
                seen.latencies.saturating_record(u64::try_from(due.elapsed().as_micros())?);
            }
            Err(error) => {
                seen.errors += 1;
                ensure!(seen.errors < TOO_MANY_ERRORS, "{error:#}, {} times", seen.errors);
                connection = target.connect()?;
            }
        }
    }
    Ok(seen)
}

fn wait_until(due: Instant) -> Instant {
    thread::sleep(due.saturating_duration_since(Instant::now()));
    due
}
