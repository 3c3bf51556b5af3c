//! Programs and brokers that die.

use std::thread::{scope, sleep};
use std::time::Duration;

use larder_tests::{Kafka, KafkaNode};

use crate::running::Running;
use crate::shop::{ALL, JOBS, Shop, events_topic};
use crate::visitors::{Visitors, put};

fn number(variable: &str, otherwise: usize) -> usize {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// The rows of a run that is left alone are those of the other.
fn same_as_undisturbed(kafka: &Kafka, events: &str, other: &Shop) {
    let undisturbed = Shop::over(kafka, events);
    let mut running = [undisturbed.start(&[])];
    undisturbed.wait(&ALL, &mut running);
    running.into_iter().for_each(Running::stop);
    for job in JOBS {
        let (expected, found) = (undisturbed.rows(job), other.rows(job));
        assert!(!expected.is_empty(), "{job} has rows");
        assert_eq!(found.len(), expected.len(), "{job}");
        for (found, expected) in found.iter().zip(&expected) {
            assert_eq!(found, expected, "{job}");
        }
    }
    assert_eq!(other.served(), undisturbed.served());
    let expected = undisturbed.logged();
    assert!(!expected.is_empty());
    assert_eq!(other.logged(), expected);
}

/// When to kill in a round: the golden ratio spreads any number of rounds evenly.
fn moment(round: usize) -> Duration {
    let share = (round as f64 * 0.618_034) % 1.0;
    Duration::from_millis(600) + Duration::from_secs(2).mul_f64(share)
}

#[test]
fn jobs_that_are_killed_again_and_again_tell_every_row_once() {
    let kafka = Kafka::shared();
    let events = events_topic(&kafka);
    let shop = Shop::over(&kafka, &events);
    let mut visitors = Visitors::new(7);
    put(&kafka, &events, &visitors.events(5_000));
    let in_a_round = number("FS_TEST_EVENTS", 10_000);
    for round in 0..number("FS_TEST_ROUNDS", 4) {
        let running = shop.start(&[]);
        put(&kafka, &events, &visitors.events(in_a_round));
        sleep(moment(round));
        running.kill();
    }
    let mut running = [shop.start(&[])];
    shop.wait(&ALL, &mut running);
    running.into_iter().for_each(Running::stop);
    same_as_undisturbed(&kafka, &events, &shop);
}

#[test]
fn instances_that_are_killed_again_and_again_tell_every_row_once() {
    let kafka = Kafka::shared();
    let events = events_topic(&kafka);
    let shop = Shop::repartitioned(&kafka, &events);
    let mut visitors = Visitors::new(19);
    put(&kafka, &events, &visitors.events(5_000));
    let in_a_round = number("FS_TEST_EVENTS", 10_000);
    let start = |name: &str| shop.start(&["--instance", name]);
    // One joins the one that runs, which then dies, or now and then leaves in order.
    let names = ["a", "b", "c"];
    let mut running = start(names[0]);
    for round in 0..number("FS_TEST_ROUNDS", 4) {
        let joins = start(names[(round + 1) % names.len()]);
        put(&kafka, &events, &visitors.events(in_a_round));
        sleep(moment(round));
        let leaves = std::mem::replace(&mut running, joins);
        if round % 4 == 3 { leaves.stop() } else { leaves.kill() }
    }
    let mut running = [running];
    shop.wait(&ALL, &mut running);
    let undisturbed = Shop::over(&kafka, &events);
    let mut alone = [undisturbed.start(&[])];
    undisturbed.wait(&ALL, &mut alone);
    alone.into_iter().for_each(Running::stop);
    for job in JOBS {
        shop.wait_for_rows(job, &undisturbed.rows(job), &mut running);
    }
    shop.wait_for_served(&undisturbed.served(), &mut running);
    running.into_iter().for_each(Running::stop);
    assert_eq!(shop.logged(), undisturbed.logged());
    for job in JOBS {
        assert_eq!(shop.rows(job), undisturbed.rows(job), "{job}: nothing follows");
    }
}

#[test]
fn a_broker_that_dies_under_load_loses_nothing_and_ends_no_job() {
    let mut node = KafkaNode::new();
    node.start();
    let kafka = node.kafka();
    let events = events_topic(&kafka);
    let shop = Shop::over(&kafka, &events);
    let mut visitors = Visitors::new(11);
    let mut running = [shop.start(&[])];
    for _ in 0..2 {
        let batch = visitors.events(10_000);
        scope(|threads| {
            let load = threads.spawn(|| put(&kafka, &events, &batch));
            sleep(Duration::from_millis(700));
            node.kill();
            sleep(Duration::from_millis(500));
            node.start();
            load.join().expect("every event arrives in the end");
        });
    }
    shop.wait(&ALL, &mut running);
    running.into_iter().for_each(Running::stop);
    same_as_undisturbed(&kafka, &events, &shop);
}
