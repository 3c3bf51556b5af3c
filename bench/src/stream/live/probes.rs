//! Readers that look from outside how old an event is when its results can be seen.

use std::io::{BufReader, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, UNIX_EPOCH};

use anyhow::{Context as _, Result, ensure};
use hdrhistogram::Histogram;
use larder_core::Value;
use larder_proto::wire::entity_key::{EntityKeyVersion, encode};
use larder_proto::wire::field_hash::timestamp_field;
use larder_proto::wire::timestamp;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::{ClientConfig, Message as _, Offset, TopicPartitionList};

use super::super::events::watched_name;

/// Pause between two looks into the store.
const PAUSE: Duration = Duration::from_millis(2);

/// Ages in microseconds.
pub(super) type Ages = Histogram<u64>;

fn ages() -> Result<Ages> {
    Ok(Histogram::new_with_bounds(1, 600_000_000, 3)?)
}

/// Adds the age of an event of this time, in microseconds.
fn add(ages: &mut Ages, time: i64) -> Result<()> {
    let now = i64::try_from(UNIX_EPOCH.elapsed()?.as_micros())?;
    ages.saturating_record(u64::try_from(now - time).unwrap_or(0).max(1));
    Ok(())
}

/// Looks at the rows of watched users in Redis until it is told to stop; the age of every event when its row was first
/// seen. An event whose row was replaced before anybody looked counts for nothing.
pub(super) fn store(port: u16, project: &str, watched: u64, stop: &AtomicBool) -> Result<Ages> {
    let mut ages = ages()?;
    let field = timestamp_field("user_behavior_features");
    let mut batch = Vec::new();
    for user in 0..watched {
        let name = Value::String(watched_name(user));
        let mut key = encode(EntityKeyVersion::V3, &["user_id"], &[name])?;
        key.extend_from_slice(project.as_bytes());
        write!(batch, "*3\r\n$4\r\nHGET\r\n${}\r\n", key.len())?;
        batch.extend_from_slice(&key);
        write!(batch, "\r\n${}\r\n{field}\r\n", field.len())?;
    }
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_nodelay(true)?;
    let mut answers = BufReader::new(stream.try_clone()?);
    let mut seen = vec![None; usize::try_from(watched)?];
    let mut is_first = true;
    while !stop.load(Ordering::Relaxed) {
        stream.write_all(&batch)?;
        for seen in &mut seen {
            let Some(time) = answer(&mut answers)? else { continue };
            // What was there before anybody looked is of no known age.
            if seen.replace(time).is_some_and(|before| before < time) && !is_first {
                add(&mut ages, time)?;
            }
        }
        is_first = false;
        sleep(PAUSE);
    }
    Ok(ages)
}

/// The time in the next answer; `None` when there is no row.
fn answer(from: &mut impl std::io::BufRead) -> Result<Option<i64>> {
    let mut line = String::new();
    from.read_line(&mut line)?;
    let length: i64 =
        line.trim_end().strip_prefix('$').context("redis answers a value")?.parse()?;
    let Ok(length) = usize::try_from(length) else { return Ok(None) };
    let mut bytes = vec![0; length + 2];
    from.read_exact(&mut bytes)?;
    Ok(Some(timestamp::decode(&bytes[..length])?.micros()))
}

/// Reads committed alerts until it is told to stop; the age of the event that each is about when it could be read.
pub(super) fn alerts(servers: &str, topic: &str, stop: &AtomicBool) -> Result<Ages> {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", servers)
        .set("group.id", "larder-bench")
        .set("enable.auto.commit", "false")
        .set("isolation.level", "read_committed")
        .set("fetch.wait.max.ms", "10");
    let consumer: BaseConsumer = config.create()?;
    let metadata = consumer.fetch_metadata(Some(topic), Duration::from_secs(30))?;
    let partitions = metadata.topics().first().map_or(0, |topic| topic.partitions().len());
    ensure!(partitions > 0, "topic {topic} is there");
    let mut list = TopicPartitionList::new();
    for partition in 0..i32::try_from(partitions)? {
        list.add_partition_offset(topic, partition, Offset::End)?;
    }
    consumer.assign(&list)?;
    let mut ages = ages()?;
    while !stop.load(Ordering::Relaxed) {
        let Some(message) = consumer.poll(Duration::from_millis(100)) else { continue };
        let message = message?;
        let alert: serde_json::Value =
            serde_json::from_slice(message.payload().unwrap_or_default())?;
        let millis = alert["timestamp"].as_i64().context("an alert has the time of its event")?;
        add(&mut ages, millis * 1_000)?;
    }
    Ok(ages)
}
