//! Stream jobs over a broker on this machine: what rate they hold, how old an event is when its results can be seen, and
//! what it costs.

mod bounded;
mod catch_up;
mod load;
mod peer;
mod probes;
mod processes;
mod shop;

use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use larder_tests::{KafkaNode, RedisServer};

pub(crate) use self::bounded::{TopicOptions, run as topic_engine};
pub(crate) use self::load::{LoadOptions, run as load};
use self::probes::Ages;
use self::shop::{ALERTS, EVENTS, Jobs, Shop};
use super::JOBS;
use super::events::Format;
use crate::summary::figure;

/// What is run over a broker.
#[derive(Debug, Args)]
pub(crate) struct LiveOptions {
    /// Events per second.
    #[arg(long, default_value_t = 100_000)]
    rate: u64,
    /// Seconds for which they are offered, after the warm-up.
    #[arg(long, default_value_t = 120)]
    seconds: u64,
    /// Seconds before anything is measured.
    #[arg(long, default_value_t = 10)]
    warm_up: u64,
    /// Looks for the highest rate at which lag does not grow, in steps of 20 seconds.
    #[arg(long)]
    find_limit: bool,
    /// Then stops the jobs, puts so many events into the topic, and lets jobs that start anew catch up with them.
    #[arg(long, default_value_t = 0)]
    catch_up: u64,
    /// Partitions of every topic.
    #[arg(long, default_value_t = 4)]
    partitions: u64,
    /// Lets the events of products and sessions go by their keys through topics in between.
    #[arg(long)]
    repartition: bool,
}

/// Users who are watched in the online store.
const WATCHED: u64 = 16;

/// Time between two looks at the lag.
const LOOK: Duration = Duration::from_secs(2);

/// Seconds of a step in the search for the limit.
const STEP: u64 = 20;

/// The lowest rate that is tried.
const LEAST: u64 = 1_000;

/// Measures each format on a broker and a store of its own.
pub(super) fn run(options: &LiveOptions, of: &super::Options) -> Result<()> {
    for format in &of.formats {
        let mut node = KafkaNode::new();
        node.start();
        let redis = RedisServer::start(&[]);
        let live = Live {
            shop: Shop::new(&node.kafka(), &redis, *format, options),
            format: *format,
            users: of.users,
            options,
            node: &node,
            redis: &redis,
        };
        live.measure()?;
        if !of.no_peer && *format == Format::Json {
            peer::compare(&live, of)?;
        }
    }
    Ok(())
}

struct Live<'a> {
    shop: Shop,
    format: Format,
    users: u32,
    options: &'a LiveOptions,
    node: &'a KafkaNode,
    redis: &'a RedisServer,
}

/// What was seen at one rate.
struct Seen {
    /// Events that the jobs committed in a second.
    held: f64,
    /// Events that were not committed, at every look.
    lags: Vec<u64>,
    /// Seconds of CPU per million events: of the jobs, the broker, the store and the generator.
    cpu: [f64; 4],
    /// Milliseconds by which the generator was late at worst.
    late: u64,
    store: Ages,
    alerts: Ages,
}

impl Seen {
    /// Whether the lag did not grow: at the end it is no more than a second's events above the middle.
    fn is_held(&self, rate: u64) -> bool {
        let middle = self.lags.get(self.lags.len() / 2).copied().unwrap_or(0);
        self.lags.last().is_some_and(|last| *last <= middle.max(rate) + rate)
    }
}

impl Live<'_> {
    fn measure(&self) -> Result<()> {
        let LiveOptions { rate, seconds, partitions, .. } = *self.options;
        println!(
            "\n{rate} events/s in {} for {seconds} s, {partitions} partitions, {} users; four jobs in one process{}",
            self.format.name(),
            self.users,
            if self.options.repartition { ", two of them repartitioned" } else { "" }
        );
        let mut jobs = self.shop.start(&[])?;
        let seen = self.offer(&mut jobs, rate, seconds)?;
        seen.print(rate);
        println!("peak of the jobs {} MB", processes::peak(jobs.pid())? >> 20);
        self.shop.drain(&mut jobs)?;
        if self.options.find_limit {
            self.find_limit(&mut jobs, seen.is_held(rate))?;
        }
        jobs.stop()?;
        if self.options.catch_up > 0 {
            self.catch_up(self.options.catch_up)?;
        }
        Ok(())
    }

    /// Raises the rate until it is not held, or lowers it until it is.
    fn find_limit(&self, jobs: &mut Jobs, is_held: bool) -> Result<()> {
        let (mut rate, mut held) = (self.options.rate, is_held.then_some(self.options.rate));
        loop {
            rate = if is_held { rate * 6 / 5 } else { rate * 5 / 6 };
            let seen = self.offer(jobs, rate, STEP)?;
            let is_rate_held = seen.is_held(rate);
            println!("{rate} events/s: {}", if is_rate_held { "held" } else { "not held" });
            self.shop.drain(jobs)?;
            if is_rate_held {
                held = Some(rate);
            }
            if is_rate_held != is_held || rate < LEAST {
                break;
            }
        }
        println!("highest rate that is held: {} events/s", held.unwrap_or(0));
        Ok(())
    }

    /// Offers events at a rate and watches what becomes of them.
    fn offer(&self, jobs: &mut Jobs, rate: u64, seconds: u64) -> Result<Seen> {
        let warm_up = self.options.warm_up;
        let mut load = self.load(rate, seconds + warm_up)?;
        let begin = Instant::now();
        sleep(Duration::from_secs(warm_up));
        let stop = AtomicBool::new(false);
        let (servers, port) = (self.node.kafka().address().to_owned(), self.redis.port());
        let (store, alerts, mut seen) = scope(|threads| {
            let store = threads.spawn(|| probes::store(port, &self.shop.project, WATCHED, &stop));
            let alerts = threads.spawn(|| probes::alerts(&servers, ALERTS, &stop));
            let seen = self.watch(jobs, &mut load, begin + Duration::from_secs(seconds + warm_up));
            stop.store(true, Ordering::Relaxed);
            let of_threads = (store.join(), alerts.join());
            anyhow::Ok((of_threads.0, of_threads.1, seen?))
        })?;
        let ended = |ages: std::thread::Result<Result<Ages>>| {
            ages.unwrap_or_else(|_| Err(anyhow::anyhow!("a reader broke off")))
        };
        (seen.store, seen.alerts) = (ended(store)?, ended(alerts)?);
        let output = load.wait_with_output()?;
        ensure!(output.status.success(), "the generator failed");
        let text = String::from_utf8(output.stdout)?;
        let late = text.trim().split(' ').nth(1).context("the generator says how late it was")?;
        seen.late = late.parse()?;
        Ok(seen)
    }

    /// Looks at lag and CPU until the last event is due.
    fn watch(&self, jobs: &mut Jobs, load: &mut Child, end: Instant) -> Result<Seen> {
        let pids = [jobs.pid(), self.node.pid(), self.redis.pid(), load.id()];
        let cpu = || pids.iter().map(|pid| processes::cpu(*pid)).collect::<Result<Vec<f64>>>();
        let (before, begin) = (cpu()?, Instant::now());
        let (first, mut lags) = (self.committed()?, Vec::new());
        while Instant::now() + LOOK < end {
            sleep(LOOK);
            jobs.check()?;
            lags.push(self.shop.behind(&JOBS));
        }
        let (after, elapsed) = (cpu()?, begin.elapsed().as_secs_f64());
        let committed = (self.committed()? - first) as f64;
        let mut used = [0.0; 4];
        for (used, (after, before)) in used.iter_mut().zip(after.iter().zip(&before)) {
            *used = (after - before) / committed * 1e6;
        }
        let (store, alerts) = (Ages::new(3)?, Ages::new(3)?);
        Ok(Seen { held: committed / elapsed, lags, cpu: used, late: 0, store, alerts })
    }

    /// Events that all jobs have committed.
    fn committed(&self) -> Result<u64> {
        let ends = bounded::ends(self.node.kafka().address(), EVENTS)?;
        let written: u64 = ends.iter().sum();
        Ok(written.saturating_sub(self.shop.behind(&JOBS)))
    }

    fn load(&self, rate: u64, seconds: u64) -> Result<Child> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["stream-load", self.node.kafka().address(), EVENTS, self.format.name()]);
        let numbers = [rate, seconds, self.users.into(), self.options.partitions, WATCHED];
        command.args(numbers.map(|number| number.to_string())).stdout(Stdio::piped());
        command.spawn().context("the generator can be started")
    }
}

impl Seen {
    fn print(&self, rate: u64) {
        let state = if self.is_held(rate) { "held, lag does not grow" } else { "NOT held" };
        let (last, most) = (self.lags.last(), self.lags.iter().max());
        println!(
            "{} events/s committed: {state}; lag {} at the end, {} at most; generator late by {} ms at most",
            figure(self.held),
            last.unwrap_or(&0),
            most.unwrap_or(&0),
            self.late
        );
        for (what, ages) in
            [("event to online store", &self.store), ("event to committed alert", &self.alerts)]
        {
            let ms = |quantile| figure(ages.value_at_quantile(quantile) as f64 / 1e3);
            println!("{what:<26} p50 {:>7} ms  p99 {:>7} ms  of {}", ms(0.5), ms(0.99), ages.len());
        }
        println!("CPU s per million events:");
        for (who, used) in ["jobs", "broker", "Redis", "generator"].iter().zip(self.cpu) {
            println!("  {who:<10} {:>6}", figure(used));
        }
    }
}
