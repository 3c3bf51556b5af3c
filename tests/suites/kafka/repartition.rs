//! Jobs whose key is not what their topic is keyed by, on several instances.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use larder_tests::Kafka;
use serde_json::Value;

use crate::running::Running;
use crate::shop::{Shop, events_topic};
use crate::visitors::{Visitors, put};

const JOBS: [&str; 2] = ["visits", "popularity"];

/// Starts an instance of both jobs.
fn instance(shop: &Shop, name: &str) -> Running {
    shop.start(&[&JOBS[..], &["--instance", name]].concat())
}

#[test]
fn instances_that_join_leave_and_die_tell_the_rows_of_one_that_reads_everything() {
    let kafka = Kafka::shared();
    let events = events_topic(&kafka);
    let shop = Shop::repartitioned(&kafka, &events);
    let mut visitors = Visitors::new(23);
    let mut put_more = |count| put(&kafka, &events, &visitors.events(count));
    put_more(5_000);
    let first = instance(&shop, "a");
    let rows = shop.wait_for_more("visits", 0);
    let second = instance(&shop, "b");
    put_more(10_000);
    let rows = shop.wait_for_more("visits", rows);
    first.stop();
    put_more(10_000);
    let third = instance(&shop, "c");
    let rows = shop.wait_for_more("visits", rows);
    put_more(10_000);
    second.kill();
    shop.wait_for_more("visits", rows);
    put_more(2_000);

    let undisturbed = Shop::over(&kafka, &events);
    let mut running = [undisturbed.start(&JOBS)];
    undisturbed.wait(&JOBS, &mut running);
    running.into_iter().for_each(Running::stop);
    let (expected, served) = (undisturbed.rows("visits"), undisturbed.served());
    assert!(!expected.is_empty());
    let mut running = [third];
    shop.wait_for_rows("visits", &expected, &mut running);
    shop.wait_for_served(&served, &mut running);
    running.into_iter().for_each(Running::stop);
    assert_eq!(shop.rows("visits"), expected, "nothing follows");
}

#[test]
fn a_job_begins_anew_behind_what_went_on_before() {
    let kafka = Kafka::shared();
    let events = events_topic(&kafka);
    let shop = Shop::repartitioned(&kafka, &events);
    let mut visitors = Visitors::new(29);
    put(&kafka, &events, &visitors.events(4_000));
    let mut running = [shop.start(&["popularity"])];
    shop.wait(&["popularity"], &mut running);
    running.into_iter().for_each(Running::stop);
    // The window that all of these are in closes with those that follow: what went on twice would count twice.
    put(&kafka, &events, &visitors.events(14_000));
    let again = shop.start(&["popularity", "--reset"]);
    let undisturbed = Shop::over(&kafka, &events);
    let mut running = [undisturbed.start(&["popularity"])];
    undisturbed.wait(&["popularity"], &mut running);
    running.into_iter().for_each(Running::stop);
    let served = undisturbed.served();
    assert!(!served["popularity_score"][0].is_null(), "{served}");
    let mut running = [again];
    shop.wait_for_served(&served, &mut running);
    running.into_iter().for_each(Running::stop);
    assert_eq!(shop.served(), served, "nothing follows");
}

#[test]
fn an_event_that_is_too_late_is_a_letter_with_its_bytes() {
    let kafka = Kafka::shared();
    let events = events_topic(&kafka);
    let shop = Shop::repartitioned(&kafka, &events);
    let mut visitors = Visitors::new(31);
    let (first, second) = (visitors.events(60), visitors.events(60));
    put(&kafka, &events, &visitors.events(80_000));
    let undisturbed = Shop::over(&kafka, &events);
    let mut running = [undisturbed.start(&["popularity"])];
    undisturbed.wait(&["popularity"], &mut running);
    running.into_iter().for_each(Running::stop);
    let mut running = [shop.start(&["popularity"])];
    shop.wait_for_served(&undisturbed.served(), &mut running);
    // Half an hour too late by now, some of them far behind the others of their partitions.
    put(&kafka, &events, &first);
    put(&kafka, &events, &visitors.events(20_000));
    put(&kafka, &events, &second);
    let late = [first, second].concat();
    let letters = shop.wait_for_letters(late.len(), &mut running);
    running.into_iter().for_each(Running::stop);
    let bytes = |letter: &Value| {
        let text = letter["payload"].as_str().expect("a text");
        String::from_utf8(STANDARD.decode(text).expect("base64")).expect("JSON")
    };
    assert!(letters.iter().all(|letter| letter["fault"] == "too_late"), "{letters:?}");
    let mut found: Vec<String> = letters.iter().map(bytes).collect();
    let mut expected: Vec<String> = late.into_iter().map(|(_, event)| event).collect();
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn a_topic_in_between_that_is_not_there_or_has_other_partitions_ends_the_run_with_a_hint() {
    let kafka = Kafka::shared();
    let events = events_topic(&kafka);
    let shop = Shop::repartitioned(&kafka, &events);
    shop.replace_in_jobs("repartition: {partitions: 3}", "repartition: {partitions: 5}");
    let (is_good, log) = shop.start(&["visits"]).end();
    assert!(!is_good && log.contains("has 3 partitions, not 5"), "{log}");
    // The job has another topic in between then.
    shop.replace_in_jobs("job: visits", "job: visits-2");
    let (is_good, log) = shop.start(&["visits-2"]).end();
    assert!(!is_good && log.contains("fs stream topics apply"), "{log}");
}
