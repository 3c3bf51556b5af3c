//! The online store goes away while jobs run over topics.

use std::thread::sleep;
use std::time::{Duration, Instant};

use larder_tests::{Kafka, RedisServer};
use serde_json::Value;

use crate::running::Running;
use crate::shop::{Shop, events_topic};
use crate::visitors::{Visitors, put};

const JOB: [&str; 1] = ["popularity"];

/// Every so many events one is broken: whatever is read at once has letters.
const BROKEN: usize = 10;

/// A store that keeps what it acknowledged, also when it is killed.
fn durable() -> RedisServer {
    RedisServer::start(&["--appendonly", "yes", "--appendfsync", "always"])
}

fn shop(kafka: &Kafka, events: &str, redis: &RedisServer, properties: &str) -> Shop {
    let store =
        format!("online_store: {{type: redis, connection_string: \"{}\"}}", redis.address());
    Shop::with(kafka, events, &store, properties)
}

/// Events of more than one window of the job, so that there are rows to write.
fn events(visitors: &mut Visitors) -> Vec<(i32, String)> {
    let events = visitors.events(40_000).into_iter().enumerate();
    let broken = |(at, (partition, event)): (usize, (i32, String))| {
        let text = if at % BROKEN == 0 { format!("no event {at}") } else { event };
        (partition, text)
    };
    events.map(broken).collect()
}

/// Partition and offset of the letters of a job, in order.
fn places(shop: &Shop) -> Vec<(String, u64)> {
    let place = |letter: &Value| {
        let partition = letter["partition"].as_str()?.to_owned();
        Some((partition, letter["offset"].as_u64()?))
    };
    let mut places: Vec<_> = shop.letters().iter().filter_map(place).collect();
    places.sort_unstable();
    places
}

/// Rows and letters are those of a run whose store was always there.
fn same_as_undisturbed(kafka: &Kafka, topic: &str, other: &Shop) {
    let redis = RedisServer::start(&[]);
    let undisturbed = shop(kafka, topic, &redis, "");
    let mut running = [undisturbed.start(&JOB)];
    undisturbed.wait(&JOB, &mut running);
    running.into_iter().for_each(Running::stop);
    assert_eq!(other.served(), undisturbed.served());
    let expected = places(&undisturbed);
    assert!(!expected.is_empty());
    assert_eq!(places(other), expected);
}

#[test]
fn a_job_holds_back_while_its_store_is_down_and_catches_up() {
    let kafka = Kafka::shared();
    let (topic, mut redis) = (events_topic(&kafka), durable());
    let shop = shop(&kafka, &topic, &redis, "");
    let mut visitors = Visitors::new(29);
    put(&kafka, &topic, &events(&mut visitors));
    let mut running = [shop.start(&JOB)];
    shop.wait(&JOB, &mut running);
    redis.kill();
    put(&kafka, &topic, &events(&mut visitors));
    running[0].said("is held back");
    let before = running[0].memory();
    put(&kafka, &topic, &events(&mut visitors));
    sleep(Duration::from_secs(5));
    let after = running[0].memory();
    // What is read ahead is 16 MiB at most.
    assert!(after < before + (32 << 20), "{before} bytes became {after} while nothing was taken");
    redis.restart();
    shop.wait(&JOB, &mut running);
    running.into_iter().for_each(Running::stop);
    same_as_undisturbed(&kafka, &topic, &shop);
}

#[test]
fn a_job_that_is_told_to_end_while_its_store_is_down_ends_well_and_loses_nothing() {
    let kafka = Kafka::shared();
    let (topic, mut redis) = (events_topic(&kafka), durable());
    let shop = shop(&kafka, &topic, &redis, "");
    let mut visitors = Visitors::new(31);
    put(&kafka, &topic, &events(&mut visitors));
    let mut running = [shop.start(&JOB)];
    shop.wait(&JOB, &mut running);
    redis.kill();
    put(&kafka, &topic, &events(&mut visitors));
    running[0].said("is held back");
    for said in running.map(Running::stopped) {
        assert!(said.contains("ended without a last commit"), "{said}");
    }
    redis.restart();
    let mut running = [shop.start(&JOB)];
    shop.wait(&JOB, &mut running);
    running.into_iter().for_each(Running::stop);
    same_as_undisturbed(&kafka, &topic, &shop);
}

#[test]
fn a_transaction_that_took_longer_than_the_broker_waits_is_begun_again() {
    let kafka = Kafka::shared();
    let (topic, mut redis) = (events_topic(&kafka), durable());
    let shop = shop(&kafka, &topic, &redis, ", transaction.timeout.ms: 2000");
    let mut visitors = Visitors::new(37);
    put(&kafka, &topic, &events(&mut visitors));
    let mut running = [shop.start(&JOB)];
    shop.wait(&JOB, &mut running);
    redis.kill();
    put(&kafka, &topic, &events(&mut visitors));
    running[0].said("is held back");
    // What comes behind an open transaction is not seen before its end, which here is the broker's.
    let letters = format!("{}-letters", shop.project());
    put(&kafka, &letters, &[(0, "\"marker\"".to_owned())]);
    let deadline = Instant::now() + Duration::from_mins(2);
    while !shop.letters().contains(&Value::from("marker")) {
        assert!(Instant::now() < deadline, "the broker waits for ever");
        sleep(Duration::from_millis(500));
    }
    assert!(!running[0].has_ended());
    redis.restart();
    running[0].said("begins again");
    shop.wait(&JOB, &mut running);
    running.into_iter().for_each(Running::stop);
    same_as_undisturbed(&kafka, &topic, &shop);
}
