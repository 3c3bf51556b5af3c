//! The load generator: closed loop for the highest rate, open loop for the latency at a rate.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use async_trait::async_trait;
use futures::future::try_join_all;
use hdrhistogram::Histogram;
use tokio::runtime::{Builder, Runtime};

/// A server and what it is asked.
#[async_trait(?Send)]
pub(crate) trait Target: Sync {
    /// Opens one connection.
    async fn connect(&self) -> Result<Box<dyn Exchange + '_>>;

    /// Threads that share so many connections when each asks as soon as it has its answer.
    ///
    /// One is enough for a server that does more for a request than its generator: a thread per connection would have
    /// the system switch between them for every answer, at the cost of the server beside them.
    fn threads(&self, _connections: usize) -> usize {
        1
    }
}

/// One connection.
#[async_trait(?Send)]
pub(crate) trait Exchange {
    /// Sends the request of this turn and takes its answer to the end.
    ///
    /// # Errors
    /// When there is no answer, or one that says that it failed.
    async fn exchange(&mut self, turn: usize) -> Result<()>;

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
    measure(target, connections, target.threads(connections), duration, Pace::Closed)
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
    // A thread of its own lets a connection sleep until its request is due, to the microsecond.
    measure(target, connections, connections, duration, Pace::Open(interval, connections))
}

/// Makes so many exchanges once, by several connections; how long it took.
pub(crate) fn drain(target: &dyn Target, connections: usize, turns: usize) -> Result<Duration> {
    let start = Instant::now();
    by_connection(connections, connections, async |number| {
        let mut connection = target.connect().await?;
        for turn in (number..turns).step_by(connections) {
            connection.exchange(turn).await?;
        }
        Ok(())
    })?;
    Ok(start.elapsed())
}

fn measure(
    target: &dyn Target,
    connections: usize,
    threads: usize,
    duration: Duration,
    pace: Pace,
) -> Result<Measured> {
    let start = Instant::now();
    let all_seen = by_connection(connections, threads, async |number| {
        connection_loop(target, number, start, duration, pace).await
    })?;
    let elapsed = start.elapsed().as_secs_f64();
    let mut all = Seen { answers: 0, errors: 0, latencies: histogram()? };
    for seen in all_seen {
        all.answers += seen.answers;
        all.errors += seen.errors;
        all.latencies.add(seen.latencies)?;
    }
    let rate = all.answers as f64 / elapsed;
    Ok(Measured { rate, errors: all.errors, latencies: all.latencies })
}

/// Runs every connection, on so many threads.
fn by_connection<T: Send>(
    connections: usize,
    threads: usize,
    run: impl AsyncFn(usize) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    let run = &run;
    let seen: Result<Vec<Vec<T>>> = thread::scope(|scope| {
        let running: Vec<_> = (0..threads)
            .map(|first| {
                let own = (first..connections).step_by(threads);
                scope
                    .spawn(move || runtime()?.block_on(try_join_all(own.map(|number| run(number)))))
            })
            .collect();
        running.into_iter().map(|thread| thread.join().expect("a connection panicked")).collect()
    });
    Ok(seen?.into_iter().flatten().collect())
}

fn runtime() -> Result<Runtime> {
    Builder::new_current_thread().enable_all().build().context("a runtime")
}

/// One minute at most, in microseconds, with three significant digits.
fn histogram() -> Result<Histogram<u64>> {
    Histogram::new_with_max(60_000_000, 3).context("a histogram of a minute")
}

async fn connection_loop(
    target: &dyn Target,
    number: usize,
    start: Instant,
    duration: Duration,
    pace: Pace,
) -> Result<Seen> {
    let mut connection = target.connect().await?;
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
        match connection.exchange(turn).await {
            Ok(()) => {
                seen.answers += connection.requests();
                seen.latencies.saturating_record(u64::try_from(due.elapsed().as_micros())?);
            }
            Err(error) => {
                seen.errors += 1;
                ensure!(seen.errors < TOO_MANY_ERRORS, "{error:#}, {} times", seen.errors);
                connection = target.connect().await?;
            }
        }
    }
    Ok(seen)
}

fn wait_until(due: Instant) -> Instant {
    thread::sleep(due.saturating_duration_since(Instant::now()));
    due
}
