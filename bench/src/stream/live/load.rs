//! The generator: a program of its own that puts events into a topic at a fixed rate, whether they are read or not.

use std::thread::sleep;
use std::time::{Duration, Instant, UNIX_EPOCH};

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rdkafka::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};

use super::super::events::{Event, Format, long};

/// What is put where.
#[derive(Debug, Args)]
pub(crate) struct LoadOptions {
    /// Brokers.
    servers: String,
    topic: String,
    format: Format,
    /// Events per second.
    rate: u64,
    seconds: u64,
    users: u32,
    partitions: u64,
    /// Users who are watched, with two events a second each.
    watched: u64,
}

/// Events that are made before; their times are put in when they are sent.
const PREPARED: u64 = 200_000;

/// A time with as many digits as those of now, to be found in the bytes.
const PLACEHOLDER: i64 = 1_767_225_600_123;

/// Events of a watched user per second.
const WATCHED_RATE: u64 = 2;

/// A message without its time.
struct Prepared {
    partition: i32,
    bytes: Vec<u8>,
    /// Where its time is.
    time: usize,
}

/// Sends, and prints how many events and by how many milliseconds the last was late at worst.
pub(crate) fn run(options: &LoadOptions) -> Result<()> {
    let prepared = prepare(options)?;
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", &options.servers)
        .set("compression.type", "lz4")
        .set("linger.ms", "5")
        .set("batch.size", "262144")
        .set("queue.buffering.max.messages", "1000000")
        .set("acks", "1");
    let producer: BaseProducer = config.create().context("a producer")?;
    let (begin, total) = (Instant::now(), options.rate * options.seconds);
    let began = i64::try_from(UNIX_EPOCH.elapsed()?.as_micros())?;
    let (mut sent, mut latest) = (0, Duration::ZERO);
    while sent < total {
        let now = begin.elapsed();
        let due = u64::try_from(now.as_micros() * u128::from(options.rate) / 1_000_000)?.min(total);
        if due == sent {
            sleep(Duration::from_micros(500));
            continue;
        }
        latest =
            latest.max(now.saturating_sub(Duration::from_micros(sent * 1_000_000 / options.rate)));
        while sent < due {
            // The time at which it was due, so that whatever keeps the generator waiting counts.
            let time = (began + i64::try_from(sent * 1_000_000 / options.rate)?) / 1_000;
            send(&producer, options, prepared.message(sent), time)?;
            sent += 1;
        }
        producer.poll(Duration::ZERO);
    }
    producer.flush(Duration::from_mins(1)).context("the broker takes the last events")?;
    println!("{sent} {}", latest.as_millis());
    Ok(())
}

fn send(
    producer: &BaseProducer,
    options: &LoadOptions,
    message: &Prepared,
    time: i64,
) -> Result<()> {
    let mut bytes = message.bytes.clone();
    put_time(options.format, time, &mut bytes[message.time..]);
    let mut record =
        BaseRecord::<(), [u8]>::to(&options.topic).partition(message.partition).payload(&bytes);
    while let Err((error, again)) = producer.send(record) {
        ensure!(error == KafkaError::MessageProduction(Code::QueueFull), "{error}");
        producer.poll(Duration::from_millis(1));
        record = again;
    }
    Ok(())
}

/// All messages.
struct Messages {
    of_users: Vec<Prepared>,
    of_watched: Vec<Prepared>,
    /// Every so many-th event is of a watched user.
    turn: u64,
}

impl Messages {
    fn message(&self, number: u64) -> &Prepared {
        if !self.of_watched.is_empty() && number.is_multiple_of(self.turn) {
            return in_turn(&self.of_watched, number / self.turn);
        }
        in_turn(&self.of_users, number)
    }
}

fn in_turn(messages: &[Prepared], number: u64) -> &Prepared {
    &messages[usize::try_from(number % messages.len() as u64).unwrap_or_default()]
}

fn prepare(options: &LoadOptions) -> Result<Messages> {
    let mut random = StdRng::seed_from_u64(11);
    let mut one = |id, watched: Option<u64>| {
        let event = Event::at(PLACEHOLDER, id, options.users, &mut random);
        let event = watched.into_iter().fold(event, Event::watched);
        let partition = i32::try_from(event.partition(options.partitions))?;
        let bytes = event.encode(options.format)?;
        let mut time = vec![0; 13];
        let length = put_time(options.format, PLACEHOLDER, &mut time);
        let time = bytes.windows(length).position(|found| *found == time[..length]);
        anyhow::Ok(Prepared { partition, bytes, time: time.context("an event has its time")? })
    };
    Ok(Messages {
        of_users: (0..PREPARED).map(|id| one(id, None)).collect::<Result<_>>()?,
        of_watched: (0..options.watched)
            .map(|user| one(user, Some(user)))
            .collect::<Result<_>>()?,
        turn: (options.rate / (options.watched * WATCHED_RATE).max(1)).max(1),
    })
}

/// Writes a time over another; how many bytes it has.
fn put_time(format: Format, time: i64, out: &mut [u8]) -> usize {
    let mut bytes = Vec::with_capacity(13);
    match format {
        Format::Json => bytes.extend_from_slice(time.to_string().as_bytes()),
        Format::Avro => long(time, &mut bytes),
    }
    out[..bytes.len()].copy_from_slice(&bytes);
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_put_where_the_other_was() {
        for format in [Format::Json, Format::Avro] {
            let options = LoadOptions {
                servers: String::new(),
                topic: String::new(),
                format,
                rate: 1_000,
                seconds: 1,
                users: 10,
                partitions: 2,
                watched: 1,
            };
            let messages = prepare(&options).unwrap();
            let now = PLACEHOLDER + 1_000;
            let message = messages.message(1);
            let mut bytes = message.bytes.clone();
            put_time(format, now, &mut bytes[message.time..]);
            let mut random = StdRng::seed_from_u64(11);
            Event::at(PLACEHOLDER, 0, 10, &mut random);
            let expected = Event::at(now, 1, 10, &mut random);
            assert_eq!(bytes, expected.encode(format).unwrap());
        }
    }
}
